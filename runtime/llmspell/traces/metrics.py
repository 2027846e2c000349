"""Metrics: counters, gauges and histograms by name and labels. Plain values: knows no event and no format.

Each combination of labels is a series. A metric has at most `SERIES` of them; what comes after is counted together
under the label that OpenTelemetry has for it, so that a label with endless values neither fills the memory nor is lost.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from llmspell.frozen import frozen

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[tuple[str, str], ...]

#: Upper bounds of a histogram's buckets: seconds, milliseconds and tokens all find their place among them.
BUCKETS: Final[tuple[float, ...]] = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500),
    *(1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000),
)
SERIES: Final = 1_000
METRICS: Final = 1_000
OVERFLOW: Final[Labels] = (("otel.metric.overflow", "true"),)
#: Values of a histogram that its quantiles are taken of: the newest ones.
_RECENT: Final = 1_000


@frozen
class About:
    """What a metric is: its kind, and for people what it says."""

    kind: Kind
    doc: str


class Histogram:
    """Values that were measured: how many, their sum, how they are spread."""

    __slots__ = ("buckets", "count", "least", "most", "recent", "sum")

    def __init__(self) -> None:
        self.count = 0
        self.sum = 0.0
        self.least = math.inf
        self.most = -math.inf
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.recent: deque[float] = deque(maxlen=_RECENT)

    def observe(self, value: float) -> None:
        self.count += 1
        self.sum += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)
        self.buckets[bisect_left(BUCKETS, value)] += 1
        self.recent.append(value)

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Each bucket's upper bound with the number of values up to it; the last bound is infinite."""
        total = 0
        for bound, count in zip((*BUCKETS, math.inf), self.buckets):
            total += count
            yield bound, total

    def summary(self) -> dict[str, float]:
        return _summary([self])


@dataclass(slots=True)
class Family:
    """One metric. newest: the gauge's value that was set last, whatever its labels."""

    name: str
    about: About
    series: dict[Labels, float | Histogram] = field(default_factory=dict[Labels, "float | Histogram"])
    newest: float = 0.0
    overflowed: bool = False

    def place(self, labels: Labels) -> Labels:
        """The labels that a value is kept under."""
        if labels in self.series or len(self.series) < SERIES:
            return labels
        self.overflowed = True
        return OVERFLOW


class Metrics:
    """Metrics by name. A name has one kind; values for it of another kind are refused by `record`."""

    def __init__(self) -> None:
        self.families: dict[str, Family] = {}

    def kind_of(self, name: str) -> Kind | None:
        found = self.families.get(name)
        return found.about.kind if found else None

    def record(self, about: About, name: str, value: float, labels: Labels = ()) -> Family | None:
        """The metric with the value in it; None where the name is of another kind, or one name too many."""
        family = self.families.get(name)
        if family is None:
            if len(self.families) >= METRICS:
                return None
            family = self.families[name] = Family(name, about)
        if family.about.kind != about.kind:
            return None
        place = family.place(labels)
        before = family.series.get(place)
        match about.kind:
            case "counter":
                family.series[place] = (before if isinstance(before, float) else 0.0) + value
            case "gauge":
                family.series[place] = family.newest = float(value)
            case "histogram":
                histogram = before if isinstance(before, Histogram) else Histogram()
                histogram.observe(value)
                family.series[place] = histogram
        return family

    def snapshot(self) -> dict[str, Any]:
        """`{counters, gauges, histograms, series}`.

        The first three by name, over all labels: a counter's sum, a gauge's newest value, a histogram's summary
        `{count, sum, min, max, mean, p50, p95, p99}`. series: one entry a combination of labels.
        """
        found: dict[str, Any] = {"counters": {}, "gauges": {}, "histograms": {}, "series": []}
        for name, family in sorted(self.families.items()):
            match family.about.kind:
                case "counter":
                    total = sum(value for value in family.series.values() if isinstance(value, float))
                    found["counters"][name] = _whole(total)
                case "gauge":
                    found["gauges"][name] = _whole(family.newest)
                case "histogram":
                    held = [value for value in family.series.values() if isinstance(value, Histogram)]
                    found["histograms"][name] = _summary(held)
            for labels, value in sorted(family.series.items()):
                shown = value.summary() if isinstance(value, Histogram) else {"value": _whole(value)}
                entry = {"name": name, "type": family.about.kind, "labels": dict(labels), **shown}
                found["series"].append(entry)
        return found


def labels_of(given: Mapping[str, Any]) -> Labels:
    """Labels in order, their values as text; those without a value are left out."""
    return tuple(sorted((name, text_of(value)) for name, value in given.items() if value is not None))


def text_of(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _summary(histograms: Iterable[Histogram]) -> dict[str, float]:
    held = [each for each in histograms if each.count]
    count, total = sum(each.count for each in held), math.fsum(each.sum for each in held)
    if not count:
        return {"count": 0, "sum": 0}
    recent = sorted(value for each in held for value in each.recent)
    found = {
        "count": count,
        "sum": total,
        "min": min(each.least for each in held),
        "max": max(each.most for each in held),
        "mean": total / count,
        **{f"p{share}": recent[min(len(recent) - 1, share * len(recent) // 100)] for share in (50, 95, 99)},
    }
    return {name: _whole(value) for name, value in found.items()}


def _whole(value: float) -> float:
    """Whole numbers as such: `3` and not `3.0`, in every language and format."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
