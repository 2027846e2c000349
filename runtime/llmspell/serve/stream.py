"""One run's events on their way to readers that each have a pace of their own.

Events come from the run's thread and are read in another, so that nothing a reader does reaches the run. The newest are
kept here; a reader that falls behind them catches up from the run's file, and is told what it missed where there is
none. Knows no network.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from llmspell.errors import StoreError
from llmspell.events.event import Event
from llmspell.traces.dashboard import Dashboard
from llmspell.traces.encode import Encoder, Mask

#: Events kept for readers: 5 s at 2,000 a second.
HELD: Final = 10_000
#: Events handed to a reader between two looks at what is still kept.
_BATCH: Final = 200
#: Seconds that the run's file may take to hold an event, and between two looks into it.
_PATIENCE: Final = 5.0
_LOOK: Final = 0.02


class RunStream:
    """`add` is for the run's thread, all else for that of the loop. file: the run's own, once it is known."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, content: bool, mask: Mask | None, held: int = HELD) -> None:
        self.file: Path | None = None
        self._loop = loop
        self._encoder = Encoder(content=content, mask=mask)
        self._incoming: deque[Event] = deque()
        self._held: deque[Event] = deque(maxlen=held)
        self._next = 1
        self._woken = False
        self._ended = False
        self._news = asyncio.Event()
        self._dashboard = Dashboard()

    def add(self, event: Event) -> None:
        self._incoming.append(event)
        self._wake()

    def end(self) -> None:
        """The run has ended; for the run's thread."""
        self._ended = True
        self._woken = False
        self._wake()

    def _wake(self) -> None:
        if not self._woken and not self._loop.is_closed():
            self._woken = True
            self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        self._woken = False
        while self._incoming:
            event = self._incoming.popleft()
            self._held.append(event)
            self._next = event.seq + 1
            self._dashboard.add(event)
        self._news.set()
        self._news = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the run has ended and all its events are here."""
        return self._ended and not self._incoming

    def dashboard(self) -> str:
        """The run at a glance, as a message."""
        return self._encoder.text({"dashboard": self._dashboard.snapshot()})

    async def messages(self, first: int) -> AsyncIterator[str]:
        """A message each event from number `first` on, as fast as they are taken: history, then live, then the end."""
        while True:
            oldest = self._held[0].seq if self._held else self._next
            if first < oldest:
                async for text, number in self._from_file(first, oldest - 1):
                    first = number + 1
                    yield text
                oldest = self._held[0].seq if self._held else self._next
                if first < oldest:
                    yield self._text({"missed": {"from": first, "to": oldest - 1}})
                    first = oldest
            elif first < self._next:
                start = first - oldest
                batch = [self._held[place] for place in range(start, min(start + _BATCH, len(self._held)))]
                for event in batch:
                    yield self._encoder.line(event).rstrip("\n")
                first = batch[-1].seq + 1
            elif self.over:
                yield self._text({"ended": True})
                return
            else:
                await self._news.wait()

    async def _from_file(self, first: int, last: int) -> AsyncIterator[tuple[str, int]]:
        """What the run's file has of these events. It is written a moment after they happen."""
        if self.file is None:
            return
        from llmspell.traces.reader import RunFile  # sqlite3, 4 ms

        until = time.monotonic() + _PATIENCE
        while not self.file.exists():
            if time.monotonic() > until:
                return
            await asyncio.sleep(_LOOK)
        try:
            with RunFile(self.file) as file:
                while first <= last:
                    events = file.some_events(first, last, _BATCH)
                    for event in events:
                        yield self._encoder.line(event).rstrip("\n"), event.seq
                    if events:
                        first = events[-1].seq + 1
                        until = time.monotonic() + _PATIENCE
                    elif time.monotonic() > until:
                        return
                    else:
                        await asyncio.sleep(_LOOK)
        except StoreError:
            return

    def _text(self, value: dict[str, Any]) -> str:
        return self._encoder.text(value)
