"""The screen State: every value at the moment shown, what the last step changed, and who changed each value when."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Final, NamedTuple

from llmspell.traces.summary import brief
from llmspell_tui.actions import bindings
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.states import Change
from llmspell_tui.screens.split import SplitView
from llmspell_tui.widgets.figures import clock_text, plural
from llmspell_tui.widgets.lines import Line, clean, fitted, spread
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.rows import Rows

#: Changes of one value that its page tells of, newest first.
_HISTORY: Final = 100
#: Cells of a key's column.
_KEY: Final = 24


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
    _of: object = None
    _values: list[Value]
    _last: Change | None = None

    def sync(self) -> None:
        model = self.desk.model
        count = 0 if model is None else bisect_right(model.states.seqs, model.moment or model.seq)
        if self._of != (key := (id(model), count, self.text)):
            at = self.value(self.cursor) if self._of is not None and self.count() else None
            self._of = key
            self._last = model.states.changes[count - 1] if model is not None and count else None
            self._values = values(model, self.text, self._last) if model is not None else []
            self._stay(at)
        super().sync()

    def _stay(self, at: Value | None) -> None:
        """The cursor stays on its value while others come in above it; at first it is on what changed last."""
        if at is not None:
            same = (row for row, value in enumerate(self._values) if value[:2] == at[:2])
        else:
            same = (row for row, value in enumerate(self._values) if self.is_last(value))
        self.cursor = next(same, 0)

    def count(self) -> int:
        return len(self._values) if self._of is not None else 0

    def value(self, row: int) -> Value:
        return self._values[row]

    def is_last(self, value: Value) -> bool:
        """Whether the last change up to the moment was of this value."""
        return bool(value.key) and value.change is not None and value.change is self._last

    def empty(self) -> str:
        return "no value matches" if self.text else "no state was changed yet"

    def heading(self, y: int, width: int) -> Line:
        left: Line = [*fitted([("    key", "dim")], _KEY + 4), ("value", "dim")]
        return spread(left, [("changed by ", "dim")] if width >= 60 else [], width)

    def line(self, row: int, width: int) -> Line:
        value = self._values[row]
        if not value.key:
            return [(" ", "text"), (clean(value.scope), "strong"), (f"  {plural(value.value, 'value')}", "dim")]
        sign = ("- ", "removed") if value.gone else ("± ", "added") if self.is_last(value) else ("  ", "text")
        shown = ("deleted", "removed") if value.gone else (clean(brief(value.value)) or "nothing", "text")
        left: Line = [("  ", "text"), sign, *fitted([(clean(value.key), "state")], _KEY), shown]
        by = clean(value.change.by) if value.change is not None else ""
        return spread(left, [(f"  {by} ", "dim")] if width >= 60 else [], width)


def values(model: RunModel, text: str, last: Change | None) -> list[Value]:
    """Every scope with its values, in the order of their names; `text` leaves those in which all its words stand."""
    states = model.states.at(model.moment)
    changed = _newest(model)
    deleted = last if last is not None and last.new is None and last.path and "." not in last.path else None
    if deleted is not None:
        states.setdefault(deleted.scope, {})
    words = text.lower().split()
    found: list[Value] = []
    for scope in sorted(states):
        held = states[scope]
        keys = sorted({*held, *((deleted.path,) if deleted is not None and deleted.scope == scope else ())})
        inside = [
            Value(scope, key, held.get(key), changed.get((scope, key)), key not in held)
            for key in keys
            if all(word in f"{scope} {key} {brief(held.get(key))}".lower() for word in words)
        ]
        if inside:
            found += [Value(scope, "", len(inside), None), *inside]
    return found


def _newest(model: RunModel) -> dict[tuple[str, str], Change]:
    """Each value's last change up to the moment."""
    return {(change.scope, _top(change.path)): change for change in model.states.between(1, model.moment)}


def _top(path: str) -> str:
    return path.partition(".")[0]


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
    found = [
        change
        for change in model.states.between(1, model.moment)
        if change.scope == value.scope and _top(change.path) == value.key
    ]
    page.heading("History", plural(len(found), "change"))
    for number, change in enumerate(reversed(found[-_HISTORY:])):
        page.line(
            (clock_text(change.time), "dim"),
            (f"  {clean(change.by)}", "strong"),
            (f"  {clean(change.site)}", "name"),
            (f"  {clean(change.path)}" if change.path != value.key else "", "dim"),
        )
        if change.old is not None:
            page.value("- before", change.old, depth=2, path=str(number))
        if change.new is not None:
            page.value("+ after", change.new, depth=2, path=str(number))
        else:
            page.line(("+ deleted", "removed"), depth=2)
    if len(found) > _HISTORY:
        page.line((f"… {len(found) - _HISTORY:,} earlier changes: travel back in time to see them", "warn"))
    return page


class StateView(SplitView):
    NOTHING = "a value and its history stand here"

    def rows(self) -> StateList:
        return StateList(self.desk, id="state")

    @property
    def values(self) -> StateList:
        return self.query_one(StateList)

    def subject(self, row: int) -> object:
        value, model = self.values.value(row), self.desk.model
        return ((value.scope, value.key), value.change, value.gone, model and model.moment)

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
