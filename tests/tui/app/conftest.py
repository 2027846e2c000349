"""A window over a project of its own, whose host, runtime and runs are the real ones; each change is told, not slept for."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmspell_tui.app.window import Window
from llmspell_tui.host.wishes import Wishes
from llmspell_tui.widgets.document import Document


class Watched(Window):
    """A window that tells whenever it may look different."""

    def __init__(self) -> None:
        super().__init__()
        self.news = asyncio.Event()

    def touch(self) -> None:
        super().touch()
        self.news.set()

    def notice(self, text: str) -> None:
        super().notice(text)
        self.news.set()

    async def on_event(self, event: Any) -> None:
        await super().on_event(event)
        self.news.set()

    async def _show_waiting(self) -> None:
        await super()._show_waiting()
        self.news.set()

    async def _chat(self, sheet: Any, agent: str, text: str) -> None:
        await super()._chat(sheet, agent, text)
        self.news.set()

    async def ask(self, *args: Any, **kwargs: Any) -> None:
        await super().ask(*args, **kwargs)
        self.news.set()

    async def open_sheet(self, *args: Any, **kwargs: Any) -> None:
        await super().open_sheet(*args, **kwargs)
        self.news.set()

    async def until(self, holds: Callable[[], Any]) -> Any:
        """What `holds` gives once it is something."""
        try:
            async with asyncio.timeout(30):
                while not (found := holds()):
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            shown = (self.desk.notice, self.desk.trouble, self.desk.control, self.desk.model and self.desk.model.status)
            raise AssertionError(f"it never came: {shown}") from None
        return found

    async def ended(self) -> str:
        """The run's status, once all of it is read."""
        model = self.desk.model
        await self.until(lambda: model is not None and model.complete)
        assert model is not None
        return model.status

    async def connected(self) -> None:
        await self.until(lambda: self.desk.control is not None)

    def texts(self) -> list[str]:
        """What the run has printed and logged."""
        points = self.desk.model.points if self.desk.model is not None else ()
        return [points.text(i) or "" for i in range(len(points))] if points else []

    def page(self, selector: str = "#sheet Document") -> str:
        document = self.query_one(selector, Document)
        return "\n".join(document.text_of(row) for row in range(document.count()))

    def waits(self, kind: str) -> bool:
        control = self.desk.control
        return bool(control and self.sheet and [each for each in control.waiting if each["kind"] == kind])


class Project:
    """A folder with spells. window: with a spell that runs on save, or a stored run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def window(self, *files: Path, first: Path | None = None, **wishes: Any) -> Watched:
        app = Watched()
        app.wishes = Wishes(files=tuple(map(str, files)), **wishes)
        app.first, app.data_dirs = first, [self.data_dir]
        return app

    def run(self, spell: Path, *more: str) -> Path:
        """Run a spell from a terminal, to its end: the file of its run."""
        before = self.runs()
        done = subprocess.run(
            [sys.executable, "-m", "llmspell", "run", str(spell), *more],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        [new] = self.runs() - before
        return new

    def runs(self) -> set[Path]:
        return set((self.data_dir / "runs").glob("*.db"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    for name in [name for name in os.environ if name.startswith(("LLMSPELL_", "OPENAI_", "ANTHROPIC_"))]:
        monkeypatch.delenv(name)
    for name, folder in (("LLMSPELL_DATA_DIR", "data"), ("XDG_RUNTIME_DIR", ""), ("HOME", ""), ("XDG_STATE_HOME", "s")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "llmspell.toml").touch()
    yield Project(tmp_path)


@pytest.fixture(params=["lua", "js"])
def language(request: pytest.FixtureRequest) -> str:
    return request.param
