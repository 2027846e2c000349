"""The statistics calculator: statistics of the columns of a table, as a step of a data pipeline has it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Name = Annotated[str, Bounds(min_length=1, max_length=500)]
Precision = Annotated[int, Bounds(ge=0, le=15)]

#: Pairs of cells to correlate, 5 s of work.
_PAIRED: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsCalculatorOptions:
    precision: Precision | None = 6
    """Decimal places that every result is rounded to. None: not rounded."""

    max_cells: Annotated[int, Bounds(ge=1, le=5_000_000)] = 1_000_000
    """Cells (rows times columns) of the largest table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsCalculatorParams:
    operation: Literal["analyze", "group", "correlate"] = "analyze"
    """analyze: statistics of every column. group: the same for each value of the column `group_by`. correlate: how
    strongly each two columns go together, -1 to 1."""

    rows: Annotated[list[dict[str, Any]], Bounds(min_items=1, max_items=100_000)]
    """The table, one object by column for each row, as csv_reader and data_cleaner give it."""

    columns: Annotated[list[Name], Bounds(max_items=200)] | None = None
    """The columns to look at. Those without any number are passed over. Default: all."""

    group_by: Name | None = None
    """For group: the column whose values make the groups."""

    precision: Precision | None = None
    """Decimal places to round to; the tool's own unless given."""


class StatisticsCalculatorResult(TypedDict):
    rows: list[dict[str, Any]]
    """analyze, group: one row for each column (and group) with count, missing, sum, mean, median, min, max, range, q1,
    q3, variance, standard_deviation. correlate: one row for each pair with `column`, `other`, `count` and
    `correlation`, the strongest first."""
    columns: list[str]
    """The columns of these rows, in order."""
    count: int
    """How many rows the table had."""


@exposed(
    name="StatisticsCalculatorTool",
    aliases=("StatisticsCalculator",),
    options=StatisticsCalculatorOptions,
    tool=ToolMark(
        name="statistics_calculator",
        category="math",
        params=StatisticsCalculatorParams,
        result=StatisticsCalculatorResult,
        examples=(
            Example(
                {"operation": "correlate", "rows": [{"x": 1, "y": 10}, {"x": 2, "y": 20}, {"x": 3, "y": 30}]},
                {
                    "rows": [{"column": "x", "other": "y", "count": 3, "correlation": 1}],
                    "columns": ["column", "other", "count", "correlation"],
                    "count": 3,
                },
            ),
            Example(
                {
                    "operation": "group",
                    "group_by": "city",
                    "rows": [
                        {"city": "Rome", "price": 10},
                        {"city": "Oslo", "price": 5},
                        {"city": "Rome", "price": 20},
                    ],
                },
                note="statistics of every number column by city",
            ),
        ),
        timeout=60_000,
        max_output=5_000_000,
    ),
)
class StatisticsCalculatorTool(BuiltinTool[StatisticsCalculatorOptions]):
    """Computes statistics of the columns of a table: totals, means, spread, by group, and correlations.

    Use it after csv_reader or data_cleaner. Its result is a table again, which chart_generator can draw. Cells that are
    empty or no number are left out and counted as missing. For a plain list of numbers use statistics.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = StatisticsCalculatorParams(**params)
        if asked.operation == "group" and asked.group_by is None:
            raise SchemaError("`group` needs `group_by`", hint="name the column whose values make the groups")
        columns = asked.columns or list(dict.fromkeys(name for row in asked.rows for name in row))
        if len(columns) > 200:
            raise ToolError(f"the table has {len(columns)} columns, the most is 200", hint="name some in `columns`")
        if len(columns) * len(asked.rows) > self.options.max_cells:
            raise ToolError(
                f"the table has more than {self.options.max_cells} cells", hint="name fewer columns, or raise max_cells"
            )
        if unknown := [name for name in asked.columns or () if not any(name in row for row in asked.rows)]:
            raise ToolError(f"no row has the column {unknown[0]!r}", hint=f"there are {', '.join(asked.rows[0])[:200]}")
        precision = self.options.precision if asked.precision is None else asked.precision
        found, skipped = await asyncio.to_thread(_answer, asked, columns, precision)
        return ToolOutput(found, {"operation": asked.operation, "skipped": skipped})


def _answer(
    asked: StatisticsCalculatorParams, columns: list[str], precision: int | None
) -> tuple[dict[str, Any], list[str]]:
    """The result, and the columns passed over because they hold no number."""
    from llmspell.tools.math import measures

    numeric = [name for name in columns if name != asked.group_by and measures.column(asked.rows, name)[0]]
    skipped = [name for name in columns if name not in numeric and name != asked.group_by]
    match asked.operation:
        case "analyze":
            rows = measures.bounded(_described)(asked.rows, numeric)
        case "group":
            rows = measures.bounded(_grouped)(asked.rows, numeric, asked.group_by or "")
        case "correlate":
            rows = measures.bounded(_correlated)(asked.rows, numeric)
    found = {
        "rows": measures.shown(rows, precision),
        "columns": list(rows[0]) if rows else [],
        "count": len(asked.rows),
    }
    return found, skipped


def _described(rows: list[dict[str, Any]], columns: list[str]) -> list[dict[str, Any]]:
    from llmspell.tools.math import measures

    described: list[dict[str, Any]] = []
    for name in columns:
        values, missing = measures.column(rows, name)
        if values:
            found = measures.summary(values)
            described.append({"column": name, "count": found.pop("count"), "missing": missing, **found})
    return described


def _grouped(rows: list[dict[str, Any]], columns: list[str], by: str) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    values: dict[str, Any] = {}
    for row in rows:
        value = row.get(by)
        key = json.dumps(value, sort_keys=True)
        values[key] = value
        groups.setdefault(key, []).append(row)
    return [
        {"group": values[key], **described}
        for key, inside in groups.items()
        for described in _described(inside, columns)
    ]


def _correlated(rows: list[dict[str, Any]], columns: list[str]) -> list[dict[str, Any]]:
    from llmspell.tools.math import measures

    if len(columns) * (len(columns) - 1) / 2 * len(rows) > _PAIRED:
        raise ToolError(
            f"{len(columns)} columns of {len(rows)} rows make too many pairs", hint="name fewer in `columns`"
        )
    found: list[dict[str, Any]] = []
    for place, name in enumerate(columns):
        for other in columns[place + 1 :]:
            whole = [row for row in rows if all(measures.column([row], each)[0] for each in (name, other))]
            left, right = measures.column(whole, name)[0], measures.column(whole, other)[0]
            if len(whole) > 1 and measures.variance(left) > 0 and measures.variance(right) > 0:
                strength = measures.correlation(left, right)
                found.append({"column": name, "other": other, "count": len(whole), "correlation": strength})
    return sorted(found, key=lambda pair: -abs(pair["correlation"]))
