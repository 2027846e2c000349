"""Effects of a run that begins with another's recording: what it asks is answered from there as long as it matches.

Where it asks for something that was not asked there, that is asked live; once a live answer has come, everything is.
Until then what is asked beside it, as other agents at work at the same time do, is still answered from the recording.
Recorded answers come in their recorded order, at once: when the next one has been asked for, or when nothing else goes
on. Texts of the spell, its hooks and settings are read as they are now. A limit that was reached is reached again.
Knows no store and no worker.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from enum import IntEnum
from itertools import count
from typing import Any, Final

from llmspell import place
from llmspell.answers import Harmless, Perform
from llmspell.effects import Effects, Rejoin
from llmspell.errors import LlmspellError, revived
from llmspell.traces.prefix import DRAWN, NOW, Found, Prefix

#: Seconds between two looks at whether all is at rest, while an answer waits for its turn.
_LOOK: Final = 0.001
#: Where what never came stands among the answers: behind all of them.
_NEVER: Final = 1 << 62
#: Kinds that may be new, or made live, with all that follows still as it was.
_QUIET: Final = frozenset({"timer", "audit", "checkpoint", "pause", *DRAWN})
#: Kinds of calls, which have a span of their own.
_CALLS: Final = frozenset({"llm", "tool"})

Turn = Callable[[bool], None]
"""Told when it is an answer's turn; False: it is to be asked for live."""


class _Stage(IntEnum):
    FOLLOWING = 0
    LEAVING = 1  # something is asked live, and its answer has not come
    LEFT = 2


class Following(Effects):
    """`Effects` whose answers come from `follow`'s recording first."""

    _prefix: Prefix
    _idle: Callable[[], bool]
    _left: Callable[[], object]

    def follow(self, prefix: Prefix, idle: Callable[[], bool], left: Callable[[], object]) -> None:
        """To be called before the run begins. idle: whether all workers wait. left: told when all is live."""
        self._prefix = prefix
        self._idle = idle
        self._left = left
        self._stage = _Stage.FOLLOWING
        self._due: list[tuple[int, int, bool, Turn]] = []
        self._numbers = count()
        self._busy = 0  # live effects under way
        self._looks = 0
        self._last = (0, 0)  # frames when the last answer was given, then and now
        self._timer: asyncio.TimerHandle | None = None

    async def once(self, kind: str, name: str, input: Any, perform: Perform, harmless: Harmless | None = None) -> Any:
        found = self._found(kind, name, input)
        given = False

        async def answer() -> Any:
            nonlocal given
            if found is None or not await self._turn(found.steps):
                return await self._live(kind, perform)
            given = True
            if found.error:
                raise revived(found.output)
            return found.output

        try:
            value = await super().once(kind, name, input, answer, harmless)
        except LlmspellError:
            self._answered(kind, given=given)
            raise
        self._answered(kind, given=given)
        return value

    async def stream(
        self,
        kind: str,
        name: str,
        input: Any,
        perform: Callable[[], AsyncGenerator[Any, None]],
        rejoin: Rejoin | None = None,
    ) -> AsyncGenerator[Any, None]:
        found = self._found(kind, name, input)
        given = False

        async def pieces() -> AsyncGenerator[Any, None]:
            nonlocal given
            given = found is not None and await self._turn(found.steps)
            if not given or found is None:
                self._diverge()
                async with aclosing(perform()) as live:
                    async for piece in live:
                        yield piece
                return
            recorded = found.output["pieces"]
            apart = len(found.steps) > len(recorded)
            for number, piece in enumerate(recorded):
                if number and apart:
                    await self._turn(found.steps[number:])
                yield piece
            if recorded and apart:
                await self._turn(found.steps[len(recorded) :])
            if (error := found.output["error"]) is not None:
                raise revived(error)

        try:
            async with aclosing(super().stream(kind, name, input, pieces)) as coming:
                async for piece in coming:
                    self._answered(kind, given=given)
                    yield piece
        except LlmspellError:
            self._answered(kind, given=given)
            raise

    def read(self, kind: str, name: str, input: Any, look: Callable[[], Any]) -> Any:
        found = self._found(kind, name, input) if kind in DRAWN else None
        if found is None or found.error:
            return super().read(kind, name, input, look)
        return super().read(kind, name, input, lambda: found.output)

    def arm(self, milliseconds: float, fire: Callable[[], None]) -> Callable[[], None]:
        if self._stage is not _Stage.FOLLOWING:
            return super().arm(milliseconds, fire)
        span = self._where()[0]
        occurrence = self._occurrences.get((span, "timer", "deadline"), 0) + 1
        found = self._prefix.take(span, "timer", "deadline", milliseconds, occurrence)
        if found is None or not found.steps:
            return super().arm(milliseconds, fire)
        asked = self._ask("timer", "deadline", milliseconds)
        timers: list[asyncio.TimerHandle] = []

        def act() -> None:
            self._journal.answer(asked, None, "ok")
            fire()

        firing = self._sequencer.input(asked.key, act)

        def turn(recorded: bool) -> None:
            if recorded:
                firing.arrive_within()
            else:  # what it limits may be another work by now
                timers.append(self.patience.after(max(0.0, milliseconds) / 1000, firing.arrive))

        def disarm() -> None:
            for timer in timers:
                timer.cancel()
            firing.withdraw()

        self._wait(found.steps[0], turn, limit=True)
        return disarm

    def foresees(self, kind: str, name: str, input: Callable[[], Any]) -> bool:
        return self._stage is not _Stage.LEFT and self._prefix.has(self._where()[0], kind, name, input())

    # -- matching ------------------------------------------------------------------------------------------------

    def _found(self, kind: str, name: str, input: Any) -> Found | None:
        if self._stage is _Stage.LEFT or kind in NOW:
            return None
        found = self._prefix.take(self._where()[0], kind, name, input)
        if kind not in _QUIET and (found is None or (not found.steps and self._stage is _Stage.LEAVING)):
            self._diverge()
        return found

    async def _live(self, kind: str, perform: Perform) -> Any:
        if kind not in _QUIET and kind not in NOW:
            self._diverge()
        self._busy += kind != "timer"
        try:
            return await perform()
        finally:
            self._busy -= kind != "timer"

    def _answered(self, kind: str, *, given: bool) -> None:
        """An answer has reached who asked for it, in whose task this is."""
        if not given:
            if kind in _CALLS:
                self.free.discard(place.span.get().number)
            if kind not in _QUIET and kind not in NOW:
                self._leave()
        elif kind in _CALLS:
            self.free.add(place.span.get().number)

    def _diverge(self) -> None:
        """Something is asked that was not, or that was never answered: limits count again, what never came is asked."""
        if self._stage is _Stage.FOLLOWING:
            self._stage = _Stage.LEAVING
            self._give_up(lambda number, limit: limit or number == _NEVER)

    def _leave(self) -> None:
        """A live answer has come. What was found before is still given, without waiting for anything."""
        if self._stage is _Stage.LEFT:
            return
        self._diverge()
        self._stage = _Stage.LEFT
        due, self._due = self._due, []
        for _, _, _, turn in sorted(due):
            turn(True)
        if self._timer is not None:
            self._timer.cancel()
        self._left()

    def _give_up(self, which: Callable[[int, bool], bool]) -> None:
        given_up = sorted(each for each in self._due if which(each[0], each[2]))
        self._due = [each for each in self._due if not which(each[0], each[2])]
        heapq.heapify(self._due)
        for _, _, _, turn in given_up:
            turn(False)

    # -- in the recorded order -----------------------------------------------------------------------------------

    async def _turn(self, steps: tuple[int, ...]) -> bool:
        """Waits until it is the first step's turn; False: it is to be asked for live."""
        if not steps and self._stage is not _Stage.FOLLOWING:
            return False
        if self._stage is _Stage.LEFT:
            return True
        coming: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def turn(recorded: bool) -> None:
            if not coming.done():
                coming.set_result(recorded)

        self._wait(steps[0] if steps else _NEVER, turn, limit=False)
        return await coming

    def _wait(self, number: int, turn: Turn, *, limit: bool) -> None:
        heapq.heappush(self._due, (number, next(self._numbers), limit, turn))
        self._give()

    def _give(self) -> None:
        """Gives what is next in the recording, then waits for what comes before the rest, or for rest."""
        while self._due and self._due[0][0] == self._prefix.next and self._is_time():
            self._give_first()
        if self._due and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look)

    def _is_time(self) -> bool:
        """Whether as much has come from the workers since the last answer as had come when this one was recorded: what
        they do meanwhile then is what they did."""
        recorded = self._prefix.frames(self._due[0][0]) - self._last[0]
        return self._sequencer.frames - self._last[1] >= recorded

    def _give_first(self) -> None:
        number, _, _, turn = heapq.heappop(self._due)
        self._last = (self._prefix.frames(number), self._sequencer.frames)
        self._prefix.passed(number)
        turn(True)

    def _look(self) -> None:
        self._timer = None
        self._give()
        if not self._due:
            return
        still = self._idle() and (not self._busy or self._stage is _Stage.LEAVING)
        self._looks = self._looks + 1 if still else 0
        if self._looks < 2:
            return
        self._looks = 0
        if self._due[0][0] == _NEVER:
            self._diverge()
        else:
            self._give_first()
            self._give()
