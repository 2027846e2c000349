"""A time limit around a body, whose firing is an input of the run. Knows nothing but the clock that it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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
