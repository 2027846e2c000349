"""The tables of a run's file and of the index, and how such files are opened. Imports sqlite3 (4 ms).

A run's file is in write-ahead mode while it runs, so that readers never wait; at the end it becomes one plain file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from llmspell.errors import StoreError
from llmspell.traces.meta import SCHEMA

#: How long a statement waits for another process's lock, in seconds: the writer serves other runs too.
BUSY_SECONDS: Final = 0.25
#: Bytes of one value that a reader takes.
_LARGEST: Final = 256 * 1024 * 1024

RUN_TABLES: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY, time REAL NOT NULL, kind TEXT NOT NULL, phase TEXT NOT NULL, span INTEGER NOT NULL,
  parent INTEGER NOT NULL, name TEXT NOT NULL, site TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS state_events ON events (seq) WHERE kind = 'state_changed';
CREATE TABLE IF NOT EXISTS spans (
  number INTEGER PRIMARY KEY, parent INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, site TEXT NOT NULL,
  status TEXT NOT NULL, started REAL NOT NULL, ended REAL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost REAL, error TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
  id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL,
  span INTEGER NOT NULL, occurrence INTEGER NOT NULL, ok INTEGER NOT NULL, input TEXT NOT NULL, output BLOB NOT NULL,
  number INTEGER NOT NULL, admitted INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS admissions (id INTEGER PRIMARY KEY, keys TEXT NOT NULL, seqs TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY, readings BLOB NOT NULL, admitted INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS audit (
  id INTEGER PRIMARY KEY, time REAL NOT NULL, agent_id TEXT NOT NULL, action TEXT NOT NULL, tool TEXT NOT NULL,
  params TEXT NOT NULL, result TEXT NOT NULL, user_id TEXT NOT NULL, session_id TEXT NOT NULL,
  permissions TEXT NOT NULL, hash TEXT NOT NULL);
"""

#: Only in files of runs that change states often enough (`state_at`).
SNAPSHOT_TABLE: Final = "CREATE TABLE IF NOT EXISTS state_snapshots (seq INTEGER PRIMARY KEY, data TEXT NOT NULL)"

#: Rows a statement inserts. sqlite3 lets go of the interpreter lock once a statement; with a row a statement, a busy
#: loop thread makes the writer wait 5 ms for each (365 µs a row measured against 4 µs at 128 rows a statement).
_ROWS: Final = 128


def insert(connection: sqlite3.Connection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows, many a statement, in sizes of powers of two so that few statements are ever compiled."""
    done, size = 0, _ROWS
    while done < len(rows):
        while size > len(rows) - done:
            size //= 2
        row = f"({','.join('?' * len(rows[done]))})"
        values = ",".join([row] * size)
        connection.execute(f"INSERT INTO {table} VALUES {values}", [*chain.from_iterable(rows[done : done + size])])
        done += size


def create(path: Path, meta: Sequence[tuple[str, str]]) -> sqlite3.Connection:
    """Open a run's file for writing, with its tables and its first page. Raises sqlite3.Error or OSError.

    It is there as a whole or not at all: a host killed meanwhile leaves no file that could not be read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as image:
        image.executescript(f"BEGIN; {RUN_TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")
        insert(image, "meta", meta)
        data = image.serialize()
    beside = path.with_suffix(".part")
    beside.write_bytes(data)
    beside.replace(path)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def copy(path: Path, target: Path) -> None:
    """Write a run's file again as one plain file, complete even while somebody reads it. Raises StoreError."""
    source = open_read_only(path)
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.unlink(missing_ok=True)
        copied = sqlite3.connect(beside)
        try:
            source.backup(copied)
            copied.execute("PRAGMA journal_mode = DELETE")
        finally:
            copied.close()
        beside.replace(target)
    except (OSError, sqlite3.Error) as error:
        beside.unlink(missing_ok=True)
        raise StoreError(f"the recording cannot be written to {str(target)!r}: {error}") from None
    finally:
        source.close()


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a run's file to read, from any thread of the caller's. Raises StoreError for what is no run's file."""
    if not path.is_file():
        raise StoreError(f"there is no run file {str(path)!r}", hint="`llmspell trace list` shows the stored runs")
    try:
        return _checked(path, _connect(path, "mode=ro"))
    except sqlite3.OperationalError as error:
        if _is_held(error):
            raise unreadable(path, error) from None
        # In a folder that cannot be written, a file in write-ahead mode opens only as one that nobody changes.
        try:
            return _checked(path, _connect(path, "mode=ro&immutable=1"))
        except sqlite3.Error as error:
            raise unreadable(path, error) from None
    except sqlite3.Error as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: Exception) -> StoreError:
    hint = "it is damaged or is no run of llmspell; `llmspell trace rm` removes it"
    if _is_held(error):
        hint = "another process holds it; try again once that has let go"
    return StoreError(f"the run file {str(path)!r} cannot be read: {error}", hint=hint)


def _is_held(error: Exception) -> bool:
    """Whether another process has locked the file, longer than is waited for."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _connect(path: Path, options: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{options}"
    return sqlite3.connect(uri, uri=True, timeout=5.0, isolation_level=None, check_same_thread=False)


def _checked(path: Path, connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
        found = connection.execute("SELECT name, type, sql LIKE 'CREATE VIRTUAL%' FROM sqlite_master").fetchall()
        tables = {name for name, kind, _ in found if kind == "table"}
        if version > SCHEMA:
            raise StoreError(
                f"the run file {str(path)!r} was written by a newer llmspell (schema {version}, known {SCHEMA})",
                hint="update llmspell to read it",
            )
        # Somebody else may have written it: a view in a table's place could go on for ever.
        foreign = any(kind not in ("table", "index") or virtual for _, kind, virtual in found)
        if foreign or not {"meta", "events", "spans"} <= tables:
            raise StoreError(f"{str(path)!r} is an SQLite file but no run of llmspell")
    except BaseException:
        connection.close()
        raise
    return connection
