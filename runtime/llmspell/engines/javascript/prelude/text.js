// TextEncoder, TextDecoder (UTF-8) and structuredClone.

const utf8 = (text) => {
  const bytes = [];
  for (let index = 0; index < text.length; index++) {
    let point = codePoint(text, index);
    if (point > 0xffff) index++;
    else if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) append(bytes, point);
    else {
      const tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
      append(bytes, (point >> (6 * tail)) | (tail === 1 ? 0xc0 : tail === 2 ? 0xe0 : 0xf0));
      for (let shift = 6 * (tail - 1); shift >= 0; shift -= 6) append(bytes, ((point >> shift) & 0x3f) | 0x80);
    }
  }
  return bytes;
};

provide("TextEncoder", class TextEncoder {
  get encoding() { return "utf-8"; }

  encode(text = "") {
    const bytes = utf8(`${text}`), result = new NativeUint8Array(bytes.length);
    for (let index = 0; index < bytes.length; index++) result[index] = bytes[index];
    return result;
  }
});

// One character at a place, as [code point, length]; a malformed one is -1 and as long as its valid part.
const decodeAt = (bytes, start, size) => {
  const first = bytes[start];
  if (first < 0x80) return record({ point: first, length: 1 });
  const tail = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
  let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  let point = first & (0x3f >> tail), length = 1;
  for (; length <= tail; length++) {
    if (start + length >= size) return record({ point: -1, length, cut: true });
    const byte = bytes[start + length];
    if (byte < low || byte > high) break;
    point = (point << 6) | (byte & 0x3f);
    low = 0x80;
    high = 0xbf;
  }
  return record(tail > 0 && length > tail ? { point, length } : { point: -1, length });
};

provide("TextDecoder", class TextDecoder {
  #fatal;
  #ignoreBOM;
  #rest = [];
  #begun = false;

  constructor(label = "utf-8", options = {}) {
    const name = lowerText(`${label}`);
    if (name !== "utf-8" && name !== "utf8") throw new NativeRangeError(`TextDecoder knows utf-8, not ${inspect(label)}`);
    this.#fatal = options.fatal === true;
    this.#ignoreBOM = options.ignoreBOM === true;
  }

  get encoding() { return "utf-8"; }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBOM; }

  decode(input, options) {
    const streaming = options !== undefined && options !== null && options.stream === true;
    const bytes = this.#rest;
    this.#rest = [];
    if (input !== undefined) {
      const view = bytesOf(input);
      for (let index = 0, size = viewLength(view); index < size; index++) append(bytes, view[index]);
    }
    let text = "";
    for (let at = 0; at < bytes.length; ) {
      const { point, length, cut } = decodeAt(bytes, at, bytes.length);
      if (cut && streaming) {
        for (; at < bytes.length; at++) append(this.#rest, bytes[at]);
        break;
      }
      if (point < 0 && this.#fatal) throw new NativeTypeError(`byte ${at} is not valid UTF-8`);
      if (this.#begun || this.#ignoreBOM || point !== 0xfeff) text += point < 0 ? "\ufffd" : fromCodePoint(point);
      this.#begun = true;
      at += length;
    }
    if (!streaming) this.#begun = false;
    return text;
  }
});

// -- structuredClone -----------------------------------------------------------------------------------------------

const uncloneable = (value) => {
  throw new NativeDOMException(`${inspect(value)} cannot be cloned`, "DataCloneError");
};

const cloneInto = (value, seen) => {
  if (typeof value === "function" || typeof value === "symbol") uncloneable(value);
  if (!isObject(value)) return value;
  if (mapHas(seen, value)) return mapGet(seen, value);
  const keep = (copy) => (mapSet(seen, value, copy), copy);
  if (isDate(value)) return keep(new NativeDate(dateValue(value)));
  if (isRegex(value)) return keep(new NativeRegExp(regexSource(value), regexFlags(value)));
  if (isBuffer(value)) return keep(bufferSlice(value, 0));
  if (isView(value)) {
    if (viewTag(value) === undefined) uncloneable(value);
    const copy = cloneInto(viewBuffer(value), seen);
    return keep(new (typedArrays[viewTag(value)])(copy, viewOffset(value), viewLength(value)));
  }
  if (isMap(value)) {
    const copy = keep(new NativeMap());
    mapEach(value, (item, key) => mapSet(copy, cloneInto(key, seen), cloneInto(item, seen)));
    return copy;
  }
  if (isSet(value)) {
    const copy = keep(new NativeSet());
    setEach(value, (item) => setAdd(copy, cloneInto(item, seen)));
    return copy;
  }
  if (isError(value)) return cloneError(value, keep, seen);
  if (isPrototypeOf(NativePromise.prototype, value) || instanceOf(value) !== undefined) uncloneable(value);
  const copy = keep(isArray(value) ? new NativeArray(value.length) : {}), keys = objectKeys(value);
  for (let index = 0; index < keys.length; index++) define(copy, keys[index], cloneInto(value[keys[index]], seen), true);
  return copy;
};

const nativeErrors = record({ Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError });
const cloneError = (error, keep, seen) => {
  const Class = nativeErrors[textOr(read(error, "name"), "Error")] ?? NativeError;
  const copy = keep(new Class(textOr(read(error, "message"), "")));
  define(copy, "stack", textOr(read(error, "stack"), ""));
  if (hasOwn(error, "cause")) define(copy, "cause", cloneInto(error.cause, seen));
  return copy;
};

const typedArrays = record({
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
  BigInt64Array, BigUint64Array, Float16Array, Float32Array, Float64Array,
});

provide("structuredClone", function structuredClone(value) {
  return cloneInto(value, new NativeMap());
});

// -- JSON.parse ----------------------------------------------------------------------------------------------------

// The one function of the engine that can fill all of the memory with small values without a look at its trap: it
// would throw null then, which a script could catch.
const parseOrEnd = (text) => {
  try {
    return parseJson(text);
  } catch (error) {
    if (error !== null) throw error;
    host.lack();
    throw new NativeInternalError("out of memory");
  }
};
define(JSON, "parse", { parse(text, reviver) {
  return reviver === undefined ? parseOrEnd(text) : parseJson(text, reviver);
} }.parse);
