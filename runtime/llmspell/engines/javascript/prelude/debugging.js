// A run under the debugger: its frames, the lines where it stops, how it steps. Only debugged workers load this file.
//
// The texts are rewritten (instrumentation/marks.py): each function makes a frame with what evaluates a text in its
// scope, and each statement looks whether its flag is set, which calls `hit`. A step sets all flags.

const framedTexts = [];
const stopLines = new NativeMap(); // label -> lines that stop
const fillBytes = uncurry(typedPrototype.fill), setBytes = uncurry(typedPrototype.set);

let running = null; // the innermost frame
let base = null; // the frame that asks the host, while callbacks enter
let standing = null; // the frame that the script stands at, with its statement
let quiet = false; // something is evaluated: nothing stops
let waking = false; // the next statement looks for commands
let refusal = ""; // why what was evaluated cannot be done
let wantsCaught = false, wantsUncaught = false;
let stepping = "go", stepFrame = null, stepLine = 0, stepCallers = [];

// caller: who runs beneath it; awaiter: who called it before it first waited. see: gives names of its own scope, and in
// texts that are not large evaluates whole texts there.
const enterFrame = (text) => (number, see) =>
  (running = { __proto__: null, text, number, see, caller: running, awaiter: null, waits: false, done: false });

const leaveFrame = (frame) => {
  frame.done = true;
  frame.see = null;
  if (!frame.waits) running = frame.caller; // else somebody has closed the iterator, and goes on
};

const livingAwaiter = (frame) => {
  let awaiter = frame.awaiter;
  while (awaiter !== null && awaiter.done) awaiter = awaiter.caller ?? awaiter.awaiter;
  return (frame.awaiter = awaiter);
};

const handOut = (frame, value) => {
  frame.waits = true;
  running = frame.caller;
  return value;
};
const suspend = (frame, value) => {
  if (frame.caller !== null && frame.awaiter === null) frame.awaiter = frame.caller;
  livingAwaiter(frame);
  return handOut(frame, value);
};

const goOn = (frame, caller) => {
  frame.caller = caller;
  frame.waits = false;
  running = frame;
};
const takeBack = (frame, value) => {
  goOn(frame, running);
  return value;
};
const resume = (frame, value) => {
  goOn(frame, base);
  return value;
};

// A frame goes on where it could not say so: after an error, or after a loop has waited.
const regain = (frame) => {
  if (running === frame) return;
  for (let each = running; each !== null; each = each.caller)
    if (each === frame) {
      running = frame;
      return;
    }
  if (!frame.waits && frame.awaiter === null) frame.awaiter = frame.caller;
  goOn(frame, running);
};

// A task or a microtask begins.
entries.turn = () => { running = base; };

// -- where it stops ------------------------------------------------------------------------------------------------

const setFlags = (text) => {
  if (waking || stepping !== "go") fillBytes(text.flags, 1);
  else setBytes(text.flags, text.stops);
};
const setAllFlags = () => {
  for (let index = 0; index < framedTexts.length; index++) setFlags(framedTexts[index]);
};

const setStops = (text) => {
  const lines = mapGet(stopLines, text.label);
  fillBytes(text.stops, 0);
  for (let index = 0; lines !== undefined && index < text.firsts.length; index++)
    if (findIn(lines, text.places[text.firsts[index]][0]) >= 0) text.stops[text.firsts[index]] = 1;
};

// The engine's own loop asks for this now and then, so that a script which computes hears of commands.
entries.wake = () => {
  if (waking || quiet) return;
  waking = true;
  setAllFlags();
};

const hit = (frame, statement) => {
  if (quiet) return;
  regain(frame);
  if (waking) {
    waking = false;
    setAllFlags();
    told(host.poll());
  }
  const { text } = frame, line = text.places[statement][0];
  if (stepping !== "go" && endsStep(frame, line)) stand(frame, line, "step");
  else if (text.stops[statement] === 1) stand(frame, line, "line");
};

const endsStep = (frame, line) => {
  if (frame === stepFrame) return stepping !== "out" && line !== stepLine;
  if (stepping === "in" || stepFrame === null || findIn(stepCallers, frame) >= 0) return true;
  if (!stepFrame.done) return false;
  // The next round of what the host of an iteration calls: `list.map(…)`.
  if (frame.caller !== null && frame.caller === stepFrame.caller) return true;
  for (let index = 0; index < stepCallers.length; index++) if (!stepCallers[index].done) return false;
  return true; // what the host has called is over
};

const told = (result) => {
  if (typeof result === "string") answer(result, []);
};

const stand = (frame, line, why) => standAt(frame, () => host.reached(frame.text.label, line, why));
const standAt = (frame, tell) => {
  const before = standing, task = current, after = resumed;
  standing = frame;
  forgetAll();
  try {
    told(tell());
  } finally {
    standing = before;
    current = task;
    resumed = after;
    running = frame;
  }
};

const stopHere = (frame) => {
  if (quiet) return;
  regain(frame);
  stand(frame, lineOf(frame), "statement");
};

const setStep = (how) => {
  stepping = how;
  stepFrame = standing;
  stepCallers = [];
  stepLine = standing === null ? 0 : lineOf(standing);
  if (standing !== null)
    for (let each = callerOf(standing); each !== null; each = callerOf(each)) append(stepCallers, each);
  setAllFlags();
};

// -- errors --------------------------------------------------------------------------------------------------------

const toldErrors = new NativeWeakMap();
let lastTold; // one that is no object

const noteThrown = (frame, error) => {
  regain(frame);
  if ((wantsCaught || wantsUncaught) && !quiet) tellThrown(frame, error);
  return error;
};

const tellThrown = (frame, error) => {
  if (isObject(error) ? weakHas(toldErrors, error) || weakHas(cancellations, error) : is(error, lastTold)) return;
  if (isObject(error)) weakSet(toldErrors, error, true);
  lastTold = isObject(error) ? undefined : error;
  const caught = isCaught(frame);
  if (!(caught ? wantsCaught : wantsUncaught)) return;
  const type = isObject(error) ? textOr(read(error, "name"), "") || classNameOf(error) || "Object" : typeof error;
  const message = isObject(error) && typeof read(error, "message") === "string" ? read(error, "message") : inspect(error);
  const stack = isObject(error) ? textOr(read(error, "stack"), "") : "";
  thrownNow = error;
  standAt(frame, () => host.failed(frame.text.label, lineOf(frame), jsonOf(record({ type, message, caught, stack }))));
  thrownNow = undefined;
};
let thrownNow;

// isRejection: it has become the failure of a promise on its way. Who asks the host has not called what fails: the host
// has, and knows whether that gets there.
const isCaught = (frame, isRejection = false) => {
  for (let each = frame; each !== null && (each === frame || findIn(asking, each) < 0); each = callerOf(each)) {
    const taken = each.done ? 0 : placeOf(each)[3];
    if (taken === 1 || (taken === 2 && isRejection)) return true;
    isRejection ||= each.text.functions[each.number].waits;
  }
  return false;
};

// -- frames --------------------------------------------------------------------------------------------------------

// One that waits has left the stack of whoever called it.
const isCalled = (frame) => frame.caller !== null && !frame.waits;
const callerOf = (frame) => (isCalled(frame) ? frame.caller : livingAwaiter(frame));
const statementOf = (frame) => frame.see("$$l");
const placeOf = (frame) => frame.text.places[statementOf(frame)] ?? NOWHERE;
const NOWHERE = [1, 1, 0, 0]; // of a module that is still being linked
const lineOf = (frame) => placeOf(frame)[0];

const FRAMES = 5000;
// The stack: [{frame, awaits}], innermost first.
const stackFrom = (innermost) => {
  const stack = [];
  let awaits = false;
  for (let frame = innermost; frame !== null && stack.length < FRAMES; ) {
    if (!frame.done) {
      append(stack, record({ frame, awaits }));
      awaits = false;
    }
    if (!isCalled(frame)) awaits = true;
    frame = callerOf(frame);
    if (findIn(asking, frame) >= 0) break; // who asks the host has not called it: the host has
  }
  return stack;
};

// -- texts ---------------------------------------------------------------------------------------------------------

const MARKS = record({
  e: enterFrame, x: () => leaveFrame, h: () => hit, s: () => suspend, r: () => resume,
  w: () => handOut, y: () => takeBack, t: () => noteThrown, k: () => regain, d: () => stopHere,
});
const marksOf = (text) => {
  const marks = record({ b: text.flags }), names = objectKeys(MARKS);
  for (let index = 0; index < names.length; index++) marks[names[index]] = MARKS[names[index]](text);
  return marks;
};
const declareMarks = (() => {
  let declared = "const $$b=$$.b";
  const names = objectKeys(MARKS);
  for (let index = 0; index < names.length; index++) declared += `,$$${names[index]}=$$.${names[index]}`;
  return `${declared};`;
})();

const compilePlain = compile;
compile = (text, isModule) => {
  const plain = compilePlain(text, isModule); // what cannot be compiled is refused for what was written
  if (text.without !== undefined) host.unseen(text.label, text.without);
  if (text.tables === undefined) return plain;
  const { tables } = text, size = tables.places.length;
  const framed = record({ label: text.label, first: text.first, source: text.rewritten, flags: new NativeUint8Array(size), stops: new NativeUint8Array(size) });
  const names = objectKeys(tables);
  for (let index = 0; index < names.length; index++) define(framed, names[index], tables[names[index]]);
  const open = isModule
    ? `(function($$){return(function($module){with($module.scope){return(async function(){'use strict';${declareMarks}`
    : `(function($$){${declareMarks}return(function($module){return(async function(){`;
  const close = isModule ? "\n})}})})" : "\n})})})";
  try {
    const run = globalEval(`${repeatText("\n", text.first - 2)}${open}\n${text.rewritten}${close}`)(marksOf(framed));
    setStops(framed);
    append(framedTexts, framed);
    setFlags(framed);
    return run;
  } catch (error) {
    host.unseen(text.label, `the engine refuses it with the debugger's tests: ${briefly(error)}`);
    return plain;
  }
};

// -- the host ------------------------------------------------------------------------------------------------------

define(host, "reached", offered.reached);
define(host, "failed", offered.failed);
define(host, "poll", offered.poll);
define(host, "unseen", offered.unseen);

const askHost = host.ask, callHost = host.call, noteRejection = entries.reject, settleCall = entries.settle, endCall = entries.end;
const asking = []; // the frames that wait in questions to the host, the outermost first
const callers = new NativeMap(); // call -> the frame that made it
host.ask = (name, receiver, args, line) => {
  const frame = running, outer = base;
  base = frame;
  append(asking, frame);
  try {
    return askHost(name, receiver, args, line);
  } finally {
    asking.length--;
    base = outer;
    running = frame;
  }
};
host.call = (name, receiver, args, line) => {
  if (!quiet) {
    const number = callHost(name, receiver, args, line);
    if (running !== null && typeof number === "number") mapSet(callers, number, running);
    return number;
  }
  refusal = `${name} waits for an answer, which cannot be done while the script stands still`;
  const error = new NativeError(refusal);
  weakSet(cancellations, error, true); // nobody need catch it
  throw error;
};
entries.settle = (number, ok) => {
  mapDelete(callers, number);
  settleCall(number, ok);
};
entries.end = (number) => {
  mapDelete(callers, number);
  endCall(number);
};
// What is rejected by what is evaluated does not end the spell.
entries.reject = (promise, reason, handled) => {
  if (!quiet || handled) noteRejection(promise, reason, handled);
};
