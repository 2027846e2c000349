"""The tree of a run's spans, each row with its state, its figures and its bar in the waterfall."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from llmspell.errors import StoreError
from llmspell_tui.actions import bindings
from llmspell_tui.feed.payload import Payloads
from llmspell_tui.feed.texts import Texts
from llmspell_tui.messages import Chosen, NotFound
from llmspell_tui.model.query import Query, QueryError, wrong
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.waterfall import Axis, Bar, waterfall
from llmspell_tui.theme import LETTERS, MARKS, STATUS_ROLES, kind_role, kind_word
from llmspell_tui.widgets import figures
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.lines import Line, clean, fitted, tail, width_of
from llmspell_tui.widgets.rows import Rows

#: The last cell of a bar by how much of it is covered, in eighths.
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
#: What a bar is made of, so that its state is seen without colour.
#: Characters of an answer under way from which its row shows the end.
_NEWEST: Final = 200
_BODIES: Final = {"running": "▒", "error": "▓", "cancelled": "░", "lost": "░"}
#: Cells of the tree's text that columns never take.
_TEXT: Final = 26


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells, 0 for a column that has no room. at: where the text ends."""

    text: int
    bars: int
    time: int
    tokens: int
    cost: int


def columns(width: int, *, cost: bool) -> Columns:
    """What fits: time first, then the waterfall, tokens, and the cost of a run that has cost something."""
    left = width - _TEXT
    time = figures.TIME + 1 if left >= 8 else 0
    left -= time
    tokens = figures.COUNT + 2 if left >= 16 else 0
    left -= tokens
    money = figures.MONEY + 1 if cost and left >= 18 else 0
    left -= money
    bars = min(max(left * 3 // 5, 8), 60) if left >= 9 else 0
    return Columns(width - time - tokens - money - bars, bars, time, tokens, money)


class SpanTree(Rows):
    BINDINGS = bindings("tree")
    PANEL = "tree"
    HEAD = 1
    STAYS = True
    LIVE = True
    SEARCHED = "text, or kind:tool status:error"

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self.axis: Axis | None = None
        self._level = 0
        self._bars: dict[int, Bar] = {}
        self._window: tuple[int, int, int] | None = None
        self._rows: list[int] = []
        self._of: RunModel | None = None

    @property
    def axis_shown(self) -> Axis:
        """What was chosen; else the rows on screen while new ones come in, and the run as a whole at rest."""
        return self.axis or ("fit" if self.following else "whole")

    @property
    def model(self) -> RunModel | None:
        return self.desk.model

    def count(self) -> int:
        return self.model.spans.height if self.model is not None else 0

    def empty(self) -> str:
        if self.model is None:
            return self.desk.notice or "no run yet"
        if self.model.unread:
            return "the run cannot be read" if self.model.trouble is not None else "reading the run"
        if self.model.unread:
            return "the run cannot be read" if self.model.trouble is not None else "reading the run"
        return "nothing matches the filter: esc clears it" if self.desk.query else "waiting for the first event"

    # The cursor is on a span, not on a row: rows come in above it.

    def sync(self) -> None:
        self._window = None
        model = self.model
        met = self._meet(model)
        rows = self.count()
        self.measure(rows)
        if model is not None and rows:
            span = self._newest(model) if self.following and self._of is model else self.desk.chosen
            place = self._shown(model, span) if 0 <= span < len(model.spans) else None
            self.cursor = min(max(self.cursor, 0), rows - 1) if place is None else place
            self.desk.chosen = model.spans.row(self.cursor)
            if self.following or met:
                self._reveal()
        self.refresh()

    def _meet(self, model: RunModel | None) -> bool:
        """Another run: one that goes on is followed unless the reader was elsewhere, one that has ended is not. True
        once it has the span that the cursor was on in the run before."""
        if model is not self._of and (model is None or model.page is not None):
            going = model is not None and model.status == "running"
            self.following = going and (self.following or self._of is None)
            self._of = model
        wanted = self.desk.wanted
        if wanted is not None and model is not None and (span := model.spans.find(wanted)) is not None:
            self.desk.wanted = None
            if not self.following:
                self.desk.chosen = span
                return True
        return False

    def settle(self) -> None:
        """Rows went or came at once: the cursor's row is brought on screen, and told."""
        self._reveal()
        self.moved()

    def moved(self) -> None:
        model = self.model
        self.desk.wanted = None
        if model is not None and self.cursor < model.spans.height:
            self.desk.chosen = model.spans.row(self.cursor)
        self.post_message(Chosen(self.id or "", self.cursor))

    def choose(self, span: int) -> None:
        """Put the cursor on a span, unfolding what it lies in."""
        model = self.model
        if model is None:
            return
        model.spans.reveal(span)
        self.desk.chosen = span
        self.follow(False)
        self.sync()
        self.settle()

    @staticmethod
    def _newest(model: RunModel) -> int:
        """The span that began last, of those that have begun at the moment shown."""
        moment = model.moment
        return (len(model.spans) if moment is None else bisect_right(model.spans.firsts, moment)) - 1

    @staticmethod
    def _shown(model: RunModel, span: int) -> int | None:
        """The row of the span, or of the one that it is folded into."""
        at: int | None = span
        while at is not None:
            place = model.spans.place(at)
            if place is not None:
                return place
            at = model.spans.parent(at)
        return None

    # Drawing

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        self._window = None
        super().watch_scroll_y(old_value, new_value)

    def _columns(self, width: int) -> Columns:
        return columns(width, cost=bool(self.model and self.model.cost))

    def _look(self, width: int) -> None:
        """Read what is on screen once for all its lines."""
        model = self.model
        top, page = self.scroll_offset.y, self.page()
        if model is None or self._window == (top, page, width):
            return
        self._window = (top, page, width)
        self._rows = model.spans.rows(top, page)
        cells = self._columns(width).bars
        if cells:
            fall = waterfall(model, self._rows, cells - 1, axis=self.axis_shown, now=self._now(model))
            self._bars = {bar.span: bar for bar in fall.bars}
            self._edges = (fall.begin, fall.end)

    _edges = (0.0, 0.0)

    def _now(self, model: RunModel) -> float | None:
        return self.desk.now_ms() if model.status == "running" and model.moment is None else None

    def heading(self, y: int, width: int) -> Line:
        model = self.model
        if model is None:
            return []
        self._look(width)
        at = self._columns(width)
        found = f"{model.spans.height:,} of " if self.desk.query else ""
        title = f" {found}{figures.plural(len(model.spans), 'span')}"
        line = fitted([(title, "dim"), ("  following" if self.following else "", "running")], at.text)
        if at.bars:
            begin, end = (edge - model.began for edge in self._edges)
            left, right = f"+{figures.time_text(begin)}", figures.time_text(end)
            gap = at.bars - 1 - len(left) - len(right)
            axis = left + " " * gap + right if gap > 0 else right
            line.extend(fitted([(axis, "dim")], at.bars))
        line.append((f"{'time':>{at.time}}" if at.time else "", "dim"))
        line.append((f"{'tokens':>{at.tokens}}" if at.tokens else "", "dim"))
        line.append((f"{'cost':>{at.cost}}" if at.cost else "", "dim"))
        return line

    def line(self, row: int, width: int) -> Line:
        model = self.model
        if model is None:
            return []
        self._look(width)
        top = self.scroll_offset.y
        span = self._rows[row - top] if 0 <= row - top < len(self._rows) else model.spans.row(row)
        at = self._columns(width)
        line = fitted(self._text(model, span, at.text), at.text)
        if at.bars:
            line.extend(self._bar(model, span, at.bars))
        ended, tokens, cost = model.spans.ended(span), model.spans.tokens(span), model.spans.cost(span)
        until = ended if ended is not None else self._until(model)
        role = "text" if ended is not None else "running"
        line.append((f"{figures.time_text(until - model.spans.started(span)):>{at.time}}" if at.time else "", role))
        line.append((f"{figures.count_text(tokens):>{at.tokens}}" if at.tokens else "", "text"))
        line.append((f"{figures.money_text(cost):>{at.cost}}" if at.cost else "", "text"))
        return line

    def _until(self, model: RunModel) -> float:
        """Until when a span that has no end has run: the moment shown, now, or the last that is known of the run."""
        if model.moment is not None:
            return model.time_of(model.moment)
        return self.desk.until() if model.status == "running" else model.newest

    def _text(self, model: RunModel, span: int, width: int) -> Line:
        spans = model.spans
        status, kind = spans.status(span), spans.kind(span)
        role = kind_role(kind)
        # Of a tree that is deeper than the screen is wide, the innermost levels share a margin.
        indent = min(2 * spans.depth(span), max(width // 2 - 4, 0))
        sign = ("▸ " if spans.folded(span) else "▾ ") if spans.has_children(span) else "  "
        name = clean(spans.name(span)) or kind_word(kind)
        line: Line = [
            (f"{MARKS.get(status, '!')} ", STATUS_ROLES.get(status, "warn")),
            (" " * indent, "text"),
            (sign, "dim"),
            (f"{LETTERS.get(kind, '·')} ", role),
            (name, "text" if spans.found(span) else "dim"),
        ]
        said = spans.error(span)
        if said:
            line.append((f"  {clean(said)}", "error"))
        elif kind == "llm_call" and status == "running" and (text := model.streaming(span)):
            room = width - width_of(line) - 3
            line.append((f"  {tail(clean(text[-_NEWEST:]), max(room, 0))}", "dim"))
        elif kind not in LETTERS:
            line.append((f"  {kind_word(kind)}", "dim"))
        if spans.number(span) in model.free and status != "running":
            line.append(("  ○ free", "ok"))
        elif spans.number(span) in model.free.edited and status != "running":
            line.append(("  ± edited", "added"))
        return line

    def _bar(self, model: RunModel, span: int, cells: int) -> Line:
        bar = self._bars.get(span)
        if bar is None:
            return [(" " * cells, "text")]
        start = min(int(bar.start), cells - 2)
        whole, part = divmod(round((bar.width + bar.start - start) * 8), 8)
        body = _BODIES.get(bar.status, "█")
        drawn = body * whole
        if len(drawn) + start < cells - 1 and (part or not drawn):
            drawn += _EIGHTHS[max(part, 1)] if body == "█" else body
        role = "error" if bar.status == "error" else kind_role(model.spans.kind(span))
        return fitted([(" " * start, "text"), (drawn, role)], cells)

    # Keys

    def copied(self) -> str:
        """What it is and how it went, without the bar."""
        model, i = self.model, self.desk.chosen
        if model is None or not self.count():
            return ""
        spans, ended = model.spans, model.spans.ended(i)
        took = figures.time_text(ended - spans.started(i)) if ended is not None else ""
        tokens = figures.plural(spans.tokens(i), "token") if spans.tokens(i) else ""
        name = f"{kind_word(spans.kind(i))} {clean(spans.name(i))}".strip()
        parts = (name, spans.status(i), spans.error(i), took, tokens, figures.money_text(spans.cost(i)), spans.site(i))
        return "  ".join(part for part in parts if part)

    def unsearchable(self, needle: str) -> str:
        return wrong(needle)

    def find(self, needle: str, *, backwards: bool = False, again: bool = True) -> bool:
        model = self.model
        if model is None:
            return False
        try:
            query = Query.parse(needle)
        except QueryError:
            return False
        payloads = self.desk.payloads
        if query.payload_texts and payloads is not None:
            look = self._find_in(model, payloads, query, backwards)
            self.run_worker(look, group="find", exclusive=True)
            return True
        found = model.spans.search(query, self.desk.chosen, backwards=backwards)
        if found is None:
            return False
        self.choose(found)
        return True

    async def _find_in(self, model: RunModel, payloads: Payloads, query: Query, backwards: bool) -> None:
        """A search for what stands in payloads, which the run's file has."""
        try:
            hits = await asyncio.to_thread(Texts(payloads, query.payload_texts).more)
        except StoreError:
            hits = {}
        if model is self.model:
            found = model.spans.search(query, self.desk.chosen, backwards=backwards, hits=hits)
            if found is None:
                self.post_message(NotFound(query.text))
            else:
                self.choose(found)

    def action_fold(self) -> None:
        model, span = self.model, self.desk.chosen
        if model is None or not self.count():
            return
        if model.spans.has_children(span) and not model.spans.folded(span):
            model.spans.fold(span)
            self._refolded()
        elif (parent := model.spans.parent(span)) is not None and (place := model.spans.place(parent)) is not None:
            self.go(place)

    def action_unfold(self) -> None:
        model, span = self.model, self.desk.chosen
        if model is None or not self.count() or not model.spans.has_children(span):
            return
        if model.spans.folded(span):
            model.spans.unfold(span)
            self._refolded()
        else:
            self.go(self.cursor + 1)

    def action_fold_toggle(self) -> None:
        model, span = self.model, self.desk.chosen
        if model is not None and self.count() and model.spans.has_children(span):
            model.spans.toggle(span)
            self._refolded()

    def action_fold_all(self) -> None:
        model = self.model
        if model is not None and len(model.spans):
            deepest = max(model.spans.depths())
            self._level = deepest - 1 if self._level <= 0 else self._level - 1
            model.spans.fold_all(max(self._level, 1))
            self._refolded()

    def action_unfold_all(self) -> None:
        if self.model is not None:
            self._level = 0
            self.model.spans.fold_all(None)
            self._refolded()

    def action_axis(self) -> None:
        self.axis = "whole" if self.axis_shown == "fit" else "fit"
        self.sync()

    def _refolded(self) -> None:
        self.follow(False)
        self.sync()
        self.settle()

    def clicked(self, row: int, x: int) -> bool:
        model = self.model
        if model is None:
            return False
        span = model.spans.row(row)
        at = 2 + min(
            2 * model.spans.depth(span), max(self._columns(self.scrollable_content_region.width).text // 2 - 4, 0)
        )
        if at <= x < at + 2 and model.spans.has_children(span):
            self.action_fold_toggle()
            return True
        return False
