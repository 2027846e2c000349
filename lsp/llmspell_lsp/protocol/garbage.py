"""Python's search for unreachable cycles, moved to where nobody waits for it.

Left to itself it goes through every tree of every open document in the middle of a key stroke: 0.3 s at 10,000 lines.
Here what has been looked at is set aside (`gc.freeze`), so that a search costs what has been made since; what was set
aside is searched after a document has been closed, and now and then. For a process that is the server and nothing else.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Final

_YOUNG: Final = 20_000
"""Objects more than there were, at which the youngest are searched: 1 ms."""
_MIDDLE: Final = 10
"""Searches of the youngest, after which those that remained are searched: 5 ms, and 20 ms of work for idle times."""
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
        return gc.get_count()[2] > 0 or self._documents() < self._open

    def work(self) -> Iterator[None]:
        self._rounds += 1
        closed = self._documents() < self._open
        self._open = self._documents()
        if closed or self._rounds % _WHOLE == 0:
            gc.unfreeze()
        if self._rounds > 1:
            gc.collect()
        else:
            gc.collect(1)  # all is in use so far: a whole search would find nothing
        gc.freeze()
        yield
