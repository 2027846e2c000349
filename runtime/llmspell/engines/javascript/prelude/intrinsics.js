// What the glue needs of the language, taken before a spell can replace any of it.
//
// Every file of the prelude shares one function scope, in the order named in engine.py. The rules that keep a spell
// from breaking or watching the glue: no method of a prototype is called by name (`push(list, x)`, not
// `list.push(x)`), no iterator is used (no for-of, no array destructuring, no spread of arrays into calls),
// records and descriptors have no prototype, and arrays of the glue are written by `append`.

const { apply, construct, ownKeys, get: reflectGet, set: reflectSet, has: reflectHas } = Reflect;
const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf, setPrototypeOf, create, keys: objectKeys, freeze, preventExtensions, is } = Object;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const { isSafeInteger, isInteger } = Number;
const { floor, trunc, abs } = Math;
const { isError } = Error;
const isFiniteNumber = Number.isFinite;
const parseJson = JSON.parse;
const jsonOf = JSON.stringify;
const globalEval = eval;
const NativeError = Error, NativeTypeError = TypeError, NativeSyntaxError = SyntaxError, NativeRangeError = RangeError;
const NativeReferenceError = ReferenceError;
const NativeMap = Map, NativeSet = Set, NativeDate = Date, NativePromise = Promise, NativeProxy = Proxy;
const NativeArray = Array, NativeObject = Object, NativeString = String, NativeNumber = Number, NativeFunction = Function;
const NativeUint8Array = Uint8Array, NativeArrayBuffer = ArrayBuffer, NativeWeakMap = WeakMap, NativeWeakRef = WeakRef;
const NativeInternalError = InternalError, NativeDOMException = DOMException, NativeBigInt = BigInt, NativeRegExp = RegExp;
const queueNativeMicrotask = queueMicrotask;

const record = (fields) => setPrototypeOf(fields, null);
const ownProperty = (target, key) => {
  const descriptor = getOwnPropertyDescriptor(target, key);
  return descriptor === undefined ? undefined : record(descriptor);
};
const uncurry = (method) => (self, a, b) => apply(method, self, [a, b]);
const uncurryNone = (method) => (self) => apply(method, self, []);
const getter = (holder, key) => uncurryNone(getOwnPropertyDescriptor(holder, key).get);

const define = (target, key, value, enumerable = false) =>
  defineProperty(target, key, record({ value, enumerable, writable: true, configurable: true }));
const append = (list, value) => define(list, list.length, value, true);
const hasOwn = (target, key) => getOwnPropertyDescriptor(target, key) !== undefined;

const isPrototypeOf = uncurry(NativeObject.prototype.isPrototypeOf);
const mapGet = uncurry(NativeMap.prototype.get), mapSet = uncurry(NativeMap.prototype.set);
const mapHas = uncurry(NativeMap.prototype.has), mapDelete = uncurry(NativeMap.prototype.delete);
const mapEach = uncurry(NativeMap.prototype.forEach), mapSize = getter(NativeMap.prototype, "size");
const setAdd = uncurry(NativeSet.prototype.add), setHas = uncurry(NativeSet.prototype.has);
const setDelete = uncurry(NativeSet.prototype.delete), setEach = uncurry(NativeSet.prototype.forEach);
const setSize = getter(NativeSet.prototype, "size");
const weakGet = uncurry(NativeWeakMap.prototype.get), weakSet = uncurry(NativeWeakMap.prototype.set);
const weakHas = uncurry(NativeWeakMap.prototype.has);
const deref = uncurryNone(NativeWeakRef.prototype.deref);
const dateValue = uncurryNone(NativeDate.prototype.getTime), dateIso = uncurryNone(NativeDate.prototype.toISOString);
const regexSource = getter(NativeRegExp.prototype, "source"), regexFlags = getter(NativeRegExp.prototype, "flags");
const sliceText = uncurry(NativeString.prototype.slice), repeatText = uncurry(NativeString.prototype.repeat);
const charCode = uncurry(NativeString.prototype.charCodeAt), codePoint = uncurry(NativeString.prototype.codePointAt);
const findText = uncurry(NativeString.prototype.indexOf), lowerText = uncurryNone(NativeString.prototype.toLowerCase);
const findLastText = uncurry(NativeString.prototype.lastIndexOf);
const digitsOf = uncurry(NativeNumber.prototype.toString);
const fromCodePoint = NativeString.fromCodePoint, fromCharCode = NativeString.fromCharCode;
const functionTextAsRun = uncurryNone(NativeFunction.prototype.toString);
let functionText = functionTextAsRun; // replaced where the run is debugged
const symbolText = uncurryNone(Symbol.prototype.toString);
const nativeThen = uncurry(NativePromise.prototype.then);
const nativeResolve = NativePromise.resolve, nativeReject = NativePromise.reject;
const resolved = (value) => apply(nativeResolve, NativePromise, [value]);
const rejected = (reason) => apply(nativeReject, NativePromise, [reason]);
const typedPrototype = getPrototypeOf(NativeUint8Array.prototype);
const viewTag = getter(typedPrototype, Symbol.toStringTag), viewLength = getter(typedPrototype, "length");
const viewBuffer = getter(typedPrototype, "buffer"), viewOffset = getter(typedPrototype, "byteOffset");
const viewByteLength = getter(typedPrototype, "byteLength");
const bufferSize = getter(NativeArrayBuffer.prototype, "byteLength");
const bufferSlice = uncurry(NativeArrayBuffer.prototype.slice);
const { hasInstance, iterator: iteratorSymbol, asyncIterator: asyncIteratorSymbol, toStringTag } = Symbol;

// A template literal is a call of String.prototype.concat in this engine: fixed for good, so that no spell is called for
// each text that the glue puts together.
defineProperty(NativeString.prototype, "concat", record({ writable: false, configurable: false }));

// `await` and `then` ask a promise for its constructor and that one for its species. Fixed for good, so that what the
// glue awaits cannot be replaced.
defineProperty(NativePromise.prototype, "constructor", record({ writable: false, configurable: false }));
defineProperty(NativePromise, Symbol.species, record({ configurable: false }));

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";
const isPromise = (value) => {
  if (!isObject(value) || !isPrototypeOf(NativePromise.prototype, value)) return false;
  try {
    nativeThen(value, undefined, ignore); // marks it as handled, too: who asks is about to take it over
    return true;
  } catch {
    return false;
  }
};
const ignore = () => {};
const branded = (probe, value) => {
  try {
    probe(value);
    return true;
  } catch {
    return false;
  }
};
const isMap = (value) => branded(mapSize, value);
const isSet = (value) => branded(setSize, value);
const isDate = (value) => branded(dateValue, value);
const isBuffer = (value) => branded(bufferSize, value);
const isRegex = (value) => isPrototypeOf(NativeRegExp.prototype, value) && branded(regexSource, value);

const copyList = (list) => {
  const copy = [];
  for (let index = 0; index < list.length; index++) append(copy, list[index]);
  return copy;
};
const join = (parts, separator) => {
  let text = "";
  for (let index = 0; index < parts.length; index++) text += (index ? separator : "") + parts[index];
  return text;
};
const splitText = (text, separator) => {
  const parts = [];
  let start = 0;
  for (let at; (at = findText(text, separator, start)) >= 0; start = at + separator.length) append(parts, sliceText(text, start, at));
  append(parts, sliceText(text, start));
  return parts;
};

// A namespace or class of the API as a spell sees it: members can be replaced, as in any JavaScript.
const publish = (name, value) => define(globalThis, name, value);

// What the Python side offers: plain functions that never raise. They live in this scope alone. A long text that was
// put together is a rope inside, which the binding cannot take: slicing makes it flat.
const offered = globalThis.$host;
delete globalThis.$host;
const flat = (text) => (text.length < 512 ? text : sliceText(text, 0));
const host = record({
  take: offered.take,
  exhausted: offered.exhausted,
  explain: offered.explain,
  refusal: offered.refusal,
  lack: offered.lack,
  clock: offered.clock,
  random: offered.random,
  randomHex: offered.randomHex,
  call: (name, receiver, args, line) => offered.call(name, receiver, flat(args), line),
  ask: (name, receiver, args, line) => offered.ask(name, receiver, flat(args), line),
  at: (stack, functionText, error) => offered.at(flat(stack), flat(functionText), error),
  tell: (name, args, line) => offered.tell(name, flat(args), line),
  result: (callback, ok, text) => offered.result(callback, ok, flat(text)),
  cancel: (calls) => offered.cancel(flat(calls)),
  finish: (text) => offered.finish(flat(text)),
  fail: (error) => offered.fail(flat(error)),
  reject: (error) => offered.reject(flat(error)),
});

// What the Python side calls.
const entries = record({});
