// Compiles a spell and its modules. A module arrives rewritten (modules.py): the body of an async function whose first
// line says what it exports and imports; one in JSON as it is. An imported name is looked up each time it is used, through `with`, which is
// what keeps bindings live; the body itself is strict.

const modules = new NativeMap(); // label -> module
const resolutions = new NativeMap(); // `importer NUL specifier` -> module

const addText = ({ first, last, label }) => append(texts, record({ first, last, label }));

let compile = (text, isModule) => { // replaced where the run is debugged
  addText(text);
  const open = isModule ? "(function($module){with($module.scope){return(async function(){'use strict';" : "(function($module){return(async function(){";
  const close = isModule ? "\n})}})" : "\n})})";
  // The wrapper takes the line before the text's first.
  return globalEval(`${repeatText("\n", text.first - 2)}${open}\n${text.source}${close}`);
};

// What `take` makes of a text. One that the engine refuses is an error at the refused line, of no function.
const taken = (text, take) => {
  compiling = true;
  try {
    return take();
  } catch (error) {
    define(error, "type", "syntax");
    weakSet(hostFields, error, record({ source: sourceIn(textOr(read(error, "stack"), "")) }));
    throw error;
  } finally {
    compiling = false;
  }
};

const newModule = (label) => {
  const namespace = create(null), scope = create(null);
  define(namespace, toStringTag, "Module");
  return record({ label, namespace, scope, run: null, outcome: null, done: false });
};

const exportAs = (module, name, read) => {
  if (!hasOwn(module.namespace, name)) defineProperty(module.namespace, name, record({ get: read, enumerable: true, configurable: false }));
};

const importName = (module, source, local, name) => {
  if (name === "*") return bindName(module, local, () => source.namespace);
  if (!hasOwn(source.namespace, name) && source.done)
    throw noExport(source, name);
  bindName(module, local, () => {
    if (!hasOwn(source.namespace, name)) throw noExport(source, name);
    return source.namespace[name];
  });
};
const noExport = (source, name) => new NativeSyntaxError(`${source.label} has no export named ${quote(name)}`);
const bindName = (module, local, read) =>
  defineProperty(module.scope, local, record({ get: read, enumerable: true, configurable: true }));

// The value of a JSON text. It is read below as many empty lines as there are before its first, so that a stack has its
// own line of what is no JSON.
const dataIn = (text) => {
  addText(text);
  return parseOrEnd(`${repeatText("\n", text.first - 1)}${text.source}`);
};

// What statements ask for is carried out at their module's first line, one after the other, where the engine knows that
// line only or, once it has waited, none: an error gets the line of its statement.
const throughLine = (module, line, error) => {
  const stack = textOr(read(error, "stack"), ""), own = findText(stack, `    at <main> (${module.label}:`);
  const before = own < 0 ? stack : sliceText(stack, 0, own), after = own < 0 ? "" : sliceText(stack, findText(stack, "\n", own) + 1);
  define(error, "stack", `${before}    at <main> (${module.label}:${line}:1)\n${after}`);
  const known = weakGet(hostFields, error);
  if (known !== undefined && findText(textOr(known.source, ""), `${module.label}:`) === 0)
    define(error, "source", (known.source = `${module.label}:${line}`));
};
const throughCall = (callers, error) => {
  const stack = textOr(read(error, "stack"), "");
  if (findText(stack, callers) < 0) define(error, "stack", stack + callers);
};

// Several may wait for a module that fails, and are told the same error. It has the way of the first of them only.
// next: the module that fails of it, too; null for a spell's own call.
const ways = new NativeWeakMap(); // error -> the last module on its way
const comesFrom = (module, error, next) => {
  if (!isError(error)) return false;
  const last = weakGet(ways, error);
  if (last !== undefined && last !== module) return false;
  weakSet(ways, error, next);
  return true;
};

// What a module's own text sees as `$module`. chain: the modules that wait for this one; waiting for one of them
// would be waiting for itself.
const linkage = (module, chain) => {
  return record({
    scope: module.scope,
    meta: record({ url: module.label }),
    provide(getters) {
      const names = objectKeys(getters);
      for (let index = 0; index < names.length; index++) exportAs(module, names[index], getters[names[index]]);
    },
    // requests: [[line, specifier, [[local, name], …], [[exported, name], …]], …]; exported "*" with name "*" is
    // `export *`.
    async link(requests) {
      for (let index = 0; index < requests.length; index++) {
        const line = requests[index][0], imports = requests[index][2], exports = requests[index][3];
        let source;
        try {
          source = resolve(requests[index][1], module.label);
          if (findIn(chain, source) < 0) await evaluate(source, chain);
          for (let each = 0; each < imports.length; each++) importName(module, source, imports[each][0], imports[each][1]);
          for (let each = 0; each < exports.length; each++) reexport(module, source, exports[each][0], exports[each][1]);
        } catch (error) {
          if (comesFrom(source, error, module)) throughLine(module, line, error);
          throw error;
        }
      }
    },
    async import(specifier) {
      const callers = withCallers(trace()), source = resolve(`${specifier}`, module.label);
      try {
        await evaluate(source, []);
      } catch (error) {
        if (comesFrom(source, error, null)) throughCall(render(callers), error);
        throw error;
      }
      return source.namespace;
    },
  });
};

const reexport = (module, source, exported, name) => {
  if (exported !== "*") return exportAs(module, exported, () => (name === "*" ? source.namespace : source.namespace[name]));
  const names = objectKeys(source.namespace);
  for (let index = 0; index < names.length; index++)
    if (names[index] !== "default") exportAs(module, names[index], () => source.namespace[names[index]]);
};

const findIn = (list, item) => {
  for (let index = 0; index < list.length; index++) if (list[index] === item) return index;
  return -1;
};

const resolve = (specifier, importer) => {
  const key = `${importer}\0${specifier}`;
  if (mapHas(resolutions, key)) return mapGet(resolutions, key);
  const text = ask("module.load", null, [specifier, importer]);
  let module = mapGet(modules, text.label);
  if (module === undefined) {
    module = newModule(text.label);
    if (sliceText(text.label, -5) === ".json") {
      const value = taken(text, () => dataIn(text));
      exportAs(module, "default", () => value);
      module.outcome = resolved();
      module.done = true;
    } else {
      module.run = taken(text, () => compile(text, true));
    }
    mapSet(modules, text.label, module);
  }
  mapSet(resolutions, key, module);
  return module;
};

const evaluate = (module, chain) => {
  if (module.outcome === null) {
    const below = copyList(chain);
    append(below, module);
    module.outcome = runBody(module, below);
    nativeThen(module.outcome, () => (module.done = true), ignore);
  }
  return module.outcome;
};

const runBody = (module, chain) => {
  const body = module.run(linkage(module, chain));
  weakSet(bodies, body, true);
  return body();
};

entries.configure = () => {
  const { params, config, env, globals } = decode(host.take());
  publish("params", params);
  publish("config", config);
  define(process, "env", freeze(record(env)), true);
  const names = objectKeys(globals);
  for (let index = 0; index < names.length; index++) publish(names[index], globals[names[index]]);
};

let main = null;

entries.load = () => {
  const text = decode(host.take());
  try {
    main = newModule(text.label);
    main.run = taken(text, () => compile(text, text.module));
    mapSet(modules, text.label, main);
    return true;
  } catch (error) {
    fail(error);
    return false;
  }
};

entries.run = () => {
  current = resumed = null;
  nativeThen(evaluate(main, []), (value) => {
    try {
      host.finish(encodeValue(value, "the result"));
    } catch (error) {
      fail(error);
    }
  }, fail);
};
