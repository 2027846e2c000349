// What the debugger asks of a script that stands still. Each question is a record with an `op`; the answer is JSON, or
// `refused` with a sentence. frame: a number from 0, the innermost; null for the globals alone.

const MOST_PARTS = 2000, MOST_COMPLETIONS = 300;
const KEYWORDS = ["this", "true", "false", "null", "undefined", "typeof", "new", "instanceof", "delete", "void", "in"];
const builtIn = new NativeSet(); // names of globals that no spell made
const configureSpell = entries.configure;
entries.configure = () => {
  const names = ownKeys(globalThis);
  for (let index = 0; index < names.length; index++) setAdd(builtIn, names[index]);
  configureSpell();
};

let stack = null; // of the stop, once it was asked for
let ofCalls = new NativeMap(); // call -> the stack of who waits for it
let numbered = []; // the frames of all of these
const forgetAll = () => {
  held = [null];
  stack = null;
  ofCalls = new NativeMap();
  numbered = [];
};
const numberedOn = (found) => {
  for (let index = 0; index < found.length; index++) append(numbered, define(found[index], "number", numbered.length));
  return found;
};
const stackNow = () => (stack ??= numberedOn(standing === null ? [] : stackFrom(standing)));

const callerIn = (call) => (call < 0 ? asking[-call - 1] : mapGet(callers, call)) ?? null;

const placesOf = (frames) => {
  const found = [];
  for (let index = 0; index < frames.length; index++) {
    const { frame, awaits, number } = frames[index], place = placeOf(frame);
    const name = frame.text.functions[frame.number].name || "(anonymous)";
    append(found, record({ number, name, label: frame.text.label, line: place[0], column: place[1], awaits }));
  }
  return found;
};

const decline = (why) => {
  refusal = why;
  throw new NativeError(why);
};
const frameAt = (number) => {
  stackNow();
  if (number >= numbered.length) decline(`there is no frame ${number}`);
  return numbered[number].frame;
};

const evaluateIn = (number, text) => {
  const evaluator = number === null || number === undefined ? globalEval : seeing(frameAt(number));
  if (testRegex(IMPORTS, text)) declineWaiting("import()"); // nothing loads it, and later it would fail the script
  let source = text;
  while (sliceText(source, 0, 1) === " " || sliceText(source, 0, 1) === "\n") source = sliceText(source, 1);
  if (sliceText(source, 0, 1) === "{") {
    try {
      return evaluator(`(${source}\n)`);
    } catch (error) {
      if (!isSyntaxError(error)) throw error;
    }
  }
  try {
    return evaluator(text);
  } catch (error) {
    if (isSyntaxError(error) && findText(text, "await") >= 0) declineWaiting("await");
    throw error;
  }
};
const declineWaiting = (what) => decline(`${what} waits, which cannot be done while the script stands still`);
const IMPORTS = /(?:^|[^\w$.'"`])import\s*\(/;
defineProperty(IMPORTS, "exec", record({ value: NativeRegExp.prototype.exec }));
const isSyntaxError = (error) => isObject(error) && getPrototypeOf(error) === NativeSyntaxError.prototype;

// -- scopes --------------------------------------------------------------------------------------------------------

// [[name, fixed], …] of the scopes from one on outwards, each name once: those of the function, or those around it.
const namesIn = (frame, isOwn) => {
  const { scopes } = frame.text, seen = new NativeSet(), found = [];
  const { function: own } = scopes[placeOf(frame)[2]];
  for (let number = placeOf(frame)[2]; number >= 0; number = scopes[number].parent) {
    const scope = scopes[number];
    for (let index = 0; index < scope.names.length; index++) {
      const name = scope.names[index];
      if (!setHas(seen, name) && (scope.function === own) === isOwn) append(found, [name, findIn(scope.fixed, name) >= 0]);
      setAdd(seen, name);
    }
  }
  return found;
};

const importedNames = (evaluator) => {
  const found = [], names = ownKeys(evaluator("$module").scope);
  for (let index = 0; index < names.length; index++) append(found, [names[index], true]);
  return found;
};

const scopeParts = (frame, names) => {
  const evaluator = seeing(frame), named = [];
  for (let index = 0; index < names.length; index++) {
    const name = names[index][0], write = names[index][1] ? null : assignTo(evaluator, name);
    append(named, part(name, () => valueOf(evaluator, name), write, name, "data"));
  }
  return fewParts(named);
};
// A name before its declaration has run has no value yet.
const valueOf = (evaluator, name) => {
  try {
    return evaluator(name);
  } catch {
    return NOT_YET;
  }
};
const NOT_YET = record({ toString: () => "" });

const assignTo = (evaluator, target) => (given) => {
  assigned = given;
  giveAssigned(() => evaluator(`${target} = $$assigned()`));
};
let assigned;
const giveAssigned = (assign) => {
  define(globalThis, "$$assigned", () => assigned);
  try {
    return assign();
  } finally {
    delete globalThis.$$assigned;
  }
};

const scopesOf = (number) => {
  const frame = frameAt(number), scopes = [];
  append(scopes, record({ name: "Locals", expensive: false, reference: hold(record({ parts: () => {
    const parts = scopeParts(frame, namesIn(frame, true)), self = valueOf(seeing(frame), "this");
    if (self !== undefined && self !== globalThis && self !== NOT_YET && !isModuleScope(self)) append(parts.named, thisPart(frame, self));
    return parts;
  } })) }));
  const around = namesIn(frame, false), imported = importedNames(seeing(frame));
  for (let index = 0; index < imported.length; index++) append(around, imported[index]);
  if (around.length > 0)
    append(scopes, record({ name: "Closure", expensive: false, reference: hold(record({ parts: () => scopeParts(frame, around) })) }));
  append(scopes, globalsScope());
  return scopes;
};
// Its private fields can be read from where the language lets them be read.
const thisPart = (frame, self) => {
  const shown = part("this", () => self, null, "this", "data"), evaluator = seeing(frame);
  const names = frame.text.functions[frame.number].private, found = [];
  for (let index = 0; index < names.length; index++) {
    const expression = `this.${names[index]}`;
    if (isObject(self) && valueOf(evaluator, `${names[index]} in this`) === true)
      append(found, part(names[index], () => evaluator(expression), assignTo(evaluator, expression), expression));
  }
  return define(shown, "private", found);
};
// What an imported function that is called by its name has for `this`.
const isModuleScope = (self) => {
  let found = false;
  mapEach(modules, (module) => { if (module.scope === self) found = true; });
  return found;
};
const globalsScope = () => record({ name: "Globals", expensive: true, reference: hold(record({ parts: globalParts })) });
const globalParts = () => {
  const parts = partsOf(globalThis, ""), own = [], rest = [];
  for (let index = 0; index < partCount(parts); index++) {
    const one = partAt(parts, index);
    if (one.kind !== "virtual") append(setHas(builtIn, one.name) || findText(one.name, "Symbol(") === 0 ? rest : own, define(one, "expression", one.name, true));
  }
  append(own, part("(built in)", () => record({ parts: rest }), null, "", "virtual"));
  return fewParts(own);
};

const partsBehind = (reference) => {
  const item = held[reference];
  if (item === undefined || item === null) decline(`there is nothing numbered ${reference} any more: the script has gone on`);
  if (item.parts !== undefined) return item.parts();
  if (item.lazy !== undefined) return fewParts([part("value", item.lazy, null, item.expression)]);
  const parts = partsOf(item.value, item.expression, item.receiver);
  for (let index = 0; item.private !== undefined && index < item.private.length; index++) append(parts.named, item.private[index]);
  return parts;
};

const showNamed = (one) => {
  if (one.name === "(built in)") {
    const { parts } = one.read();
    const reference = hold(record({ parts: () => fewParts(parts) }));
    return record({ name: one.name, value: `${parts.length} names`, type: "", reference, kind: "virtual", writable: false });
  }
  const shown = showPart(one);
  if (one.private !== undefined && shown.reference > 0) held[shown.reference].private = one.private;
  if (one.kind === "data" && one.read() === NOT_YET)
    return record({ name: one.name, value: "<not yet declared>", type: "", reference: 0, kind: "data", writable: false });
  return shown;
};

// -- questions -----------------------------------------------------------------------------------------------------

const writeTo = (reference, name, value) => {
  const parts = partsBehind(reference), { count, at } = parts;
  const found = at !== null && `${name >>> 0}` === name && name >>> 0 < count ? at(name >>> 0) : namedPart(parts, name);
  if (found === null) decline(`there is no ${name} here`);
  if (found.write === null) decline(`${name} cannot be given another value`);
  found.write(value);
  return show(found.read(), SHOWN_TEXT, found.expression);
};
const namedPart = (parts, name) => {
  for (let index = parts.count; index < partCount(parts); index++) {
    const one = partAt(parts, index);
    if (one.name === name) return one;
  }
  return null;
};

const kindOf = (value) => (typeof value !== "function" ? "variable" : findText(functionTextAsRun(value), "class") === 0 ? "class" : "function");

const completionsOf = ({ frame, holder, prefix }) => {
  const found = [], seen = new NativeSet();
  const offer = (label, kind) => {
    if (found.length >= MOST_COMPLETIONS || typeof label !== "string" || findText(label, prefix) !== 0 || setHas(seen, label)) return;
    if (findText(label, "$$") === 0) return;
    setAdd(seen, label);
    append(found, record({ label, kind: kind() }));
  };
  if (holder !== "") {
    let value;
    try {
      value = evaluateIn(frame, holder);
    } catch {
      return found; // nothing that can be said follows it
    }
    for (let each = value === null || value === undefined ? null : NativeObject(value); each !== null; each = getPrototypeOf(each)) {
      const names = ownKeys(each);
      for (let index = 0; index < names.length; index++) {
        const own = ownProperty(each, names[index]);
        if (typeof names[index] !== "string" || testRegex(IDENTIFIER, names[index])) offer(names[index], () => (typeof own?.value === "function" ? "method" : "property"));
      }
    }
    return found;
  }
  if (typeof frame === "number") {
    const target = frameAt(frame), evaluator = seeing(target), names = namesIn(target, true), around = namesIn(target, false);
    for (let index = 0; index < around.length; index++) append(names, around[index]);
    for (let index = 0; index < names.length; index++) offer(names[index][0], () => kindOf(valueOf(evaluator, names[index][0])));
  }
  const globals = ownKeys(globalThis);
  for (let index = 0; index < globals.length; index++) offer(globals[index], () => kindOf(ownProperty(globalThis, globals[index])?.value));
  for (let index = 0; index < KEYWORDS.length; index++) offer(KEYWORDS[index], () => "keyword");
  return found;
};

const questions = record({
  lines({ label, lines }) {
    mapSet(stopLines, label, lines);
    for (let index = 0; index < framedTexts.length; index++)
      if (framedTexts[index].label === label) {
        setStops(framedTexts[index]);
        setFlags(framedTexts[index]);
      }
    return null;
  },
  errors({ caught, uncaught }) {
    wantsCaught = caught;
    wantsUncaught = uncaught;
    return null;
  },
  step({ how }) {
    setStep(how);
    return null;
  },
  frames: () => placesOf(stackNow()),
  callers({ call }) {
    stackNow();
    if (!mapHas(ofCalls, call)) mapSet(ofCalls, call, numberedOn(stackFrom(callerIn(call))));
    return placesOf(mapGet(ofCalls, call));
  },
  catches: ({ call }) => isCaught(callerIn(call), call >= 0),
  scopes: ({ frame }) => scopesOf(frame),
  variables({ reference, start, count }) {
    const parts = partsBehind(reference), size = partCount(parts), found = [];
    const end = start + (count > 0 && count < MOST_PARTS ? count : MOST_PARTS);
    for (let index = start; index < end && index < size; index++) append(found, showNamed(partAt(parts, index)));
    return found;
  },
  evaluate: ({ frame, text, most }) => show(evaluateIn(frame, text), most, testRegex(SIMPLE, text) ? text : ""),
  holds: ({ frame, text }) => !!evaluateIn(frame, text),
  text({ frame, text }) {
    const value = evaluateIn(frame, text);
    return typeof value === "string" ? value : inspect(value);
  },
  assign: ({ reference, name, text, frame }) => writeTo(reference, name, evaluateIn(frame, text)),
  store({ target, text, frame }) {
    const evaluator = frame === null || frame === undefined ? globalEval : seeing(frameAt(frame));
    assignTo(evaluator, target)(evaluateIn(frame, text));
    return show(evaluator(target), SHOWN_TEXT, target);
  },
  completions: completionsOf,
  forget() {
    forgetAll();
    return null;
  },
});
const SIMPLE = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;
defineProperty(SIMPLE, "exec", record({ value: NativeRegExp.prototype.exec }));

let asked = null; // what runs, as it was before the question
const leaveQuestion = () => {
  quiet = false;
  current = asked.task;
  resumed = asked.after;
  running = asked.frame;
};

entries.question = () => {
  const question = record(parseJson(host.take()));
  asked = record({ task: current, after: resumed, frame: running });
  quiet = true;
  refusal = "";
  try {
    const answered = questions[question.op](question);
    return jsonOf(refusal === "" ? record({ answer: answered }) : record({ refused: refusal }));
  } catch (error) {
    return jsonOf(record({ refused: refusal === "" ? briefly(error) : refusal }));
  } finally {
    leaveQuestion();
  }
};
// A question was broken off, past all of that.
entries.calm = leaveQuestion;
