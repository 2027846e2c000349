"""A run, folded from its events: all that screens show of it beside payloads, which stay in the store."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, assert_never

from llmspell.events.event import Event
from llmspell.traces.spans import error_text
from llmspell_tui.model.free import FreeCalls
from llmspell_tui.model.hooks import HookHistory
from llmspell_tui.model.points import PointLog
from llmspell_tui.model.spans import LARGEST, SpanTable
from llmspell_tui.model.states import StateHistory
from llmspell_tui.model.updates import (
    Batch,
    Complete,
    Counts,
    Details,
    Free,
    Page,
    Progress,
    Recovered,
    SpanRows,
    Trouble,
    Update,
)

#: Characters of an answer under way that are kept to be shown.
_STREAMED: Final = 200_000


class RunModel:
    """status: as in the run's own page. began, ended: ms since 1970; began: of its first span, as its page
    says where there is none, else 0.0.

    seq: the last event folded; events: how many have been; known: the last event known to exist.
    """

    def __init__(self, run_id: str = "", label: str = "", *, began: float = 0.0) -> None:
        self.run_id = run_id
        self.label = label
        self.status = "running"
        self.began = began
        self.ended: float | None = None
        self.error = ""
        self.spans = SpanTable()
        self.states = StateHistory()
        self.hooks = HookHistory()
        self.points = PointLog()
        self.free = FreeCalls()
        self.counts: Counter[str] = Counter()
        self.seq = 0
        self.known = 0
        self.events = 0
        self.refused = 0
        self.lost = 0
        self.newest = began
        self.page: Page | None = None
        self.trouble: Trouble | None = None
        self.progress: Progress | None = None
        self.complete = False
        self._streams: dict[int, list[str]] = {}

    @property
    def unread(self) -> bool:
        """Whether nothing is known of it yet: its file has not been read, or cannot be."""
        return self.page is None and not self.events

    @property
    def missing(self) -> int:
        """Events known to exist that were not folded."""
        return max(0, self.known - self.events)

    @property
    def calls(self) -> int:
        """Model calls begun."""
        return self.counts["llm_call_started"]

    @property
    def errors(self) -> int:
        """Spans that failed."""
        return self.spans.errors

    @property
    def tokens(self) -> int:
        """At the moment shown."""
        return self.spans.total_tokens

    @property
    def cost(self) -> float | None:
        return self.spans.total_cost

    @property
    def moment(self) -> int | None:
        """The event up to which the run is shown; None: as it is now."""
        return self.spans.moment

    @moment.setter
    def moment(self, seq: int | None) -> None:
        self.spans.moment = seq

    def take(self, update: Update) -> None:
        """What a feed brings, whatever it is."""
        match update:
            case Batch(events):
                self.add(events)
            case SpanRows():
                self.load_spans(update)
            case Details(events):
                self.add_details(events)
            case Counts(kinds, seq):
                self.counts = Counter(kinds)
                self.events = self.counts.total()
                self.seq = max(self.seq, seq)
                self.known = max(self.known, self.seq)
            case Free(calls, edited):
                for call in calls:
                    self.free.put(*call)
                self.free.edited.update(edited)
            case Page():
                self._turn(update)
            case Progress():
                self.progress = update if update.done < update.total else None
            case Trouble():
                self.trouble = update
            case Recovered():
                self.trouble = None
            case Complete():
                self.complete, self.progress = True, None
                self.spans.unended = "lost" if self.status == "lost" or self.missing else "cancelled"
                if self.page is not None and self.page.replayed and self.ended is not None:
                    self.ended = self.newest
            case _:
                assert_never(update)

    def _turn(self, page: Page) -> None:
        self.page = page
        self.run_id, self.label = page.run, page.label
        if len(self.spans) == 0:
            self.began = page.began
        self.known, self.lost = max(self.known, page.known), page.lost
        if page.replayed:  # its events have the times of the recorded ones, its page those of the day
            self.status, self.ended = page.status, None if page.ended is None else self.newest or page.began
            return
        if page.status != "running" or self.ended is None:  # an end that was told stands on the page a moment later
            self.status, self.ended = page.status, page.ended
        self.newest = max(self.newest, page.ended or 0.0)

    def close(self, status: str) -> None:
        """Who started the run says that it has ended, and how; its file may never say so, as on a full disk."""
        if self.status == "running":
            self.status, self.ended = status, self.newest

    def add(self, events: Sequence[Event]) -> None:
        """Fold events. One that has been folded is passed over; one that no run writes is counted in `refused`."""
        for event in events:
            if event.seq <= self.seq:
                continue
            if not (event.seq <= LARGEST and 0 < event.span <= LARGEST and math.isfinite(event.time)):
                self.refused += 1
                continue
            self.seq = event.seq
            self.events += 1
            self.counts[event.kind] += 1
            if event.time > self.newest:
                self.newest = event.time
            self._fold(event)
        self.known = max(self.known, self.seq)
        self.spans.settle()

    def _fold(self, event: Event) -> None:
        if event.phase == "start":
            self.spans.start(event)
            if event.span == 1:
                self.began = event.time
                self.label = self.label or event.name
        elif event.phase == "end":
            self.spans.end(event)
            self.free.add(event)
            self._streams.pop(event.span, None)
            if event.span == 1:
                self.ended = event.time
                self.error = error_text(event.data.get("error"))
                self.status = str(event.data.get("status") or ("error" if self.error else "ok"))
        elif event.kind == "llm_chunk":
            self._stream(event.span, event.data.get("text"))
        else:
            self.points.add(event)
            if event.kind == "state_changed":
                self.states.add(event)
        if event.kind in ("hook_called", "hook_completed"):
            self.hooks.add(event)

    def _stream(self, number: int, text: Any) -> None:
        if isinstance(text, str):
            self._streams.setdefault(number, []).append(text)

    def streaming(self, i: int) -> str:
        """The answer that the model call at this index has given so far; "" once it has ended."""
        return "".join(self._streams.get(self.spans.number(i), ()))[-_STREAMED:]

    def load_spans(self, rows: SpanRows) -> None:
        """Stored spans, in pieces and before any event: a first picture of a run that is not read event by event."""
        self.events += self.spans.extend(rows)
        if len(self.spans):
            self.began = self.spans.starts[0]
        self.newest = max(self.newest, self.spans.newest)
        self.spans.settle()

    def add_details(self, events: Sequence[Event]) -> None:
        """What happened inside spans that were loaded as rows. The rows stand for their own two events each."""
        for event in events:
            if event.phase == "point":
                self.events += 1
                if event.kind == "llm_chunk":
                    continue
                self.points.add(event)
                if event.kind == "state_changed":
                    self.states.add(event)
            elif event.kind in ("hook_called", "hook_completed"):
                self.hooks.add(event)

    def time_of(self, seq: int) -> float:
        """When an event happened, as far as spans and points tell: the time of the last known event up to it."""
        points = self.points.upto(seq)
        found = self.points.time(points - 1) if points else self.began
        return max(found, self.spans.time_of(seq))
