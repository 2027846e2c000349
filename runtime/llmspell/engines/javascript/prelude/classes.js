// Classes of the host: constructors, methods, properties and streams made from the binding table. An instance is an
// ordinary object whose number only the glue knows; the same number is the same instance while a spell can tell.

const instances = new NativeWeakMap(); // instance -> {number, className, overridden}
const byNumber = new NativeMap(); // number -> WeakRef, or the instance of a script's class itself: it has fields of its own
const classes = record({}); // registry name -> {Class, spec}
const locals = record({}); // `Class.member` -> what the prelude itself provides

const instanceOf = (value) => weakGet(instances, value);

const remember = (instance, number, className, overridden) => {
  weakSet(instances, instance, record({ number, className, overridden }));
  mapSet(byNumber, number, overridden === null ? new NativeWeakRef(instance) : instance);
  return instance;
};

const forget = new FinalizationRegistry((number) => {
  const held = mapGet(byNumber, number);
  if (isWeak(held) && deref(held) === undefined) mapDelete(byNumber, number);
});
const watch = uncurry(FinalizationRegistry.prototype.register);
const isWeak = (held) => held !== undefined && isPrototypeOf(NativeWeakRef.prototype, held);

const instanceFor = (number, className, actions) => {
  const held = mapGet(byNumber, number);
  const known = isWeak(held) ? deref(held) : held;
  if (known !== undefined) return known;
  if (className === "Stream") return remember(streamOver(resolved(number)), number, className, null);
  const bound = classes[className];
  const prototype = bound === undefined ? NativeObject.prototype : bound.Class.prototype;
  const opened = bound === undefined ? null : bound.opened;
  const instance = opened === null ? create(prototype)
    : openObject(prototype, record({ name: opened, receiver: number, path: [], inner: [], list: false }));
  for (let index = 0; index < actions.length; index++) {
    const snake = actions[index].name, camel = actions[index].js;
    const action = { [camel](...args) { return call(`${className}.${snake}`, number, args); } }[camel];
    define(instance, camel, action);
    if (camel !== snake) define(instance, snake, action);
  }
  remember(instance, number, className, null);
  watch(forget, instance, number);
  return instance;
};

const receiverOf = (self, spec, member) => {
  const instance = isObject(self) ? instanceOf(self) : undefined;
  if (instance === undefined)
    throw new NativeTypeError(`${spec.name}.${member.js} was called without its ${spec.name}: keep the dot, as in object.${member.js}(…)`);
  return instance;
};

// -- methods -------------------------------------------------------------------------------------------------------

// An iterator over a stream of the host. opened: a promise of the stream's number.
const streamOver = (opened) => {
  let over = false;
  const finished = (value) => ({ value, done: true });
  const close = async (value) => {
    if (!over) {
      over = true;
      ask("Stream.close", await opened, []);
    }
    return finished(value);
  };
  return {
    async next() {
      const number = await opened;
      if (over) return finished(undefined);
      const item = await call("Stream.next", number, []);
      if (item !== null) return { value: item[0], done: false };
      over = true;
      return finished(undefined);
    },
    return: close,
    close: () => close(undefined),
    [asyncIteratorSymbol]() {
      return this;
    },
  };
};

const openStream = (name, receiver, args) => {
  const opened = new NativePromise((resolve, reject) => {
    startCall(name, receiver, args, (stream) => resolve(instanceOf(stream).number), reject);
  });
  nativeThen(opened, undefined, ignore); // a failure is told by next()
  return streamOver(opened);
};

const invoker = (spec, member) => {
  const name = `${spec.name}.${member.name}`;
  const run = member.kind === "sync" ? ask : member.kind === "stream" ? openStream : call;
  const method = member.static || spec.namespace
    ? { [member.js](...args) { return run(name, null, args); } }
    : { [member.js](...args) {
        const instance = receiverOf(this, spec, member);
        const isBase = instance.overridden !== null && member.name in instance.overridden;
        return run(isBase ? `${name}:base` : name, instance.number, args);
      } };
  return method[member.js];
};

const addMember = (target, member, value) => {
  define(target, member.js, value);
  if (member.js !== member.name) define(target, member.name, value);
};

const addProperty = (prototype, spec, property) => {
  const name = `${spec.name}.${property.name}`;
  const read = function () {
    if (spec.namespace) return ask(name, null, []);
    if (this === prototype) return undefined;
    const { number } = receiverOf(this, spec, property);
    return property.live ? liveTable(record({ name, receiver: number, path: [], inner: [], list: false })) : ask(name, number, []);
  };
  const write = function (value) {
    const instance = receiverOf(this, spec, property);
    if (property.live) ask(`${name}=`, instance.number, [[], value]);
    else if (property.writable) ask(`${name}=`, instance.number, [value]);
    else if (instance.overridden !== null) define(this, property.js, value, true); // a field of the script's own class
    else throw new NativeTypeError(`${property.js} of a ${spec.name} cannot be changed`);
  };
  const descriptor = record({ get: read, set: write, enumerable: false, configurable: true });
  defineProperty(prototype, property.js, descriptor);
  if (property.js !== property.name) defineProperty(prototype, property.name, descriptor);
};

// -- constructors --------------------------------------------------------------------------------------------------

const isOptions = (value) => {
  if (!isObject(value) || typeof value === "function" || isArray(value) || instanceOf(value) !== undefined) return false;
  const prototype = getPrototypeOf(value);
  return prototype === null || getPrototypeOf(prototype) === null;
};

// Splits what a constructor was given: declared options by their registry names for the host, the rest for the
// instance of a script's own class.
const readOptions = (spec, args, isOwnClass) => {
  const options = record({}), rest = record({});
  if (args.length === 1 && (args[0] === undefined || args[0] === null)) args = [];
  if (args.length > 0 && !isOptions(args[0])) {
    if (spec.positional.length < args.length)
      throw new NativeTypeError(`new ${spec.name}(…) takes an object of options` +
        (spec.positional.length ? ` or (${join(spec.positional, ", ")})` : ""));
    for (let index = 0; index < args.length; index++) options[spec.positional[index]] = args[index];
    return record({ options, rest });
  }
  const given = args.length > 0 ? args[0] : {}, keys = objectKeys(given);
  for (let index = 0; index < keys.length; index++) {
    if (hasOwn(spec.optionNames, keys[index])) options[spec.optionNames[keys[index]]] = given[keys[index]];
    else (isOwnClass ? rest : options)[keys[index]] = given[keys[index]];
  }
  return record({ options, rest });
};

const overridesOf = new NativeWeakMap(); // script class -> overrides, so that each function keeps its number
const findOverrides = (target, bound) => {
  const known = weakGet(overridesOf, target);
  if (known !== undefined) return known;
  const overrides = record({});
  for (let prototype = target.prototype; prototype !== null && prototype !== bound.Class.prototype; prototype = getPrototypeOf(prototype)) {
    for (let index = 0; index < bound.overridable.length; index++) {
      const member = bound.overridable[index];
      if (member.name in overrides) continue;
      const own = ownProperty(prototype, member.js) ?? ownProperty(prototype, member.name);
      if (own === undefined || typeof own.value !== "function") continue;
      overrides[member.name] = (self, ...args) => apply(own.value, self, args);
    }
  }
  weakSet(overridesOf, target, overrides);
  return overrides;
};

// An overridden method called on the instance goes to the host first, so that hooks and events see it; the host calls
// the script's method back.
const routeOverrides = (instance, bound, overrides, number) => {
  for (let index = 0; index < bound.overridable.length; index++) {
    const member = bound.overridable[index];
    if (!(member.name in overrides)) continue;
    const name = `${member.owner}.${member.name}`, run = member.kind === "sync" ? ask : member.kind === "stream" ? openStream : call;
    const method = { [member.js](...args) { return run(name, number, args); } }[member.js];
    addMember(instance, member, method);
  }
};

const constructorOf = (spec) => {
  const Class = { [spec.name]: function (...args) {
    if (new.target === undefined) throw new NativeTypeError(`${spec.name} is a class: write new ${spec.name}(…)`);
    if (!spec.constructible) throw new NativeTypeError(`${spec.name} cannot be made by a script`);
    const isOwnClass = new.target !== Class;
    const { options, rest } = readOptions(spec, args, isOwnClass);
    const bound = classes[spec.name];
    const overrides = isOwnClass ? findOverrides(new.target, bound) : null;
    const subclass = isOwnClass ? record({ name: textOr(read(new.target, "name"), spec.name), overrides }) : null;
    const made = ask(`${spec.name}.new`, null, [options, subclass]);
    if (!isOwnClass) return made;
    const { number } = instanceOf(made);
    const instance = create(new.target.prototype);
    remember(instance, number, spec.name, overrides);
    routeOverrides(instance, bound, overrides, number);
    const keys = objectKeys(rest);
    for (let index = 0; index < keys.length; index++) instance[keys[index]] = rest[keys[index]];
    return instance;
  } }[spec.name];
  return Class;
};

// What a namespace inherits: `Cache.getCachedNotes(key)` is `Cache.getCached("notes", key)`, for methods declared so.
const inheritedBy = (spec) => {
  let prefixed = false;
  for (let index = 0; index < spec.methods.length; index++) prefixed ||= spec.methods[index].prefix === true;
  if (!prefixed) return NativeObject.prototype;
  const members = record({});
  return new NativeProxy(create(NativeObject.prototype), record({
    get(target, key, receiver) {
      if (typeof key !== "string" || key in target) return reflectGet(target, key, receiver);
      for (let index = 0; index < spec.methods.length; index++) {
        const member = spec.methods[index], kind = member.prefix ? kindAfter(member, key) : "";
        if (kind !== "") return members[key] ??= (...args) => {
          const given = [kind];
          for (let each = 0; each < args.length; each++) append(given, args[each]);
          return call(`${spec.name}.${member.name}`, null, given);
        };
      }
    },
  }));
};

// `getCachedTideTables` and `get_cached_tide_tables` are of the kind `tide_tables`; "" for another name.
const kindAfter = (member, key) => {
  const snake = `${member.name}_`, { js } = member;
  if (findText(key, snake) === 0) return sliceText(key, snake.length);
  if (findText(key, js) !== 0) return "";
  let kind = "";
  for (let index = js.length; index < key.length; index++) {
    const letter = key[index], lower = lowerText(letter);
    if (index === js.length && letter === lower) return "";
    kind += letter === lower || index === js.length ? lower : `_${lower}`;
  }
  return kind;
};

const bindClass = (spec) => {
  const parent = spec.extends === null ? undefined : classes[spec.extends];
  const Class = spec.namespace ? create(inheritedBy(spec)) : constructorOf(spec);
  const target = spec.namespace ? Class : Class.prototype;
  if (parent !== undefined) {
    setPrototypeOf(Class, parent.Class);
    setPrototypeOf(Class.prototype, parent.Class.prototype);
  }
  if (spec.namespace) define(Class, toStringTag, spec.name);
  else define(Class, "new", { new(...args) { return construct(this, args); } }.new);
  const overridable = parent === undefined ? [] : copyList(parent.overridable);
  for (let index = 0; index < spec.methods.length; index++) {
    const member = spec.methods[index];
    const holder = member.static || spec.namespace ? Class : target;
    const local = locals[`${spec.name}.${member.name}`];
    if (member.kind === "local" && local === undefined) throw new NativeError(`${spec.name}.${member.name} is local, but the prelude lacks it`);
    addMember(holder, member, local ?? invoker(spec, member));
    if (member.overridable) append(overridable, record({ name: member.name, js: member.js, kind: member.kind, owner: spec.name }));
  }
  let opened = parent === undefined ? null : parent.opened;
  for (let index = 0; index < spec.properties.length; index++) {
    addProperty(target, spec, spec.properties[index]);
    if (spec.properties[index].open) opened = `${spec.name}.${spec.properties[index].name}`;
  }
  define(classes, spec.name, record({ Class, spec, overridable, opened }));
  publish(spec.name, Class);
  for (let index = 0; index < spec.aliases.length; index++) publish(spec.aliases[index], Class);
};

entries.bind = () => {
  const binding = decode(host.take());
  for (let index = 0; index < binding.errors.length; index++) defineErrorClass(binding.errors[index].name, binding.errors[index].type);
  for (let index = 0; index < binding.classes.length; index++)
    if (!hasOwn(provided, binding.classes[index].name)) bindClass(binding.classes[index]);
};
