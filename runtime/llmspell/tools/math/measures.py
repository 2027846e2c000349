"""Statistics of lists of numbers: pure functions, every failure a ToolError. Sums are exact to the last bit (fsum)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from llmspell.errors import ToolError

P = ParamSpec("P")
R = TypeVar("R")

Numbers = Sequence[float]

#: Whole numbers up to here are the same number in Lua, JavaScript and JSON.
_EXACT: Final = 2**53
#: Modes and outliers that are listed at most.
_LISTED: Final = 1000


def bounded(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a result past the largest number a ToolError."""

    @wraps(function)
    def guarded(*given: P.args, **named: P.kwargs) -> R:
        try:
            return function(*given, **named)
        except (OverflowError, ZeroDivisionError):
            raise ToolError("these numbers are too large or too close to compute with", hint="scale them") from None

    return guarded


def finite(values: Sequence[float], name: str, least: int = 1) -> list[float]:
    """The values as floats. Raises ToolError where one is no finite number or there are too few."""
    if len(values) < least:
        raise ToolError(f"`{name}` holds {len(values)} numbers, too few", hint=f"give at least {least}")
    found: list[float] = []
    for place, value in enumerate(values):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise ToolError(f"number {place + 1} of `{name}` is not finite", hint="leave out infinities and NaN")
        found.append(number)
    return found


def presented(value: float, precision: int | None) -> float:
    """Rounded, and whole where it is whole. Raises ToolError where it is not finite."""
    if not math.isfinite(value):
        raise ToolError("the result is too large for a number", hint="scale the numbers")
    rounded = value if precision is None else round(value, precision)
    return int(rounded) if rounded.is_integer() and abs(rounded) <= _EXACT else rounded


def shown(value: Any, precision: int | None) -> Any:
    """The same data with every float `presented`."""
    match value:
        case float():
            return presented(value, precision)
        case dict():
            return {key: shown(item, precision) for key, item in value.items()}
        case list():
            return [shown(item, precision) for item in value]
        case _:
            return value


def mean(values: Numbers) -> float:
    return math.fsum(values) / len(values)


def variance(values: Numbers, *, population: bool = False) -> float:
    """Of a sample (n - 1) unless told otherwise."""
    middle = mean(values)
    free = len(values) if population else len(values) - 1
    if free < 1:
        raise ToolError("the variance of a sample needs two numbers", hint="give more, or population = true")
    return math.fsum((value - middle) ** 2 for value in values) / free


def deviation(values: Numbers, *, population: bool = False) -> float:
    return math.sqrt(variance(values, population=population))


def percentile(ordered: Numbers, percent: float) -> float:
    """Of sorted values, between two of them where it falls between (as spreadsheets and numpy do)."""
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def modes(values: Numbers) -> list[float]:
    """The most frequent values, smallest first."""
    counts = Counter(values)
    most = max(counts.values())
    return sorted(value for value, count in counts.items() if count == most)[:_LISTED]


def summary(values: Numbers) -> dict[str, Any]:
    ordered = sorted(values)
    several = len(ordered) > 1
    return {
        "count": len(ordered),
        "sum": math.fsum(ordered),
        "mean": mean(ordered),
        "median": percentile(ordered, 50),
        "min": ordered[0],
        "max": ordered[-1],
        "range": ordered[-1] - ordered[0],
        "q1": percentile(ordered, 25),
        "q3": percentile(ordered, 75),
        "variance": variance(ordered) if several else None,
        "standard_deviation": deviation(ordered) if several else None,
    }


def shape(values: Numbers) -> dict[str, float]:
    """Skewness and excess kurtosis of the population."""
    spread = deviation(values, population=True)
    if spread == 0:
        raise ToolError("all numbers are equal: their distribution has no shape", hint="give numbers that differ")
    middle, count = mean(values), len(values)
    scores = [(value - middle) / spread for value in values]
    return {
        "skewness": math.fsum(score**3 for score in scores) / count,
        "kurtosis": math.fsum(score**4 for score in scores) / count - 3,
    }


def z_scores(values: Numbers) -> list[float]:
    spread = deviation(values)
    if spread == 0:
        raise ToolError("all numbers are equal: there are no z-scores", hint="give numbers that differ")
    middle = mean(values)
    return [(value - middle) / spread for value in values]


def outliers(values: Numbers, reach: float) -> dict[str, Any]:
    """The values further than `reach` interquartile ranges outside the quartiles."""
    ordered = sorted(values)
    q1, q3 = percentile(ordered, 25), percentile(ordered, 75)
    low, high = q1 - reach * (q3 - q1), q3 + reach * (q3 - q1)
    found = [value for value in values if value < low or value > high]
    return {"outliers": found[:_LISTED], "count": len(found), "low": low, "high": high}


def histogram(values: Numbers, bins: int) -> list[dict[str, Any]]:
    """Equal bins from the smallest to the largest value; the last holds its upper end too."""
    low, high = min(values), max(values)
    width = (high - low) / bins
    if width == 0:
        return [{"from": low, "to": high, "count": len(values)}]
    counts = [0] * bins
    for value in values:
        counts[min(int((value - low) / width), bins - 1)] += 1
    return [
        {"from": low + number * width, "to": low + (number + 1) * width, "count": count}
        for number, count in enumerate(counts)
    ]


def moving_average(values: Numbers, window: int) -> list[float]:
    if window > len(values):
        raise ToolError(f"a window of {window} is longer than the {len(values)} numbers", hint="make it shorter")
    return [math.fsum(values[end - window : end]) / window for end in range(window, len(values) + 1)]


def ranks(values: Numbers) -> list[float]:
    """Places in order, from 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    found = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end + 1 < len(order) and values[order[end + 1]] == values[order[begin]]:
            end += 1
        for place in order[begin : end + 1]:
            found[place] = (begin + end) / 2 + 1
        begin = end + 1
    return found


def covariance(left: Numbers, right: Numbers) -> float:
    """Of a sample."""
    x, y = mean(left), mean(right)
    return math.fsum((a - x) * (b - y) for a, b in zip(left, right, strict=True)) / (len(left) - 1)


def correlation(left: Numbers, right: Numbers) -> float:
    """Pearson's, from -1 to 1."""
    spread = deviation(left) * deviation(right)
    if spread == 0:
        raise ToolError("one list is constant: there is no correlation", hint="give numbers that differ")
    return max(-1.0, min(1.0, covariance(left, right) / spread))


def regression(xs: Numbers, ys: Numbers) -> dict[str, float]:
    """The line with the least squares, and how much of the variance it explains."""
    spread = variance(xs)
    if spread == 0:
        raise ToolError("all x are equal: no line can be fitted", hint="give x that differ")
    slope = covariance(xs, ys) / spread
    explained = 1.0 if variance(ys) == 0 else correlation(xs, ys) ** 2
    return {"slope": slope, "intercept": mean(ys) - slope * mean(xs), "r_squared": explained}


def column(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], int]:
    """The numbers of a column, and how many cells of it are empty or no number."""
    found: list[float] = []
    for row in rows:
        value = row.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e308:  # NaN is not
            found.append(float(value))
    return found, len(rows) - len(found)
