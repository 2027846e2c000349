"""A file of keys and values with times to live, shared by all runs of a project. Blocking: call it in a thread."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgpack

from llmspell.errors import StoreError

if TYPE_CHECKING:
    import sqlite3


class CacheFile:
    """SQLite in WAL mode; each operation is one transaction. Raises StoreError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> list[Any] | None:
        """`[value]`, or None where there is none or its time is over."""
        with self._open() as file:
            row = file.execute("SELECT value, until FROM cache WHERE key = ?", (key,)).fetchone()
        if row is None or (row[1] is not None and row[1] <= time.time() * 1000):
            return None
        return [msgpack.unpackb(row[0], strict_map_key=False, unicode_errors="surrogatepass")]

    def set(self, key: str, value: Any, ttl: float | None) -> None:
        """ttl: milliseconds."""
        try:
            packed = msgpack.packb(value, unicode_errors="surrogatepass")
        except (TypeError, ValueError) as error:
            raise StoreError(f"the cache cannot keep {key!r}: {error}", hint="keep plain data only") from None
        now = time.time() * 1000
        with self._open() as file:
            file.execute("DELETE FROM cache WHERE until <= ?", (now,))
            until = None if ttl is None else now + ttl
            file.execute("INSERT OR REPLACE INTO cache (key, value, until) VALUES (?, ?, ?)", (key, packed, until))

    def delete(self, key: str) -> bool:
        with self._open() as file:
            return file.execute("DELETE FROM cache WHERE key = ?", (key,)).rowcount > 0

    def _open(self) -> _Session:
        return _Session(self._path)


class _Session:
    """One connection for one transaction; closed at its end."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        import sqlite3  # 4 ms, for spells that use the cache

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(self._path, timeout=5)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.execute("CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, value BLOB, until REAL)")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the cache {self._path} cannot be opened: {error}") from None
        return self._file

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._file.commit()
        self._file.close()
