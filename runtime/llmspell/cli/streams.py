"""A command that speaks with another program on its standard streams: what runs it, what it hears and writes to.

It writes to a pipe without waiting, to anything else at once. Knows no protocol.
"""

from __future__ import annotations

import asyncio
import gc
import os
import stat
from collections.abc import Callable, Coroutine
from typing import Protocol

from llmspell.cli.rounds import new_loop


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


def speak(serve: Callable[[int], Coroutine[None, None, None]]) -> None:
    """Runs `serve` to its end, with the descriptor of what was stdout, which is the protocol's: what any library prints
    goes to stderr."""
    out = os.dup(1)
    os.dup2(2, 1)
    gc.set_threshold(20_000, 20, 20)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve(out))


async def heard(loop: asyncio.AbstractEventLoop, limit: int) -> asyncio.StreamReader:
    """Standard input. limit: bytes of a line, or of what is read at once."""
    reader = asyncio.StreamReader(limit=limit)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb", closefd=False))
    return reader


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
