"""The JavaScript engine at its seam: what it asks of its host, in which order, and what a host may do meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from llmspell.engines.binding import Binding
from llmspell.engines.engine import Ended, HostError
from llmspell.engines.javascript import JavaScriptEngine, warm
from llmspell.engines.protocol import Start, start_of
from llmspell.engines.values import FunctionRef, PromiseRef

sys.path.insert(0, str(Path(__file__).parent))

from javascript_host import BINDING


class Ledger:
    """A host in the same thread that writes down what it is asked. `on_ask` answers asks."""

    def __init__(self, on_ask: Callable[[str, list[Any]], Any] | None = None) -> None:
        self.on_ask = on_ask or (lambda _name, args: args[0] if args else None)
        self.calls: dict[int, tuple[str, list[Any], str]] = {}
        self.cancelled: list[int] = []
        self.results: list[tuple[int, bool, Any]] = []
        self.printed = ""
        self.end: tuple[str, Any] | None = None
        self.sites: list[str] = []
        self.origins: list[int] = []

    def call(self, name: str, receiver: int | None, args: list[Any], site: str) -> int:
        number = len(self.calls) + 1
        self.calls[number] = (name, args, site)
        return number

    def ask(self, name: str, receiver: int | None, args: list[Any], site: str) -> Any:
        self.sites.append(site)
        return self.on_ask(name, args)

    def within(self, callback: int) -> None:
        self.origins.append(callback)

    def tell(self, name: str, args: list[Any], site: str) -> None:
        self.printed += args[1]

    def cancel(self, calls: list[int]) -> None:
        self.cancelled += calls

    def result(self, callback: int, ok: bool, value: Any) -> None:
        self.results.append((callback, ok, value))

    def done(self, value: Any) -> None:
        self.end = ("done", value)

    def fail(self, error: dict[str, Any]) -> None:
        self.end = ("fail", error)

    def clock(self) -> float:
        return 1_700_000_000_000.25

    def cpu_clock(self) -> float:
        return 0.5

    def random(self) -> float:
        return 0.25

    def random_bytes(self, count: int) -> bytes:
        return bytes(range(count))


def begin(source: str, host: Ledger | None = None, **start: Any) -> tuple[JavaScriptEngine, Ledger]:
    host = host or Ledger()
    engine = warm(cast(Binding, BINDING)).attach(host)
    begun = start_of("javascript", "spell.js", source, module=False, seed=1, memory_mb=64)
    engine.start(cast(Start, {**begun, **start}))
    return engine, host


def test_nothing_runs_before_the_first_pump() -> None:
    engine, host = begin("console.log('ran')")
    assert host.printed == ""
    engine.pump()
    assert (host.printed, host.end) == ("ran\n", ("done", None))


def test_every_call_says_its_line() -> None:
    _, host = pumped(
        "host.later(1);\nconst f = () =>\n  host.later(2);\nf(); [3].map(host.later);\nawait null;\nhost.later(4)"
    )
    assert [(args[0], site) for _, args, site in host.calls.values()] == [
        (1, "spell.js:1"),
        (2, "spell.js:3"),
        (3, "spell.js:4"),
        (4, "spell.js:6"),
    ]


def pumped(source: str, host: Ledger | None = None, **start: Any) -> tuple[JavaScriptEngine, Ledger]:
    engine, host = begin(source, host, **start)
    engine.pump()
    return engine, host


def settle(engine: JavaScriptEngine, call: int, value: Any = None, *, ok: bool = True) -> None:
    engine.settle(call, ok, value)
    engine.pump()


def test_a_function_has_one_number_until_the_host_has_forgotten_it() -> None:
    engine, host = pumped("const f = (x) => x + 1; await host.later(f); await host.later([f, f]); await host.later(0)")
    (function,) = host.calls[1][1]
    assert isinstance(function, FunctionRef)
    settle(engine, 1)
    assert host.calls[2][1] == [[function, function]]
    engine.release([(function.number, 2)])
    engine.invoke(1, function.number, [41], False)
    engine.pump()
    engine.release([(function.number, 1)])
    engine.invoke(2, function.number, [1], False)
    engine.pump()
    assert host.results[0] == (1, True, 42)
    callback, ok, error = host.results[1]
    assert (callback, ok, error["message"]) == (2, False, f"function {function.number} is no longer held")


def test_a_promise_is_a_function_that_gives_what_it_settles_to() -> None:
    engine, host = pumped("await host.later([Promise.resolve('yes'), Promise.reject(new Error('no'))])")
    ((good, bad),) = host.calls[1][1]
    assert isinstance(good, PromiseRef)
    engine.invoke(1, good.number, [], False)
    engine.invoke(2, bad.number, [], False)
    engine.pump()
    assert host.results[0] == (1, True, "yes")
    assert (host.results[1][1], host.results[1][2]["message"]) == (False, "no")
    assert host.end is None


def test_a_callback_may_wait_and_the_result_comes_when_it_is_there() -> None:
    engine, host = pumped("await host.later(async (x) => (await host.later('inner')) + x)")
    (function,) = host.calls[1][1]
    engine.invoke(7, function.number, [1], False)
    engine.pump()
    assert (host.results, host.calls[2][1]) == ([], ["inner"])
    settle(engine, 2, 41)
    assert host.results == [(7, True, 42)]


def test_a_callbacks_error_is_its_result_and_not_the_spells_end() -> None:
    engine, host = pumped("await host.later(() => {\n  throw new ToolError('broken')\n})")
    engine.invoke(1, host.calls[1][1][0].number, [], False)
    engine.pump()
    callback, ok, error = host.results[0]
    assert (callback, ok, error["type"], error["name"], error["source"]) == (
        1,
        False,
        "tool",
        "ToolError",
        "spell.js:2",
    )
    assert host.end is None


def test_callbacks_enter_while_the_script_asks() -> None:
    """And what they change is seen after the ask, while the answers to other calls are not."""
    engine: JavaScriptEngine

    def answer(name: str, args: list[Any]) -> Any:
        if isinstance(args[0], FunctionRef):
            engine.invoke(1, args[0].number, ["hi"], False)
            engine.pump()
        return "answered"

    engine, host = begin(
        "let seen = []; Promise.resolve().then(() => seen.push('micro'));\n"
        "const r = host.echo((x) => { seen.push(x); return host.echo('nested') });\n"
        "seen.push(r); await null; return seen",
        Ledger(answer),
    )
    engine.pump()
    assert host.results == [(1, True, "answered")]
    assert host.end == ("done", ["micro", "hi", "answered"])


def test_asks_inside_callbacks_inside_asks_end_in_an_error_and_not_in_a_crash() -> None:
    engine: JavaScriptEngine
    numbers = iter(range(1, 10_000))

    def answer(_name: str, args: list[Any]) -> Any:
        engine.invoke(callback := next(numbers), args[0].number, [], False)
        engine.pump()
        ok, value = next((ok, value) for number, ok, value in host.results if number == callback)
        if not ok:
            raise HostError(value)
        return value

    deep = "const pile = (n) => n === 0 ? host.echo(f) : pile(n - 1) + 0; const f = () => pile(60) + 1;\n"
    engine, host = begin(deep + "try { f() } catch (e) { return [e.type, e.message] }", Ledger(answer))
    engine.pump()
    assert host.end is not None
    kind, (error_type, message) = host.end
    assert kind == "done"
    assert (error_type == "limit" and "deep" in message) or message == "Maximum call stack size exceeded"
    engine, host = pumped("const down = () => down(); try { down() } catch (e) { return e.name }")
    assert host.end == ("done", "RangeError")


def test_cancelling_a_callback_ends_its_calls_and_it_goes_no_further() -> None:
    engine, host = pumped("""
        const stubborn = async () => { for (;;) { try { await host.later('inside') } catch { console.log('caught') } } };
        await host.later(stubborn);
    """)
    engine.invoke(1, host.calls[1][1][0].number, [], False)
    engine.pump()
    assert host.calls[2][1] == ["inside"]
    engine.cancel(1)
    engine.pump()
    assert (host.cancelled, host.printed, len(host.calls)) == ([2], "caught\n", 2)
    settle(engine, 1, "go on")
    assert (host.results, host.end) == ([], ("done", None))


@pytest.mark.parametrize("when", ["before it runs", "after it ended"])
def test_cancelling_at_the_edges_is_harmless(when: str) -> None:
    engine, host = pumped("await host.later(() => 1)")
    engine.invoke(1, host.calls[1][1][0].number, [], False)
    if when == "after it ended":
        engine.pump()
    engine.cancel(1)
    engine.pump()
    settle(engine, 1)
    assert host.end == ("done", None)


def test_microtasks_without_end_leave_room_for_frames() -> None:
    engine, host = begin("(async () => { for (;;) await null })(); await host.later(1); console.log('came through')")
    assert engine.pump() is True
    assert len(host.calls) == 1
    engine.settle(1, True, None)
    assert engine.pump() is True
    assert engine.pump() is True
    assert host.printed == "came through\n"


def test_a_host_that_is_gone_ends_the_engine() -> None:
    def gone(_name: str, _args: list[Any]) -> Any:
        raise Ended

    engine, host = begin("try { host.echo(1) } catch {} host.echo(2)", Ledger(gone))
    with pytest.raises(Ended):
        engine.pump()
    assert (host.end, host.sites) == (None, ["spell.js:1"])


def test_listeners_do_not_keep_a_spell_alive_and_pending_callbacks_do() -> None:
    engine, host = pumped("host.echo(() => host.later('in a listener')); return 'over'")
    assert host.end == ("done", "over")
    engine, host = begin("await host.later(() => new Promise((r) => { globalThis.finish = r })); return 'over'")
    engine.pump()
    engine.invoke(1, host.calls[1][1][0].number, [], False)
    settle(engine, 1)
    assert host.end is None
    engine.cancel(1)
    engine.pump()
    assert host.end == ("done", "over")


def test_time_and_chance_are_the_hosts() -> None:
    _, host = pumped("return [Date.now(), new Date().getTime(), Math.random(), uuid.generate(), new Date(5).getTime()]")
    assert host.end == (
        "done",
        [1_700_000_000_000, 1_700_000_000_000, 0.25, "00010203-0405-4607-8809-0a0b0c0d0e0f", 5],
    )


def test_no_thread_is_started() -> None:
    """Processes with threads cannot be forked safely; the zygote forks after `warm`."""
    import subprocess

    code = (
        "from llmspell.engines.javascript import warm; import threading, os, sys\n"
        "warm({'classes': [], 'errors': []})\n"
        "assert len(os.listdir('/proc/self/task')) == 1, os.listdir('/proc/self/task')\n"
        "assert 'quickjs' not in sys.modules and 'tree_sitter' not in sys.modules and 'asyncio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
