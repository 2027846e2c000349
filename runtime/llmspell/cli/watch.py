"""`llmspell run --watch`: casts a spell again at every save. Imports watchfiles (40 ms): only for those who watch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import watchfiles

from llmspell.cli.run import interruptible
from llmspell.cli.terminal import show_error
from llmspell.errors import CancelledByUser, LlmspellError

#: What a spell is made of. What it writes to `output/`, and the runs' own files, must not start it again.
_SUFFIXES: Final = frozenset({".lua", ".js", ".mjs", ".json", ".toml"})
_LEFT_OUT: Final = frozenset({"output", "node_modules"})

#: Milliseconds in which saves count as one, and between two looks at the folder.
_DEBOUNCE: Final = 50
_STEP: Final = 10

Cancel = Callable[[str], None]
Cast = Callable[[Callable[[Cancel], Any]], Awaitable[int]]


def folder_of(file: Path) -> Path:
    """The folder whose saves count for a spell."""
    return (file if file.is_dir() else file.parent).resolve()


async def watch(folder: Path, cast: Cast, tell: Callable[[str], None]) -> int:
    """Casts now and after every save, until Ctrl-C. cast: runs once and is given a taker of what cancels the run."""
    watching = _Watching(cast)
    stop = asyncio.Event()

    def interrupted(reason: str) -> None:
        stop.set()
        watching.cancel(reason)

    with interruptible(interrupted):
        changes = watchfiles.awatch(
            folder,
            watch_filter=lambda _, path: _counts(Path(path), folder),
            debounce=_DEBOUNCE,
            step=_STEP,
            stop_event=stop,
        )
        watching.begin()
        tell(f"llmspell: watching {folder}; Ctrl-C ends\n")
        async for saved in changes:
            names = ", ".join(sorted({str(Path(path).relative_to(folder)) for _, path in saved}))
            await watching.end("saved")
            tell(f"llmspell: {names} saved\n")
            watching.begin()
        await watching.end("interrupted")
    return CancelledByUser.exit_code


class _Watching:
    """The run of the moment."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._cancel: Cancel | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.create_task(self._once())

    def cancel(self, reason: str) -> None:
        if self._cancel is not None:
            self._cancel(reason)

    async def end(self, reason: str) -> None:
        self.cancel(reason)
        if self._task is not None:
            await self._task

    async def _once(self) -> None:
        try:
            await self._cast(self._started)
        except LlmspellError as error:  # no such file, a wrong setting: the next save may mend it
            show_error(error)
        self._cancel = None

    def _started(self, cancel: Cancel) -> None:
        self._cancel = cancel


def _counts(path: Path, folder: Path) -> bool:
    inside = path.relative_to(folder).parts
    return path.suffix in _SUFFIXES and not any(part.startswith(".") or part in _LEFT_OUT for part in inside)
