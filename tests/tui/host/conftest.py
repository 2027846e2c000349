"""A project, and a client with a host of its own that the real program is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import StoreError
from llmspell.traces.feed import SocketFeed
from llmspell_tui.host.client import Ended, HostClient, Started

HELLO = {"lua": 'print("{0}")', "js": 'console.log("{0}");'}
WAITS = {
    "lua": 'print("{0}") Async.sleep(600000)',
    "js": 'console.log("{0}"); await new Promise((done) => setTimeout(done, 600000));',
}


@dataclass
class Desk:
    """What a client tells, and what its runs print. until: waits for something of it."""

    folder: Path
    client: HostClient
    ended: list[Ended] = field(default_factory=list[Ended])
    news: list[Any] = field(default_factory=list[Any])
    printed: list[str] = field(default_factory=list[str])
    _told: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def hear(self, told: Any) -> None:
        (self.ended if isinstance(told, Ended) else self.news).append(told)
        if (started := getattr(told, "started", None)) is not None:
            self.follow(started)
        self._told.set()

    def follow(self, run: Started) -> None:
        task = asyncio.create_task(self._follow(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, run: Started) -> None:
        try:
            async for batch in SocketFeed(run.socket, Path(run.path)).batches():
                self.printed += [event.data["text"].strip() for event in batch if event.kind == "output"]
                self._told.set()
        except StoreError:
            return  # it was cancelled before there was a file

    async def until(self, there: Callable[[], Any]) -> None:
        async with asyncio.timeout(60):
            while not there():
                self._told.clear()
                await self._told.wait()

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "llmspell.toml").touch()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    desk = Desk(tmp_path, client := HostClient(cwd=str(tmp_path), environ=environ))
    client.told = desk.hear
    yield desk
    await client.close()


@pytest.fixture(params=["lua", "js"])
def language(request: pytest.FixtureRequest) -> str:
    return request.param
