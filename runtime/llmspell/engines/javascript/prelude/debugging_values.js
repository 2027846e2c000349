// Values as a debugger shows them: one line each, and their parts, read one page at a time. Runs getters of the host's
// objects and of what is opened by hand, no others.

const NESTED_ITEMS = 8, NESTED_TEXT = 60, NESTED_LEVELS = 2;
const PAGE = 100; // items of a list that are shown at once

let held = [null]; // reference -> what has parts
const hold = (item) => {
  append(held, item);
  return held.length - 1;
};

const cut = (text, most) => (text.length <= most ? text : `${sliceText(text, 0, most - 1)}…`);

const briefList = (open, size, item, close) => {
  const parts = [];
  for (let index = 0; index < size && index < NESTED_ITEMS; index++) append(parts, item(index));
  if (size > NESTED_ITEMS) append(parts, "…");
  return parts.length === 0 ? open + close : `${open}${join(parts, ", ")}${close}`;
};

const briefFields = (value, depth) => {
  const names = ownKeys(value), shown = [];
  for (let index = 0; index < names.length && shown.length <= NESTED_ITEMS; index++) {
    const own = ownProperty(value, names[index]);
    if (own === undefined || !own.enumerable) continue;
    const name = typeof names[index] === "symbol" ? `[${symbolText(names[index])}]` : names[index];
    append(shown, `${name}: ${own.get !== undefined || own.set !== undefined ? "(...)" : brief(own.value, depth + 1)}`);
  }
  return briefList("{", shown.length, (index) => shown[index], "}");
};

const briefObject = (value, depth) => {
  const instance = instanceOf(value);
  if (instance !== undefined) return `${classNameOf(value)} #${instance.number}`;
  if (isError(value)) return cut(`${textOr(read(value, "name"), "Error")}: ${textOr(read(value, "message"), "")}`, depth ? NESTED_TEXT : SHOWN_TEXT);
  const node = weakGet(nodes, value);
  if (node !== undefined) return brief(readNode(node), depth);
  const name = classNameOf(value);
  if (isArray(value)) {
    if (depth > NESTED_LEVELS) return `Array(${value.length})`;
    return `${name === "Array" ? "" : name}(${value.length}) ${briefList("[", value.length, (index) => brief(value[index], depth + 1), "]")}`;
  }
  if (isMap(value) || isSet(value)) {
    const items = [];
    if (isMap(value)) mapEach(value, (item, key) => items.length <= NESTED_ITEMS && append(items, `${brief(key, depth + 1)} => ${brief(item, depth + 1)}`));
    else setEach(value, (item) => items.length <= NESTED_ITEMS && append(items, brief(item, depth + 1)));
    return `${name}(${isMap(value) ? mapSize(value) : setSize(value)}) ${briefList("{", items.length, (index) => items[index], "}")}`;
  }
  if (isDate(value) || isRegex(value) || isView(value) || isBuffer(value) || isPrototypeOf(NativePromise.prototype, value) || hrefOf(value) !== undefined)
    return cut(inspect(value), NESTED_TEXT);
  if (depth > NESTED_LEVELS) return name === "Object" ? "{…}" : `${name} {…}`;
  return (name === "Object" ? "" : `${name} `) + briefFields(value, depth);
};

const SHOWN_TEXT = 400;
const brief = (value, depth = 0) => {
  if (typeof value === "string") return quote(depth ? cut(value, NESTED_TEXT) : value);
  if (!isObject(value) || typeof value === "function") return inspect(value);
  try {
    return briefObject(value, depth);
  } catch {
    return "{…}"; // a proxy whose traps throw
  }
};

const typeOf = (value) => {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  try {
    return (weakHas(nodes, value) ? "Object" : classNameOf(value)) || "Object";
  } catch {
    return "Object";
  }
};

// expression: what evaluates to it in its frame, "" where nothing simple does.
const show = (value, most, expression = "") => {
  const shown = record({ value: cut(most > SHOWN_TEXT ? inspect(value) : brief(value), most), type: typeOf(value), reference: 0 });
  if (!isObject(value)) return shown;
  shown.reference = hold(record({ value, expression }));
  try {
    const table = weakHas(nodes, value) ? snapshotOf(value) : value;
    const isList = isArray(table) || (isView(table) && viewTag(table) !== undefined);
    const size = isList ? table.length : isMap(table) ? mapSize(table) : isSet(table) ? setSize(table) : 0;
    if (size > PAGE) shown.indexed = size;
  } catch {
    return shown;
  }
  return shown;
};

// -- parts ---------------------------------------------------------------------------------------------------------

const memberOf = (expression, key) =>
  expression === "" ? "" : typeof key === "number" ? `${expression}[${key}]` : testRegex(IDENTIFIER, key) ? `${expression}.${key}` : `${expression}[${jsonOf(key)}]`;

// A part: {name, read, write or null, kind, expression}, and whether it is only read once somebody asks for it.
const part = (name, readPart, write, expression = "", kind = "property") => record({ name, read: readPart, write, expression, kind, lazy: false });

// receiver: whose field it is, where `value` is a prototype of that.
const fieldPart = (value, expression, key, receiver) => {
  const own = ownProperty(value, key), isSymbol = typeof key === "symbol";
  const name = isSymbol ? symbolText(key) : key, inner = isSymbol ? "" : memberOf(expression, key);
  const write = (given) => {
    if (!reflectSet(value, key, given, receiver)) throw new NativeTypeError(`${name} cannot be changed`);
  };
  if (own !== undefined && (own.get !== undefined || own.set !== undefined))
    return define(part(name, () => apply(own.get, receiver, []), own.set === undefined ? null : write, inner), "lazy", own.get !== undefined);
  const isFixed = own !== undefined && own.writable === false;
  return part(name, () => value[key], isFixed ? null : write, inner, typeof own?.value === "function" ? "method" : "property");
};

// What a class of the host's offers to read: its live and its plain properties.
const hostParts = (value, expression, parts) => {
  const seen = new NativeSet();
  for (let prototype = getPrototypeOf(value); prototype !== null && prototype !== NativeObject.prototype; prototype = getPrototypeOf(prototype)) {
    const names = ownKeys(prototype);
    for (let index = 0; index < names.length; index++) {
      const key = names[index], own = ownProperty(prototype, key);
      if (typeof key !== "string" || own.get === undefined || setHas(seen, key) || findText(key, "_") > 0) continue;
      setAdd(seen, key);
      append(parts, part(key, () => value[key], (given) => { value[key] = given; }, memberOf(expression, key)));
    }
  }
};

// What `each` gives one by one, as fast as a million of them needs.
const fill = uncurry(NativeArray.prototype.fill);
const listed = (size, each) => {
  const items = fill(new NativeArray(size), null);
  let count = 0;
  each((item) => { items[count++] = item; });
  return items;
};

// {count, at, keys, of, named}: how many parts come first by their index, then one for each of the keys, then the rest.
// They are made as they are wanted: there may be a million.
const partsOf = (value, expression, receiver = value) => {
  const named = [], node = weakGet(nodes, value), table = node === undefined ? value : readNode(node);
  const field = (key) => (node === undefined ? fieldPart(value, expression, key, receiver) : part(key, () => value[key], (given) => { value[key] = given; }, memberOf(expression, key)));
  let keys = [], of = field, count = 0, at = null;
  if (isMap(value)) {
    keys = listed(mapSize(value), (take) => mapEach(value, (_item, key) => take(key)));
    of = (key) => part(brief(key, 1), () => mapGet(value, key), (given) => mapSet(value, key, given));
  } else if (isSet(value)) {
    const items = listed(setSize(value), (take) => setEach(value, take));
    count = items.length;
    at = (index) => part(`${index}`, () => items[index], null);
  } else if (isArray(table) || (isView(table) && viewTag(table) !== undefined)) {
    count = table.length;
    at = (index) => part(`${index}`, () => value[index], (given) => { value[index] = given; }, memberOf(expression, index));
  }
  const own = count > PAGE && !isSet(value) ? [] : ownKeys(table), isPlain = count === 0 && of === field;
  if (isPlain) keys = own;
  for (let index = 0; !isPlain && index < own.length; index++) {
    const key = own[index];
    if (count > 0 && ((typeof key === "string" && `${key >>> 0}` === key) || key === "length")) continue;
    append(named, field(key));
  }
  if (instanceOf(value) !== undefined) hostParts(value, expression, named);
  const prototype = node === undefined && !isArray(value) ? getPrototypeOf(value) : null;
  if (prototype !== null && prototype !== NativeObject.prototype && prototype !== NativeFunction.prototype && !isError(value))
    append(named, define(part("[[Prototype]]", () => prototype, null, "", "virtual"), "receiver", receiver));
  return record({ count, at, keys, of, named });
};
const fewParts = (named) => record({ count: 0, at: null, keys: [], of: null, named });
const partCount = ({ count, keys, named }) => count + keys.length + named.length;
const partAt = ({ count, at, keys, of, named }, index) =>
  index < count ? at(index) : index < count + keys.length ? of(keys[index - count]) : named[index - count - keys.length];

const showPart = ({ name, read: readPart, write, expression, kind, lazy, receiver }) => {
  let shown;
  try {
    shown = lazy ? record({ value: "(...)", type: "", reference: hold(record({ lazy: readPart, expression })) }) : show(readPart(), SHOWN_TEXT, expression);
    if (receiver !== undefined && shown.reference > 0) define(held[shown.reference], "receiver", receiver);
  } catch (error) {
    shown = record({ value: `<${briefly(error)}>`, type: "", reference: 0 });
  }
  if (lazy) define(shown, "lazy", true, true);
  define(shown, "name", name, true);
  define(shown, "kind", kind, true);
  if (expression !== "") define(shown, "expression", expression, true);
  if (write === null) define(shown, "writable", false, true);
  return shown;
};

const briefly = (error) => (isError(error) ? `${textOr(read(error, "name"), "Error")}: ${textOr(read(error, "message"), "")}` : brief(error, 1));
