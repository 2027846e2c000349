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
  apply(setPrepare, NativeError, [(_error, sites) => (wanted === null ? render(sites) : ((wanted = sites), ""))]);
  // A call site hands out functions, the glue's among them: a spell may set these two, to no effect.
  define(NativeError, "prepareStackTrace", undefined);
  define(NativeError, "stackTraceLimit", STACK_FRAMES);
};

const textAt = (line) => {
  for (let index = texts.length - 1; index >= 0; index--) {
    const text = texts[index];
    if (line >= text.first) return line <= text.last + 1 ? text : null; // what ends too early ends on the wrapper's line
  }
  return null;
};

// The stack as scripts see it: their own frames, one a line, innermost first.
const render = (sites) => {
  let stack = "";
  for (let index = 0; index < sites.length; index++) {
    const line = siteLine(sites[index]);
    const text = textAt(line);
    if (text === null) continue;
    const own = (line < text.last ? line : text.last) - text.first + 1;
    const name = weakHas(bodies, siteFunction(sites[index])) ? "<main>" : siteName(sites[index]) || "<anonymous>";
    stack += `    at ${name} (${text.label}:${own}:${siteColumn(sites[index])})\n`;
  }
  return stack;
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

begin();
