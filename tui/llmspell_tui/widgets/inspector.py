"""The inspector: all about one span, in tabs. What the model knows is there at once; payloads come from the store."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from textual.app import ComposeResult
from textual.widget import Widget

from llmspell.errors import StoreError
from llmspell.events.event import Event
from llmspell_tui.feed.payload import SpanPayload
from llmspell_tui.feed.trouble import trouble_of
from llmspell_tui.widgets import about
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.exchange import exchange
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.tabs import Tabs
from llmspell_tui.widgets.talk import calls_of, talk

#: (name, title, key)
TABS: Final = (
    ("detail", "Detail", ""),
    ("io", "I/O", ""),
    ("delta", "State Δ", ""),
    ("hooks", "Hooks", ""),
    ("source", "Source", ""),
    ("talk", "Talk", ""),
)
#: Seconds between two readings of a span that is still running: an answer that streams in is seen to grow.
_PACE: Final = 0.2
#: How often what the file does not have yet is asked for again: events are told before they are written, 20 ms later.
_ASKS: Final = 25


class Inspector(Widget, can_focus=False):
    DEFAULT_CSS = """
    Inspector { layout: vertical; width: 1fr; height: 1fr; }
    Inspector Document { height: 1fr; }
    """

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.desk = desk
        self.span = -1
        self.tab = "detail"
        self._payload: SpanPayload | None = None
        self._said: list[Event] | None = None
        self._read_at = 0.0
        self._state = ""
        self._streamed = False  # an answer was arriving on the page as it is drawn
        self._trouble = ""

    def compose(self) -> ComposeResult:
        yield Tabs(self.desk, TABS, "tab", id="inspector-tabs")
        yield Document(self.desk, nothing="nothing is chosen", id="inspector-page")

    @property
    def document(self) -> Document:
        return self.query_one(Document)

    def show(self, span: int) -> None:
        """Tell of this span."""
        if span != self.span:
            self.span, self._payload, self._said, self._state = span, None, None, ""
            self._draw(keep=False)
        self._read()

    def forget(self) -> None:
        """Another run: what is shown is of the one before."""
        self.span, self._payload, self._said = -1, None, None
        self._draw(keep=False)

    def advance(self) -> None:
        """The run went on: read again if the span is running or has just ended, or the moment is another."""
        model = self.desk.model
        if model is None or not 0 <= self.span < len(model.spans):
            return
        state = f"{model.spans.status(self.span)}{model.spans.moment}"
        now = asyncio.get_running_loop().time()
        if state != self._state or (model.spans.status(self.span) == "running" and now - self._read_at >= _PACE):
            self._state, self._read_at = state, now
            self._draw(keep=True)
            self._read()

    def choose(self, tab: str) -> None:
        self.tab = tab
        self.query_one(Tabs).choose(tab)
        self._draw(keep=False)
        self._read()

    def turn(self, by: int) -> None:
        names = [name for name, _, _ in TABS]
        self.choose(names[(names.index(self.tab) + by) % len(names)])

    def _draw(self, *, keep: bool) -> None:
        document, streams = self.document, self._streams()
        newest = streams and not (self._streamed and document.scroll_offset.y < document.max_scroll_y)
        document.show(self._page(), keep=keep)
        if newest:
            document.scroll_to(y=document.max_scroll_y, animate=False, force=True)
        self._streamed = streams and self._payload is not None

    def _streams(self) -> bool:
        """Whether an answer is arriving on this page: its newest words are shown, until the reader scrolls back."""
        model, span = self.desk.model, self.span
        if self.tab != "io" or model is None or not 0 <= span < len(model.spans) or model.moment is not None:
            return False
        return model.spans.status(span) == "running" and bool(model.streaming(span))

    def _page(self) -> Page:
        model, span = self.desk.model, self.span
        if model is None or not 0 <= span < len(model.spans):
            return Page()
        match self.tab:
            case "io" if self._trouble:
                return Page().line((self._trouble, "warn"))
            case "io":
                running = model.spans.status(span) == "running"
                payload = self._payload
                if payload is None:
                    return Page()
                streamed = payload.streamed if model.moment is not None else model.streaming(span)
                return exchange(payload, streamed, running)
            case "talk":
                return Page().line((self._trouble, "warn")) if self._trouble else talk(model, span, self._said)
            case "delta":
                return about.changes(model, span)
            case "hooks":
                return about.hooks(model, span)
            case "source":
                return about.source(model, span, self.desk.text_of)
            case _:
                return about.detail(model, span)

    def _read(self) -> None:
        """What this tab needs of the store."""
        if self.desk.payloads is None or self.span < 0:
            return
        if self.tab == "talk":
            self.run_worker(partial(self._fetch_talk, self.span), group="payload", exclusive=True)
        elif self.tab == "io":
            self.run_worker(partial(self._fetch, self.span), group="payload", exclusive=True)
        elif self.tab == "source" and self.desk.texts is None:
            self.run_worker(self._fetch_texts, group="payload", exclusive=True)

    async def _fetch(self, span: int) -> None:
        for _ in range(_ASKS):
            if await self._fetched(span):
                return
            await asyncio.sleep(_PACE)

    async def _fetched(self, span: int) -> bool:
        """Whether all is there that the model knows of."""
        model, payloads = self.desk.model, self.desk.payloads
        if model is None or payloads is None or span != self.span:
            return True
        number, first, last = model.spans.number(span), model.spans.first(span), model.spans.last(span)
        before = self._payload
        try:
            payload, trouble = await asyncio.to_thread(payloads.span, number, first, last, model.moment), ""
        except StoreError as error:
            payload, trouble = None, trouble_of(error).text
        if span == self.span and self.desk.model is model:
            self._payload, self._trouble = payload, trouble
            if self.tab == "io":
                self._draw(keep=before is not None)
        return payload is None or (payload.start is not None and (payload.end is not None or not last))

    async def _fetch_talk(self, span: int) -> None:
        for _ in range(_ASKS):
            if await self._fetched_talk(span):
                return
            await asyncio.sleep(_PACE)

    async def _fetched_talk(self, span: int) -> bool:
        model, payloads = self.desk.model, self.desk.payloads
        if model is None or payloads is None or span != self.span:
            return True
        wanted = calls_of(model, span)
        try:
            found, trouble = await asyncio.to_thread(payloads.events, wanted), ""
        except StoreError as error:
            found, trouble = [], trouble_of(error).text
        if span == self.span and self.desk.model is model:
            same = [event.seq for event in found] == [event.seq for event in self._said or ()]
            self._said, self._trouble = found, trouble
            if self.tab == "talk" and not (same and found):
                self._draw(keep=False)
        return bool(trouble) or len(found) == len(wanted)

    async def _fetch_texts(self) -> None:
        payloads = self.desk.payloads
        if payloads is None:
            return
        try:
            texts = await asyncio.to_thread(payloads.source)
        except StoreError:
            texts = ("", {})
        if self.desk.payloads is payloads:
            self.desk.texts = texts
            if self.tab == "source":
                self._draw(keep=False)
