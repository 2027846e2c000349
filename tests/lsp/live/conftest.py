"""Spells that were really run, by the program itself, into a store of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmspell.errors import StoreError
from llmspell_lsp.documents.document import Document
from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.live.board import Board
from llmspell_lsp.live.reading import read
from llmspell_lsp.live.run import LastRun
from llmspell_lsp.live.watch import Watch
from llmspell_lsp.workspace.files import language_of
from llmspell_lsp.workspace.snapshot import Snapshot

PATIENCE = 60.0


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "PATH": os.environ["PATH"]}
        self.store = folder / "state" / "llmspell"
        self.told: list[tuple[str, LastRun | None]] = []
        self.complaints: list[str] = []
        self._came = threading.Condition()
        self.watch = Watch(self._tell, self.complaints.append, self.environ)

    def _tell(self, path: str, run: LastRun | None) -> None:
        with self._came:
            self.told.append((path, run))
            self._came.notify()

    def until(self, count: int) -> tuple[str, LastRun | None]:
        """What is told as the `count`-th."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.told) >= count, PATIENCE), self.complaints
            return self.told[count - 1]

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def run(self, name: str, text: str | None = None, *more: str) -> None:
        """`llmspell run`, to its end, however that is."""
        if text is not None:
            self.write(name, text)
        command = [sys.executable, "-m", "llmspell", "run", name, *more]
        subprocess.run(command, cwd=self.folder, env=self.environ, capture_output=True, timeout=PATIENCE, check=False)

    def stored(self) -> list[Path]:
        return sorted((self.store / "runs").glob("*.db"))

    def last(self) -> LastRun:
        found = read(self.stored()[-1])
        assert found is not None
        return found

    def snapshot(self, name: str, text: str | None = None) -> Snapshot:
        """The spell in an editor, perhaps with another text than was run, with its last run."""
        language = language_of(name)
        assert language is not None
        shown = (self.folder / name).read_text() if text is None else text
        document = Document(uri_of(self.path(name)), language, 1, shown)
        board = Board()
        try:
            run = self.last()
        except (StoreError, IndexError):
            run = None
        if run is not None:
            board.put(run.spell, run)
        return Snapshot(document, self.path(name), [str(self.folder)], None, board)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.watch.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Bench]]:
    """A bench on which a text has been run once for all tests of a module that want it."""
    made: dict[tuple[str, str], Bench] = {}

    def get(name: str, text: str) -> Bench:
        if (name, text) not in made:
            bench = made[name, text] = Bench(tmp_path_factory.mktemp("bench"))
            bench.run(name, text)
        return made[name, text]

    yield get
    for bench in made.values():
        bench.watch.close()
