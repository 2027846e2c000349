"""The SQLite tool: what it is asked and what it gives. `sqlite_work` does the work, in a process of its own."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath, FilePaths
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import PermissionDenied, SchemaError, ToolError
from llmspell.security import files
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Value = str | float | bool | None
Name = Annotated[str, Bounds(min_length=1, max_length=200)]
_MEMORY: Final = 512 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteOptions:
    path: FilePath | None = None
    """The database where a call names none; relative paths start from the project."""

    read_only: bool = True
    """Whether everything that changes a database is refused."""

    allowed_paths: FilePaths | None = None
    """Folders and files that this tool may use, within what the run may. None: all that the run may."""

    max_rows: Annotated[int, Bounds(ge=1, le=100_000)] = 10_000
    """Rows that a query may give."""

    timeout: Annotated[int, Bounds(ge=1, le=60_000)] = 10_000
    """Milliseconds of the longest statement."""

    max_file_size: Annotated[int, Bounds(ge=4096, le=10_000_000_000)] = 1_000_000_000
    """Bytes that a database may grow to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteParams:
    operation: Literal["query", "execute", "tables", "describe"]
    """query: one statement that reads, SELECT or WITH. execute: one statement that changes the data or the tables; the
    tool must have been made with read_only = false. tables: the tables and views with their columns. describe: one
    table's columns, keys, indexes and number of rows."""

    sql: Annotated[str, Bounds(min_length=1, max_length=100_000)] | None = None
    """For query and execute: one statement, with `?` or `:name` in the place of each value."""

    parameters: Annotated[list[Value], Bounds(max_items=1000)] | dict[str, Value] | None = None
    """The values: a list for `?`, an object for `:name`. Never write values into the statement yourself."""

    batch: Annotated[list[Annotated[list[Value], Bounds(max_items=1000)]], Bounds(max_items=100_000)] | None = None
    """For execute: runs the statement once for each list of values, all or none of them."""

    path: FilePath | None = None
    """The database file; relative paths start from the project. Without it, and without one in the tool's options, an
    empty database in memory that is gone after the call."""

    data: Annotated[dict[str, list[dict[str, Any]]], Bounds(max_properties=50)] | None = None
    """For query without a path: rows by the name of the table they are put into, so that any data can be asked in
    SQL."""

    table: Name | None = None
    """For describe: the table or view."""

    create: bool = False
    """For execute: whether a database that is missing is made."""

    limit: Annotated[int, Bounds(ge=1, le=100_000)] = 1000
    """For query: rows to give at most."""


class SqliteColumn(TypedDict):
    name: str
    """Its name."""
    type: str
    """Its declared type, or empty."""
    required: bool
    """Whether it may not be NULL."""
    primary_key: bool
    """Whether it is part of the primary key."""
    default: str | None
    """Its default, as SQL."""


class SqliteTable(TypedDict):
    name: str
    """Its name."""
    type: Literal["table", "view"]
    """What it is."""
    columns: list[str]
    """The names of its columns."""


class SqliteResult(TypedDict):
    rows: NotRequired[list[dict[str, Any]]]
    """query: the rows by column; a BLOB is an object `{base64}`. execute with RETURNING: what was returned."""
    columns: NotRequired[list[str] | list[SqliteColumn]]
    """query: the names of the columns in order. describe: the columns."""
    count: NotRequired[int]
    """query: number of rows given. describe: rows in the table."""
    truncated: NotRequired[bool]
    """query: whether `limit` left some out."""
    changed: NotRequired[int]
    """execute: rows inserted, updated or deleted."""
    last_id: NotRequired[int | None]
    """execute: the rowid of the row inserted last."""
    tables: NotRequired[list[SqliteTable]]
    """tables: by name."""
    sql: NotRequired[str]
    """describe: the statement that made it."""
    indexes: NotRequired[list[dict[str, Any]]]
    """describe: `{name, unique, columns}` of each."""
    foreign_keys: NotRequired[list[dict[str, str]]]
    """describe: `{column, table, other}` of each."""


@exposed(
    aliases=("Sqlite",),
    options=SqliteOptions,
    tool=ToolMark(
        name="sqlite",
        category="data",
        params=SqliteParams,
        result=SqliteResult,
        examples=(
            Example(
                {
                    "operation": "query",
                    "data": {"sales": [{"city": "Oslo", "price": 5}, {"city": "Oslo", "price": 7}]},
                    "sql": "SELECT city, sum(price) AS total FROM sales WHERE price > ? GROUP BY city",
                    "parameters": [1],
                },
                {
                    "rows": [{"city": "Oslo", "total": 12}],
                    "columns": ["city", "total"],
                    "count": 1,
                    "truncated": False,
                },
            ),
            Example(
                {"operation": "query", "sql": "SELECT upper(:word) AS word", "parameters": {"word": "hello"}},
                {"rows": [{"word": "HELLO"}], "columns": ["word"], "count": 1, "truncated": False},
            ),
            Example({"operation": "tables"}, {"tables": []}),
        ),
        permissions=("read", "write"),
        timeout=70_000,
        max_output=20_000_000,
    ),
)
class SqliteTool(BuiltinTool[SqliteOptions]):
    """Asks SQLite databases, and data given with the call, in SQL; changes databases where it may.

    Use tables and describe to learn what a database holds before you query it. Hand values over in `parameters`. One
    statement a call; other databases, extensions and settings cannot be reached from it.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = SqliteParams(**params)
        path = asked.path or (self.options.path if asked.data is None else None)
        _check(asked, path)
        if asked.operation == "execute" and self.options.read_only:
            raise PermissionDenied(
                "sqlite may not execute statements that change data: it was made read_only",
                hint="use query, or make the tool with read_only = false",
            )
        if path is None:
            content = await self._work(asked, context, None)
        else:
            content = await self._on_file(asked, context, path)
        return ToolOutput(content, {"operation": asked.operation, "path": path or ""})

    async def _on_file(self, asked: SqliteParams, context: ToolContext, path: str) -> dict[str, Any]:
        """The file stays open here while the process opens it by its true path, and sees that it is the same."""
        opened, true_path = await asyncio.to_thread(self._opened, asked, context, path)
        try:
            info = os.fstat(opened)
            return await self._work(asked, context, [true_path, info.st_dev, info.st_ino])
        finally:
            os.close(opened)

    def _opened(self, asked: SqliteParams, context: ToolContext, path: str) -> tuple[int, str]:
        allowed, permissions = self.options.allowed_paths, context.permissions
        if allowed is not None:
            permissions = permissions.narrow("sqlite", read=allowed, write=allowed)
        writes = asked.operation == "execute"
        if writes:
            with suppress(files.MissingFile), files.place(path, permissions, "read"):
                pass  # what is written can be read back, so it must be readable too
            with files.place(path, permissions, "write", make_folders=asked.create) as found:
                if found.info is None and not asked.create:
                    raise files.missing(path)
                return files.open_or_make(found), str(found.path)
        with files.place(path, permissions, "read") as found:
            return files.open_file(found), str(found.path)

    async def _work(self, asked: SqliteParams, context: ToolContext, file: list[Any] | None) -> dict[str, Any]:
        from llmspell.tools import aside
        from llmspell.tools.data import sqlite_work

        options = self.options
        writes = asked.operation == "execute"
        limits = aside.Limits(
            cpu=options.timeout // 1000 + 2, memory=_MEMORY, file=options.max_file_size if writes else 64 << 20
        )
        return await aside.work(
            sqlite_work.answer,
            context,
            limits,
            operation=asked.operation,
            file=file,
            sql=asked.sql or "",
            parameters=asked.parameters if asked.parameters is not None else [],
            batch=asked.batch,
            data=asked.data or {},
            table=asked.table or "",
            most=min(asked.limit, options.max_rows),
            milliseconds=options.timeout,
        )


def _check(asked: SqliteParams, path: str | None) -> None:
    if asked.operation in {"query", "execute"} and asked.sql is None:
        raise SchemaError(f"`{asked.operation}` needs `sql`", hint="one statement with `?` for values")
    if asked.operation == "describe" and asked.table is None:
        raise SchemaError("`describe` needs `table`", hint="`tables` lists them")
    if asked.data is not None and asked.path is not None:
        raise SchemaError("sqlite takes `data` or `path`, not both", hint="leave one of them out")
    if asked.data is not None and asked.operation == "execute":
        raise SchemaError("`data` is for reading", hint="use query")
    if asked.operation == "execute" and path is None:
        raise ToolError("`execute` needs `path`: what it changed would be gone at once", hint="give the database file")
    if asked.batch is not None and (asked.operation != "execute" or asked.parameters is not None):
        raise SchemaError("`batch` is for execute, in the place of `parameters`", hint="leave one of them out")
