"""How many things happened in the last while, by key: a sliding window, exact to the event.

Times are given, never read: whoever counts says when it is, so that a replay counts the same.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from llmspell.errors import ArgumentError
from llmspell.frozen import frozen

#: The periods that have a name, in milliseconds.
PERIODS: Final[dict[str, float]] = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}

#: Keys that are counted at once; past that, keys whose window is empty are forgotten.
_MANY: Final = 10_000


@frozen
class Window:
    """At most `requests` in any `period` milliseconds."""

    requests: int
    period: float


def window_of(requests: int, per: str | float) -> Window:
    """per: the name of a period or milliseconds. Raises ArgumentError."""
    period = PERIODS.get(per) if isinstance(per, str) else float(per)
    if period is None or period <= 0:
        raise ArgumentError(f"{per!r} is no period", hint=f"one of {', '.join(PERIODS)}, or milliseconds above 0")
    if requests < 1:
        raise ArgumentError(f"{requests} requests are no limit", hint="allow at least 1")
    return Window(requests, period)


class Rates:
    """The times of what was let through, by key."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    def take(self, key: str, window: Window, now: float) -> float:
        """0 and one more counted; else the milliseconds until one will be let through, and nothing counted."""
        times = self._within(key, window, now)
        if len(times) < window.requests:
            times.append(now)
            return 0.0
        return times[-window.requests] + window.period - now

    def left(self, key: str, window: Window, now: float) -> int:
        """How many more would be let through now."""
        return max(0, window.requests - len(self._within(key, window, now)))

    def forget(self, key: str) -> None:
        self._times.pop(key, None)

    def _within(self, key: str, window: Window, now: float) -> deque[float]:
        """The times of a key that its window still sees. A longer window later finds only what a shorter one kept."""
        times = self._times.get(key)
        if times is None:
            if len(self._times) >= _MANY:
                self._times = {each: kept for each, kept in self._times.items() if kept}
            times = self._times[key] = deque()
        while times and times[0] + window.period - now <= 0:  # as `take` counts, whatever floats round
            times.popleft()
        return times
