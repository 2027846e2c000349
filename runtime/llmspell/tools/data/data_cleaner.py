"""The data cleaner: what it is asked and what it gives. `cleaning` does the work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Name = Annotated[str, Bounds(min_length=1, max_length=500)]
Names = Annotated[list[Name], Bounds(max_items=1000)]
Missing = Literal["keep", "drop", "fill", "mean", "median", "most_common", "previous"]
Type = Literal["text", "number", "integer", "boolean", "date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCleanerOptions:
    max_rows: Annotated[int, Bounds(ge=1, le=1_000_000)] = 100_000
    """Rows of the largest table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCleanerParams:
    operation: Literal["clean", "profile"] = "clean"
    """clean: the cleaned table. profile: what each column holds and what is wrong with it; changes nothing."""

    rows: list[dict[str, Any]]
    """The table, as objects by column, as csv_reader gives it."""

    columns: Names | None = None
    """Columns to keep, in this order; all unless given."""

    trim: bool = True
    """Whether blanks around text are removed, and rows of blanks within it become one."""

    empty: Annotated[list[Annotated[str, Bounds(max_length=100)]], Bounds(max_items=50)] | None = None
    """Texts that mean "nothing", upper and lower case alike; N/A, NA, null, none, nan, - and ? unless given."""

    rename: dict[str, str] | None = None
    """New names of columns, by the old ones."""

    snake_case: bool = False
    """Whether columns are named in snake_case: `Unit Price` becomes `unit_price`."""

    types: dict[str, Type] | None = None
    """What columns must be; cells that cannot be made so become empty. Dates become ISO 8601. Unless given, a column
    whose filled cells all spell numbers becomes one of numbers."""

    missing: Missing | dict[str, Missing] = "keep"
    """What is done about empty cells, for all columns or by column: keep; drop the row; fill with `fill_value`; the
    column's mean, median or most common value; or the value above."""

    fill_value: str | float | bool | None = None
    """For fill: what is put in."""

    duplicates: Literal["keep", "drop"] = "drop"
    """Whether a row that repeats an earlier one is dropped."""

    unique_by: Names | None = None
    """Columns that say whether a row repeats another; all of them unless given."""

    outliers: Literal["keep", "drop", "empty", "clip"] = "keep"
    """What is done about numbers further than 1.5 times the interquartile range outside the quartiles: the row is
    dropped, the cell emptied, or the number moved to the bound. Looks at columns of at least four numbers."""

    report: bool = False
    """Whether `changes` tells how much was changed."""


class CleanedChanges(TypedDict):
    rows_before: int
    """Rows that were given."""
    trimmed: int
    """Cells whose blanks were removed."""
    emptied: int
    """Cells that said "nothing", in words."""
    converted: int
    """Cells that became of another type."""
    invalid: int
    """Cells that could not be made what `types` says, and were emptied."""
    filled: int
    """Empty cells that were filled."""
    outliers: int
    """Numbers far outside."""
    empty_rows: int
    """Rows dropped because all of their cells were empty."""
    missing_rows: int
    """Rows dropped because a cell was empty."""
    duplicate_rows: int
    """Rows dropped because they repeat another."""


class ColumnProfile(TypedDict):
    name: str
    """The column."""
    type: Literal["number", "boolean", "text", "mixed", "empty"]
    """What its filled cells are."""
    filled: int
    """Cells with something in them."""
    missing: int
    """Empty cells, and those that say so in words."""
    distinct: int
    """Different values."""
    blanks: int
    """Texts with blanks around them."""
    minimum: NotRequired[float]
    """Of a column of numbers."""
    maximum: NotRequired[float]
    """Of a column of numbers."""
    outliers: NotRequired[int]
    """Of a column of numbers: those far outside."""
    examples: list[Any]
    """Up to three different values."""


class DataCleanerResult(TypedDict):
    rows: NotRequired[list[dict[str, Any]]]
    """clean: the rows as objects by column."""
    columns: list[str]
    """The columns in order."""
    changes: NotRequired[CleanedChanges]
    """clean with `report`: how much was changed."""
    profile: NotRequired[list[ColumnProfile]]
    """profile: what each column holds."""
    count: NotRequired[int]
    """profile: number of rows."""
    duplicate_rows: NotRequired[int]
    """profile: rows that repeat an earlier one."""


@exposed(
    aliases=("DataCleaner",),
    options=DataCleanerOptions,
    tool=ToolMark(
        name="data_cleaner",
        category="data",
        params=DataCleanerParams,
        result=DataCleanerResult,
        examples=(
            Example(
                {
                    "operation": "clean",
                    "rows": [
                        {"name": " Ada ", "age": "36"},
                        {"name": "Ada", "age": "36"},
                        {"name": "Bob", "age": "n/a"},
                    ],
                },
                {"rows": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": None}], "columns": ["name", "age"]},
            ),
            Example(
                {
                    "operation": "clean",
                    "rows": [{"Id": 1, "Unit Price": 10}, {"Id": 2, "Unit Price": None}, {"Id": 3, "Unit Price": 20}],
                    "snake_case": True,
                    "missing": "mean",
                },
                {
                    "rows": [{"id": 1, "unit_price": 10}, {"id": 2, "unit_price": 15}, {"id": 3, "unit_price": 20}],
                    "columns": ["id", "unit_price"],
                },
            ),
            Example(
                {"operation": "profile", "rows": [{"age": 36}, {"age": None}]},
                {
                    "columns": ["age"],
                    "profile": [
                        {
                            "name": "age",
                            "type": "number",
                            "filled": 1,
                            "missing": 1,
                            "distinct": 1,
                            "blanks": 0,
                            "minimum": 36,
                            "maximum": 36,
                            "examples": [36],
                        }
                    ],
                    "count": 2,
                    "duplicate_rows": 0,
                },
            ),
        ),
        timeout=60_000,
        max_output=30_000_000,
    ),
)
class DataCleanerTool(BuiltinTool[DataCleanerOptions]):
    """Cleans a table: blanks, words for nothing, numbers written as text, empty cells, repeated rows, outliers.

    Use profile first to see what is wrong, then clean with what should be done about it. Without further arguments it
    trims, empties, makes numbers of numbers, and drops empty and repeated rows. Nothing is ever invented: a mean or
    median is filled in only where `missing` asks for it.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.data import cleaning

        asked = DataCleanerParams(**params)
        if _needs_fill(asked) and asked.fill_value is None:
            raise SchemaError("`missing` = fill needs `fill_value`", hint='for example 0 or "unknown"')
        content, changes = await asyncio.to_thread(cleaning.answer, asked, self.options.max_rows)
        return ToolOutput(content, {"operation": asked.operation, "changes": changes})


def _needs_fill(asked: DataCleanerParams) -> bool:
    return "fill" in (asked.missing.values() if isinstance(asked.missing, dict) else [asked.missing])
