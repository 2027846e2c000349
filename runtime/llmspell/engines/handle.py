"""What the host holds of a worker, be it a process or a thread: its channel, its watchdog, its site and its verdict.

Whatever ends a worker (its own last frame, a limit, a crash, a kill) becomes one `Exit`. Knows frames only as far as
their site, and nothing of how a worker is made or stopped: that is `process` and `inprocess`.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from llmspell.engines import endings
from llmspell.engines.channel import LOOKS, Channel
from llmspell.engines.protocol import Frame
from llmspell.engines.transport import Exit, Limits, OnFrame
from llmspell.engines.watchdog import Expired, Watchdog
from llmspell.errors import LlmspellError

#: Seconds from asking for a worker to its first frame, before its start counts as failed.
_START_LIMIT: Final = 30.0

#: Seconds between looking whether a worker that is over its limit has told where it is. Once it has computed for
#: `_ASK_AGAIN` it is asked again, which in a thread goes one coroutine deeper each time.
_ASK_EVERY: Final = 0.02
_ASK_AGAIN: Final = 0.01
#: It is killed unheard when it has computed so long without an answer, or on a busy machine when so much time is over.
_ASK_CPU: Final = 0.25
_ASK_WALL: Final = 3.0

_WITH_SITE: Final = frozenset({"call", "ask", "tell"})
_LAST: Final = frozenset({"done", "fail"})


class WorkerHandle:
    """The common part of every `transport.Transport`. A subclass says how to stop its worker and what it was."""

    #: Seconds a killed worker has to be gone before it counts as gone.
    kill_grace = 5.0
    #: How often to look for the next frame of a worker that was just answered, see `channel`.
    looks = LOOKS

    def __init__(self, connection: socket.socket, limits: Limits, on_frame: OnFrame) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._on_frame = on_frame
        self._channel = Channel(
            connection, self._loop, limits.frame_bytes, self._deliver, self._channel_ended, self.looks
        )
        self._watchdog: Watchdog | None = None
        self._pauses = 0
        self._site = ""
        self._finished = False  # it has said `done` or `fail`
        self._verdict: LlmspellError | None = None
        self._late: Expired | None = None  # it is over this limit, and being asked where
        self._exit: asyncio.Future[Exit] = self._loop.create_future()
        self._grace = self._loop.call_later(_START_LIMIT, self._not_started)

    @property
    def exit(self) -> asyncio.Future[Exit]:
        return self._exit

    @property
    def pid(self) -> int | None:
        return None

    @property
    def last_site(self) -> str:
        return self._site

    @property
    def buffered(self) -> int:
        return self._channel.buffered

    @property
    def received(self) -> int:
        return self._channel.received

    def send(self, frame: bytes) -> None:
        self._channel.send(frame)
        if self._watchdog is not None:
            self._watchdog.wake()

    def idle(self) -> bool:
        channel, watchdog = self._channel, self._watchdog
        still = not (channel.buffered or channel.paused)
        return self._exit.done() or (still and watchdog is not None and watchdog.idle())

    def kill(self, error: LlmspellError | None = None) -> None:
        if self._exit.done() or self._verdict is not None:
            return
        self._verdict = error or endings.cancelled(self._site)
        self._grace.cancel()
        self._grace = self._loop.call_later(self.kill_grace, self._end, None)
        self._channel.close()
        self._stop()

    def pause_reading(self) -> None:
        self._channel.pause()

    def resume_reading(self) -> None:
        self._channel.resume()

    def pause_watchdog(self) -> None:
        self._pauses += 1
        if self._watchdog is not None:
            self._watchdog.pause()

    def resume_watchdog(self) -> None:
        self._pauses = max(0, self._pauses - 1)
        if self._watchdog is not None:
            self._watchdog.resume()

    # -- for the subclass ----------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Stops the worker, whose channel is closed, if it can be stopped; may be called more than once."""

    def _interrupt(self, *, forced: bool) -> None:
        """Has the worker say where it is and stop (`Engine.interrupt`), if it can; may be called more than once."""

    def _watch(self, clock: int | None, status_file: str) -> None:
        """The worker runs: its limits begin."""
        self._watchdog = Watchdog(clock, status_file, self._limits, self._loop, self._expired)
        for _ in range(self._pauses):
            self._watchdog.pause()

    def _end(self, error: LlmspellError | None, cpu: float = 0.0, peak_mb: float = 0.0) -> None:
        """The worker is gone. `error` counts if the host had no verdict and the spell had not finished."""
        self._grace.cancel()
        if self._watchdog is not None:
            self._watchdog.stop()
        self._channel.close()
        if not self._exit.done() and not self._loop.is_closed():
            late = endings.expired(self._late, self._limits, self._site) if self._late is not None else None
            verdict = self._verdict or late or (None if self._finished else error)
            self._exit.set_result(Exit(verdict, cpu, peak_mb))

    # -- what the worker does ------------------------------------------------------------------------------------

    def _deliver(self, frame: Frame) -> bool:
        if self._late is not None:
            self._heed(self._late, frame)
            return False
        try:  # a worker that was broken into can send any value
            op = frame[0]
            if op in _WITH_SITE:
                if site := frame[-1]:
                    self._site = str(site)
            elif op in _LAST:
                self._finished = True
            elif op == "ready":
                self._grace.cancel()
        except (TypeError, LookupError) as problem:
            self._channel.close()
            self._channel_ended(problem)
            return False
        if self._watchdog is not None and op != "clock":  # to read the clock in a loop is to compute
            self._watchdog.progress()
        try:
            self._on_frame(frame)
        except Exception as error:  # a fault of ours; the spell must not go on as if it had been heard
            fault = LlmspellError(f"internal error: {type(error).__name__}: {error}", source=self._site)
            fault.__cause__ = error
            self.kill(fault)
        return op == "ask"

    def _channel_ended(self, problem: Exception | None) -> None:
        if problem is not None and self._verdict is None and self._late is None:
            self._verdict = endings.malformed(problem, self._limits, self._site)
        self._stop()  # an orderly worker is past its exit by now; any other would be out of reach

    def _expired(self, which: Expired) -> None:
        if self._verdict is None and not self._exit.done():
            self._late = which
            self._interrupt(forced=False)
            cpu = self._cpu()
            self._ask_where(which, cpu + _ASK_CPU, self._loop.time() + _ASK_WALL, cpu, -1.0)

    def _ask_where(self, late: Expired, last_cpu: float, last_time: float, asked: float, seen: float) -> None:
        """last_cpu, last_time: when to give up. asked, seen: what it had computed when it was last asked, and looked
        at."""
        cpu = self._cpu()
        asleep = cpu == seen and self._watchdog is not None and self._watchdog.asleep()
        if asleep or cpu > last_cpu or self._loop.time() > last_time:
            self.kill(endings.expired(late, self._limits, self._site))
            return
        self._grace.cancel()
        if cpu - asked > _ASK_AGAIN:
            asked = cpu
            self._interrupt(forced=True)
        self._grace = self._loop.call_later(_ASK_EVERY, self._ask_where, late, last_cpu, last_time, asked, cpu)

    def _cpu(self) -> float:
        return self._watchdog.cpu() if self._watchdog is not None else 0.0

    def _heed(self, late: Expired, frame: Frame) -> None:
        """A frame of a worker over its limit: nothing is done for it any more, but it may tell where it is."""
        match frame:
            case ["at", str(site), list(stack)] if site:
                lines = tuple(str(line) for line in stack)
                self.kill(endings.expired(late, self._limits, site, stack=lines, known=True))
            case ["at", *_]:
                self.kill(endings.expired(late, self._limits, self._site))
            case [op, *_, str(site)] if site and op in ("call", "ask", "tell"):
                self.kill(endings.expired(late, self._limits, site, known=True))
            case _:
                pass

    def _not_started(self) -> None:
        self.kill(endings.refused(f"its engine was not ready within {_START_LIMIT:g} s"))
