"""A time limit around a body, whose firing is an input of the run; the clock of such limits, which can stand still.

Knows no run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

from llmspell.errors import TimeoutError  # noqa: A004

Arm = Callable[[float, Callable[[], None]], Callable[[], None]]


class Deadline:
    """A time limit around a body, like asyncio.timeout, whose firing is an input of the run."""

    def __init__(self, arm: Arm, milliseconds: float | None, what: str) -> None:
        """arm: calls a function after some milliseconds unless what it gives is called before."""
        self._arm = arm
        self._milliseconds = milliseconds
        self._what = what
        self._fired = False
        self._disarm: Callable[[], None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0

    async def __aenter__(self) -> None:
        if self._milliseconds is None:
            return
        self._task = task = asyncio.current_task()
        assert task is not None
        self._cancelling = task.cancelling()
        self._disarm = self._arm(self._milliseconds, self._fire)

    def _fire(self) -> None:
        assert self._task is not None
        self._fired = True
        self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is None or self._disarm is None:
            return
        self._disarm()
        # A cancellation from elsewhere, come at the same time, counts for more.
        if self._fired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError(f"{self._what} took longer than {self._milliseconds:g} ms", retryable=True) from error


class Clock:
    """Time as it counts for a run: none of it passes between `stop` and `go`, whose calls nest.

    free: whether the running task's time counts all the same.
    """

    __slots__ = ("_lost", "_resting", "_since", "_stops", "free")

    def __init__(self) -> None:
        self.free: Callable[[], bool] | None = None
        self._lost = 0.0  # seconds that did not count, but for those of the present stop
        self._since = 0.0
        self._stops = 0
        self._resting: list[Callable[[], None]] = []

    def stop(self) -> None:
        self._stops += 1
        if self._stops == 1:
            self._since = asyncio.get_running_loop().time()

    def go(self) -> None:
        self._stops -= 1
        if self._stops:
            return
        loop = asyncio.get_running_loop()
        self._lost += loop.time() - self._since
        resting, self._resting = self._resting, []
        for each in resting:
            loop.call_soon(each)

    def after(self, seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        """Has the loop call `act` after so many seconds that count. Cancelling the handle is not enough once they have
        been put off: what `act` does must then be harmless."""
        loop = asyncio.get_running_loop()
        if self.free is not None and self.free():
            return loop.call_later(seconds, act)
        when = loop.time() + seconds
        return loop.call_at(when, self._due, act, when, self._lost_by_now())

    async def sleep(self, seconds: float) -> None:
        """Waits until so many seconds that count have passed."""
        loop = asyncio.get_running_loop()
        free, when, lost = self.free is not None and self.free(), loop.time() + seconds, self._lost_by_now()
        await asyncio.sleep(seconds)
        while not free and (self._stops or self._lost > lost):
            if self._stops:
                going: asyncio.Future[None] = loop.create_future()
                self._resting.append(partial(_resolve, going))
                await going
                continue
            when, lost = when + self._lost - lost, self._lost
            await asyncio.sleep(when - loop.time())

    def _lost_by_now(self) -> float:
        return self._lost + (asyncio.get_running_loop().time() - self._since) if self._stops else self._lost

    def _due(self, act: Callable[[], None], when: float, lost: float) -> None:
        """when: it was due, had no time been lost but `lost`."""
        if self._stops:
            self._resting.append(partial(self._due, act, when, lost))
        elif self._lost > lost:
            when += self._lost - lost
            asyncio.get_running_loop().call_at(when, self._due, act, when, self._lost)
        else:
            act()


def _resolve(going: asyncio.Future[None]) -> None:
    if not going.done():
        going.set_result(None)
