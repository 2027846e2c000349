"""The CSV reader: a table from a file, its delimiter and encoding found out. `data.table` reads the cells."""

from __future__ import annotations

import asyncio
import csv
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath, FilePaths
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Name = Annotated[str, Bounds(min_length=1, max_length=500)]
Encoding = Literal["auto", "utf-8", "utf-16", "latin-1", "cp1252"]
_DELIMITERS: Final = ",;\t|"
#: Characters that the delimiter is guessed from.
_SAMPLE: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvReaderOptions:
    allowed_paths: FilePaths | None = None
    """Folders and files that this tool may read, within what the run may. None: all that the run may."""

    max_rows: Annotated[int, Bounds(ge=1, le=1_000_000)] = 100_000
    """Rows of the largest table."""

    max_file_size: Annotated[int, Bounds(ge=1, le=100_000_000)] = 20 * 1024 * 1024
    """Bytes of the largest file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvReaderParams:
    operation: Literal["read", "describe"] = "read"
    """read: the rows. describe: the columns with their types, the number of rows and the first rows."""

    file_path: FilePath | None = None
    """The file; relative paths start from the project. Give this or `text`."""

    text: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """The table as text, where it is in no file."""

    delimiter: Annotated[str, Bounds(min_length=1, max_length=1)] | None = None
    """The character between cells; found out unless given: `,`, `;`, a tab or `|`."""

    encoding: Encoding = "auto"
    """How bytes become text; `auto` takes UTF-8, UTF-16 with its mark, else Windows-1252."""

    header: bool = True
    """Whether the first line names the columns; else they are `column_1`, `column_2`, …"""

    types: bool = True
    """Whether cells that are numbers become numbers; codes such as `007` stay text."""

    columns: Annotated[list[Name], Bounds(max_items=1000)] | None = None
    """Columns to keep, in this order."""

    offset: Annotated[int, Bounds(ge=0)] = 0
    """Rows to leave out."""

    limit: Annotated[int, Bounds(ge=1)] | None = None
    """Rows to give at most; `next_offset` then says where to go on."""


class CsvColumn(TypedDict):
    name: str
    """Its name."""
    type: Literal["number", "text", "mixed", "empty"]
    """What its filled cells are."""
    empty: int
    """How many of its cells are empty."""


class CsvReaderResult(TypedDict):
    rows: list[dict[str, Any]]
    """The rows as objects by column; for describe the first five."""
    columns: list[str]
    """The columns in order."""
    next_offset: NotRequired[int]
    """read: the offset of the first row that was left out by `limit`."""
    count: NotRequired[int]
    """describe: number of rows."""
    types: NotRequired[list[CsvColumn]]
    """describe: the columns with their types."""
    delimiter: NotRequired[str]
    """describe: the character between cells."""


@exposed(
    aliases=("CsvReader",),
    options=CsvReaderOptions,
    tool=ToolMark(
        name="csv_reader",
        category="documents",
        params=CsvReaderParams,
        result=CsvReaderResult,
        examples=(
            Example(
                {"operation": "read", "text": "name;age\nAda;36\n"},
                {"rows": [{"name": "Ada", "age": 36}], "columns": ["name", "age"]},
            ),
            Example(
                {"operation": "describe", "text": "name\tage\nAda\t36\nBob\t\n"},
                {
                    "rows": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": None}],
                    "columns": ["name", "age"],
                    "count": 2,
                    "types": [
                        {"name": "name", "type": "text", "empty": 0},
                        {"name": "age", "type": "number", "empty": 1},
                    ],
                    "delimiter": "\t",
                },
            ),
        ),
        permissions=("read",),
        timeout=30_000,
        max_output=30_000_000,
    ),
)
class CsvReaderTool(BuiltinTool[CsvReaderOptions]):
    """Reads a table from a CSV file, whatever its delimiter and encoding.

    What it gives can be handed to data_cleaner and chart_generator as it is. Use describe first on a file that you do
    not know, and limit and offset to read a large one in parts; use the csv tool to filter, sort and summarise.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = CsvReaderParams(**params)
        content, metadata = await asyncio.to_thread(self._read, asked, context)
        return ToolOutput(content, {"operation": asked.operation, **metadata})

    def _read(self, asked: CsvReaderParams, context: ToolContext) -> tuple[dict[str, Any], dict[str, Any]]:
        from llmspell.tools.data import source, table

        if (asked.file_path is None) == (asked.text is None):
            raise SchemaError("csv_reader needs `file_path` or `text`, one of them", hint="leave the other out")
        if asked.file_path is None:
            text, encoding = asked.text or "", "utf-8"
        else:
            allowed, permissions = self.options.allowed_paths, context.permissions
            if allowed is not None:
                permissions = permissions.narrow("csv_reader", read=allowed)
            data = source.file(asked.file_path, permissions, self.options.max_file_size)
            text, encoding = _decoded(data, asked.file_path, asked.encoding)
        delimiter = asked.delimiter or _delimiter(text)
        found = table.read(text, delimiter, asked.header, asked.types, self.options.max_rows)
        if asked.columns:
            found = table.select(found, asked.columns)
        metadata = {"rows": len(found.rows), "delimiter": delimiter, "encoding": encoding}
        if asked.operation == "describe":
            kinds = [
                {"name": name, **_kind([row[place] for row in found.rows])} for place, name in enumerate(found.columns)
            ]
            described = {
                "rows": table.as_objects(table.part(found, 0, 5)),
                "columns": found.columns,
                "count": len(found.rows),
                "types": kinds,
                "delimiter": delimiter,
            }
            return described, metadata
        shown = table.part(found, asked.offset, asked.limit)
        content: dict[str, Any] = {"rows": table.as_objects(shown), "columns": found.columns}
        after = asked.offset + len(shown.rows)
        if asked.limit is not None and after < len(found.rows):
            content["next_offset"] = after
        return content, metadata


def _decoded(data: bytes, path: str, asked: Encoding) -> tuple[str, str]:
    if asked == "auto":
        marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        tried = ["utf-16"] if marked else ["utf-8"] if b"\0" in data else ["utf-8", "cp1252"]
    else:
        tried = [asked]
    for encoding in tried:
        try:
            return data.decode("utf-8-sig" if encoding == "utf-8" else encoding), encoding
        except UnicodeDecodeError:
            continue
    raise ToolError(f"{path!r} is no text in {' or '.join(tried)}", hint="name its `encoding`")


def _delimiter(text: str) -> str:
    """The one of four that splits the first lines into the same number of cells, the most of them; else a comma."""
    sample = text[:_SAMPLE].splitlines()
    lines = [line for line in (sample[:-1] if len(text) > _SAMPLE else sample) if line][:50]
    best, most = ",", 1
    for delimiter in _DELIMITERS:
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=delimiter, strict=True) if row}
        except csv.Error:
            continue
        if len(widths) == 1 and (width := widths.pop()) > most:
            best, most = delimiter, width
    return best


def _kind(cells: list[Any]) -> dict[str, Any]:
    filled = [cell for cell in cells if cell is not None and cell != ""]
    numbers = sum(isinstance(cell, int | float) for cell in filled)
    kind = "empty" if not filled else "number" if numbers == len(filled) else "mixed" if numbers else "text"
    return {"type": kind, "empty": len(cells) - len(filled)}
