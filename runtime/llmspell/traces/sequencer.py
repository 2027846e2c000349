"""One input at a time: what makes a run a function of its inputs, and so replayable.

What reaches a run from outside (a worker's frame, a model's answer, a timer) is *admitted* here. The next input is
admitted only when everything that the last one set going has come to rest, so the order of admissions, with the
inputs themselves, determines every event. The order is recorded as a list of keys; in a replay inputs wait until the
recorded order says that it is their turn.

A run that is paused lets nothing in: what comes meanwhile waits, in order (`Hold`). Only who controls the run from
outside, and what they set going themselves, passes.

Rest is seen in the event loop's own queue of ready callbacks: when nothing is ready, every task waits for an input.
A loop that does not show its queue (uvloop) is taken to be at rest some turns later.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from llmspell.traces.guide import Guide  # for runs that begin with another's recording

Act = Callable[[], None]

#: Turns that a loop is given whose queue cannot be seen.
_BLIND: Final = 50

#: Inputs that tasks let in one after the other without the loop having come round: signals and timers wait for it.
_IN_A_ROUND: Final = 16

#: First letters of inputs that pass a hold: what controls the run (`c`), its end from outside (`x`), the end of a
#: recording (none); and those of what workers send.
_PASSING: Final = ("c", "x", "")
FRAMES: Final = ("w", "h")

#: Callbacks that reschedule themselves must not keep inputs out for ever: after so many deferrals one is admitted.
_PATIENCE: Final = 2000


class Input:
    """Something from outside that has come or will come. It acts at most once."""

    __slots__ = ("_act", "_sequencer", "key", "sort")

    def __init__(self, sequencer: Sequencer, key: str, act: Act, sort: str = "") -> None:
        """sort: of a worker's frame, its operation."""
        self._sequencer = sequencer
        self.key = key
        self.sort = sort
        self._act: Act | None = act

    def arrive(self) -> None:
        """It is there. To be called by the event loop itself, not from a task: it may act at once."""
        self._sequencer.arrived(self, at_rest=True)

    def arrive_within(self) -> None:
        """It is there, noticed by a task or a callback of the run: it acts when that has come to rest."""
        self._sequencer.arrived(self, at_rest=False)

    def withdraw(self) -> None:
        """Nobody waits for it any more. Without effect once it has acted."""
        self._act = None

    @property
    def is_wanted(self) -> bool:
        """Whether it has neither acted nor been withdrawn."""
        return self._act is not None

    def take(self) -> Act | None:
        """Its act, for the one who performs it."""
        act, self._act = self._act, None
        return act


class Hold:
    """Who keeps inputs waiting while a run is paused. here: whether the running task is one whose inputs pass; frames:
    whether what workers send does."""

    def __init__(self, here: Callable[[], bool], frames: Callable[[], bool]) -> None:
        self.closed = False
        self._here = here
        self._frames = frames
        self._free: set[Input] = set()
        self._kept: deque[Input] = deque()

    def made(self, input: Input) -> None:
        """An input will come: who waits for it decides whether it passes."""
        if self._here():
            self._free.add(input)

    def keeps(self, input: Input) -> bool:
        """Whether an input that is about to act waits instead."""
        free = input in self._free
        self._free.discard(input)
        if not self.closed or free or input.key[:1] in _PASSING or (input.key[:1] in FRAMES and self._frames()):
            return False
        self._kept.append(input)
        return True

    def kept(self) -> list[Input]:
        """What waits, for who lets it in."""
        kept, self._kept = [*self._kept], deque()
        return kept


class Sequencer:
    """The inputs of one run, in order. Everything it lets in acts in the context in which it was made."""

    def __init__(
        self,
        record: Callable[[str], None],
        script: Iterable[str] | None = None,
        *,
        over: Act | None = None,
        opens: Act | None = None,
    ) -> None:
        """record: told each key as it is let in. script: the recorded order to follow; None for a live run.

        over: called, in place of letting it in, when an input comes after the end of the script; without it such
        inputs are let in as they come. opens: called when all that the last input of the script set going has come to
        rest; `open` then lets inputs in live.
        """
        self._record = record
        self._script: deque[str] | None = None if script is None else deque(script)
        self._over = over
        self._opens = opens
        self._opening = False
        self._waiting: dict[str, deque[Input]] = {}
        self._context = copy_context()
        self._gate = _gate()
        self._closed = False
        self.admissions = 0
        self.frames = 0  # of those, what workers sent
        self.hold: Hold | None = None  # once somebody controls the run
        self.guide: Guide | None = None  # where another run's order leads this one

    def input(self, key: str, act: Act) -> Input:
        """An input that will arrive."""
        made = Input(self, key, act)
        if self.hold is not None:
            self.hold.made(made)
        return made

    def admit(self, key: str, act: Act, sort: str = "") -> None:
        """An input that has arrived; for callbacks of the event loop."""
        Input(self, key, act, sort).arrive()

    def when_at_rest(self, look: Act) -> None:
        """Calls `look` once all that is under way has come to rest."""
        self.input("", look).arrive_within()

    async def turn(self, key: str, act: Act) -> None:
        """Waits until the input `key`, which has arrived, is let in and has acted. Where all but the caller is at rest
        and it is its turn, that is at once: two rounds of the loop less."""
        if self._enters(key):
            self._gate.let_in_within(self, Input(self, key, act))
            if self._script is not None:
                self._follow(at_rest=False)
            if self.guide is not None:
                self.guide.follow(at_rest=False)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def enter() -> None:
            act()
            future.set_result(None)

        waiting = self.input(key, enter)
        waiting.arrive_within()
        try:
            await future
        finally:
            waiting.withdraw()

    @property
    def awaited(self) -> str | None:
        """In a replay, the key whose turn it is; None at the end of the recording and in a live run."""
        return self._script[0] if self._script else None

    def _enters(self, key: str) -> bool:
        """Whether an input can act now. In a replay its place in the script is then behind it."""
        if self._closed or self.hold is not None or not self._gate.open_within:
            return False
        if self._script is not None:
            if not self._script or self._script[0] != key or key in self._waiting:
                return False
            self._script.popleft()
        return self.guide is None or self.guide.takes(key)

    def arrived(self, input: Input, *, at_rest: bool) -> None:
        if self._closed:
            return
        if self._script is None:
            if self.guide is None or not self.guide.holds(input, at_rest):
                self._gate.enter(self, input, at_rest)
            return
        self._waiting.setdefault(input.key, deque()).append(input)
        self._follow(at_rest)

    def _follow(self, at_rest: bool) -> None:
        """Hands on the inputs that the recording has next, or all of them once it has ended."""
        gate = self._gate
        while self._script and (inputs := self._waiting.get(self._script[0])):
            key = self._script.popleft()
            gate.enter(self, inputs.popleft(), at_rest)
            if not inputs:
                del self._waiting[key]
        if self._script or self._opening:
            return
        if self._opens is not None:
            self._opening = True
            gate.enter(self, Input(self, "", self._opens), at_rest)
            return
        late = [each for inputs in self._waiting.values() for each in inputs]
        self._waiting.clear()
        if late and self._over is not None:
            gate.enter(self, Input(self, "", self._over), at_rest)
            return
        for each in late:
            gate.enter(self, each, at_rest)

    def lead(self, order: Iterable[tuple[str, str]], waits: Act) -> Guide:
        """Another run's order leads this one. waits: told when an input is kept waiting for its turn."""
        from llmspell.traces.guide import Guide

        self.guide = Guide(order, lambda come, at_rest: self._gate.enter(self, come, at_rest), waits)
        return self.guide

    @property
    def is_held(self) -> bool:
        """Whether nothing is let in: the run is paused, or over."""
        return self._closed or (self.hold is not None and self.hold.closed)

    def begin(self) -> None:
        """Where the script may be empty: it is over before anything comes."""
        if self._script is not None and not self._script:
            self._follow(at_rest=False)

    def open(self) -> None:
        """The script is over: whatever has come since is let in, and what comes."""
        self._script = None
        late = [each for inputs in self._waiting.values() for each in inputs]
        self._waiting.clear()
        for each in late:
            self._gate.enter(self, each, at_rest=False)

    def review(self) -> None:
        """Others pass the hold now: what has come while the run was paused is let in, each in its turn, or waits on."""
        if self.hold is not None:
            self._gate.enter_again(self, self.hold.kept())

    def let_in(self, input: Input) -> None:
        """For the gate: it is the input's turn. One without a key belongs to no recording."""
        if self._closed or (self.hold is not None and self.hold.keeps(input)) or (act := input.take()) is None:
            return
        if input.key:
            self.admissions += 1
            self.frames += input.key[:1] in FRAMES
            self._record(input.key)
        self._context.run(act)

    def close(self) -> None:
        """The run is over: nothing is let in any more."""
        self._closed = True
        self._waiting.clear()


class _Gate:
    """The admissions of all runs of one event loop."""

    def __init__(self, ready: Any) -> None:
        """ready: the loop's queue of callbacks, None where it cannot be seen."""
        self._ready = ready
        self._queue: deque[tuple[Sequencer, Input]] = deque()
        self._acting = False
        self._pumping = False
        self._deferred = 0
        self._in_this_round = 0

    @property
    def open(self) -> bool:
        """Whether nothing but the caller is under way, as far as can be seen."""
        return self._ready is not None and not (self._ready or self._queue or self._acting)

    @property
    def open_within(self) -> bool:
        """The same for a task that asks, which would otherwise give the loop a round."""
        return self.open and self._in_this_round < _IN_A_ROUND

    def let_in_within(self, sequencer: Sequencer, input: Input) -> None:
        self._in_this_round += 1
        self.let_in(sequencer, input)

    def enter(self, sequencer: Sequencer, input: Input, at_rest: bool) -> None:
        """at_rest: whether the caller is the event loop, so that an empty queue of callbacks means rest."""
        if at_rest and self.open:
            self._in_this_round = 0
            self.let_in(sequencer, input)
            return
        self._queue.append((sequencer, input))
        self._will_pump()

    def enter_again(self, sequencer: Sequencer, inputs: list[Input]) -> None:
        """Inputs whose turn had come and that were kept then: they stand before whatever has come since."""
        self._queue.extendleft((sequencer, each) for each in reversed(inputs))
        if inputs:
            self._will_pump()

    def _will_pump(self) -> None:
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        patience = _BLIND if self._ready is None else _PATIENCE if self._ready else 0
        if self._deferred < patience:
            self._deferred += 1
            asyncio.get_running_loop().call_soon(self._pump)
            return
        self._deferred = self._in_this_round = 0
        try:
            self.let_in(*self._queue.popleft())
        finally:
            self._pumping = bool(self._queue)
            if self._pumping:
                asyncio.get_running_loop().call_soon(self._pump)

    def let_in(self, sequencer: Sequencer, input: Input) -> None:
        self._acting = True
        try:
            sequencer.let_in(input)
        finally:
            self._acting = False


_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, _Gate] = WeakKeyDictionary()


def _gate() -> _Gate:
    loop = asyncio.get_running_loop()
    gate = _gates.get(loop)
    if gate is None:
        gate = _gates[loop] = _Gate(getattr(loop, "_ready", None))
    return gate
