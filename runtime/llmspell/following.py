"""Effects of a run that begins with another's recording: what it asks is answered from there as long as it matches.

The rule. A spell that does what the recorded one did is led through the recorded order of inputs (`traces.guide`), so
that every interleaving, and with it all that is drawn by chance in between, is as it was: nothing is asked live. Where
it does something else, these hold:

- A request is answered from the recording when the same was asked in the same place, by a strand that has not changed.
  A strand is an agent by its name, or the spell itself. It changes when it has had a live answer to a call: what an
  agent asks from there on may depend on it, and is asked live, though it be the same. Another agent's call stays free
  while it asks the same: what it heard of the change would stand in its request.
- A call that is asked live in the recorded one's place has that one's turn: others wait for it and see what they saw.
- With the first live answer the spell's own strand has changed: what it asks itself (tools, state, a person) is live.
  After a live answer of a tool that did more than look, every tool call is: the world may be another.
- Where less, more or something else comes from the worker than was recorded, the order gives way as soon as all is at
  rest and inputs wait for what does not come; those that come are still led by what is left of it.
- A time limit that was reached is reached again in its turn, unless something live is asked inside it: then it counts.
  What never came is asked for live when nothing else is left to wait for.
- When no free answer can follow, all is live, and the clock is read from there on.
- Texts of the spell, its hooks, settings, models and approvals are of now. So are the spell's random numbers once it
  draws more or fewer of them: a request that holds one is another then.

Knows no store and no worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any, Final

from llmspell import place
from llmspell.answers import Arrival, Asked, Harmless, Perform
from llmspell.effects import Effects, Pieces, Rejoin
from llmspell.errors import revived
from llmspell.traces.guide import Guide
from llmspell.traces.prefix import CALLS, DRAWN, NOTHING, NOW, Found, Match, Prefix
from llmspell.traces.sequencer import Input

#: Seconds between two looks at whether all is at rest while something waits: first, and at most.
_LOOK: Final = 0.001
_SELDOM: Final = 0.016
#: Kinds that may be new, or made live, with all that follows still as it was.
_QUIET: Final = frozenset({"timer", "audit", "checkpoint", "pause", *DRAWN})

#: The recorded limits that the running task is within.
_around: Final[ContextVar[tuple[int, ...]]] = ContextVar("llmspell_limits_around", default=())


class Following(Effects):
    """`Effects` whose answers come from `follow`'s recording first."""

    _prefix: Prefix
    _guide: Guide
    _idle: Callable[[], bool]
    _left: Callable[[], object]
    _paid: Callable[[], object]
    _differs: Callable[[str, Any, Any], object]

    def follow(
        self,
        prefix: Prefix,
        idle: Callable[[], bool],
        left: Callable[[], object],
        *,
        paid: Callable[[], object],
        differs: Callable[[str, Any, Any], object],
    ) -> None:
        """To be called before the run begins. idle: whether all workers wait. left: told when all is live. paid: told
        of a request to a model that was foreseen to be free and is not. differs: told of an agent whose model is
        another one now, what it was and what it is."""
        self._prefix = prefix
        self._guide = self._sequencer.lead(prefix.order, self._watch)
        self._idle = idle
        self._left = left
        self._paid = paid
        self._differs = differs
        self._matches: dict[int, Match] = {}
        self._changed: set[str] = set()  # strands
        self._world_changed = False
        self._gone = False
        self._live: dict[int, tuple[str, str]] = {}  # what is asked live: its turn, its kind
        self._never: list[asyncio.Future[None]] = []
        self._limits: dict[int, Callable[[], None]] = {}  # not reached yet, what makes one count
        self._seen = (-1, 0)
        self._looks = 0
        self._pause = _LOOK
        self._timer: asyncio.TimerHandle | None = None

    # -- asking --------------------------------------------------------------------------------------------------

    def _ask(self, kind: str, name: str, input: Any) -> Asked:
        asked = super()._ask(kind, name, input)
        if not self._gone and kind not in NOW:
            match = self._prefix.match(asked.span, kind, name, input, asked.occurrence)
            self._matches[asked.number] = match
            if match.turn:
                self._guide.stands_for(asked.key, match.turn)
        return asked

    def read(self, kind: str, name: str, input: Any, look: Callable[[], Any]) -> Any:
        def again() -> Any:
            found = self._matches.pop(self._count, NOTHING).found
            if kind in DRAWN and found is not None and not found.error and not self._gone:
                return found.output
            output = look()
            if kind == "model" and (was := self._prefix.model(name, input)) not in (None, output):
                self._differs(name, was, output)
            return output

        return super().read(kind, name, input, again)

    def foresees(self, kind: str, name: str, input: Callable[[], Any]) -> bool:
        span = self._where()[0]
        return self._may_be_free(kind, span) and self._prefix.has(span, kind, name, input())

    async def _have(self, arrival: Arrival, perform: Perform, harmless: Harmless | None) -> None:
        asked = arrival.asked
        match = self._matches.pop(asked.number, NOTHING)
        found = self._free(asked, match)
        if found is not None and not found.came:
            await self._never_came(asked)
            found = None
        if found is not None:
            if found.error:
                arrival.failure = revived(found.output)
            else:
                arrival.output = found.output
            await self._sequencer.turn(asked.key, arrival.record)
            self._mark(asked, free=True)
            return
        self._begins(asked, match)
        try:
            await self._performed(arrival, perform)
        finally:
            del self._live[asked.number]
            self._had(asked, match, harmed=not (arrival.failure is None and _kept_to_itself(arrival.output, harmless)))

    async def _coming(self, asked: Asked, live: Pieces, rejoin: Rejoin | None) -> AsyncGenerator[Any, None]:
        match = self._matches.pop(asked.number, NOTHING)
        begun: list[Any] = []
        if (found := self._free(asked, match)) is not None:
            begun = found.output["pieces"]
            for piece in begun:
                yield piece
            if found.came:
                self._mark(asked, free=True)
                if (error := found.output["error"]) is not None:
                    raise revived(error)
                return
            await self._never_came(asked)
        self._begins(asked, match)
        try:
            async with aclosing(rejoin(begun, live()) if begun and rejoin else live()) as pieces:
                async for piece in pieces:
                    self._had(asked, match)
                    yield piece
        finally:
            del self._live[asked.number]
            self._had(asked, match)

    def _armed(self, asked: Asked, firing: Input, milliseconds: float) -> Callable[[], None]:
        match, number = self._matches.pop(asked.number, NOTHING), asked.number
        disarms: list[Callable[[], None]] = []

        def count(firing: Input) -> None:
            self._live[number] = (match.turn, "deadline")
            disarms.append(super(Following, self)._armed(asked, firing, milliseconds))

        def counts() -> None:
            if self._guide.keeps(firing) and (act := firing.take()) is not None:
                count(self._sequencer.input(asked.key, act))

        def disarm() -> None:
            self._limits.pop(number, None)
            self._live.pop(number, None)
            _around.set(tuple(each for each in _around.get() if each != number))
            firing.withdraw()
            for each in disarms:
                each()

        if self._free(asked, match) is None:
            count(firing)
        else:
            self._limits[number] = counts
            _around.set((*_around.get(), number))
            firing.arrive_within()
        return disarm

    # -- what is free --------------------------------------------------------------------------------------------

    def _free(self, asked: Asked, match: Match) -> Found | None:
        return match.found if self._may_be_free(asked.kind, asked.span) else None

    def _may_be_free(self, kind: str, span: int) -> bool:
        if self._gone:
            return False
        strand = self._prefix.strand(span)
        if kind not in _QUIET and kind not in CALLS:
            return "" not in self._changed
        if kind == "tool" and self._world_changed:
            return False
        return strand not in self._changed or (not strand and kind == "timer")

    def _mark(self, asked: Asked, *, free: bool) -> None:
        """For who reads `free` of the span that the running task is in."""
        if asked.kind not in CALLS:
            return
        if free:
            self._prefix.gave(asked.span)
        (self.free.add if free else self.free.discard)(place.span.get().number)

    def _begins(self, asked: Asked, match: Match) -> None:
        """Something is asked live: limits around it count."""
        self._live[asked.number] = (match.turn, asked.kind)
        if asked.kind not in _QUIET and asked.kind not in NOW:
            for number in _around.get():
                if (counts := self._limits.pop(number, None)) is not None:
                    counts()

    def _had(self, asked: Asked, match: Match, *, harmed: bool = True) -> None:
        """A live answer has come, or is not waited for any more."""
        self._mark(asked, free=False)
        if asked.kind in _QUIET or asked.kind in NOW or self._gone:
            return
        self._changed.add("")
        if asked.kind == "llm" or (asked.kind == "tool" and match.found is None):
            self._changed.add(self._prefix.strand(asked.span))
        self._world_changed = self._world_changed or (asked.kind == "tool" and harmed)
        if not self._prefix.has_left(self._changed):
            self._go()

    def _go(self) -> None:
        """All is live from here on."""
        self._gone = True
        limits, self._limits = self._limits, {}
        for counts in limits.values():
            counts()
        self._give_up()
        self._guide.open()
        self._left()

    async def _never_came(self, asked: Asked) -> None:
        """Waits until nothing else is left to wait for: then it is asked for live, which had not been foreseen."""
        given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._never.append(given_up)
        self._watch()
        await given_up
        if asked.kind == "llm":
            self._paid()

    def _give_up(self) -> None:
        never, self._never = self._never, []
        for each in never:
            if not each.done():
                each.set_result(None)

    # -- when the order gives way --------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Looks soon, when all has come to rest: what tasks of the run do one after the other takes the loop many turns
        without any input, and is no standing still."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._sequencer.when_at_rest, self._look)

    def _look(self) -> None:
        self._timer = None
        self._never = [each for each in self._never if not each.done()]
        waits = self._guide.is_kept_waiting
        if not waits and not self._never:
            self._pause = _LOOK
            return
        seen = (self._sequencer.admissions, self._guide.arrivals)
        moved, self._seen = self._seen != seen, seen
        settling = any(
            (kind in NOW or (kind in _QUIET and kind != "timer")) and not self._guide.has(turn)
            for turn, kind in self._live.values()
        )
        still = self._idle() and not (moved or settling or self._sequencer.is_held)
        self._looks = self._looks + 1 if still else 0
        self._pause = _LOOK if moved else min(_SELDOM, self._pause * 2)
        if self._looks >= 2:
            self._looks = 0
            self._pause = _LOOK
            self._give_way(waits)
        self._watch()

    def _give_way(self, waits: bool) -> None:
        if not waits:
            if all(kind == "deadline" for _, kind in self._live.values()):
                self._give_up()
            return
        coming = {turn: kind for turn, kind in self._live.values() if turn}
        kind = coming.get(self._guide.awaited or "", "")
        limited = kind in ("timer", "deadline")
        if (kind and kind != "tool" and not limited) or self._guide.late() or limited:
            return  # what comes next takes its time, and nobody's frame
        if not self._guide.extra() and not kind:
            self._guide.skip(coming.__contains__)


def _kept_to_itself(output: Any, harmless: Harmless | None) -> bool:
    """Whether a tool asked for no permission, or only looked."""
    return isinstance(output, dict) and (output.get("used") == [] or (harmless is not None and harmless(output)))
