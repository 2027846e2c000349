"""The screen Hooks: which handlers fired, in order, what each changed, what it vetoed, how long it took."""

from __future__ import annotations

from bisect import bisect_right

from llmspell_tui.actions import bindings
from llmspell_tui.model.hooks import HookCall
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.split import SplitView
from llmspell_tui.theme import MARKS, STATUS_ROLES, kind_word
from llmspell_tui.widgets.figures import plural, time_text
from llmspell_tui.widgets.lines import Line, Piece, clean, fitted, spread
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.rows import Rows

#: Cells of the column of points: `beforeWorkflowStep` is the longest of the common ones.
_POINT = 20


class HookList(Rows):
    BINDINGS = bindings("hooks")
    PANEL = "hooks"
    HEAD = 1
    LIVE = True
    STAYS = True

    text = ""
    _of: tuple[RunModel | None, str] = (None, "")
    _read = 0
    _rows: list[HookCall]
    _shown = 0

    def sync(self) -> None:
        model = self.desk.model
        if (model, self.text) != self._of:
            self._of, self._rows, self._read = (model, self.text), [], 0
        if model is not None:
            words = self.text.lower().split()
            for call in model.hooks.rows[self._read :]:
                if all(word in said(call) for word in words):
                    self._rows.append(call)
            self._read = len(model.hooks.rows)
            moment = model.moment
            self._shown = (
                len(self._rows) if moment is None else bisect_right(self._rows, moment, key=lambda call: call.seq)
            )
        else:
            self._shown = 0
        super().sync()

    def count(self) -> int:
        return self._shown

    def call(self, row: int) -> HookCall:
        return self._rows[row]

    def empty(self) -> str:
        return "no hook matches" if self.text else "no hook has fired"

    def heading(self, y: int, width: int) -> Line:
        left: Line = [("  ", "dim"), *fitted([("point", "dim")], _POINT), ("looked at", "dim")]
        return spread(left, [("changed   " if width >= 60 else "", "dim"), ("   time ", "dim")], width)

    def line(self, row: int, width: int) -> Line:
        call = self._rows[row]
        left: Line = [
            (f"{MARKS.get(call.status, '!')} ", STATUS_ROLES.get(call.status, "warn")),
            *fitted([(clean(call.point), "hook")], _POINT),
            (looked_at(self.desk.model, call), "text"),
        ]
        if width >= 84:
            left.append((f"  {clean(call.handler)}", "dim"))
        did = outcome(call)
        right: Line = [("  ", "dim"), *([did] if width >= 60 else []), (f"{time_text(call.duration):>8} ", "dim")]
        return spread(left, right, width)


def said(call: HookCall) -> str:
    """What a filter looks into."""
    fields = " ".join(change.name for change in call.changes)
    return f"{call.point} {call.handler} {call.site} {call.status} status:{call.status} {fields}".lower()


def looked_at(model: RunModel | None, call: HookCall) -> str:
    """The span that a handler was asked about: `agent researcher`."""
    i = model.spans.index(call.parent) if model is not None else None
    if model is None or i is None:
        return ""
    return f"{kind_word(model.spans.kind(i))} {clean(model.spans.name(i))}"


def outcome(call: HookCall) -> Piece:
    """What came of a handler, in few words."""
    if call.error or call.status == "error":
        return ("✗ failed", "error") if not call.vetoed else ("■ vetoed", "error")
    if call.vetoed:
        return ("■ vetoed", "error")
    if call.retried:
        return ("↻ try again", "warn")
    if call.changes:
        return ("± " + clean(", ".join(change.name for change in call.changes)), "added")
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
        if change.before is not None:
            page.value(f"- {change.name}", change.before)
        page.value(f"+ {change.name}", change.after)
    return page


class HooksView(SplitView):
    NOTHING = "a handler's changes stand here"

    def rows(self) -> HookList:
        return HookList(self.desk, id="hooks")

    @property
    def calls(self) -> HookList:
        return self.query_one(HookList)

    def subject(self, row: int) -> object:
        call = self.calls.call(row)
        return (call.span, call.status)

    def page(self, row: int) -> Page:
        model = self.desk.model
        return page_of(model, self.calls.call(row)) if model is not None else Page()

    def filter(self, text: str) -> None:
        self.calls.text = text
        self.advance()

    def wrong(self, text: str) -> str:
        return ""

    def site(self) -> str:
        rows = self.calls
        return rows.call(rows.cursor).site if rows.count() else ""

    def moment(self) -> int | None:
        rows = self.calls
        return rows.call(rows.cursor).seq if rows.count() else None
