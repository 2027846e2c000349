"""State in a RocksDB folder (extra `rocksdb`): the quickest for many writes, for one process at a time.

RocksDB locks its folder; a second process gets an error that says so. All runs of one process share one open store.
A change is acknowledged when RocksDB has handed it to the system's log, with `fsync` when it is on the disk.

Keys in the folder: `s` + key -> [value, version, until], `c` + version -> a logged change, `u` + time + key -> "" for
what expires, `m` + name -> what the store knows of itself.
"""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgpack

from llmspell.errors import StoreError
from llmspell.state.backend import LOG_LENGTH, LOGGED_VALUE, SCHEMA, Done, Logged, Row, Write
from llmspell.state.lane import Lane
from llmspell.state.sqlite import newer

_NUMBER: Final = struct.Struct(">Q")
_SCHEMA_KEY: Final = b"mschema"
_VERSION_KEY: Final = b"mversion"
_TRIM: Final = 256


class RocksBackend:
    """`backend.Backend` over a folder, which is made at the first use."""

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self._lane = Lane(lambda: RocksFolder(path, fsync=fsync), "llmspell-state")

    async def read(self, key: bytes) -> Row | None:
        return await self._lane.do(lambda folder: folder.read(key))

    async def find(self, low: bytes, high: bytes | None) -> list[Row]:
        return await self._lane.do(lambda folder: list(folder.find(low, high)))

    async def keys(self, low: bytes, high: bytes | None) -> list[bytes]:
        return await self._lane.do(lambda folder: [row.key for row in folder.find(low, high)])

    async def commit(self, writes: Sequence[Write], by: str) -> list[Done] | None:
        return await self._lane.do(lambda folder: folder.commit(writes, by), writes=True)

    async def version(self) -> int:
        return await self._lane.do(lambda folder: folder.version)

    async def log(self, after: int, limit: int) -> list[Logged] | None:
        return await self._lane.do(lambda folder: folder.log(after, limit))

    async def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._lane.listen(wake)

    async def close(self) -> None:
        await self._lane.close()


class RocksFolder:
    """The same, blocking, for one thread. Raises StoreError."""

    def __init__(self, path: Path, *, fsync: bool) -> None:
        self._path = path
        try:
            from rocksdict import Options, Rdict, WriteBatch, WriteOptions  # 5 ms
        except ImportError:
            raise StoreError(
                "[state] backend = 'rocksdb' needs a package that is not installed",
                hint="pip install 'llmspell[rocksdb]'",
            ) from None
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_keep_log_file_num(2)
        self._batch: Callable[[], Any] = lambda: WriteBatch(raw_mode=True)
        self._how = WriteOptions()
        self._how.sync = fsync
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._folder = Rdict(str(path), options)
        except Exception as error:  # rocksdict raises plain Exceptions
            raise self._unusable(error) from None
        try:
            self.version = self._number(_VERSION_KEY)
            self._forgotten = 0  # up to which version the log is known to have been shortened
            self._next_expiry = self._earliest()  # to look for it takes 30 us, half a commit
            self._migrate()
        except BaseException:
            self._folder.close()
            raise
        self._seen = -1

    def close(self) -> None:
        self._folder.close()

    @contextmanager
    def together(self) -> Generator[None]:
        """Each commit is its own: RocksDB's log takes them without waiting."""
        yield

    def changed(self) -> bool:
        changed, self._seen = self.version != self._seen, self.version
        return changed

    def read(self, key: bytes) -> Row | None:
        found = self._row(key)
        return None if found is None or _over(found.until, _now()) else found

    def find(self, low: bytes, high: bytes | None) -> Iterator[Row]:
        now = _now()
        end = b"t" if high is None else b"s" + high
        for key, value in self._range(b"s" + low, end):
            row = Row(key[1:], *_unpacked(value))
            if not _over(row.until, now):
                yield row

    def log(self, after: int, limit: int) -> list[Logged] | None:
        found: list[Logged] = []
        for key, value in self._range(b"c" + _NUMBER.pack(after + 1), b"d"):
            (version,) = _NUMBER.unpack(key[1:])
            found.append(Logged(version, *_unpacked(value)))
            if len(found) == limit:
                break
        if found[0].version > after + 1 if found else self.version > after:
            return None
        return found

    def commit(self, writes: Sequence[Write], by: str) -> list[Done] | None:
        batch, now, version = self._batch(), _now(), self.version
        written: dict[bytes, Row | None] = {}
        if now >= self._next_expiry:
            self._expire(batch, now, written)
        done: list[Done] = []
        for write in writes:
            found = written[write.key] if write.key in written else self._row(write.key)
            if found is not None and _over(found.until, now):
                found = None
            if write.expected is not None and write.expected != (found.version if found else 0):
                return None
            if write.value is None and found is None:
                done.append(Done(0, None))
                continue
            version += 1
            written[write.key] = self._put(batch, write, version, now, found)
            kept = write.value if write.value is not None and len(write.value) <= LOGGED_VALUE else None
            logged = msgpack.packb([write.key, kept, write.value is None, by])
            batch.put(b"c" + _NUMBER.pack(version), logged)
            done.append(Done(version, found.value if found else None))
        if version != self.version:
            batch.put(_VERSION_KEY, _NUMBER.pack(version))
        if version // _TRIM != self.version // _TRIM:
            first, last = self._forgotten, max(0, version - LOG_LENGTH)
            for key, _ in self._range(b"c" + _NUMBER.pack(first), b"c" + _NUMBER.pack(last + 1)):
                batch.delete(key)
            self._forgotten = last
        try:
            self._folder.write(batch, self._how)
        except Exception as error:
            raise self._unusable(error) from None
        self.version = version
        if now >= self._next_expiry:
            self._next_expiry = self._earliest()
        return done

    # -- inside --------------------------------------------------------------------------------------------------

    def _put(self, batch: Any, write: Write, version: int, now: float, old: Row | None) -> Row | None:
        if old is not None and old.until is not None:
            batch.delete(_expiry(old.until, old.key))
        if write.value is None:
            batch.delete(b"s" + write.key)
            return None
        row = Row(write.key, write.value, version, None if write.ttl is None else now + write.ttl)
        batch.put(b"s" + row.key, msgpack.packb([row.value, row.version, row.until]))
        if row.until is not None:
            batch.put(_expiry(row.until, row.key), b"")
            self._next_expiry = min(self._next_expiry, row.until)
        return row

    def _expire(self, batch: Any, now: float, written: dict[bytes, Row | None]) -> None:
        for key, _ in list(self._range(b"u", b"u" + _NUMBER.pack(int(now)))):
            batch.delete(key)
            batch.delete(b"s" + key[1 + _NUMBER.size :])
            written[key[1 + _NUMBER.size :]] = None

    def _earliest(self) -> float:
        """When something expires next."""
        found = next(self._range(b"u", b"v"), None)
        return math.inf if found is None else float(_NUMBER.unpack(found[0][1 : 1 + _NUMBER.size])[0])

    def _row(self, key: bytes) -> Row | None:
        try:
            value: Any = self._folder.get(b"s" + key)
        except Exception as error:
            raise self._unusable(error) from None
        return None if value is None else Row(key, *_unpacked(value))

    def _range(self, low: bytes, high: bytes) -> Iterator[tuple[bytes, bytes]]:
        try:
            rows: Any = self._folder.iter()
            rows.seek(low)
            while rows.valid() and rows.key() < high:
                yield rows.key(), rows.value()
                rows.next()
        except Exception as error:
            raise self._unusable(error) from None

    def _number(self, key: bytes) -> int:
        value: Any = self._folder.get(key)
        return 0 if value is None else _NUMBER.unpack(value)[0]

    def _migrate(self) -> None:
        """Version 1 had no log of changes: there is nothing to bring over, only to note."""
        found = self._number(_SCHEMA_KEY)
        if found > SCHEMA:
            raise newer(f"the state folder {str(self._path)!r}", found)
        if found != SCHEMA:
            self._folder.put(_SCHEMA_KEY, _NUMBER.pack(SCHEMA))

    def _unusable(self, error: Exception) -> StoreError:
        if "While lock file" in str(error):
            return StoreError(
                f"the state folder {str(self._path)!r} is in use by another process",
                hint="RocksDB serves one process at a time: wait for it, or choose another [state] backend",
            )
        return StoreError(
            f"the state folder {str(self._path)!r} cannot be used: {error}",
            hint="if it is damaged, move it away: the next run makes a new one",
        )


def _unpacked(value: bytes) -> Any:
    return msgpack.unpackb(value)


def _expiry(until: float, key: bytes) -> bytes:
    return b"u" + _NUMBER.pack(max(0, int(until))) + key


def _over(until: float | None, now: float) -> bool:
    return until is not None and until <= now


def _now() -> float:
    return time.time() * 1000
