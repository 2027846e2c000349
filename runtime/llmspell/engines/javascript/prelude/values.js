// Values between spell and host, as JSON text. What JSON lacks is `{"$": [tag, ...]}`; an object with a key `$` of its
// own crosses as pairs. The text is written here piece by piece: JSON.stringify would ask values for `toJSON`.

const DEPTH_LIMIT = 200, LONGEST_PLACE = 8;
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

// Where the encoder is: the objects it is inside of, and under which key it went from each to the next. Two arrays used
// as stacks cost a third of what passing a set and a path down does. A getter may encode something meanwhile: that
// begins at `top`, so each encoding knows its `bottom`.
const STACK_LIMIT = 1024;
const inside = [], trail = [];
for (let index = 0; index < STACK_LIMIT; index++) {
  append(inside, null);
  append(trail, null);
}
let top = 0, bottom = 0, rootName = "";

const place = () => {
  let path = rootName;
  for (let index = bottom; index < top; index++) {
    if (index - bottom === LONGEST_PLACE) return `${path}…`;
    const key = trail[index];
    if (typeof key === "number") path += `[${key}]`;
    else if (typeof key === "object") path += key.text;
    else path += testRegex(IDENTIFIER, key) ? `.${key}` : `[${jsonOf(key)}]`;
  }
  return path;
};
const refuse = (why) => {
  throw new NativeTypeError(`${place()} ${why}`);
};

const enter = (object) => {
  for (let index = bottom; index < top; index++) if (inside[index] === object) refuse("is cyclic: it contains itself");
  if (top - bottom >= DEPTH_LIMIT || top === STACK_LIMIT) refuse(`is nested deeper than ${DEPTH_LIMIT} levels`);
  inside[top] = object;
  trail[top++] = "";
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

const encode = (value) => {
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
      return refuse("is a symbol: it cannot leave the script");
    case "function":
      return `{"$":["f",${numberOfFunction(value)}]}`;
  }
  if (value === null) return "null";
  const instance = instanceOf(value);
  if (instance !== undefined) return `{"$":["o",${instance.number},${jsonOf(instance.className)}]}`;
  enter(value);
  const text = isArray(value) ? encodeList(value) : encodeObject(value);
  inside[--top] = null;
  return weakHas(records, value) ? `{"$":["r",${text},${jsonOf(weakGet(records, value))}]}` : text;
};

const encodeUnder = (key, value) => {
  trail[top - 1] = key;
  return encode(value);
};

const encodeList = (list) => {
  const values = snapshotOf(list) ?? list;
  let text = "[";
  for (let index = 0, size = values.length; index < size; index++) text += (index ? "," : "") + encodeUnder(index, values[index]);
  return `${text}]`;
};

const encodeObject = (object) => {
  const prototype = getPrototypeOf(object);
  if (prototype !== NativeObject.prototype && prototype !== null) {
    const text = encodeSpecial(object);
    if (text !== undefined) return text;
  }
  const fields = snapshotOf(object) ?? object;
  const keys = objectKeys(fields), isPlain = !hasOwn(fields, "$");
  let text = "";
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index], item = fields[key];
    if (item === undefined) continue;
    if (text) text += ",";
    text += isPlain ? `${jsonOf(key)}:${encodeUnder(key, item)}` : `[${jsonOf(key)},${encodeUnder(key, item)}]`;
  }
  return isPlain ? `{${text}}` : `{"$":["d",[${text}]]}`;
};

const encodeSpecial = (value) => {
  if (isError(value)) return `{"$":["e",${describe(value)}]}`;
  const promise = handlePromise(value) ?? value;
  if (isPromise(promise)) return `{"$":["p",${numberOfFunction(thunkOf(promise))}]}`;
  if (isDate(value)) return `{"$":["t",${encodeNumber(dateValue(value))}]}`;
  if (isView(value) || isBuffer(value)) return encodeBytes(bytesOf(value));
  if (isRegex(value)) return jsonOf(`/${regexSource(value)}/${regexFlags(value)}`);
  const href = hrefOf(value);
  if (href !== undefined) return jsonOf(href);
  let text = "", count = 0;
  if (isMap(value)) {
    mapEach(value, (item, key) => {
      const name = record({ text: `.get(${typeof key === "string" ? jsonOf(key) : "…"})` });
      text += `${count++ ? "," : ""}[${encodeUnder(record({ text: ` key ${count}` }), key)},${encodeUnder(name, item)}]`;
    });
    return `{"$":["m",[${text}]]}`;
  }
  if (isSet(value)) {
    setEach(value, (item) => (text += (count++ ? "," : "") + encodeUnder(record({ text: ` item ${count}` }), item)));
    return `{"$":["s",[${text}]]}`;
  }
  return undefined;
};

// name: what an error calls the value.
const encodeValue = (value, name) => {
  const outerBottom = bottom, outerTop = top, outerName = rootName;
  bottom = top;
  rootName = name;
  try {
    return encode(value);
  } finally {
    bottom = outerBottom;
    top = outerTop;
    rootName = outerName;
  }
};

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
  const tag = ownProperty(value, "$");
  if (tag !== undefined) return decodeTag(tag.value);
  const keys = objectKeys(value);
  for (let index = 0; index < keys.length; index++) define(value, keys[index], decodeTagged(value[keys[index]]), true);
  return value;
};

const lost = (number) => {
  throw new NativeTypeError(`function ${number} is no longer held`);
};

// A host's table that reads as the text of its field `content`: an agent's output.
const records = new NativeWeakMap(); // record -> class name

const recordOf = (fields, className) => {
  define(fields, "toString", () => `${fields.content}`);
  weakSet(records, fields, className);
  return fields;
};

const decodeTag = (tag) => {
  const body = tag[1];
  switch (tag[0]) {
    case "n":
      return NativeBigInt(body);
    case "x":
      return body === "nan" ? NaN : body === "inf" ? Infinity : -Infinity;
    case "f":
      return mapGet(functions, body) || lost(body);
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
    case "r":
      return recordOf(decodeTagged(body), tag[2]);
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
