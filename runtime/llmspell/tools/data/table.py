"""Tables: columns and rows of cells, read from CSV, computed on and written. Knows no files and no tool."""

from __future__ import annotations

import csv
import io
import math
import re
import statistics
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import ToolError
from llmspell.frozen import frozen
from llmspell.settings.check import nearest

if TYPE_CHECKING:
    from llmspell.tools.data.csv_tool import Aggregate, Condition

MAX_COLUMNS: Final = 1000
MAX_CELLS: Final = 2_000_000
_NUMBER: Final = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?")
#: What spreadsheets take for a formula; a lone number such as -5 is none.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@frozen
class Table:
    columns: list[str]
    rows: list[list[Any]]


def read(text: str, delimiter: str, header: bool, types: bool, max_rows: int) -> Table:
    """Raises ToolError with the line at fault."""
    if delimiter in {'"', "\n", "\r", "\0"}:
        raise ToolError(f"{delimiter!r} cannot stand between cells", hint="use `,`, `;`, a tab or `|`")
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter, strict=True)
    rows: list[list[Any]] = []
    cells = 0
    columns: list[str] | None = None
    try:
        for line in reader:
            if not line:
                continue
            if columns is None:
                _check_width(line)
                columns = _names(line) if header else [f"column_{number}" for number in range(1, len(line) + 1)]
                if header:
                    continue
            if len(line) > len(columns):
                raise ToolError(
                    f"line {reader.line_num} has {len(line)} cells for {len(columns)} columns",
                    hint="check the delimiter, and quote cells that hold it",
                )
            cells += len(columns)
            if len(rows) >= max_rows or cells > MAX_CELLS:
                raise ToolError(f"the table has more than {min(max_rows, MAX_CELLS)} rows or {MAX_CELLS} cells")
            row: list[Any] = [number_of(cell) for cell in line] if types else list(line)
            rows.append(row + [None] * (len(columns) - len(row)))
    except csv.Error as error:
        raise ToolError(f"line {reader.line_num} is no CSV: {error}", hint="check its quotes") from None
    return Table(columns or [], rows)


def of_rows(given: list[Any], header: bool, max_rows: int) -> Table:
    """A table of objects by column, or of lists of cells."""
    if len(given) > max_rows:
        raise ToolError(f"the table has more than {max_rows} rows")
    if given and all(isinstance(row, list) for row in given):
        lists: list[list[Any]] = given
        width = max(len(row) for row in lists)
        _check_width(range(width))
        if header:
            first, *lists = lists
            columns = _names([str(cell) for cell in first] + [""] * (width - len(first)))
        else:
            columns = [f"column_{number}" for number in range(1, width + 1)]
        if len(lists) * width > MAX_CELLS:
            raise ToolError(f"the table has more than {MAX_CELLS} cells")
        return Table(columns, [[*row, *[None] * (width - len(row))] for row in lists])
    columns: list[str] = []
    known: set[str] = set()
    for row in given:
        if not isinstance(row, dict):
            raise ToolError("`rows` mixes lists and objects", hint="give one kind of row")
        for name in row:
            if name not in known:
                known.add(name)
                columns.append(name)
    _check_width(columns)
    if len(given) * len(columns) > MAX_CELLS:
        raise ToolError(f"the table has more than {MAX_CELLS} cells")
    return Table(columns, [[row.get(name) for name in columns] for row in given])


def write(table: Table, delimiter: str, header: bool, escape_formulas: bool) -> str:
    out = io.StringIO()
    try:
        plain = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        quoted = csv.writer(out, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for row in ([table.columns] if header and table.columns else []) + table.rows:
            cells = [_written(cell, escape_formulas) for cell in row]
            # csv quotes line feeds but leaves a carriage return bare, which readers take for a line's end
            bare = any(isinstance(cell, str) and "\r" in cell for cell in cells)
            (quoted if bare else plain).writerow(cells)
    except (csv.Error, TypeError, ValueError) as error:
        raise ToolError(f"the table cannot be written: {error}", hint="choose another delimiter") from None
    return out.getvalue()


def select(table: Table, names: list[str]) -> Table:
    places = [_place(table, name) for name in names]
    return Table(list(names), [[row[place] for place in places] for row in table.rows])


def where(table: Table, conditions: list[Condition]) -> Table:
    tests = [(_place(table, condition.column), _test(condition)) for condition in conditions]
    return Table(table.columns, [row for row in table.rows if all(test(row[place]) for place, test in tests)])


def sort(table: Table, names: list[str], descending: bool) -> Table:
    """Numbers before text, empty cells last in both directions; equal rows keep their order."""
    rows = list(table.rows)
    for name in reversed(names):
        place = _place(table, name)
        filled = [row for row in rows if not _empty(row[place])]
        empty = [row for row in rows if _empty(row[place])]
        filled.sort(key=lambda row, place=place: _order(row[place]), reverse=descending)
        rows = filled + empty
    return Table(table.columns, rows)


def aggregate(table: Table, group_by: list[str], aggregates: list[Aggregate]) -> Table:
    places = [_place(table, name) for name in group_by]
    groups: dict[tuple[str, ...], list[list[Any]]] = {}
    for row in table.rows:
        groups.setdefault(tuple(repr(row[place]) for place in places), []).append(row)
    if not group_by and not groups:
        groups[()] = []
    names = [item.name or "_".join(filter(None, (item.function, item.column))) for item in aggregates]
    rows = [
        [*(rows[0][place] for place in places), *(_computed(table, item, rows) for item in aggregates)]
        for rows in groups.values()
    ]
    return Table([*group_by, *names], rows)


def part(table: Table, offset: int, limit: int | None) -> Table:
    end = None if limit is None else offset + limit
    return Table(table.columns, table.rows[offset:end])


def as_objects(table: Table) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row)) for row in table.rows]


def _computed(table: Table, asked: Aggregate, rows: list[list[Any]]) -> Any:
    if asked.column is None:
        if asked.function == "count":
            return len(rows)
        raise ToolError(f"{asked.function!r} needs a column", hint="name the column to compute")
    place = _place(table, asked.column)
    cells = [row[place] for row in rows if not _empty(row[place])]
    match asked.function:
        case "count":
            return len(cells)
        case "distinct":
            return len({repr(cell) for cell in cells})
        case "first":
            return cells[0] if cells else None
        case "last":
            return cells[-1] if cells else None
        case "min":
            return min(cells, key=_order, default=None)
        case "max":
            return max(cells, key=_order, default=None)
        case "sum" | "mean" | "median":
            numbers = [_number(cell, asked.column) for cell in cells]
            if asked.function == "sum":
                return _finite(sum(numbers) if all(isinstance(n, int) for n in numbers) else math.fsum(numbers))
            if not numbers:
                return None
            return _finite(statistics.fmean(numbers) if asked.function == "mean" else statistics.median(numbers))


def _finite(value: float) -> float:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _number(cell: Any, column: str) -> float:
    if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
        return cell
    if isinstance(cell, str) and isinstance(found := number_of(cell), int | float):
        return found
    raise ToolError(f"{cell!r} in column {column!r} is not a number", hint="filter such rows out first")


def number_of(cell: str) -> Any:
    """The number that a cell spells, None for an empty one, else the text."""
    if cell == "":
        return None
    if len(cell) > 40 or not _NUMBER.fullmatch(cell):
        return cell
    try:
        return int(cell)
    except ValueError:
        value = float(cell)
        return value if math.isfinite(value) else cell


def _written(cell: Any, escape_formulas: bool) -> Any:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str) and escape_formulas and cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell):
        return "'" + cell
    if isinstance(cell, dict | list):
        import json

        return json.dumps(cell, ensure_ascii=False)
    return cell


def _test(condition: Condition) -> Callable[[Any], bool]:
    wanted: Any = condition.value

    def compared(cell: Any) -> int | None:
        """-1, 0 or 1; None where one of them is empty."""
        if _empty(cell) or wanted is None or isinstance(wanted, list):
            return None
        left, right = _order(cell), _order(wanted)
        if left[0] != right[0]:
            left, right = (1, str(cell)), (1, str(wanted))
        return (left > right) - (left < right)

    match condition.op:
        case "=":
            return lambda cell: compared(cell) == 0 or (wanted in (None, "") and _empty(cell))
        case "!=":
            return lambda cell: not (compared(cell) == 0 or (wanted in (None, "") and _empty(cell)))
        case "<":
            return lambda cell: compared(cell) == -1
        case "<=":
            return lambda cell: compared(cell) in (-1, 0)
        case ">":
            return lambda cell: compared(cell) == 1
        case ">=":
            return lambda cell: compared(cell) in (0, 1)
        case "contains":
            return lambda cell: str(wanted).casefold() in _text(cell).casefold()
        case "starts_with":
            return lambda cell: _text(cell).startswith(str(wanted))
        case "ends_with":
            return lambda cell: _text(cell).endswith(str(wanted))
        case "in":
            if not isinstance(wanted, list):
                raise ToolError("`in` needs a list as its value", hint='for example {"op": "in", "value": ["a", "b"]}')
            members = {_order(item) for item in wanted}
            return lambda cell: _order(cell) in members
        case "empty":
            return _empty
        case "not_empty":
            return lambda cell: not _empty(cell)


def _order(cell: Any) -> tuple[int, Any]:
    """Numbers (and text that spells one) before other text."""
    if isinstance(cell, bool):
        return (1, "true" if cell else "false")
    if isinstance(cell, int | float):
        return (0, cell)
    typed = number_of(cell) if isinstance(cell, str) else None
    return (0, typed) if isinstance(typed, int | float) else (1, _text(cell))


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _empty(cell: Any) -> bool:
    return cell is None or cell == ""


def _place(table: Table, name: str) -> int:
    if name not in table.columns:
        close = nearest(name, table.columns)
        hint = f"did you mean {close!r}?" if close else f"columns: {', '.join(table.columns[:30])}"
        raise ToolError(f"there is no column {name!r}", hint=hint)
    return table.columns.index(name)


def _names(line: list[str]) -> list[str]:
    """Every column its own name: a second `price` is `price_2`, a nameless one `column_3`."""
    return list(_unique(line))


def _unique(line: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for number, cell in enumerate(line, 1):
        name = base = cell.strip() or f"column_{number}"
        again = 2
        while name in seen:
            name, again = f"{base}_{again}", again + 1
        seen.add(name)
        yield name


def _check_width(line: Any) -> None:
    if len(line) > MAX_COLUMNS:
        raise ToolError(f"the table has more than {MAX_COLUMNS} columns", hint="check the delimiter")
