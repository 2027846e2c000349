"""The statistics tool: what it is asked and what it gives. `measures` computes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

#: 100,000 numbers take 0.2 s, whatever the operation.
Values = Annotated[list[float], Bounds(max_items=100_000)]
Precision = Annotated[int, Bounds(ge=0, le=15)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsOptions:
    precision: Precision | None = None
    """Decimal places that every result is rounded to. None: not rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsParams:
    operation: Literal[
        "summary", "mean", "median", "mode", "variance", "standard_deviation", "percentile", "shape", "z_scores",
        "outliers", "histogram", "moving_average", "covariance", "correlation", "regression",
    ]  # fmt: skip
    """summary: count, sum, mean, median, quartiles, spread. mean, median, variance, standard_deviation: that number.
    mode: the most frequent values. percentile: the value that `percent` of the numbers lie below. shape: skewness and
    kurtosis. z_scores: every number's distance from the mean in standard deviations. outliers: those far outside the
    quartiles. histogram: how many fall into each of `bins`. moving_average: the mean of every `window` numbers in a
    row. covariance, correlation: of `values` and `other`. regression: the line through the points of `values` (x) and
    `other` (y)."""

    values: Values
    """The numbers."""

    other: Values | None = None
    """For covariance, correlation and regression: as many numbers more."""

    percent: Annotated[float, Bounds(ge=0, le=100)] = 50
    """For percentile: 0 to 100."""

    population: bool = False
    """For variance and standard_deviation: whether the values are all there are, not a sample."""

    method: Literal["pearson", "spearman"] = "pearson"
    """For correlation: spearman compares the order of the numbers only."""

    bins: Annotated[int, Bounds(ge=1, le=1000)] = 10
    """For histogram: the number of bins."""

    window: Annotated[int, Bounds(ge=1, le=10_000)] = 3
    """For moving_average: how many numbers each mean is of."""

    reach: Annotated[float, Bounds(ge=0, le=100)] = 1.5
    """For outliers: how many interquartile ranges outside the quartiles a number may lie."""

    precision: Precision | None = None
    """Decimal places to round to. None: not rounded."""


class StatisticsResult(TypedDict):
    result: NotRequired[float]
    """mean, median, variance, standard_deviation, percentile, covariance, correlation: the number."""
    modes: NotRequired[list[float]]
    """mode: the most frequent values."""
    values: NotRequired[list[float]]
    """z_scores, moving_average: the numbers, in order."""
    outliers: NotRequired[list[float]]
    """outliers: the first 1000."""
    low: NotRequired[float]
    """outliers: what lies below it is one."""
    high: NotRequired[float]
    """outliers: what lies above it is one."""
    bins: NotRequired[list[dict[str, float]]]
    """histogram: `from`, `to` and `count` of each."""
    skewness: NotRequired[float]
    """shape: above 0 where the longer tail is on the right."""
    kurtosis: NotRequired[float]
    """shape: above 0 where the tails are heavier than those of a normal distribution."""
    slope: NotRequired[float]
    """regression: how much y grows with x."""
    intercept: NotRequired[float]
    """regression: y where x is 0."""
    r_squared: NotRequired[float]
    """regression: the part of the variance that the line explains, 0 to 1."""
    count: NotRequired[int]
    """summary: how many numbers; outliers: how many outliers."""
    sum: NotRequired[float]
    """summary: the sum."""
    mean: NotRequired[float]
    """summary: the mean."""
    median: NotRequired[float]
    """summary: the median."""
    min: NotRequired[float]
    """summary: the smallest."""
    max: NotRequired[float]
    """summary: the largest."""
    range: NotRequired[float]
    """summary: from the smallest to the largest."""
    q1: NotRequired[float]
    """summary: a quarter of the numbers lies below it."""
    q3: NotRequired[float]
    """summary: a quarter of the numbers lies above it."""
    variance: NotRequired[float | None]
    """summary: the sample's; null of one number."""
    standard_deviation: NotRequired[float | None]
    """summary: the sample's; null of one number."""


@exposed(
    aliases=("Statistics",),
    options=StatisticsOptions,
    tool=ToolMark(
        name="statistics",
        category="math",
        params=StatisticsParams,
        result=StatisticsResult,
        examples=(
            Example({"operation": "mean", "values": [2, 4, 9]}, {"result": 5}),
            Example(
                {"operation": "summary", "values": [1, 2, 3, 4], "precision": 3},
                {
                    "count": 4, "sum": 10, "mean": 2.5, "median": 2.5, "min": 1, "max": 4, "range": 3, "q1": 1.75,
                    "q3": 3.25, "variance": 1.667, "standard_deviation": 1.291,
                },
            ),
            Example(
                {"operation": "regression", "values": [1, 2, 3], "other": [3, 5, 7]},
                {"slope": 2, "intercept": 1, "r_squared": 1},
                "the line through three points",
            ),
        ),
        timeout=20_000,
        max_output=5_000_000,
    ),
)  # fmt: skip
class StatisticsTool(BuiltinTool[StatisticsOptions]):
    """Computes statistics of a list of numbers: averages, spread, percentiles, outliers, histograms, correlation.

    Use it rather than estimating. Variance and standard deviation are those of a sample unless `population` is true.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.math import measures

        asked = StatisticsParams(**params)
        pairs = asked.operation in {"covariance", "correlation", "regression"}
        if pairs and (asked.other is None or len(asked.other) != len(asked.values)):
            raise SchemaError(
                f"`{asked.operation}` needs `other` with as many numbers as `values`", hint="give pairs of numbers"
            )
        precision = self.options.precision if asked.precision is None else asked.precision
        found = await asyncio.to_thread(_answer, asked)
        return ToolOutput(measures.shown(found, precision), {"operation": asked.operation, "count": len(asked.values)})


def _answer(asked: StatisticsParams) -> dict[str, Any]:
    from llmspell.tools.math import measures

    return measures.bounded(_measured)(asked)


def _measured(asked: StatisticsParams) -> dict[str, Any]:
    from llmspell.tools.math import measures

    values = measures.finite(asked.values, "values")
    match asked.operation:
        case "summary":
            return measures.summary(values)
        case "mean":
            return {"result": measures.mean(values)}
        case "median":
            return {"result": measures.percentile(sorted(values), 50)}
        case "percentile":
            return {"result": measures.percentile(sorted(values), asked.percent)}
        case "mode":
            return {"modes": measures.modes(values)}
        case "variance":
            return {"result": measures.variance(values, population=asked.population)}
        case "standard_deviation":
            return {"result": measures.deviation(values, population=asked.population)}
        case "shape":
            return {**measures.shape(values)}
        case "z_scores":
            return {"values": measures.z_scores(values)}
        case "outliers":
            return measures.outliers(values, asked.reach)
        case "histogram":
            return {"bins": measures.histogram(values, asked.bins)}
        case "moving_average":
            return {"values": measures.moving_average(values, asked.window)}
        case "covariance" | "correlation" | "regression":
            return _of_pairs(asked, values)


def _of_pairs(asked: StatisticsParams, left: list[float]) -> dict[str, Any]:
    from llmspell.tools.math import measures

    right = measures.finite(asked.other or (), "other", least=2)
    if asked.operation == "regression":
        return {**measures.regression(left, right)}
    if asked.operation == "covariance":
        return {"result": measures.covariance(left, right)}
    if asked.method == "spearman":
        left, right = measures.ranks(left), measures.ranks(right)
    return {"result": measures.correlation(left, right)}
