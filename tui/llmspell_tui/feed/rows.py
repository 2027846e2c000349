"""A stored run in columns, straight from its file: a million spans in seconds. Knows SQL and no model.

All is read as it was at one moment, whatever the run's writer adds meanwhile.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final, cast

from llmspell.events.event import Event
from llmspell.traces.schema import open_read_only, unreadable
from llmspell_tui.model.updates import Counts, Details, Free, SpanRows

#: Rows of a piece: larger ones are slower, as their tuples leave the processor's cache.
_PIECE: Final = 2_000
_EVENTS: Final = 1_000
#: Spans without a row that are looked for one by one, at 0.1 ms each; more are looked for together, in all events.
_ONE_BY_ONE: Final = 2_000

_COLUMNS: Final = (
    "number, parent, kind, name, site, status, started, ended, first, last, input_tokens + output_tokens, cost, error"
)
_SPANS: Final = f"SELECT {_COLUMNS} FROM spans ORDER BY number"
#: Spans are numbered without gaps: a number that has no row is of one that has not ended.
_START: Final = "SELECT span, parent, kind, name, site, 'running', time, NULL, seq, 0, 0, NULL, '' FROM events"
_STARTS_FROM: Final = f"{_START} WHERE seq >= ? AND phase = 'start' ORDER BY seq"
_STARTS_OPEN: Final = f"""
{_START} WHERE phase = 'start' AND span > ? AND span < ? AND span NOT IN (SELECT number FROM spans) ORDER BY span
"""
_DETAILS: Final = """
SELECT seq, time, kind, phase, span, parent, name, site, data FROM events
WHERE seq > ? AND seq <= ? AND (phase = 'point' OR kind IN ('hook_called', 'hook_completed')) AND kind != 'llm_chunk'
ORDER BY seq LIMIT ?
"""
_FREE: Final = """
SELECT seq, time, kind, phase, span, parent, name, site, data FROM events
WHERE phase = 'end' AND kind IN ('llm_call_completed', 'tool_completed')
    AND (data LIKE '%"from_recording":true%' OR data LIKE '%"edited":[%')
ORDER BY seq
"""
_ENDINGS: Final = ("_started", "_called")


class StoredRun:
    """One moment of a run's file, from its opening to `close`. Raises StoreError, also for rows that are none.

    A thread may still be reading when it is closed: who leaves while a large run is read does not wait for that.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed = False
        self._turn = Lock()  # SQLite's library crashes where a connection is closed under a query
        self._connection = open_read_only(path)
        try:
            self._connection.execute("BEGIN")
            self.last = int(self._one("SELECT ifnull(max(seq), 0) FROM events"))
            self.spans = int(self._one("SELECT ifnull(max(number), 0) FROM spans"))
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._closed = True
        self._connection.interrupt()
        with self._turn:
            self._connection.close()

    def span_pieces(self) -> Iterator[SpanRows]:
        """Every span in the order of numbers: a span comes before those inside it."""
        cursor = self._run(_SPANS)
        last = first = 0
        while rows := self._fetched(cursor, _PIECE):
            columns = self._checked(rows)
            if columns[0][-1] - last != len(rows):
                # Spans are numbered without gaps: a number that has no row is of one that has not ended.
                found = self._running(last, columns[0])
                columns = (*zip(*sorted([*rows, *found], key=lambda row: row[0])),)
            last, first = columns[0][-1], columns[8][-1]
            yield SpanRows(*columns)
        newest = [*map(_begun, self._all(_STARTS_FROM, first + 1))]
        if newest:
            yield SpanRows(*zip(*newest))

    def _running(self, last: int, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        """The spans between `last` and the end of these numbers that are not among them, from their start events."""
        missing = sorted({*range(last + 1, numbers[-1])}.difference(numbers))
        if len(missing) > _ONE_BY_ONE:
            bounds = (last, numbers[-1])
            return [*map(_begun, self._all(_STARTS_OPEN, *bounds))]
        return [_begun(row) for number in missing if (row := self._start(number))]

    def _start(self, number: int) -> tuple[Any, ...] | None:
        """The start event of a span: spans are numbered in the order of their starts."""
        low, high = 1, self.last
        while low <= high:
            middle = (low + high) // 2
            row = next(iter(self._all(f"{_STARTS_FROM} LIMIT 1", middle)), None)
            if row is None or row[0] > number:
                high = middle - 1
            elif row[0] < number:
                low = row[8] + 1
            else:
                return row
        return None

    def detail_pieces(self) -> Iterator[Details]:
        """Points and the events of hooks, in order; no pieces of answers, which their ends say as a whole."""
        last = 0
        while rows := self._all(_DETAILS, last, self.last, _EVENTS):
            yield Details([self._event(row) for row in rows])
            last = rows[-1][0]

    def counts(self) -> Counts:
        """Every stored event by kind."""
        return Counts(dict(self._all("SELECT kind, count(*) FROM events GROUP BY kind")), self.last)

    def free(self) -> Free:
        """The calls that were answered from another run's recording, and those that were edited."""
        events = [self._event(row) for row in self._all(_FREE)]
        free = [event for event in events if event.data.get("from_recording") is True]
        calls = [(event.seq, event.span, event.kind, event.data.get("recorded_usage")) for event in free]
        return Free(calls, [event.span for event in events if event.data.get("edited")])

    def _event(self, row: tuple[Any, ...]) -> Event:
        seq, time, kind, phase, span, parent, name, site, data = row
        try:
            found = json.loads(data)
            return Event(seq, float(time), kind, phase, span, parent, name, site, cast("dict[str, Any]", dict(found)))
        except (TypeError, ValueError, RecursionError) as error:
            raise unreadable(self._path, error) from None

    def _checked(self, rows: list[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
        """Column by column."""
        columns = (*zip(*rows),)
        for column, kinds in zip(columns, _KINDS):
            if not kinds.issuperset(map(type, column)):
                raise unreadable(self._path, ValueError("a row of its spans is none"))
        firsts = columns[8]
        if [*firsts] != sorted(firsts):
            raise unreadable(self._path, ValueError("its spans are not numbered in the order of their starts"))
        return columns

    def _one(self, query: str) -> Any:
        return self._all(query)[0][0]

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._fetched(self._run(query, *values), -1)

    def _run(self, query: str, *values: object) -> sqlite3.Cursor:
        try:
            with self._reading():
                return self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise unreadable(self._path, error) from None

    @contextmanager
    def _reading(self) -> Generator[None]:
        with self._turn:
            if self._closed:
                raise sqlite3.ProgrammingError("it was closed meanwhile")
            yield

    def _fetched(self, cursor: sqlite3.Cursor, count: int) -> list[tuple[Any, ...]]:
        try:
            with self._reading():
                return cursor.fetchall() if count < 0 else cursor.fetchmany(count)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise unreadable(self._path, error) from None


#: What the columns of a row may hold; somebody else may have written the file.
_NUMBER: Final = frozenset({float, int})
_KINDS: Final[tuple[frozenset[type], ...]] = (
    *([frozenset({int})] * 2),
    *([frozenset({str})] * 4),
    _NUMBER,
    _NUMBER | {type(None)},
    *([frozenset({int})] * 2),
    _NUMBER,
    _NUMBER | {type(None)},
    frozenset({str}),
)


def _begun(row: tuple[Any, ...]) -> tuple[Any, ...]:
    kind = str(row[2])
    for ending in _ENDINGS:
        kind = kind.removesuffix(ending)
    return (*row[:2], kind, *row[3:])
