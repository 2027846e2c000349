"""What a streaming method gives: an iterator over the pieces. Scripts meet it in `for`, hardly ever by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextvars import copy_context
from typing import Any

from llmspell.api.describe import exposed, method
from llmspell.run import Run


@exposed(constructible=False)
class Stream:
    """Pieces of an answer as they arrive. Whatever task asks for a piece, it is made where the stream was opened."""

    def __init__(self, run: Run, generator: AsyncGenerator[Any, None]) -> None:
        self._run = run
        self._generator = generator
        self._context = copy_context()
        self._turn = asyncio.Lock()
        self._under_way: asyncio.Task[Any] | None = None
        self._closed = False
        run.at_end(generator.aclose)

    @method()
    async def next(self) -> list[Any] | None:
        """The next piece as `[piece]`; nil at the end."""
        async with self._turn:
            if self._closed:
                return None
            self._under_way = self._run.spawn(self._piece(), self._context)
            try:
                return await self._under_way
            except asyncio.CancelledError:
                if self._closed and self._under_way.cancelled():
                    return None
                self._under_way.cancel()
                raise
            finally:
                self._under_way = None

    @method()
    def close(self) -> None:
        """Ends it early: what would have come is not asked for any more."""
        if self._closed:
            return
        self._closed = True
        if self._under_way is not None:
            self._under_way.cancel()
        else:
            self._run.spawn(self._end(), self._context)

    async def _piece(self) -> list[Any] | None:
        try:
            return [await anext(self._generator)]
        except StopAsyncIteration:
            return None

    async def _end(self) -> None:
        await self._generator.aclose()
