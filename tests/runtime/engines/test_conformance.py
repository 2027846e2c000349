"""One suite over both languages and both transports: what a spell sees does not depend on either."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cases import CASES, Case
from frame_host import BINDING, Echo, HostFailure, Invoke, Later

from llmspell.engines import protocol, sandbox
from llmspell.engines.inprocess import InProcess
from llmspell.engines.process import Zygote
from llmspell.engines.protocol import Frame
from llmspell.engines.transport import Exit, Limits, Transport

if TYPE_CHECKING:
    from conftest import Way

LIMITS = Limits()


class ConformanceHost:
    """Answers as `Echo` does, in real time, over any transport."""

    def __init__(self, language: str, *, asks_for_changes: bool = False) -> None:
        """asks_for_changes: of what a callback changed in its first argument, in place of what it gives."""
        self.asks_for_changes = asks_for_changes
        self.echo = Echo(language)
        self.transport: Transport
        self.printed: list[str] = []
        self.result: Any = None
        self.error: dict[str, Any] | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._callbacks: dict[int, asyncio.Future[tuple[bool, Any]]] = {}

    def send(self, *frame: Any) -> None:
        self.transport.send(protocol.encode(list(frame)))

    def on_frame(self, frame: Frame) -> None:
        match frame:
            case ["ask" | "call", call, name, receiver, args, _]:
                self._tasks[call] = asyncio.ensure_future(self._answer(call, name, receiver, args))
            case ["cancel", calls]:
                for call in calls:
                    self._tasks[call].cancel()
            case ["tell", "print", [_, text], _]:
                self.printed.append(text)
            case ["result", callback, ok, value]:
                self._callbacks[callback].set_result((ok, value))
            case ["done", value]:
                self.result = value
            case ["fail", error]:
                self.error = error
            case _:
                pass

    async def _answer(self, call: int, name: str, receiver: int | None, args: list[Any]) -> None:
        try:
            self.send("ret", call, *await self._value(name, receiver, args))
        except HostFailure as failure:
            self.send("ret", call, False, failure.fields)

    async def _value(self, name: str, receiver: int | None, args: list[Any]) -> tuple[bool, Any]:
        value = Later(args[0]) if name == "Async.sleep" else self.echo.answer(name, receiver, args)
        match value:
            case Later(ms=ms, value=later):
                await asyncio.sleep((ms or 0) / 1000)
                return True, later
            case Invoke(function=function, args=given):
                number = len(self._callbacks) + 1
                self._callbacks[number] = asyncio.get_running_loop().create_future()
                self.send("callback", number, function.number, list(given), self.asks_for_changes)
                return await self._callbacks[number]
            case _:
                return True, value

    async def finish(self) -> Exit:
        end = await asyncio.wait_for(self.transport.exit, 30)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        return end


@pytest.mark.mission(53, 54, 55, 58)
@pytest.mark.parametrize("way", ["worker", "in_process"])
@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_conformance(
    case: Case, language: str, way: Way, zygotes: Callable[[dict[str, Any]], tuple[Zygote, Path]]
) -> None:
    if way == "worker" and not sandbox.support().worker:
        pytest.skip("spells have no processes here")
    zygote, binding = zygotes(BINDING)
    host = ConformanceHost(language)
    if way == "worker":
        host.transport = zygote.worker(language, host.on_frame, LIMITS)
    else:
        host.transport = InProcess(language, host.on_frame, LIMITS, binding=str(binding))
    host.send("run", start_of(language, case.source(language)))
    end = await host.finish()
    assert end.error is None, end.error
    if case.error is None:
        assert host.error is None, host.error
        assert host.result == case.result
        assert "".join(host.printed) == case.printed
    else:
        assert host.error is not None
        for key, expected in case.error.items():
            found = host.error[key]
            assert found.startswith(expected) if key == "message" else found == expected, host.error
        if "HERE" in case.source(language):
            assert host.error["source"] == f"spell.{'lua' if language == 'lua' else 'js'}:{case.line(language)}"


CHANGES = {
    "lua": """
        return Echo.new{}:call_me(function(t)
          t.changed = Echo.new{}:say_later(t.changed .. "!", 2)
          t.list[1], t.added, t.gone, t.flag = 2, 1, nil, true
        end, { changed = "old", same = "x", number = 1.5, no = false, list = { 1 }, gone = "y", flag = false })
    """,
    "javascript": """
        return await new Echo({}).callMe(async (t) => {
          t.changed = await new Echo({}).sayLater(t.changed + "!", 2);
          t.list[0] = 2; t.added = 1; delete t.gone; t.flag = true;
        }, { changed: "old", same: "x", number: 1.5, no: false, list: [1], gone: "y", flag: false })
    """,
}


@pytest.mark.parametrize("way", ["worker", "in_process"])
@pytest.mark.parametrize("language", ["lua", "javascript"])
async def test_of_a_table_that_a_callback_changed_only_the_changes_come_back(
    language: str, way: Way, zygotes: Callable[[dict[str, Any]], tuple[Zygote, Path]]
) -> None:
    if way == "worker" and not sandbox.support().worker:
        pytest.skip("spells have no processes here")
    zygote, binding = zygotes(BINDING)
    host = ConformanceHost(language, asks_for_changes=True)
    if way == "worker":
        host.transport = zygote.worker(language, host.on_frame, LIMITS)
    else:
        host.transport = InProcess(language, host.on_frame, LIMITS, binding=str(binding))
    host.send("run", start_of(language, CHANGES[language]))
    assert (await host.finish()).error is None
    assert host.error is None, host.error
    assert host.result == {"changed": "old!", "list": [2], "added": 1, "flag": True}


def start_of(language: str, source: str) -> dict[str, Any]:
    return {
        "language": language,
        "label": "spell.lua" if language == "lua" else "spell.js",
        "source": source,
        "module": False,
        "params": {"who": "tester"},
        "config": {},
        "env": {"HOME": "/home/tester"},
        "globals": {},
        "seed": 1,
        "clock": None,
        "memory_mb": LIMITS.memory_mb,
    }
