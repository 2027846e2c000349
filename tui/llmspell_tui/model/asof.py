"""A run's own figures as of a moment: how it was, how long it had taken, what had gone wrong. Knows no screen."""

from __future__ import annotations

from bisect import bisect_right

from llmspell.frozen import frozen
from llmspell_tui.model.run import RunModel


@frozen
class AsOf:
    """status: of the run. time: ms since 1970. spent: ms since it began. errors: spans that had failed. calls: model
    calls that had begun. events: how many there had been."""

    status: str
    time: float
    spent: float
    errors: int
    calls: int
    events: int


def as_of(model: RunModel, moment: int) -> AsOf:
    spans = model.spans
    time = model.time_of(moment)
    begun = bisect_right(spans.firsts, moment)
    # Counting a byte in a million takes 1 ms.
    calls = spans.kinds[:begun].count(spans.kind_names.number("llm_call"))
    errors = sum(0 < spans.lasts[i] <= moment for i in failed(model))
    status = spans.status(0) if len(spans) else "running"
    return AsOf(status, time, max(time - model.began, 0.0), errors, calls, min(moment, model.events))


def failed(model: RunModel) -> list[int]:
    """The spans that failed, by index; 1 ms for a million spans of which few did."""
    spans = model.spans
    number = spans.status_names.number("error")
    found: list[int] = []
    at = -1
    for _ in range(spans.errors):
        at = spans.statuses.index(number, at + 1)
        found.append(at)
    return found
