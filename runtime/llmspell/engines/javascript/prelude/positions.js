// Where in a spell something happens. Every text the engine compiles is named `<input>`; each module begins at a line
// of its own (padded with newlines), so that a line number alone tells module and line. The prelude has the first lines.

const setLimit = getOwnPropertyDescriptor(NativeError, "stackTraceLimit").set;
const setPrepare = getOwnPropertyDescriptor(NativeError, "prepareStackTrace").set;
const captureStackTrace = NativeError.captureStackTrace;
const stackOf = getter(NativeError.prototype, "stack");

const STACK_FRAMES = 24;
const texts = []; // {first, last, label}: which lines are which module's
const bodies = new NativeWeakMap(); // the function that holds a module's top level

let siteLine, siteFunction, siteName, siteColumn;
let wanted = null; // the frames asked for by `trace`, else null
let resumed = null; // in what goes on after an answer: the frames of its call, with its callers
let compiling = false; // a text of the spell's
let stopping = false; // the engine throws now because the spell is over a limit

const begin = () => {
  const holder = record({});
  let frames;
  apply(setPrepare, NativeError, [(_error, sites) => (frames = sites)]);
  captureStackTrace(holder);
  const prototype = getPrototypeOf(frames[0]);
  siteLine = uncurryNone(prototype.getLineNumber);
  siteColumn = uncurryNone(prototype.getColumnNumber);
  siteFunction = uncurryNone(prototype.getFunction);
  siteName = uncurryNone(prototype.getFunctionName);
  apply(setLimit, NativeError, [STACK_FRAMES]);
  apply(setPrepare, NativeError, [(error, sites) => {
    if (wanted !== null) return (wanted = sites), "";
    if (isLackOfMemory(error)) {
      stopping = host.lack(error) !== true;
    }
    if (stopping) stopped(error, sites);
    if (isMisread(sites)) explainMisread(error, sites[0]);
    else if (compiling) explainRefusal(error, sites[0]);
    else if (isUnnamed(error)) explain(error, sites[0]);
    return render(withCallers(sites));
  }]);
  // A call site hands out functions, the glue's among them: a spell may set these two, to no effect.
  define(NativeError, "prepareStackTrace", undefined);
  define(NativeError, "stackTraceLimit", STACK_FRAMES);
};

const textAt = (line) => {
  for (let index = texts.length - 1; index >= 0; index--) {
    const text = texts[index];
    // What ends too early ends on the wrapper's last line; what has not come to a call yet is on its first.
    if (line >= text.first - 1) return line <= text.last + 1 ? text : null;
  }
  return null;
};

// The stack as scripts see it: their own frames, one a line, innermost first.
const render = (sites) => {
  let stack = "";
  for (let index = 0; index < sites.length; index++) {
    const line = siteLine(sites[index]);
    const text = textAt(line);
    if (text === null || (!compiling && !siteFunction(sites[index]))) continue; // a place in a text that is no spell's
    const own = (line < text.first ? text.first : line < text.last ? line : text.last) - text.first + 1;
    const name = weakHas(bodies, siteFunction(sites[index])) ? "<main>" : siteName(sites[index]) || "<anonymous>";
    stack += `    at ${name} (${text.label}:${own}:${line < text.first ? 1 : siteColumn(sites[index])})\n`;
  }
  return stack;
};

// An async function that goes on after an answer has lost those that wait for it: they were on the stack of the call.
const withCallers = (sites) => {
  if (resumed === null) return sites;
  let last = sites.length - 1;
  while (last >= 0 && textAt(siteLine(sites[last])) === null) last--;
  if (last < 0) return sites;
  const fn = siteFunction(sites[last]);
  let at = 0;
  while (at < resumed.length && siteFunction(resumed[at]) !== fn) at++;
  if (at >= resumed.length - 1) return sites;
  const whole = [];
  for (let index = 0; index <= last; index++) append(whole, sites[index]);
  for (let index = at + 1; index < resumed.length && whole.length < STACK_FRAMES; index++) append(whole, resumed[index]);
  return whole;
};

const anchor = record({});
// The frames above the caller, not yet rendered: 0.8 µs, so that every host call can keep them.
const trace = () => {
  wanted = true;
  captureStackTrace(anchor);
  const sites = wanted;
  wanted = null;
  return sites === true ? [] : sites;
};

// The innermost line of the spell, as the engine counts lines; 0 where none is on the stack.
const lineIn = (sites) => {
  for (let index = 0; index < sites.length; index++) {
    const line = siteLine(sites[index]);
    if (line !== null && line !== undefined && textAt(line) !== null) return line;
  }
  return 0;
};
const here = () => lineIn(trace());

// An error of the engine's that does not say which name was wrong, or what was meant by it.
const isUnnamed = (error) => {
  const prototype = getPrototypeOf(error), message = ownProperty(error, "message")?.value;
  if (prototype === NativeTypeError.prototype) return message === "not a function";
  return prototype === NativeReferenceError.prototype && typeof message === "string" && findText(message, " is not defined") > 0;
};
const explain = (error, site) => {
  const line = site === undefined ? null : siteLine(site);
  if (line === null || line === undefined || textAt(line) === null) return; // a function of the engine's or the glue's
  const message = host.explain(error.message, line, siteColumn(site));
  if (message[0] !== "!") define(error, "message", message);
};

// A text that the engine refuses for what the glue has put around it, or has not rewritten.
const explainRefusal = (error, site) => {
  const line = site === undefined ? null : siteLine(site), text = line === null || line === undefined ? null : textAt(line);
  if (text === null) return;
  const better = parseJson(host.refusal(error.message, line > text.last));
  define(error, "message", better[0]);
  define(error, "hint", better[1]);
};

// A text that is no JSON: its place stands before the reader's, as that of a text which is refused does.
const isMisread = (sites) => sites.length > 1 && siteFunction(sites[1]) === parseJson && !siteFunction(sites[0]);
const explainMisread = (error, site) => {
  const what = error.message, end = findText(what, " in JSON"); // then a place, whose lines the engine counts by halves
  const said = `this is not JSON: ${end < 0 ? what : sliceText(what, 0, end)}`;
  define(error, "message", compiling ? said : `${said} at line ${siteLine(site)} column ${siteColumn(site)}`);
};

// An error that the engine made of itself because it found no memory for what a script asked.
const isLackOfMemory = (error) =>
  getPrototypeOf(error) === NativeInternalError.prototype && ownProperty(error, "message")?.value === "out of memory";

// The spell is over a limit: the next throw tells the host where it was, and no script catches it. It need not be the
// engine's own, which is lost where a look comes in the middle of this; in a loop that throws, each one may.
entries.stop = () => { stopping = true; };
const stopped = (error, sites) => {
  const stack = render(withCallers(sites));
  if (stack === "") return;
  stopping = false;
  host.at(stack, innermost(sites), error);
};
// The text of the innermost function; "" for a module's top level.
const innermost = (sites) => {
  for (let index = 0; index < sites.length; index++) {
    const fn = siteFunction(sites[index]);
    if (textAt(siteLine(sites[index])) !== null) return typeof fn !== "function" || weakHas(bodies, fn) ? "" : functionText(fn);
  }
  return "";
};
entries.place = () => render(trace());

begin();
