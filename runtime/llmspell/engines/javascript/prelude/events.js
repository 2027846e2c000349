// EventEmitter: a script's own events, in the manner that JavaScript knows from Node.

class EventEmitter {
  #listeners = new NativeMap();

  #add(event, listener, entry) {
    mustBeFunction("EventEmitter.on", listener);
    const known = mapGet(this.#listeners, event);
    const list = known === undefined ? [] : copyList(known);
    append(list, entry);
    mapSet(this.#listeners, event, list);
    return this;
  }

  on(event, listener) {
    return this.#add(event, listener, record({ listener, once: false }));
  }

  once(event, listener) {
    return this.#add(event, listener, record({ listener, once: true }));
  }

  off(event, listener) {
    const list = mapGet(this.#listeners, event) ?? [], kept = [];
    let removed = false;
    for (let index = list.length - 1; index >= 0; index--) {
      if (!removed && (listener === undefined || list[index].listener === listener)) removed = listener !== undefined;
      else append(kept, list[index]);
    }
    const ordered = [];
    for (let index = kept.length - 1; index >= 0; index--) append(ordered, kept[index]);
    if (ordered.length) mapSet(this.#listeners, event, ordered);
    else mapDelete(this.#listeners, event);
    return this;
  }

  emit(event, ...args) {
    const list = mapGet(this.#listeners, event);
    if (list === undefined) {
      if (event === "error") throw isError(args[0]) ? args[0] : new NativeError(`an error event without a listener: ${inspect(args[0])}`);
      return false;
    }
    for (let index = 0; index < list.length; index++) {
      if (list[index].once) this.off(event, list[index].listener);
      apply(list[index].listener, this, args);
    }
    return true;
  }

  listenerCount(event) {
    return (mapGet(this.#listeners, event) ?? []).length;
  }

  removeAllListeners(event) {
    if (event === undefined) this.#listeners = new NativeMap();
    else mapDelete(this.#listeners, event);
    return this;
  }
}
define(EventEmitter.prototype, "addListener", EventEmitter.prototype.on);
define(EventEmitter.prototype, "removeListener", EventEmitter.prototype.off);
define(EventEmitter.prototype, "listener_count", EventEmitter.prototype.listenerCount);
define(EventEmitter.prototype, "remove_all_listeners", EventEmitter.prototype.removeAllListeners);
define(EventEmitter, "new", { new() { return construct(this, []); } }.new);
provide("EventEmitter", EventEmitter);
