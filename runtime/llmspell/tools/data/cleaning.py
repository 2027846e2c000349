"""Cleans tables, one step after the other: names, words for nothing, types, empty cells, outliers, repeated rows.

Every step counts what it changed. Linear in the cells but for sorting. Knows no files and no tool.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import ToolError
from llmspell.tools.data import table
from llmspell.tools.data.table import Table

if TYPE_CHECKING:
    from llmspell.tools.data.data_cleaner import DataCleanerParams, Missing

_NOTHING: Final = ("n/a", "na", "null", "none", "nan", "-", "?", "#n/a", "")
_BLANKS: Final = re.compile(r"\s+")
_TRUE: Final = frozenset({"true", "yes", "y", "1"})
_FALSE: Final = frozenset({"false", "no", "n", "0"})
#: Day first where the two cannot be told apart is a guess nobody should make: `03/04/2024` is not taken.
_DATES: Final = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y%m%d")
_FEWEST: Final = 4
_FENCE: Final = 1.5
_KINDS: Final = tuple[str, ...](
    "rows_before trimmed emptied converted invalid filled outliers empty_rows missing_rows duplicate_rows".split()
)


def answer(asked: DataCleanerParams, max_rows: int) -> tuple[dict[str, Any], dict[str, int]]:
    """The tool's content, and what was changed. Raises ToolError."""
    found = table.of_rows(asked.rows, True, max_rows)
    if asked.columns is not None:
        found = table.select(found, asked.columns)
    found = Table(list(found.columns), [list(row) for row in found.rows])
    if asked.operation == "profile":
        return _profiled(found, _words(asked)), {}
    work = _Cleaning(asked, found)
    work.run()
    content: dict[str, Any] = {"rows": table.as_objects(work.table), "columns": work.table.columns}
    if asked.report:
        content["changes"] = work.changes
    return content, work.changes


class _Cleaning:
    """One table on its way."""

    def __init__(self, asked: DataCleanerParams, found: Table) -> None:
        self.asked = asked
        self.table = found
        self.changes: dict[str, int] = dict.fromkeys(_KINDS, 0)
        self.changes["rows_before"] = len(found.rows)

    def run(self) -> None:
        asked = self.asked
        known = {*self.table.columns}
        self._rename()
        self._texts(_words(asked))
        self._keep("empty_rows", lambda row: any(cell is not None for cell in row))
        for name in {*(asked.types or {}), *(asked.missing if isinstance(asked.missing, dict) else ())}:
            if name not in self.table.columns:
                near = "the columns have new names" if name in known else f"columns: {', '.join(self.table.columns)}"
                raise ToolError(f"there is no column {name!r}", hint=near[:500])
        for place, name in enumerate(self.table.columns):
            self._type(place, name)
        if asked.outliers != "keep":
            self._outliers()
        self._missing()
        if asked.duplicates == "drop":
            self._duplicates()

    def _rename(self) -> None:
        given, columns = self.asked.rename or {}, self.table.columns
        for old in given:
            if old not in columns:
                raise ToolError(f"there is no column {old!r}", hint=f"columns: {', '.join(columns)}"[:500])
        names = [given.get(name, name) for name in columns]
        if self.asked.snake_case:
            names = [_snake(name) or name for name in names]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise ToolError(f"two columns would be named {twice[0]!r}", hint="give one of them another name")
        self.table = Table(names, self.table.rows)

    def _texts(self, words: frozenset[str]) -> None:
        for row in self.table.rows:
            for place, cell in enumerate(row):
                if not isinstance(cell, str):
                    if isinstance(cell, float) and not math.isfinite(cell):
                        row[place] = None
                        self.changes["emptied"] += 1
                    continue
                trimmed = _BLANKS.sub(" ", cell.strip()) if self.asked.trim else cell
                self.changes["trimmed"] += trimmed != cell
                row[place] = trimmed
                if trimmed.strip().casefold() in words:
                    row[place] = None
                    self.changes["emptied"] += cell != ""

    def _type(self, place: int, name: str) -> None:
        wanted = (self.asked.types or {}).get(name)
        cells = [row[place] for row in self.table.rows]
        if wanted is None:
            made = [table.number_of(cell) if isinstance(cell, str) else cell for cell in cells]
            plain = (not isinstance(cell, str | bool | list | dict) for cell in made if cell is not None)
            if not all(plain) or made == cells:
                return
        else:
            made = [None if cell is None else _MAKERS[wanted](cell) for cell in cells]
        for row, cell in zip(self.table.rows, made):
            before, row[place] = row[place], cell
            if before is not None and cell is None:
                self.changes["invalid"] += 1
            elif type(before) is not type(cell) or before != cell:
                self.changes["converted"] += 1

    def _outliers(self) -> None:
        drop: set[int] = set()
        for place in range(len(self.table.columns)):
            bounds = _fences([row[place] for row in self.table.rows])
            if bounds is None:
                continue
            low, high = bounds
            for number, row in enumerate(self.table.rows):
                cell = row[place]
                if cell is None or low <= cell <= high:
                    continue
                self.changes["outliers"] += 1
                if self.asked.outliers == "drop":
                    drop.add(number)
                else:
                    row[place] = None if self.asked.outliers == "empty" else _whole(low if cell < low else high)
        self.table = Table(
            self.table.columns, [row for number, row in enumerate(self.table.rows) if number not in drop]
        )

    def _missing(self) -> None:
        ways = self.asked.missing
        dropping: list[int] = []
        for place, name in enumerate(self.table.columns):
            way: Missing = ways.get(name, "keep") if isinstance(ways, dict) else ways
            if way == "drop":
                dropping.append(place)
            elif way != "keep":
                self._fill(place, name, way)
        if dropping:
            self._keep("missing_rows", lambda row: all(row[place] is not None for place in dropping))

    def _fill(self, place: int, name: str, way: Missing) -> None:
        filled = [row[place] for row in self.table.rows if row[place] is not None]
        value: Any = self.asked.fill_value
        if way in ("mean", "median"):
            if not filled or not all(_is_number(cell) for cell in filled):
                if isinstance(self.asked.missing, dict):
                    raise ToolError(f"column {name!r} has no {way}", hint="fill it in another way")
                return  # asked of all columns, it is meant for those that have one
            value = _middle(filled, way, name)
        elif way == "most_common":
            texts = {repr(cell): cell for cell in reversed(filled)}
            common = Counter(repr(cell) for cell in filled).most_common(1)
            value = texts[common[0][0]] if common else None
        for row in self.table.rows:
            if row[place] is None and value is not None:
                row[place] = value
                self.changes["filled"] += 1
            elif way == "previous":
                value = row[place]

    def _duplicates(self) -> None:
        columns = self.table.columns
        for name in self.asked.unique_by or ():
            if name not in columns:
                raise ToolError(f"there is no column {name!r}", hint=f"columns: {', '.join(columns)}"[:500])
        places = [columns.index(name) for name in self.asked.unique_by or columns]
        seen: set[str] = set()

        def fresh(row: list[Any]) -> bool:
            key = repr([row[place] for place in places])
            if key in seen:
                return False
            seen.add(key)
            return True

        self._keep("duplicate_rows", fresh)

    def _keep(self, kind: str, test: Callable[[list[Any]], bool]) -> None:
        kept = [row for row in self.table.rows if test(row)]
        self.changes[kind] += len(self.table.rows) - len(kept)
        self.table = Table(self.table.columns, kept)


def _profiled(found: Table, words: frozenset[str]) -> dict[str, Any]:
    profile: list[dict[str, Any]] = []
    for place, name in enumerate(found.columns):
        cells = [row[place] for row in found.rows]
        filled = [cell for cell in cells if not _is_missing(cell, words)]
        values = {repr(cell): cell for cell in filled}
        numbers = [cell for cell in filled if _is_number(cell)]
        entry: dict[str, Any] = {
            "name": name,
            "type": _kind(filled),
            "filled": len(filled),
            "missing": len(cells) - len(filled),
            "distinct": len(values),
            "blanks": sum(isinstance(cell, str) and cell != cell.strip() for cell in filled),
        }
        if numbers and len(numbers) == len(filled):
            entry |= {"minimum": min(numbers), "maximum": max(numbers)}
            if bounds := _fences(numbers):
                entry["outliers"] = sum(not bounds[0] <= cell <= bounds[1] for cell in numbers)
        profile.append({**entry, "examples": list(values.values())[:3]})
    distinct = len({repr(row) for row in found.rows})
    return {
        "columns": found.columns,
        "profile": profile,
        "count": len(found.rows),
        "duplicate_rows": len(found.rows) - distinct,
    }


def _words(asked: DataCleanerParams) -> frozenset[str]:
    given = _NOTHING if asked.empty is None else (*asked.empty, "")
    return frozenset(word.strip().casefold() for word in given)


def _is_missing(cell: Any, words: frozenset[str]) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip().casefold() in words)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and _as_float(cell) is not None


def _as_float(cell: float) -> float | None:
    """The number as a float; None where it is none that can be computed with."""
    try:
        return value if math.isfinite(value := float(cell)) else None
    except OverflowError:
        return None


def _kind(filled: list[Any]) -> str:
    kinds = {"boolean" if isinstance(cell, bool) else "number" if _is_number(cell) else "text" for cell in filled}
    return "empty" if not kinds else "mixed" if len(kinds) > 1 else kinds.pop()


def _fences(cells: list[Any]) -> tuple[float, float] | None:
    """Beyond which a number is an outlier; None for what is no column of at least four numbers."""
    filled = [cell for cell in cells if cell is not None]
    if len(filled) < _FEWEST or not all(_is_number(cell) for cell in filled):
        return None
    low, _, high = statistics.quantiles(filled, n=4, method="inclusive")
    reach = (high - low) * _FENCE
    return (low - reach, high + reach) if math.isfinite(reach + low) and math.isfinite(reach - high) else None


def _middle(numbers: list[float], way: str, name: str) -> float:
    try:
        value = statistics.fmean(numbers) if way == "mean" else statistics.median(numbers)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ToolError(f"the {way} of column {name!r} is too large a number", hint="fill it in another way")
    return _whole(value)


def _whole(value: float) -> float:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _number(cell: Any) -> Any:
    if isinstance(cell, bool):
        return int(cell)
    if isinstance(cell, str):
        cell = table.number_of(cell.strip().removeprefix("+").replace(",", "" if _THOUSANDS.fullmatch(cell) else ","))
    return cell if _is_number(cell) else None


_THOUSANDS: Final = re.compile(r"\s*[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?\s*")


def _integer(cell: Any) -> Any:
    number = _number(cell)
    return None if number is None or number != int(number) else int(number)


def _boolean(cell: Any) -> Any:
    if isinstance(cell, bool):
        return cell
    word = str(cell).strip().casefold() if isinstance(cell, str | int | float) else ""
    return True if word in _TRUE else False if word in _FALSE else None


def _date(cell: Any) -> Any:
    """`2024-03-01`, or with a time `2024-03-01T12:00:00`."""
    if not isinstance(cell, str) or len(cell) > 40:
        return None
    text = cell.strip()
    for layout in _DATES:
        try:
            return datetime.strptime(text, layout).date().isoformat()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _text(cell: Any) -> Any:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell if isinstance(cell, str) else str(_whole(cell)) if isinstance(cell, int | float) else None


_MAKERS: Final[dict[str, Callable[[Any], Any]]] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "text": _text,
}


def _snake(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.sub(r"\W+", "_", spaced).strip("_").lower()
