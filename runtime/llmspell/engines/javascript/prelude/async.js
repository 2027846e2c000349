// `Async`, timers, microtasks: waiting together, with the losers cancelled.

const provided = record({}); // names that the prelude provides whole, whatever the binding says of them
const provide = (name, value) => {
  define(provided, name, value);
  publish(name, value);
};

const sleep = (milliseconds = 0) => call("Async.sleep", null, [milliseconds]);

const listOf = (list, what) => {
  if (!isArray(list)) throw new NativeTypeError(`${what} takes a list of functions or promises, not ${inspect(list)}`);
  return list;
};

// Runs a function, or takes a promise, as part of a group; gives a native promise.
const startIn = (group, item) => {
  const outer = current;
  current = group;
  try {
    return typeof item === "function" ? resolved(item()) : resolved(item);
  } catch (error) {
    return rejected(error);
  } finally {
    current = outer;
  }
};

// Ends what a group started: its calls, and the calls that were handed over as promises.
const endTogether = (group, items) => {
  const numbers = new NativeSet();
  for (let index = 0; index < items.length; index++)
    if (isObject(items[index]) && weakHas(callOfPromise, items[index])) setAdd(numbers, weakGet(callOfPromise, items[index]));
  endGroup(group, (number) => setHas(numbers, number));
  for (let index = 0; index < items.length; index++) if (handlePromise(items[index]) !== undefined) cancelHandle(items[index]);
};

// attend(started, finish, end, fail): says what outcomes do. `end` and `fail` cancel what is still under way.
const together = (items, what, attend) => {
  const group = newGroup(current), given = copyList(listOf(items, what));
  return new NativePromise((resolve, reject) => {
    const finish = (value) => {
      leave(group);
      resolve(value);
    };
    const ending = (settle) => (value) => {
      if (group.dead) return;
      endTogether(group, given);
      settle(value);
    };
    const started = [];
    for (let index = 0; index < given.length; index++) append(started, startIn(group, given[index]));
    attend(started, finish, ending(resolve), ending(reject));
  });
};

const all = (items) => together(items, "Async.all", (started, resolve, _end, fail) => {
  const values = [];
  let left = started.length;
  if (left === 0) resolve(values);
  for (let index = 0; index < started.length; index++) append(values, undefined);
  for (let index = 0; index < started.length; index++)
    nativeThen(started[index], (value) => {
      values[index] = value;
      if (--left === 0) resolve(values);
    }, fail);
});

const race = (items) => together(items, "Async.race", (started, _resolve, end, fail) => {
  for (let index = 0; index < started.length; index++) nativeThen(started[index], end, fail);
});

const settle = (items) => together(items, "Async.settle", (started, resolve) => {
  const outcomes = [];
  let left = started.length;
  if (left === 0) resolve(outcomes);
  for (let index = 0; index < started.length; index++) append(outcomes, undefined);
  const note = (index, outcome) => {
    outcomes[index] = outcome;
    if (--left === 0) resolve(outcomes);
  };
  for (let index = 0; index < started.length; index++)
    nativeThen(started[index], (value) => note(index, { status: "fulfilled", value }), (reason) => note(index, { status: "rejected", reason }));
});

const timeout = (milliseconds, work) => {
  if (typeof milliseconds !== "number") throw new NativeTypeError(`Async.timeout takes (milliseconds, function), not ${inspect(milliseconds)} first`);
  const group = newGroup(current), timer = newGroup(current), sites = withCallers(trace());
  return new NativePromise((resolve, reject) => {
    const inTime = (settle) => (value) => {
      if (group.dead) return;
      leave(group);
      endGroup(timer);
      settle(value);
    };
    const late = () => {
      leave(timer);
      endTogether(group, [work]);
      const fields = { name: "TimeoutError", type: "timeout", message: `it took longer than ${milliseconds} ms`, retryable: true, stack: [] };
      reject(errorFrom(fields, render(sites)));
    };
    nativeThen(startIn(group, work), inTime(resolve), inTime(reject));
    nativeThen(startIn(timer, () => sleep(milliseconds)), late, ignore);
  });
};

const Async = { sleep: (milliseconds) => sleep(milliseconds), all, race, settle, timeout };
provide("Async", Async);

// -- work beside the rest ------------------------------------------------------------------------------------------

const handlePromises = new NativeWeakMap(); // handle -> its promise, whose failure nobody has seen yet
const handlePromise = (value) => (isObject(value) ? weakGet(handlePromises, value) : undefined);

class AsyncHandle {
  #group = newGroup(current);
  #status = "pending";
  #fail;

  constructor(work, args) {
    if (work !== spawned) throw new NativeTypeError("AsyncHandle cannot be made by a script: Async.spawn gives one");
    const settle = (status, finish) => (value) => {
      if (this.#status !== "pending") return;
      this.#status = status;
      leave(this.#group);
      finish(value);
    };
    weakSet(handlePromises, this, new NativePromise((resolve, reject) => {
      this.#fail = settle("rejected", reject);
      nativeThen(startIn(this.#group, args), settle("fulfilled", resolve), this.#fail);
    }));
  }

  then(fulfilled, rejected) { return nativeThen(handlePromise(this), fulfilled, rejected); }
  catch(rejected) { return nativeThen(handlePromise(this), undefined, rejected); }
  awaitResult() { return handlePromise(this); }
  isComplete() { return this.#status !== "pending"; }
  status() { return this.#status; }

  cancel() {
    if (this.#status !== "pending") return;
    endGroup(this.#group);
    this.#fail(cancelled());
  }
}
const spawned = record({});
const cancelHandle = uncurryNone(AsyncHandle.prototype.cancel);
define(AsyncHandle.prototype, "await_result", AsyncHandle.prototype.awaitResult);
define(AsyncHandle.prototype, "is_complete", AsyncHandle.prototype.isComplete);
provide("AsyncHandle", AsyncHandle);

Async.spawn = (work, ...args) => {
  mustBeFunction("Async.spawn", work);
  return new AsyncHandle(spawned, () => apply(work, undefined, args));
};

// -- timers --------------------------------------------------------------------------------------------------------

const timers = new NativeMap(); // number -> the call it waits for
let lastTimer = 0;

const uncaught = (work, args) => {
  try {
    apply(work, undefined, args);
  } catch (error) {
    fail(error);
  }
};
const mustBeFunction = (what, value) => {
  if (typeof value !== "function") throw new NativeTypeError(`${what} takes a function, not ${inspect(value)}`);
};
const delayOf = (delay) => (delay > 0 ? +delay : 0);

const arm = (timer, delay, fire) =>
  mapSet(timers, timer, startCall("Async.sleep", null, [delay], fire, ignore));

provide("setTimeout", function setTimeout(work, delay, ...args) {
  mustBeFunction("setTimeout", work);
  const timer = ++lastTimer;
  arm(timer, delayOf(delay), () => {
    mapDelete(timers, timer);
    uncaught(work, args);
  });
  return timer;
});
provide("setInterval", function setInterval(work, delay, ...args) {
  mustBeFunction("setInterval", work);
  const timer = ++lastTimer, every = delayOf(delay) || 1;
  const tick = () => {
    arm(timer, every, tick); // first, so that the work may clear it
    uncaught(work, args);
  };
  arm(timer, every, tick);
  return timer;
});
const clear = (timer) => {
  const number = mapGet(timers, timer);
  if (number === undefined) return;
  mapDelete(timers, timer);
  cancelCalls((_waiting, waitingNumber) => waitingNumber === number);
};
provide("clearTimeout", function clearTimeout(timer) { clear(timer); });
provide("clearInterval", function clearInterval(timer) { clear(timer); });
provide("queueMicrotask", function queueMicrotask(work) {
  mustBeFunction("queueMicrotask", work);
  queueNativeMicrotask(() => uncaught(work, []));
});
