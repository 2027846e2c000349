// Live properties: tables whose fields are read and written in the host (`agent.state.plan.done = true`). A node is a
// place in such a table. The host knows paths of keys; what lies inside a list is read and written with the whole list.

const nodes = new NativeWeakMap(); // proxy -> node
const CHANGING = record({ push: 1, pop: 1, shift: 1, unshift: 1, splice: 1, sort: 1, reverse: 1, fill: 1, copyWithin: 1 });

const snapshotOf = (value) => {
  const node = weakGet(nodes, value);
  return node === undefined ? undefined : readNode(node);
};

const within = (value, inner) => {
  for (let index = 0; index < inner.length; index++) value = value?.[inner[index]];
  return value;
};
const readNode = (node) => within(ask(node.name, node.receiver, [node.path]), node.inner) ?? (node.list ? [] : {});

// Changes what is at the node: `change` gets a copy of it, and what it leaves there is written back.
const changeNode = (node, change) => {
  const whole = ask(node.name, node.receiver, [node.path]) ?? (node.list ? [] : {});
  const result = change(within(whole, node.inner));
  ask(`${node.name}=`, node.receiver, [node.path, whole]);
  return result;
};

const childOf = (node, key, value) => {
  const inList = node.list || node.inner.length > 0;
  const path = copyList(node.path), inner = copyList(node.inner);
  append(inList ? inner : path, key);
  return liveTable(record({ name: node.name, receiver: node.receiver, path, inner, list: isArray(value) }));
};
const isTable = (value) => isArray(value) || (isObject(value) && getPrototypeOf(value) === NativeObject.prototype);
const shown = (node, key, value) => (isTable(value) ? childOf(node, key, value) : value);

const readKey = (node, key) => {
  if (node.list || node.inner.length > 0) return readNode(node)[key];
  const path = copyList(node.path);
  append(path, key);
  const value = ask(node.name, node.receiver, [path]);
  if (value !== null) return value;
  return hasOwn(readNode(node), key) ? null : undefined; // a stored null, or nothing there
};

const writeKey = (node, key, value) => {
  if (node.list || node.inner.length > 0) {
    changeNode(node, (table) => (key === "length" ? (table.length = value) : define(table, key, value, true)));
    return true;
  }
  const path = copyList(node.path);
  append(path, key);
  ask(`${node.name}=`, node.receiver, [path, value]);
  return true;
};

const liveHandler = (node) => record({
  get(target, key, receiver) {
    if (typeof key === "symbol" || key === "toJSON" || key === "then") return reflectGet(target, key, receiver);
    if (node.list) {
      if (key in CHANGING) return (...args) => changeNode(node, (list) => apply(NativeArray.prototype[key], list, args));
      if (key in NativeArray.prototype && key !== "length") return NativeArray.prototype[key];
    }
    const value = readKey(node, key);
    return value === undefined ? reflectGet(target, key, receiver) : shown(node, key, value);
  },
  set: (_target, key, value) => writeKey(node, key, value),
  has: (target, key) => hasOwn(readNode(node), key) || reflectHas(target, key),
  deleteProperty(_target, key) {
    changeNode(node, (table) => delete table[key]);
    return true;
  },
  defineProperty(_target, key, descriptor) {
    return writeKey(node, key, descriptor.value);
  },
  ownKeys(target) {
    const now = readNode(node);
    if (node.list) target.length = now.length;
    return ownKeys(now);
  },
  getOwnPropertyDescriptor(target, key) {
    const now = readNode(node);
    if (node.list) target.length = now.length;
    if (!hasOwn(now, key)) return undefined;
    if (node.list && key === "length") return getOwnPropertyDescriptor(target, key);
    return record({ value: shown(node, key, now[key]), writable: true, enumerable: true, configurable: true });
  },
});

// An object whose undeclared fields are those of a live table: its class's members come first.
const openObject = (prototype, node) => {
  const fields = liveHandler(node);
  return new NativeProxy(create(prototype), record({
    get: (target, key, receiver) => (key in target ? reflectGet : fields.get)(target, key, receiver),
    set: (target, key, value, receiver) => (key in target ? reflectSet : fields.set)(target, key, value, receiver),
    has: fields.has,
    deleteProperty: fields.deleteProperty,
    defineProperty: fields.defineProperty,
    ownKeys: fields.ownKeys,
    getOwnPropertyDescriptor: fields.getOwnPropertyDescriptor,
  }));
};

const liveTable = (node) => {
  const proxy = new NativeProxy(node.list ? [] : {}, liveHandler(node));
  weakSet(nodes, proxy, node);
  return proxy;
};
