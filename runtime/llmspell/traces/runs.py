"""The stored runs of a data folder: list them, find one, remove, keep only so many. The files are the truth."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from llmspell.errors import StoreError
from llmspell.frozen import frozen
from llmspell.traces import index
from llmspell.traces.ids import RUN_ID
from llmspell.traces.meta import RUNNING, RunMeta
from llmspell.traces.reader import RunFile

_DAY: float = 24 * 3600 * 1000


@frozen
class Retention:
    """How many runs are kept, for how long, and how much room they may take together; running ones always stay."""

    runs: int = 200
    days: float = 30.0
    megabytes: float = 1024.0


class Runs:
    """The runs below `data_dir`, which need not exist."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def path(self, run: str) -> Path:
        return index.run_path(self.data_dir, run)

    def list(self) -> list[RunMeta]:
        """Every run, oldest first, without texts and parameters. The index is mended where it and the files differ.

        A file that cannot be read is listed with the status `damaged`.
        """
        files = self._files()
        if not files:
            return []
        known = index.lines(self.data_dir)
        for run in files.keys() - known.keys():
            known[run] = self._read(run)
        gone = known.keys() - files.keys()
        if gone:
            self._quietly(lambda: index.forget(self.data_dir, [*gone]))
        return [self._settled(known[run]) for run in sorted(files)]

    def find(self, name: str, *, replays: bool = True) -> Path:
        """The file of a run given as a path, as `last`, or as the beginning of its id. Raises StoreError.

        replays: whether `last` may be the replay of another run.
        """
        if "/" in name or name.endswith(".db") or Path(name).is_file():
            return Path(name)
        runs = sorted(self._files())
        if not runs:
            raise StoreError(f"there is no run in {str(self.data_dir)!r}", hint="`llmspell run FILE` records one")
        if name == "last":
            if not replays:
                runs = [meta.id for meta in self.list() if not meta.replayed]
            if not runs:
                raise StoreError("every stored run is a replay", hint="name one: `llmspell trace list` shows them")
            return self.path(runs[-1])
        found = [run for run in runs if run.startswith(name.lower())]
        if not found:
            raise StoreError(f"there is no run {name!r}", hint="`llmspell trace list` shows the stored runs")
        if len(found) > 1:
            several = ", ".join(found[-4:])
            raise StoreError(f"{len(found)} runs begin with {name!r}: {several}", hint="give more letters of the id")
        return self.path(found[0])

    def remove(self, runs: list[str]) -> int:
        """Delete runs' files and index lines; how many there were."""
        count = 0
        for run in runs:
            count += self.path(run).exists()
            for ending in ("", "-wal", "-shm", "-journal", "-lease"):
                self.path(run).with_name(f"{run}.db{ending}").unlink(missing_ok=True)
        self._quietly(lambda: index.forget(self.data_dir, runs))
        return count

    def keep(self, retention: Retention, *, now: float | None = None) -> list[str]:
        """Remove ended runs that are too old, too many or too large together, oldest first; which ones."""
        moment = time.time() * 1000 if now is None else now
        removed: list[str] = []
        size, count = 0, 0
        for meta in reversed(self.list()):
            if meta.status == RUNNING:
                continue
            count += 1
            size += self._size(meta.id)
            old = meta.started and moment - meta.started > retention.days * _DAY
            if old or count > retention.runs or size > retention.megabytes * 1e6:
                removed.append(meta.id)
                size -= self._size(meta.id)
        self.remove(removed)
        return removed

    def rebuild(self) -> int:
        """Write the index anew from the files; how many runs there are."""
        (self.data_dir / index.NAME).unlink(missing_ok=True)
        return len(self.list())

    def _files(self) -> dict[str, Path]:
        folder = self.data_dir / index.FOLDER
        try:
            return {
                path.stem: path for path in folder.iterdir() if path.suffix == ".db" and RUN_ID.fullmatch(path.stem)
            }
        except OSError:
            return {}

    def _size(self, run: str) -> int:
        try:
            return self.path(run).stat().st_size
        except OSError:
            return 0

    def _read(self, run: str) -> RunMeta:
        try:
            with RunFile(self.path(run)) as file:
                meta = file.meta()
        except StoreError:
            return RunMeta(id=run, spell="", label="", language="", status="damaged", started=self._changed(run))
        self._quietly(lambda: index.note(self.data_dir, meta))
        return meta.without_texts()

    def _changed(self, run: str) -> float:
        return self.path(run).stat().st_mtime * 1000

    def _settled(self, meta: RunMeta) -> RunMeta:
        """The line as it is true now: a run whose host died is lost, unless its file had been ended before."""
        if meta.status == RUNNING and not meta.alive():
            meta = self._read(meta.id)
        return dataclasses.replace(meta, status=meta.current_status)

    def _quietly(self, change: Callable[[], None]) -> None:
        """Mend the index; a folder that cannot be written is still one that can be read."""
        with contextlib.suppress(sqlite3.Error, OSError):
            change()
