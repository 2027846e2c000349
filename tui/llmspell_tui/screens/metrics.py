"""The screen Metrics: where time, tokens and money went, as a flame, and by agent, model, tool and kind as a table."""

from __future__ import annotations

from typing import Final, NamedTuple

from textual import events
from textual.app import ComposeResult

from llmspell_tui.actions import bindings
from llmspell_tui.messages import Chosen, Opened, ShowSpans
from llmspell_tui.model.metrics import By, Metric, metrics
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.view import View
from llmspell_tui.theme import kind_role, kind_word
from llmspell_tui.widgets.figures import count_text, money_text, time_text
from llmspell_tui.widgets.flame import Flame
from llmspell_tui.widgets.lines import Line, clean, spread
from llmspell_tui.widgets.rows import Rows

#: The tables: by what, title, the kind of the spans in it.
_TABLES: Final[tuple[tuple[By, str, str], ...]] = (
    ("agent", "Agents", "execution"),
    ("model", "Models", "llm_call"),
    ("tool", "Tools", "tool"),
    ("kind", "Kinds", ""),
)
#: Spans up to which the table is made anew with each picture (30 ms).
_LIVELY: Final = 10_000


class Figure(NamedTuple):
    """metric: None for the heading of a table. kind: of the spans it is about."""

    title: str
    kind: str
    metric: Metric | None


class MetricTable(Rows):
    BINDINGS = bindings("metrics")
    PANEL = "metrics"
    HEAD = 1
    STAYS = True

    text = ""
    _of: object = None
    _figures: tuple[Figure, ...] = ()

    def sync(self) -> None:
        model = self.desk.model
        if model is None:
            self._of, self._figures = None, ()
        else:
            lively = len(model.spans) <= _LIVELY
            key = (id(model), self.text, model.moment, model.status, model.seq if lively else 0)
            if key != self._of:
                self._of = key
                self._figures = table(model, self.text)
        super().sync()

    def count(self) -> int:
        return len(self._figures)

    def figure(self, row: int) -> Figure:
        return self._figures[row]

    def empty(self) -> str:
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
            left.append((f"  ● {metric.running} running", "running"))
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
_WIDTHS: Final = ((7, 0), (8, 44), (8, 0), (10, 70), (9, 0), (9, 78), (9, 60))


def cut(texts: tuple[str, ...], width: int) -> list[tuple[int, str]]:
    """The columns that have room, each flush right, with their places."""
    shown = [(at, f"{text:>{_WIDTHS[at][0]}}") for at, text in enumerate(texts) if width >= _WIDTHS[at][1]]
    return [*shown, (-1, " ")]


def table(model: RunModel, text: str) -> tuple[Figure, ...]:
    """Every table that has a line; `text` leaves the lines in which it stands."""
    found: list[Figure] = []
    for by, title, kind in _TABLES:
        inside = [metric for metric in metrics(model.spans, by) if text.lower() in metric.name.lower()]
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
        self.table.text = text
        self.table.sync()

    def wrong(self, text: str) -> str:
        return ""

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
