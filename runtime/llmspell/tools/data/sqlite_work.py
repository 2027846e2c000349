"""One statement on one SQLite database: authorised, parameterised, bounded in time, rows and size.

Runs in the process of `aside`, whose memory and file sizes are limited, as SQLite's own limits are the process's. The
authorizer sees every action of a statement before it runs, those of its triggers and views too.
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from llmspell.errors import PermissionDenied, TimeoutError, ToolError  # noqa: A004

_READS: Final = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_WRITES: Final = frozenset(
    getattr(sqlite3, f"SQLITE_{name}")
    for name in (
        *("INSERT", "UPDATE", "DELETE", "CREATE_TABLE", "CREATE_INDEX", "CREATE_VIEW", "CREATE_TRIGGER"),
        *("DROP_TABLE", "DROP_INDEX", "DROP_VIEW", "DROP_TRIGGER", "ALTER_TABLE", "REINDEX", "ANALYZE"),
    )
)
#: Pragmas that tell and change nothing.
_TELLS: Final = frozenset({"table_info", "table_xinfo", "index_list", "index_info", "foreign_key_list"})
_FUNCTIONS: Final = (*(f"pragma_{name}('')" for name in sorted(_TELLS)), "json_each('[]')", "json_tree('[]')")
_FORBIDDEN: Final = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})
_NAMES: Final = {
    sqlite3.SQLITE_ATTACH: "reach other databases",
    sqlite3.SQLITE_DETACH: "reach other databases",
    sqlite3.SQLITE_PRAGMA: "change settings",
    sqlite3.SQLITE_TRANSACTION: "begin and end transactions (each call is one)",
    sqlite3.SQLITE_CREATE_VTABLE: "make virtual tables",
}
_LIMITS: Final = (
    (sqlite3.SQLITE_LIMIT_LENGTH, 20_000_000),
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 200_000),
    (sqlite3.SQLITE_LIMIT_COLUMN, 1000),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 200),
    (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 50),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
    (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
    (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 20),
)
#: Characters of JSON that all rows of an answer may have.
_MAX_ANSWER: Final = 15_000_000
_LARGEST: Final = 2**63


def answer(
    operation: str,
    file: list[Any] | None,
    sql: str,
    parameters: list[Any] | dict[str, Any],
    batch: list[list[Any]] | None,
    data: dict[str, list[dict[str, Any]]],
    table: str,
    most: int,
    milliseconds: int,
) -> dict[str, Any]:
    """The tool's content. file: true path, device and inode. Raises ToolError, PermissionDenied, TimeoutError."""
    work = _Work(file, operation == "execute", milliseconds)
    try:
        for name, rows in data.items():
            work.fill(name, rows)
        work.guard()
        match operation:
            case "query":
                return work.query(sql, parameters, most)
            case "execute":
                return work.execute(sql, parameters, batch, most)
            case "tables":
                return {"tables": work.tables()}
            case _:
                return work.describe(table)
    except sqlite3.Error as error:
        raise work.failure(error) from None
    except (OverflowError, UnicodeEncodeError) as error:
        raise ToolError(f"a value cannot be stored: {error}", hint="64-bit integers and Unicode text fit") from None
    finally:
        work.connection.close()


class _Work:
    """One connection, for one call."""

    def __init__(self, file: list[Any] | None, writes: bool, milliseconds: int) -> None:
        self.writes = writes
        self.milliseconds = milliseconds
        self.ends = time.monotonic() + milliseconds / 1000
        self.refused = ""
        self.late = False
        self.inside = False
        self.connection = sqlite3.connect(":memory:") if file is None else _connected(file, writes)
        self.connection.isolation_level = None
        for limit, value in _LIMITS:
            self.connection.setlimit(limit, value)
        # What a file of someone else's declares may not run functions with effects (3.31), nor corrupt itself.
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "temp_store = MEMORY", "foreign_keys = ON"):
            self.connection.execute(f"PRAGMA {setting}")
        self.connection.execute(f"PRAGMA busy_timeout = {min(milliseconds, 5000)}")
        self.connection.set_progress_handler(self._progress, 10_000)

    def guard(self) -> None:
        """From here on every statement is looked at. Table functions declare themselves at their first use, by what
        looks like a CREATE TABLE to the authorizer, so they are used once before."""
        for function in _FUNCTIONS:
            self.connection.execute(f"SELECT 1 FROM {function}").fetchall()
        self.connection.set_authorizer(self._allowed)

    def _progress(self) -> int:
        self.late = time.monotonic() > self.ends
        return int(self.late)

    def _allowed(self, action: int, first: str | None, second: str | None, _third: Any, _fourth: Any) -> int:
        if action in _READS or self.inside or (self.writes and action in _WRITES):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FORBIDDEN:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _TELLS:
            return sqlite3.SQLITE_OK
        self.refused = _NAMES.get(action, "change data" if action in _WRITES else "do this")
        return sqlite3.SQLITE_DENY

    def failure(self, error: sqlite3.Error) -> ToolError | PermissionDenied | TimeoutError:
        if self.late:
            return TimeoutError(f"the statement took longer than {self.milliseconds} ms", hint="let it do less")
        if self.refused:
            how = "use execute" if not self.writes and self.refused == "change data" else "one plain statement a call"
            return PermissionDenied(f"the statement would {self.refused}, which it may not", hint=how)
        text = str(error).replace("You can only execute one statement at a time.", "there is more than one statement")
        hint = "`tables` and `describe` show what there is" if "no such" in text else ""
        if "bindings" in text or "binding" in text:
            hint = "one value in `parameters` for each `?`, or one for each `:name`"
        return ToolError(f"SQLite: {text[:300]}", hint=hint)

    def query(self, sql: str, parameters: list[Any] | dict[str, Any], most: int) -> dict[str, Any]:
        cursor = self.connection.execute(sql, parameters)
        if cursor.description is None:
            raise ToolError("the statement gives no rows", hint="use execute for statements that change data")
        columns = _names([column[0] for column in cursor.description])
        rows = _rows(cursor, columns, most + 1)
        return {"rows": rows[:most], "columns": columns, "count": min(len(rows), most), "truncated": len(rows) > most}

    def execute(
        self, sql: str, parameters: list[Any] | dict[str, Any], batch: list[list[Any]] | None, most: int
    ) -> dict[str, Any]:
        before = self.connection.total_changes
        self._privately("BEGIN IMMEDIATE")
        try:
            if batch is not None:
                cursor = self.connection.executemany(sql, batch)
            else:
                cursor = self.connection.execute(sql, parameters)
            rows = None
            if cursor.description is not None:
                names = _names([column[0] for column in cursor.description])
                rows = _rows(cursor, names, None)[:most]
        except BaseException:
            if self.connection.in_transaction:
                self.connection.set_progress_handler(None, 0)
                self._privately("ROLLBACK")
            raise
        self._privately("COMMIT")
        content: dict[str, Any] = {
            "changed": self.connection.total_changes - before,
            "last_id": cursor.lastrowid or None,
        }
        return content if rows is None else {**content, "rows": rows}

    def _privately(self, sql: str) -> None:
        """A statement of this module's own."""
        self.inside = True
        try:
            self.connection.execute(sql)
        finally:
            self.inside = False

    def tables(self) -> list[dict[str, Any]]:
        found = self.connection.execute(
            "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' "
            "ESCAPE '\\' ORDER BY name LIMIT 2000"
        ).fetchall()
        return [
            {"name": name, "type": kind, "columns": [column["name"] for column in self._columns(name)]}
            for name, kind in found
        ]

    def describe(self, table: str) -> dict[str, Any]:
        found = self.connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE", [table]
        ).fetchone()
        if found is None:
            raise ToolError(f"there is no table {table!r}", hint="`tables` lists them")
        name, sql = found
        indexes = [
            {
                "name": index,
                "unique": bool(unique),
                "columns": [
                    row[0] for row in self.connection.execute("SELECT name FROM pragma_index_info(?)", [index])
                ],
            }
            for index, unique in self.connection.execute('SELECT name, "unique" FROM pragma_index_list(?)', [name])
        ]
        keys = self.connection.execute('SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)', [name])
        return {
            "columns": self._columns(name),
            "count": self.connection.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0],
            "sql": sql or "",
            "indexes": indexes,
            "foreign_keys": [{"column": own, "table": other, "other": to or ""} for own, other, to in keys],
        }

    def _columns(self, table: str) -> list[dict[str, Any]]:
        found = self.connection.execute(
            'SELECT name, type, "notnull", pk, dflt_value FROM pragma_table_info(?)', [table]
        ).fetchall()
        return [
            {"name": name, "type": kind, "required": bool(required), "primary_key": bool(key), "default": default}
            for name, kind, required, key, default in found
        ]

    def fill(self, table: str, rows: list[dict[str, Any]]) -> None:
        """A table in memory of the caller's own rows."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        if not names:
            raise ToolError(f"the table {table!r} has no columns", hint="give its rows as objects by column")
        columns = ", ".join(map(_quoted, names))
        self.connection.execute(f"CREATE TABLE {_quoted(table)} ({columns})")
        marks = ", ".join("?" * len(names))
        cells = ([_stored(row.get(name)) for name in names] for row in rows)
        self.connection.execute("BEGIN")
        self.connection.executemany(f"INSERT INTO {_quoted(table)} VALUES ({marks})", cells)
        self.connection.execute("COMMIT")


def _connected(file: list[Any], writes: bool) -> sqlite3.Connection:
    """A connection to the very file that was checked. SQLite opens by path, so what it opened is looked at after."""
    path, device, inode = file
    before = _descriptors(device, inode)
    try:
        connection = sqlite3.connect(f"file:{quote(path)}?mode={'rw' if writes else 'ro'}", uri=True)
        connection.execute("PRAGMA schema_version").fetchone()  # opens the file
    except sqlite3.Error as error:
        raise ToolError(f"this is no SQLite database that can be opened: {error}") from None
    if _descriptors(device, inode) <= before:
        connection.close()
        raise ToolError("the database changed while it was being opened", hint="try again")
    return connection


def _descriptors(device: int, inode: int) -> int:
    """How many of this process's descriptors are of that file."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            info = os.fstat(int(entry.name))
        except OSError:  # the descriptor of this very listing
            continue
        found += (info.st_dev, info.st_ino) == (device, inode)
    return found


def _rows(cursor: sqlite3.Cursor, columns: list[str], most: int | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    size = 0
    for row in cursor:
        shown = dict(zip(columns, map(_shown, row)))
        size += sum(len(cell) if isinstance(cell, str) else 20 for cell in row) + 4 * len(columns)
        if size > _MAX_ANSWER:
            raise ToolError("the rows are too large to give", hint="choose columns, or a lower `limit`")
        rows.append(shown)
        if len(rows) == most:
            break
    return rows


def _names(names: list[str]) -> list[str]:
    """Every column its own name: a second `id` is `id_2`."""
    found: list[str] = []
    for name in names:
        made, number = name, 2
        while made in found:
            made, number = f"{name}_{number}", number + 1
        found.append(made)
    return found


def _shown(cell: Any) -> Any:
    if isinstance(cell, bytes):
        return {"base64": base64.b64encode(cell).decode()}
    if isinstance(cell, float) and cell in (float("inf"), float("-inf")):
        return str(cell)
    return cell


def _stored(cell: Any) -> Any:
    """A cell as SQLite holds it: lists and objects as JSON, what is too large for 64 bits as text."""
    if isinstance(cell, dict | list):
        return json.dumps(cell, ensure_ascii=False)
    if isinstance(cell, int) and not -_LARGEST <= cell < _LARGEST:
        return str(cell)
    return cell


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
