"""`Adding`: a list of figures added up from all spans of a run: at once for a short run, in a thread for a long one.

While a long run goes on its figures are made anew as often as takes a tenth of the time. Nothing here ticks otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, Final

from textual.timer import Timer

from llmspell_tui.widgets.rows import Rows

#: Of the time, at most, that goes into figures of a long run that goes on.
_SHARE: Final = 0.1


class Adding(Rows):
    """A subclass says what its figures depend on (`wanted`), how they are made (`work`), and takes them (`added`)."""

    #: Spans up to which they are made with each picture: 10,000 take 30 ms.
    LIVELY: ClassVar[int] = 10_000

    _wanted: tuple[object, ...] | None = None  # what is shown
    _stage: object = None  # and as of when
    _busy = False
    _next = 0.0
    _later: Timer | None = None

    def wanted(self) -> tuple[object, ...] | None:
        """What the figures depend on beside the run's progress; None where there is nothing to add up."""
        return None

    def work(self) -> Callable[[], Any]:
        """Adds up, reading the model alone: it may run in a thread."""
        return lambda: None

    def added(self, figures: Any) -> None:
        """figures: what `work` gave, None for none."""

    @property
    def adding(self) -> bool:
        """Whether what is shown is not yet what is wanted."""
        return self._busy and self._wanted != self.wanted()

    def sync(self) -> None:
        model, wanted = self.desk.model, self.wanted()
        if model is None or wanted is None:
            if self._wanted is not None:
                self._wanted = self._stage = None
                self.added(None)
        elif (stage := (model.seq, model.status, model.complete)) != self._stage or wanted != self._wanted:
            if len(model.spans) <= self.LIVELY:
                self._wanted, self._stage = wanted, stage
                self.added(self.work()())
            elif not self._busy:
                self._soon(wanted, stage)
        super().sync()

    def _soon(self, wanted: tuple[object, ...], stage: object) -> None:
        wait = self._next - asyncio.get_running_loop().time()
        if wanted != self._wanted or wait <= 0:
            self._busy = True
            self.run_worker(self._add(self.work(), wanted, stage), group="figures")
        elif self._later is None:
            self._later = self.set_timer(wait, self._overdue)

    def _overdue(self) -> None:
        self._later = None
        self.sync()

    async def _add(self, work: Callable[[], Any], wanted: tuple[object, ...], stage: object) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        figures = await asyncio.to_thread(work)
        self._busy = False
        self._next = clock() + (clock() - began) / _SHARE
        if wanted == self.wanted():
            self._wanted, self._stage = wanted, stage
            self.added(figures)
        self.sync()
