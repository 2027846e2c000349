"""The file of an index of vectors: collections and their items in SQLite, which is the truth of it.

A change is one transaction: killed in the middle, all of it is there or nothing. Several processes may use one file. A
number, once given to a vector, is never given to another, nor is a vector ever changed under its number: what was read
once may be kept. Runs in the process of `kept`; knows no search.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote
from uuid import uuid4

from llmspell.errors import SchemaError, ToolError
from llmspell.frozen import frozen
from llmspell.tools.ai.vector_filter import Condition

_MARK: Final = 0x6C6C7673  # "llvs", SQLite's application_id
_VERSION: Final = 1
_TABLES: Final = """
CREATE TABLE collections (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
  dimensions INTEGER NOT NULL, metric TEXT NOT NULL, source TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 0,
  removed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE items (number INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, id TEXT NOT NULL,
  metadata TEXT NOT NULL, text TEXT, UNIQUE (collection, id));
CREATE TABLE vectors (number INTEGER PRIMARY KEY, vector BLOB NOT NULL);
"""
#: Seconds to wait for another process's transaction.
_PATIENCE: Final = 15.0
_PAGE: Final = 4096
_FAILED: Final = {
    sqlite3.SQLITE_FULL: ("it would be larger than `max_index_size`, or the disk is full", "delete items, or raise it"),
    sqlite3.SQLITE_BUSY: ("another process has held it for too long", "try again"),
    sqlite3.SQLITE_READONLY: ("it may not be written to", "check the file's mode"),
}


@frozen
class Collection:
    """source: whose vectors it holds, `method model`, or "" while nobody's. version: raised by every change; removed:
    by every vector that went."""

    number: int
    name: str
    dimensions: int
    metric: str
    source: str
    version: int
    removed: int


@frozen
class Item:
    """vector: 32-bit floats. id: "" to be given one."""

    id: str
    vector: bytes
    text: str | None
    metadata: str


class Store:
    """One file, open. Raises ToolError and SchemaError."""

    def __init__(self, path: str, device: int, inode: int, max_size: int) -> None:
        self.path = path
        before = _descriptors(device, inode)
        self._file = sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, timeout=_PATIENCE, isolation_level=None)
        try:
            with self._told():
                for setting in (
                    "trusted_schema = OFF",
                    "cell_size_check = ON",
                    "temp_store = MEMORY",
                    "cache_size = -32768",
                ):
                    self._file.execute(f"PRAGMA {setting}")
                self._file.execute(f"PRAGMA max_page_count = {max(1, max_size // _PAGE)}")
                self._prepare()
            if _descriptors(device, inode) <= before:
                raise ToolError(f"{path!r} changed while it was being opened", hint="try again")
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    @contextmanager
    def reading(self) -> Generator[None]:
        """Everything read inside is of one moment."""
        with self._transaction("BEGIN"):
            yield

    @contextmanager
    def writing(self) -> Generator[None]:
        with self._transaction("BEGIN IMMEDIATE"):
            yield

    def collections(self) -> list[Collection]:
        return [Collection(*row) for row in self._file.execute("SELECT * FROM collections ORDER BY name")]

    def collection(self, name: str) -> Collection | None:
        row = self._file.execute("SELECT * FROM collections WHERE name = ?", (name,)).fetchone()
        return None if row is None else Collection(*row)

    def needed(self, name: str) -> Collection:
        found = self.collection(name)
        if found is None:
            names = ", ".join(each.name for each in self.collections()[:20])
            raise ToolError(
                f"there is no collection {name!r}",
                hint=f"there are: {names}" if names else "upsert items into it first",
            )
        return found

    def create(self, name: str, dimensions: int, metric: str, source: str) -> Collection:
        """Inside `writing`."""
        self._file.execute(
            "INSERT INTO collections (name, dimensions, metric, source) VALUES (?, ?, ?, ?)",
            (name, dimensions, metric, source),
        )
        return self.needed(name)

    def drop(self, owner: Collection) -> int:
        count = self.delete(owner, self.matching(owner, None))
        self._file.execute("DELETE FROM collections WHERE number = ?", (owner.number,))
        return count

    def put(self, owner: Collection, items: Sequence[Item], source: str, *, replace: bool) -> tuple[list[str], int]:
        """The ids, and how many of them were there before. Inside `writing`."""
        ids: list[str] = []
        known = 0
        for item in items:
            identifier = item.id or uuid4().hex
            ids.append(identifier)
            row = self._file.execute(
                "SELECT number, vector, text FROM items JOIN vectors USING (number) WHERE collection = ? AND id = ?",
                (owner.number, identifier),
            ).fetchone()
            if row is not None:
                if not replace:
                    raise ToolError(
                        f"{owner.name!r} already has an item {identifier!r}", hint="use upsert to replace it"
                    )
                known += 1
                if row[1:] == (item.vector, item.text):
                    self._file.execute("UPDATE items SET metadata = ? WHERE number = ?", (item.metadata, row[0]))
                    continue
                self.delete(owner, [row[0]])
            cursor = self._file.execute(
                "INSERT INTO items (collection, id, metadata, text) VALUES (?, ?, ?, ?)",
                (owner.number, identifier, item.metadata, item.text),
            )
            self._file.execute("INSERT INTO vectors VALUES (?, ?)", (cursor.lastrowid, item.vector))
        self._file.execute(
            "UPDATE collections SET version = version + 1, source = CASE source WHEN '' THEN ? ELSE source END"
            " WHERE number = ?",
            (source, owner.number),
        )
        return ids, known

    def delete(self, owner: Collection, numbers: Sequence[int]) -> int:
        rows = [(number,) for number in numbers]
        self._file.executemany("DELETE FROM vectors WHERE number = ?", rows)
        self._file.executemany("DELETE FROM items WHERE number = ?", rows)
        self._file.execute(
            "UPDATE collections SET version = version + 1, removed = removed + ? WHERE number = ?",
            (len(rows), owner.number),
        )
        return len(rows)

    def numbers(self, owner: Collection, ids: Sequence[str]) -> list[int]:
        """Of the items with these ids, as far as there are some."""
        query = "SELECT number FROM items WHERE collection = ? AND id = ?"
        found = (self._file.execute(query, (owner.number, each)).fetchone() for each in dict.fromkeys(ids))
        return [row[0] for row in found if row is not None]

    def matching(self, owner: Collection, condition: Condition | None, limit: int = -1, offset: int = 0) -> list[int]:
        """Numbers in order, of the items that the filter wants."""
        where, values = (f" AND {condition.sql}", condition.values) if condition is not None else ("", [])
        query = f"SELECT number FROM items WHERE collection = ?{where} ORDER BY number LIMIT ? OFFSET ?"
        return [row[0] for row in self._file.execute(query, (owner.number, *values, limit, offset))]

    def count(self, owner: Collection, condition: Condition | None = None) -> int:
        where, values = (f" AND {condition.sql}", condition.values) if condition is not None else ("", [])
        query = f"SELECT count(*) FROM items WHERE collection = ?{where}"
        return self._file.execute(query, (owner.number, *values)).fetchone()[0]

    def items(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """In the order of the numbers; those that are gone are left out."""
        found: list[dict[str, Any]] = []
        for number in numbers:
            row = self._file.execute("SELECT id, metadata, text FROM items WHERE number = ?", (number,)).fetchone()
            if row is not None:
                shown = {"number": number, "id": row[0], "metadata": _table(row[1])}
                found.append(shown | ({"text": row[2]} if row[2] is not None else {}))
        return found

    def vectors(self, owner: Collection, after: int) -> list[tuple[int, bytes]]:
        """Number and vector of every item whose number is higher than `after`, in order."""
        query = (
            "SELECT number, vector FROM items JOIN vectors USING (number) WHERE collection = ? AND number > ? "
            "ORDER BY number"
        )
        rows = cast("list[tuple[int, bytes]]", self._file.execute(query, (owner.number, after)).fetchall())
        return self._whole(owner, rows)

    def some_vectors(self, owner: Collection, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
        query = "SELECT number, vector FROM vectors WHERE number = ?"
        rows = (self._file.execute(query, (number,)).fetchone() for number in numbers)
        return self._whole(owner, [row for row in rows if row is not None])

    def size(self) -> int:
        return self._file.execute("PRAGMA page_count").fetchone()[0] * _PAGE

    def _whole(self, owner: Collection, rows: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        if any(len(vector) != 4 * owner.dimensions for _, vector in rows):
            raise ToolError(f"the index {self.path!r} is damaged: vectors of a wrong length", hint="build it anew")
        return rows

    def _prepare(self) -> None:
        """Makes the tables in an empty file; another's database is left alone."""
        self._file.execute(f"PRAGMA page_size = {_PAGE}")
        with self.reading():
            empty = self._is_empty()
        if empty:
            with self.writing():
                if self._is_empty():  # else another process was quicker
                    for statement in _TABLES.split(";\n"):
                        self._file.execute(statement)
                    self._file.execute(f"PRAGMA application_id = {_MARK}")
                    self._file.execute(f"PRAGMA user_version = {_VERSION}")

    def _is_empty(self) -> bool:
        mark, version = (
            self._file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        kinds = {row[0] for row in self._file.execute("SELECT type FROM sqlite_schema")}
        if not kinds and mark == 0:
            return True
        if mark != _MARK or {"trigger", "view"} & kinds:
            raise ToolError(f"{self.path!r} is no index of vectors", hint="give another folder as index_path")
        if version != _VERSION:
            raise ToolError(f"the index {self.path!r} is of version {version}", hint="update llmspell")
        return False

    @contextmanager
    def _transaction(self, begin: str) -> Generator[None]:
        with self._told():
            self._file.execute(begin)
            try:
                yield
                self._file.execute("COMMIT")
            except BaseException:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Generator[None]:
        """What SQLite says, as a ToolError."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            said, hint = _FAILED.get(code, (str(error), "is it an index of vectors, and whole?"))
            raise ToolError(
                f"the index {self.path!r}: {said}", hint=hint, retryable=code == sqlite3.SQLITE_BUSY
            ) from None
        except UnicodeEncodeError:
            raise SchemaError("an id, a text or metadata is not Unicode", hint="leave lone surrogates out") from None


def _table(text: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        found = {}
    return found if isinstance(found, dict) else {}


def _descriptors(device: int, inode: int) -> int:
    """How many of this process's descriptors are of that file: SQLite opens by path."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            info = os.fstat(int(entry.name))
        except OSError:  # the descriptor of this very listing
            continue
        found += (info.st_dev, info.st_ino) == (device, inode)
    return found
