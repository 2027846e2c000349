"""One run as updates for a model: what is stored first, then what happens, until the run has ended.

A short run is read event by event. Of a long one the spans come first as rows, so that there is a picture at once, then
what happened inside them, then, if it still runs, its live events. A file that is locked, or on a full disk, is tried
again; one that is damaged is shown as far as it can be read, and what is missing is counted by the model. A runtime
that is killed may have told events that it had not stored: they are counted, for they are gone.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from llmspell.errors import StoreError
from llmspell.traces.feed import feed_of
from llmspell.traces.meta import LOST, RUNNING, RunMeta
from llmspell.traces.reader import RunFile
from llmspell_tui.feed.rows import StoredRun
from llmspell_tui.feed.trouble import killed, lost, trouble_of
from llmspell_tui.model.updates import Batch, Complete, Page, Progress, Recovered, Update

#: Events up to which a run is read event by event: 0.2 s.
SHORT: Final = 20_000
#: Seconds until a passing trouble is tried again.
AGAIN: Final = 0.5
#: Seconds for which a reader thread works before the screen gets what it has.
_STRETCH: Final = 0.02
#: Seconds between two looks for the end of a run on its page, and how many.
_LOOK: Final = 0.02
_LOOKS: Final = 100

T = TypeVar("T")


class RunSource:
    """path: the run's file. again: seconds between two tries. short: events up to which it is read event by event.
    unstored: events that were told live and are in no file; those of an earlier reading are given."""

    def __init__(self, path: Path, *, again: float = AGAIN, short: int = SHORT, unstored: int = 0) -> None:
        self.path = path
        self.unstored = unstored
        self._again = again
        self._short = short
        self._next = 1  # the event to go on from
        self._spans_done = False

    async def updates(self) -> AsyncIterator[Update]:
        """Ends with `Complete`, or after a Trouble that does not pass. Close it to stop early."""
        troubled = False
        while True:
            try:
                async for update in self._updates():
                    if troubled:
                        troubled = False
                        yield Recovered()
                    yield update
                yield Complete()
                return
            except (StoreError, OSError, sqlite3.Error) as error:
                trouble = trouble_of(error)
                yield trouble
                if not trouble.passing:
                    return
                troubled = True
            await asyncio.sleep(self._again)

    async def _updates(self) -> AsyncIterator[Update]:
        page, last = await asyncio.to_thread(self._open)
        yield page
        if last > self._short and self._next == 1:
            async for update in self._stored(last, page.parent):
                yield update
        async for events in (await asyncio.to_thread(feed_of, self.path)).batches(self._next):
            yield Batch(events)
            self._next = events[-1].seq + 1
        page, last = await self._closed()
        yield page
        if page.status == LOST:
            self.unstored = max(self.unstored, self._next - 1 - last)
            yield killed(page.run, self.unstored)
        elif page.lost or page.status == RUNNING:  # it has ended, and could not write that it has
            yield lost(page.lost or self._next - 1 - page.known)

    async def _closed(self) -> tuple[Page, int]:
        """The run's own page, once its end stands there: its socket tells the end a moment before."""
        for _ in range(_LOOKS):
            page, last = await asyncio.to_thread(self._open)
            if page.status != RUNNING:
                return page, last
            await asyncio.sleep(_LOOK)
        return await asyncio.to_thread(self._open)

    async def _stored(self, last: int, parent: str) -> AsyncIterator[Update]:
        stored = await asyncio.to_thread(StoredRun, self.path)
        try:
            if not self._spans_done:
                done = 0
                async for pieces in _threaded(stored.span_pieces):
                    for rows in pieces:
                        done += len(rows)
                        yield rows
                    yield Progress("spans", done, max(done, stored.spans))
                self._spans_done = True
            async for pieces in _threaded(stored.detail_pieces):
                for details in pieces:
                    yield details
                    yield Progress("events", details.events[-1].seq, stored.last)
            yield await asyncio.to_thread(stored.counts)
            if parent:
                yield await asyncio.to_thread(stored.free)
            self._next = stored.last + 1
        finally:
            stored.close()

    def _open(self) -> tuple[Page, int]:
        with RunFile(self.path) as file:
            meta, last = file.meta(), file.last_seq()
        return page_of(meta, last), last


def page_of(meta: RunMeta, last: int = 0) -> Page:
    """last: the number of the newest stored event."""
    known = max(last, 0 if meta.current_status == RUNNING else meta.events + meta.lost)
    return Page(
        run=meta.id,
        label=meta.label,
        spell=meta.spell,
        language=meta.language,
        status=meta.current_status,
        began=meta.started,
        ended=meta.ended,
        known=known,
        lost=meta.lost,
        socket=meta.socket,
        parent=meta.parent,
        replayed=meta.replayed,
    )


async def _threaded(pieces: Callable[[], Iterator[T]]) -> AsyncIterator[list[T]]:
    """An iterator whose steps take long, as many of them at a time in a thread as take `_STRETCH` seconds."""
    iterator = pieces()
    while found := await asyncio.to_thread(_some, iterator):
        yield found


def _some(iterator: Iterator[T]) -> list[T]:
    end = time.monotonic() + _STRETCH
    found: list[T] = []
    for piece in iterator:
        found.append(piece)
        if time.monotonic() > end:
            break
    return found
