"""Runs every kind of runaway spell in one host, beside a spell that ticks; prints what became of each as JSON.

over: seconds past the limit: of CPU where CPU is what is limited, else on the clock. gap: the longest delay of a tick.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from dataclasses import dataclass
from typing import Any, Final

from llmspell import Runtime
from llmspell.bridge.bridge import Bridge
from llmspell.engines.transport import Limits, Transport
from llmspell.errors import LimitError
from llmspell.runtime import Asking, Spell

LIMIT: Final = 0.5
MEMORY: Final = 48
TICK: Final = 0.02


@dataclass(frozen=True)
class Runaway:
    """limit: what has to stop it, or `crash`: the kernel is made to end its engine."""

    name: str
    language: str
    source: str
    limit: str = "cpu"


RUNAWAYS: Final = (
    Runaway("endless loop, Lua", "lua", "while true do end"),
    Runaway("endless loop, JavaScript", "javascript", "for (;;) {}"),
    Runaway("endless loop on the clock, Lua", "lua", "while true do end", "wall"),
    Runaway("endless loop on the clock, JavaScript", "javascript", "for (;;) {}", "wall"),
    Runaway("pattern that backtracks, Lua", "lua", "string.find(string.rep('a', 40000), string.rep('.-', 40) .. 'b')"),
    Runaway("regular expression, JavaScript", "javascript", "/^(a+)+$/.test('a'.repeat(60) + 'b')"),
    Runaway("allocation, Lua", "lua", "local t = {} while true do t[#t + 1] = {} end", "memory"),
    Runaway("allocation, JavaScript", "javascript", "const a = []; for (;;) a.push(new Array(1000).fill(1))", "memory"),
    Runaway("pcall storm", "lua", "while true do pcall(function() while true do error('x') end end) end"),
    Runaway("promise flood", "javascript", "for (;;) await null"),
    Runaway("engine crash, Lua", "lua", "print('here') Async.sleep(60000)", "crash"),
    Runaway("engine crash, JavaScript", "javascript", "console.log('here'); await Async.sleep(60000)", "crash"),
)


class Watched(Runtime):
    """A runtime whose last worker can be looked at."""

    last: Transport

    def _worker(self, language: str, bridge: Bridge, limits: Limits, trusted: bool) -> Transport:
        self.last = super()._worker(language, bridge, limits, trusted)
        return self.last


class Ticker:
    """The neighbour: a spell that prints every 20 ms."""

    def __init__(self, runtime: Runtime) -> None:
        self.longest = 0.0
        self._last = 0.0
        source = f"while true do Async.sleep({TICK * 1000:g}) print('tick') end"
        self.started = runtime.start(Spell.of(source, "lua"), Asking(say=self._say))
        self.task = asyncio.create_task(self.started.result())

    def _say(self, stream: str, text: str) -> None:
        now = time.perf_counter()
        if self._last:
            self.longest = max(self.longest, now - self._last - TICK)
        self._last = now

    async def end(self) -> bool:
        alive = not self.task.done() and self._last > 0
        self.started.cancel()
        return (await self.task).status == "cancelled" and alive


async def run(runtime: Watched, runaway: Runaway) -> dict[str, Any]:
    ticker = Ticker(runtime)
    while not ticker.longest:
        await asyncio.sleep(0.01)
    ticker.longest = 0.0
    crashed = 0.0

    def say(stream: str, text: str) -> None:
        nonlocal crashed
        if runaway.limit == "crash" and worker.pid is not None:
            os.kill(worker.pid, signal.SIGSEGV)
            crashed = time.perf_counter()

    flags = {"limits.memory_mb": MEMORY}
    flags["limits.wall_seconds" if runaway.limit == "wall" else "limits.cpu_seconds"] = LIMIT
    started = runtime.start(Spell.of(runaway.source, runaway.language), Asking(flags=flags, say=say))
    begin = time.perf_counter()
    ending = asyncio.create_task(started.result())
    await asyncio.sleep(0)
    worker = runtime.last
    result = await ending
    end = time.perf_counter()
    ended = await worker.exit
    error = result.error
    verdict = error.limit if isinstance(error, LimitError) else error.type if error is not None else "done"
    match runaway.limit:
        case "crash":
            over = end - crashed
        case "wall":
            over = end - begin - LIMIT
        case _:
            over = ended.cpu - LIMIT
    unharmed = await ticker.end()
    hello = await runtime.run(Spell.of("return 'hello'", "lua"))
    return {
        "over": over,
        "verdict": verdict,
        "stopped": verdict == runaway.limit,
        "unharmed": unharmed and hello.value == "hello",
        "gap": ticker.longest,
        "cpu": ended.cpu,
        "wall": end - begin,
    }


async def main() -> None:
    async with Watched() as runtime:
        await runtime.run(Spell.of("return 1", "lua"))
        await runtime.run(Spell.of("return 1", "javascript"))
        print(json.dumps({runaway.name: await run(runtime, runaway) for runaway in RUNAWAYS}))


asyncio.run(main())
