"""What a streaming method gives: an iterator over the pieces. Scripts meet it in `for`, hardly ever by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from llmspell.api.describe import exposed, method
from llmspell.run import Run


@exposed(constructible=False)
class Stream:
    """Pieces of an answer as they arrive. The generator runs in one task, from the first piece wanted to the end."""

    def __init__(self, run: Run, generator: AsyncGenerator[Any, None]) -> None:
        self._run = run
        self._generator = generator
        self._wanted: asyncio.Queue[asyncio.Future[list[Any] | None]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    @method()
    async def next(self) -> list[Any] | None:
        """The next piece as `[piece]`; nil at the end."""
        if self._ended:
            return None
        if self._task is None:
            self._task = self._run.spawn(self._drive())
        wanted: asyncio.Future[list[Any] | None] = asyncio.get_running_loop().create_future()
        self._wanted.put_nowait(wanted)
        return await wanted

    @method()
    def close(self) -> None:
        """Ends it early: what would have come is not asked for any more."""
        self._ended = True
        if self._task is not None:
            self._task.cancel()

    async def _drive(self) -> None:
        try:
            async for piece in self._generator:
                (await self._next_wanted()).set_result([piece])
        except Exception as error:
            (await self._next_wanted()).set_exception(error)
        finally:
            self._ended = True
            await self._generator.aclose()
            self._answer_rest()
        if not self._wanted.empty():
            self._answer_rest()

    async def _next_wanted(self) -> asyncio.Future[list[Any] | None]:
        while True:
            wanted = await self._wanted.get()
            if not wanted.done():
                return wanted

    def _answer_rest(self) -> None:
        while not self._wanted.empty():
            wanted = self._wanted.get_nowait()
            if not wanted.done():
                wanted.set_result(None)
