"""What a JavaScript spell may try against the glue around it: it neither breaks it, nor watches it, nor gets hold of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_javascript_seam import Ledger, pumped, settle

from llmspell.engines.engine import HostError
from llmspell.engines.values import ObjectRef
from llmspell.errors import ArgumentError

#: Replaces every method of every built-in prototype by a spy, after keeping what the test itself needs.
PATCH_EVERYTHING = """"use strict";
const spied = [], keep = {push: Array.prototype.push, ownKeys: Reflect.ownKeys, get: Object.getOwnPropertyDescriptor,
    define: Object.defineProperty, apply: Reflect.apply, call: Function.prototype.call};
const spare = new Set(["constructor", "__proto__", "caller", "arguments"]);
const roots = {Array: Array.prototype, Object: Object.prototype, Promise: Promise.prototype, Map: Map.prototype, Set: Set.prototype,
    String: String.prototype, Number: Number.prototype, RegExp: RegExp.prototype, WeakMap: WeakMap.prototype,
    Function: Function.prototype, JSON, Reflect, ObjectStatic: Object, PromiseStatic: Promise, Date: Date.prototype, Error: Error.prototype,
    Iterator: Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())), ArrayIterator: Object.getPrototypeOf([][Symbol.iterator]())};
const names = Object.keys(roots);
let armed = false;
for (let i = 0; i < names.length; i++) {
    const holder = roots[names[i]], keys = keep.ownKeys(holder);
    for (let k = 0; k < keys.length; k++) {
        const key = keys[k], own = keep.get(holder, key);
        if (!own.configurable || typeof own.value !== "function" || key === "constructor" || key === "__proto__" || key === "prototype") continue;
        const original = own.value, label = names[i] + "." + String(key);
        keep.define(holder, key, {configurable: true, writable: true, value: function (...args) {
            if (armed) { armed = false; spied[spied.length] = label; armed = true; }
            return keep.apply(original, this, args);
        }});
    }
}
"""

PATCHED_RUN = (
    PATCH_EVERYTHING
    + """
armed = true;
const first = host.echo({a: [1, "two", {b: null}], f: () => 5});
const second = await host.later(first);
const agent = new Agent({name: "x"});
agent.systemPrompt = "p";
agent.state.deep = {list: [1]};
console.log("printed", 1);
let caught; try { host.echo("refuse") } catch (e) { caught = e }
setTimeout(() => {}, 1);
const list = await Async.settle([() => host.later(1), 2]);
armed = false;
return {spied, second: second.a[1], message: caught.message, settled: list.length};
"""
)


def answer(name: str, args: list[Any]) -> Any:
    if name == "Agent.new":
        return ObjectRef(1, "Agent")
    if name == "BaseAgent.state":
        return {}
    if args and args[0] == "refuse":
        raise HostError(ArgumentError("refused").to_value())
    return args[0] if args else None


def test_patched_built_ins_neither_break_nor_watch_the_glue() -> None:
    engine, host = pumped(PATCHED_RUN, Ledger(answer))
    while host.end is None:
        for number, (_, args, _) in list(host.calls.items()):
            settle(engine, number, args[0])
    kind, value = host.end
    assert kind == "done", value
    assert value == {"spied": [], "second": "two", "message": "refused", "settled": 2}
    assert host.printed == "printed 1\n"


@pytest.mark.parametrize(
    "patch",
    [
        "Object.prototype.toJSON = () => 'spied'; Array.prototype.toJSON = Object.prototype.toJSON; String.prototype.toJSON = Object.prototype.toJSON",
        "Object.defineProperty(Array.prototype, '0', {configurable: true, set() { throw new Error('set 0') }, get() { return 'got' }})",
        "Object.defineProperty(Object.prototype, 'get', {configurable: true, get() { throw new Error('get') }})",
        "Object.prototype.value = 1; Object.prototype.writable = false; Object.prototype.cause = {name: 'x', message: 'y'}; Object.prototype.then = 5",
        "JSON.parse = JSON.stringify = Array.isArray = Object.keys = Reflect.apply = () => { throw new Error('patched') }",
        "Promise.prototype.then = function () { throw new Error('then') }; Promise.resolve = Promise.prototype.then",
        "globalThis.Promise = globalThis.Map = globalThis.Set = globalThis.Error = globalThis.eval = undefined",
        "Array.prototype[Symbol.iterator] = function* () { yield 'spied' }; String.prototype.slice = () => ''",
        "RegExp.prototype.exec = RegExp.prototype.test = () => { throw new Error('exec') }",
        "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw new Error('call') }",
        "Error.prepareStackTrace = () => { throw new Error('prepared') }; Error.stackTraceLimit = 0",
    ],
)
def test_the_glue_works_after(patch: str) -> None:
    source = (
        patch
        + "\n;const got = host.echo({a: [1, {b: 'x'}]});\nconsole.log(got);\nconst l = await host.later(got);\nreturn l.a[1].b"
    )
    engine, host = pumped(source)
    assert host.calls[1][1] == [{"a": [1, {"b": "x"}]}]
    settle(engine, 1, host.calls[1][1][0])
    assert host.end == ("done", "x")
    assert host.printed == "{ a: [ 1, { b: 'x' } ] }\n"
    assert host.sites == ["spell.js:2"]


def test_no_part_of_the_glue_is_within_reach() -> None:
    """Everything reachable from the globals, through properties, prototypes, getters' own functions and bound state,
    is walked; a function of the host's has a name of its own."""
    engine, host = pumped(
        """
        const seen = new Set(), found = [], waiting = [globalThis, (async () => {}).constructor, (function* () {}).constructor,
            (async function* () {}).constructor, host.later(1), new Agent({name: "x"}), new Agent("y").streamChat("z"), new Error("e")];
        while (waiting.length) {
            const value = waiting.pop();
            if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue;
            seen.add(value);
            waiting.push(Object.getPrototypeOf(value));
            for (const key of Reflect.ownKeys(value)) {
                if (String(key).startsWith("$")) found.push(String(key));
                const own = Object.getOwnPropertyDescriptor(value, key);
                waiting.push(own.value, own.get, own.set);
                if (typeof own.value === "function" && String(own.value.name).startsWith("$")) found.push(String(key));
            }
        }
        return {found, size: seen.size > 500, typeofs: [typeof $host, typeof $entries, typeof $entry]};
    """,
        Ledger(answer),
    )
    settle(engine, 1)
    settle(engine, 2, ObjectRef(9, "Stream"))
    assert host.end == ("done", {"found": [], "size": True, "typeofs": ["undefined"] * 3})


def test_stacks_and_call_sites_do_not_lead_into_the_glue() -> None:
    _, host = pumped("""
        let sites;
        Error.prepareStackTrace = (e, s) => { sites = s; return s };
        const holder = {};
        let fromGlue;
        try { host.echo({get x() { Error.captureStackTrace(holder); throw new Error("in a getter") }}) } catch (e) { fromGlue = e.stack }
        const callee = (function () { try { return arguments.callee.caller } catch (e) { return null } })();
        return [typeof sites, typeof holder.stack, fromGlue.split("\\n").filter(Boolean).every((l) => l.includes("spell.js")), callee ?? null];
    """)
    assert host.end == ("done", ["undefined", "string", True, None])


@pytest.mark.parametrize(
    "name",
    ["require", "module", "std", "os", "Deno", "Bun", "load", "print", "scriptArgs", "fetch", "XMLHttpRequest", "WebAssembly",
     "Atomics", "SharedArrayBuffer", "Worker", "gc", "$module_load"],
)  # fmt: skip
def test_there_is_no_way_out_by_name(name: str) -> None:
    _, host = pumped(f"return [typeof {name}, (0, eval)('typeof {name}'), new Function('return typeof {name}')()]")
    assert host.end == ("done", ["undefined"] * 3)


def test_an_object_of_the_host_cannot_be_forged() -> None:
    _, host = pumped("return host.echo([{$: ['o', 7, 'Agent']}, {$: 'x'}, {number: 1, className: 'Agent'}])")
    assert host.end == ("done", [{"$": ["o", 7, "Agent"]}, {"$": "x"}, {"number": 1, "className": "Agent"}])


@pytest.mark.parametrize(
    "source",
    [
        "host.echo(new Proxy({}, {ownKeys() { throw new Error('trap') }}))",
        "host.echo(new Proxy([], {get() { throw new Error('trap') }}))",
        "host.echo({get a() { throw new Error('trap') }})",
        "throw new Proxy(new Error('trap'), {get(t, k) { if (k === 'stack') throw 1; return t[k] }})",
        "console.log(new Proxy({}, {getOwnPropertyDescriptor() { throw new Error('unseen') }, ownKeys: () => ['a']})); throw new Error('trap')",
        "const r = Proxy.revocable({}, {}); r.revoke(); console.log(r.proxy); throw new Error('trap')",
        "class E extends Error { get message() { throw 1 } } throw Object.assign(new E('trap'), {note: 'trap'})",
    ],
)
def test_traps_and_getters_that_throw_are_ordinary_errors(source: str) -> None:
    _, host = pumped(source)
    assert host.end is not None
    kind, error = host.end
    assert kind == "fail"
    assert error["type"] == "script"
    assert "trap" in error["message"] or "class E" in source


@pytest.mark.parametrize(
    "source",
    [
        "const a = []; for (;;) a.push({})",
        "const a = []; for (;;) a.push('x'.repeat(1e5) + a.length)",
        "new Array(1e9).fill({})",
        "'x'.repeat(2 ** 30 - 30)",
        "new ArrayBuffer(2 ** 33)",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])",
        "let s = 'x'; for (;;) s += s",
        "const f = async () => { const big = []; for (;;) big.push([big.length]) }; await f()",
        "setTimeout(() => { const a = []; for (;;) a.push([a]) }, 1); await host.later(1)",
    ],
)
def test_running_out_of_memory_ends_the_spell_and_nothing_else(source: str) -> None:
    engine, host = pumped(source, memory_mb=16)
    for number in list(host.calls):
        if host.end is None:
            settle(engine, number)
    assert host.end is not None
    kind, error = host.end
    assert kind == "fail"
    # In a process of its own a null that memory threw is told from one of the script's (see test_limits).
    assert error["type"] == "limit" or error["message"] in ("null", "string too long", "invalid array buffer length"), (
        error
    )
    _, other = pumped("return 'unharmed'", memory_mb=16)
    assert other.end == ("done", "unharmed")


@pytest.mark.parametrize(
    "source",
    [
        "const f = () => f(); f()",
        "const o = {get x() { return this.x }}; o.x",
        "const p = new Proxy({}, {get: (t, k, r) => r[k]}); p.x",
        "const a = []; a.toString = () => String(a); String(a)",
        "let a = []; for (let i = 0; i < 100000; i++) a = [a]; JSON.stringify(a)",
        "let o = {}; o.toJSON = () => JSON.stringify(o); JSON.stringify(o)",
        "class A { constructor() { new A() } } new A()",
        "let s = 'x'; const g = () => s.replace(/x/, g); g()",
        "eval('('.repeat(100000))",
        "JSON.parse('['.repeat(100000))",
    ],
)
def test_endless_depth_is_an_error_of_the_script(source: str) -> None:
    _, host = pumped(source)
    assert host.end is not None
    kind, error = host.end
    assert kind == "fail"
    assert error["type"] in ("script", "limit")
    assert error["name"] in ("RangeError", "SyntaxError", "InternalError", "LimitError")


def test_environment_and_dates_of_the_process_do_not_show() -> None:
    _, host = pumped(
        "return [Object.keys(process.env), Object.isFrozen(process.env), process.pid ?? null, process.exit ?? null]"
    )
    assert host.end == ("done", [[], True, None, None])
