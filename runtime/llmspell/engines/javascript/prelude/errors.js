// Errors on both sides of the border: what the host says becomes an error of the class it names, what a spell throws
// becomes the map the host knows. A stack travels as text and is read on the Python side.

const errorClasses = record({}); // name -> class
const hostFields = new NativeWeakMap(); // error -> the map it came with

const FIELDS = ["type", "hint", "source", "retryable", "data"];

// Types of failures that may not happen again when the same is asked later.
const retryableTypes = record({ timeout: true, rate_limit: true, overloaded: true, network: true });

const defineErrorClass = (name, type) => {
  const Class = { [name]: class extends NativeError {
    constructor(message, options) {
      super(message, options);
      define(this, "type", type);
      define(this, "retryable", type in retryableTypes);
      if (typeof options !== "object" || options === null) return;
      const keys = objectKeys(options);
      for (let index = 0; index < keys.length; index++)
        if (keys[index] !== "cause") define(this, keys[index] === "retry_after" ? "retryAfter" : keys[index], options[keys[index]]);
    }
  } }[name];
  define(Class.prototype, "name", name);
  define(errorClasses, name, Class);
  publish(name, Class);
};

// fields: the host's error map, whose own list of lines is that of a function of the script's which the host called.
// stack: the script's frames where it called the host.
const errorFrom = (fields, stack) => {
  record(fields);
  const Class = fields.name in errorClasses ? errorClasses[fields.name] : NativeError;
  const error = new Class(fields.message);
  if (Class === NativeError && fields.name && fields.name !== "Error") define(error, "name", fields.name);
  for (let index = 0; index < FIELDS.length; index++) define(error, FIELDS[index], fields[FIELDS[index]]);
  define(error, "retryAfter", fields.retry_after);
  define(error, "retry_after", fields.retry_after);
  if (fields.cause) define(error, "cause", errorFrom(fields.cause, ""));
  define(error, "stack", linesOf(fields.stack) + (stack || stackOf(error) || ""));
  weakSet(hostFields, error, fields);
  return error;
};

const linesOf = (list) => {
  let text = "";
  if (isArray(list)) for (let index = 0; index < list.length; index++) text += `    at ${list[index]}\n`;
  return text;
};

const read = (object, key) => {
  try {
    return object[key];
  } catch {
    return undefined;
  }
};
const textOr = (value, otherwise) => (typeof value === "string" ? value : otherwise);

const CAUSES = 8;

// The error map of anything thrown, as JSON text. Never throws.
const describe = (thrown, causes = 0) => {
  if (!isObject(thrown) || typeof thrown === "function" || (!isError(thrown) && typeof read(thrown, "message") !== "string")) {
    const shown = typeof thrown === "string" ? thrown : inspect(thrown);
    return `{"type":"script","name":"Error","message":${jsonOf(shown)},"value":${attempt(thrown)}}`;
  }
  const known = weakGet(hostFields, thrown) || record({});
  const cause = read(thrown, "cause");
  let text = `{"name":${jsonOf(textOr(read(thrown, "name"), "Error"))},"message":${jsonOf(textOr(read(thrown, "message"), ""))}`;
  text += `,"type":${jsonOf(textOr(read(thrown, "type"), "script"))},"hint":${jsonOf(textOr(read(thrown, "hint"), ""))}`;
  text += `,"source":${jsonOf(textOr(known.source, ""))},"frames":${jsonOf(textOr(read(thrown, "stack"), ""))}`;
  if (isArray(known.stack) && known.stack.length > 0) text += `,"stack":${attempt(known.stack)}`;
  const retryAfter = read(thrown, "retryAfter") ?? read(thrown, "retry_after");
  if (typeof retryAfter === "number") text += `,"retry_after":${encodeNumber(retryAfter)}`;
  if (typeof read(thrown, "retryable") === "boolean") text += `,"retryable":${read(thrown, "retryable")}`;
  if (isObject(read(thrown, "data"))) text += `,"data":${attempt(read(thrown, "data"))}`;
  if (cause !== undefined && cause !== null && causes < CAUSES) text += `,"cause":${describe(cause, causes + 1)}`;
  return `${text}}`;
};

// What an error carries is left out where it cannot cross: the error itself matters more.
const attempt = (value) => {
  try {
    return encodeValue(value, "it");
  } catch {
    return "null";
  }
};

// What ErrorHandler.parseError gives: the same fields for whatever was thrown.
const parseError = (thrown) => {
  const isErrorLike = isObject(thrown) && typeof read(thrown, "message") === "string";
  const retryAfter = isErrorLike ? read(thrown, "retryAfter") ?? read(thrown, "retry_after") ?? null : null;
  const cause = isErrorLike ? read(thrown, "cause") : undefined;
  return {
    type: isErrorLike ? textOr(read(thrown, "type"), "script") : "script",
    message: isErrorLike ? read(thrown, "message") : typeof thrown === "string" ? thrown : inspect(thrown),
    retryAfter,
    retry_after: retryAfter,
    retryable: isErrorLike && read(thrown, "retryable") === true,
    source: isErrorLike ? textOr(read(thrown, "source"), "") || sourceIn(textOr(read(thrown, "stack"), "")) : "",
    cause: cause === undefined || cause === null ? null : parseError(cause),
  };
};

// The `file:line` of the first frame of a stack.
const sourceIn = (stack) => {
  const open = findText(stack, "("), close = findText(stack, ")", open);
  if (open < 0 || close < 0) return "";
  const place = sliceText(stack, open + 1, close);
  return sliceText(place, 0, findLastText(place, ":", place.length));
};
