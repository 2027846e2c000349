"""Where a command that speaks with another program writes to: a pipe without waiting, anything else at once."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import Protocol


class Stream(Protocol):
    def write(self, data: bytes, /) -> object: ...

    def get_write_buffer_size(self) -> int: ...

    def close(self) -> None: ...


class _File:
    def __init__(self, out: int) -> None:
        self._out = out

    def write(self, data: bytes) -> None:
        os.write(self._out, data)

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        os.close(self._out)


async def opened(loop: asyncio.AbstractEventLoop, out: int) -> Stream:
    """The descriptor as a stream, which then owns it."""
    if stat.S_ISREG(os.fstat(out).st_mode):
        return _File(out)
    transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(out, "wb"))
    return transport


async def sent(stream: Stream) -> None:
    """Waits a moment until the last words are taken, and closes."""
    for _ in range(100):
        if not stream.get_write_buffer_size():
            break
        await asyncio.sleep(0.01)
    stream.close()
