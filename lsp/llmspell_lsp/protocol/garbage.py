"""Python's search for unreachable cycles, moved to where nobody waits for it.

Left to itself it goes through every tree of every open document in the middle of a key stroke: 0.3 s at 10,000 lines.
Here what has been looked at, or has just been read, is set aside (`gc.freeze`), so that a search costs what has been
made since; what was set aside is searched after a document has been closed, and now and then. For a process that is
the server and nothing else.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Final

_YOUNG: Final = 20_000
"""Objects more than there were, at which the youngest are searched: 1 ms."""
_MIDDLE: Final = 40
"""Searches of the youngest, after which those that remained are searched where no idle time came before: 0.2 s, which
reading 10,000 lines does not come to."""
_SOME: Final = 2
"""Searches of the youngest, after which those that remained are searched in an idle time: 10 ms."""
_MANY: Final = 6
"""As many without an idle time are a document that has been read, or many: all of that is in use, and a search of it
would take 20 ms for each."""
_NEVER: Final = 1_000
_WHOLE: Final = 50
"""Searches of what is new, after which everything is searched: some hours of typing."""


class Garbage:
    """`Source` of work for idle times."""

    def __init__(self, documents: Callable[[], int]) -> None:
        """documents: how many are open."""
        gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
        self._documents = documents
        self._open = 0
        self._rounds = 0

    @property
    def has_work(self) -> bool:
        _, young, middle = gc.get_count()
        return young >= _SOME or middle > 0 or self._documents() < self._open

    def work(self) -> Iterator[None]:
        self._rounds += 1
        closed = self._documents() < self._open
        self._open = self._documents()
        if closed or self._rounds % _WHOLE == 0:
            gc.unfreeze()
        elif self._rounds == 1 or gc.get_count()[1] >= _MANY:
            gc.freeze()  # what is searched now is nothing, which sets the counters back
        gc.collect()
        gc.freeze()
        yield
