"""Every way to hang, crash or flood that is known: each is stopped, names limit and line, and harms nobody else."""

from __future__ import annotations

import asyncio
import os
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from llmspell.engines import sandbox, values
from llmspell.engines.transport import Limits
from llmspell.errors import CancelledByUser

if TYPE_CHECKING:
    from conftest import StartSpell

pytestmark = pytest.mark.skipif(not sandbox.support().worker, reason="spells have no processes here")

#: Small, so that the whole table takes seconds. A machine under load may take long; CPU limits do not mind.
LIMITS = Limits(stall=0.4, cpu=1.0, wall=20.0, memory_mb=48, frame_bytes=1024 * 1024)


@dataclass(frozen=True)
class Hostile:
    name: str
    language: str
    source: str
    limit: tuple[str, ...]
    """Any of these is a right verdict; "" is an ordinary error of the script, "done" that it does no harm at all."""
    line: int = 1
    """Where a verdict on the CPU must say that it was."""
    limits: Limits = LIMITS


LUA = [
    ("endless loop", "print('here')\nwhile true do end", ("cpu",), 2),
    ("loop around a function", "local function f() end while true do f() end", ("cpu",)),
    ("pcall storm", "local function f() error('x') end while true do pcall(f) end", ("cpu",)),
    ("pcall that would swallow a limit", "while true do pcall(function() while true do end end) end", ("cpu",)),
    ("nested patterns", "string.find(string.rep('a', 40000), string.rep('.-', 40) .. 'b')", ("cpu",)),
    ("a move of a quadrillion", "table.move({}, 1, 1000000000000000, 2)", ("cpu", "memory", "")),
    ("repetitions of nothing", "local s = string.rep('', 1000000000000)", ("cpu", "done")),
    ("endless concat", "local s = 'x' while true do s = s .. s end", ("memory",)),
    ("tables without end", "local t = {} while true do t[#t + 1] = {} end", ("memory",)),
    ("a memory error caught for ever", "while true do pcall(string.rep, 'x', 1 << 40) end", ("cpu", "memory")),
    ("a large string into full memory",
     "local t = {} pcall(function() while true do t[#t + 1] = ('x'):rep(1000) .. #t end end)\n"
     "local ok = pcall(print, ('y'):rep(1048000))\n"
     "while true do t[#t + 1] = {('z'):rep(#t)} end", ("memory", "cpu", "frame", "")),
    ("deep recursion", "local function f() return 1 + f() end f()", ("", "memory")),
    ("endless recursion through pcall", "local function f() pcall(f) return f() end f()", ("cpu", "memory", "")),
    ("metatable of the globals", "setmetatable(_G, {__index = error})\nlocal x = nothing", ("",)),
    ("a __gc that never ends", "setmetatable({}, {__gc = function() while true do end end}) "
     "while true do local t = {} end", ("cpu",)),
    ("a __close that never ends", "local x <close> = setmetatable({}, {__close = function() while true do end end})",
     ("cpu",)),
    ("coroutines without end",
     "local t = {} while true do t[#t + 1] = coroutine.wrap(function() coroutine.yield() end) t[#t]() end",
     ("memory", "cpu")),
    ("clock read for ever", "while true do os.time() end", ("cpu",)),
    ("huge frame", "print(('x'):rep(4 * 1024 * 1024))", ("frame",)),
    ("endless output", "while true do print('flood') end", ("cpu",)),
    ("endless sort", "table.sort({3, 2, 1}, function() while true do end end)", ("cpu",)),
    ("endless gsub", "(('x'):rep(10)):gsub('x', function() while true do end end)", ("cpu",)),
]  # fmt: skip

JAVASCRIPT = [
    ("endless loop", "console.log('here');\nfor (;;) {}", ("cpu",), 2),
    ("loop around try", "for (;;) { try { throw new Error('x') } catch {} }", ("cpu",)),
    ("join of four thousand million", "new Array(2 ** 32 - 1).join('')", ("cpu", "memory", "")),
    ("catastrophic expression", "/^(a+)+$/.test('a'.repeat(40) + 'b')", ("cpu", "")),
    ("promise flood", "for (;;) await null", ("cpu", "memory")),
    ("microtasks that breed", "const f = () => queueMicrotask(f); f(); await new Promise(() => {})", ("cpu",)),
    ("strings that double", "let s = 'x'; for (;;) s += s", ("memory", "", "cpu")),
    ("arrays without end", "const a = []; for (;;) a.push(new Array(1000).fill(1))", ("memory",)),
    ("a memory error caught for ever", "const a = []; for (;;) { try { a.push(new Array(9999).fill(1)) } catch {} }",
     ("cpu", "memory")),
    ("deep recursion", "const f = () => 1 + f(); f()", ("", "memory")),
    ("a getter that never ends", "Object.prototype.__defineGetter__('x', () => { for (;;); }); ({}).x", ("cpu",)),
    ("toString that never ends", "console.log(`${{ toString() { for (;;); } }}`)", ("cpu",)),
    ("a proxy without bottom", "const p = new Proxy({}, { get: () => { for (;;); } }); console.log(p.x)", ("cpu",)),
    ("huge frame", "console.log('x'.repeat(4 * 1024 * 1024))", ("frame",)),
    ("endless output", "for (;;) console.log('flood')", ("cpu",)),
    ("clock read for ever", "for (;;) Date.now()", ("cpu",)),
    ("endless sort", "[3, 2, 1].sort(() => { for (;;); })", ("cpu",)),
    ("big integers", "let n = 3n; for (;;) n = n * n", ("cpu", "memory", "")),
    ("Maps in Maps", "let m = 1; for (let i = 0; i < 190; i++) m = new Map([[1, m]]); return m", ("",)),
    ("deep JSON", "JSON.parse('['.repeat(1000000))", ("", "memory", "cpu")),
]  # fmt: skip

CASES = [Hostile(name, "lua", *rest) for name, *rest in LUA] + [
    Hostile(name, "javascript", *rest) for name, *rest in JAVASCRIPT
]


NEIGHBOUR = {
    "lua": "for i = 1, 3 do Async.sleep(20) end return 'unharmed'",
    "javascript": "for (let i = 0; i < 3; i++) await Async.sleep(20); return 'unharmed'",
}


@pytest.mark.mission(139)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.language}: {case.name}")
async def test_a_hostile_spell_is_stopped_and_harms_nobody(case: Hostile, start_spell: StartSpell) -> None:
    neighbour = start_spell(case.language, NEIGHBOUR[case.language])
    began = time.monotonic()
    outcome = await asyncio.wait_for(start_spell(case.language, case.source, limits=case.limits).finish(), 30)
    verdict = "done" if outcome.frames[-1][0] == "done" else outcome.limit()
    assert verdict in case.limit, outcome.message()
    assert outcome.result is None
    if outcome.exit.error is not None:
        assert "\n" not in str(outcome.exit.error)
        if verdict == "cpu":
            name = {"lua": "spell.lua", "javascript": "spell.js"}[case.language]
            assert outcome.exit.error.source == f"{name}:{case.line}"
    elif outcome.error is not None:
        assert "Traceback" not in outcome.error["message"]
    assert time.monotonic() - began < 15
    assert (await neighbour.finish()).value() == "unharmed"


@pytest.mark.parametrize("code", [1, 2, 4, 5, 6, 7, 8, 9])
def test_values_in_values_do_not_use_up_the_hosts_stack(code: int) -> None:
    """What a worker that was broken into could send, whatever an engine allows."""
    data = b"\xc0"
    for _ in range(300):
        data = struct.pack(">BIB", 0xC9, len(data), code) + data  # ext 32
    with pytest.raises(ValueError, match="nest deeper than 50"):
        values.unpack(data)


async def test_many_timers_are_only_many_calls(start_spell: StartSpell) -> None:
    source = "for (let i = 0; i < 5000; i++) setTimeout(() => {}, 3600000); console.log('set')"
    host = start_spell("javascript", source, limits=LIMITS)
    await host.first("tell")
    host.transport.kill()
    assert isinstance((await host.finish()).exit.error, CancelledByUser)


async def test_nothing_is_left_behind(start_spell: StartSpell) -> None:
    assert (await start_spell("lua", "return 1").finish()).value() == 1  # whatever is made once is made
    before = len(os.listdir("/proc/self/fd"))
    hosts = [start_spell("lua", "while true do end", limits=LIMITS) for _ in range(5)]
    hosts += [start_spell("lua", f"return {number}") for number in range(5)]
    outcomes = await asyncio.gather(*(host.finish() for host in hosts))
    assert [outcome.result for outcome in outcomes[5:]] == list(range(5))
    assert len(os.listdir("/proc/self/fd")) <= before  # earlier tests' rubbish may be collected meanwhile
    for host in hosts:
        assert host.transport.pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(host.transport.pid, 0)
