"""The stored runs of one or several projects, live ones first, and told again whenever there is something new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from llmspell.frozen import frozen
from llmspell.traces import index
from llmspell.traces.meta import RUNNING, RunMeta
from llmspell.traces.runs import Runs

#: Seconds between two looks at the folders, which cost 0.1 ms each while nothing is new.
_LOOK: Final = 0.25
#: Looks after which the runtimes of live runs are asked after again: one that was killed writes nothing.
_ALIVE: Final = 8


@frozen
class StoredRun:
    """path: its file. meta: without texts and parameters."""

    path: Path
    meta: RunMeta

    @property
    def running(self) -> bool:
        return self.meta.status == RUNNING


class RunList:
    """data_dirs: the data folders, which need not exist."""

    def __init__(self, data_dirs: Sequence[Path]) -> None:
        self._runs = [Runs(folder) for folder in dict.fromkeys(data_dirs)]

    def read(self) -> list[StoredRun]:
        """Live runs first, then the newest. Reads files: call it in a thread."""
        found = [StoredRun(runs.path(meta.id), meta) for runs in self._runs for meta in runs.list()]
        return sorted(found, key=lambda run: (not run.running, -run.meta.started, run.meta.id))

    async def followed(self, look: float = _LOOK) -> AsyncIterator[list[StoredRun]]:
        """The list at once, and again after each change. Without end."""
        seen: object = None
        before: list[StoredRun] | None = None
        looks = 0
        while True:
            mark = await asyncio.to_thread(self._mark)
            looks += 1
            live = before is not None and looks % _ALIVE == 0 and any(run.running for run in before)
            if mark != seen or live:
                seen = mark
                found = await asyncio.to_thread(self.read)
                if found != before:
                    before = found
                    yield found
            await asyncio.sleep(look)

    def _mark(self) -> object:
        """Changes with whatever changes the list."""
        return [
            _changed(runs.data_dir / name)
            for runs in self._runs
            for name in (index.NAME, f"{index.NAME}-wal", index.FOLDER)
        ]


def _changed(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size
