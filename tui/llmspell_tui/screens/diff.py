"""The screen Diff: two runs side by side, from where they part; below, what a pair of spans was given and gave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from textual.app import ComposeResult

from llmspell.errors import StoreError
from llmspell.traces.summary import brief
from llmspell_tui.actions import bindings
from llmspell_tui.feed.compared import Compared, Comparison, Stopped
from llmspell_tui.messages import Chosen, Opened
from llmspell_tui.model.diff import DiffLine, DiffRow, Totals, side_by_side
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.view import View
from llmspell_tui.theme import LETTERS, MARKS, STATUS_ROLES, kind_role
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.exchange import exchange
from llmspell_tui.widgets.figures import count_text, money_text, plural, time_text
from llmspell_tui.widgets.lines import Line, clean, fitted, wrapped
from llmspell_tui.widgets.rows import Rows

#: How a row or a line differs, and the role it is shown in.
_SIGNS: Final = {"same": (" ", "text"), "changed": ("±", "warn"), "left": ("-", "removed"), "right": ("+", "added")}
_BETWEEN: Final = " │ "


def halves(width: int) -> tuple[int, int]:
    """Cells of the two sides, with the sign and the line between them taken off."""
    room = max(width - 2 - len(_BETWEEN), 2)
    return (room + 1) // 2, room // 2


class DiffList(Rows):
    """The spans of both runs, each pair on a row. The headings are the runs' totals and their first difference."""

    BINDINGS = bindings("diff")
    PANEL = "diff"
    HEAD = 4
    STAYS = True

    compared: Compared | None = None
    said = ""

    def count(self) -> int:
        return len(self.compared.result.rows) if self.compared is not None else 0

    def empty(self) -> str:
        return self.said or "mark two runs on the screen Runs with space, and press d"

    def row(self, row: int) -> DiffRow | None:
        return self.compared.result.rows[row] if self.compared is not None else None

    def heading(self, y: int, width: int) -> Line:
        if self.compared is None:
            return []
        result = self.compared.result
        left, right = halves(width)
        match y:
            case 0:
                sides = [[(f"{clean(run.label)}  {run.run_id}", "strong")] for run in self._runs(self.compared)]
                return self._sides("  ", sides[0], sides[1], left, right)
            case 1:
                return self._sides("  ", summary(result.left), summary(result.right), left, right)
            case 2:
                return [("  ", "dim"), *self._parting(self.compared)]
            case _:
                return [("  ", "dim"), ("span", "dim")]

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
        compared = self.compared
        if compared is None:
            return []
        found = compared.result.rows[row]
        sign, role = _SIGNS[found.sign]
        if found.sign == "same" and found.differs_within:
            sign, role = "·", "warn"
        left, right = halves(width)
        one = span_text(compared.left, found.left, found.depth, role, left)
        other = span_text(compared.right, found.right, found.depth, role, right)
        return self._sides(f"{sign} ", one, other, left, right, role)

    def _sides(self, sign: str, one: Line, other: Line, left: int, right: int, role: str = "dim") -> Line:
        return [(sign, role), *fitted(one, left), (_BETWEEN, "rule"), *fitted(other, right)]

    def step(self, by: int) -> None:
        """To the next row that differs."""
        rows = self.compared.result.rows if self.compared is not None else ()
        at = self.cursor + by
        while 0 <= at < len(rows) and rows[at].sign == "same":
            at += by
        if 0 <= at < len(rows):
            self.go(at)

    def action_next_difference(self) -> None:
        self.step(1)

    def action_previous_difference(self) -> None:
        self.step(-1)


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
    right = f" {count_text(spans.tokens(i)):>6} {time_text(ended - spans.started(i) if ended is not None else None):>8}"
    line: Line = [
        ("  " * min(depth, 8), "dim"),
        (f"{LETTERS.get(kind, '·')} ", kind_role(kind)),
        (clean(spans.name(i)) or kind, role if role != "text" else "text"),
    ]
    if error := spans.error(i):
        line.append((f"  {clean(error)}", "error"))
    return [*fitted(line, max(width - len(right), 0)), (right, "dim")] if width > len(right) + 12 else line


class PairList(Rows):
    """What a pair of spans was given and gave, line by line beside each other."""

    PANEL = "lines"
    HEAD = 1

    lines: list[DiffLine]
    _laid: list[Line]
    _width = 0
    title = ""

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self.lines, self._laid = [], []

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
        return [(f" {self.title}", "strong")]

    def _lay(self) -> None:
        """Every line wrapped into its half."""
        self._width = self.size.width
        left, right = halves(self._width - self.styles.scrollbar_size_vertical)
        self._laid = []
        for line in self.lines:
            sign, role = _SIGNS[line.sign]
            one = wrapped(line.left, left) if line.left is not None else []
            other = wrapped(line.right, right) if line.right is not None else []
            for at in range(max(len(one), len(other))):
                first = [(one[at], role)] if at < len(one) else []
                second = [(other[at], role)] if at < len(other) else []
                mark = (f"{sign} " if not at else "  ", role)
                self._laid.append([mark, *fitted(first, left), (_BETWEEN, "rule"), *fitted(second, right)])


class DiffView(View):
    DEFAULT_CSS = """
    DiffView DiffList { height: 55%; }
    DiffView PairList { height: 45%; border-top: solid $rule; }
    """
    FIRST = "#diff"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._comparison: Comparison | None = None

    def compose(self) -> ComposeResult:
        yield DiffList(self.desk, id="diff")
        yield PairList(self.desk, id="pair")

    @property
    def pairs(self) -> DiffList:
        return self.query_one(DiffList)

    def advance(self) -> None:
        """Two runs are compared as they were when they were read."""

    def begin(self) -> None:
        super().begin()
        if self._comparison is None:
            self._with_the_one_before()

    def _with_the_one_before(self) -> None:
        """The run on the desk and the last one of the same spell before it."""
        model = self.desk.model
        if model is None:
            return
        same = [run for run in self.desk.runs if run.meta.label == model.label]
        at = next((at for at, run in enumerate(same) if run.meta.id == model.run_id), None)
        if at is not None and at + 1 < len(same):
            self.compare(same[at + 1].path, same[at].path)

    def compare(self, left: Path, right: Path) -> None:
        """left: the run that stands at the left, as a rule the older one."""
        before, self._comparison = self._comparison, Comparison(left, right)
        if before is not None:
            before.close()
        pairs = self.pairs
        pairs.compared, pairs.said = None, "reading both runs"
        pairs.sync()
        self.run_worker(partial(self._read, self._comparison), group="compare", exclusive=True)

    async def _read(self, comparison: Comparison) -> None:
        pairs, loop = self.pairs, asyncio.get_running_loop()

        def report(done: int, total: int) -> bool:
            loop.call_soon_threadsafe(told, f"reading both runs: {done * 100 // max(total, 1)} %")
            return comparison is self._comparison

        def told(text: str) -> None:
            if comparison is self._comparison and pairs.compared is None:
                pairs.said = text
                pairs.refresh()

        try:
            compared = await asyncio.to_thread(comparison.read, report)
        except Stopped:
            return
        except StoreError as error:
            told(error.message)
            return
        if comparison is self._comparison:
            pairs.compared = compared
            pairs.sync()
            pairs.go(compared.result.first_row or 0)
            self._tell()

    def on_chosen(self, event: Chosen) -> None:
        event.stop()
        if event.widget == "diff":
            self._tell()

    def on_opened(self, event: Opened) -> None:
        event.stop()
        if event.widget == "diff":
            self.query_one(PairList).focus()

    def _tell(self) -> None:
        if self._comparison is not None and self.pairs.compared is not None:
            self.run_worker(partial(self._fetch, self._comparison, self.pairs.compared), group="pair", exclusive=True)

    async def _fetch(self, comparison: Comparison, compared: Compared) -> None:
        row = self.pairs.row(self.pairs.cursor)
        if row is None:
            return
        texts: list[str] = []
        for side, (model, i) in enumerate(((compared.left, row.left), (compared.right, row.right))):
            texts.append(await asyncio.to_thread(told_of(comparison, side, model, i)) if i is not None else "")
        model, i = (compared.left, row.left) if row.left is not None else (compared.right, row.right)
        title = clean(model.spans.name(i)) if i is not None else ""
        self.query_one(PairList).show(title, side_by_side(*texts))

    def site(self) -> str:
        compared, row = self.pairs.compared, self.pairs.row(self.pairs.cursor)
        if compared is None or row is None:
            return ""
        if row.right is not None:
            return compared.right.spans.site(row.right)
        return compared.left.spans.site(row.left) if row.left is not None else ""


def told_of(comparison: Comparison, side: int, model: RunModel, i: int) -> Callable[[], str]:
    """Reads what a span was given and gave, as text."""

    def read() -> str:
        try:
            page = exchange(comparison.span(side, model, i), "", model.spans.status(i) == "running")
        except StoreError as error:
            return error.message
        return "\n".join(page.plain(at) for at, entry in enumerate(page.entries) if not entry.depth)

    return read
