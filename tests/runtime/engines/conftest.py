"""A small host for engine tests: runs a spell over either transport and answers what it asks.

`run_spell` knows nothing of agents: a test says what each name answers.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

from llmspell.engines import protocol
from llmspell.engines.inprocess import InProcess
from llmspell.engines.process import Zygote
from llmspell.engines.protocol import Frame
from llmspell.engines.transport import Exit, Limits, Transport
from llmspell.errors import LlmspellError

# The tests of this folder share frame_host.py and cases.py, which are no package.
sys.path.insert(0, str(Path(__file__).parent))

Way = Literal["worker", "in_process"]

#: What one call or ask answers: a plain value, or a function of (receiver, args), asynchronous if it likes.
Answers = dict[str, Any]

EMPTY_BINDING: dict[str, Any] = {"classes": [], "errors": []}


@dataclass
class Outcome:
    """How a spell ended: `result` when it did so well, else `error` (a map) from its `fail` frame."""

    exit: Exit
    result: Any = None
    error: dict[str, Any] | None = None
    printed: str = ""
    frames: list[Frame] = field(default_factory=list[Frame])

    def value(self) -> Any:
        assert self.error is None, self.error
        assert self.exit.error is None, self.exit.error
        return self.result

    def limit(self) -> str:
        """The limit that stopped it, whoever said so; "" when none did."""
        if self.exit.error is not None:
            return str(self.exit.error.data.get("limit", ""))
        return str(((self.error or {}).get("data") or {}).get("limit", ""))

    def message(self) -> str:
        return str(self.exit.error or (self.error or {}).get("message", ""))


class SpellHost:
    """One spell under way. `transport` is there for tests that kill, pause or watch it."""

    def __init__(self, answers: Answers, on_print: Callable[[str], None] | None = None) -> None:
        self._answers = answers
        self._on_print = on_print
        self._tasks: dict[int, asyncio.Future[Any]] = {}
        self._callbacks: dict[int, asyncio.Future[Any]] = {}
        self._outcome = Outcome(Exit(None))
        self._printed: list[str] = []
        self._awaited: list[tuple[str, asyncio.Future[Frame]]] = []
        self.transport: Transport

    async def finish(self) -> Outcome:
        self._outcome.exit = await self.transport.exit
        self._outcome.printed = "".join(self._printed)
        for task in self._tasks.values():
            task.cancel()
        return self._outcome

    async def first(self, op: str) -> Frame:
        """The first frame of this kind, which may have come already."""
        for frame in self._outcome.frames:
            if frame[0] == op:
                return frame
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._awaited.append((op, future))
        return await asyncio.wait_for(future, 20)

    async def invoke(self, function: int, *args: Any) -> Any:
        """Runs a script function and waits for what it gives."""
        number = len(self._callbacks) + 1
        future = self._callbacks[number] = asyncio.get_running_loop().create_future()
        self.send("callback", number, function, list(args), False)
        return await future

    def send(self, *frame: Any) -> None:
        self.transport.send(protocol.encode(list(frame)))

    def on_frame(self, frame: Frame) -> None:
        self._outcome.frames.append(frame)
        for op, future in self._awaited:
            if op == frame[0] and not future.done():
                future.set_result(frame)
        match frame:
            case ["ask", call, name, receiver, args, _]:
                self.send("ret", call, True, self._answer(name, receiver, args))
            case ["call", call, "Async.sleep", _, [milliseconds], _]:
                self._settle(call, asyncio.sleep(milliseconds / 1000))
            case ["call", call, name, receiver, args, _]:
                self._settle(call, self._answer(name, receiver, args))
            case ["cancel", calls]:
                for call in calls:
                    if task := self._tasks.get(call):
                        task.cancel()
            case ["tell", "print", [_, text], _]:
                self._printed.append(text)
                if self._on_print is not None:
                    self._on_print(text)
            case ["result", callback, ok, value]:
                future = self._callbacks[callback]
                if ok:
                    future.set_result(value)
                else:
                    future.set_exception(LlmspellError(value["message"]))
            case ["done", value]:
                self._outcome.result = value
            case ["fail", error]:
                self._outcome.error = error
            case _:
                pass

    def _answer(self, name: str, receiver: int | None, args: list[Any]) -> Any:
        answer = self._answers[name]
        return answer(receiver, args) if callable(answer) else answer

    def _settle(self, call: int, answer: Any) -> None:
        """Answers a call with a value, at once, or with what an awaitable gives: a task of its own, which a cancellation
        that comes before its first step throws into it like any other."""
        if not inspect.isawaitable(answer):
            self.send("ret", call, True, answer)
            return
        self._tasks[call] = asyncio.ensure_future(answer)
        self._tasks[call].add_done_callback(lambda task: self._settled(call, task))

    def _settled(self, call: int, task: asyncio.Future[Any]) -> None:
        if task.cancelled():
            self.send("ret", call, False, LlmspellError("cancelled").to_value())
        elif (error := task.exception()) is None:
            self.send("ret", call, True, task.result())
        elif isinstance(error, LlmspellError):
            self.send("ret", call, False, error.to_value())
        else:
            raise error


class StartSpell(Protocol):
    def __call__(
        self,
        language: str,
        source: str,
        *,
        way: Way = "worker",
        limits: Limits | None = None,
        answers: Answers | None = None,
        binding: dict[str, Any] | None = None,
        on_print: Callable[[str], None] | None = None,
        zygote: Zygote | None = None,
        **start: Any,
    ) -> SpellHost: ...


@pytest.fixture(scope="session")
def zygotes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[dict[str, Any]], tuple[Zygote, Path]]]:
    """The zygote for a binding, one for the whole test session."""
    made: dict[str, tuple[Zygote, Path]] = {}

    def zygote(binding: dict[str, Any]) -> tuple[Zygote, Path]:
        text = json.dumps(binding)
        if text not in made:
            path = tmp_path_factory.mktemp("binding") / "bindings.json"
            path.write_text(text)
            made[text] = (Zygote.spawn(("lua", "javascript"), binding=str(path)), path)
        return made[text]

    yield zygote
    for one, _ in made.values():
        one.close()


@pytest.fixture
def zygote(tmp_path: Path) -> Iterator[Zygote]:
    """One of the test's own, to be killed."""
    binding = tmp_path / "bindings.json"
    binding.write_text(json.dumps(EMPTY_BINDING))
    one = Zygote.spawn(("lua",), binding=str(binding))
    yield one
    one.close()


@pytest.fixture
def start_spell(zygotes: Callable[[dict[str, Any]], tuple[Zygote, Path]]) -> StartSpell:
    """Starts a spell and gives its host; `await host.finish()` waits for the outcome."""

    def start(
        language: str,
        source: str,
        *,
        way: Way = "worker",
        limits: Limits | None = None,
        answers: Answers | None = None,
        binding: dict[str, Any] | None = None,
        on_print: Callable[[str], None] | None = None,
        zygote: Zygote | None = None,
        **start: Any,
    ) -> SpellHost:
        limits = limits or Limits()
        shared, path = zygotes(binding or EMPTY_BINDING)
        host = SpellHost(answers or {}, on_print)
        if way == "worker":
            host.transport = (zygote or shared).worker(language, host.on_frame, limits)
        else:
            host.transport = InProcess(language, host.on_frame, limits, binding=str(path))
        host.send("run", start_of(language, source, limits) | start)
        return host

    return start


def start_of(language: str, source: str, limits: Limits) -> dict[str, Any]:
    return {
        "language": language,
        "label": "spell.js" if language == "javascript" else "spell.lua",
        "source": source,
        "module": False,
        "params": {},
        "config": {},
        "env": {},
        "globals": {},
        "seed": 1,
        "clock": None,
        "memory_mb": limits.memory_mb,
    }
