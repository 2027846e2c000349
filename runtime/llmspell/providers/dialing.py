"""A TCP connection to a host: its addresses looked up once in a while, and tried until one takes it.

Addresses are tried as RFC 8305 ("Happy Eyeballs") says: the next one a quarter of a second after the last, or when
that has failed, for an address that leads nowhere says nothing for minutes. Knows no protocol.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Final

#: Seconds that a look-up is good for: many connections made at once share one.
_KNOWN: Final = 10.0
#: Seconds before the next address is tried.
_HEAD_START: Final = 0.25

Address = tuple[int, Any]
"""An address family, and what `connect` takes."""


class Dialer:
    """Makes connections to one port of one host, on one event loop."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._addresses: list[Address] = []
        self._until = 0.0
        self._looking: asyncio.Task[list[Address]] | None = None

    async def dial(self) -> socket.socket:
        """A connected socket. Raises OSError: of the look-up, or of the first address."""
        addresses = await self._known()
        if len(addresses) == 1:
            return await _connected(addresses[0])
        return await _first(addresses)

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait((self._looking,))

    async def _known(self) -> list[Address]:
        loop = asyncio.get_running_loop()
        if self._until < loop.time():
            if self._looking is None:
                self._looking = loop.create_task(self._look_up())
                self._looking.add_done_callback(_seen)
            self._addresses = await asyncio.shield(self._looking)
        return self._addresses

    async def _look_up(self) -> list[Address]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            self._until = loop.time() + _KNOWN
            return _mixed([(family, address) for family, _, _, _, address in found])
        finally:
            self._looking = None


def _seen(task: asyncio.Task[list[Address]]) -> None:
    """Whoever wanted the addresses may have gone: then nobody needs to hear that there are none."""
    if not task.cancelled():
        task.exception()


def _mixed(addresses: list[Address]) -> list[Address]:
    """The families in turn: where one does not work, the other is not far behind."""
    first = [each for each in addresses if each[0] == addresses[0][0]]
    other = [each for each in addresses if each[0] != addresses[0][0]]
    longest = max(len(first), len(other))
    return [each for place in range(longest) for each in (*first[place : place + 1], *other[place : place + 1])]


async def _connected(address: Address) -> socket.socket:
    family, target = address
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, target)
    except BaseException:
        made.close()
        raise
    return made


async def _first(addresses: Sequence[Address]) -> socket.socket:
    """The first of several that takes the connection; the others are left."""
    loop = asyncio.get_running_loop()
    trying: set[asyncio.Task[socket.socket]] = set()
    failure: OSError | None = None
    left = list(addresses)
    try:
        while left or trying:
            if left:
                trying.add(loop.create_task(_connected(left.pop(0))))
            patience = _HEAD_START if left else None
            done, trying = await asyncio.wait(trying, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            connected = [task for task in done if task.exception() is None]
            for spare in connected[1:]:
                spare.result().close()
            if connected:
                return connected[0].result()
            for task in done:
                error = task.exception()
                failure = failure or (error if isinstance(error, OSError) else None)
    finally:
        for task in trying:
            task.cancel()
        for task in trying and (await asyncio.wait(trying))[0]:
            if not task.cancelled() and task.exception() is None:
                task.result().close()
    raise failure or OSError(f"no address of {addresses!r} took the connection")
