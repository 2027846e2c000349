"""Time as tools of a run see it that wait or measure: recorded, so that a replay reads and waits the same."""

from __future__ import annotations

import asyncio

from llmspell.run import Run
from llmspell.tools.base import ToolContext


class Clock:
    """Reads and waits; without a run it records nothing."""

    def __init__(self, run: Run | None = None) -> None:
        self._run = run

    def now(self, context: ToolContext) -> float:
        """Seconds since 1970."""
        return context.clock() if self._run is None else self._run.effects.read("clock", "tool", None, context.clock)

    async def sleep(self, seconds: float) -> None:
        if self._run is None:
            await asyncio.sleep(seconds)
        else:
            await self._run.effects.sleep(seconds * 1000)
