"""The pieces of a streamed answer on their way from the task that asks the model to whoever reads them.

The task never waits for its reader, so it can always be ended; an answer is bounded by what a provider accepts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

from llmspell.hooks.table import Filter


class Pieces:
    """One answer's. `given` says whether any was given out: then the answer cannot be asked for again unnoticed."""

    def __init__(self) -> None:
        self.given = False
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()

    def give(self, text: str) -> None:
        self.given = True
        self._queue.put_nowait(text)

    async def of(self, task: asyncio.Task[object]) -> AsyncGenerator[str, None]:
        """The pieces that the task gives, until it ends. Raises what it raised; closed early, it cancels the task."""
        task.add_done_callback(lambda _: self._queue.put_nowait(None))
        try:
            while (text := await self._queue.get()) is not None:
                yield text
            await task
        finally:
            task.cancel()
            await asyncio.wait((task,))
            if not task.cancelled():
                task.exception()  # seen: a reader that left early does not want it


def fed(filters: Iterable[Filter], text: str) -> str:
    """What of a piece can be given out, past filters that each hear what the one before lets through."""
    for each in filters:
        text = each.feed(text)
    return text


def ended(filters: Iterable[Filter]) -> str:
    """The rest, when the answer is whole."""
    text = ""
    for each in filters:
        text = each.feed(text) + each.end()
    return text
