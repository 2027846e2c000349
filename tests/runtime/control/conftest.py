"""Runs that are controlled over their real sockets, in a sandboxed worker or in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.engines.process import Zygote
from llmspell.events.event import Event
from llmspell.runtime import Asking, Result, Runtime, Started
from llmspell.spell import Spell
from llmspell.testing.server import ModelServer
from llmspell.traces.reader import RunFile
from llmspell.traces.recording import Recording
from llmspell_tui.host.control import RunControl

WAYS = ("worker", "in process")


@dataclass
class Live:
    """A run under way. events: those so far; told: what it told its clients."""

    started: Started
    spell: Path
    file: Path
    socket: str
    control: RunControl | None = None
    events: list[Event] = field(default_factory=list[Event])
    output: dict[str, str] = field(default_factory=lambda: {"out": "", "err": ""})
    told: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def connect(self) -> RunControl:
        return await RunControl.connect(self.socket, self._heard)

    async def do(self, command: str, **fields: Any) -> Any:
        """A command of the first client."""
        if self.control is None:
            self.control = await self.connect()
        return await self.control.do(command, **fields)

    async def until(self, holds: Callable[[Live], Any]) -> Any:
        """What `holds` gives once it is something; looked at with each event, output and notice."""
        async with asyncio.timeout(60):
            while not (found := holds(self)):
                self.news.clear()
                await self.news.wait()
        return found

    async def event(self, kind: str, number: int = 1) -> Event:
        """The event of a kind, once there are so many."""
        return await self.until(lambda live: (live.of(kind)[number - 1 :] or [None])[0])

    async def said(self, stream: str, text: str = "") -> str:
        """What it has printed, once there is something, with `text` in it."""
        return await self.until(lambda live: text in live.output[stream] and live.output[stream])

    async def notice(self, name: str, number: int = 1) -> dict[str, Any]:
        def found(live: Live) -> Any:
            return ([told for told in live.told if told["notice"] == name][number - 1 :] or [None])[0]

        return await self.until(found)

    async def result(self) -> Result:
        async with asyncio.timeout(60):
            return await self.started.result()

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def heard(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()

    def say(self, stream: str, text: str) -> None:
        self.output[stream] += text
        self.news.set()

    def _heard(self, told: dict[str, Any]) -> None:
        self.told.append(told)
        self.news.set()


@dataclass
class Stage:
    """Where runs are started: a folder, a runtime. way: a worker of its own, or this process."""

    folder: Path
    runtime: Runtime
    way: str
    lives: list[Live] = field(default_factory=list[Live])

    async def start(self, *, lua: str | None = None, js: str | None = None, **asking: Any) -> Live:
        path = self.folder / f"spell{len(self.lives)}.{'lua' if lua is not None else 'js'}"
        path.write_text(lua if lua is not None else js or "", encoding="utf-8")
        return await self._started(path, **asking)

    async def _started(self, path: Path, **asking: Any) -> Live:
        made: list[Live] = []
        early: list[Event] = []
        started = self.runtime.start(
            Spell.read(path),
            Asking(
                on_event=lambda event: made[0].heard(event) if made else early.append(event),
                say=lambda stream, text: made[0].say(stream, text),
                trusted=self.way == "in process",
                **asking,
            ),
        )
        assert started.store is not None
        live = Live(started, path, started.store.path, started.meta.socket, events=early)
        made.append(live)
        self.lives.append(live)
        await live.event("spell_started")
        return live

    async def again(self, live: Live, **asking: Any) -> Live:
        """The same spell from the recording of an ended run, unless `asking` says otherwise, to its end."""
        if not asking:
            asking = {"replay": Recording.load(live.file, values.unpack)}
        return await self._started(live.spell, **asking)

    async def replayed(self, live: Live) -> Live:
        """A replay of the ended run, with nobody there and no model: it gives the identical event list."""
        again = await self.again(live)
        await again.result()
        assert lines(again) == lines(live)
        return again


def lines(live: Live) -> list[tuple[Any, ...]]:
    """Every event of a stored run as a replay must give it again: all of it."""
    with RunFile(live.file) as file:
        return [(e.seq, e.time, e.kind, e.phase, e.span, e.parent, e.name, e.site, e.data) for e in file.events()]


class _Kept:
    """A zygote that a runtime may use but not end."""

    def __init__(self, zygote: Zygote) -> None:
        self.worker = zygote.worker

    def close(self) -> None:
        """It serves the next test too."""


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def passes(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Awaitable[None]]:
    """`await passes(60)`: a minute goes by on the loop's clock, and what is due then has come."""
    loop, passed = asyncio.get_running_loop(), 0.0
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + passed)

    async def wait(seconds: float) -> None:
        nonlocal passed
        passed += seconds
        other = await stage.start(lua="Async.sleep(1) return 1")
        await other.result()

    return wait


@pytest.fixture
async def stage(tmp_path: Path, zygote: Zygote, silent: ModelServer, way: str) -> AsyncIterator[Stage]:
    """Runs that reach the model `silent` on loopback, which never answers a message that begins with `hang`."""
    (tmp_path / "llmspell.toml").touch()
    environ: Mapping[str, str] = {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "USER": "ada",
        "LLMSPELL_DEFAULT_MODEL": "openai/test",
        "OPENAI_API_BASE": silent.openai_url,
        "OPENAI_API_KEY": "none needed",
    }
    runtime = Runtime(zygote=_Kept(zygote), environ=environ)
    found = Stage(tmp_path, runtime, way)
    yield found
    for live in found.lives:
        if live.control is not None:
            await live.control.close()
    await runtime.close()
