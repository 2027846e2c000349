"""Bars of spans against time: of the rows on a screen, over the time that these take or that the whole run took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from llmspell.frozen import frozen
from llmspell_tui.model.run import RunModel

Axis = Literal["fit", "whole"]


@frozen
class Bar:
    """start, width: in cells, fractions of one too; a span that began and ended at once is `width` 0. status: as the
    table has it."""

    span: int
    start: float
    width: float
    status: str


@frozen
class Waterfall:
    """begin, end: the times at the left and the right edge, in ms since 1970."""

    begin: float
    end: float
    bars: tuple[Bar, ...]

    def time_at(self, cell: float, width: int) -> float:
        """The moment that a cell of the axis stands for."""
        return self.begin + (self.end - self.begin) * cell / max(1, width)


def waterfall(
    model: RunModel, rows: Sequence[int], width: int, *, axis: Axis = "fit", now: float | None = None
) -> Waterfall:
    """rows: the spans on the screen, as `SpanTable.rows` gives them. now: where running spans end, the newest event's
    time unless given.

    fit: from the first start to the last end of the innermost rows, as those around them reach over both edges; whole:
    the run's.
    """
    spans = model.spans
    moment = model.time_of(model.moment) if model.moment is not None else None
    newest = moment if moment is not None else max(model.newest, now or 0.0)
    edges = [(spans.started(i), newest if (end := spans.ended(i)) is None else end) for i in rows]
    if axis == "whole" or not rows:
        begin, end = model.began, newest if model.ended is None or moment is not None else model.ended
    else:
        begin, end = _fitted(model, rows, edges)
    scale = width / (end - begin) if end > begin else 0.0
    bars = tuple(
        _bar(i, spans.status(i), (start - begin) * scale, (over - begin) * scale, width)
        for i, (start, over) in zip(rows, edges)
    )
    return Waterfall(begin, end, bars)


def _fitted(model: RunModel, rows: Sequence[int], edges: list[tuple[float, float]]) -> tuple[float, float]:
    """The time of the innermost rows: those around them (the run itself) reach over both edges."""
    spans = model.spans
    shown = {*rows}
    around = {parent for i in rows if (parent := spans.parent(i)) in shown}
    inner = [edge for i, edge in zip(rows, edges) if i not in around] or edges
    begin, end = min(start for start, _ in inner), max(over for _, over in inner)
    return begin, max(begin, end)


def _bar(span: int, status: str, start: float, end: float, width: int) -> Bar:
    left, right = min(max(start, 0.0), width), min(max(end, 0.0), width)
    return Bar(span, left, max(0.0, right - left), status)
