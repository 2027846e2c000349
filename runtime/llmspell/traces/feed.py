"""Reading a run's events, stored or as they happen: one protocol, read from the store or from the run's own socket.

A feed gives every event once, in order, without gaps, in batches as large as what has come in, and ends with the run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from llmspell.errors import StoreError
from llmspell.events.event import Event
from llmspell.traces.encode import decode_line
from llmspell.traces.meta import RUNNING
from llmspell.traces.reader import RunFile

#: Seconds between two looks into a running run's file: 30 a second, as a screen is drawn.
_LOOK = 1 / 30
#: Looks for the end of a run whose socket is gone: on a full disk it is never written.
_LOOKS = 45
_BATCH = 2000
#: A line on the socket may be as long as a model's longest answer.
_LINE = 64 * 1024 * 1024


class Feed(Protocol):
    def batches(self, first: int = 1) -> AsyncIterator[list[Event]]:
        """Events from number `first` on; ends when the run has ended. Raises StoreError for an unreadable run."""
        ...


class StoreFeed:
    """From the run's file; a running one is looked at 30 times a second. follow: False stops at what is there now.
    looks: how many of them may find nothing new before it stops, though the run seems to go on; 0 for any number."""

    def __init__(self, path: Path, *, follow: bool = True, looks: int = 0) -> None:
        self._path = path
        self._follow = follow
        self._looks = looks

    async def batches(self, first: int = 1) -> AsyncIterator[list[Event]]:
        file = await asyncio.to_thread(RunFile, self._path)
        idle = 0
        try:
            while True:
                idle += 1
                running = self._follow and (await asyncio.to_thread(file.meta)).current_status == RUNNING
                batch = await asyncio.to_thread(file.some_events, first, None, _BATCH)
                while batch:
                    idle = 0
                    yield batch
                    first = batch[-1].seq + 1
                    batch = await asyncio.to_thread(file.some_events, first, None, _BATCH)
                if not running or idle == self._looks > 0:
                    return
                await asyncio.sleep(_LOOK)
        finally:
            file.close()


class SocketFeed:
    """From the run's socket, live; what the runtime no longer holds comes from the file. Both must be of one run."""

    def __init__(self, socket: str, path: Path) -> None:
        self._socket = socket
        self._path = path

    async def batches(self, first: int = 1) -> AsyncIterator[list[Event]]:
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._socket, limit=_LINE)
            except OSError:  # the run has ended, or its host died: the file has the rest
                async for batch in StoreFeed(self._path, looks=_LOOKS).batches(first):
                    yield batch
                return
            try:
                writer.write(json.dumps({"from_seq": first}).encode() + b"\n")
                ended = False
                async for batch, over in _lines(reader, first):
                    ended = over
                    if batch:
                        yield batch
                        first = batch[-1].seq + 1
            finally:
                writer.close()
            if ended:
                return
            # Cut off, or told to catch up: from the file, then live again.
            async for batch in StoreFeed(self._path, follow=False).batches(first):
                yield batch
                first = batch[-1].seq + 1


def feed_of(path: Path) -> Feed:
    """The best way to read a run: its socket while it runs, else its file."""
    with RunFile(path) as file:
        meta = file.meta()
    if meta.socket and meta.current_status == RUNNING:
        return SocketFeed(meta.socket, path)
    return StoreFeed(path)


async def _lines(reader: asyncio.StreamReader, first: int) -> AsyncIterator[tuple[list[Event], bool]]:
    """Batches from the socket, each with whether the run has ended with it. Stops at a cut."""
    rest = b""
    while chunk := await _chunk(reader):
        *lines, rest = (rest + chunk).split(b"\n")
        batch: list[Event] = []
        for line in lines:
            if line.startswith(b'{"seq"'):
                event = decode_line(line)
                if event.seq >= first:
                    batch.append(event)
            elif b'"ended"' in line:
                yield batch, True
                return
            elif b'"behind"' in line:
                yield batch, False
                return
        if len(rest) > _LINE:
            raise StoreError("the run's socket sends a line without end")
        yield batch, False


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(1 << 18)
    except OSError:
        return b""
