"""The screen Metrics: where time, tokens and money went, as a flame, and by agent, model, tool and kind as a table."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from textual import events
from textual.app import ComposeResult

from llmspell_tui.actions import bindings
from llmspell_tui.messages import Chosen, Opened, ShowSpans
from llmspell_tui.model.metrics import By, Metric, metrics
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.view import View
from llmspell_tui.theme import kind_role, kind_word
from llmspell_tui.widgets.adding import Adding
from llmspell_tui.widgets.figures import count_text, money_text, time_text
from llmspell_tui.widgets.flame import Flame
from llmspell_tui.widgets.lines import Line, clean, spread

#: The tables: by what, title, the kind of the spans in it.
_TABLES: Final[tuple[tuple[By, str, str], ...]] = (
    ("agent", "Agents", "execution"),
    ("model", "Models", "llm_call"),
    ("tool", "Tools", "tool"),
    ("kind", "Kinds", ""),
)


class Figure(NamedTuple):
    """metric: None for the heading of a table. kind: of the spans it is about."""

    title: str
    kind: str
    metric: Metric | None


class MetricTable(Adding):
    BINDINGS = bindings("metrics")
    PANEL = "metrics"
    HEAD = 1
    STAYS = True

    text = ""
    _all: tuple[Figure, ...] = ()
    _figures: tuple[Figure, ...] = ()

    def wanted(self) -> tuple[object, ...] | None:
        model = self.desk.model
        return (id(model), model.moment) if model is not None else None

    def work(self) -> Callable[[], tuple[Figure, ...]]:
        model = self.desk.model
        assert model is not None  # something is wanted
        return partial(table, model)

    def added(self, figures: tuple[Figure, ...] | None) -> None:
        self._all = figures or ()
        self.leave(self.text)

    def leave(self, text: str) -> None:
        """Show only the lines in which all its words stand."""
        at = self.figure(self.cursor) if self.cursor < self.count() else None
        self.text, words = text, text.lower().split()
        kept = [figure for figure in self._all if figure.metric is None or _holds(figure, words)]
        # A heading with no line below it goes too.
        self._figures = tuple(
            figure
            for figure, after in zip(kept, [*kept[1:], None])
            if figure.metric is not None or (after is not None and after.metric is not None)
        )
        same = (
            y for y, figure in enumerate(self._figures) if at is not None and at.metric and told(figure) == told(at)
        )
        self.cursor = next(same, next((y for y, figure in enumerate(self._figures) if figure.metric), 0))

    def count(self) -> int:
        return len(self._figures)

    def figure(self, row: int) -> Figure:
        return self._figures[row]

    def empty(self) -> str:
        if self.adding:
            return "adding up …"
        return "nothing matches" if self.text else "nothing has run yet"

    def heading(self, y: int, width: int) -> Line:
        return spread([(" ", "dim")], [(text, "dim") for _, text in cut(_HEADINGS, width)], width)

    def line(self, row: int, width: int) -> Line:
        figure = self._figures[row]
        metric = figure.metric
        if metric is None:
            return [(f" {figure.title}", "strong")]
        name = clean(kind_word(metric.name) if not figure.kind else metric.name)
        left: Line = [("   ", "text"), (name, kind_role(figure.kind or metric.name))]
        if metric.running:
            over = self.desk.model is not None and self.desk.model.complete and self.desk.model.moment is None
            left.append(
                (f"  {metric.running} unended", "warn") if over else (f"  ● {metric.running} running", "running")
            )
        texts = (
            count_text(metric.calls),
            count_text(metric.errors),
            count_text(metric.tokens),
            money_text(metric.cost),
            time_text(metric.total_time),
            time_text(metric.p50),
            time_text(metric.p95),
        )
        return spread(
            left, [(text, "error" if metric.errors and at == 1 else "text") for at, text in cut(texts, width)], width
        )


_HEADINGS: Final = ("calls", "errors", "tokens", "cost", "time", "p50", "p95")
#: Each column's cells, and the width of the list from which it is shown.
_WIDTHS: Final = ((7, 36), (8, 44), (8, 28), (10, 70), (9, 0), (9, 78), (9, 60))


def cut(texts: tuple[str, ...], width: int) -> list[tuple[int, str]]:
    """The columns that have room, each flush right, with their places."""
    shown = [(at, f"{text:>{_WIDTHS[at][0]}}") for at, text in enumerate(texts) if width >= _WIDTHS[at][1]]
    return [*shown, (-1, " ")]


def told(figure: Figure) -> tuple[str, str]:
    """What a line is about, whatever its figures are."""
    return figure.title, figure.metric.name if figure.metric is not None else ""


def _holds(figure: Figure, words: list[str]) -> bool:
    said = f"{figure.title} {figure.kind} {figure.metric.name if figure.metric else ''}".lower()
    return all(word in said for word in words)


def table(model: RunModel) -> tuple[Figure, ...]:
    """Every table that has a line."""
    found: list[Figure] = []
    for by, title, kind in _TABLES:
        inside = metrics(model.spans, by)
        if inside:
            found += [Figure(title, kind, None), *(Figure(title, kind, metric) for metric in inside)]
    return tuple(found)


class MetricsView(View):
    DEFAULT_CSS = """
    MetricsView Flame { height: 45%; }
    MetricsView MetricTable { height: 55%; border-top: solid $rule; }
    MetricsView.flat Flame { display: none; }
    MetricsView.flat MetricTable { height: 1fr; border-top: none; }
    """
    FIRST = "#flame"
    FILTERS = True
    HINT = "words of the table: an agent, a model, a tool, a kind"

    def compose(self) -> ComposeResult:
        yield Flame(self.desk, id="flame")
        yield MetricTable(self.desk, id="metrics")

    @property
    def table(self) -> MetricTable:
        return self.query_one(MetricTable)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < 12, "flat")

    def begin(self) -> None:
        (self.table if self.has_class("flat") else self.query_one(Flame)).focus()

    def filter(self, text: str) -> None:
        self.table.leave(text)
        self.table.sync()

    def action_measure(self) -> None:
        self.query_one(Flame).action_measure()

    def site(self) -> str:
        model, box = self.desk.model, self.query_one(Flame).box()
        return model.spans.site(box.span) if model is not None and box is not None else ""

    def on_chosen(self, event: Chosen) -> None:
        event.stop()

    def on_opened(self, event: Opened) -> None:
        """Enter on a line of the table: the trace, with only its spans."""
        event.stop()
        if event.widget != "metrics":
            return
        figure = self.table.figure(event.row)
        if figure.metric is not None:
            kind = figure.kind or figure.metric.name
            named = f' name:"{figure.metric.name}"' if figure.kind else ""
            self.post_message(ShowSpans(f"kind:{kind}{named}"))
