"""Saves of a spell, and of what it loads, by whatever editor. Watches folders, never files. Knows no host.

An editor may write in place, write a new file and rename it over the old one, or move the old one away first. All of
that is news of the folder; what a file then is, is looked up. `watchfiles` groups what comes within 10 ms, 50 ms at
most. A file that is found empty or gone may be in the midst of a save, on a busy machine: it is looked at again, for a
while.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Final

from llmspell.security.touched import TICK, Look, Seen, seen_of

#: What a spell is made of: its text, modules, hook files, replies and data, its settings.
SUFFIXES: Final = frozenset({".lua", ".js", ".mjs", ".py", ".json", ".toml", ".md", ".txt"})
#: Folders that a run writes to, or that are too large to matter.
LEFT_OUT: Final = frozenset({"output", "node_modules"})

_DEBOUNCE: Final = 50
_STEP: Final = 10
#: Seconds that a file may be empty or gone in the midst of a save, and between two looks at it.
_MIDST: Final = 0.2
_AGAIN: Final = 0.01
#: Seconds between two looks at a single file: 5 microseconds each.
_LOOK: Final = 0.1
#: Milliseconds without news after which the folders are looked through once.
_QUIET: Final = 5_000
#: Files looked through in one folder; more than that is no spell's.
_MOST: Final = 5_000


class Saves:
    """Saves below some folders. To be iterated by one task; `also` may be called meanwhile."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = _outermost(folders)
        self._changed = asyncio.Event()
        self._known: dict[Path, Look] = {}
        self._single: set[Path] = set()  # files elsewhere
        self._added: list[tuple[Path, int]] = []  # folders whose files are not known yet, and since when they count

    @property
    def folders(self) -> tuple[Path, ...]:
        return tuple(self._folders)

    def seen(self, path: Path) -> Seen:
        """What was seen of a file when it was told of: time of its change in ns, size, inode; None: it was gone."""
        return self._known.get(path)

    def also(self, folders: Iterable[Path]) -> None:
        """Watches these too: what is saved there from now on."""
        wanted = _outermost([*self._folders, *folders])
        if wanted != self._folders:
            now = time.time_ns() - TICK
            self._added += [(folder, now) for folder in wanted if folder not in self._folders]
            self._folders = wanted
            self._changed.set()

    def file(self, path: Path) -> None:
        """Watches this file too, and nothing beside it: it is looked at now and then, wherever it lies."""
        if path not in self._single:
            self._single.add(path)
            if path not in self._known and (seen := seen_of(path)) is not None:
                self._known[path] = seen
            self._changed.set()

    async def each(self) -> AsyncGenerator[frozenset[Path], None]:
        """The files that were saved, made or removed, each time some were; first none, once it watches."""
        self._known = await asyncio.to_thread(_look, self._folders)
        began = False
        while True:
            self._changed.clear()
            async with aclosing(self._news(self._folders)) as news:
                coming = asyncio.ensure_future(anext(news))
                try:
                    await asyncio.sleep(0)  # it watches now; what was saved before that is found by looking
                    saved = await asyncio.to_thread(self._missed)
                    if saved or not began:
                        yield frozenset(saved)
                    began = True
                    while True:
                        while self._single and not (await asyncio.wait((coming,), timeout=_LOOK))[0]:
                            if saved := self._compared(self._single):
                                await self._settled(saved)
                                yield frozenset(saved)
                        try:
                            paths = await coming
                        except StopAsyncIteration:
                            break
                        coming = asyncio.ensure_future(anext(news))
                        if saved := self._compared(paths) if paths else await asyncio.to_thread(self._missed):
                            await self._settled(saved)
                            yield frozenset(saved)
                finally:
                    self._changed.set()
                    coming.cancel()
                    await asyncio.gather(coming, return_exceptions=True)

    async def _news(self, folders: list[Path]) -> AsyncGenerator[set[Path], None]:
        """What the system tells, until other folders are wanted; nothing where it told nothing for a while, for it may
        have lost some in a flood."""
        import watchfiles  # 40 ms

        watching = watchfiles.awatch(
            *folders,
            watch_filter=lambda _, path: _counts(Path(path), folders),
            debounce=_DEBOUNCE,
            step=_STEP,
            stop_event=self._changed,
            rust_timeout=_QUIET,
            yield_on_timeout=True,
        )
        async with aclosing(watching) as news:
            async for changes in news:
                yield {Path(path) for _, path in changes}

    def _compared(self, paths: set[Path]) -> set[Path]:
        """Those of the files that are not what they were."""
        saved: set[Path] = set()
        for path in paths:
            now = seen_of(path)
            if now != self._known.get(path):
                saved.add(path)
                if now is None:
                    del self._known[path]
                else:
                    self._known[path] = now
        return saved

    async def _settled(self, saved: set[Path]) -> None:
        """Until none of the files is in the midst of its save, or one is empty or gone for longer than that."""
        until = time.monotonic() + _MIDST
        while any(not (seen := self.seen(path)) or not seen[1] for path in saved) and time.monotonic() < until:
            await asyncio.sleep(_AGAIN)
            self._compared(saved)

    def _missed(self) -> set[Path]:
        added, self._added = self._added, []
        found = _look(self._folders)
        for path, seen in found.items():
            if any(seen[0] < since and path.is_relative_to(folder) for folder, since in added):
                self._known.setdefault(path, seen)
        return self._compared({*found, *self._known})


def folders_of(file: Path, modules: Iterable[str] = ()) -> list[Path]:
    """The folders whose saves count for a spell. modules: paths of what it loaded."""
    own = (file if file.is_dir() else file.parent).resolve()
    return [own, *(Path(module).resolve().parent for module in modules if Path(module).is_absolute())]


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """Without those inside others: watching goes all the way down."""
    found: list[Path] = []
    for folder in sorted({each.resolve() for each in folders}, key=lambda path: len(path.parts)):
        if folder.is_dir() and not any(folder.is_relative_to(outer) for outer in found):
            found.append(folder)
    return found


def _counts(path: Path, folders: Iterable[Path]) -> bool:
    if path.suffix not in SUFFIXES:
        return False
    for folder in folders:
        if path.is_relative_to(folder):
            inside = path.relative_to(folder).parts
            return not any(part.startswith(".") or part in LEFT_OUT for part in inside)
    return False


def _look(folders: Iterable[Path]) -> dict[Path, Look]:
    found: dict[Path, Look] = {}
    for folder in folders:
        for where, inner, names in os.walk(folder):
            inner[:] = [name for name in inner if not name.startswith(".") and name not in LEFT_OUT]
            for name in names:
                path = Path(where, name)
                if path.suffix in SUFFIXES and not name.startswith(".") and (seen := seen_of(path)) is not None:
                    found[path] = seen
            if len(found) > _MOST:
                break
    return found
