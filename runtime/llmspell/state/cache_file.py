"""A file of keys and values with times to live, shared by all runs of a project. Blocking: call it in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgpack

from llmspell.errors import StoreError

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

_TABLE: Final = "CREATE TABLE IF NOT EXISTS cache (key BLOB PRIMARY KEY, value BLOB NOT NULL, until REAL)"
#: Of 4096 bytes each: 256 MB, so that a spell that keeps all it meets does not fill the disk.
_PAGES: Final = 65_536
#: Seconds to wait for another run's transaction.
_PATIENCE: Final = 5.0


class CacheFile:
    """SQLite in write-ahead mode; each operation is one connection and one transaction. Raises StoreError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> list[Any] | None:
        """`[value]`, or None where there is none or its time is over."""

        def find(file: sqlite3.Connection) -> Any:
            return file.execute("SELECT value, until FROM cache WHERE key = ?", (_encoded(key),)).fetchone()

        row = self._transact(find)
        if row is None or (row[1] is not None and row[1] <= _now()):
            return None
        try:
            return [msgpack.unpackb(row[0], strict_map_key=False, unicode_errors="surrogatepass")]
        except (ValueError, TypeError) as error:
            raise self._unreadable(error) from None

    def set(self, key: str, value: Any, ttl: float | None) -> None:
        """ttl: milliseconds."""
        try:
            packed = msgpack.packb(value, unicode_errors="surrogatepass")
        except (TypeError, ValueError, OverflowError) as error:
            raise StoreError(f"the cache cannot keep {key!r}: {error}", hint="keep plain data only") from None

        def put(file: sqlite3.Connection) -> None:
            now = _now()
            file.execute("DELETE FROM cache WHERE until <= ?", (now,))
            until = None if ttl is None else now + ttl
            file.execute("INSERT OR REPLACE INTO cache VALUES (?, ?, ?)", (_encoded(key), packed, until))

        self._transact(put)

    def delete(self, key: str) -> bool:
        def remove(file: sqlite3.Connection) -> bool:
            gone = file.execute("DELETE FROM cache WHERE key = ? RETURNING until", (_encoded(key),)).fetchone()
            return gone is not None and (gone[0] is None or gone[0] > _now())

        return self._transact(remove)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        import sqlite3  # 4 ms, for spells that use the cache

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as file:
                file.execute("PRAGMA journal_mode = WAL")
                file.execute("PRAGMA synchronous = NORMAL")
                file.execute(f"PRAGMA max_page_count = {_PAGES}")
                file.execute(_TABLE)
                with file:
                    return work(file)
        except (OSError, sqlite3.Error) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise StoreError(
                    f"the cache {str(self._path)!r} is full", hint="give values a ttl, or delete what is not needed"
                ) from None
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> StoreError:
        return StoreError(
            f"the cache {str(self._path)!r} cannot be used: {error}", hint="it holds copies only: remove it"
        )


def _encoded(key: str) -> bytes:
    """Any text of a script, lone surrogates too."""
    return key.encode("utf-8", "surrogatepass")


def _now() -> float:
    return time.time() * 1000
