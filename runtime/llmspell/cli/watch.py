"""`llmspell run --watch`: a spell runs, and runs again whenever a file of its project is saved.

A save during a run ends that run. Does not know how a spell is run.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Final

from llmspell.cli.terminal import paint, show_error
from llmspell.errors import LlmspellError
from llmspell.settings.load import find_project_file

INTERRUPTED: Final = 130
#: What spells and llmspell itself write: a run must not start the next one.
_OURS: Final = frozenset({"output", ".llmspell", ".git", "__pycache__", "node_modules"})
#: Saves closer together than this, in milliseconds, are one: editors write a file, its backup and its new name.
_TOGETHER: Final = 100


async def watch(spell: str | None, once: Callable[[], Awaitable[int]]) -> int:
    """Runs `once` until the person interrupts it; gives the exit code of that."""
    folder = _project(Path(spell or "."))
    saves = _saves(folder)
    saved = asyncio.ensure_future(anext(saves))
    try:
        while True:
            running = asyncio.ensure_future(_attempt(once))
            await asyncio.wait((running, saved), return_when=asyncio.FIRST_COMPLETED)
            if not saved.done() and running.result() == INTERRUPTED:
                return INTERRUPTED
            if not saved.done():
                sys.stderr.write(paint(f"waiting for a file of {folder} to be saved\n", "dim", sys.stderr))
            name = await saved
            running.cancel()
            await asyncio.wait((running,))
            sys.stderr.write(paint(f"{name} was saved\n", "dim", sys.stderr))
            saved = asyncio.ensure_future(anext(saves))
    finally:
        saved.cancel()
        await asyncio.wait((saved,))
        await saves.aclose()


async def _attempt(once: Callable[[], Awaitable[int]]) -> int:
    """A spell that cannot even be read, half saved, is one to wait for."""
    try:
        return await once()
    except LlmspellError as error:
        show_error(error)
        return 1


def _project(spell: Path) -> Path:
    found = find_project_file(spell)
    return (found or (spell / "spell" if spell.is_dir() else spell)).parent.resolve()


async def _saves(folder: Path) -> AsyncGenerator[str, None]:
    """The name of a saved file, each time one is."""
    from watchfiles import awatch  # 60 ms with anyio

    async for changes in awatch(
        folder, watch_filter=lambda _, path: _counts(folder, path), debounce=_TOGETHER, raise_interrupt=False
    ):
        yield str(Path(min(path for _, path in changes)).relative_to(folder))


def _counts(folder: Path, path: str) -> bool:
    parts = Path(path).relative_to(folder).parts
    return not _OURS.intersection(parts) and not parts[-1].endswith(("~", ".swp", ".tmp"))
