"""What the runs of this process do to files, for who watches the same folders: what they wrote, what they loaded.

A watcher sees that a file is another, not who made it so; here it is told. A tool's writing is known exactly, and so is
that of code which opens files itself, in this process. A command writes what it likes, so that whatever changes while
one is under way may be its doing. Kept only where somebody asked for it (`keep`); knows no watcher. Safe from several
threads.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePath
from threading import Lock
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from llmspell.security.files import Place

#: How a file looks: mtime in ns, size, inode.
Look = tuple[int, int, int]
#: None: there is no such file.
Seen = Look | None
Whose = Literal["tool", "command", ""]

#: A file's time is that of the kernel's last tick, which is up to 10 ms old (at 100 Hz).
TICK: Final = 10_000_000
#: Files that are remembered, and writings of one of them.
_MOST: Final = 10_000
_OF_ONE: Final = 32
_COMMANDS: Final = 1_000


class _Written:
    """spans: from when to when it was written. left: how it was left then. arrived: when another came in its place."""

    __slots__ = ("arrived", "left", "spans", "under_way")

    def __init__(self) -> None:
        self.under_way = 0
        self.spans: deque[tuple[int, int]] = deque(maxlen=_OF_ONE)
        self.left: deque[Seen] = deque(maxlen=_OF_ONE)
        self.arrived = 0


class Touched:
    """loaded: told each module that a run loads, by the run's id and the file."""

    def __init__(self, loaded: Callable[[str, Path], object]) -> None:
        self.loaded = loaded
        self._files: OrderedDict[str, _Written] = OrderedDict()
        self._commands: deque[tuple[int, int]] = deque(maxlen=_COMMANDS)
        self._under_way: dict[int, int] = {}  # commands, by number: since when
        self._number = 0
        self._opened: dict[str, int] = {}  # files, by code that opens them itself: since when
        self._openers: dict[_Doing, int] = {}  # such code under way: since when
        self._openings: deque[tuple[int, int]] = deque(maxlen=_COMMANDS)
        self._lock = Lock()

    def whose(self, path: str, seen: Seen) -> Whose:
        """Who made a file what it is. path: absolute, without links."""
        with self._lock:
            if self._by_tool(path, seen):
                return "tool"
            if path in self._opened:
                return self._by_opener(path, seen)
            spans = [*self._commands, *((began, time.time_ns()) for began in self._under_way.values())]
            if seen is None:
                return "command" if self._under_way else ""
            return "command" if _within(seen, spans) else ""

    def _by_tool(self, path: str, seen: Seen) -> bool:
        written = self._files.get(path)
        if written is not None and (written.under_way or seen in written.left):
            return True
        if written is not None and seen is not None and _within(seen, written.spans):
            return True
        for parent in PurePath(path).parents:  # a folder that a tool moved or removed, with all that is in it
            above = self._files.get(str(parent))
            if above is not None and above.left:
                gone = above.left[-1] is None
                if gone if seen is None else seen[0] <= above.arrived:
                    return True
        return False

    def _by_opener(self, path: str, seen: Seen) -> Whose:
        """Of a file that code has opened itself: its doing while it runs, and perhaps later, as long as it is open."""
        from llmspell.security import opened

        spans = [*self._openings, *((began, time.time_ns()) for began in self._openers.values())]
        if self._openers if seen is None else _within(seen, spans):
            return "tool"
        if path not in opened.written_now():  # what it still held back of its text may have been written at the end
            del self._opened[path]
        return "command"

    @contextmanager
    def writing(self, found: Place) -> Generator[None]:
        """A tool holds a place to write there."""
        began = time.time_ns()
        with self._lock:
            written = self._written(str(found.path))
            written.under_way += 1
        try:
            yield
        finally:
            left = seen_of(found.name, found.parent, follow=False)
            was = None if found.info is None else found.info.st_ino
            with self._lock:
                written.under_way -= 1
                written.spans.append((began - TICK, time.time_ns()))
                written.left.append(left)
                if left is not None and left[2] != was:
                    written.arrived = time.time_ns()

    @contextmanager
    def opening(self) -> Generator[None]:
        """Code runs that opens files itself."""
        from llmspell.security import opened  # only where such code is watched

        doing = _Doing(self)
        with self._lock:
            self._openers[doing] = time.time_ns() - TICK
        try:
            with doing.commands_under_way, opened.told(doing):
                yield
        finally:
            still = opened.written_now() if doing.paths else frozenset[str]()
            with self._lock:
                self._openings.append((self._openers.pop(doing), time.time_ns()))
                for path in doing.paths - still:
                    self._closed(path)

    def changes(self, path: str) -> None:
        with self._lock:
            if len(self._opened) < _MOST:
                self._opened.setdefault(path, time.time_ns() - TICK)

    def _closed(self, path: str) -> None:
        began = self._opened.pop(path, None)
        if began is not None:
            written = self._written(path)
            written.spans.append((began, time.time_ns()))
            written.left.append(left := seen_of(path, follow=False))
            if left is not None:
                written.arrived = time.time_ns()

    def _written(self, path: str) -> _Written:
        written = self._files.setdefault(path, _Written())
        self._files.move_to_end(path)
        while len(self._files) > _MOST:
            self._files.popitem(last=False)
        return written

    @contextmanager
    def command(self) -> Generator[None]:
        """A command is under way."""
        with self._lock:
            self._number += 1
            number = self._number
            self._under_way[number] = time.time_ns() - TICK
        try:
            yield
        finally:
            with self._lock:
                self._commands.append((self._under_way.pop(number), time.time_ns()))


def _within(seen: Look, spans: deque[tuple[int, int]] | list[tuple[int, int]]) -> bool:
    return any(began <= seen[0] <= ended for began, ended in spans)


def seen_of(name: str | Path, folder: int | None = None, *, follow: bool = True) -> Seen:
    """How a file looks now. folder: a descriptor of the one that the name is in. follow: whether links are."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=follow)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


class _Doing:
    """Code that opens files itself, while it runs."""

    def __init__(self, touched: Touched) -> None:
        self.paths: set[str] = set()
        self.commands_under_way = ExitStack()
        self._touched = touched

    def changes(self, path: str) -> None:
        self.paths.add(path)
        self._touched.changes(path)

    def commands(self) -> None:
        self.commands_under_way.enter_context(self._touched.command())


_kept: list[Touched] = []


@contextmanager
def keep(loaded: Callable[[str, Path], object]) -> Generator[Touched]:
    """Keep it from now on, for one watcher."""
    touched = Touched(loaded)
    _kept[:] = [touched]
    try:
        yield touched
    finally:
        _kept.clear()


@contextmanager
def writing(found: Place) -> Generator[None]:
    if not _kept:
        yield
    else:
        with _kept[0].writing(found):
            yield


@contextmanager
def command() -> Generator[None]:
    if not _kept:
        yield
    else:
        with _kept[0].command():
            yield


@contextmanager
def opening() -> Generator[None]:
    if not _kept:
        yield
    else:
        with _kept[0].opening():
            yield


def loaded(run: str, path: Path) -> None:
    if _kept:
        _kept[0].loaded(run, path)
