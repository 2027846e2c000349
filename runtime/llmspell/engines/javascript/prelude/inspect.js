// How a value looks when it is printed: nested, with cycles, classes, Map, Set and errors. Runs no getter.

const LINE_WIDTH = 76, LIST_LIMIT = 100, NESTING_LIMIT = 6;

const quote = (text) => {
  const json = jsonOf(text), inner = sliceText(json, 1, -1);
  return findText(text, "'") >= 0 ? json : `'${join(splitText(inner, '\\"'), '"')}'`;
};

const classNameOf = (value) => {
  for (let prototype = getPrototypeOf(value); prototype !== null; prototype = getPrototypeOf(prototype)) {
    const own = ownProperty(prototype, "constructor");
    if (own !== undefined && typeof own.value === "function") return textOr(read(own.value, "name"), "");
  }
  return "[Object: null prototype]";
};

const inspectFunction = (fn) => {
  const name = textOr(read(fn, "name"), "");
  if (findText(functionTextAsRun(fn), "class") === 0) return `[class ${name || "(anonymous)"}]`;
  return name ? `[Function: ${name}]` : "[Function (anonymous)]";
};

const inspectError = (error, seen, depth) => {
  const name = textOr(read(error, "name"), "Error"), message = textOr(read(error, "message"), "");
  let text = message ? `${name}: ${message}` : name;
  const stack = textOr(read(error, "stack"), "");
  if (stack) text += `\n${sliceText(stack, -1) === "\n" ? sliceText(stack, 0, -1) : stack}`;
  const cause = read(error, "cause");
  if (cause !== undefined && cause !== null) text += `\n    cause: ${inspectAt(cause, seen, depth + 1)}`;
  return text;
};

const layOut = (prefix, open, parts, close, depth) => {
  const head = prefix ? `${prefix} ${open}` : open;
  if (parts.length === 0) return head + close;
  const line = `${head} ${join(parts, ", ")} ${close}`;
  if (line.length <= LINE_WIDTH && findText(line, "\n") < 0) return line;
  const indent = repeatText("  ", depth + 1);
  return `${head}\n${indent}${join(parts, `,\n${indent}`)}\n${repeatText("  ", depth)}${close}`;
};

const inspectFields = (value, parts, skipIndexes, seen, depth) => {
  const names = ownKeys(value);
  for (let index = 0; index < names.length; index++) {
    const key = names[index], own = ownProperty(value, key);
    if (own === undefined || !own.enumerable || (skipIndexes && typeof key === "string" && `${key >>> 0}` === key)) continue;
    const name = typeof key === "symbol" ? `[${symbolText(key)}]` : testRegex(IDENTIFIER, key) ? key : quote(key);
    const isAccessor = own.get !== undefined || own.set !== undefined;
    append(parts, `${name}: ${isAccessor ? "[Getter]" : inspectAt(own.value, seen, depth + 1)}`);
  }
  return parts;
};

const inspectItems = (size, item, parts) => {
  for (let index = 0; index < size && index < LIST_LIMIT; index++) append(parts, item(index));
  if (size > LIST_LIMIT) append(parts, `... ${size - LIST_LIMIT} more items`);
  return parts;
};

const inspectObject = (value, seen, depth) => {
  const instance = instanceOf(value);
  if (isError(value)) return inspectError(value, seen, depth);
  const name = classNameOf(value);
  if (depth > NESTING_LIMIT) return isArray(value) ? "[Array]" : `[${name || "Object"}]`;
  if (isArray(value)) {
    const parts = inspectItems(value.length, (index) => inspectAt(value[index], seen, depth + 1), []);
    return layOut(name === "Array" ? "" : `${name}(${value.length})`, "[", inspectFields(value, parts, true, seen, depth), "]", depth);
  }
  if (isMap(value) || isSet(value)) {
    const entriesOf = [];
    if (isMap(value)) mapEach(value, (item, key) => append(entriesOf, `${inspectAt(key, seen, depth + 1)} => ${inspectAt(item, seen, depth + 1)}`));
    else setEach(value, (item) => append(entriesOf, inspectAt(item, seen, depth + 1)));
    const parts = inspectItems(entriesOf.length, (index) => entriesOf[index], []);
    return layOut(`${name}(${entriesOf.length})`, "{", parts, "}", depth);
  }
  if (isDate(value)) return isFiniteNumber(dateValue(value)) ? dateIso(value) : "Invalid Date";
  if (isRegex(value)) return `/${regexSource(value)}/${regexFlags(value)}`;
  if (isView(value) && viewTag(value) !== undefined) {
    const parts = inspectItems(viewLength(value), (index) => `${value[index]}`, []);
    return layOut(`${name}(${viewLength(value)})`, "[", parts, "]", depth);
  }
  if (isBuffer(value)) return `ArrayBuffer { ${bufferSize(value)} bytes }`;
  if (isPrototypeOf(NativePromise.prototype, value)) return "Promise {}";
  const href = hrefOf(value);
  if (href !== undefined) return `URL ${quote(href)}`;
  const prefix = instance !== undefined ? `${name} #${instance.number}` : name === "Object" ? "" : name;
  return layOut(prefix, "{", inspectFields(value, [], false, seen, depth), "}", depth);
};

const inspectAt = (value, seen, depth) => {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      return is(value, -0) ? "-0" : `${value}`;
    case "bigint":
      return `${value}n`;
    case "symbol":
      return symbolText(value);
    case "function":
      return inspectFunction(value);
    case "object":
      break;
    default:
      return `${value}`;
  }
  if (value === null) return "null";
  if (setHas(seen, value)) return "[Circular]";
  setAdd(seen, value);
  try {
    return inspectObject(value, seen, depth);
  } catch {
    return "[Object]"; // a proxy whose traps throw
  } finally {
    setDelete(seen, value);
  }
};

const inspect = (value) => inspectAt(value, new NativeSet(), 0);
