"""JavaScript spells, in a worker and in process: what the language and the prelude give them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmspell.engines import sandbox
from llmspell.engines.javascript import modules

sys.path.insert(0, str(Path(__file__).parent))

from javascript_host import BINDING, Desk

if TYPE_CHECKING:
    from conftest import Outcome, StartSpell

WAYS = ["worker", "in_process"] if sandbox.support().worker else ["in_process"]
Run = Callable[..., Awaitable["Outcome"]]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(params=WAYS)
def run(request: pytest.FixtureRequest, start_spell: StartSpell, desk: Desk) -> Run:
    """Runs a spell to its end, against `desk`."""

    async def run(source: str, **start: Any) -> Outcome:
        prepared = modules.prepare(source)
        desk.host = start_spell(
            "javascript",
            prepared.source,
            way=request.param,
            answers=desk.answers,
            binding=BINDING,
            **({"module": prepared.module} | start),
        )
        return await desk.host.finish()

    return run


# -- the language --------------------------------------------------------------------------------------------------


@pytest.mark.mission(64)
async def test_top_level_await_and_return(run: Run) -> None:
    outcome = await run("const x = await host.later(20, 1);\nif (x > 10) return {x, early: true};\nreturn 'late'")
    assert outcome.value() == {"x": 20, "early": True}


@pytest.mark.mission(55, 64)
async def test_promises_combine(run: Run) -> None:
    outcome = await run("""
        const order = [];
        const all = await Promise.all([host.later(1, 20), host.later(2, 1)]);
        const settled = await Promise.allSettled([host.later("refuse"), 5]);
        const first = await Promise.race([host.later("slow", 500), host.later("fast", 1)]);
        const any = await Promise.any([host.later("refuse"), host.later("good", 5)]);
        const last = await host.later(7).then((x) => x + 1).finally(() => order.push("finally"));
        return {all, settled: settled.map((s) => s.status + (s.reason?.message ?? s.value)), first, any, last, order};
    """)
    assert outcome.value() == {
        "all": [1, 2],
        "settled": ["rejectedrefused later", "fulfilled5"],
        "first": "fast",
        "any": "good",
        "last": 8,
        "order": ["finally"],
    }


@pytest.mark.mission(64)
async def test_generators_and_for_await(run: Run) -> None:
    outcome = await run("""
        async function* numbers(n) { for (let i = 0; i < n; i++) yield await host.later(i); }
        const seen = [];
        for await (const x of numbers(3)) seen.push(x);
        for await (const x of [host.later("a", 5), "b"]) seen.push(x);
        return seen;
    """)
    assert outcome.value() == [0, 1, 2, "a", "b"]


async def test_a_hundred_awaits_overlap(run: Run, desk: Desk) -> None:
    outcome = await run("""
        const began = Date.now();
        const values = await Promise.all(Array.from({length: 100}, (_, i) => host.later(i, 50)));
        return [values.reduce((a, b) => a + b), Date.now() - began < 2500];
    """)
    assert outcome.value() == [4950, True]


async def test_the_language_of_today(run: Run) -> None:
    outcome = await run("""
        class A { static #n = 0; #x = 1; static { A.#n = 5 } get x() { return this.#x } static n() { return A.#n } }
        const {a, ...rest} = {a: 1, b: 2, c: 3};
        const grouped = Object.groupBy([1, 2, 3], (n) => n % 2 ? "odd" : "even");
        label: for (const i of [1]) { for (;;) break label; }
        return [new A().x, A.n(), rest, grouped.odd, [3, 1, 2].toSorted(), "x".at(-1), null ?? 1, rest?.z?.y === undefined,
            `${1 + 1}`, 2n ** 70n === 1180591620717411303424n, /(?<y>\\d{4})/.exec("in 2024").groups.y,
            [..."a😀"].length, new Set([1, 2]).union(new Set([3])).size];
    """)
    assert outcome.value() == [1, 5, {"b": 2, "c": 3}, [1, 3], [1, 2, 3], "x", 1, True, "2", True, "2024", 2, 3]


# -- values --------------------------------------------------------------------------------------------------------

VALUES = [
    "null", "true", "0", "-0", "1.5", "-7", "9007199254740991", "2 ** 53", "1e300", "NaN", "Infinity", "-Infinity",
    "123456789012345678901234567890n", "-(2n ** 64n)", "''", "'nul\\0inside'", "'\\ud800 alone'", "'😀 é'", "[]", "{}", "[1, [2, [3]]]",
    "({a: 1, 'b c': [true, null]})", "({$: ['o', 1, 'Agent']})", "({__proto__: null, ['__proto__']: 1})",
    "new Uint8Array([0, 1, 255])", "new Map([['a', 1], [{k: 1}, [2]]])", "new Set([1, 'x'])", "new Date(1700000000123)",
    "({deep: {list: [{x: new Map([['y', 12]])}]}})", "'x'.repeat(300000)",
]  # fmt: skip


async def test_values_cross_and_come_back(run: Run) -> None:
    """Each goes to the host and returns; the script compares it with what it sent."""
    cases = ", ".join(f"[{value!r}, () => ({value})]" for value in VALUES)
    outcome = await run(f"""
        const same = (a, b) => {{
            if (Object.is(a, b)) return true;
            if (typeof a !== typeof b || typeof a !== "object" || !a || !b) return false;
            if (a.constructor !== b.constructor && Object.getPrototypeOf(a) !== null) return false;
            if (a instanceof Map) return same([...a], [...b]);
            if (a instanceof Set) return same([...a], [...b]);
            if (a instanceof Date) return a.getTime() === b.getTime();
            const keys = Object.keys(a);
            return keys.length === Object.keys(b).length && keys.every((k) => same(a[k], b[k]));
        }};
        const wrong = [];
        for (const [text, make] of [{cases}]) {{
            if (!same(make(), host.echo(make()))) wrong.push(["sync", text, console.log(make(), host.echo(make()))]);
            if (!same([make()], await host.later([make()]))) wrong.push(["async", text]);
        }}
        return wrong;
    """)
    assert outcome.value() == [], outcome.printed


async def test_functions_promises_objects_and_errors_keep_their_identity(run: Run) -> None:
    outcome = await run("""
        const f = (x) => x * 2, agent = new Agent("hi"), error = new RateLimitError("slow down", {retryAfter: 5});
        const back = host.echo({f, agent, error, p: Promise.resolve(3)});
        return [back.f === f, back.agent === agent, back.error instanceof RateLimitError, back.error.retryAfter,
            await back.p, await host2.run(f, 21), await host2.run(async (x) => (await host.later(x)) + 1, 4),
            (await Agent.list())[0] === agent];
    """)
    assert outcome.value() == [True, True, True, 5, 3, 42, 5, True]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("const a = {b: {}}; a.b.c = a; host.echo(a)", "argument 1.b.c is cyclic: it contains itself"),
        ("host.echo(1, [Symbol('x')])", "argument 2[0] is a symbol: it cannot leave the script"),
        ("let a = []; for (let i = 0; i < 300; i++) a = [a]; host.echo(a)", "is nested deeper than 200 levels"),
        ("host.echo({get x() { throw new Error('from a getter') }})", "from a getter"),
    ],
)
async def test_what_cannot_cross_is_refused_by_name(run: Run, expression: str, message: str) -> None:
    outcome = await run(f"try {{ {expression} }} catch (e) {{ return e.message }}")
    assert message in outcome.value()


async def test_the_result_that_cannot_cross_fails_the_spell(run: Run) -> None:
    outcome = await run("return {x: Symbol('no')}")
    assert outcome.error is not None
    assert outcome.error["message"] == "the result.x is a symbol: it cannot leave the script"


# -- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.mission(61)
async def test_host_errors_are_instances_of_their_class(run: Run) -> None:
    outcome = await run("""
        const agent = new Agent("hi");
        try { await agent.chat("fail") } catch (e) {
            return [e instanceof RateLimitError, e instanceof Error, e.name, e.type, e.message, e.retryAfter, e.retryable,
                e.data.provider, ErrorHandler.parseError(e), e.stack.includes("spell.js:3")];
        }
    """)
    value = outcome.value()
    assert value[:8] == [True, True, "RateLimitError", "rate_limit", "too many", 250, True, "p"]
    assert value[8] | {"source": ""} == {
        "type": "rate_limit",
        "message": "too many",
        "retryAfter": 250,
        "retry_after": 250,
        "retryable": True,
        "source": "",
        "cause": None,
    }
    assert value[9] is True


async def test_an_uncaught_error_names_file_line_and_stack(run: Run) -> None:
    outcome = await run("""function inner() {
  throw new TypeError("bad thing");
}
function outer() {
  inner();
}
outer();
""")
    error = outcome.error
    assert error is not None
    assert (error["type"], error["name"], error["message"], error["source"]) == (
        "script", "TypeError", "bad thing", "spell.js:2",
    )  # fmt: skip
    assert error["stack"] == [
        "spell.js:2: in function 'inner'",
        "spell.js:5: in function 'outer'",
        "spell.js:7: in main chunk",
    ]


async def test_an_uncaught_host_error_keeps_its_kind_and_gets_the_calls_line(run: Run) -> None:
    outcome = await run(
        "const agent = new Agent('x');\nasync function ask() {\n  await agent.chat('fail');\n}\nawait ask();"
    )
    error = outcome.error
    assert error is not None
    assert (error["type"], error["name"], error["retry_after"], error["source"]) == (
        "rate_limit", "RateLimitError", 250, "spell.js:3",
    )  # fmt: skip
    assert error["stack"][0] == "spell.js:3: in function 'ask'"
    assert error["data"]["provider"] == "p"


@pytest.mark.parametrize(
    ("thrown", "message", "value"),
    [
        ("'words'", "words", "words"),
        ("{code: 7}", "{ code: 7 }", {"code": 7}),
        ("null", "null", None),
        ("42", "42", 42),
    ],
)
async def test_anything_can_be_thrown(run: Run, thrown: str, message: str, value: Any) -> None:
    outcome = await run(f"throw {thrown}")
    assert outcome.error is not None
    assert (outcome.error["message"], outcome.error["value"], outcome.error["type"]) == (message, value, "script")


@pytest.mark.parametrize("source", ["let x = ;", "\n\nfoo(", "return 1\n}\n{"])
async def test_a_syntax_error_has_its_line_and_nothing_runs(run: Run, source: str) -> None:
    outcome = await run("console.log('ran');\n" + source)
    assert outcome.error is not None
    assert outcome.error["type"] == "syntax"
    assert outcome.error["source"].startswith("spell.js:")
    assert outcome.printed == ""


async def test_an_unhandled_rejection_fails_the_spell_with_its_line(run: Run) -> None:
    outcome = await run(
        "async function forgotten() {\n  throw new Error('lost');\n}\nforgotten();\nawait host.later(1, 50);"
    )
    assert outcome.error is not None
    assert (outcome.error["type"], outcome.error["message"], outcome.error["source"]) == (
        "unhandled_rejection", "lost", "spell.js:2",
    )  # fmt: skip


async def test_a_rejection_handled_in_time_is_none(run: Run) -> None:
    outcome = await run("const p = Promise.reject(new Error('x')); await null; await p.catch(() => {}); return 'fine'")
    assert outcome.value() == "fine"


async def test_what_nothing_resolves_is_a_deadlock(run: Run) -> None:
    outcome = await run("console.log('a'); await new Promise(() => {}); console.log('b')")
    assert outcome.error is not None
    assert outcome.error["type"] == "deadlock"
    assert outcome.printed == "a\n"


async def test_an_error_in_a_timer_fails_the_spell(run: Run) -> None:
    outcome = await run("setTimeout(() => {\n  throw new Error('in a timer');\n}, 1);\nawait host.later(1, 500);")
    assert outcome.error is not None
    assert (outcome.error["message"], outcome.error["source"]) == ("in a timer", "spell.js:2")


async def test_deep_recursion_is_an_error_that_can_be_caught(run: Run) -> None:
    outcome = await run("""
        let depth = 0;
        const down = () => { depth++; down(); };
        try { down() } catch (e) { return [e instanceof RangeError, e.message, depth > 1000] }
    """)
    assert outcome.value() == [True, "Maximum call stack size exceeded", True]


async def test_full_memory_is_a_limit(run: Run) -> None:
    outcome = await run("const a = [];\nfor (;;) a.push('x'.repeat(100000) + a.length)", memory_mb=24)
    assert outcome.limit() == "memory"


# -- classes -------------------------------------------------------------------------------------------------------


@pytest.mark.mission(14, 26, 58)
async def test_classes_of_the_host(run: Run, desk: Desk) -> None:
    outcome = await run("""
        const a = new Agent({name: "ann", systemPrompt: "be kind", max_turns: 3});
        const b = Agent.new("prompt only");
        const c = new Helper({system_prompt: "other"});
        a.systemPrompt = "changed";
        return [a.name, a.systemPrompt, a.system_prompt, await a.chat("hi"), await b.chat("yo"), a instanceof Agent,
            a instanceof BaseAgent, c.constructor === Agent, a.addTool("t").length, a.add_tool("t").length,
            a.nothing === undefined, await a.search("q"), a.state === undefined, Object.keys(a)];
    """)
    assert outcome.value() == [
        "ann", "changed", "changed", "changed: hi", "prompt only: yo", True, True, True, 2, 2, True, ["search", 1, "q"],
        False, [],
    ]  # fmt: skip
    assert desk.options[1] == {"name": "ann", "system_prompt": "changed", "max_turns": 3}


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("Agent({})", "Agent is a class: write new Agent(…)"),
        ("new Hidden()", "Hidden cannot be made by a script"),
        ("new Agent('a', 'b', 'c')", "new Agent(…) takes an object of options or (system_prompt)"),
        ("new Agent('a').name = 'b'", "name of a BaseAgent cannot be changed"),
        ("const {addTool} = new Agent('a'); addTool(1)", "Agent.addTool was called without its Agent: keep the dot"),
        ("setTimeout('text')", "setTimeout takes a function, not 'text'"),
        ("new EventEmitter().on('x')", "EventEmitter.on takes a function, not undefined"),
    ],
)
async def test_wrong_use_says_what_is_right(run: Run, expression: str, message: str) -> None:
    outcome = await run(f"try {{ {expression} }} catch (e) {{ return e.message }}")
    assert message in outcome.value()


@pytest.mark.mission(15, 16)
async def test_a_class_that_extends_a_class_of_the_host(run: Run, desk: Desk) -> None:
    outcome = await run("""
        class Careful extends Agent {
            jobs = new Map();
            #secret = 7;
            constructor(config) {
                super({systemPrompt: "careful", ...config});
                this.jobs.set("one", 1);
                this.name = "own name";
            }
            async execute(input) {
                await host.later(1);
                const base = await super.execute(`${input}!`);
                return {base, secret: this.#secret, jobs: this.jobs.size, level: this.level, me: this instanceof Careful};
            }
            twice(n) { return n * 2 }
        }
        class More extends Careful { async execute(input) { return ["more", await super.execute(input)] } }
        const agent = new Careful({level: "high"}), more = new More();
        return [await agent.execute("go"), agent.twice(4), agent.name, await agent.chat("x"), (await more.execute("m"))[1][0],
            host.echo(agent) === agent, Object.keys(agent).sort()];
    """)
    value = outcome.value()
    assert value[0] == [
        "through the host",
        {"base": ["base", 1, "go!"], "secret": 7, "jobs": 1, "level": "high", "me": True},
    ]
    assert value[1:] == [8, "own name", "careful: x", "more", True, ["jobs", "level", "name"]]
    assert desk.calls[0][0] == "Agent.new"
    assert desk.calls[0][2][1]["name"] == "Careful"
    assert desk.options[1] == {"system_prompt": "careful"}


@pytest.mark.mission(20)
async def test_streams_are_iterated_and_closed_early(run: Run, desk: Desk) -> None:
    outcome = await run("""
        const agent = new Agent("x"), seen = [];
        for await (const chunk of agent.streamChat("abc")) seen.push(chunk);
        for await (const chunk of agent.streamChat("long")) { seen.push(chunk); break; }
        return seen;
    """)
    assert outcome.value() == ["a", "b", "c", "l"]
    assert [name for name, *_ in desk.calls].count("Stream.close") == 1


async def test_live_properties_read_and_write_the_host(run: Run, desk: Desk) -> None:
    outcome = await run("""
        const {state} = new Agent("x");
        state.count = 1;
        state.count += 1;
        state.plan = {steps: [], done: false};
        state.plan.steps.push("a", {n: 1});
        state.plan.steps[1].n = 2;
        state.plan.steps[0] = "b";
        state.plan.done = true;
        delete state.count;
        const steps = state.plan.steps;
        return [JSON.stringify(state), Object.keys(state.plan), {...state.plan}.done, steps.length, Array.isArray(steps),
            steps.map((s) => typeof s), "plan" in state, "count" in state, state.missing === undefined, [...steps][0],
            steps.includes("b"), steps.pop().n, steps.length, host.echo(state.plan).done];
    """)
    assert outcome.value() == [
        '{"plan":{"steps":["b",{"n":2}],"done":true}}', ["steps", "done"], True, 2, True, ["string", "object"], True, False,
        True, "b", True, 2, 1, True,
    ]  # fmt: skip
    assert desk.states[1] == {"plan": {"steps": ["b"], "done": True}}


# -- modules -------------------------------------------------------------------------------------------------------


async def test_modules_import_each_other(run: Run, desk: Desk) -> None:
    desk.modules = {
        "counter.js": "export let count = 0;\nexport function up() { count++; }\nexport default class Box { v = 1 }\n",
        "even.js": "import { odd } from './odd.js';\nexport const even = (n) => n === 0 || odd(n - 1);",
        "odd.js": "import { even } from './even.js';\nexport function odd(n) { return n !== 0 && even(n - 1); }",
        "all.js": "export * from './counter.js';\nexport { even as isEven } from './even.js';\nexport * as odd from './odd.js';",
        "data.json": '{"a": [1, {"__proto__": 2}]}',
    }
    outcome = await run("""
        import Box, { count, up as increase } from "./counter.js";
        import * as all from "./all.js";
        import data from "./data.json" with { type: "json" };
        increase();
        const before = count;
        increase();
        const dynamic = await import("./counter.js");
        let refused;
        try { count = 5 } catch (e) { refused = e.name }
        return [new Box().v, before, count, all.count, all.isEven(10), all.odd.odd(3), data.a[0], dynamic.default === Box,
            refused, Object.keys(all).sort(), typeof import.meta];
    """)
    assert outcome.value() == [
        1, 1, 2, 2, True, True, 1, True, "TypeError", ["count", "isEven", "odd", "up"], "object",
    ]  # fmt: skip


async def test_a_module_calls_a_name_that_may_not_be_there(run: Run, desk: Desk) -> None:
    desk.modules = {"add.js": "export const add = (n) => n + 1;\nexport let none;"}
    outcome = await run("""
        import { add, none } from "./add.js";
        const found = [];
        try { found.push(add?.(1), none?.(2)) } finally { found.push(add?.(2)) }
        for (const each of [add, none]) { found.push(each?.(3)); if (each === none) return found }
    """)
    assert outcome.value() == [2, None, 3, 4, None]


async def test_errors_in_a_module_name_its_own_line(run: Run, desk: Desk) -> None:
    desk.modules = {
        "bad.js": "import './ok.js';\n\nexport function fails() {\n  throw new Error('inside');\n}\n",
        "ok.js": "export default 1",
        "wrong.js": "\nexport const = 1",
    }
    outcome = await run("import { fails } from './bad.js';\n\nfails();")
    assert outcome.error is not None
    assert outcome.error["source"] == "bad.js:4"
    assert outcome.error["stack"] == ["bad.js:4: in function 'fails'", "spell.js:3: in main chunk"]
    outcome = await run("import { nothing } from './ok.js';\nconsole.log('ran');")
    assert outcome.error is not None
    assert outcome.error["message"] == "ok.js has no export named 'nothing'"
    outcome = await run("\nimport x from './wrong.js';")
    assert outcome.error is not None
    assert outcome.error["source"] == "wrong.js:2"


# -- what the prelude gives ----------------------------------------------------------------------------------------


async def test_timers_run_in_order_and_can_be_cleared(run: Run) -> None:
    outcome = await run("""
        const seen = [];
        setTimeout((x) => seen.push(x), 30, "late");
        setTimeout(() => seen.push("soon"), 5);
        const never = setTimeout(() => seen.push("never"), 10);
        clearTimeout(never);
        let ticks = 0;
        const interval = setInterval(() => { if (++ticks === 3) { clearInterval(interval); seen.push("ticked"); } }, 12);
        queueMicrotask(() => seen.push("micro"));
        seen.push("now");
        await new Promise((done) => setTimeout(done, 90));
        console.log(seen.join(" "));
    """)
    outcome.value()
    assert outcome.printed == "now micro soon late ticked\n"


async def test_timers_keep_a_spell_alive_and_listeners_do_not(run: Run) -> None:
    outcome = await run("setTimeout(() => console.log('after return'), 10); new Agent('x').on('e', () => {}); return 1")
    assert (outcome.value(), outcome.printed) == (1, "after return\n")


@pytest.mark.mission(63)
async def test_async_all_race_settle_and_timeout(run: Run, desk: Desk) -> None:
    outcome = await run("""
        const out = [await Async.all([() => host.later(1), host.later(2), 3])];
        out.push(await Async.race([() => host.later("slow", 60000), async () => host.later("fast", 1)]));
        try { await Async.all([() => host.later("refuse"), () => host.later("other", 60000)]) } catch (e) { out.push(e.message) }
        out.push((await Async.settle([() => host.later("refuse"), 4])).map((s) => s.status));
        try { await Async.timeout(5, () => host.later("x", 60000)) } catch (e) { out.push([e.type, e instanceof TimeoutError]) }
        out.push(await Async.timeout(60000, () => host.later("in time", 1)));
        const direct = host.later("y", 60000);
        out.push(await Async.race([direct, 9]));
        try { await direct } catch (e) { out.push(e.type) }
        return out;
    """)
    assert outcome.value() == [
        [1, 2, 3], "fast", "refused later", ["rejected", "fulfilled"], ["timeout", True], "in time", 9, "cancelled",
    ]  # fmt: skip
    cancelled = [call for frame in outcome.frames if frame[0] == "cancel" for call in frame[1]]
    assert len(cancelled) == 5


async def test_console_shows_values_as_people_expect(run: Run) -> None:
    outcome = await run("""
        class Point { x = 1; #y = 2; get z() { return 3 } }
        const loop = {name: "loop"}; loop.self = loop;
        console.log("plain", 1, -0, 10n, true, null, undefined, Symbol("s"));
        console.log({a: "it's", b: ['x', [1, 2]], c: {}}, [], new Point(), loop);
        console.log(new Map([["k", {v: 1}]]), new Set(["a"]), new Date(0), /re/g, () => 1, class Foo {}, function bar() {});
        console.log("%s is %d years and %j%%", "Ann", 41, {x: 1}, "more");
        console.log(new Uint8Array([1, 2]), new URL("http://x.y/z"), Promise.resolve(1), [undefined, , null].length);
        console.log(Array.from({length: 30}, (_, i) => `item ${i}`).slice(0, 8));
        console.error("to stderr");
        process.stdout.write("no newline");
        const e = new RangeError("out"); console.log({e: e.message}, String(e));
    """)
    outcome.value()
    assert outcome.printed == (
        "plain 1 -0 10n true null undefined Symbol(s)\n"
        "{ a: \"it's\", b: [ 'x', [ 1, 2 ] ], c: {} } [] Point { x: 1 } { name: 'loop', self: [Circular] }\n"
        "Map(1) { 'k' => { v: 1 } } Set(1) { 'a' } 1970-01-01T00:00:00.000Z /re/g [Function (anonymous)] [class Foo] "
        "[Function: bar]\n"
        'Ann is 41 years and {"x":1}% more\n'
        "Uint8Array(2) [ 1, 2 ] URL 'http://x.y/z' Promise {} 3\n"
        "[\n  'item 0',\n  'item 1',\n  'item 2',\n  'item 3',\n  'item 4',\n  'item 5',\n  'item 6',\n  'item 7'\n]\n"
        "to stderr\n"
        "no newline"
        "{ e: 'out' } RangeError: out\n"
    )
    streams = {frame[2][1]: frame[2][0] for frame in outcome.frames if frame[0] == "tell"}
    assert (streams["to stderr\n"], streams["no newline"]) == ("err", "out")


@pytest.mark.mission(88)
async def test_event_emitters(run: Run) -> None:
    outcome = await run("""
        class Feed extends EventEmitter {}
        const feed = new Feed(), seen = [], listener = (x) => seen.push(["on", x]);
        feed.on("e", listener).once("e", (x) => seen.push(["once", x]));
        const results = [feed.emit("e", 1), feed.emit("e", 2), feed.listenerCount("e"), feed.off("e", listener).emit("e", 3)];
        try { feed.emit("error", new Error("nobody listens")) } catch (e) { results.push(e.message) }
        return [seen, results];
    """)
    assert outcome.value() == [
        [["on", 1], ["once", 1], ["on", 2]],
        [True, True, 1, False, "nobody listens"],
    ]


async def test_process_params_config_and_globals(run: Run) -> None:
    outcome = await run(
        """
        let frozen;
        try { (() => { "use strict"; process.env.NEW = 1 })() } catch (e) { frozen = e.name }
        return [process.env.SHOWN, process.env.HOME, process.argv, params.topic, config.x, extra(2) === undefined, frozen];
        """.replace("extra(2) === undefined", "extra"),
        params={"topic": "bees"},
        config={"x": [1]},
        env={"SHOWN": "yes"},
        globals={"extra": 5},
    )
    assert outcome.value() == ["yes", None, [], "bees", [1], 5, "TypeError"]


async def test_chance_and_time_come_from_the_host(run: Run) -> None:
    source = (
        "return [Math.random(), uuid.generate(), Date.now(), new Date().toISOString().length, performance.now() >= 0]"
    )
    first, second = (await run(source, seed=9)).value(), (await run(source, seed=9)).value()
    assert first[:2] == second[:2]
    assert first[1][14] == "4"
    assert first[1][19] in "89ab"
    assert first[3:] == [24, True]


async def test_clones_are_deep_and_their_own(run: Run) -> None:
    outcome = await run("""
        const source = {d: new Date(5), m: new Map([[{k: 1}, new Set([1])]]), a: [1, , 3], r: /x/gi, b: new Float32Array([1.5])};
        source.self = source;
        const copy = structuredClone(source);
        let refused;
        try { structuredClone({f() {}}) } catch (e) { refused = e.name }
        return [copy !== source, copy.self === copy, copy.d.getTime(), [...copy.m.keys()][0].k, copy.a.length, 1 in copy.a,
            copy.r.flags, copy.b[0], refused, structuredClone(new TypeError("t")) instanceof TypeError];
    """)
    assert outcome.value() == [True, True, 5, 1, 3, False, "gi", 1.5, "DataCloneError", True]


async def test_text_encoding(run: Run) -> None:
    outcome = await run("""
        const bytes = new TextEncoder().encode("é😀\\ud800");
        const stream = new TextDecoder(), parts = [stream.decode(bytes.subarray(0, 3), {stream: true}), stream.decode(bytes.subarray(3))];
        let fatal;
        try { new TextDecoder("utf-8", {fatal: true}).decode(new Uint8Array([0xc0, 0x80])) } catch (e) { fatal = e.name }
        return [[...bytes], parts, new TextDecoder().decode(new Uint8Array([0xff, 0x41, 0xe2, 0x82])), fatal, btoa("hi"), atob("aGk=")];
    """)
    assert outcome.value() == [
        [0xC3, 0xA9, 0xF0, 0x9F, 0x98, 0x80, 0xEF, 0xBF, 0xBD], ["é", "😀\ufffd"], "\ufffdA\ufffd", "TypeError", "aGk=", "hi",
    ]  # fmt: skip
