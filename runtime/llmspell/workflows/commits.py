"""When a step is over, what came of it is committed to the run's file before the next one begins.

So `llmspell run --resume` never asks again what a finished step has asked. One commit serves all steps that end while
the one before is under way, and a step that has asked the outside for nothing needs none. About 1 ms. Knows no step.
"""

from __future__ import annotations

import asyncio

from llmspell.run import Run


class Commits:
    """One a run (`run.service(Commits, Commits)`)."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._last: asyncio.Task[bool] | None = None
        self._next: asyncio.Task[bool] | None = None

    async def commit(self) -> bool:
        """Waits until what has come so far is committed; whether there was anything, and it is."""
        run = self._run
        if not (run.journal.keeps or run.effects.resumes or run.replaying):
            return False
        if run.effects.unsaved:
            if self._next is None:
                self._next = run.spawn_apart(self._flushed(self._last))
            wanted = self._next
        elif self._last is None or self._last.done():
            return False
        else:
            wanted = self._last
        # The first who waits may be cancelled; the others wait for the same commit.
        return await asyncio.shield(wanted)

    async def _flushed(self, before: asyncio.Task[bool] | None) -> bool:
        """Begins when the commit before has ended, for all that has come by then."""
        if before is not None and not before.done():
            await asyncio.wait((before,))
        self._last, self._next = self._next, None
        self._run.effects.save()
        return await self._run.effects.once("checkpoint", "", None, self._run.journal.flush)
