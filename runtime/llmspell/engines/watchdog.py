"""Stops a worker that computes too long. Measures the worker's own CPU, so a busy machine harms no spell.

It looks only while the worker may be computing: every frame in or out wakes it, and when the worker has used no CPU
since the last look and sleeps, it stops looking. A look costs about a microsecond.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final, Literal

from llmspell.engines.transport import Limits

Expired = Literal["stall", "cpu", "wall"]

#: Seconds between looks; so much later than its limit a worker may be stopped.
_INTERVAL: Final = 0.1
_SHORTEST: Final = 0.005


def process_clock(pid: int) -> int:
    """The kernel's number for "CPU time of process pid", as clock_getcpuclockid(3) makes it."""
    return (~pid << 3) | 2


class Watchdog:
    """clock: the CPU clock of the worker; None where there is none, which leaves the wall limit.
    status_file: the worker's `stat` in /proc.
    expired: called once, with the limit that was reached.
    """

    def __init__(
        self,
        clock: int | None,
        status_file: str,
        limits: Limits,
        loop: asyncio.AbstractEventLoop,
        expired: Callable[[Expired], None],
    ) -> None:
        self._clock = clock
        self._status_file = status_file
        self._limits = limits
        self._loop = loop
        self._expired = expired
        self._frames = 0  # that the worker has sent
        self._frames_seen = 0  # of them, at the last look
        self._base = 0.0  # CPU at the first look after its latest frame
        self._last = -1.0  # CPU at the last look
        self._asked = -1.0  # CPU when last asked whether it is idle
        self._forgiven = 0.0  # CPU used while paused
        self._look_timer: asyncio.TimerHandle | None = None
        self._wall_timer: asyncio.TimerHandle | None = None
        self._wall_left = limits.wall
        self._wall_since = 0.0
        self._pauses = 0
        self._stopped = False
        self._start_wall()
        self.wake()

    def progress(self) -> None:
        """The worker has sent a frame."""
        self._frames += 1
        if self._look_timer is None:
            self.wake()

    def wake(self) -> None:
        """The worker was sent something: it may compute now."""
        if self._look_timer is None and self._clock is not None and not self._pauses and not self._stopped:
            self._look_timer = self._loop.call_later(_INTERVAL, self._look)

    def pause(self) -> None:
        self._pauses += 1
        if self._pauses > 1 or self._stopped:
            return
        self._forgiven -= self.cpu()
        self._cancel_timers()
        if self._wall_left is not None:
            self._wall_left -= self._loop.time() - self._wall_since

    def resume(self) -> None:
        if self._pauses == 0:
            return
        self._pauses -= 1
        if self._pauses or self._stopped:
            return
        cpu = self.cpu()
        self._forgiven += cpu
        self._base = cpu
        self._start_wall()
        self.wake()

    def stop(self) -> None:
        self._stopped = True
        self._cancel_timers()

    def _start_wall(self) -> None:
        if self._wall_left is not None:
            self._wall_since = self._loop.time()
            self._wall_timer = self._loop.call_later(max(0.0, self._wall_left), self._expire, "wall")

    def _cancel_timers(self) -> None:
        for timer in (self._look_timer, self._wall_timer):
            if timer is not None:
                timer.cancel()
        self._look_timer = self._wall_timer = None

    def _expire(self, which: Expired) -> None:
        self.stop()
        self._expired(which)

    def _look(self) -> None:
        self._look_timer = None
        cpu = self.cpu()
        if self._frames != self._frames_seen:
            self._frames_seen = self._frames
            self._base = cpu
        left = _INTERVAL
        if self._limits.cpu is not None:
            left = min(left, self._limits.cpu - (cpu - self._forgiven))
            if left <= 0:
                self._expire("cpu")
                return
        if self._limits.stall is not None:
            left = min(left, self._limits.stall - (cpu - self._base))
            if left <= 0:
                self._expire("stall")
                return
        if cpu == self._last and self.asleep():
            return  # until `wake`
        self._last = cpu
        self._look_timer = self._loop.call_later(max(left, _SHORTEST), self._look)

    def idle(self) -> bool:
        """Whether the worker sleeps and has used no CPU since this was last asked."""
        before, self._asked = self._asked, self.cpu()
        return before == self._asked and self.asleep()

    def cpu(self) -> float:
        """Seconds that the worker has computed so far."""
        try:
            return 0.0 if self._clock is None else time.clock_gettime(self._clock)
        except OSError:  # it has ended
            return max(self._last, 0.0)

    def asleep(self) -> bool:
        """Whether the worker waits. Unused CPU alone could mean that the machine is too busy to let it run."""
        try:
            descriptor = os.open(self._status_file, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return True
        try:
            return os.read(descriptor, 512).rpartition(b") ")[2][:1] in b"SZX"
        except ProcessLookupError:
            return True
        finally:
            os.close(descriptor)
