"""The screen State: every value at the moment shown, what the last step changed, and who changed each value when."""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

from textual.timer import Timer

from llmspell.traces.summary import brief
from llmspell_tui.actions import bindings
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.states import Change
from llmspell_tui.screens.split import SplitView
from llmspell_tui.widgets.changes import told_change
from llmspell_tui.widgets.figures import clock_text, plural
from llmspell_tui.widgets.lines import Line, clean, fitted, shortened, spread
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.rows import Rows

#: Changes of one value that its page tells of, newest first.
_HISTORY: Final = 100
#: Cells of the columns of keys, and of who changed them.
_KEY, _BY = 24, 22
#: A picture of large states is made anew at most so often that it takes this share of the time.
_SHARE: Final = 0.1
#: Seconds of folding between two pictures, and between two such stretches.
_FOLD, _REST = 0.02, 0.002


class Value(NamedTuple):
    """key: "" for the line of a scope. gone: it was there and was deleted by the last change."""

    scope: str
    key: str
    value: Any
    change: Change | None
    gone: bool = False


class StateList(Rows):
    BINDINGS = bindings("state")
    PANEL = "state"
    HEAD = 1
    STAYS = True

    text = ""
    share = 1.0  # of the changes that are folded
    _of: tuple[object, ...] | None = None
    _values: list[Value]
    _last: Change | None = None
    _took = 0.0
    _made = 0.0
    _later: Timer | None = None

    def sync(self) -> None:
        model = self.desk.model
        count = model.states.count(model.moment) if model is not None else 0
        key = (id(model), self.text, model and model.moment, count)
        if self._of != key and not self._too_soon(key) and self._folded(model):
            self._make(model, key, count)
        super().sync()

    def _folded(self, model: RunModel | None) -> bool:
        """Whether the changes up to the moment are folded: those of a long run in pieces, between pictures."""
        self.share = model.states.come_to(model.moment, _FOLD) if model is not None else 1.0
        if self.share < 1.0 and self._later is None:
            self._later = self.set_timer(_REST, self._overdue)
        return self.share >= 1.0

    def _too_soon(self, key: tuple[object, ...]) -> bool:
        """Only new changes have come, and the last picture of them took long: the next one is made a little later."""
        if self._of is None or self._of[:3] != key[:3]:
            return False
        wait = self._made + self._took / _SHARE - asyncio.get_running_loop().time()
        if wait > 0 and self._later is None:
            self._later = self.set_timer(wait, self._overdue)
        return wait > 0

    def _overdue(self) -> None:
        self._later = None
        self.sync()

    def _make(self, model: RunModel | None, key: tuple[object, ...], count: int) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        at = self.value(self.cursor) if self.count() else None
        self._of = key
        self._last = model.states.change(count - 1) if model is not None and count else None
        self._values = values(model, self.text, self._last) if model is not None else []
        self._stay(at)
        self._made = clock()
        self._took = self._made - began

    def _stay(self, at: Value | None) -> None:
        """The cursor stays on its value while others come in above it; at first it is on what changed last."""
        if at is not None:
            same = (row for row, value in enumerate(self._values) if value[:2] == at[:2])
        else:
            same = (row for row, value in enumerate(self._values) if self.is_last(value))
        self.cursor = next(same, min(self.cursor, max(len(self._values) - 1, 0)))

    def count(self) -> int:
        return len(self._values) if self._of is not None else 0

    def value(self, row: int) -> Value:
        return self._values[row]

    def is_last(self, value: Value) -> bool:
        """Whether the last change up to the moment was of this value."""
        last = self._last
        return bool(value.key) and value.change is not None and last is not None and value.change.seq == last.seq

    def empty(self) -> str:
        if self.share < 1.0:
            return f"adding up the changes: {self.share:.0%}"
        if self.text:
            return "no value matches"
        model = self.desk.model
        return "no state was changed by then" if model is not None and model.moment else "no state was changed yet"

    def heading(self, y: int, width: int) -> Line:
        if self.share < 1.0:
            return [(f" adding up the changes: {self.share:.0%}", "running")]
        left: Line = [*fitted([("    key", "dim")], _key_cells(width) + 4), ("value", "dim")]
        return spread(left, [*fitted([(" changed by", "dim")], _BY)] if width >= 60 else [], width)

    def line(self, row: int, width: int) -> Line:
        value = self._values[row]
        if not value.key:
            return [(" ", "text"), (clean(value.scope), "strong"), (f"  {plural(value.value, 'value')}", "dim")]
        sign = ("- ", "removed") if value.gone else ("± ", "added") if self.is_last(value) else ("  ", "text")
        shown = ("deleted", "removed") if value.gone else (clean(brief(value.value)) or "nothing", "text")
        cells = _key_cells(width)
        left: Line = [("  ", "text"), sign, *fitted([(clean(value.key), "state")], cells - 1), (" ", "text"), shown]
        return spread(left, by(value.change) if width >= 60 else [], width)


def _key_cells(width: int) -> int:
    return max(min(_KEY, width // 3), 8)


def by(change: Change | None) -> Line:
    """Who changed it, and where."""
    if change is None:
        return fitted([], _BY)
    who, where = clean(change.by), clean(change.site)
    room = _BY - len(where) - 2
    return fitted([(f" {shortened(who, room)} " if room > 3 else " ", "dim"), (where, "name")], _BY)


def values(model: RunModel, text: str, last: Change | None) -> list[Value]:
    """Every scope with its values, in the order of their names; `text` leaves those in which all its words stand."""
    moment = model.moment
    states = model.states.at(moment)
    deleted = last if last is not None and last.key and last.key not in states.get(last.scope, {}) else None
    if deleted is not None:
        states.setdefault(deleted.scope, {})
    words = text.lower().split()
    found: list[Value] = []
    for scope in sorted(states):
        held = states[scope]
        keys = sorted({*held, *((deleted.key,) if deleted is not None and deleted.scope == scope else ())})
        inside = [
            Value(scope, key, held.get(key), model.states.newest(scope, key, moment), key not in held)
            for key in keys
            if not words or _holds(f"{scope} {key} {brief(held.get(key))}", words)
        ]
        if inside:
            found += [Value(scope, "", len(inside), None), *inside]
    return found


def _holds(text: str, words: list[str]) -> bool:
    text = text.lower()
    return all(word in text for word in words)


def page_of(model: RunModel, value: Value) -> Page:
    """The value, and its changes up to the moment, newest first."""
    page = Page()
    if not value.key:
        page.heading(clean(value.scope), plural(value.value, "value"))
        for key, item in model.states.at(model.moment).get(value.scope, {}).items():
            page.value(key, item)
        return page
    page.heading(clean(value.key), clean(value.scope))
    if value.gone:
        page.line(("deleted", "removed"))
    else:
        page.value("value", value.value)
    found, count = model.states.history(value.scope, value.key, model.moment, _HISTORY)
    page.heading("History", plural(count, "change"))
    for number, change in enumerate(reversed(found)):
        page.line(
            (clock_text(change.time), "dim"),
            (f"  {clean(change.by)}", "strong"),
            (f"  {clean(change.site)}", "name"),
            (f"  event {change.seq:,}", "dim"),
        )
        told_change(page, change.path or change.scope, change.old, change.new, depth=2, path=str(number))
    if count > len(found):
        page.line((f"… {count - len(found):,} earlier changes: travel back in time to see them", "warn"))
    return page


class StateView(SplitView):
    NOTHING = "a value and its history stand here"
    FILTERS = True
    HINT = "words of a scope, a key or a value"

    def rows(self) -> StateList:
        return StateList(self.desk, id="state")

    @property
    def values(self) -> StateList:
        return self.query_one(StateList)

    def subject(self, row: int) -> object:
        value, model = self.values.value(row), self.desk.model
        return ((value.scope, value.key), value.change, value.gone, value.value if not value.key else None, model)

    def page(self, row: int) -> Page:
        model = self.desk.model
        return page_of(model, self.values.value(row)) if model is not None else Page()

    def filter(self, text: str) -> None:
        self.values.text = text
        self.advance()

    def wrong(self, text: str) -> str:
        return ""

    def site(self) -> str:
        change = self._change()
        return change.site if change is not None else ""

    def moment(self) -> int | None:
        change = self._change()
        return change.seq if change is not None else None

    def _change(self) -> Change | None:
        rows = self.values
        return rows.value(rows.cursor).change if rows.count() else None
