"""Pausing: whether a workflow's steps may begin, and how much of it is under way.

Work is counted where it is done: a step, a function that is called. A step that holds others is not under way while
those inside it are: it hands on to them. Who pauses from inside a step does not wait for that step. Knows no workflow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import TracebackType

#: What the running task is inside of, as often as it is.
_holding: ContextVar[tuple[Pace, ...]] = ContextVar("llmspell_workflow_paces", default=())


class Pace:
    """Of one run of a workflow. around: of those that it is part of, outermost first."""

    def __init__(self, around: tuple[Pace, ...] = ()) -> None:
        self.all = (*around, self)
        self._open = asyncio.Event()
        self._open.set()
        self._busy = 0
        self._waiting = 0
        self._changed: asyncio.Future[None] | None = None

    @property
    def paused(self) -> bool:
        return not self._open.is_set()

    def stop(self) -> None:
        """Nothing more begins."""
        self._open.clear()

    def go(self) -> None:
        self._open.set()

    async def turn(self) -> None:
        """Waits while it is paused, or one that it is part of.

        A function that is a step may run a workflow of its own: while that waits here, so does the step.
        """
        while (closed := next((each for each in self.all if each.paused), None)) is not None:
            held = _holding.get()
            for pace in held:
                pace.count(-1)
            try:
                await closed._open.wait()
            finally:
                for pace in held:
                    pace.count(1)

    @property
    def at_work(self) -> Work:
        """Inside, something of it is under way."""
        return Work(self.all, 1)

    @property
    def handed_on(self) -> Work:
        """Inside `at_work`, where others do the work and count for themselves."""
        return Work(self.all, -1)

    @property
    def still(self) -> bool:
        """Whether nothing is under way but steps that themselves wait for that."""
        return self._busy <= self._waiting

    async def stilled(self, rest: Callable[[], Awaitable[None]]) -> None:
        """Waits until it is `still`, as far as the running task has not to do with it itself. rest: waits until all
        that the last step set going has come to rest, for it may begin more."""
        own = sum(each is self for each in _holding.get())
        self._waiting += own
        self._tell()
        try:
            while True:
                while not self.still:
                    self._changed = self._changed or asyncio.get_running_loop().create_future()
                    await asyncio.shield(self._changed)
                await rest()
                if self.still:
                    return
        finally:
            self._waiting -= own

    def count(self, by: int) -> None:
        self._busy += by
        if by < 0:
            self._tell()

    def _tell(self) -> None:
        if self._changed is not None and self.still:
            self._changed.set_result(None)
            self._changed = None


class Work:
    """Counts for its paces inside. by: 1, or -1 to hand on."""

    __slots__ = ("_before", "_by", "_paces")

    def __init__(self, paces: tuple[Pace, ...], by: int) -> None:
        self._paces = paces
        self._by = by

    def __enter__(self) -> None:
        self._before = before = _holding.get()
        if self._by > 0:
            _holding.set((*before, *self._paces))
        else:
            rest = list(before)
            for pace in self._paces:
                if pace in rest:
                    rest.remove(pace)
            _holding.set(tuple(rest))
        for pace in self._paces:
            pace.count(self._by)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _holding.set(self._before)
        for pace in self._paces:
            pace.count(-self._by)
