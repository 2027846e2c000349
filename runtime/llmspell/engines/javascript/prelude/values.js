// Values between spell and host, as JSON text. What JSON lacks is `{"$": [tag, ...]}`; an object with a key `$` of its
// own crosses as pairs. The text is written here piece by piece: JSON.stringify would ask values for `toJSON`.

const DEPTH_LIMIT = 200;
const functions = new NativeMap(); // number -> function, while the host holds it
const functionCounts = new NativeMap(); // number -> how often it was sent and not yet released
const functionNumbers = new NativeWeakMap();
let lastFunction = 0;

const numberOfFunction = (fn) => {
  let number = weakGet(functionNumbers, fn);
  if (number === undefined) weakSet(functionNumbers, fn, (number = ++lastFunction));
  mapSet(functions, number, fn);
  mapSet(functionCounts, number, (mapGet(functionCounts, number) || 0) + 1);
  return number;
};

const promiseThunks = new NativeWeakMap();
const thunkOf = (promise) => {
  let thunk = weakGet(promiseThunks, promise);
  if (thunk === undefined) weakSet(promiseThunks, promise, (thunk = () => promise));
  return thunk;
};

entries.release = (number, count) => {
  const left = (mapGet(functionCounts, number) || 0) - count;
  if (left > 0) return void mapSet(functionCounts, number, left);
  mapDelete(functionCounts, number);
  mapDelete(functions, number);
};

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const testRegex = uncurry(NativeRegExp.prototype.test);
defineProperty(IDENTIFIER, "exec", record({ value: NativeRegExp.prototype.exec }));
const below = (path, key) => (testRegex(IDENTIFIER, key) ? `${path}.${key}` : `${path}[${jsonOf(key)}]`);

const refuse = (path, why) => {
  throw new NativeTypeError(`${path} ${why}`);
};

const encodeNumber = (value) => {
  if (isSafeInteger(value)) return is(value, -0) ? "-0.0" : `${value}`;
  if (!isInteger(value)) return `${value}`; // NaN and Infinity too: Python reads them as they are
  const text = `${value}`;
  return findText(text, "e") >= 0 ? text : `${text}e0`; // stays a float on the other side
};

const BYTE_TEXT = [];
for (let byte = 0; byte < 256; byte++) append(BYTE_TEXT, (byte < 16 ? "0" : "") + digitsOf(byte, 16));
const encodeBytes = (bytes) => {
  let text = "";
  for (let index = 0, size = viewLength(bytes); index < size; index++) text += BYTE_TEXT[bytes[index]];
  return `{"$":["b","${text}"]}`;
};
const bytesOf = (value) =>
  isBuffer(value) ? new NativeUint8Array(value) : new NativeUint8Array(viewBuffer(value), viewOffset(value), viewByteLength(value));

// path: what an error calls the value. seen: the objects on the way to it.
const encode = (value, path, seen, depth) => {
  switch (typeof value) {
    case "string":
      return jsonOf(value);
    case "number":
      return encodeNumber(value);
    case "boolean":
      return value ? "true" : "false";
    case "undefined":
      return "null";
    case "bigint":
      return `{"$":["n","${value}"]}`;
    case "symbol":
      return refuse(path, "is a symbol: it cannot leave the script");
    case "function":
      return `{"$":["f",${numberOfFunction(value)}]}`;
  }
  if (value === null) return "null";
  const instance = instanceOf(value);
  if (instance !== undefined) return `{"$":["o",${instance.number},${jsonOf(instance.className)}]}`;
  if (setHas(seen, value)) refuse(path, "is cyclic: it contains itself");
  if (depth > DEPTH_LIMIT) refuse(path, `is nested deeper than ${DEPTH_LIMIT} levels`);
  setAdd(seen, value);
  const text = isArray(value) ? encodeList(value, path, seen, depth) : encodeObject(value, path, seen, depth);
  setDelete(seen, value);
  return text;
};

const encodeList = (list, path, seen, depth) => {
  const live = snapshotOf(list);
  if (live !== undefined) list = live;
  let text = "[";
  for (let index = 0, size = list.length; index < size; index++)
    text += (index ? "," : "") + encode(list[index], `${path}[${index}]`, seen, depth + 1);
  return `${text}]`;
};

const encodeObject = (value, path, seen, depth) => {
  const prototype = getPrototypeOf(value);
  if (prototype !== NativeObject.prototype && prototype !== null) {
    const text = encodeSpecial(value, path, seen, depth);
    if (text !== undefined) return text;
  }
  const live = snapshotOf(value);
  if (live !== undefined) value = live;
  const keys = objectKeys(value);
  if (hasOwn(value, "$")) return encodePairs(value, keys, path, seen, depth);
  let text = "{";
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index], item = value[key];
    if (item === undefined) continue;
    text += (text.length > 1 ? "," : "") + jsonOf(key) + ":" + encode(item, below(path, key), seen, depth + 1);
  }
  return `${text}}`;
};

const encodePairs = (value, keys, path, seen, depth) => {
  let text = "";
  for (let index = 0; index < keys.length; index++) {
    const item = value[keys[index]];
    if (item === undefined) continue;
    text += (text && ",") + `[${jsonOf(keys[index])},${encode(item, below(path, keys[index]), seen, depth + 2)}]`;
  }
  return `{"$":["d",[${text}]]}`;
};

const encodeSpecial = (value, path, seen, depth) => {
  if (isError(value)) return `{"$":["e",${describe(value, seen, depth + 1)}]}`;
  if (isPromise(value)) return `{"$":["p",${numberOfFunction(thunkOf(value))}]}`;
  if (isDate(value)) return `{"$":["t",${encodeNumber(dateValue(value))}]}`;
  if (isView(value) || isBuffer(value)) return encodeBytes(bytesOf(value));
  if (isRegex(value)) return jsonOf(`/${regexSource(value)}/${regexFlags(value)}`);
  const href = hrefOf(value);
  if (href !== undefined) return jsonOf(href);
  if (!isMap(value) && !isSet(value)) return undefined;
  let text = "", count = 0;
  const add = (item, key) => {
    const at = `${path}.get(${typeof key === "string" ? jsonOf(key) : count})`;
    const encoded = isMap(value)
      ? `[${encode(key, `a key of ${path}`, seen, depth + 2)},${encode(item, at, seen, depth + 2)}]`
      : encode(item, `item ${count} of ${path}`, seen, depth + 2);
    text += (count++ ? "," : "") + encoded;
  };
  if (isMap(value)) mapEach(value, add);
  else setEach(value, (item) => add(item));
  return `{"$":["${isMap(value) ? "m" : "s"}",[${text}]]}`;
};

const encodeValue = (value, name) => encode(value, name, new NativeSet(), 0);

// The arguments of a call, without the undefined ones at the end.
const encodeArguments = (args) => {
  let count = args.length;
  while (count > 0 && args[count - 1] === undefined) count--;
  let text = "[";
  for (let index = 0; index < count; index++) {
    const value = args[index];
    text += index ? "," : "";
    text += typeof value === "string" ? jsonOf(value) : encodeValue(value, `argument ${index + 1}`);
  }
  return `${text}]`;
};

const decodeTagged = (value) => {
  if (typeof value !== "object" || value === null) return value;
  if (isArray(value)) {
    for (let index = 0; index < value.length; index++) define(value, index, decodeTagged(value[index]), true);
    return value;
  }
  const tag = getOwnPropertyDescriptor(value, "$");
  if (tag !== undefined) return decodeTag(tag.value);
  const keys = objectKeys(value);
  for (let index = 0; index < keys.length; index++) define(value, keys[index], decodeTagged(value[keys[index]]), true);
  return value;
};

const decodeTag = (tag) => {
  const body = tag[1];
  switch (tag[0]) {
    case "n":
      return NativeBigInt(body);
    case "x":
      return body === "nan" ? NaN : body === "inf" ? Infinity : -Infinity;
    case "f":
      return mapGet(functions, body) || refuse(`function ${body}`, "is no longer held");
    case "p":
      return mapGet(functions, body)();
    case "o":
      return instanceFor(body, tag[2], tag[3]);
    case "b": {
      const bytes = new NativeUint8Array(body.length / 2);
      for (let index = 0; index < body.length; index += 2) bytes[index / 2] = hexPair(body, index);
      return bytes;
    }
    case "t":
      return new NativeDate(body === null ? NaN : body);
    case "m": {
      const map = new NativeMap();
      for (let index = 0; index < body.length; index++) mapSet(map, decodeTagged(body[index][0]), decodeTagged(body[index][1]));
      return map;
    }
    case "s": {
      const set = new NativeSet();
      for (let index = 0; index < body.length; index++) setAdd(set, decodeTagged(body[index]));
      return set;
    }
    case "e":
      return errorFrom(decodeTagged(body), "");
    default: {
      const object = {};
      for (let index = 0; index < body.length; index++) define(object, body[index][0], decodeTagged(body[index][1]), true);
      return object;
    }
  }
};

const hexDigit = (code) => (code < 58 ? code - 48 : code - 87);
const hexPair = (text, index) => hexDigit(charCode(text, index)) * 16 + hexDigit(charCode(text, index + 1));

// A text from Python: its first character says whether tags are in it.
const decode = (text) => {
  const value = parseJson(sliceText(text, 1));
  return text[0] === "t" ? decodeTagged(value) : value;
};
