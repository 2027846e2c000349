"""What is done while the client is silent, in slices that no key waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol

SILENCE: Final = 0.06
"""Seconds without a message after which work begins: a request that follows a key is there by then."""

SLICE: Final = 0.003
"""Seconds of one slice; a message that comes meanwhile waits for its end."""


class Source(Protocol):
    """Something that has work now and then."""

    @property
    def has_work(self) -> bool: ...

    def work(self) -> Iterator[None]:
        """All of it, in pieces."""
        ...


class Idle:
    def __init__(self, report: Callable[[str, Exception], None]) -> None:
        """report: is told what has failed."""
        self._report = report
        self._sources: list[Source] = []
        self._under_way: Iterator[None] | None = None
        self._after = 0.0
        self.heard = 0.0
        """When the last message came."""

    def add(self, source: Source) -> None:
        self._sources.append(source)

    def busy(self) -> None:
        """A message has come."""
        self.heard = time.monotonic()
        self._after = self.heard + SILENCE

    def wait(self) -> float | None:
        """Seconds until the next slice, None: there is no work."""
        if self._under_way is None and not any(source.has_work for source in self._sources):
            return None
        return max(0.0, self._after - time.monotonic())

    def work(self) -> None:
        """One slice, if it is time."""
        now = time.monotonic()
        if now < self._after:
            return
        while time.monotonic() - now < SLICE:
            if self._under_way is None:
                source = next((source for source in self._sources if source.has_work), None)
                if source is None:
                    return
                self._under_way = source.work()
            try:
                next(self._under_way)
            except StopIteration:
                self._under_way = None
            except Exception as error:
                self._under_way = None
                self._report(f"work for idle times failed: {type(error).__name__}: {error}", error)
