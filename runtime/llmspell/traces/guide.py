"""A recorded order that a run is led by as long as it does the same, and as far as it can where it does not.

A replay follows its script to the letter (`sequencer`); a run that begins with another's recording may ask for more,
for less or for something else. So inputs that have a place in the recorded order wait for it, those that have none are
let in as they come, and who sees that all is at rest while inputs wait says what gives way: `late`, `extra`, `skip`.
Frames of workers have no place of their own: the next one counts, where it is of the same sort. What the recorded run
asked for and never got (it was cancelled meanwhile) is late: what cancelled it may come again. Knows no answer.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Final

from llmspell.traces.sequencer import FRAMES, Input

#: First letters of the keys that are followed: what controlled or ended the recorded run was its own.
_FOLLOWED: Final = (*FRAMES, "e")

#: Sorts of frames that nothing waits for, and a changed spell may well send more or less of: prints, clock readings.
SORTS: Final = ("tell", "clock")

Enter = Callable[[Input, bool], None]
Place = tuple[str, str]
"""A recorded key, and which of `SORTS` it was; "" for any other."""


class Guide:
    """The order of one recording, and the inputs that wait for their turn in it."""

    def __init__(self, order: Iterable[Place], enter: Enter, waits: Callable[[], None]) -> None:
        """order: as it was recorded. enter: lets an input in, as `Sequencer.arrived` is told of it. waits: told when an
        input is kept waiting."""
        self._order = deque(place for place in order if place[0][:1] in _FOLLOWED)
        self._left = Counter(key for key, _ in self._order)
        self._came = frozenset(self._left)
        self._late: deque[Input] = deque()
        self._enter = enter
        self._waits = waits
        self._places: dict[str, str] = {}
        self._waiting: dict[str, deque[Input]] = {}
        self.arrivals = 0  # of inputs that had to wait

    def stands_for(self, key: str, recorded: str) -> None:
        """The inputs `key` of this run have the places of those of the recorded one."""
        self._places[key] = recorded

    @property
    def awaited(self) -> str | None:
        """The recorded key whose turn it is; None where the order has ended."""
        return self._order[0][0] if self._order else None

    @property
    def is_kept_waiting(self) -> bool:
        """Whether an input has come that waits for its turn."""
        late = any(each.is_wanted for each in self._late)
        return late or any(self._first(place) is not None for place in [*self._waiting])

    def has(self, recorded: str) -> bool:
        """Whether the input with this place has come and waits for its turn."""
        return self._first(recorded) is not None

    def keeps(self, input: Input) -> bool:
        """Whether it still waits for its turn."""
        return any(each is input for each in self._waiting.get(self._places.get(input.key, ""), ()))

    def takes(self, key: str) -> bool:
        """Whether an input can act at once. Its turn is then over."""
        place = self._place(key)
        if not place:
            return not self._is_late(key)
        if self._order[0][0] != place or self._first(place) is not None:
            return False
        self._pop()
        return True

    def holds(self, input: Input, at_rest: bool) -> bool:
        """Whether an input that has come is let in, or kept, here; else it has no place in the order."""
        place = self._place(input.key)
        if not place:
            if self._is_late(input.key):
                self._late.append(input)
                self._waits()
                return True
            return False
        self.arrivals += 1
        self._waiting.setdefault(place, deque()).append(input)
        self.follow(at_rest)
        if self._first(place) is not None:
            self._waits()
        return True

    def follow(self, at_rest: bool) -> None:
        """Lets in what is there of what comes next. A frame of a sort of its own that was not sent here in the recorded
        run is let in without a turn, and one that was and is not any more loses its turn: the others keep theirs."""
        while self._order and (come := self._first(self._order[0][0])) is not None:
            place, sort = self._order[0]
            now = come.sort if come.sort in SORTS else ""
            if now in ("", sort):
                self._pop()
            if now or not sort:
                self._waiting[place].popleft()
                self._enter(come, at_rest)
        if not self._order:
            self.open()

    def late(self) -> bool:
        """Lets in what never came in the recorded run. Whether there was something."""
        while self._late:
            if (come := self._late.popleft()).is_wanted:
                self._enter(come, False)
                return True
        return False

    def extra(self) -> bool:
        """Lets in a worker's frame though something else comes next: the recorded run had one less here. Whether there
        was one."""
        for place in [*self._waiting]:
            if place[:1] in FRAMES and (come := self._first(place)) is not None:
                self._waiting[place].popleft()
                self._enter(come, False)
                return True
        return False

    def skip(self, comes: Callable[[str], bool]) -> None:
        """Gives up what comes next, up to what is there or what `comes` says will be."""
        while self._order and self._first(self._order[0][0]) is None and not comes(self._order[0][0]):
            self._pop()
        self.follow(False)

    def open(self) -> None:
        """Nothing has a place any more: all that waits is let in, in its order."""
        for place, _ in self._order:
            if (come := self._first(place)) is not None:
                self._waiting[place].popleft()
                self._enter(come, False)
        self._order.clear()
        self._left.clear()
        rest = [each for inputs in self._waiting.values() for each in inputs if each.is_wanted]
        self._waiting.clear()
        for each in [*rest, *self._late]:
            self._enter(each, False)
        self._late.clear()

    def _place(self, key: str) -> str:
        place = key if key[:1] in FRAMES else self._places.get(key, "")
        return place if self._left[place] else ""

    def _is_late(self, key: str) -> bool:
        return bool(self._order) and key in self._places and self._places[key] not in self._came

    def _pop(self) -> None:
        place, _ = self._order.popleft()
        self._left[place] -= 1

    def _first(self, place: str) -> Input | None:
        """The first that waits in a place, without those that nobody wants any more."""
        inputs = self._waiting.get(place)
        while inputs and not inputs[0].is_wanted:
            inputs.popleft()
        if not inputs:
            self._waiting.pop(place, None)
            return None
        return inputs[0]
