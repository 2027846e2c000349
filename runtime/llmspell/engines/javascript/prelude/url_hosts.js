// Hosts of URLs: names in Punycode, IPv4 addresses in all their spellings, IPv6 addresses in their shortest.

// RFC 3492; the constants are its section 5.
const punycode = (label) => {
  const points = [];
  for (let index = 0; index < label.length; index++) {
    append(points, codePoint(label, index));
    if (points[points.length - 1] > 0xffff) index++;
  }
  let output = "", handled = 0;
  for (let index = 0; index < points.length; index++)
    if (points[index] < 128) {
      output += fromCodePoint(points[index]);
      handled++;
    }
  const basic = handled;
  if (basic) output += "-";
  let n = 128, delta = 0, bias = 72;
  while (handled < points.length) {
    let next = 0x10ffff;
    for (let index = 0; index < points.length; index++) if (points[index] >= n && points[index] < next) next = points[index];
    delta += (next - n) * (handled + 1);
    n = next;
    for (let index = 0; index < points.length; index++) {
      if (points[index] < n) delta++;
      if (points[index] !== n) continue;
      let rest = delta;
      for (let k = 36; ; k += 36) {
        const threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
        if (rest < threshold) break;
        output += "abcdefghijklmnopqrstuvwxyz0123456789"[threshold + ((rest - threshold) % (36 - threshold))];
        rest = floor((rest - threshold) / (36 - threshold));
      }
      output += "abcdefghijklmnopqrstuvwxyz0123456789"[rest];
      bias = adapt(delta, handled + 1, handled === basic);
      delta = 0;
      handled++;
    }
    delta++;
    n++;
  }
  return `xn--${output}`;
};
const adapt = (delta, count, isFirst) => {
  delta = floor(delta / (isFirst ? 700 : 2));
  delta += floor(delta / count);
  let k = 0;
  for (; delta > 455; k += 36) delta = floor(delta / 35);
  return k + floor((36 * delta) / (delta + 38));
};
const normalizeText = uncurry(NativeString.prototype.normalize);

const domainToAscii = (domain) => {
  const labels = splitText(lowerText(normalizeText(domain, "NFKC")), ".");
  for (let index = 0; index < labels.length; index++) {
    let isAscii = true;
    for (let at = 0; at < labels[index].length; at++) if (charCode(labels[index], at) > 127) isAscii = false;
    if (!isAscii) labels[index] = punycode(labels[index]);
  }
  return join(labels, ".");
};

// A part of an IPv4 address: decimal, 0x hexadecimal or 0 octal; NaN for anything else.
const numberPart = (text) => {
  let base = 10;
  if (text.length > 1 && text[0] === "0") {
    base = text[1] === "x" || text[1] === "X" ? 16 : 8;
    text = sliceText(text, base === 16 ? 2 : 1);
  }
  let value = 0;
  for (let index = 0; index < text.length; index++) {
    const code = charCode(text, index), digit = isHex(code) ? hexValue(code) : 99;
    if (digit >= base) return NaN;
    value = value * base + digit;
  }
  return value;
};

const ipv4 = (domain, whole) => {
  const parts = splitText(domain, ".");
  const count = parts[parts.length - 1] === "" && parts.length > 1 ? parts.length - 1 : parts.length;
  const last = parts[count - 1];
  let isNumeric = last !== "";
  for (let index = 0; index < last.length; index++) if (!isDigit(charCode(last, index))) isNumeric = false;
  const isHexNumber = last.length >= 2 && last[0] === "0" && (last[1] === "x" || last[1] === "X");
  if (!isNumeric && !(isHexNumber && numberPart(last) === numberPart(last))) return undefined;
  if (count > 4) invalid(whole);
  let address = 0;
  for (let index = 0; index < count; index++) {
    const value = parts[index] === "" ? NaN : numberPart(parts[index]);
    const limit = index === count - 1 ? 256 ** (5 - count) : 256;
    if (!(value < limit)) invalid(whole);
    address += index === count - 1 ? value : value * 256 ** (3 - index);
  }
  return join([floor(address / 16777216), floor(address / 65536) % 256, floor(address / 256) % 256, address % 256], ".");
};

const ipv6 = (text, whole) => {
  const halves = splitText(text, "::");
  if (halves.length > 2) invalid(whole);
  const groups = (half) => {
    const pieces = [], parts = half === "" ? [] : splitText(half, ":");
    for (let index = 0; index < parts.length; index++) {
      if (index === parts.length - 1 && has(parts[index], ".")) {
        const four = splitText(parts[index], ".");
        if (four.length !== 4) invalid(whole);
        for (let at = 0; at < 4; at++) {
          if (four[at] === "" || four[at].length > 3 || (four[at].length > 1 && four[at][0] === "0")) invalid(whole);
          for (let digit = 0; digit < four[at].length; digit++) if (!isDigit(charCode(four[at], digit))) invalid(whole);
          if (numberPart(four[at]) > 255) invalid(whole);
        }
        append(pieces, numberPart(four[0]) * 256 + numberPart(four[1]));
        append(pieces, numberPart(four[2]) * 256 + numberPart(four[3]));
        continue;
      }
      if (parts[index] === "" || parts[index].length > 4) invalid(whole);
      let value = 0;
      for (let at = 0; at < parts[index].length; at++) {
        const code = charCode(parts[index], at);
        if (!isHex(code)) invalid(whole);
        value = value * 16 + hexValue(code);
      }
      append(pieces, value);
    }
    return pieces;
  };
  const pieces = groups(halves[0]), tail = halves.length === 2 ? groups(halves[1]) : [];
  const gap = 8 - pieces.length - tail.length;
  if (halves.length === 2 ? gap < 1 : gap !== 0) invalid(whole);
  for (let index = 0; index < gap; index++) append(pieces, 0);
  for (let index = 0; index < tail.length; index++) append(pieces, tail[index]);
  return `[${compress(pieces)}]`;
};

// The longest run of zeros, two or more, becomes `::`.
const compress = (pieces) => {
  let best = -1, bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && pieces[start + length] === 0) length++;
    if (length > bestLength) {
      best = start;
      bestLength = length;
    }
  }
  let text = "";
  for (let index = 0; index < 8; index++) {
    if (index === best) {
      text += "::";
      index += bestLength - 1;
      continue;
    }
    text += (text && sliceText(text, -1) !== ":" ? ":" : "") + digitsOf(pieces[index], 16);
  }
  return text;
};

const FORBIDDEN_HOST = "\0\t\n\r #/:<>?@[\\]^|";
const parseHost = (text, scheme, whole) => {
  if (text[0] === "[") {
    if (sliceText(text, -1) !== "]") invalid(whole);
    return ipv6(sliceText(text, 1, -1), whole);
  }
  if (!isSpecial(scheme)) {
    for (let index = 0; index < text.length; index++) if (has(FORBIDDEN_HOST, text[index])) invalid(whole);
    return encodePercent(text, "");
  }
  const domain = domainToAscii(decodePercent(text));
  if (domain === "") invalid(whole);
  for (let index = 0; index < domain.length; index++)
    if (has(`${FORBIDDEN_HOST}%`, domain[index]) || charCode(domain, index) < 0x20 || charCode(domain, index) === 0x7f) invalid(whole);
  return ipv4(domain, whole) ?? domain;
};
