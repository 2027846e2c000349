"""The screen Hooks: which handlers fired, in order, what each changed, what it vetoed, how long it took."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left, insort
from typing import Final

from textual.timer import Timer

from llmspell_tui.actions import bindings
from llmspell_tui.model.hooks import HookCall
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.split import SplitView
from llmspell_tui.theme import LETTERS, MARKS, STATUS_ROLES, kind_role, kind_word
from llmspell_tui.widgets.changes import told_change
from llmspell_tui.widgets.figures import plural, time_text
from llmspell_tui.widgets.lines import Line, Piece, clean, fitted, spread
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.rows import Rows

#: Cells of the columns of times, of points (`before_tool_call` is the longest of the common ones) and of what they
#: looked at.
_TIME, _POINT, _ASKED = 9, 18, 24
#: Cells from which there is a column of times.
_TIMED: Final = 66
#: Seconds that a filter looks through calls between two pictures, and between two such stretches.
_LOOK, _REST = 0.02, 0.005


class HookList(Rows):
    BINDINGS = bindings("hooks")
    PANEL = "hooks"
    HEAD = 1
    LIVE = True
    STAYS = True

    text = ""
    _of: tuple[RunModel | None, str] = (None, "")
    _read = 0  # calls that the filter has looked at
    _found: array[int]  # of those the ones that pass
    _open: list[int]  # calls looked at that were not over: each may yet pass, or pass no more
    _later: Timer | None = None
    _shown = 0

    def sync(self) -> None:
        model = self.desk.model
        self.begin_with(model)
        if (model, self.text) != self._of:
            at = None
            if self._of[0] is model and self.cursor < self._shown:
                at = self._found[self.cursor] if self._of[1] else self.cursor
            self._of, self._found, self._open, self._read = (model, self.text), array("Q"), [], 0
            self._look(model)
            if at is not None:
                self.cursor = bisect_left(self._found, at) if self.text else at
        elif model is not None:
            self._look(model)
        self._shown = 0
        if model is not None:
            begun = model.hooks.begun(model.moment)
            self._shown = bisect_left(self._found, begun) if self.text else begun
        super().sync()

    def _look(self, model: RunModel | None) -> None:
        """Hold more calls against the filter, for a while; the rest of them with the next picture."""
        if model is None or not self.text:
            return
        words, clock = self.text.lower().split(), asyncio.get_running_loop().time
        until = clock() + _LOOK
        for at in [at for at in self._open if model.hooks[at].ended is not None]:
            self._open.remove(at)
            self._hold(model.hooks[at], at, words)
        while self._read < len(model.hooks):
            call = model.hooks[self._read]
            if call.ended is None:
                self._open.append(self._read)
            self._hold(call, self._read, words)
            self._read += 1
            if self._read % 256 == 0 and clock() > until:
                if self._later is None:
                    self._later = self.set_timer(_REST, self._look_on)
                return

    def _look_on(self) -> None:
        self._later = None
        self.sync()

    def _hold(self, call: HookCall, at: int, words: list[str]) -> None:
        place = bisect_left(self._found, at)
        there = place < len(self._found) and self._found[place] == at
        passes = all(word in said(call) for word in words)
        if passes and not there:
            insort(self._found, at)
        elif there and not passes:
            self._found.pop(place)

    def count(self) -> int:
        return self._shown

    def _place(self, row: int) -> int:
        return self._found[row] if self.text else row

    def call(self, row: int) -> HookCall:
        """As it was at the moment shown: one that was not over by then has done nothing yet."""
        model = self.desk.model
        assert model is not None  # there are no rows without one
        return model.hooks[self._place(row)].at(model.moment)

    def empty(self) -> str:
        model = self.desk.model
        if self.text:
            return "looking" if model is not None and self._read < len(model.hooks) else "no hook matches"
        return "no hook had fired by then" if model is not None and model.moment else "no hook has fired"

    def heading(self, y: int, width: int) -> Line:
        left: Line = [("  ", "dim")]
        if width >= _TIMED:
            left += fitted([("at", "dim")], _TIME)
        left += [*fitted([("point", "dim")], _POINT), *fitted([("looked at", "dim")], asked_cells(width))]
        if width >= 60:
            left.append(("outcome", "dim"))
        return spread(left, [("    took ", "dim")], width)

    def line(self, row: int, width: int) -> Line:
        call, model = self.call(row), self.desk.model
        left: Line = [(f"{MARKS.get(call.status, '!')} ", STATUS_ROLES.get(call.status, "warn"))]
        if width >= _TIMED and model is not None:
            left += fitted([(time_text(max(call.started - model.began, 0.0)), "dim")], _TIME)
        left += [
            *fitted([(clean(call.point), "hook")], _POINT - 1),
            (" ", "text"),
            *fitted(asked(model, call), asked_cells(width) - 1),
            (" ", "text"),
        ]
        what, role = outcome(call)
        left.append((what if width >= 60 else what[:1], role))
        if width >= 100:
            left.append((f"  {clean(call.error)}" if call.error else "", "dim"))
        return spread(left, [(f" {time_text(call.duration):>8} ", "dim")], width)

    def text_of(self, row: int) -> str:
        call = self.call(row)
        return f"{call.point} {looked_at(self.desk.model, call)} {outcome(call)[0]} {call.error} {call.handler}"


def asked_cells(width: int) -> int:
    """Of the column of what handlers were asked about."""
    return min(_ASKED, max(width // 3 - (6 if width >= _TIMED else 0), 10))


def said(call: HookCall) -> str:
    """What a filter looks into."""
    fields = " ".join(change.name for change in call.changes)
    return f"{call.point} {call.handler} {call.site} {outcome(call)[0]} status:{call.status} {fields}".lower()


def looked_at(model: RunModel | None, call: HookCall) -> str:
    """The span that a handler was asked about: `agent researcher`."""
    i = model.spans.index(call.parent) if model is not None else None
    if model is None or i is None:
        return ""
    return f"{kind_word(model.spans.kind(i))} {clean(model.spans.name(i))}"


def asked(model: RunModel | None, call: HookCall) -> Line:
    """The same as the tree writes it: the letter of its kind, and its name."""
    i = model.spans.index(call.parent) if model is not None else None
    if model is None or i is None:
        return []
    kind = model.spans.kind(i)
    return [(f"{LETTERS.get(kind, '·')} ", kind_role(kind)), (clean(model.spans.name(i)), "text")]


def outcome(call: HookCall) -> Piece:
    """What came of a handler, in few words."""
    match call:
        case HookCall(status="veto"):
            return ("■ vetoed", "error")
        case HookCall(status="error"):
            return ("✗ failed", "error")
        case HookCall(status="ignored"):
            return ("! failed, passed over", "warn")
        case HookCall(retried=True):
            return ("↻ try again", "warn")
        case HookCall(changes=changes) if changes:
            return ("± " + clean(", ".join(change.name for change in changes)), "added")
        case HookCall(status="running"):
            return ("… running", "running")
        case _:
            return ("", "dim")


def page_of(model: RunModel, call: HookCall) -> Page:
    page = Page().heading(clean(call.point), outcome(call)[0])
    page.fields(
        ("handler", clean(call.handler)),
        ("source", clean(call.site), "name"),
        ("looked at", looked_at(model, call)),
        ("time", time_text(call.duration) or "running"),
        ("event", f"{call.seq:,}"),
    )
    if call.error:
        page.heading("Error").text(call.error, "error")
    page.heading("Changed", plural(len(call.changes), "field") if call.changes else "nothing")
    for change in call.changes:
        told_change(page, change.name, change.before, change.after)
        if not change.whole:
            page.line(("… it is longer: the tree's I/O page has all of it", "warn"), depth=2)
    return page


class HooksView(SplitView):
    NOTHING = "a handler's changes stand here"
    FILTERS = True
    HINT = "words of a point, a handler, a field, or vetoed, failed, try again"

    def rows(self) -> HookList:
        return HookList(self.desk, id="hooks")

    @property
    def calls(self) -> HookList:
        return self.query_one(HookList)

    def subject(self, row: int) -> object:
        call = self.calls.call(row)
        return (call.span, call.status, self.desk.model)

    def page(self, row: int) -> Page:
        model = self.desk.model
        return page_of(model, self.calls.call(row)) if model is not None else Page()

    def filter(self, text: str) -> None:
        self.calls.text = text
        self.advance()

    def site(self) -> str:
        rows = self.calls
        return rows.call(rows.cursor).site if rows.count() else ""

    def moment(self) -> int | None:
        rows = self.calls
        return rows.call(rows.cursor).seq if rows.count() else None
