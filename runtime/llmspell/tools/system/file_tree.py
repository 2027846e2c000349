"""Goes through a folder: entries, a file's text, removal. No link is followed, closed names are passed by.

Bounded: a tree of any size ends after MAX_ENTRIES. Blocks: runs in a thread.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.security import files
from llmspell.security.files import Place
from llmspell.security.permissions import Access, Permissions

MAX_ENTRIES: Final = 50_000
MAX_DEPTH: Final = 50
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Tree:
    """One pass through one folder. full: whether it ended before everything was seen."""

    def __init__(self, permissions: Permissions, max_file_size: int, stop: threading.Event) -> None:
        self.permissions = permissions
        self.max_file_size = max_file_size
        self.stop = stop
        self.full = False
        self._seen = 0
        self._current = -1

    def entries(self, folder: Place, *, recursive: bool) -> Iterator[tuple[PurePosixPath, os.stat_result]]:
        """(path below the folder, what it is), by name. What may not be read is left out."""
        opened = files.open_folder(folder)
        try:
            yield from self._walk(opened, folder.path, PurePosixPath(), recursive)
        finally:
            os.close(opened)

    def text(self, path: PurePosixPath) -> str:
        """The text of the file that `entries` has just given, "" where it is none or too large."""
        try:
            opened = os.open(
                path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._current
            )
        except OSError:
            return ""
        with os.fdopen(opened, "rb") as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode) or info.st_size > self.max_file_size:
                return ""
            data = file.read(self.max_file_size)
        return "" if b"\0" in data[:4096] else data.decode("utf-8", "replace")

    def check(self, folder: Place, access: Access) -> None:
        """Raises PermissionDenied when anything in the folder may not be used so."""
        opened = files.open_folder(folder)
        try:
            for path in self._all(opened, PurePosixPath()):
                shown = str(PurePosixPath(folder.shown) / path)
                self.permissions.check_path(folder.path / path, access, shown)
        finally:
            os.close(opened)

    def remove(self, folder: Place) -> int:
        """Removes the folder and all in it, or, where one thing in it may not be removed, nothing."""
        self.check(folder, "write")
        self._seen = 0
        opened = files.open_folder(folder)
        try:
            count = self._empty(opened, folder.path)
        finally:
            os.close(opened)
        os.rmdir(folder.name, dir_fd=folder.parent)
        return count + 1

    def _walk(
        self, opened: int, path: PurePosixPath, below: PurePosixPath, recursive: bool
    ) -> Iterator[tuple[PurePosixPath, os.stat_result]]:
        for name, info in self._scan(opened):
            here = path / name
            if not self.permissions.allows_path(here, "read"):
                continue
            self._current = opened
            yield below / name, info
            if recursive and stat.S_ISDIR(info.st_mode):
                if len(below.parts) >= MAX_DEPTH:
                    self.full = True
                    continue
                inner = self._open(name, opened)
                if inner is None:
                    continue
                try:
                    yield from self._walk(inner, here, below / name, recursive)
                finally:
                    os.close(inner)

    def _all(self, opened: int, below: PurePosixPath) -> Iterator[PurePosixPath]:
        for name, info in self._scan(opened):
            yield below / name
            if stat.S_ISDIR(info.st_mode):
                if len(below.parts) >= MAX_DEPTH or self.full:
                    raise ToolError("the folder holds too much to be moved or deleted at once", hint="take it in parts")
                inner = self._open(name, opened)
                if inner is not None:
                    try:
                        yield from self._all(inner, below / name)
                    finally:
                        os.close(inner)
        if self.full:
            raise ToolError("the folder holds too much to be moved or deleted at once", hint="take it in parts")

    def _empty(self, opened: int, path: PurePosixPath) -> int:
        count = 0
        for name, info in list(self._scan(opened)):
            self.permissions.check_path(path / name, "write", str(path / name))
            if stat.S_ISDIR(info.st_mode):
                inner = os.open(name, _FOLDER, dir_fd=opened)
                try:
                    count += self._empty(inner, path / name)
                finally:
                    os.close(inner)
                os.rmdir(name, dir_fd=opened)
            else:
                os.unlink(name, dir_fd=opened)
            count += 1
        return count

    def _scan(self, opened: int) -> Iterator[tuple[str, os.stat_result]]:
        with os.scandir(opened) as found:
            names = sorted(entry.name for entry in _first(found, MAX_ENTRIES - self._seen))
        for name in names:
            if self.stop.is_set():
                self.full = True
                return
            self._seen += 1
            if self._seen >= MAX_ENTRIES:
                self.full = True
                return
            try:
                yield name, os.stat(name, dir_fd=opened, follow_symlinks=False)
            except FileNotFoundError:
                continue

    def _open(self, name: str, opened: int) -> int | None:
        try:
            return os.open(name, _FOLDER, dir_fd=opened)
        except OSError:
            return None


def _first(found: Any, most: int) -> Iterator[os.DirEntry[str]]:
    for count, entry in enumerate(found):
        if count >= most:
            return
        yield entry


def name_filter(pattern: str | None) -> Any:
    """The compiled pattern, or None: `*` and `?` stay within a name, `**/` crosses folders. Linear in time (RE2)."""
    if pattern is None:
        return None
    import re2  # 9 ms

    written: list[str] = []
    for part in re.split(r"(\*\*/|\*+|\?)", pattern.removeprefix("./")):
        match part:
            case "**/":
                written.append("(?:.*/)?")
            case "?":
                written.append("[^/]")
            case _ if part.startswith("*"):
                written.append(".*" if len(part) > 1 else "[^/]*")
            case _:
                written.append(re2.escape(part))
    return "/" in pattern, re2.compile("(?s)" + "".join(written))


def fits(wanted: Any, path: PurePosixPath) -> bool:
    if wanted is None:
        return True
    whole, expression = wanted
    return expression.fullmatch(str(path) if whole else path.name) is not None
