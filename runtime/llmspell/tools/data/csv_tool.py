"""The CSV tool: what it is asked and what it gives. `table` reads, writes and computes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Name = Annotated[str, Bounds(min_length=1, max_length=500)]
Names = Annotated[list[Name], Bounds(max_items=1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    delimiter: Annotated[str, Bounds(min_length=1, max_length=1)] = ","
    """The character between cells where a call names none."""

    max_rows: Annotated[int, Bounds(ge=1, le=1_000_000)] = 100_000
    """Rows of the largest table."""

    max_file_size: Annotated[int, Bounds(ge=1, le=100_000_000)] = 10 * 1024 * 1024
    """Bytes of the largest file to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    column: Name
    """The column."""

    op: Literal["=", "!=", "<", "<=", ">", ">=", "contains", "starts_with", "ends_with", "in", "empty", "not_empty"] = (
        "="
    )
    """How it is compared: numbers as numbers where both are, else as text."""

    value: str | float | bool | list[str | float] | None = None
    """What it is compared with; a list for `in`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    function: Literal["count", "sum", "mean", "min", "max", "median", "first", "last", "distinct"]
    """What is computed; count counts rows, or the filled cells of `column`."""

    column: Name | None = None
    """The column; not needed by count."""

    name: Name | None = None
    """The new column's name; `sum_price` unless given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvParams:
    operation: Literal["parse", "stringify", "select", "filter", "sort", "aggregate"]
    """parse: text or a file to rows. stringify: rows to text. select: some columns. filter: rows that fit `where`.
    sort: rows by `sort_by`. aggregate: computed values for each group of `group_by`. Each later one also takes what the
    earlier take: aggregate with `where` filters first."""

    text: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """The table as CSV text; give this, `path` or `rows`."""

    path: FilePath | None = None
    """The file to read; relative paths start from the project."""

    rows: list[dict[str, Any] | list[Any]] | None = None
    """The rows themselves, as objects by column, or as lists of cells."""

    delimiter: Annotated[str, Bounds(min_length=1, max_length=1)] | None = None
    """The character between cells: `,`, `;`, a tab or `|`."""

    header: bool = True
    """Whether the first line names the columns; else they are `column_1`, `column_2`, …"""

    types: bool = True
    """Whether cells that are numbers become numbers; codes such as `007` stay text."""

    columns: Names | None = None
    """Columns to keep, in this order."""

    where: Annotated[list[Condition], Bounds(max_items=50)] | None = None
    """Conditions that a row must fit, all of them."""

    sort_by: Names | None = None
    """Columns to sort by, the first first; empty cells come last."""

    descending: bool = False
    """Whether to sort from high to low."""

    group_by: Names | None = None
    """Columns whose values make a group; without it all rows are one."""

    aggregates: Annotated[list[Aggregate], Bounds(min_items=1, max_items=50)] | None = None
    """What to compute for each group."""

    offset: Annotated[int, Bounds(ge=0)] = 0
    """Rows of the answer to leave out."""

    limit: Annotated[int, Bounds(ge=1)] | None = None
    """Rows of the answer at most."""

    escape_formulas: bool = True
    """For stringify: whether text that a spreadsheet would run as a formula (`=…`, `+…`, `@…`) gets a `'` before it."""


class CsvResult(TypedDict):
    rows: NotRequired[list[dict[str, Any]]]
    """The rows as objects by column; not given by stringify."""
    columns: list[str]
    """The columns in order."""
    count: int
    """Rows before offset and limit."""
    text: NotRequired[str]
    """stringify: the CSV text."""


@exposed(
    aliases=("Csv",),
    options=CsvOptions,
    tool=ToolMark(
        name="csv",
        category="data",
        params=CsvParams,
        result=CsvResult,
        examples=(
            Example(
                {"operation": "parse", "text": "name,age\nAda,36\n"},
                {"rows": [{"name": "Ada", "age": 36}], "columns": ["name", "age"], "count": 1},
            ),
            Example(
                {
                    "operation": "aggregate",
                    "text": "city,price\nRome,10\nRome,20\nOslo,5\n",
                    "group_by": ["city"],
                    "aggregates": [{"function": "sum", "column": "price"}],
                },
                {
                    "rows": [{"city": "Rome", "sum_price": 30}, {"city": "Oslo", "sum_price": 5}],
                    "columns": ["city", "sum_price"],
                    "count": 2,
                },
            ),
            Example(
                {"operation": "stringify", "rows": [{"a": 1, "b": "x,y"}]},
                {"text": 'a,b\n1,"x,y"\n', "columns": ["a", "b"], "count": 1},
            ),
        ),
        permissions=("read",),
        timeout=30_000,
        max_output=20_000_000,
    ),
)
class CsvTool(BuiltinTool[CsvOptions]):
    """Reads, writes, filters, sorts and summarises tables in CSV, from text, rows or a file.

    Give one of text, path or rows. Use aggregate for totals and averages by group instead of adding up yourself.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = CsvParams(**{**params, **_nested(params)})
        if sum(given is not None for given in (asked.text, asked.path, asked.rows)) != 1:
            raise SchemaError("csv needs `text`, `path` or `rows`, one of them", hint="leave the others out")
        content = await asyncio.to_thread(self._answer, asked, context)
        return ToolOutput(content, {"operation": asked.operation})

    def _answer(self, asked: CsvParams, context: ToolContext) -> dict[str, Any]:
        from llmspell.tools.data import table

        delimiter = asked.delimiter or self.options.delimiter
        text = asked.text if asked.path is None else self._file(asked.path, context)
        if text is not None:
            found = table.read(text, delimiter, asked.header, asked.types, self.options.max_rows)
        else:
            found = table.of_rows(asked.rows or [], asked.header, self.options.max_rows)
        if asked.operation == "filter" and not asked.where:
            raise SchemaError("`filter` needs `where`", hint='for example [{"column": "age", "op": ">", "value": 30}]')
        if asked.operation == "sort" and not asked.sort_by:
            raise SchemaError("`sort` needs `sort_by`", hint="name the columns to sort by")
        if asked.operation == "select" and not asked.columns:
            raise SchemaError("`select` needs `columns`", hint="name the columns to keep")
        if asked.where:
            found = table.where(found, asked.where)
        if asked.operation == "aggregate":
            if not asked.aggregates:
                raise SchemaError("`aggregate` needs `aggregates`", hint='for example [{"function": "count"}]')
            found = table.aggregate(found, asked.group_by or [], asked.aggregates)
        if asked.sort_by:
            found = table.sort(found, asked.sort_by, asked.descending)
        if asked.columns:
            found = table.select(found, asked.columns)
        count = len(found.rows)
        found = table.part(found, asked.offset, asked.limit)
        if asked.operation == "stringify":
            return {
                "text": table.write(found, delimiter, asked.header, asked.escape_formulas),
                "columns": found.columns,
                "count": count,
            }
        return {"rows": table.as_objects(found), "columns": found.columns, "count": count}

    def _file(self, path: str, context: ToolContext) -> str:
        from llmspell.security import files

        with files.place(path, context.permissions, "read") as found:
            data = files.read_bytes(found, self.options.max_file_size)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ToolError(f"{path!r} is not UTF-8 text", hint="convert it to UTF-8 first") from None


def _nested(params: dict[str, Any]) -> dict[str, Any]:
    """The conditions and aggregates as their classes."""
    made: dict[str, Any] = {}
    if params.get("where") is not None:
        made["where"] = [Condition(**item) for item in params["where"]]
    if params.get("aggregates") is not None:
        made["aggregates"] = [Aggregate(**item) for item in params["aggregates"]]
    return made
