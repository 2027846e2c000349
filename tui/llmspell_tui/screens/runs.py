"""The screen Runs: every run of the project, live ones first; one is opened, two are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.message import Message

from llmspell.traces.meta import RunMeta
from llmspell_tui.actions import bindings
from llmspell_tui.feed.runs import StoredRun
from llmspell_tui.messages import Chosen, Opened
from llmspell_tui.screens.view import View
from llmspell_tui.theme import MARKS, STATUS_ROLES
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.figures import count_text, day_text, money_text, time_text
from llmspell_tui.widgets.lines import Line, clean, fitted, spread, tail
from llmspell_tui.widgets.rows import Rows

#: Columns from which the list says when a run began.
_DATED: Final = 34


class ShowRun(Message):
    """A run is to be shown on the screen Trace."""

    def __init__(self, run: StoredRun) -> None:
        self.run = run
        super().__init__()


class CompareRuns(Message):
    """Two runs are to be compared."""

    def __init__(self, one: str, other: str) -> None:
        self.one = one
        self.other = other
        super().__init__()


class RunList(Rows):
    BINDINGS = bindings("runs")
    PANEL = "runs"
    HEAD = 1
    STAYS = True

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self.marked: list[str] = []
        self.text = ""
        self._runs: Sequence[StoredRun] = ()
        self._of: tuple[object, str] = (None, "")
        self._at = ""

    def sync(self) -> None:
        if self._of != (id(self.desk.runs), self.text):
            self._of = (id(self.desk.runs), self.text)
            words = self.text.lower().split()
            self._runs = [run for run in self.desk.runs if all(word in said(run) for word in words)]
            # The cursor stays on its run while new ones come in above it.
            self.cursor = next((row for row, run in enumerate(self._runs) if run.meta.id == self._at), 0)
        super().sync()

    def count(self) -> int:
        return len(self._runs)

    def run_at(self, row: int) -> StoredRun | None:
        return self._runs[row] if row < len(self._runs) else None

    def copied(self) -> str:
        """Its number: every command takes it."""
        run = self.run_at(self.cursor)
        return run.meta.id if run is not None else ""

    def moved(self) -> None:
        self._at = self._runs[self.cursor].meta.id
        super().moved()

    def empty(self) -> str:
        return "no run matches" if self.text else "no run yet: `llmspell run FILE` records one"

    def heading(self, y: int, width: int) -> Line:
        right: Line = [
            (f"{'time':>8}{'tokens':>8}{'cost':>10}" if width >= 70 else f"{'time':>8}", "dim"),
            (" ", "dim"),
        ]
        return spread([("   started   " if width >= _DATED else "   ", "dim"), ("spell", "dim")], right, width)

    def line(self, row: int, width: int) -> Line:
        run = self._runs[row].meta
        status = run.status
        mark = "●" if run.id in self.marked else " "
        model = self.desk.model
        shown = model is not None and model.run_id == run.id
        tokens = run.input_tokens + run.output_tokens
        took = time_text(run.duration if run.duration is not None else None) or ("live" if status == "running" else "")
        figures = f"{took:>8}"
        if width >= 70:
            figures += f"{count_text(tokens):>8}{money_text(run.cost):>10}"
        left: Line = [
            (mark, "key"),
            (f"{MARKS.get(status, '!')} ", STATUS_ROLES.get(status, "warn")),
            *(fitted([(day_text(run.started, self.desk.now_ms()), "dim")], 10) if width >= _DATED else ()),
            (clean(tail(run.label, max(width - 46, 16))), "strong" if shown else "text"),
        ]
        if run.parent:
            left.append((f"  {_descent(run)} {run.parent}", "dim"))
        if width >= 90:
            figures = f"  {run.id}{figures}"
        return spread(left, [(figures + " ", "text")], width)

    def action_mark(self) -> None:
        run = self.run_at(self.cursor)
        if run is None:
            return
        if run.meta.id in self.marked:
            self.marked.remove(run.meta.id)
        else:
            self.marked = [*self.marked[-1:], run.meta.id]
        self.refresh()

    def action_compare(self) -> None:
        run, model = self.run_at(self.cursor), self.desk.model
        pair = (
            self.marked if len(self.marked) == 2 else [model.run_id, run.meta.id] if run is not None and model else []
        )
        if len(pair) == 2 and pair[0] != pair[1]:
            self.post_message(CompareRuns(pair[0], pair[1]))


def _descent(run: RunMeta) -> str:
    """What the run has from its parent."""
    if run.forked:
        return f"from event {run.forked:,} of"
    return "goes on from" if run.resumed else "begins as" if run.prefixed else "replay of"


def said(run: StoredRun) -> str:
    """What a filter looks into."""
    meta = run.meta
    return f"{meta.id} {meta.label} {meta.status} status:{meta.status}".lower()


class RunsView(View):
    DEFAULT_CSS = """
    RunsView RunList { height: 1fr; }
    """
    FILTERS = True
    HINT = "words of a run's number, its spell or its status"

    def compose(self) -> ComposeResult:
        yield RunList(self.desk, id="runs")

    def filter(self, text: str) -> None:
        rows = self.query_one(RunList)
        rows.text = text
        rows.sync()

    def wrong(self, text: str) -> str:
        return ""

    def site(self) -> str:
        rows = self.query_one(RunList)
        run = rows.run_at(rows.cursor)
        return f"{run.meta.spell}:1" if run is not None and run.meta.spell else ""

    def on_chosen(self, event: Chosen) -> None:
        event.stop()

    def on_opened(self, event: Opened) -> None:
        event.stop()
        run = self.query_one(RunList).run_at(event.row)
        if run is not None:
            self.post_message(ShowRun(run))
