"""Calls, errors, tokens, cost and times of a run by kind, agent, tool or model. For the screen Metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from llmspell_tui.model.spans import SpanTable

By = Literal["kind", "agent", "tool", "model"]


@dataclass(slots=True)
class Metric:
    """calls: spans begun; running: those not over. tokens, cost: of an agent with everything inside its own spans, else
    the spans' own. times: of those that are over, in ms, sorted once asked."""

    name: str
    calls: int = 0
    errors: int = 0
    running: int = 0
    tokens: int = 0
    cost: float | None = None
    times: list[float] = field(default_factory=list[float], repr=False)

    @property
    def total_time(self) -> float:
        return sum(self.times)

    @property
    def p50(self) -> float | None:
        return quantile(self.times, 0.5)

    @property
    def p95(self) -> float | None:
        return quantile(self.times, 0.95)


def metrics(spans: SpanTable, by: By) -> list[Metric]:
    """At the moment shown, the dearest and slowest first."""
    wanted = {"agent": "execution", "tool": "tool", "model": "llm_call"}.get(by)
    found: dict[str, Metric] = {}
    for i in range(spans.begun):
        kind = spans.kind(i)
        if wanted is not None and kind != wanted:
            continue
        name = kind if wanted is None else spans.name(i)
        metric = found.get(name)
        if metric is None:
            metric = found[name] = Metric(name)
        metric.calls += 1
        ended = spans.ended(i)
        if ended is None:
            metric.running += 1
        else:
            metric.times.append(ended - spans.started(i))
        metric.errors += spans.status(i) == "error"
        nested = by == "agent" and _within_own(spans, i)
        if nested:
            continue
        metric.tokens += spans.tokens(i) if by == "agent" else spans.own_tokens(i)
        cost = spans.cost(i) if by == "agent" else spans.own_cost(i)
        if cost is not None:
            metric.cost = (metric.cost or 0.0) + cost
    return sorted(found.values(), key=lambda metric: (-(metric.cost or 0.0), -metric.tokens, -metric.total_time))


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of them does not exceed."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def _within_own(spans: SpanTable, i: int) -> bool:
    """Whether an agent's span lies in another of the same agent, which has its figures already."""
    above = spans.parent(i)
    while above is not None:
        if spans.kind(above) == "execution" and spans.names[above] == spans.names[i]:
            return True
        above = spans.parent(above)
    return False
