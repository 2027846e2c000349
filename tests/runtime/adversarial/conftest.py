"""A worker that was taken over: it says to a real bridge, run and runtime whatever frames a test has it say."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import endings, protocol
from llmspell.engines.handle import WorkerHandle
from llmspell.engines.transport import Limits, OnFrame
from llmspell.events.event import Event
from llmspell.runtime import Asking, Result, Runtime
from llmspell.spell import Spell

Play = Callable[["Possessed"], Awaitable[None]]
Possess = Callable[..., Awaitable["Outcome"]]

#: Seconds after which a test is hanging; what is tested takes milliseconds.
PATIENCE = 20


class Possessed(WorkerHandle):
    """The host's end is the product's own; `play` speaks at the other one."""

    def __init__(self, play: Play, on_frame: OnFrame, limits: Limits) -> None:
        ours, self._theirs = socket.socketpair()
        super().__init__(ours, limits, on_frame)
        self._theirs.setblocking(False)
        self._decoder = protocol.Decoder(64 * 1024 * 1024)
        self._numbers = 0
        self._answers: dict[int, asyncio.Future[tuple[bool, Any]]] = {}
        self.told: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.start: dict[str, Any] = {}
        self._reader = asyncio.ensure_future(self._read())
        self._player = asyncio.ensure_future(self._play(play))

    # -- what a play may do --------------------------------------------------------------------------------------

    async def raw(self, data: bytes) -> None:
        with suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(self._theirs, data)

    async def say(self, *frame: Any) -> None:
        await self.raw(protocol.encode(list(frame)))

    async def ask(self, name: Any, receiver: Any = None, *args: Any, op: str = "ask") -> tuple[bool, Any]:
        """Whether the host did it, and what it answered. (False, None) once the channel is closed."""
        if self._reader.done():
            return False, None
        self._numbers += 1
        number = self._numbers
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        await self.say(op, number, name, receiver, list(args), "spell.lua:1")
        return await future

    async def call(self, name: Any, receiver: Any = None, *args: Any) -> tuple[bool, Any]:
        return await self.ask(name, receiver, *args, op="call")

    async def new(self, name: str, options: Any = None) -> Any:
        """The number of a new object."""
        ok, value = await self.ask(f"{name}.new", None, options, None)
        assert ok, value
        return value.number

    # -- the other side of the channel ---------------------------------------------------------------------------

    async def _play(self, play: Play) -> None:
        await self.say("ready", 1)
        frame = await self.told.get()
        assert frame[0] == "run"
        self.start = frame[1]
        try:
            await play(self)
        finally:
            await self.say("done", None)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError, asyncio.CancelledError):
            while data := await loop.sock_recv(self._theirs, 1 << 20):
                for frame in self._decoder.feed(data):
                    future = self._answers.pop(frame[1], None) if frame[0] == "ret" else None
                    if future is None:
                        self.told.put_nowait(frame)
                    elif not future.done():
                        future.set_result((frame[2], frame[3]))
        for future in self._answers.values():
            if not future.done():
                future.set_result((False, None))

    async def finished(self) -> None:
        """Raises what an assertion of the play found."""
        try:
            await asyncio.wait_for(asyncio.shield(self._player), PATIENCE)
        finally:
            self._player.cancel()
            self._reader.cancel()
            await asyncio.gather(self._player, self._reader, return_exceptions=True)
            self._theirs.close()

    def _stop(self) -> None:
        self._loop.call_soon(self._end, endings.vanished(self._site))


class Possessor:
    """In the zygote's place."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self.workers: list[Possessed] = []

    def worker(self, language: str, on_frame: OnFrame, limits: Limits, *, debugged: bool = False) -> Possessed:
        self.workers.append(Possessed(self._play, on_frame, limits))
        return self.workers[-1]

    def close(self) -> None:
        pass


class Outcome:
    def __init__(self, result: Result, events: list[Event], printed: str) -> None:
        self.result = result
        self.events = events
        self.printed = printed

    @property
    def error(self) -> str:
        return "" if self.result.error is None else self.result.error.message


@pytest.fixture
async def possess(tmp_path: Path) -> AsyncIterator[Possess]:
    """`await possess(play)`: a run of the real runtime whose worker is played by `async def play(worker)`.

    settings: the text of llmspell.toml. environ: the host's variables.
    """

    async def run(
        play: Play, *, language: str = "lua", settings: str = "", environ: dict[str, str] | None = None, **asking: Any
    ) -> Outcome:
        (tmp_path / "llmspell.toml").write_text(settings)
        path = tmp_path / ("spell.lua" if language == "lua" else "spell.js")
        path.write_text("")
        possessor = Possessor(play)
        events: list[Event] = []
        printed: list[str] = []
        home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
        async with Runtime(environ={**home, **(environ or {})}, zygote=possessor) as runtime:  # type: ignore[arg-type]
            asked = Asking(on_event=events.append, say=lambda _, text: printed.append(text), **asking)
            result = await asyncio.wait_for(runtime.start(Spell.read(path), asked).result(), PATIENCE)
            for worker in possessor.workers:
                await worker.finished()
        return Outcome(result, events, "".join(printed))

    yield run
