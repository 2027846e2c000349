// What evaluates a text where a frame stands. Usually its own direct eval; in a large text (instrumentation/evaluators.py)
// its scopes are seen by name, and the text is evaluated, as sloppy code, inside of a `with` that asks for each name.

// What evaluates a text in the block that a frame is in.
const seeing = (frame) => {
  const number = placeOf(frame)[2], { text } = frame;
  const see = (text.scopes[number].own ? frame.see : frame.see(`$$s${number}`)) ?? frame.see;
  return text.named ? byName(frame, number, see) : see;
};

// name -> whether it is constant, of all that a scope sees.
const visibleIn = (text, scope) => {
  text.visible ??= new NativeMap();
  let found = mapGet(text.visible, scope);
  if (found !== undefined) return found;
  found = new NativeMap();
  for (let number = scope; number >= 0; number = text.scopes[number].parent) {
    const { names, fixed } = text.scopes[number];
    for (let index = 0; index < names.length; index++)
      if (!mapHas(found, names[index])) mapSet(found, names[index], findIn(fixed, names[index]) >= 0);
  }
  mapSet(text.visible, scope, found);
  return found;
};

const evaluateWith = globalEval("(function($$scope,$$text){with($$scope){return eval($$text)}})");

const byName = (frame, number, see) => {
  const visible = visibleIn(frame.text, number), imported = see("$module").scope;
  const own = frame.text.functions[frame.number].private;
  const scope = new NativeProxy(record({}), record({
    has: (_, name) =>
      typeof name === "string" &&
      (mapHas(visible, name) || name in imported || name === "arguments" || name === "$module" || findText(name, PRIVATE) === 0),
    get(_, name) {
      if (typeof name !== "string") return undefined;
      return !mapHas(visible, name) && name in imported ? imported[name] : see(spelled(name));
    },
    set(_, name, value) {
      if (mapGet(visible, name) !== false && findText(name, PRIVATE) !== 0) throw new NativeTypeError(`'${name}' is read-only`);
      see(spelled(name), value, true);
      return true;
    },
  }));
  return (text) => {
    if (text === "this") return see(text);
    let source = text;
    for (let index = 0; index < own.length; index++) {
      if (text === `${own[index]} in this`) return see(text);
      source = withPrivate(source, own[index]);
    }
    return apply(evaluateWith, thisSeen(see), [scope, source]);
  };
};

// `this.#x`, which only its class may spell, as a name of the scope.
const PRIVATE = "$$this_";
const spelled = (name) => (findText(name, PRIVATE) === 0 ? `this.#${sliceText(name, PRIVATE.length)}` : name);
const withPrivate = (text, name) => {
  const member = `this.${name}`;
  let found = "", from = 0;
  for (let at = findText(text, member); at >= 0; at = findText(text, member, from)) {
    const after = at + member.length, isWhole = !testRegex(GOES_ON, sliceText(text, after, after + 1));
    found += sliceText(text, from, at) + (isWhole ? PRIVATE + sliceText(name, 1) : member);
    from = after;
  }
  return found + sliceText(text, from);
};
const GOES_ON = /[\w$]/;
defineProperty(GOES_ON, "exec", record({ value: NativeRegExp.prototype.exec }));
const thisSeen = (see) => {
  try {
    return see("this");
  } catch {
    return undefined; // a constructor before super()
  }
};
