"""The screen Events: every event of the run in order, read a page at a time; with a filter, those that pass it."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, cast

from textual.timer import Timer

from llmspell.errors import StoreError
from llmspell.events.event import Event
from llmspell.traces.summary import brief, gave, given, plain
from llmspell_tui.actions import bindings
from llmspell_tui.feed.eventfilter import EventFilter, wrong
from llmspell_tui.feed.pages import PAGE, EventPages
from llmspell_tui.feed.trouble import trouble_of
from llmspell_tui.messages import NotFound
from llmspell_tui.model.points import line
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.split import SplitView
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.figures import clock_text, plural
from llmspell_tui.widgets.lines import Line, clean, fitted, spread, width_of
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.rows import Rows

#: Pages kept: 4,000 events.
_KEPT: Final = 20
#: Cells of the columns of numbers, kinds and names: the least, and the most that they grow to.
_SEQ, _KIND, _NAME = 6, 6, 4
_MOST_KIND, _MOST_NAME = 23, 16
#: What the spell printed, logged, warned of and failed with.
LOGS: Final = "kind:logs"
_PHASES: Final = {"start": "▸", "end": "◂", "point": "·"}
#: Kinds of spans whose data are told in a few words, or are not worth any.
_TOLD: Final = frozenset({"spell", "execution", "workflow", "workflow_step", "llm_call", "tool", "hook", "delegation"})
#: Seconds until an event that has happened, but was not in the file yet, is looked for there again.
_AGAIN: Final = 0.25


class EventList(Rows):
    BINDINGS = bindings("events")
    PANEL = "events"
    HEAD = 1
    LIVE = True
    STAYS = True

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self.text = ""
        self.pages: EventPages | None = None
        self.trouble = ""
        self._model: RunModel | None = None
        self._kept: OrderedDict[int, Mapping[int, Event]] = OrderedDict()
        self._asked: set[int] = set()
        self._tried: dict[int, int] = {}  # pages that lacked an event, by how many events there were then
        self._later: Timer | None = None
        self._found = array("Q")
        self._looked = 0  # events that the filter has looked through
        self._looking = False
        self._seeking = ""
        self._shown = 0
        self._kind, self._name = _KIND, _NAME  # cells; what is shown needs these

    # What is there

    def sync(self) -> None:
        model = self.desk.model
        self.begin_with(model)
        if model is not self._model:
            self._model = model
            self._begin()
        until = self._until()
        if self.text and model is not None:
            self._look(model.seq)
            self._shown = bisect_right(self._found, until)
        else:
            self._shown = until
        super().sync()

    def _until(self) -> int:
        """The last event at the moment shown."""
        model = self.desk.model
        return 0 if model is None else model.seq if model.moment is None else min(model.moment, model.seq)

    def search(self, text: str) -> None:
        """Show only what passes; "" for all. The cursor stays at its event, or goes to the next one that passes."""
        at = self.seq(self.cursor) if self._shown else 1
        self.text = text
        self._found, self._looked, self._looking = array("Q"), 0, False
        self._kind, self._name = _KIND, _NAME
        self.follow(False)
        self.cursor = 0 if text else at - 1
        self.sync()
        self._reveal()

    def _begin(self) -> None:
        if self.pages is not None:
            self.run_worker(asyncio.to_thread(self.pages.close), group="close")
        payloads = self.desk.payloads
        self.pages = EventPages(payloads.path) if payloads is not None else None
        self._kept.clear()
        self._asked.clear()
        self._tried.clear()
        self._found, self._looked, self._looking = array("Q"), 0, False
        self._kind, self._name = _KIND, _NAME
        self.cursor, self.trouble = 0, ""

    def count(self) -> int:
        return self._shown

    def seq(self, row: int) -> int:
        return self._found[row] if self.text else row + 1

    def event(self, row: int) -> Event | None:
        """None while it is being read, and where the file does not have it: `lacks` tells which."""
        seq = self.seq(row)
        number = (seq - 1) // PAGE
        page = self._kept.get(number)
        if page is not None and seq in page:
            self._kept.move_to_end(number)
            return page[seq]
        model = self._model
        if number not in self._asked and self.pages is not None and model is not None and not self.lacks(row):
            self._asked.add(number)
            self.run_worker(self._fetch(self.pages, number, model.seq), group="page")
        return None

    def lacks(self, row: int) -> bool:
        """Whether the file was found not to have this event."""
        return self._model is not None and self._tried.get((self.seq(row) - 1) // PAGE) == self._model.seq

    async def _fetch(self, pages: EventPages, number: int, known: int) -> None:
        """known: how many events there were when it was asked for."""
        try:
            page, trouble = await asyncio.to_thread(pages.page, number), ""
        except StoreError as error:
            page, trouble = [], trouble_of(error).text
        if pages is not self.pages or self._model is None:
            return
        self._asked.discard(number)
        if page:
            self._kept[number] = {event.seq: event for event in page}
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        if len(page) < min(PAGE, known - number * PAGE):
            self._tried[number] = known
            if not self._model.complete and self._later is None:
                self._later = self.set_timer(_AGAIN, self._try_again)
        self.trouble = trouble
        self.refresh()
        self.moved()

    def _try_again(self) -> None:
        self._later = None
        self._tried.clear()
        self.refresh()

    def _look(self, last: int) -> None:
        """Have the filter look through what it has not seen yet."""
        if not self._looking and self._looked < last and self.pages is not None:
            self._looking = True
            self.run_worker(self._matching(self.pages, self.text, self._looked + 1, last), group="filter")

    async def _matching(self, pages: EventPages, text: str, first: int, last: int) -> None:
        loop = asyncio.get_running_loop()

        def report(found: list[int], looked: int) -> bool:
            loop.call_soon_threadsafe(self._take, pages, text, found, first + looked - 1)
            return self.text == text and pages is self.pages

        try:
            await asyncio.to_thread(pages.matching, EventFilter.parse(text), first, last, report)
        except StoreError as error:
            self.trouble = trouble_of(error).text
        if text == self.text and pages is self.pages:
            self._looking = False
            self.refresh()

    def _take(self, pages: EventPages, text: str, found: list[int], looked: int) -> None:
        if text == self.text and pages is self.pages and looked > self._looked:
            self._found.extend(found)
            self._looked = looked
            self.sync()
            self.moved()

    # Search, in the file

    def find(self, needle: str, *, backwards: bool = False, again: bool = True) -> bool:
        if self.pages is None or not self._shown:
            return False
        at = self.seq(self.cursor) + (0 if again else 1 if backwards else -1)
        self._seeking = needle
        self.run_worker(self._seek_out(self.pages, needle, at, backwards), group="find", exclusive=True)
        self.refresh()
        return True

    async def _seek_out(self, pages: EventPages, needle: str, at: int, backwards: bool) -> None:
        wanted = EventFilter.parse(self.text).also(needle)

        def stopped() -> bool:
            return self.desk.needle != needle or pages is not self.pages

        try:
            seq = await asyncio.to_thread(
                pages.next_match, wanted, at, self._until(), backwards=backwards, stopped=stopped
            )
        except StoreError as error:
            self.trouble, seq = trouble_of(error).text, None
        self._seeking = ""
        if seq is not None and seq <= self._until():
            self.go(bisect_left(self._found, seq) if self.text else seq - 1)
        elif not stopped():
            self.post_message(NotFound(needle))
        self.refresh()

    # Drawing

    def empty(self) -> str:
        if self.trouble:
            return self.trouble
        return ("looking" if self._looking else "no event matches") if self.text else "no event yet"

    def heading(self, y: int, width: int) -> Line:
        model = self.desk.model
        seq, kind, _ = self._cells(width)
        left: Line = [(f"{'event':>{seq}}   ", "dim"), *([("time" + " " * 10, "dim")] if width >= 90 else [])]
        left += [*fitted([("kind", "dim")], kind + 1), ("name", "dim")]
        if self.trouble:
            return spread([(" ! ", "warn"), (self.trouble, "warn")], [], width)
        note = plural(self._shown, "event")
        if self.text and model is not None:
            share = "" if self._looked >= model.seq else f", {self._looked * 100 // max(model.seq, 1)} % read"
            note = f"{self._shown:,} of {plural(model.seq, 'event')}{share}"
        if self._seeking:
            note = "searching …"
        return spread(left, [(f"{note} ", "dim")], width)

    def line(self, row: int, width: int) -> Line:
        event = self.event(row)
        if event is not None:
            self._grow(event)
        seq, kind, name = self._cells(width)
        if event is None:
            return [(f"{self.seq(row):>{seq},} {'· not in the file' if self.lacks(row) else '…'}", "dim")]
        failed = event.kind in ("error", "limit_reached") or bool(event.data.get("error"))
        left: Line = [
            (f"{event.seq:>{seq},} ", "dim"),
            (f"{_PHASES.get(event.phase, '·')} ", "error" if failed else "dim"),
            *([(clock_text(event.time) + "  ", "dim")] if width >= 90 else []),
            *fitted([(clean(event.kind), "error" if failed else "strong")], kind),
            (" ", "text"),
            *fitted([(clean(event.name), "name")], name),
            (" ", "text"),
            (clean(said(event)), "text"),
        ]
        right: Line = [(f"  {clean(event.site)} ", "dim")] if width >= 100 and event.site else []
        return spread(left, right, width)

    def _grow(self, event: Event) -> None:
        """Columns are as wide as what has been shown of the run needs, so that the text has the rest."""
        kind = max(self._kind, min(len(event.kind), _MOST_KIND))
        name = max(self._name, min(width_of([(clean(event.name), "")]), _MOST_NAME))
        if (kind, name) != (self._kind, self._name):
            self._kind, self._name = kind, name
            self.refresh()

    def _cells(self, width: int) -> tuple[int, int, int]:
        """Of the columns of numbers, kinds and names."""
        seq = max(_SEQ, len(f"{self._until():,}"))
        if width >= 60:
            return seq, self._kind, self._name
        return seq, min(self._kind, max(width - 22, 10)), min(self._name, 10)


def said(event: Event) -> str:
    """What an event says, in one line."""
    if event.phase == "point":
        return line(event)
    kind, data = event.kind.rpartition("_")[0], event.data
    error: Any = data.get("error")
    if isinstance(error, dict) and error.get("message"):
        return plain(str(cast("dict[str, Any]", error)["message"]))
    said = given(kind, data) if event.phase == "start" else gave(kind, data)
    return said or (
        "" if kind in _TOLD else brief({name: value for name, value in data.items() if value != event.name})
    )


def page_of(event: Event) -> Page:
    page = Page().heading(clean(event.kind), f"{event.seq:,}")
    page.fields(
        ("time", clock_text(event.time)),
        ("phase", event.phase),
        ("name", clean(event.name), "strong"),
        ("source", clean(event.site), "name"),
        ("span", f"{event.span:,} in {event.parent:,}"),
    )
    page.heading("Data", "" if event.data else "none")
    for name, value in event.data.items():
        page.value(str(name), value)
    return page


class EventsView(SplitView):
    DEFAULT_CSS = """
    EventsView.beside .split > Rows { width: 62%; }
    EventsView.beside .split > Document { width: 38%; }
    """
    NOTHING = "an event's data stand here"
    FILTERS = True
    HINT = 'kind:output,log name:csv site:spell.lua:4 status:error -kind:hook* "any words"'

    def rows(self) -> EventList:
        return EventList(self.desk, id="events")

    @property
    def events(self) -> EventList:
        return self.query_one(EventList)

    def subject(self, row: int) -> object:
        rows = self.events
        return (rows.seq(row), rows.event(row) is not None, rows.lacks(row), self.desk.model)

    def page(self, row: int) -> Page:
        rows = self.events
        event = rows.event(row)
        if event is not None:
            return page_of(event)
        if rows.lacks(row):
            return Page().text(rows.trouble or "the file does not have this event", "warn")
        return Page().line(("reading", "dim"))

    def filter(self, text: str) -> None:
        self.events.search(text)
        self.renew()

    def wrong(self, text: str) -> str:
        return wrong(text)

    def site(self) -> str:
        rows = self.events
        event = rows.event(rows.cursor) if rows.count() else None
        return event.site if event is not None else ""

    def moment(self) -> int | None:
        rows = self.events
        return rows.seq(rows.cursor) if rows.count() else None

    def action_logs(self) -> None:
        """Only what the spell printed, logged, warned of and failed with; or everything again."""
        self.typed = self.desk.query = "" if self.typed == LOGS else LOGS
        self.filter(self.typed)
