"""The screen Events: every event of the run in order, read a page at a time; with a filter, those that pass it."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_right
from collections import OrderedDict
from typing import Final

from llmspell.errors import StoreError
from llmspell.events.event import Event
from llmspell.traces.summary import brief
from llmspell_tui.actions import bindings
from llmspell_tui.feed.pages import PAGE, EventFilter, EventPages
from llmspell_tui.model.points import LOG_KINDS, line
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.split import SplitView
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.figures import clock_text, plural
from llmspell_tui.widgets.lines import Line, clean, fitted, spread
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.rows import Rows

#: Pages kept: 4,000 events.
_KEPT: Final = 20
#: Cells of the columns of numbers, kinds and names.
_SEQ, _KIND, _NAME = 8, 22, 17
#: What the log has: what a spell printed, logged, warned of and failed with.
LOGS: Final = " ".join(f"kind:{kind}" for kind in sorted(LOG_KINDS))
_PHASES: Final = {"start": "▸", "end": "◂", "point": "·"}


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
        self._kept: OrderedDict[int, list[Event]] = OrderedDict()
        self._asked: set[int] = set()
        self._found = array("Q")
        self._looked = 0  # events that the filter has looked through
        self._looking = False
        self._shown = 0

    # What is there

    def sync(self) -> None:
        model = self.desk.model
        if model is not self._model:
            self._model = model
            self._begin()
        until = 0 if model is None else model.seq if model.moment is None else min(model.moment, model.seq)
        if self.text and model is not None:
            self._look(model.seq)
            self._shown = bisect_right(self._found, until)
        else:
            self._shown = until
        super().sync()

    def search(self, text: str) -> None:
        """Show only what passes; "" for all."""
        self.text = text
        self._found, self._looked, self._looking = array("Q"), 0, False
        self.following = False
        self.cursor = 0
        self.sync()

    def _begin(self) -> None:
        if self.pages is not None:
            self.run_worker(asyncio.to_thread(self.pages.close), group="close")
        payloads = self.desk.payloads
        self.pages = EventPages(payloads.path) if payloads is not None else None
        self._kept.clear()
        self._asked.clear()
        self._found, self._looked, self._looking = array("Q"), 0, False
        self.cursor, self.trouble = 0, ""

    def count(self) -> int:
        return self._shown

    def seq(self, row: int) -> int:
        return self._found[row] if self.text else row + 1

    def event(self, row: int) -> Event | None:
        """None while it is being read."""
        seq = self.seq(row)
        number, place = divmod(seq - 1, PAGE)
        page = self._kept.get(number)
        if page is not None and place < len(page):
            self._kept.move_to_end(number)
            return page[place]
        if number not in self._asked and self.pages is not None:
            self._asked.add(number)
            self.run_worker(self._fetch(self.pages, number), group=f"page{number}")
        return None

    async def _fetch(self, pages: EventPages, number: int) -> None:
        try:
            page, trouble = await asyncio.to_thread(pages.page, number), ""
        except StoreError as error:
            page, trouble = [], error.message
        if pages is not self.pages:
            return
        self._asked.discard(number)
        if page:
            self._kept[number] = page
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self.trouble = trouble
        self.refresh()
        self.moved()

    def _look(self, last: int) -> None:
        """Have the filter look through what it has not seen yet."""
        if not self._looking and self._looked < last and self.pages is not None:
            self._looking = True
            self.run_worker(self._matching(self.pages, self.text, self._looked + 1, last), group="filter")

    async def _matching(self, pages: EventPages, text: str, first: int, last: int) -> None:
        loop = asyncio.get_running_loop()

        def report(found: list[int], looked: int) -> bool:
            loop.call_soon_threadsafe(self._take, text, found, first + looked - 1)
            return self.text == text and pages is self.pages

        try:
            await asyncio.to_thread(pages.matching, EventFilter.parse(text), first, last, report)
        except StoreError as error:
            self.trouble = error.message
        if text == self.text and pages is self.pages:
            self._looking = False

    def _take(self, text: str, found: list[int], looked: int) -> None:
        if text == self.text and looked > self._looked:
            self._found.extend(found)
            self._looked = looked
            self.sync()
            self.moved()

    # Drawing

    def empty(self) -> str:
        if self.trouble:
            return self.trouble
        return ("looking" if self._looking else "no event matches") if self.text else "no event yet"

    def heading(self, y: int, width: int) -> Line:
        model = self.desk.model
        left: Line = [(f"{'event':>{_SEQ}}    ", "dim"), *fitted([("kind", "dim")], _KIND), ("name", "dim")]
        note = plural(self._shown, "event")
        if self.text and model is not None:
            share = "" if self._looked >= model.seq else f", {self._looked * 100 // max(model.seq, 1)} % read"
            note = f"{self._shown:,} of {plural(model.seq, 'event')}{share}"
        return spread(left, [(f"{note} ", "dim")], width)

    def line(self, row: int, width: int) -> Line:
        event = self.event(row)
        if event is None:
            return [(f"{self.seq(row):>{_SEQ},} …", "dim")]
        failed = event.kind in ("error", "limit_reached") or bool(event.data.get("error"))
        left: Line = [
            (f"{event.seq:>{_SEQ},} ", "dim"),
            (f"{_PHASES.get(event.phase, '·')} ", "error" if failed else "dim"),
            *([(clock_text(event.time) + "  ", "dim")] if width >= 90 else []),
            *fitted([(clean(event.kind), "error" if failed else "strong")], _KIND + 1),
            *fitted([(clean(event.name), "name")], _NAME if width >= 60 else 10),
            (" ", "text"),
            (clean(said(event)), "text"),
        ]
        right: Line = [(f"  {clean(event.site)} ", "dim")] if width >= 100 and event.site else []
        return spread(left, right, width)


def said(event: Event) -> str:
    """What an event says, in one line."""
    if event.phase == "point":
        return line(event)
    return brief({name: value for name, value in event.data.items() if value != event.name})


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
    NOTHING = "an event's data stand here"

    def rows(self) -> EventList:
        return EventList(self.desk, id="events")

    @property
    def events(self) -> EventList:
        return self.query_one(EventList)

    def subject(self, row: int) -> object:
        rows = self.events
        return (rows.seq(row), rows.event(row) is not None)

    def page(self, row: int) -> Page:
        event = self.events.event(row)
        return page_of(event) if event is not None else Page().line(("reading", "dim"))

    def filter(self, text: str) -> None:
        self.events.search(text)
        self.renew()

    def wrong(self, text: str) -> str:
        return ""

    def site(self) -> str:
        rows = self.events
        event = rows.event(rows.cursor) if rows.count() else None
        return event.site if event is not None else ""

    def moment(self) -> int | None:
        rows = self.events
        return rows.seq(rows.cursor) if rows.count() else None

    def action_logs(self) -> None:
        """Only what the spell printed, logged, warned of and failed with; or everything again."""
        self.filter("" if self.events.text == LOGS else LOGS)
