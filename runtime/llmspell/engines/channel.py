"""The host's end of a worker's socket: frames out, frames in, no task and no future for either.

Reading is one callback of the event loop, which decodes what has come and delivers it at once; sending writes to the
socket at once and keeps only what does not fit. Knows frames, not what they mean.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from llmspell.engines import protocol
from llmspell.engines.protocol import Frame

# Below the allocator's threshold for mapping memory anew, which would cost more than the read.
_CHUNK: Final = 65536

# A worker that has asked and was answered goes on at once, and its next frame is microseconds away, while to sleep and
# be woken on another processor costs 20-40 us. So the host looks again a few times, about 1 us each, before it goes
# back to the loop, if the last such worker's frame was soon there (in seconds: `_QUICK`); and it goes back after some
# rounds in any case, so that nobody else waits longer than a millisecond.
LOOKS: Final = 30 if sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1 else 0
_ROUNDS: Final = 32
_QUICK: Final = 0.0001


class Channel:
    """deliver: called with each frame, in order; gives whether the other side has what it waited for. Must not raise.
    ended: called once, with None when the other side has closed, else with what was wrong with what it sent:
    `protocol.FrameTooLong`, or any exception that decoding a malformed frame gave.
    """

    def __init__(
        self,
        connection: socket.socket,
        loop: asyncio.AbstractEventLoop,
        frame_limit: int,
        deliver: Callable[[Frame], bool],
        ended: Callable[[Exception | None], None],
        looks: int = LOOKS,
    ) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._descriptor = connection.fileno()
        self._loop = loop
        self._decoder = protocol.Decoder(frame_limit)
        self._deliver = deliver
        self._ended = ended
        self._looks = looks
        self._waiting = bytearray()  # to be sent
        self._open = True
        self._pauses = 0
        self.received = 0
        """Bytes that have come so far."""
        self._answered = 0.0  # when the other side was last given what it waited for, until its next frame
        self._quick = True
        self._drained = False
        loop.add_reader(self._descriptor, self._readable)

    @property
    def buffered(self) -> int:
        return len(self._waiting)

    @property
    def paused(self) -> bool:
        """Whether what has come is left unread."""
        return self._pauses > 0

    def send(self, frame: bytes) -> None:
        if not self._open:
            return
        if self._waiting:
            self._waiting += frame
            return
        try:
            sent = self._socket.send(frame)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:  # the other side is gone, which reading will tell
            return
        if sent < len(frame):
            self._waiting += frame[sent:]
            self._loop.add_writer(self._descriptor, self._write)

    def pause(self) -> None:
        """Reads nothing until `resume`. Calls nest."""
        self._pauses += 1
        if self._open:
            self._loop.remove_reader(self._descriptor)

    def resume(self) -> None:
        self._pauses = max(0, self._pauses - 1)
        if self._open and not self._pauses:
            self._loop.add_reader(self._descriptor, self._readable)

    def drain(self) -> None:
        """Delivers what is still in the socket: the other side has ended and will send no more."""
        while self._open and self._read():
            pass

    def close(self) -> None:
        """Delivers nothing more. `ended` is not called."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        with suppress(OSError):  # a thread at the other end may hold it: wake it
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _readable(self) -> None:
        rounds, looks = _ROUNDS, 0
        while rounds and self._open and not self._pauses:
            if self._read():
                rounds -= 1
                looks = self._looks if self._answered and self._quick else 0
                if self._drained and not looks:
                    return
            elif looks:
                looks -= 1
            else:
                return

    def _read(self) -> bool:
        """Whether there was something."""
        try:
            data = self._socket.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        if not data:
            self._end(None)
            return False
        if self._answered:
            self._quick = time.perf_counter() - self._answered < _QUICK
        self.received += len(data)
        self._drained = len(data) < _CHUNK
        try:
            for frame in self._decoder.feed(data):
                self._answered = time.perf_counter() if self._deliver(frame) else 0.0
                if not self._open:
                    return False
        except Exception as problem:  # whatever a hostile worker can make msgpack raise
            self._end(problem)
            return False
        return True

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._waiting)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            sent = len(self._waiting)
        del self._waiting[:sent]
        if not self._waiting:
            self._loop.remove_writer(self._descriptor)

    def _end(self, problem: Exception | None) -> None:
        self.close()
        self._ended(problem)
