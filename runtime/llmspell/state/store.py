"""StateStore: keys and values that outlast a run, over any backend. What it promises stands in the package's docstring.

Keys are texts, values plain data (`plain`). Knows no scope, no access and no run: who may do what is decided above.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Final

import msgpack

from llmspell.errors import ArgumentError, StoreError
from llmspell.frozen import frozen
from llmspell.state import backend
from llmspell.state.backend import Backend, Logged, past
from llmspell.state.plain import plain, same

#: Bytes of a key and of a packed value: a value that a spell hands to its host is at most 4 MB.
KEY_LENGTH: Final = 1024
VALUE_LENGTH: Final = 8 * 1024 * 1024
#: Changes that a watcher reads at once.
_AT_ONCE: Final = 256
#: How often `update` tries again. Each try that fails means that another's has succeeded.
_TRIES: Final = 1000


class Gone:
    """The value of a key that is not there."""

    def __repr__(self) -> str:
        return "GONE"


GONE: Final = Gone()


@frozen
class Entry:
    """A key's value. version: that of its last change. until: milliseconds since 1970 when it is gone."""

    key: str
    value: Any
    version: int
    until: float | None = None


@frozen
class Write:
    """value: GONE deletes. ttl: milliseconds. expected: the version the key must have; 0: must not be there."""

    key: str
    value: Any = GONE
    ttl: float | None = None
    expected: int | None = None


@frozen
class Change:
    """One write that happened. value, old: GONE where there was none; `old` is known to who made the change only."""

    version: int
    key: str
    value: Any
    old: Any = GONE
    by: str = ""


class StateStore:
    """One store, shared by all runs of a process that name it. Safe for use by several event loops where its backend
    is."""

    def __init__(self, kept: Backend, name: str) -> None:
        """name: what messages call it; never with a password in it."""
        self._backend = kept
        self.name = name

    async def get(self, key: str) -> Entry | None:
        row = await self._backend.read(_key(key))
        return None if row is None else Entry(key, self._unpacked(row.value), row.version, row.until)

    async def set(self, key: str, value: Any, *, ttl: float | None = None, by: str = "") -> Change:
        changes = await self.commit([Write(key, value, ttl)], by=by)
        assert changes is not None
        return changes[0]

    async def delete(self, key: str, *, by: str = "") -> Change | None:
        """None where there was nothing to delete."""
        changes = await self.commit([Write(key)], by=by)
        return changes[0] if changes else None

    async def compare_and_set(
        self, key: str, expected: Any, value: Any, *, ttl: float | None = None, by: str = ""
    ) -> Change | None:
        """Sets the value if the present one equals `expected` (GONE: if there is none); None if it does not."""
        for attempt in range(_TRIES):
            found = await self.get(key)
            if not _equal(GONE if found is None else found.value, expected):
                return None
            changes = await self.commit([Write(key, value, ttl, found.version if found else 0)], by=by)
            if changes is not None:
                return changes[0] if changes else Change(0, key, GONE)
            await pause(attempt)
        raise crowded(key)

    async def update(
        self, key: str, change: Callable[[Any], Awaitable[Any]], *, ttl: float | None = None, by: str = ""
    ) -> Change | None:
        """Sets what `change` makes of the present value (GONE where there is none). It is called again when somebody
        else was quicker, so that nothing is lost. None where there was nothing and nothing came of it."""
        for attempt in range(_TRIES):
            found = await self.get(key)
            value = await change(GONE if found is None else found.value)
            changes = await self.commit([Write(key, value, ttl, found.version if found else 0)], by=by)
            if changes is not None:
                return changes[0] if changes else None
            await pause(attempt)
        raise crowded(key)

    async def commit(self, writes: Sequence[Write], *, by: str = "") -> list[Change] | None:
        """All of the writes in one step, or none of them and None where an expected version does not fit.

        Gives the changes there were: to delete what is not there is none. Raises StoreError.
        """
        packed = [backend.Write(_key(each.key), self._packed(each), each.ttl, each.expected) for each in writes]
        done = await self._backend.commit(packed, by)
        if done is None:
            return None
        return [
            Change(each.version, write.key, write.value, GONE if each.old is None else self._unpacked(each.old), by)
            for write, each in zip(writes, done, strict=True)
            if each.version
        ]

    async def list(self, prefix: str = "") -> list[str]:
        """The keys that begin so, in order."""
        low = _key(prefix)
        return [_text(key) for key in await self._backend.keys(low, past(low))]

    async def entries(self, prefix: str = "") -> list[Entry]:
        """What is there at one moment, in the order of the keys."""
        low = _key(prefix)
        rows = await self._backend.find(low, past(low))
        return [Entry(_text(row.key), self._unpacked(row.value), row.version, row.until) for row in rows]

    async def version(self) -> int:
        return await self._backend.version()

    async def watch(self, prefix: str = "") -> AsyncGenerator[Change | None, None]:
        """Each change of keys that begin so, in order, from now on; first a None, once it watches."""
        news = asyncio.Event()
        stop = await self._backend.listen(news.set)
        try:
            seen, start = await self._backend.version(), _key(prefix)
            yield None
            while True:
                news.clear()
                changes = await self._backend.log(seen, _AT_ONCE)
                if changes is None:
                    newest = await self._backend.version()
                    for entry in sorted(await self.entries(prefix), key=lambda entry: entry.version):
                        if seen < entry.version <= newest:
                            yield Change(entry.version, entry.key, entry.value)
                    seen = newest
                    continue
                for each in changes:
                    seen = each.version
                    if each.key.startswith(start):
                        yield await self._told(each)
                if len(changes) < _AT_ONCE:
                    await news.wait()
        finally:
            stop()

    async def close(self) -> None:
        await self._backend.close()

    # -- inside --------------------------------------------------------------------------------------------------

    async def _told(self, logged: Logged) -> Change:
        key, value = _text(logged.key), logged.value
        if value is None and not logged.gone:
            row = await self._backend.read(logged.key)
            value = None if row is None else row.value
        return Change(logged.version, key, GONE if value is None else self._unpacked(value), by=logged.by)

    def _packed(self, write: Write) -> bytes | None:
        if isinstance(write.value, Gone):
            return None
        try:
            packed = msgpack.packb(plain(write.value, repr(write.key)), unicode_errors="surrogatepass")
            assert packed is not None
        except (TypeError, ValueError, OverflowError) as error:
            raise ArgumentError(f"{write.key!r} cannot keep this value: {error}", hint="keep plain data") from None
        if len(packed) > VALUE_LENGTH:
            raise ArgumentError(
                f"the value of {write.key!r} is {len(packed) / 1048576:.1f} MB, more than {VALUE_LENGTH // 1048576} MB",
                hint="keep large things in files, and their paths here",
            )
        return packed

    def _unpacked(self, value: bytes) -> Any:
        try:
            return msgpack.unpackb(value, strict_map_key=False, unicode_errors="surrogatepass")
        except (TypeError, ValueError) as error:
            raise StoreError(
                f"a value of {self.name} cannot be read: {error}", hint="something else than llmspell has written it"
            ) from None


def crowded(key: str) -> StoreError:
    """Where a change comes too late again and again."""
    return StoreError(
        f"the state {key!r} is changed by others all the time: {_TRIES} tries to update it failed",
        hint="spread what is counted over several keys, or update it less often",
    )


async def pause(attempt: int) -> None:
    """Between two tries: at random, so that those who compete part."""
    await asyncio.sleep(random.random() * min(0.02, 0.0005 * 2 ** min(attempt, 6)))


def _equal(found: Any, expected: Any) -> bool:
    if isinstance(found, Gone) or isinstance(expected, Gone):
        return isinstance(found, Gone) and isinstance(expected, Gone)
    return same(found, expected)


def _key(key: str) -> bytes:
    """Any text of a script, lone surrogates too."""
    encoded = key.encode("utf-8", "surrogatepass")
    if len(encoded) > KEY_LENGTH:
        raise ArgumentError(
            f"a key of {len(encoded)} bytes is too long: {key[:40]!r}…", hint=f"the most is {KEY_LENGTH} bytes"
        )
    return encoded


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")
