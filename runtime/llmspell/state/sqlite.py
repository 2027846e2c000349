"""State in one SQLite file in write-ahead mode: any number of processes of one machine, readers never wait.

A change is acknowledged when it is in the file's log: a killed process loses nothing; a loss of power may take the last
changes, unless `fsync` is on. Watchers of other processes look for news every 20 ms. sqlite3 is imported by the thread
that opens the file (4 ms).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from llmspell.errors import StoreError
from llmspell.state.backend import LOG_LENGTH, LOGGED_VALUE, SCHEMA, Done, Logged, Row, Write
from llmspell.state.lane import Lane

if TYPE_CHECKING:
    pass

T = TypeVar("T")

#: What each version of the tables adds to the one before.
STEPS: Final = (
    """
    CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL, until REAL);
    CREATE INDEX state_until ON state (until) WHERE until IS NOT NULL;
    CREATE TABLE counter (version INTEGER NOT NULL);
    INSERT INTO counter VALUES (0);
    """,
    """
    CREATE TABLE changes (version INTEGER PRIMARY KEY, key BLOB NOT NULL, value BLOB, gone INTEGER NOT NULL,
      by TEXT NOT NULL);
    """,
)

#: Seconds to wait for another process's transaction.
_PATIENCE: Final = 10.0
#: How many versions pass between two times that the log is shortened.
_TRIM: Final = 256
_PAGE: Final = 4096

_FIND: Final = "SELECT key, value, version, until FROM state WHERE key >= ? AND (until IS NULL OR until > ?)"
_OLD: Final = "SELECT value, version, until FROM state WHERE key = ?"
_INSERT: Final = "INSERT INTO state (value, version, until, key) VALUES (?, ?, ?, ?)"
_UPDATE: Final = "UPDATE state SET value = ?, version = ?, until = ? WHERE key = ?"
_KEYS: Final = "SELECT key FROM state WHERE key >= ? AND (until IS NULL OR until > ?)"


class SqliteBackend:
    """`backend.Backend` over a file, which is made at the first use."""

    def __init__(self, path: Path, *, fsync: bool = False, max_mb: float = 1024) -> None:
        self._lane = Lane(lambda: SqliteFile(path, fsync=fsync, max_mb=max_mb), "llmspell-state")

    async def read(self, key: bytes) -> Row | None:
        return await self._lane.do(lambda file: file.read(key))

    async def find(self, low: bytes, high: bytes | None) -> list[Row]:
        return await self._lane.do(lambda file: file.find(low, high))

    async def keys(self, low: bytes, high: bytes | None) -> list[bytes]:
        return await self._lane.do(lambda file: file.keys(low, high))

    async def commit(self, writes: Sequence[Write], by: str) -> list[Done] | None:
        return await self._lane.do(lambda file: file.commit(writes, by), writes=True)

    async def version(self) -> int:
        return await self._lane.do(lambda file: file.version())

    async def log(self, after: int, limit: int) -> list[Logged] | None:
        return await self._lane.do(lambda file: file.log(after, limit))

    async def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._lane.listen(wake)

    async def close(self) -> None:
        await self._lane.close()


class SqliteFile:
    """The same, blocking, for one thread. Raises StoreError."""

    def __init__(self, path: Path, *, fsync: bool, max_mb: float) -> None:
        import sqlite3

        self._path = path
        self._errors = (sqlite3.Error, OSError)
        self._is_full = sqlite3.SQLITE_FULL
        self._seen = (-1, -1)
        self._own = 0
        self._version: int | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        except self._errors as error:
            raise self._unusable(error) from None
        try:
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
            self._file.execute(f"PRAGMA max_page_count = {int(max_mb * 1048576) // _PAGE}")
            self._migrate()
        except BaseException as error:
            self._file.close()
            if isinstance(error, self._errors):
                raise self._unusable(error) from None
            raise

    def close(self) -> None:
        self._file.close()

    def read(self, key: bytes) -> Row | None:
        query = "SELECT key, value, version, until FROM state WHERE key = ?"
        row = self._asked(lambda: self._file.execute(query, (key,)).fetchone())
        return None if row is None or (row[3] is not None and row[3] <= _now()) else Row(*row)

    def find(self, low: bytes, high: bytes | None) -> list[Row]:
        return [Row(*row) for row in self._asked(lambda: self._range(_FIND, low, high))]

    def keys(self, low: bytes, high: bytes | None) -> list[bytes]:
        return [key for (key,) in self._asked(lambda: self._range(_KEYS, low, high))]

    def version(self) -> int:
        return self._asked(lambda: self._file.execute("SELECT version FROM counter").fetchone()[0])

    def log(self, after: int, limit: int) -> list[Logged] | None:
        query = "SELECT version, key, value, gone, by FROM changes WHERE version > ? ORDER BY version LIMIT ?"
        rows = self._asked(lambda: self._file.execute(query, (after, limit)).fetchall())
        if (rows and rows[0][0] > after + 1) or (not rows and self.version() > after):
            return None
        return [Logged(version, key, value, bool(gone), by) for version, key, value, gone, by in rows]

    def commit(self, writes: Sequence[Write], by: str) -> list[Done] | None:
        return self._asked(lambda: self._write(writes, by))

    def changed(self) -> bool:
        """By this connection, or by another as SQLite knows."""
        news = (self._asked(lambda: self._file.execute("PRAGMA data_version").fetchone()[0]), self._own)
        changed, self._seen = news != self._seen, news
        return changed

    @contextmanager
    def together(self) -> Generator[None]:
        """One transaction around several commits, each of which can still fail by itself."""
        self._asked(lambda: self._file.execute("BEGIN IMMEDIATE"))
        try:
            first = self._version = self._asked(lambda: self._begun(_now()))
            yield
            self._asked(lambda: self._numbered(first, self._version or first))
            self._asked(lambda: self._file.execute("COMMIT"))
        except BaseException:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise
        finally:
            self._version = None

    # -- inside --------------------------------------------------------------------------------------------------

    def _range(self, query: str, low: bytes, high: bytes | None) -> list[Any]:
        values: list[Any] = [low, _now()]
        if high is not None:
            query, values = f"{query} AND key < ?", [*values, high]
        return self._file.execute(f"{query} ORDER BY key", values).fetchall()

    def _write(self, writes: Sequence[Write], by: str) -> list[Done] | None:
        inside, before = self._file.in_transaction, self._version
        self._file.execute("SAVEPOINT one" if inside else "BEGIN IMMEDIATE")
        try:
            done = self._all_of(writes, by)
            if done is None:
                self._version = before
                self._file.execute("ROLLBACK TO one" if inside else "ROLLBACK")
            if inside:
                self._file.execute("RELEASE one")
            elif done is not None:
                self._file.execute("COMMIT")
        except BaseException:
            self._version = before
            if self._file.in_transaction:
                self._file.execute("ROLLBACK TO one" if inside else "ROLLBACK")
            raise
        self._own += 1
        return done

    def _all_of(self, writes: Sequence[Write], by: str) -> list[Done] | None:
        file, now = self._file, _now()
        version = first = self._version if self._version is not None else self._begun(now)
        done: list[Done] = []
        for write in writes:
            row = file.execute(_OLD, (write.key,)).fetchone()
            old, present = (None, 0) if row is None or (row[2] is not None and row[2] <= now) else row[:2]
            if write.expected is not None and write.expected != present:
                return None
            if write.value is None and not present:
                done.append(Done(0, None))
                continue
            version += 1
            if write.value is None:
                file.execute("DELETE FROM state WHERE key = ?", (write.key,))
            else:
                until = None if write.ttl is None else now + write.ttl
                file.execute(_INSERT if row is None else _UPDATE, (write.value, version, until, write.key))
            kept = write.value if write.value is not None and len(write.value) <= LOGGED_VALUE else None
            logged = (version, write.key, kept, write.value is None, by)
            file.execute("INSERT INTO changes VALUES (?, ?, ?, ?, ?)", logged)
            done.append(Done(version, old))
        if self._version is not None:
            self._version = version
        else:
            self._numbered(first, version)
        return done

    def _begun(self, now: float) -> int:
        """The number of the last change; what is over is taken away first, it may be in the way of what comes."""
        self._file.execute("DELETE FROM state WHERE until <= ?", (now,))
        return self._file.execute("SELECT version FROM counter").fetchone()[0]

    def _numbered(self, first: int, version: int) -> None:
        """Keeps the number of the last change, and shortens the log now and then."""
        if version != first:
            self._file.execute("UPDATE counter SET version = ?", (version,))
        if version // _TRIM != first // _TRIM:
            self._file.execute("DELETE FROM changes WHERE version <= ?", (version - LOG_LENGTH,))

    def _migrate(self) -> None:
        (found,) = self._file.execute("PRAGMA user_version").fetchone()
        if found == SCHEMA:
            return
        self._file.execute("BEGIN IMMEDIATE")  # one process does it, the others wait and find it done
        try:
            (found,) = self._file.execute("PRAGMA user_version").fetchone()
            if found > SCHEMA:
                raise newer(f"the state file {str(self._path)!r}", found)
            for step in STEPS[found:]:
                for statement in filter(str.strip, step.split(";")):
                    self._file.execute(statement)
            self._file.execute(f"PRAGMA user_version = {SCHEMA}")
            self._file.execute("COMMIT")
        except BaseException:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise

    def _asked(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except self._errors as error:
            raise self._unusable(error) from None

    def _unusable(self, error: BaseException) -> StoreError:
        if getattr(error, "sqlite_errorcode", None) == self._is_full:
            return StoreError(
                f"the state file {str(self._path)!r} is full",
                hint="delete what is not needed, give values a ttl, or raise [state] max_mb",
            )
        return StoreError(
            f"the state file {str(self._path)!r} cannot be used: {error}",
            hint="if it is damaged, move it away: the next run makes a new one",
        )


def newer(what: str, version: int) -> StoreError:
    """For a store that a later llmspell has written to."""
    return StoreError(
        f"{what} was written by a newer llmspell (schema {version}, known {SCHEMA})", hint="update llmspell to use it"
    )


def _now() -> float:
    return time.time() * 1000
