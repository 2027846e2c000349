"""Files of the project that are not open, as documents: read when they are asked for, again when they have changed.

A file is looked at (`stat`) at most once in `PATIENCE` unless somebody says that it has changed. What cannot be read,
is no plain file or is larger than a module may be, is not there. Knows no language beyond a file's ending.
"""

from __future__ import annotations

import os
import stat
import time
from collections import OrderedDict
from typing import Final, NamedTuple

from llmspell.api.modules import LARGEST
from llmspell_lsp.documents.document import Document, Language
from llmspell_lsp.documents.uris import uri_of

PATIENCE: Final = 1.0
"""Seconds in which a file is taken for unchanged. An editor that watches files tells of changes sooner."""

KEPT: Final = 64
"""Documents that are kept; of the others only that they exist."""

_SUFFIXES: Final[dict[str, Language]] = {".lua": "lua", ".js": "javascript", ".mjs": "javascript"}


class Stamp(NamedTuple):
    """A file's state; another one means another text."""

    modified: int
    size: int
    inode: int


class Files:
    def __init__(self) -> None:
        self._looked: dict[str, tuple[float, Stamp | None]] = {}
        self._documents: OrderedDict[str, tuple[Stamp, Document]] = OrderedDict()

    def stamp(self, path: str) -> Stamp | None:
        """None where there is no file that could be read."""
        now = time.monotonic()
        known = self._looked.get(path)
        if known is not None and now - known[0] < PATIENCE:
            return known[1]
        if len(self._looked) > 20_000:
            self._looked.clear()
        found = look(path)
        self._looked[path] = (now, found)
        return found

    def changed(self, path: str) -> None:
        """It must be looked at again."""
        self._looked.pop(path, None)

    def document(self, path: str) -> Document | None:
        """A script's present text."""
        stamp = self.stamp(path)
        if stamp is None:
            self._documents.pop(path, None)
            return None
        known = self._documents.get(path)
        if known is not None and known[0] == stamp:
            self._documents.move_to_end(path)
            return known[1]
        document = read(path)
        if document is None:
            return None
        self._documents[path] = (stamp, document)
        if len(self._documents) > KEPT:
            self._documents.popitem(last=False)
        return document


def look(path: str) -> Stamp | None:
    """A plain file's state; None where there is none, or one that is too large."""
    try:
        found = os.stat(path)  # noqa: PTH116  pathlib is slower, and this is done for each import at each check
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
        return None
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)


def read(path: str) -> Document | None:
    """A script of the disk; None where it cannot be read or is none."""
    language = language_of(path)
    if language is None:
        return None
    try:
        # Not to wait where somebody has put a pipe in the file's place.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = file.read(LARGEST + 1)
    except (OSError, ValueError):
        return None
    return None if len(data) > LARGEST else Document(uri_of(path), language, 0, data.decode("utf-8-sig", "replace"))


def language_of(path: str) -> Language | None:
    """Of a script, by its ending."""
    return _SUFFIXES.get(os.path.splitext(path)[1].lower())  # noqa: PTH122
