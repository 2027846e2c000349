"""Time travel: the whole window as of one event of the run, by keys, by the row under the cursor, by the scrubber."""

from __future__ import annotations

from llmspell_tui.app.working import Working
from llmspell_tui.messages import Travelled
from llmspell_tui.model.timeline import By, Timeline
from llmspell_tui.screens.trace import TraceView
from llmspell_tui.widgets.log import LogStrip
from llmspell_tui.widgets.scrubber import Scrubber

#: Screens that show one run, and so have a moment.
_OF_ONE_RUN = ("trace", "state", "hooks", "events", "metrics", "source")
#: Rows from which there is a line for it while the run is shown as it is now.
_TALL = 16
#: What a step in time is, beside a single event.
_STEPS: tuple[By, ...] = ("span", "state")


class Travelling(Working):
    def travel(self, moment: int | None) -> None:
        """Show everything as of an event of the run; None: as it is now."""
        model = self.desk.model
        if model is None:
            self.notice("there is no run to travel in")
            return
        last = Timeline(model).last
        model.moment = None if moment is None else min(max(moment, 1), max(last, 1))
        view = self.view
        if view is not None:
            with self.batch_update():
                view.advance()
                self._bars()
        self._keep_time()

    def on_travelled(self, event: Travelled) -> None:
        event.stop()
        self.travel(event.moment)

    def action_moment_back(self) -> None:
        if (line := self._line()) is not None:
            self.travel(line.earlier(self._moment()))

    def action_moment_forward(self) -> None:
        if (line := self._line()) is not None:
            self.travel(line.later(self._moment()))

    def action_moment_back_far(self) -> None:
        if (line := self._line()) is not None:
            self.travel(max(line.earlier(self._moment(), by) for by in _STEPS))

    def action_moment_forward_far(self) -> None:
        if (line := self._line()) is not None:
            found = [moment for by in _STEPS if (moment := line.later(self._moment(), by)) is not None]
            self.travel(min(found, default=None))

    def action_moment_here(self) -> None:
        """The row's first event; once more: its last."""
        model, view = self.desk.model, self.view
        moment = view.moment() if view is not None else None
        if model is None or moment is None:
            self.notice("this row stands for no event of the run")
            return
        if model.moment == moment and isinstance(view, TraceView) and not isinstance(self.focused, LogStrip):
            moment = model.spans.lasts[self.desk.chosen] or None
        self.travel(moment)

    def action_moment_now(self) -> None:
        self.travel(None)

    def action_clear(self) -> None:
        before = self._moment()
        super().action_clear()
        if before is not None and self._moment() is None:
            self.travel(None)

    def _line(self) -> Timeline | None:
        model = self.desk.model
        if model is None:
            self.notice("there is no run to travel in")
        return Timeline(model) if model is not None else None

    def _moment(self) -> int | None:
        return self.desk.model.moment if self.desk.model is not None else None

    def _bars(self) -> None:
        super()._bars()
        if not self.is_running:
            return
        scrubber = self.query_one(Scrubber)
        wanted = self.desk.model is not None and self.shown in _OF_ONE_RUN
        room = self.size.height >= _TALL or (self._moment() is not None and self.size.height > 5)
        if scrubber.display != (wanted and room):
            scrubber.display = wanted and room
        scrubber.refresh()
