"""A run's unix socket: JSON lines for whoever wants to see it live. The runtime never waits for a reader.

A reader sends `{"from_seq": n}` and gets a line each event from n on, history first, then live, then
`{"ended": true}`. The last `HELD` events are kept here; older ones are read from the run's file. A reader that falls
behind what is kept gets `{"behind": true, "file": …, "next": n}` and is let go: it catches up from the file.

A client whose first line is anything else is handed to `control` (`llmspell.control.socket` says what it may send). The
socket is its owner's alone: mode 0600 in a folder of mode 0700.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.traces.encode import Encoder, Mask
from llmspell.traces.log import EventLog
from llmspell.traces.store import RunStore

#: Events kept in memory for readers: 5 s at 2,000 a second.
HELD: Final = 10_000
#: Events a reader is sent between two looks at whether it keeps up.
_BATCH: Final = 500
#: Bytes that may lie unsent in a reader's buffer.
_BUFFER: Final = 1 << 20
#: Longest path of a unix socket in Linux, without the final zero.
_PATH_LIMIT: Final = 107
#: Longest line of a client: a tool call's arguments, edited.
_LINE: Final = 4 << 20

Controller = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def socket_path(run: str) -> str:
    """Where a run's socket is to be: under $XDG_RUNTIME_DIR, else in a folder of the user's own in the temporary one.

    "" where neither can be had; such a run is followed through its file.
    """
    for folder in _folders():
        path = folder / f"{run}.sock"
        if len(os.fsencode(path)) <= _PATH_LIMIT and _private(folder):
            return str(path)
    return ""


def _folders() -> list[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = Path(os.environ.get("TMPDIR") or "/tmp") / f"llmspell-{os.getuid()}"
    return [Path(runtime) / "llmspell", own] if runtime else [own]


def _private(folder: Path) -> bool:
    """Whether the folder is there, ours and closed to others: a stranger may have made it in a shared /tmp."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and (status.st_mode & 0o177777) == 0o040700


class LiveServer:
    """Serves one run until `close`. Events are encoded only while somebody reads."""

    def __init__(
        self, path: str, log: EventLog, store: RunStore | None, *, content: bool = True, mask: Mask | None = None
    ) -> None:
        self._path = path
        self._store = store
        self._held: deque[Event] = deque(maxlen=HELD)
        self._next = log.seq + 1
        self._content, self._mask = content, mask
        self._encoder: Encoder | None = None
        self._news = asyncio.Event()
        self._readers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._ended = False
        self._detach = log.attach(self.add)
        #: Called before the first event is let go of: the last moment for whoever needs all of them.
        self.before_forgetting: Callable[[], object] | None = None
        #: Serves a client that wants to control the run, given its first line.
        self.control: Controller | None = None

    @property
    def held(self) -> Sequence[Event]:
        """The newest events, in order; all of them while the first is number 1."""
        return self._held

    async def start(self) -> bool:
        """Whether the socket is there to be connected to."""
        if not self._path:
            return False
        try:
            self._server = await asyncio.start_unix_server(self._welcome, self._path, limit=_LINE)
            os.chmod(self._path, 0o600)  # noqa: PTH101
        except OSError:
            return False
        return True

    def add(self, event: Event) -> None:
        self._held.append(event)
        if len(self._held) == HELD:
            self._forgets()
        self._next = event.seq + 1
        if self._readers:
            self._news.set()

    def forget(self) -> None:
        """Keeps nothing of the events so far: a reader that wants them takes them from the run's file."""
        self._forgets()
        self._held.clear()

    def _forgets(self) -> None:
        if self.before_forgetting is not None:
            act, self.before_forgetting = self.before_forgetting, None
            act()

    async def close(self, *, patience: float = 1.0) -> None:
        """The run has ended. Readers that keep up get the rest; after `patience` seconds they are let go."""
        self._detach()
        self._ended = True
        self._news.set()
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108
        readers = [*self._readers]
        if readers:
            await asyncio.wait(readers, timeout=patience)
            for task in readers:
                task.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=_BUFFER)
        with contextlib.suppress(OSError, ValueError):
            line = await reader.readline()
            first = _first(line)
            if first is not None:
                self._encoder = self._encoder or Encoder(content=self._content, mask=self._mask)
                async for event_lines in self._from(first):
                    writer.write(event_lines)
                    await writer.drain()
            elif self.control is not None and not self._ended:
                await self.control(line, reader, writer)
        writer.close()

    async def _from(self, first: int) -> AsyncIterator[bytes]:
        """Lines from event `first` on, in pieces, as fast as the reader takes them."""
        assert self._encoder is not None
        line = self._encoder.line
        live = False
        while True:
            oldest = self._held[0].seq if self._held else self._next
            if first < oldest:
                if live or self._store is None:
                    file = str(self._store.path) if self._store else ""
                    yield self._encoder.text({"behind": True, "file": file, "next": first}).encode() + b"\n"
                    return
                async for events in self._stored(first, oldest - 1):
                    yield "".join(map(line, events)).encode()
                first = oldest
            elif first < self._next:
                live = True
                start = first - oldest
                batch = [self._held[place] for place in range(start, min(start + _BATCH, len(self._held)))]
                yield "".join(map(line, batch)).encode()
                first = batch[-1].seq + 1
            elif self._ended:
                yield b'{"ended":true}\n'
                return
            else:
                live = True
                self._news.clear()
                await self._news.wait()

    async def _stored(self, first: int, last: int) -> AsyncIterator[list[Event]]:
        assert self._store is not None
        await self._store.flush()
        from llmspell.traces.reader import RunFile  # sqlite3, which the loop thread has not needed so far

        file = await asyncio.to_thread(RunFile, self._store.path)
        try:
            while first <= last:
                events = await asyncio.to_thread(file.some_events, first, last, _BATCH)
                if not events:
                    return
                yield events
                first = events[-1].seq + 1
        finally:
            file.close()


def _first(line: bytes) -> int | None:
    """The first event that a reader wants; None for a client that is no reader."""
    import json  # 5 ms, with the first reader

    try:
        value: Any = json.loads(line or b"{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or "do" in value:
        return None
    first = value.get("from_seq", 1)
    return max(1, first) if isinstance(first, int) else 1
