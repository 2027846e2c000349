"""The screen Trace: what happened as a tree with figures and a waterfall, the inspector beside or below it, the log."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.timer import Timer

from llmspell.errors import StoreError
from llmspell_tui.feed.texts import Texts
from llmspell_tui.messages import Chosen, Opened
from llmspell_tui.model.query import Query, wrong
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.updates import Progress
from llmspell_tui.screens.view import View
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.inspector import Inspector
from llmspell_tui.widgets.log import LogStrip
from llmspell_tui.widgets.rows import Rows
from llmspell_tui.widgets.tree import SpanTree
from llmspell_tui.widgets.whole import Frame

#: Columns from which the inspector stands beside the tree, rows from which there is one, and from which there is a log.
_BESIDE, _INSPECTED, _LOGGED = 110, 12, 17
#: Seconds between two spans in the inspector while the newest one is followed.
_CALM: Final = 0.25
#: Events whose texts are looked through in half a second: with more, how far that is stands in the status line.
_LONG: Final = 100_000


class TraceView(View):
    DEFAULT_CSS = """
    TraceView #trace-main { width: 1fr; height: 1fr; layout: vertical; }
    TraceView #tree { height: 55%; }
    TraceView #inspector { height: 45%; }
    TraceView.beside #trace-main { layout: horizontal; }
    TraceView.beside #tree { width: 58%; height: 1fr; }
    TraceView.beside #inspector { width: 42%; height: 1fr; border-left: solid $rule; }
    TraceView.flat #inspector { display: none; }
    TraceView.flat #tree { width: 1fr; height: 1fr; }
    TraceView #log { height: 6; }
    TraceView.low #log { height: 4; }
    TraceView.flat #log, TraceView.quiet #log { display: none; }
    """
    FIRST = "#tree"
    FILTERS = True
    HINT = "kind:tool status:error cost>0.01 text:rain"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.log_wanted = True
        self._inspecting: Timer | None = None
        self._texts: Texts | None = None
        self._looking: Timer | None = None

    def compose(self) -> ComposeResult:
        with Frame():
            with Frame(id="trace-main"):
                yield SpanTree(self.desk, id="tree")
                yield Inspector(self.desk, id="inspector")
            yield LogStrip(self.desk, id="log")

    @property
    def spans(self) -> SpanTree:
        return self.query_one(SpanTree)

    @property
    def inspector(self) -> Inspector:
        return self.query_one(Inspector)

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size.width, event.size.height
        self.set_class(width >= _BESIDE, "beside")
        self.set_class(height < _INSPECTED, "flat")
        self.set_class(height < 28, "low")
        self.set_class(height < _LOGGED or not self.log_wanted, "quiet")

    def renew(self) -> None:
        self.inspector.forget()
        self.advance()

    def advance(self) -> None:
        self.spans.sync()
        self._look_into_texts()
        self.query_one(LogStrip).sync()
        if self.desk.chosen == self.inspector.span:
            self.inspector.advance()
        elif self._inspecting is None:
            # The newest span is another one with each picture while events pour in: nobody reads that fast.
            wait = _CALM if self.spans.following and self.inspector.span >= 0 else 0.001
            self._inspecting = self.set_timer(wait, self._inspect)

    def _inspect(self) -> None:
        self._inspecting = None
        self.inspector.show(self.desk.chosen)

    def filter(self, text: str) -> None:
        if self.desk.model is not None:
            self.desk.model.spans.filter(Query.parse(text) if text.strip() else None)
            self.spans.sync()
            self.spans.settle()
            self._look_into_texts()

    def _look_into_texts(self) -> None:
        """What `text:` of the filter finds in payloads is looked for in the file, as far as that goes, and again when
        there is more of it."""
        model, payloads = self.desk.model, self.desk.payloads
        query = model.spans.query if model is not None else None
        if model is None or payloads is None or query is None or not query.payload_texts:
            self._texts = None
            return
        texts = self._texts
        if texts is None or texts.payloads is not payloads or texts.asked != query.payload_texts:
            texts = self._texts = Texts(payloads, query.payload_texts)
            self._stop_looking()
        if self._looking is None and texts.upto < max(model.seq, model.known):
            look = partial(self._look, model, texts)
            self._looking = self.set_timer(_CALM if texts.upto else 0.001, look, name="texts")

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.stop()
            self._looking = None

    def _look(self, model: RunModel, texts: Texts) -> None:
        self.run_worker(self._looked(model, texts), group="texts", exclusive=True)

    async def _looked(self, model: RunModel, texts: Texts) -> None:
        loop, before = asyncio.get_running_loop(), texts.upto

        def told(done: int, total: int) -> None:
            model.take(Progress("texts", done, total))
            self.app.query("#status").refresh()

        def report(done: int, total: int) -> bool:
            if total - before > _LONG:
                loop.call_soon_threadsafe(told, done, total)
            return texts is self._texts

        try:
            model.spans.heed(await asyncio.to_thread(texts.more, report))
        except StoreError:  # the feed tells of it
            return
        finally:
            model.take(Progress("texts", 1, 1))
            if texts is self._texts:
                self._looking = None
        if texts is self._texts:
            self.spans.sync()
            if texts.upto > before:
                self._look_into_texts()

    def wrong(self, text: str) -> str:
        return wrong(text)

    def site(self) -> str:
        model, focused = self.desk.model, self.app.focused
        if model is None:
            return ""
        if isinstance(focused, LogStrip) and focused.count():
            return model.points.site(focused.point(focused.cursor))
        at = self.desk.chosen if 0 <= self.desk.chosen < len(model.spans) else None
        while at is not None and not model.spans.site(at):
            at = model.spans.parent(at)
        return model.spans.site(at) if at is not None else f"{model.label}:1" if len(model.spans) else ""

    def moment(self) -> int | None:
        model, focused = self.desk.model, self.app.focused
        if model is None or not 0 <= self.desk.chosen < len(model.spans):
            return None
        if isinstance(focused, LogStrip) and focused.count():
            return model.points.seq(focused.point(focused.cursor))
        return model.spans.first(self.desk.chosen)

    def on_chosen(self, event: Chosen) -> None:
        event.stop()
        if event.widget == "tree":
            self.inspector.show(self.desk.chosen)

    def on_opened(self, event: Opened) -> None:
        event.stop()
        match event.widget:
            case "tree":
                self.inspector.document.focus()
            case "log":
                self._reveal_point(event.row)
            case _:
                pass

    def _reveal_point(self, row: int) -> None:
        """Go to the span that a line of the log was written in."""
        model = self.desk.model
        if model is not None:
            span = model.spans.index(model.points.span(self.query_one(LogStrip).point(row)))
            if span is not None:
                self.spans.choose(span)
                self.inspector.show(span)

    def action_log(self) -> None:
        self.log_wanted = not self.log_wanted
        self.set_class(not self.log_wanted or self.size.height < _LOGGED, "quiet")

    def action_tab(self, name: str) -> None:
        self.inspector.choose(name)

    def action_tab_next(self) -> None:
        self.inspector.turn(1)

    def action_tab_previous(self) -> None:
        self.inspector.turn(-1)

    def panels(self) -> list[Rows]:
        return [rows for rows in self.query(Rows) if rows.display]
