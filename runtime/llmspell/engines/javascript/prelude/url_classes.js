// URL and URLSearchParams as scripts use them, over the parser of url.js.

const urls = new NativeWeakMap(); // URL -> what url.js parsed
const hrefOf = (value) => {
  const url = weakGet(urls, value);
  return url === undefined ? undefined : urlText(url);
};

// application/x-www-form-urlencoded: everything but these is percent-encoded, a blank is `+`.
const formEncode = (text) => {
  const bytes = utf8(text);
  let result = "";
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index], character = byte < 128 ? fromCharCode(byte) : "";
    if (byte === 32) result += "+";
    else if (byte < 128 && (isAlpha(byte) || isDigit(byte) || has("*-._", character))) result += character;
    else result += percent(byte);
  }
  return result;
};
const formDecode = (text) => decodePercent(join(splitText(text, "+"), " "));

const parseForm = (text) => {
  const pairs = [], parts = splitText(text, "&");
  for (let index = 0; index < parts.length; index++) {
    if (parts[index] === "") continue;
    const at = findText(parts[index], "=");
    const name = at < 0 ? parts[index] : sliceText(parts[index], 0, at);
    append(pairs, record({ name: formDecode(name), value: at < 0 ? "" : formDecode(sliceText(parts[index], at + 1)) }));
  }
  return pairs;
};

const wellFormed = uncurryNone(NativeString.prototype.toWellFormed);
const usv = (value) => wellFormed(`${value}`);
const urlOfParams = new NativeWeakMap(); // URLSearchParams -> the URL it belongs to
const refreshParams = new NativeWeakMap(); // URLSearchParams -> sets its pairs from a query

class URLSearchParams {
  #pairs = [];

  constructor(init = "") {
    weakSet(refreshParams, this, (text) => (this.#pairs = parseForm(text)));
    if (isObject(init)) {
      const list = init[iteratorSymbol] === undefined ? NativeObject.entries(init) : NativeArray.from(init);
      for (let index = 0; index < list.length; index++) {
        const pair = NativeArray.from(list[index]);
        if (pair.length !== 2) throw new NativeTypeError("URLSearchParams takes pairs of a name and a value");
        append(this.#pairs, record({ name: usv(pair[0]), value: usv(pair[1]) }));
      }
    } else {
      const text = usv(init);
      this.#pairs = parseForm(text[0] === "?" ? sliceText(text, 1) : text);
    }
  }

  #changed(pairs) {
    this.#pairs = pairs;
    const url = weakGet(urlOfParams, this);
    if (url !== undefined) url.query = pairs.length ? this.toString() : null;
  }

  #filter(keeps) {
    const kept = [];
    for (let index = 0; index < this.#pairs.length; index++) if (keeps(this.#pairs[index], index)) append(kept, this.#pairs[index]);
    return kept;
  }

  get size() { return this.#pairs.length; }

  append(name, value) {
    const pairs = copyList(this.#pairs);
    append(pairs, record({ name: usv(name), value: usv(value) }));
    this.#changed(pairs);
  }

  delete(name, value) {
    this.#changed(this.#filter((pair) => pair.name !== usv(name) || (value !== undefined && pair.value !== usv(value))));
  }

  get(name) {
    const found = this.#filter((pair) => pair.name === usv(name));
    return found.length ? found[0].value : null;
  }

  getAll(name) {
    const values = [], found = this.#filter((pair) => pair.name === usv(name));
    for (let index = 0; index < found.length; index++) append(values, found[index].value);
    return values;
  }

  has(name, value) {
    return this.#filter((pair) => pair.name === usv(name) && (value === undefined || pair.value === usv(value))).length > 0;
  }

  set(name, value) {
    let isSet = false;
    const key = usv(name), text = usv(value), pairs = [];
    for (let index = 0; index < this.#pairs.length; index++) {
      if (this.#pairs[index].name !== key) append(pairs, this.#pairs[index]);
      else if (!isSet) {
        isSet = true;
        append(pairs, record({ name: key, value: text }));
      }
    }
    if (!isSet) append(pairs, record({ name: key, value: text }));
    this.#changed(pairs);
  }

  sort() {
    const pairs = copyList(this.#pairs);
    for (let index = 1; index < pairs.length; index++)
      for (let at = index; at > 0 && pairs[at - 1].name > pairs[at].name; at--) {
        const held = pairs[at];
        pairs[at] = pairs[at - 1];
        pairs[at - 1] = held;
      }
    this.#changed(pairs);
  }

  forEach(work, self) {
    for (let index = 0; index < this.#pairs.length; index++) apply(work, self, [this.#pairs[index].value, this.#pairs[index].name, this]);
  }

  *entries() {
    for (let index = 0; index < this.#pairs.length; index++) yield [this.#pairs[index].name, this.#pairs[index].value];
  }

  *keys() {
    for (let index = 0; index < this.#pairs.length; index++) yield this.#pairs[index].name;
  }

  *values() {
    for (let index = 0; index < this.#pairs.length; index++) yield this.#pairs[index].value;
  }

  toString() {
    let text = "";
    for (let index = 0; index < this.#pairs.length; index++)
      text += `${index ? "&" : ""}${formEncode(this.#pairs[index].name)}=${formEncode(this.#pairs[index].value)}`;
    return text;
  }
}
define(URLSearchParams.prototype, iteratorSymbol, URLSearchParams.prototype.entries);
define(URLSearchParams.prototype, toStringTag, "URLSearchParams");
provide("URLSearchParams", URLSearchParams);

class URL {
  #url;
  #params;

  constructor(url, base) {
    const origin = base === undefined ? null : parseUrl(usv(base), null);
    this.#take(parseUrl(usv(url), origin));
  }

  #take(url) {
    this.#url = url;
    weakSet(urls, this, url);
    this.#params ??= new URLSearchParams();
    weakSet(urlOfParams, this.#params, url);
    this.#refresh();
  }

  #refresh() {
    weakGet(refreshParams, this.#params)(this.#url.query ?? "");
  }

  // Replaces what the setters may: a part that does not parse leaves the URL as it was, as the standard says.
  #attempt(change) {
    try {
      change(this.#url);
    } catch (error) {
      if (!isPrototypeOf(NativeTypeError.prototype, error)) throw error;
    }
  }

  static canParse(url, base) {
    try {
      new URL(url, base);
      return true;
    } catch {
      return false;
    }
  }

  static parse(url, base) {
    return URL.canParse(url, base) ? new URL(url, base) : null;
  }

  get href() { return urlText(this.#url); }
  set href(value) { this.#take(parseUrl(usv(value), null)); }

  get origin() {
    return isSpecial(this.#url.scheme) && this.#url.scheme !== "file:" ? `${this.#url.scheme}//${hostText(this.#url)}` : "null";
  }

  get protocol() { return this.#url.scheme; }
  set protocol(value) {
    const scheme = schemeOf(`${splitText(usv(value), ":")[0]}:`);
    if (scheme === "" || isSpecial(scheme) !== isSpecial(this.#url.scheme)) return;
    this.#url.scheme = scheme;
    if (DEFAULT_PORTS[scheme] === this.#url.port) this.#url.port = null;
  }

  get username() { return this.#url.username; }
  set username(value) { if (this.#url.host) this.#url.username = encodePercent(usv(value), USERINFO_SET); }

  get password() { return this.#url.password; }
  set password(value) { if (this.#url.host) this.#url.password = encodePercent(usv(value), USERINFO_SET); }

  get host() { return hostText(this.#url); }
  set host(value) {
    this.#attempt((url) => {
      if (url.opaque) return;
      const text = usv(value), copy = inherit(url);
      parseAuthority(copy, sliceText(text, 0, endOf(text, 0, "/\\?#@")), text);
      url.host = copy.host;
      url.port = copy.port;
    });
  }

  get hostname() { return this.#url.host ?? ""; }
  set hostname(value) {
    this.#attempt((url) => {
      const text = usv(value);
      if (!url.opaque) url.host = parseHost(sliceText(text, 0, endOf(text, 0, "/\\?#@:")), url.scheme, text);
    });
  }

  get port() { return this.#url.port === null ? "" : `${this.#url.port}`; }
  set port(value) {
    this.#attempt((url) => {
      if (usv(value) === "") url.port = null;
      else if (url.host) parsePort(url, usv(value), usv(value));
    });
  }

  get pathname() { return pathText(this.#url); }
  set pathname(value) {
    if (this.#url.opaque) return;
    const text = usv(value);
    this.#url.path = [];
    addSegments(this.#url, isSlash(this.#url, text[0]) ? sliceText(text, 1) : text);
    for (let index = 0; index < this.#url.path.length; index++)
      this.#url.path[index] = join(splitText(join(splitText(this.#url.path[index], "?"), "%3F"), "#"), "%23");
  }

  get search() { return this.#url.query ? `?${this.#url.query}` : ""; }
  set search(value) {
    const text = usv(value);
    if (text === "") this.#url.query = null;
    else setQuery(this.#url, text[0] === "?" ? sliceText(text, 1) : text);
    this.#refresh();
  }

  get searchParams() { return this.#params; }

  get hash() { return this.#url.fragment ? `#${this.#url.fragment}` : ""; }
  set hash(value) {
    const text = usv(value);
    this.#url.fragment = text === "" ? null : encodePercent(text[0] === "#" ? sliceText(text, 1) : text, FRAGMENT_SET);
  }

  toString() { return urlText(this.#url); }
  toJSON() { return urlText(this.#url); }
}
define(URL.prototype, toStringTag, "URL");
provide("URL", URL);
