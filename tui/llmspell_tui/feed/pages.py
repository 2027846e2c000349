"""A run's events a page at a time, and those that a filter finds: for lists of a million events.

Every method reads the run's file: call them in a thread. Safe from several. Raises StoreError.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from llmspell.events.event import Event
from llmspell.traces.reader import RunFile
from llmspell.traces.schema import open_read_only, unreadable
from llmspell_tui.feed.eventfilter import EventFilter

#: Events of a page.
PAGE: Final = 200
#: Events looked through between two reports of a search.
_STRETCH: Final = 50_000


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

    def matching(self, wanted: EventFilter, first: int, last: int, report: Callable[[list[int], int], bool]) -> None:
        """Finds the numbers, from `first` to `last`, of the events that pass.

        report: called with the next ones found and how many events have been looked through; False stops.
        """
        for end, found in self._found(wanted, _stretches(first, last), ""):
            if not report(found, end - first + 1):
                return

    def next_match(
        self, wanted: EventFilter, at: int, last: int, *, backwards: bool, stopped: Callable[[], bool]
    ) -> int | None:
        """The next event after number `at` that passes, after the last one from the first on; itself at the very end.

        stopped: asked between stretches whether nobody wants it any more.
        """
        if backwards:
            ranges = [*reversed([*_stretches(1, at - 1)]), *reversed([*_stretches(at, last)])]
        else:
            ranges = [*_stretches(at + 1, last), *_stretches(1, at)]
        for _, found in self._found(wanted, iter(ranges), " DESC LIMIT 1" if backwards else " LIMIT 1"):
            if found:
                return found[0]
            if stopped():
                break
        return None

    def _found(
        self, wanted: EventFilter, ranges: Iterator[tuple[int, int]], order: str
    ) -> Iterator[tuple[int, list[int]]]:
        """What passes in each range of numbers, with the range's end."""
        where, values = wanted.where()
        condition = f" AND {where}" if where else ""
        query = f"SELECT seq FROM events WHERE seq >= ? AND seq <= ?{condition} ORDER BY seq{order}"
        connection = open_read_only(self._path)
        try:
            for begin, end in ranges:
                yield end, [seq for (seq,) in connection.execute(query, (begin, end, *values))]
        except sqlite3.Error as error:
            raise unreadable(self._path, error) from None
        finally:
            connection.close()

    def _opened(self) -> RunFile:
        if self._file is None:
            self._file = RunFile(self._path)
        return self._file


def _stretches(first: int, last: int) -> Iterator[tuple[int, int]]:
    for begin in range(first, last + 1, _STRETCH):
        yield begin, min(last, begin + _STRETCH - 1)
