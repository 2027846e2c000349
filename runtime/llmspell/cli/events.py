"""`--events ws://127.0.0.1:PORT` of `llmspell run`: starts the server, says where it is, gives it each run's events."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmspell.cli.output import Output
    from llmspell.events.event import Event
    from llmspell.runtime import Started
    from llmspell.serve.events import EventServer
    from llmspell.serve.stream import RunStream
    from llmspell.settings import Settings

Sink = Callable[["Event"], None]


@asynccontextmanager
async def serving(address: str | None, output: Output) -> AsyncGenerator[EventServer | None]:
    """The server of an address, None without one. The token is LLMSPELL_EVENTS_TOKEN, else made up and shown."""
    if address is None:
        yield None
        return
    import asyncio
    import secrets

    from llmspell.serve.events import Address, EventServer

    given = os.environ.get("LLMSPELL_EVENTS_TOKEN")
    token = given or secrets.token_urlsafe(32)
    server = await asyncio.to_thread(EventServer, Address.read(address), token)
    output.tell(f"llmspell: events at {server.url}" + ("\n" if given else f", token {token}\n"))
    try:
        yield server
    finally:
        await asyncio.to_thread(server.close)


class Streaming:
    """One run on the stream, or on none: a sink of its events, and from where readers catch up."""

    def __init__(self, stream: RunStream | None) -> None:
        self._stream = stream

    def sink(self, other: Sink | None) -> Sink | None:
        """A sink that is told with the other one, if there is any of the two."""
        if self._stream is None:
            return other
        add = self._stream.add
        if other is None:
            return add

        def both(event: Event) -> None:
            add(event)
            other(event)

        return both

    def started(self, run: Started) -> None:
        if self._stream is not None and run.store is not None:
            self._stream.file = run.store.path


@contextmanager
def streaming(server: EventServer | None, settings: Callable[[], Settings]) -> Generator[Streaming]:
    """The next run's place on the server; it ends with the body."""
    if server is None:
        yield Streaming(None)
        return
    from llmspell.security.masking import Masker

    found = settings()
    stream = server.begin(content=found.trace.content, mask=Masker(os.environ, found.key_variables).text)
    try:
        yield Streaming(stream)
    finally:
        stream.end()
