"""The screen Diff: two runs side by side, from where they part; below, what a pair of spans was given and gave."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from textual import events
from textual.app import ComposeResult

from llmspell.errors import StoreError
from llmspell_tui.feed.compared import Compared, Comparison, Stopped
from llmspell_tui.feed.trouble import trouble_of
from llmspell_tui.messages import Chosen, Opened
from llmspell_tui.model.diff import DiffLine, side_by_side
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.view import View
from llmspell_tui.theme import kind_word
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.exchange import exchange
from llmspell_tui.widgets.lines import clean
from llmspell_tui.widgets.sides import DiffList, PairList


class DiffView(View):
    """Two runs that were marked; until some are, the run on the desk and the last one of the same spell before it."""

    DEFAULT_CSS = """
    DiffView DiffList { height: 55%; }
    DiffView PairList { height: 45%; border-top: solid $rule; }
    DiffView.flat DiffList { height: 1fr; }
    DiffView.flat PairList { display: none; }
    """
    FIRST = "#diff"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._comparison: Comparison | None = None
        self._marked = False  # these two were asked for
        self._as_of: object = None  # the run on the desk that was compared, and how it was

    def compose(self) -> ComposeResult:
        yield DiffList(self.desk, id="diff")
        yield PairList(self.desk, id="pair")

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < 14, "flat")

    def on_unmount(self) -> None:
        if self._comparison is not None:
            self._comparison.close()

    @property
    def pairs(self) -> DiffList:
        return self.query_one(DiffList)

    def renew(self) -> None:
        super().renew()
        self.advance()

    def advance(self) -> None:
        """Two runs are compared as they were when they were read; one that goes on, again when it has ended."""
        model = self.desk.model
        as_of = model and (model.run_id, model.status == "running", len(self.desk.runs))
        if not self._marked and as_of != self._as_of:
            self._as_of = as_of
            self._with_the_one_before()

    def _with_the_one_before(self) -> None:
        """The run on the desk and the last one of the same spell before it."""
        model = self.desk.model
        this = next((run for run in self.desk.runs if model is not None and run.meta.id == model.run_id), None)
        if this is None:
            return
        older = [
            run
            for run in self.desk.runs
            if run.meta.spell == this.meta.spell and run.meta.started < this.meta.started and run is not this
        ]
        before = max(older, key=lambda run: run.meta.started, default=None)
        if before is not None:
            self._compare(before.path, this.path)
        else:
            self.pairs.show(None, "the spell's first run: two are marked with space on the screen Runs")

    def compare(self, left: Path, right: Path) -> None:
        """Two runs that were asked for. left: the one that stands at the left, as a rule the older one."""
        self._marked = True
        self._compare(left, right)

    def _compare(self, left: Path, right: Path) -> None:
        before, self._comparison = self._comparison, Comparison(left, right)
        if before is not None:
            self.run_worker(asyncio.to_thread(before.close), group="close")
        self.pairs.show(None, "reading both runs")
        self.query_one(PairList).show("", [])
        self.run_worker(partial(self._read, self._comparison), group="compare", exclusive=True)

    async def _read(self, comparison: Comparison) -> None:
        pairs, loop = self.pairs, asyncio.get_running_loop()

        def report(done: int, total: int) -> bool:
            share = done * 100 // max(total, 1)
            loop.call_soon_threadsafe(told, f"reading both runs: {share} %" if share < 100 else "comparing them")
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
            told(trouble_of(error).text)
            return
        if comparison is self._comparison:
            pairs.show(compared)
            self.call_after_refresh(self._to_first, comparison, compared)  # there is a scroll bar then

    def _to_first(self, comparison: Comparison, compared: Compared) -> None:
        if comparison is self._comparison:
            self.pairs.go(compared.result.first_row or 0)
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

        def told() -> list[DiffLine]:
            left = told_of(comparison, 0, compared.left, row.left)
            right = told_of(comparison, 1, compared.right, row.right)
            return beside(left, right)

        lines = await asyncio.to_thread(told)
        model, i = (compared.left, row.left) if row.left is not None else (compared.right, row.right)
        title = f"{kind_word(model.spans.kind(i))} {clean(model.spans.name(i))}" if i is not None else ""
        if comparison is self._comparison:
            self.query_one(PairList).show(title, lines)

    def site(self) -> str:
        compared, row = self.pairs.compared, self.pairs.row(self.pairs.cursor)
        if compared is None or row is None:
            return ""
        if row.right is not None:
            return compared.right.spans.site(row.right)
        return compared.left.spans.site(row.left) if row.left is not None else ""


def told_of(comparison: Comparison, side: int, model: RunModel, i: int | None) -> str:
    """What a span was given and gave, as text; "" for none. Reads the run's file."""
    if i is None:
        return ""
    try:
        page = exchange(comparison.span(side, model, i), "", model.spans.status(i) == "running")
    except StoreError as error:
        return trouble_of(error).text
    lines: list[str] = []
    for entry in page.entries:
        said = "".join(text for text, _ in entry.pieces) or entry.text
        lines += ["  " * entry.depth + line for line in said.split("\n")]
    return "\n".join(lines)


def beside(left: str, right: str) -> list[DiffLine]:
    """Line by line; where one side has nothing, the other one's lines alone."""
    if left and right:
        return side_by_side(left, right)
    alone = [DiffLine(line, None, "left") for line in left.split("\n") if left]
    return alone or [DiffLine(None, line, "right") for line in right.split("\n") if right]
