"""A run's events a page at a time, and those that a filter finds: for lists of a million events.

Every method but those of `EventFilter` reads the run's file: call them in a thread. Safe from several. Raises
StoreError.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.reader import RunFile
from llmspell.traces.schema import open_read_only, unreadable

#: Events of a page.
PAGE: Final = 200
#: Events looked through between two reports of a search.
_STRETCH: Final = 50_000
#: What a word of a filter may be held against, by name, and the column that holds it.
FIELDS: Final = {"kind": "kind", "name": "name", "site": "site", "phase": "phase"}


@frozen
class EventFilter:
    """kinds: a kind each, any of which will do; none for all. terms: (column, part) that must all stand in an event;
    column "" for anywhere in it."""

    kinds: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> EventFilter:
        """`kind:output site:spell.lua:4 rain`: words stand anywhere. A kind is whole, or ends in `*`."""
        kinds: list[str] = []
        terms: list[tuple[str, str]] = []
        for word in text.split():
            field, colon, rest = word.partition(":")
            if colon and field == "kind":
                kinds.append(rest)
            elif colon and field in FIELDS:
                terms.append((FIELDS[field], rest))
            else:
                terms.append(("", word))
        return cls(tuple(kinds), tuple(terms))

    def where(self) -> tuple[str, list[str]]:
        """As a condition of SQL, with its values; "" where everything passes."""
        parts: list[str] = []
        values: list[str] = []
        if self.kinds:
            parts.append("(" + " OR ".join("kind LIKE ? ESCAPE '\\'" for _ in self.kinds) + ")")
            values += [_escaped(kind.removesuffix("*")) + ("%" if kind.endswith("*") else "") for kind in self.kinds]
        for column, text in self.terms:
            if column:
                parts.append(f"{column} LIKE ? ESCAPE '\\'")
                values.append(f"%{_escaped(text)}%")
            else:
                parts.append("(" + " OR ".join(f"{name} LIKE ? ESCAPE '\\'" for name in ("kind", "name", "data")) + ")")
                quoted = json.dumps(text, ensure_ascii=False)[1:-1]
                values += [f"%{_escaped(text)}%", f"%{_escaped(text)}%", f"%{_escaped(quoted)}%"]
        return " AND ".join(parts), values


class EventPages:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: RunFile | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def page(self, number: int) -> list[Event]:
        """Events `number * PAGE + 1` and on, as far as they are stored."""
        with self._lock:
            first = number * PAGE + 1
            return self._opened().some_events(first, first + PAGE - 1, PAGE)

    def some(self, seqs: list[int]) -> list[Event]:
        """Those of these events that are stored, in the order asked for."""
        with self._lock:
            file = self._opened()
            return [event for seq in seqs for event in file.some_events(seq, seq, 1)]

    def matching(self, wanted: EventFilter, first: int, last: int, report: Callable[[list[int], int], bool]) -> None:
        """Finds the numbers, from `first` to `last`, of the events that pass.

        report: called with the next ones found and how many events have been looked through; False stops.
        """
        where, values = wanted.where()
        query = f"SELECT seq FROM events WHERE seq >= ? AND seq <= ?{' AND ' + where if where else ''} ORDER BY seq"
        connection = open_read_only(self._path)
        try:
            for begin in range(first, last + 1, _STRETCH):
                end = min(last, begin + _STRETCH - 1)
                found = [seq for (seq,) in connection.execute(query, (begin, end, *values))]
                if not report(found, end - first + 1):
                    return
        except sqlite3.Error as error:
            raise unreadable(self._path, error) from None
        finally:
            connection.close()

    def _opened(self) -> RunFile:
        if self._file is None:
            self._file = RunFile(self._path)
        return self._file


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in text)
