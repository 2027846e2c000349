"""The thread that looks for new runs: a few `stat`s twice a second, a query when a store has changed, a file when a run
of an open spell has ended. Its connections are read-only and its own; it never changes a store.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from llmspell_lsp.live.run import LastRun

PERIOD: Final = 0.5
"""Seconds between two looks."""

_RECHECK: Final = 10
"""Looks after which the settings, which say where the store is, are read again."""

_NEWEST: Final = "SELECT id, status, pid, process_start, host FROM runs WHERE spell IN (?, ?) ORDER BY id DESC LIMIT 20"

_MOST_UNLISTED: Final = 5

Tell = Callable[[str, "LastRun | None"], None]


class Watch:
    """Follows spells until it is closed. tell: is called in the thread, with a spell's path and its last run."""

    def __init__(self, tell: Tell, report: Callable[[str], None], environ: Mapping[str, str] | None = None) -> None:
        self._tell = tell
        self._report = report
        self._environ = dict(os.environ) if environ is None else dict(environ)
        self._ready = threading.Condition()
        self._spells: dict[str, _Spell] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def follow(self, path: str) -> None:
        with self._ready:
            if path not in self._spells and not self._closed:
                self._spells[path] = _Spell(path)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="runs", daemon=True)
                    self._thread.start()
                self._ready.notify()

    def leave(self, path: str) -> None:
        with self._ready:
            self._spells.pop(path, None)

    def look(self) -> None:
        """Looks at once: something may have happened."""
        with self._ready:
            for spell in self._spells.values():
                spell.looks = 0
            self._ready.notify()

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._ready.notify()

    def _work(self) -> None:
        while True:
            with self._ready:
                if self._closed:
                    return
                fresh = any(not spell.looks for spell in self._spells.values())
                if not fresh:
                    self._ready.wait(PERIOD if self._spells else None)
                if self._closed:
                    return
                spells = list(self._spells.values())
            for spell in spells:
                try:
                    self._look(spell)
                except Exception as error:  # whatever is wrong with a store, others are still watched
                    self._report(f"the runs of {spell.path} cannot be read: {type(error).__name__}: {error}")

    def _look(self, spell: _Spell) -> None:
        if spell.looks % _RECHECK == 0:
            spell.store = _store(spell.path, self._environ)
        spell.looks += 1
        if spell.store is None:
            return
        state = _state(spell.store)
        if state == spell.state and not spell.waits:
            return
        spell.state = state
        found, spell.waits = _newest(spell.store, spell.path, spell.real)
        if found == spell.shown:
            return
        if found is None:
            spell.shown = None
            self._hand_over(spell, None)
            return
        from llmspell_lsp.live.reading import read  # 10 ms, once there is a run

        run = read(found)
        if run is not None:
            spell.shown = found
            self._hand_over(spell, run)

    def _hand_over(self, spell: _Spell, run: LastRun | None) -> None:
        with self._ready:
            if self._closed or spell.path not in self._spells:
                return
        self._tell(spell.path, run)


class _Spell:
    """What the thread knows of one. looks: how often it was looked at. state: of the store, when its index was read.
    shown: the run that was told. waits: a newer one is under way, whose host may die without a word."""

    __slots__ = ("looks", "path", "real", "shown", "state", "store", "waits")

    def __init__(self, path: str) -> None:
        self.path = path
        self.real = os.path.realpath(path)
        self.looks = 0
        self.store: Path | None = None
        self.state: object = None
        self.shown: Path | None = None
        self.waits = False


def _store(path: str, environ: Mapping[str, str]) -> Path | None:
    """Where a spell's runs are kept."""
    from llmspell.errors import SettingsError
    from llmspell.settings.load import load

    try:
        return load(Path(path), environ).data_dir
    except (SettingsError, OSError, RuntimeError, ValueError):
        return None


def _state(store: Path) -> object:
    """Another one means that the index has changed."""
    from llmspell.traces.index import FOLDER, NAME

    found: list[tuple[int, int, int]] = []
    for name in (NAME, f"{NAME}-wal", FOLDER):
        try:
            about = (store / name).stat()
        except OSError:
            continue
        if about.st_size:
            found.append((about.st_ino, about.st_size, about.st_mtime_ns))
    return tuple(found)


def _newest(store: Path, *spells: str) -> tuple[Path | None, bool]:
    """The file of the last run of a spell that has ended, and whether a later one is under way."""
    from llmspell.traces.index import NAME, run_path
    from llmspell.traces.meta import RUNNING, process_start

    index = store / NAME
    runs = [*_rows(index, _NEWEST, *spells), *_unlisted(store, index, spells)]
    under_way = False
    for run, status, pid, begun, host in sorted(runs, reverse=True):
        if status == RUNNING and (host != os.uname().nodename or process_start(pid) == begun != 0):
            under_way = True
            continue
        path = run_path(store, str(run))
        if path.is_file():
            return path, under_way
    return None, under_way


def _unlisted(store: Path, index: Path, spells: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The newest runs that the index does not have: their hosts died before they could write it."""
    from llmspell.errors import StoreError
    from llmspell.traces.ids import RUN_ID
    from llmspell.traces.index import FOLDER, run_path
    from llmspell.traces.reader import RunFile

    listed = {run for (run,) in _rows(index, "SELECT id FROM runs")}
    try:
        stems = {path.stem for path in (store / FOLDER).iterdir() if path.suffix == ".db"}
    except OSError:
        return []
    found: list[tuple[Any, ...]] = []
    for run in sorted((stem for stem in stems - listed if RUN_ID.fullmatch(stem)), reverse=True)[:_MOST_UNLISTED]:
        try:
            with RunFile(run_path(store, run)) as file:
                meta = file.meta()
        except StoreError:
            continue
        if meta.spell in spells:
            found.append((run, meta.status, meta.pid, meta.process_start, meta.host))
    return found


def _rows(index: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    for options in ("mode=ro", "mode=ro&immutable=1"):
        uri = f"file:{quote(str(index))}?{options}"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=1.0)) as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError:  # in a folder that cannot be written, the first one cannot be opened
            continue
        except sqlite3.DatabaseError:
            return []
    return []
