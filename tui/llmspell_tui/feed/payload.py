"""What the inspector asks of a span: payloads stay in the run's file and are read when a row is looked at.

Every method reads the file: call them in a thread. Safe from several. Raises StoreError.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.reader import RunFile
from llmspell.traces.schema import open_read_only, unreadable
from llmspell.traces.state_at import States, state_at

#: Events kept, so that going up and down a list of rows reads each once.
_KEPT: Final = 256
#: Events of a span that are shown; more are counted.
_MOST: Final = 500
#: Events looked through between two reports of a search.
_STRETCH: Final = 50_000


@frozen
class SpanPayload:
    """start, end: None where they are not stored yet. inner: points in this very span, in order, the first `_MOST`;
    more: whether there are others. streamed: of a model call without an end: as much of its answer as had come."""

    start: Event | None
    end: Event | None
    inner: tuple[Event, ...]
    more: bool
    streamed: str = ""


class Payloads:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: RunFile | None = None
        self._kept: OrderedDict[int, Event] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def event(self, seq: int) -> Event | None:
        """One event, None while it is not stored."""
        with self._lock:
            return self._event(seq)

    def events(self, seqs: Sequence[int]) -> list[Event]:
        """Those of them that are stored."""
        with self._lock:
            return [event for seq in seqs if (event := self._event(seq)) is not None]

    def span(self, number: int, first: int, last: int = 0, until: int | None = None) -> SpanPayload:
        """number: the span's; first, last: the numbers of its events, last 0 while it runs. until: the last event that
        there is at the moment shown."""
        with self._lock:
            start = self._event(first)
            end = self._event(last) if last else None
            inner: list[Event] = []
            streamed: list[str] = []
            at = first + 1
            # A span's own points lie among the events of those inside it: a stretch is looked through, no more.
            for event in self._opened().events(at, last or until, limit=_STRETCH):
                if event.span == number and event.kind == "llm_chunk" and not last:
                    streamed.append(str(event.data.get("text") or ""))
                if event.span == number and event.phase == "point" and event.kind != "llm_chunk":
                    inner.append(event)
                    if len(inner) > _MOST:
                        break
            return SpanPayload(start, end, tuple(inner[:_MOST]), len(inner) > _MOST, "".join(streamed))

    def states(self, seq: int | None = None) -> States:
        """The states after event number `seq`."""
        with self._lock:
            return state_at(self._opened(), seq)

    def source(self) -> tuple[str, dict[str, str]]:
        """The spell's text as it ran, and the texts of what it loaded by path."""
        with self._lock:
            meta = self._opened().meta()
            return meta.source, meta.modules

    def last(self) -> int:
        """The number of the last event that is stored."""
        with self._lock:
            return self._opened().last_seq()

    def search(
        self,
        text: str,
        report: Callable[[int, int], bool] = lambda done, total: True,
        *,
        after: int = 0,
        last: int | None = None,
        most: int = 100_000,
    ) -> set[int]:
        """The numbers of the spans in whose events a text stands, whatever its case (of ASCII letters).

        report: called with how many events of how many have been looked through; False stops. after, last: look only
        through the events after this one, up to that one.
        """
        if not text:
            return set()
        wanted = json.dumps(text, ensure_ascii=False)[1:-1]
        pattern = "%" + "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in wanted) + "%"
        query = "SELECT DISTINCT span FROM events WHERE seq > ? AND seq <= ? AND data LIKE ? ESCAPE '\\'"
        found: set[int] = set()
        connection = open_read_only(self.path)
        try:
            (stored,) = connection.execute("SELECT ifnull(max(seq), 0) FROM events").fetchone()
            total = stored if last is None else min(last, stored)
            for done in range(after, total, _STRETCH):
                until = min(done + _STRETCH, total)
                found.update(span for (span,) in connection.execute(query, (done, until, pattern)))
                if len(found) >= most or not report(min(total, done + _STRETCH), total):
                    break
        except sqlite3.Error as error:
            raise unreadable(self.path, error) from None
        finally:
            connection.close()
        return found

    def _opened(self) -> RunFile:
        if self._file is None:
            self._file = RunFile(self.path)
        return self._file

    def _event(self, seq: int) -> Event | None:
        found = self._kept.get(seq)
        if found is not None:
            self._kept.move_to_end(seq)
            return found
        for event in self._opened().some_events(seq, seq, 1):
            self._kept[seq] = event
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return event
        return None
