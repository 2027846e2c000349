"""Stored runs of the examples, and windows that show them with a clock that stands still."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.tui.rest import resting
from textual.worker import WorkerCancelled

from llmspell.events.event import Event
from llmspell.traces.reader import RunFile
from llmspell_tui.app.window import Window
from llmspell_tui.feed.payload import Payloads
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.updates import Batch, Complete, Page
from llmspell_tui.theme import Mode
from llmspell_tui.widgets.desk import Desk

ROOT = Path(__file__).parents[2]
#: 2026-01-02 03:04:05 UTC, in ms.
BEGAN = 1_767_323_045_000.0


@dataclass(frozen=True)
class Stored:
    """A stored run: its file, its data folder, its events with times that are the same each time: 10 ms apart."""

    path: Path
    data_dir: Path
    events: list[Event]

    def model(self, upto: int | None = None) -> RunModel:
        """The run as it was after event number `upto`; all of it unless given."""
        shown = self.events[:upto]
        ended = upto is None
        model = RunModel()
        last = BEGAN + 10 * len(self.events)
        label = shown[0].name
        page = Page(
            "1m7zzzzzzzzzzz",
            label,
            f"/spells/{label}",
            "lua",
            "ok" if ended else "running",
            BEGAN,
            last if ended else None,
            len(shown),
        )
        model.take(replace(page, status="running", ended=None))
        model.take(Batch(shown))
        model.take(page)
        if ended:
            model.take(Complete())
        return model


@pytest.fixture(scope="session", autouse=True)
def _rest() -> Iterator[None]:
    with resting():
        yield


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stored]:
    """`stored("research")` runs that example, once for all tests."""
    made: dict[str, Stored] = {}

    def run(example: str) -> Stored:
        if example not in made:
            home = tmp_path_factory.mktemp(example)
            environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_STATE_HOME": str(home), "TZ": "UTC"}
            spell = f"examples/{example}/spell.lua"
            done = subprocess.run(
                [sys.executable, "-m", "llmspell", "run", spell],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            (path,) = (home / "llmspell" / "runs").glob("*.db")
            with RunFile(path) as file:
                events = [replace(event, time=BEGAN + 10 * event.seq) for event in file.events()]
            made[example] = Stored(path, path.parents[1], events)
        return made[example]

    return run


@pytest.fixture
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], float]]:
    """The time of day in UTC, half a second after the runs began."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield lambda: BEGAN / 1000 + 0.5
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def settle() -> Callable[[Window, str], Awaitable[None]]:
    """`await settle(app, "payload")`: the workers of that group are done, one that gave way to a later one included."""

    async def wait(app: Window, group: str) -> None:
        for worker in [worker for worker in app.workers if worker.group == group]:
            with suppress(WorkerCancelled):
                await worker.wait()

    return wait


@pytest.fixture
def window(stored: Callable[[str], Stored], standing_clock: Callable[[], float]) -> Callable[..., Window]:
    """`window("research")`: a window with that run on its desk; `upto` leaves it running after so many events."""

    def made(example: str = "", *, upto: int | None = None, mode: Mode = "dark") -> Window:
        desk = Desk(clock=standing_clock)
        if example:
            run = stored(example)
            desk.model, desk.payloads = run.model(upto), Payloads(run.path)
        return Window(desk, mode=mode)

    return made
