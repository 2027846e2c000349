"""Two runs side by side: their spans in pairs, and what a pair was given and gave, line by line beside each other."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Final

from llmspell.traces.summary import brief
from llmspell_tui.actions import bindings
from llmspell_tui.feed.compared import Compared
from llmspell_tui.model.diff import DiffLine, DiffRow, Totals
from llmspell_tui.model.run import RunModel
from llmspell_tui.theme import LETTERS, MARKS, STATUS_ROLES, kind_role
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.figures import count_text, money_text, plural, time_text
from llmspell_tui.widgets.lines import Line, Piece, clean, fitted, spread, wrapped
from llmspell_tui.widgets.rows import Rows

#: How a row or a line differs, and the role it is shown in.
SIGNS: Final = {"same": (" ", "text"), "changed": ("±", "warn"), "left": ("-", "removed"), "right": ("+", "added")}
BETWEEN: Final = " │ "
#: What the headings are, by how many lines there are for them.
_HEADINGS: Final = {1: ("figures",), 2: ("figures", "parting"), 4: ("runs", "figures", "parting", "columns")}


def halves(width: int) -> tuple[int, int]:
    """Cells of the two sides, with the sign and the line between them taken off."""
    room = max(width - 2 - len(BETWEEN), 2)
    return (room + 1) // 2, room // 2


class DiffList(Rows):
    """The spans of both runs, each pair on a row. The headings are the runs' totals and their first difference."""

    BINDINGS = bindings("diff")
    PANEL = "diff"
    HEAD = 4
    STAYS = True

    compared: Compared | None = None
    said = ""
    only = False  # only the rows that differ
    _kept: array[int] = array("L")

    def on_resize(self) -> None:
        self.head = 4 if self.size.height >= 10 else 2 if self.size.height >= 6 else 1
        super().on_resize()

    def show(self, compared: Compared | None, said: str = "") -> None:
        """said: what stands there in the place of a comparison."""
        self.compared, self.said = compared, said
        self.leave(self.only)

    def leave(self, only: bool) -> None:
        """Show all rows, or only those that differ with what they lie in."""
        at = self._kept[self.cursor] if self.cursor < len(self._kept) else 0
        self.only = only
        rows = self.compared.result.rows if self.compared is not None else ()
        self._kept = array(
            "L", (y for y, row in enumerate(rows) if not only or row.sign != "same" or row.differs_within)
        )
        self.cursor = min(bisect_left(self._kept, at), max(len(self._kept) - 1, 0))
        self.sync()

    def count(self) -> int:
        return len(self._kept)

    def empty(self) -> str:
        return self.said or "mark two runs on the screen Runs with space, and press d"

    def row(self, row: int) -> DiffRow | None:
        if self.compared is None or row >= len(self._kept):
            return None
        return self.compared.result.rows[self._kept[row]]

    def heading(self, y: int, width: int) -> Line:
        if self.compared is None:
            return []
        result = self.compared.result
        left, right = halves(width)
        match _HEADINGS[self.head][y]:
            case "runs":
                sides = [[(f"{clean(run.label)}  {run.run_id}", "strong")] for run in self._runs(self.compared)]
                return self._sides("  ", sides[0], sides[1], left, right)
            case "figures":
                return self._sides("  ", summary(result.left), summary(result.right), left, right)
            case "parting":
                return [("  ", "dim"), *self._parting(self.compared)]
            case _:
                first = ("only what differs", "warn") if self.only else ("span", "dim")
                return self._sides("  ", _titled(first, left), _titled(("span", "dim"), right), left, right)

    def _runs(self, compared: Compared) -> tuple[RunModel, RunModel]:
        return compared.left, compared.right

    def _parting(self, compared: Compared) -> Line:
        """Where the runs differ first."""
        divergence = compared.result.divergence
        if divergence is None:
            return [("✓ the same happened in the same order", "ok")]
        event = divergence.one or divergence.other
        line: Line = [("± first difference: ", "warn")]
        if event is not None:
            line += [(f"event {event.seq:,} {event.kind} {clean(event.name)}", "text"), (f"  {event.site}", "name")]
        for path, (one, other) in list(divergence.changes.items())[:2]:
            line.append((f"  {clean(path)}: {clean(brief(one)) or '-'} → {clean(brief(other)) or '-'}", "dim"))
        return line

    def line(self, row: int, width: int) -> Line:
        compared, found = self.compared, self.row(row)
        if compared is None or found is None:
            return []
        sign, role = SIGNS[found.sign]
        if found.sign == "same" and found.differs_within:
            sign, role = "·", "warn"
        left, right = halves(width)
        one = span_text(compared.left, found.left, found.depth, role, left)
        other = span_text(compared.right, found.right, found.depth, role, right)
        return self._sides(f"{sign} ", one, other, left, right, role)

    def _sides(self, sign: str, one: Line, other: Line, left: int, right: int, role: str = "dim") -> Line:
        return [(sign, role), *fitted(one, left), (BETWEEN, "rule"), *fitted(other, right)]

    def step(self, by: int) -> None:
        """To the next row that differs."""
        at = self.cursor + by
        while (found := self.row(at) if at >= 0 else None) is not None and found.sign == "same":
            at += by
        if found is not None:
            self.go(at)

    def action_next_difference(self) -> None:
        self.step(1)

    def action_previous_difference(self) -> None:
        self.step(-1)

    def action_only(self) -> None:
        self.leave(not self.only)


def summary(totals: Totals) -> Line:
    mark, role = MARKS.get(totals.status, "!"), STATUS_ROLES.get(totals.status, "warn")
    figures = (
        time_text(totals.duration),
        plural(totals.calls, "call"),
        f"{count_text(totals.tokens)} tokens" if totals.tokens else "",
        money_text(totals.cost),
        plural(totals.errors, "error") if totals.errors else "",
    )
    return [(f"{mark} {totals.status}  ", role), ("  ".join(figure for figure in figures if figure), "text")]


def span_text(model: RunModel, i: int | None, depth: int, role: str, width: int) -> Line:
    """A span on one side; nothing where the other side alone has it."""
    if i is None:
        return []
    spans = model.spans
    kind, ended = spans.kind(i), spans.ended(i)
    took = ended - spans.started(i) if ended is not None else None
    right = _figures(width, count_text(spans.tokens(i)), money_text(spans.cost(i)), time_text(took))
    step = "  " if width >= 48 else " "
    line: Line = [
        (step * min(depth, 8), "dim"),
        (f"{LETTERS.get(kind, '·')} ", kind_role(kind)),
        (clean(spans.name(i)) or kind, role if role != "text" else "text"),
    ]
    if error := spans.error(i):
        line.append((f"  {clean(error)}", "error"))
    return [*fitted(line, max(width - len(right), 0)), (right, "dim")]


def _titled(title: Piece, width: int) -> Line:
    figures = _figures(width)
    return [*fitted([title], width - len(figures)), (figures, "dim")]


def _figures(width: int, tokens: str = "tokens", cost: str = "cost", time: str = "time") -> str:
    """The columns of a side, as far as there is room beside the names."""
    if width >= 56:
        return f" {tokens:>7} {cost:>7} {time:>7} "
    if width >= 48:
        return f" {tokens:>7} {time:>8} "
    return f" {time:>7} " if width >= 26 else ""


class PairList(Rows):
    """What a pair of spans was given and gave, line by line beside each other."""

    BINDINGS = bindings("pair")
    PANEL = "pair"
    HEAD = 1

    lines: list[DiffLine]
    _laid: list[Line]
    _width = 0
    title = ""

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self.lines, self._laid = [], []
        self._starts: list[int] = []  # of the changed stretches, by row

    def show(self, title: str, lines: list[DiffLine]) -> None:
        self.title, self.lines = title, lines
        self._lay()
        self.cursor = 0
        self.scroll_to(y=0, animate=False, force=True)
        self.sync()

    def sync(self) -> None:
        if self.size.width != self._width:
            self._lay()
        super().sync()

    def count(self) -> int:
        return len(self._laid)

    def line(self, row: int, width: int) -> Line:
        return self._laid[row]

    def heading(self, y: int, width: int) -> Line:
        if not self.title:
            return []
        differ = sum(line.sign != "same" for line in self.lines)
        note = (
            ("the same on both sides", "ok")
            if not differ
            else (f"{plural(differ, 'line')} differ{'s' * (differ == 1)}", "warn")
        )
        return spread([(f" {self.title}", "strong")], [(f" {note[0]} ", note[1])], width)

    def empty(self) -> str:
        return "nothing went in or came out" if self.title else "what a pair was given and gave stands here"

    def action_next_difference(self) -> None:
        self._to(next((row for row in self._starts if row > self.cursor), None))

    def action_previous_difference(self) -> None:
        self._to(next((row for row in reversed(self._starts) if row < self.cursor), None))

    def _to(self, row: int | None) -> None:
        if row is not None:
            self.go(row)

    def _lay(self) -> None:
        """Every line wrapped into its half."""
        self._width = self.size.width
        left, right = halves(self._width - self.styles.scrollbar_size_vertical)
        self._laid, self._starts = [], []
        before = "same"
        for line in self.lines:
            sign, role = SIGNS[line.sign]
            if line.sign != "same" and before == "same":
                self._starts.append(len(self._laid))
            before = line.sign
            one = wrapped(line.left, left) if line.left is not None else []
            other = wrapped(line.right, right) if line.right is not None else []
            for at in range(max(len(one), len(other))):
                first = [(one[at], role)] if at < len(one) else []
                second = [(other[at], role)] if at < len(other) else []
                mark = (f"{sign} " if not at else "  ", role)
                self._laid.append([mark, *fitted(first, left), (BETWEEN, "rule"), *fitted(second, right)])
