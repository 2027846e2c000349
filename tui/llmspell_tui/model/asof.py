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
    errors = bisect_right(spans.failures, moment)
    status = spans.status(0) if len(spans) else "running"
    return AsOf(status, time, max(time - model.began, 0.0), errors, calls, min(moment, model.events))
