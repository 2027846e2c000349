"""The event log of one run while it is under way: numbers and times each event and hands it to the sinks.

Knows no file and no socket: a sink is any callable that takes an event and returns at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from llmspell.events.event import Event, Phase

Sink = Callable[[Event], None]
Clock = Callable[[], float]

#: The span of the run itself.
RUN_SPAN: Final = 1


def steady_clock() -> Clock:
    """Milliseconds since 1970 that never step back: the wall clock is read once, then time is counted."""
    start = time.time() * 1000 - time.perf_counter() * 1000
    count = time.perf_counter
    return lambda: start + count() * 1000


def recorded_clock(times: Sequence[float], live: Clock | None = None) -> Clock:
    """The recorded times of a run's events, one an event; after the last one the live clock, never earlier."""
    recorded = iter(times)
    last = times[-1] if times else 0.0
    after = live or steady_clock()

    def read() -> float:
        for moment in recorded:
            return moment
        return max(last, after())

    return read


class EventLog:
    """`emit` costs about 1.5 µs and one call a sink. Not for use from several threads."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or steady_clock()
        self._sinks: tuple[Sink, ...] = ()
        self._seq = 0
        self._last_time = 0.0
        self._span = RUN_SPAN

    @property
    def seq(self) -> int:
        """The number of the last event, 0 before the first."""
        return self._seq

    @property
    def last_time(self) -> float:
        """The time of the last event, 0 before the first."""
        return self._last_time

    def now(self) -> float:
        """The time that the next event will carry, which must then be given it: in a replay each event has its own."""
        return self._clock()

    def new_span(self) -> int:
        """The next span's number. The run's own is 1 and needs no asking."""
        self._span += 1
        return self._span

    def attach(self, sink: Sink) -> Callable[[], None]:
        """Hand every event from now on to `sink`, after those attached before; the result detaches it again.

        A sink that raises is detached, and a warning event tells the others.
        """
        self._sinks = (*self._sinks, sink)
        return lambda: self._detach(sink)

    def emit(
        self,
        kind: str,
        *,
        phase: Phase = "point",
        span: int = RUN_SPAN,
        parent: int = 0,
        name: str = "",
        site: str = "",
        data: dict[str, Any] | None = None,
        time: float | None = None,
    ) -> Event:
        """Append an event. `data` belongs to the log from here on: nobody changes it any more.

        time: a reading of `now` that the data was made with; without it the present.
        """
        self._seq = seq = self._seq + 1
        event = Event(
            seq,
            self._clock() if time is None else time,
            kind,
            phase,
            span,
            parent,
            name,
            site,
            {} if data is None else data,
        )
        self._last_time = event.time
        for sink in self._sinks:
            try:
                sink(event)
            except Exception as error:
                self._detach(sink)
                self.emit("warning", data={"message": f"a listener of the event log failed: {error!r}"})
        return event

    def _detach(self, sink: Sink) -> None:
        self._sinks = tuple(other for other in self._sinks if other is not sink)
