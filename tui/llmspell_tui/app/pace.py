"""How often pictures are drawn: seen as a flow while events pour in, calmly else. Knows no widget; times are given.

A picture is 5 to 9 ms of work. The first thing to happen after a pause is drawn at once, whatever the pace.
"""

from __future__ import annotations

from typing import Final

#: Seconds between two pictures: while much happens; while little does; while what is stored is being read, of which
#: only the progress changes; while the window has not the focus.
FLOW: Final = 1 / 30
CALM: Final = 1 / 12
READING: Final = 1 / 8
AWAY: Final = 1 / 4
#: Events a second that are much: more than anybody reads.
MUCH: Final = 2_500
#: Seconds from now to a picture at the least, so that what comes together is drawn together.
_LEAST: Final = 0.001


class Pace:
    def __init__(self) -> None:
        self._drawn = 0.0
        self._events = 0
        self._much = False

    def drawn(self, now: float, events: int) -> None:
        """A picture is drawn; events: of the run shown, so far."""
        self._much = (events - self._events) > MUCH * (now - self._drawn)
        self._drawn, self._events = now, events

    def wait(self, now: float, *, focused: bool, reading: bool) -> float:
        """Seconds until the next one."""
        pace = AWAY if not focused else READING if reading else FLOW if self._much else CALM
        return max(self._drawn + pace - now, _LEAST)
