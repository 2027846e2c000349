"""What a backend has to do: keys and values are bytes here, every change has a number, and there is a log of changes.

Everything that is not storing lies above (`store`). Implementations: `sqlite`, `rocks`, `postgres`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from llmspell.frozen import frozen

#: Changes that the log keeps; a watcher that falls further behind is told the newest values instead.
LOG_LENGTH: Final = 10_000
#: A longer value is not kept in the log: a watcher is told the key's value of the moment it looks.
LOGGED_VALUE: Final = 4096
#: The version of the tables that this llmspell writes.
SCHEMA: Final = 2


@frozen
class Row:
    """A key's value. until: milliseconds since 1970 when it is gone, None for never."""

    key: bytes
    value: bytes
    version: int
    until: float | None


@frozen
class Write:
    """A value to be set, None to delete the key. ttl: milliseconds. expected: the version that the key must have, 0 for
    a key that is not there, None for whatever it has."""

    key: bytes
    value: bytes | None
    ttl: float | None = None
    expected: int | None = None


@frozen
class Done:
    """A write that happened. version: 0 where nothing was changed, because there was nothing to delete."""

    version: int
    old: bytes | None


@frozen
class Logged:
    """A change in the log. value: None where it was deleted, or (not `gone`) too long for the log."""

    version: int
    key: bytes
    value: bytes | None
    gone: bool
    by: str


class Backend(Protocol):
    """Expired rows are never given; `high` is the first key past a range, None for no end. Each method raises
    StoreError where the file or server cannot be used."""

    async def read(self, key: bytes) -> Row | None: ...

    async def find(self, low: bytes, high: bytes | None) -> list[Row]:
        """The rows of a range in the order of their keys, as they are at one moment."""
        ...

    async def keys(self, low: bytes, high: bytes | None) -> list[bytes]: ...

    async def commit(self, writes: Sequence[Write], by: str) -> list[Done] | None:
        """All of the writes or, where an expected version does not fit, none of them and None. Returns once they are
        durable."""
        ...

    async def version(self) -> int:
        """The version of the newest change."""
        ...

    async def log(self, after: int, limit: int) -> list[Logged] | None:
        """Changes later than `after`, oldest first; None where the log does not reach back so far."""
        ...

    async def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Calls `wake` in the caller's event loop soon after each change, whoever made it; the result ends that."""
        ...

    async def close(self) -> None: ...


def past(prefix: bytes) -> bytes | None:
    """The first key that is past all keys with this prefix."""
    short = prefix.rstrip(b"\xff")
    return short[:-1] + bytes([short[-1] + 1]) if short else None
