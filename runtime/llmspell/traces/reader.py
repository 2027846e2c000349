"""A stored run, read only: finished, running, or left behind by a host that died.

Every method raises StoreError for a damaged file. Safe to use from one thread at a time, whichever that is, and to
close while one still reads, as happens where the task that waits for the thread is cancelled.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sqlite3
from array import array
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces import audit
from llmspell.traces.jobs import Answer
from llmspell.traces.meta import RunMeta, checked
from llmspell.traces.schema import open_read_only, unreadable
from llmspell.traces.spans import Span, fold, running_span

_EVENT = "seq, time, kind, phase, span, parent, name, site, data"


@frozen
class Marks:
    """answers: number and count of admissions of each answer; seqs: the last event before each admission; clock: count
    of admissions and bytes of each entry."""

    answers: list[tuple[int, int]]
    seqs: list[int]
    clock: list[tuple[int, int]]


class RunFile:
    """Opened at once; a context manager, or `close()`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_read_only(path)
        self._turn = Lock()  # SQLite's library crashes where a connection is closed under a query

    def close(self) -> None:
        with self._turn:
            self._connection.close()

    def __enter__(self) -> RunFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def meta(self) -> RunMeta:
        known = {field.name for field in dataclasses.fields(RunMeta)}
        values = {key: _json(self.path, value) for key, value in self._rows("SELECT key, value FROM meta")}
        try:
            return checked(RunMeta(**{key: value for key, value in values.items() if key in known}))
        except (TypeError, ValueError) as error:
            raise unreadable(self.path, error) from None

    def last_seq(self) -> int:
        return next(self._rows("SELECT ifnull(max(seq), 0) FROM events"))[0]

    def events(self, first: int = 1, last: int | None = None, *, kind: str = "", limit: int = -1) -> Iterator[Event]:
        """Events in order from number `first` on. kind: of this kind only."""
        where, values = "seq >= ?", [first]
        if last is not None:
            where, values = f"{where} AND seq <= ?", [*values, last]
        if kind:
            where = f"{where} AND kind = '{kind.replace(chr(39), '')}'"  # as a literal: a partial index serves it
        query = f"SELECT {_EVENT} FROM events WHERE {where} ORDER BY seq LIMIT ?"
        return (self._event(row) for row in self._rows(query, *values, limit))

    def some_events(self, first: int, last: int | None, limit: int) -> list[Event]:
        """At most `limit` events from number `first` to `last`."""
        return [*self.events(first, last, limit=limit)]

    def spans(self) -> list[Span]:
        """Every span by number: the derived rows, and those still open as `running`."""
        spans = [Span(*row) for row in self._rows("SELECT * FROM spans")]
        ended = {span.number for span in spans}
        starts = f"SELECT {_EVENT} FROM events WHERE phase = 'start' AND span NOT IN (SELECT number FROM spans)"
        spans += [running_span(self._event(row)) for row in self._rows(starts) if row[4] not in ended]
        return sorted(spans, key=lambda span: span.number)

    def starts(self) -> list[tuple[int, int, str, str]]:
        """Each span as it began: its number, its parent's, the kind of its first event, its name."""
        return list(self._rows("SELECT span, parent, kind, name FROM events WHERE phase = 'start' ORDER BY seq"))

    def free_spans(self) -> set[int]:
        """The spans of calls that were answered from another run's recording."""
        ends = "SELECT span, data FROM events WHERE phase = 'end' AND data LIKE '%\"from_recording\":true%'"
        return {span for span, data in self._rows(ends) if _json(self.path, data).get("from_recording") is True}

    def rebuilt_spans(self) -> list[Span]:
        """The same from the events alone."""
        return fold(self.events())

    def state_snapshot(self, seq: int | None = None) -> tuple[int, dict[str, dict[str, Any]]] | None:
        """The last one before event number `seq`, or of all: the number of the event it was made at, and the states."""
        if not next(self._rows("SELECT count(*) FROM sqlite_master WHERE name = 'state_snapshots'"))[0]:
            return None
        query = "SELECT seq, data FROM state_snapshots WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
        row = next(self._rows(query, 2**62 if seq is None else seq), None)
        if row is None:
            return None
        states = _json(self.path, row[1])
        if not isinstance(states, dict) or not all(isinstance(each, dict) for each in states.values()):
            raise unreadable(self.path, ValueError("a snapshot of its states is none"))
        return row[0], states

    def answers(self, unpack: Any = None) -> Iterator[Answer]:
        """What the run was answered. `output` stays packed bytes unless `unpack` is given."""
        columns = "seq, kind, name, key, span, occurrence, input, output, ok"
        for row in self._rows(f"SELECT {columns} FROM answers ORDER BY id"):
            seq, kind, name, key, span, occurrence, given, output, ok = row
            value = output if unpack is None else unpack(output)
            yield Answer(seq, kind, name, key, span, occurrence, _json(self.path, given), value, bool(ok))

    def answer_rows(self) -> list[tuple[int, str, str, str, int, int, str, bytes, int]]:
        """seq, kind, name, key, span, occurrence, input as JSON text, packed output, ok."""
        columns = "seq, kind, name, key, span, occurrence, input, output, ok"
        return list(self._rows(f"SELECT {columns} FROM answers ORDER BY id"))

    def marks(self) -> Marks:
        """Where each answer and clock reading stands among the admissions. Raises StoreError for a run that was
        recorded before this was noted."""
        answers = [*self._rows("SELECT number, admitted FROM answers ORDER BY id")]
        lists = [_json(self.path, seqs) for (seqs,) in self._rows("SELECT seqs FROM admissions ORDER BY id")]
        clock = [*self._rows("SELECT admitted, length(readings) FROM clock ORDER BY id")]
        seqs = [seq for found in lists if isinstance(found, list) for seq in found]
        if not all(isinstance(number, int) for row in (seqs, *answers, *clock) for number in row):
            raise unreadable(self.path, ValueError("the places of its answers are none"))
        return Marks(answers, seqs, clock)

    def times(self) -> array[float]:
        """The time of each event, in order."""
        try:
            return array("d", [time for (time,) in self._rows("SELECT time FROM events ORDER BY seq")])
        except TypeError as error:
            raise unreadable(self.path, error) from None

    def admissions(self) -> list[str]:
        """The keys of the inputs in the order in which they were let in."""
        lists = [_json(self.path, keys) for (keys,) in self._rows("SELECT keys FROM admissions ORDER BY id")]
        found = [key for keys in lists if isinstance(keys, list) for key in keys]
        if not all(isinstance(key, str) for key in found):
            raise unreadable(self.path, ValueError("the order of its inputs is none"))
        return found

    def clock(self) -> bytes:
        """The worker's clock readings: packed little-endian doubles."""
        readings = [found for (found,) in self._rows("SELECT readings FROM clock ORDER BY id")]
        if any(not isinstance(each, bytes) or len(each) % 8 for each in readings):
            raise unreadable(self.path, ValueError("its clock readings are none"))
        return b"".join(readings)

    def audit(self) -> list[audit.Row]:
        return list(self._rows("SELECT * FROM audit ORDER BY id"))

    def verify_audit(self) -> int:
        """The number of audit records; raises StoreError naming the first that was tampered with."""
        meta = self.meta()
        return audit.verify(meta.id, self.audit(), meta.audit_head, ended=meta.ended is not None)

    def _event(self, row: tuple[Any, ...]) -> Event:
        match row:
            case (int(seq), float(time), str(kind), str(phase), int(span), int(parent), str(name), str(site), data) if (
                phase in ("start", "end", "point") and math.isfinite(time)
            ):
                found = _json(self.path, data)
                if isinstance(found, dict):
                    return Event(seq, time, kind, phase, span, parent, name, site, found)
            case _:
                pass
        raise unreadable(self.path, ValueError(f"event {row[0]!r} is none"))

    def _rows(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        try:
            with self._turn:
                cursor = self._connection.execute(query, values)
            while (row := self._row(cursor)) is not None:
                yield row
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise unreadable(self.path, error) from None

    def _row(self, cursor: sqlite3.Cursor) -> tuple[Any, ...] | None:
        with self._turn:
            return cursor.fetchone()


def _json(path: Path, text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise unreadable(path, error) from None
