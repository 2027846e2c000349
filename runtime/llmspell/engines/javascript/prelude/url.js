// URL and URLSearchParams, after the WHATWG standard (https://url.spec.whatwg.org): the basic parser as functions over
// a string. Domain names outside ASCII are written in Punycode; the full Unicode mapping of UTS 46 is left out.

const DEFAULT_PORTS = record({ "http:": 80, "https:": 443, "ws:": 80, "wss:": 443, "ftp:": 21, "file:": null });
const isSpecial = (scheme) => scheme in DEFAULT_PORTS;
const invalid = (text) => {
  throw new NativeTypeError(`Invalid URL: ${quote(text)}`);
};

const codeIn = (code, low, high) => code >= charCode(low, 0) && code <= charCode(high, 0);
const isAlpha = (code) => codeIn(code | 32, "a", "z");
const isDigit = (code) => codeIn(code, "0", "9");
const isHex = (code) => isDigit(code) || codeIn(code | 32, "a", "f");
const hexValue = (code) => hexDigit(isDigit(code) ? code : code | 32);
const has = (set, character) => findText(set, character) >= 0;

// Percent-encode sets: each adds to the one before it.
const QUERY_SET = ' "#<>';
const FRAGMENT_SET = ' "<>`';
const PATH_SET = `${QUERY_SET}?^\`{}`;
const USERINFO_SET = `${PATH_SET}/:;=@[\\]|`;

const HEX_UPPER = "0123456789ABCDEF";
const percent = (byte) => `%${HEX_UPPER[byte >> 4]}${HEX_UPPER[byte & 15]}`;
const encodePercent = (text, set) => {
  let result = "";
  for (let index = 0; index < text.length; index++) {
    const code = charCode(text, index);
    if (code > 0x1f && code < 0x7f && !has(set, text[index])) {
      result += text[index];
      continue;
    }
    const pair = code >= 0xd800 && code <= 0xdbff && codePoint(text, index) > 0xffff;
    const bytes = utf8(sliceText(text, index, index + (pair ? 2 : 1)));
    for (let at = 0; at < bytes.length; at++) result += percent(bytes[at]);
    if (pair) index++;
  }
  return result;
};

const textDecoder = new provided.TextDecoder("utf-8", record({ ignoreBOM: true }));
const decodeText = uncurry(provided.TextDecoder.prototype.decode);
const decodePercent = (text) => {
  const source = utf8(text), bytes = [];
  for (let index = 0; index < source.length; index++) {
    if (source[index] === 37 && isHex(source[index + 1]) && isHex(source[index + 2])) {
      append(bytes, hexValue(source[index + 1]) * 16 + hexValue(source[index + 2]));
      index += 2;
    } else append(bytes, source[index]);
  }
  const view = new NativeUint8Array(bytes.length);
  for (let index = 0; index < bytes.length; index++) view[index] = bytes[index];
  return decodeText(textDecoder, view);
};

// -- the parser ----------------------------------------------------------------------------------------------------

const trimUrl = (text) => {
  let start = 0, end = text.length, clean = "";
  while (start < end && charCode(text, start) <= 32) start++;
  while (end > start && charCode(text, end - 1) <= 32) end--;
  for (; start < end; start++) if (!has("\t\n\r", text[start])) clean += text[start];
  return clean;
};

const schemeOf = (text) => {
  if (!text || !isAlpha(charCode(text, 0))) return "";
  for (let index = 0; index < text.length; index++) {
    const code = charCode(text, index);
    if (text[index] === ":") return lowerText(sliceText(text, 0, index + 1));
    if (!isAlpha(code) && !isDigit(code) && !has("+-.", text[index])) return "";
  }
  return "";
};

const isSlash = (url, character) => character === "/" || (character === "\\" && isSpecial(url.scheme));
const endOf = (text, start, stops) => {
  let index = start;
  while (index < text.length && !has(stops, text[index])) index++;
  return index;
};

const isDot = (segment) => segment === "." || lowerText(segment) === "%2e";
const isDoubleDot = (segment) => has(";..;.%2e;%2e.;%2e%2e;", `;${lowerText(segment)};`);
const isDrive = (segment) => segment.length === 2 && isAlpha(charCode(segment, 0)) && has(":|", segment[1]);

const addSegments = (url, text) => {
  const segments = [];
  let segment = "";
  for (let index = 0; index < text.length; index++) {
    if (!isSlash(url, text[index])) segment += text[index];
    else {
      append(segments, segment);
      segment = "";
    }
  }
  append(segments, segment);
  for (let index = 0; index < segments.length; index++) {
    const isLast = index === segments.length - 1;
    if (isDoubleDot(segments[index])) {
      if (url.path.length && !(url.scheme === "file:" && url.path.length === 1 && isDrive(url.path[0]))) url.path.length--;
      if (isLast) append(url.path, "");
    } else if (isDot(segments[index])) {
      if (isLast) append(url.path, "");
    } else {
      let encoded = encodePercent(segments[index], PATH_SET);
      if (url.scheme === "file:" && url.path.length === 0 && isDrive(encoded)) encoded = `${encoded[0]}:`;
      append(url.path, encoded);
    }
  }
};

const setQuery = (url, text) => (url.query = encodePercent(text, isSpecial(url.scheme) ? `${QUERY_SET}'` : QUERY_SET));

const parsePort = (url, text, whole) => {
  if (text === "") return;
  let port = 0;
  for (let index = 0; index < text.length; index++) {
    if (!isDigit(charCode(text, index))) invalid(whole);
    port = port * 10 + charCode(text, index) - 48;
    if (port > 65535) invalid(whole);
  }
  url.port = DEFAULT_PORTS[url.scheme] === port ? null : port;
};

const parseAuthority = (url, text, whole) => {
  const at = findLastText(text, "@", text.length);
  if (at >= 0) {
    const userinfo = sliceText(text, 0, at), colon = findText(userinfo, ":");
    url.username = encodePercent(colon < 0 ? userinfo : sliceText(userinfo, 0, colon), USERINFO_SET);
    url.password = colon < 0 ? "" : encodePercent(sliceText(userinfo, colon + 1), USERINFO_SET);
    text = sliceText(text, at + 1);
    if (text === "") invalid(whole);
  }
  const close = text[0] === "[" ? findText(text, "]") : 0;
  const colon = close < 0 ? -1 : findText(text, ":", close);
  const name = colon < 0 ? text : sliceText(text, 0, colon);
  if (name === "" && (isSpecial(url.scheme) || colon >= 0)) invalid(whole);
  url.host = name === "" ? "" : parseHost(name, url.scheme, whole);
  if (colon >= 0) parsePort(url, sliceText(text, colon + 1), whole);
};

const newUrl = (scheme) =>
  record({ scheme, username: "", password: "", host: null, port: null, path: [], opaque: false, query: null, fragment: null });
const inherit = (base) => {
  const url = newUrl(base.scheme);
  url.username = base.username;
  url.password = base.password;
  url.host = base.host;
  url.port = base.port;
  url.path = copyList(base.path);
  url.query = base.query;
  return url;
};

const parseFile = (url, rest, base) => {
  let text = rest;
  url.host = "";
  if (isSlash(url, text[0]) && isSlash(url, text[1])) {
    let end = 2;
    while (end < text.length && !isSlash(url, text[end])) end++;
    const name = sliceText(text, 2, end);
    if (isDrive(name)) return addSegments(url, sliceText(text, 2));
    const parsed = name === "" ? "" : parseHost(name, url.scheme, name);
    url.host = parsed === "localhost" ? "" : parsed;
    return addSegments(url, sliceText(text, end + 1));
  }
  if (base !== null && base.scheme === "file:") {
    url.host = base.host;
    if (isSlash(url, text[0])) return addSegments(url, sliceText(text, 1));
    return extendPath(url, base, text);
  }
  return addSegments(url, isSlash(url, text[0]) ? sliceText(text, 1) : text);
};

const extendPath = (url, base, text) => {
  url.path = copyList(base.path);
  if (text === "") return;
  if (url.path.length) url.path.length--;
  addSegments(url, text);
};

const parseUrl = (input, base) => {
  const whole = trimUrl(input);
  const hash = findText(whole, "#"), withoutHash = hash < 0 ? whole : sliceText(whole, 0, hash);
  const scheme = schemeOf(withoutHash);
  const url = parseWithoutFragment(withoutHash, scheme, base, input);
  if (hash >= 0) url.fragment = encodePercent(sliceText(whole, hash + 1), FRAGMENT_SET);
  return url;
};

const parseWithoutFragment = (text, scheme, base, whole) => {
  if (scheme === "") {
    if (base === null || (base.opaque && text !== "")) invalid(whole);
    return parseRelative(inherit(base), base, text, whole);
  }
  let rest = sliceText(text, scheme.length);
  if (base !== null && isSpecial(scheme) && scheme === base.scheme && scheme !== "file:" && !isSlash(base, rest[0]))
    return parseRelative(inherit(base), base, rest, whole);
  const url = newUrl(scheme), question = findText(rest, "?");
  if (question >= 0) {
    setQuery(url, sliceText(rest, question + 1));
    rest = sliceText(rest, 0, question);
  }
  if (scheme === "file:") {
    if (question < 0 && base !== null && base.scheme === "file:" && rest === "") url.query = base.query;
    parseFile(url, rest, base);
  } else if (isSpecial(scheme)) {
    while (isSlash(url, rest[0])) rest = sliceText(rest, 1);
    parseAfterSlashes(url, rest, whole);
  } else if (rest[0] === "/" && rest[1] === "/") parseAfterSlashes(url, sliceText(rest, 2), whole);
  else if (rest[0] === "/") addSegments(url, sliceText(rest, 1));
  else {
    url.opaque = true;
    url.path = encodePercent(rest, "");
  }
  return url;
};

const parseAfterSlashes = (url, text, whole) => {
  const end = endOf(text, 0, isSpecial(url.scheme) ? "/\\" : "/");
  parseAuthority(url, sliceText(text, 0, end), whole);
  if (end < text.length) addSegments(url, sliceText(text, end + 1));
  else if (isSpecial(url.scheme)) append(url.path, "");
};

const parseRelative = (url, base, text, whole) => {
  const question = findText(text, "?");
  const path = question < 0 ? text : sliceText(text, 0, question);
  if (base.opaque) {
    url.opaque = true;
    url.path = base.path;
    return url;
  }
  if (path !== "" || question >= 0) url.query = null;
  if (url.scheme === "file:") {
    url.path = [];
    parseFile(url, path, base);
  } else if (isSlash(url, path[0]) && isSlash(url, path[1])) {
    const fresh = newUrl(url.scheme);
    let rest = sliceText(path, 2);
    while (isSpecial(url.scheme) && isSlash(url, rest[0])) rest = sliceText(rest, 1);
    parseAfterSlashes(fresh, rest, whole);
    url = fresh;
  } else if (isSlash(url, path[0])) {
    url.path = [];
    addSegments(url, sliceText(path, 1));
  } else extendPath(url, base, path);
  if (question >= 0) setQuery(url, sliceText(text, question + 1));
  return url;
};

const hostText = (url) => (url.host === null ? "" : url.port === null ? url.host : `${url.host}:${url.port}`);
const pathText = (url) => {
  if (url.opaque) return url.path;
  return url.path.length ? `/${join(url.path, "/")}` : "";
};
const urlText = (url, withFragment = true) => {
  let text = url.scheme;
  if (url.host !== null) {
    text += "//";
    if (url.username || url.password) text += `${url.username}${url.password && `:${url.password}`}@`;
    text += hostText(url);
  } else if (!url.opaque && url.path.length > 1 && url.path[0] === "") text += "/.";
  text += pathText(url);
  if (url.query !== null) text += `?${url.query}`;
  return withFragment && url.fragment !== null ? `${text}#${url.fragment}` : text;
};
