"""The event loop that `llmspell run` uses: asyncio's own, which asks the system for news less often.

A model call makes the loop go round eleven times, and each time asyncio asks whether a socket has become readable, even
where callbacks are waiting that the last ones made. Here those come first, as the sequencer has it anyway: the next
input counts when what the last one set going has come to rest. Knows nothing of runs.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Final

#: Rounds with callbacks ready after which sockets are looked at all the same: nobody keeps the others out for ever.
_ROUNDS: Final = 16


class _Patient(selectors.DefaultSelector):
    """A selector that is asked in vain while there is something else to do."""

    _passed = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """timeout: asyncio gives 0 while callbacks are ready or a timer is due."""
        if timeout is not None and timeout <= 0 and self._passed < _ROUNDS:
            self._passed += 1
            return []
        self._passed = 0
        return super().select(timeout)


def new_loop() -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(_Patient())
