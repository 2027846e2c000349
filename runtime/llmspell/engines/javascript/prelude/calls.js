// Calls to the host, and the host's calls of functions. A call belongs to the group that was current when it was made:
// a group is what `Async` or one callback started, and ends as one.

const pending = new NativeMap(); // call -> {resolve, reject, group, sites}
const callOfPromise = new NativeWeakMap();
const cancellations = new NativeWeakMap(); // the errors that cancelled calls ended with
let current = null;

const newGroup = (parent) => record({ parent, dead: false });
const isWithin = (group, ancestor) => {
  for (; group !== null; group = group.parent) if (group === ancestor) return true;
  return false;
};
const isDead = (group) => {
  for (; group !== null; group = group.parent) if (group.dead) return true;
  return false;
};

const cancelled = () => {
  const error = errorFrom({ name: "CancelledError", type: "cancelled", message: "the call was cancelled", stack: [] }, "");
  weakSet(cancellations, error, true);
  return error;
};

// An answer is null, a boolean or a number as it is; else text: `p`/`t` and a value, or `!` and an error map.
const answer = (result, sites) => {
  if (typeof result !== "string") return result;
  if (result[0] !== "!") return decode(result);
  throw errorFrom(decode(sliceText(result, 1)), render(withCallers(sites)));
};

// Starts a call; `resolve` and `reject` get its outcome. Gives its number, or 0 where its group has ended already:
// then nothing comes of it.
const startCall = (name, receiver, args, resolve, reject) => {
  const sites = withCallers(trace());
  const text = encodeArguments(args);
  if (isDead(current)) return 0;
  const number = answer(host.call(name, receiver, text, lineIn(sites)), sites);
  mapSet(pending, number, record({ resolve, reject, group: current, sites }));
  return number;
};

const call = (name, receiver, args) => {
  let number = 0;
  const promise = new NativePromise((resolve, reject) => {
    try {
      number = startCall(name, receiver, args, resolve, reject);
    } catch (error) {
      reject(error);
    }
  });
  if (number) weakSet(callOfPromise, promise, number);
  return promise;
};

const ask = (name, receiver, args) => {
  const sites = trace(), group = current, before = resumed;
  const result = host.ask(name, receiver, encodeArguments(args), lineIn(sites));
  current = group;
  resumed = before;
  return answer(result, sites);
};

const ending = new NativeMap(); // cancelled calls whose promises are still to be told

const cancelCalls = (isMeant) => {
  const numbers = [];
  mapEach(pending, (waiting, number) => {
    if (isMeant(waiting, number)) append(numbers, number);
  });
  if (numbers.length === 0) return;
  for (let index = 0; index < numbers.length; index++) {
    mapSet(ending, numbers[index], mapGet(pending, numbers[index]));
    mapDelete(pending, numbers[index]);
  }
  host.cancel(`[${join(numbers, ",")}]`); // which also makes `end` ready for each
};

// A task of its own, so that what goes on after it is still of the ended group, where no call is started any more.
entries.end = (number) => {
  const waiting = mapGet(ending, number);
  mapDelete(ending, number);
  current = waiting.group;
  resumed = waiting.sites;
  waiting.reject(cancelled());
};

const endGroup = (group, isAlso = () => false) => {
  group.dead = true;
  cancelCalls((waiting, number) => isWithin(waiting.group, group) || isAlso(number));
  leave(group);
};
// Who waited for a group goes on in the microtasks of its last call, but not as part of it.
const leave = (group) => {
  if (isWithin(current, group)) current = group.parent;
};

entries.settle = (number, ok) => {
  const waiting = mapGet(pending, number), text = host.take();
  if (waiting === undefined) return;
  mapDelete(pending, number);
  current = waiting.group;
  resumed = waiting.sites;
  try {
    if (ok) waiting.resolve(decode(text));
    else waiting.reject(errorFrom(decode(text), render(waiting.sites)));
  } catch (error) {
    waiting.reject(error);
  }
};

const callbackGroups = new NativeMap(); // callback -> group

// What of a table differs from `before`, its fields as they were; an object inside counts as changed. To encode what the
// host has anyway would take most of a hook's time.
const changedFields = (table, before) => {
  const changed = { ...table }, names = ownKeys(changed);
  for (let index = 0; index < names.length; index++) {
    const name = names[index], value = changed[name];
    if (!isObject(value) && name in before && value === before[name]) delete changed[name];
  }
  return changed;
};

entries.invoke = (callback, number, echo) => {
  const group = newGroup(null), text = host.take();
  current = group;
  resumed = null;
  mapSet(callbackGroups, callback, group);
  let args = null, before = null;
  const finish = (ok, value) => {
    if (!mapDelete(callbackGroups, callback)) return; // cancelled
    try {
      const given = ok && echo ? changedFields(args[0], before) : value;
      host.result(callback, ok, ok ? encodeValue(given, "the result") : describe(given));
    } catch (error) {
      host.result(callback, false, describe(error));
    }
  };
  try {
    const fn = mapGet(functions, number);
    if (fn === undefined) throw new NativeTypeError(`function ${number} is no longer held`);
    args = decode(text);
    if (echo) before = { __proto__: null, ...args[0] };
    const value = apply(fn, undefined, args);
    const settle = (settled) => finish(true, settled);
    if (isObject(value)) nativeThen(resolved(value), settle, (error) => finish(false, error));
    else settle(value);
  } catch (error) {
    finish(false, error);
  }
};

entries.cancel = (callback) => {
  const group = mapGet(callbackGroups, callback);
  if (group === undefined) return;
  mapDelete(callbackGroups, callback);
  current = null;
  endGroup(group);
};

// -- what nobody catches -------------------------------------------------------------------------------------------

const fail = (error) => {
  let text;
  try {
    text = describe(error);
  } catch {
    return host.exhausted(); // there is no memory even to say so
  }
  host.fail(text);
};

const unhandled = new NativeMap(); // promise -> reason, since the queue was last empty

entries.reject = (promise, reason, handled) => {
  if (handled) mapDelete(unhandled, promise);
  else mapSet(unhandled, promise, reason);
};

entries.report = () => {
  let reported = false;
  mapEach(unhandled, (reason, promise) => {
    mapDelete(unhandled, promise);
    if (reported || (isObject(reason) && weakHas(cancellations, reason))) return;
    reported = true;
    host.reject(describe(reason));
  });
};
