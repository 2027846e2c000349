"""The store of the global state as one run uses it: opened at the first use, in a replay never, closed at its end.

It is the project's, unless the run has one of its own. Knows no scope and no key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from llmspell.run import Run

if TYPE_CHECKING:
    from llmspell.state.store import StateStore  # with msgpack and asyncio's threads, for spells that keep state


class Own:
    """Where a run that leaves the project's store alone has its own: `store` opens it."""

    def __init__(self, run: Run | None = None, store: Callable[[], Awaitable[StateStore]] | None = None) -> None:
        self.store = store


class Opened:
    """The run's use of the store.

    watchers: how many follow its changes.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._store: StateStore | None = None
        self._turn = asyncio.Lock()
        self.watchers = 0

    def stopped(self, task: object) -> None:
        """A watcher has ended."""
        self.watchers -= 1

    async def store(self) -> StateStore:
        async with self._turn:
            if self._store is None:
                own = self._run.service(Own, Own).store
                if own is not None:
                    self._store = await own()
                    self._run.at_end(self._store.close)
                else:
                    from llmspell.state.opening import opened

                    lease = await opened(self._run.settings)
                    self._store = lease.store
                    self._run.at_end(lease.close)
        return self._store
