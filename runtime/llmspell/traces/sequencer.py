"""One input at a time: what makes a run a function of its inputs, and so replayable.

What reaches a run from outside (a worker's frame, a model's answer, a timer) is *admitted* here. The next input is
admitted only when everything that the last one set going has come to rest, so the order of admissions, with the
inputs themselves, determines every event. The order is recorded as a list of keys; in a replay inputs wait until the
recorded order says that it is their turn.

Rest is seen in the event loop's own queue of ready callbacks: when nothing is ready, every task waits for an input.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

Act = Callable[[], None]

#: Callbacks that reschedule themselves must not keep inputs out for ever: after so many deferrals one is admitted.
_PATIENCE = 2000

#: Seconds in which a recorded answer comes (it is there already), and in which a worker that computes says something.
_ANSWER_PATIENCE = 5.0
_WORKER_PATIENCE = 60.0


class Sequencer:
    """The inputs of one run, in order. `record` is told each key as it is admitted."""

    def __init__(
        self,
        record: Callable[[str], None],
        script: Iterable[str] | None = None,
        stalled: Callable[[str], None] | None = None,
    ) -> None:
        """script: the recorded order to follow; None for a live run. stalled: told the key that a replay waits for in
        vain."""
        self._record = record
        self._stalled = stalled
        self._alarm: asyncio.TimerHandle | None = None
        self._script: deque[str] | None = None if script is None else deque(script)
        self._waiting: dict[str, deque[Act]] = {}

    def admit(self, key: str, act: Act) -> None:
        """Lets an input in, now if all is at rest, else as soon as it is its turn."""
        if self._script is None:
            _gate().enter(self, key, act)
            return
        self._waiting.setdefault(key, deque()).append(act)
        self._follow()

    async def turn(self, key: str) -> None:
        """Waits until the input `key`, which has arrived, is admitted."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.admit(key, lambda: None if future.done() else future.set_result(None))
        await future

    @property
    def awaited(self) -> str | None:
        """In a replay, the key whose turn it is; None at the end of the recording and in a live run."""
        return self._script[0] if self._script else None

    @property
    def holding(self) -> int:
        """In a replay, how many inputs have arrived before their turn."""
        return sum(map(len, self._waiting.values()))

    def admitted(self, key: str) -> None:
        self._record(key)

    def _follow(self) -> None:
        """Hands on the inputs that the recording has next, or all of them once it has ended."""
        while self._script and (acts := self._waiting.get(self._script[0])):
            key = self._script.popleft()
            _gate().enter(self, key, acts.popleft())
            if not acts:
                del self._waiting[key]
        if not self._script:
            for key, acts in self._waiting.items():
                for act in acts:
                    _gate().enter(self, key, act)
            self._waiting.clear()
        self._watch()

    def _watch(self) -> None:
        """Inputs that wait for one that never comes would wait for ever."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiting and self._script and self._stalled is not None:
            key = self._script[0]
            patience = _WORKER_PATIENCE if key == "w" else _ANSWER_PATIENCE
            self._alarm = asyncio.get_running_loop().call_later(patience, self._stalled, key)

    def close(self) -> None:
        """The run is over: nobody waits any more."""
        self._stalled = None
        self._waiting.clear()
        self._watch()


class _Gate:
    """The admissions of all runs of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ready: Any = getattr(loop, "_ready", ())
        self._queue: deque[tuple[Sequencer, str, Act]] = deque()
        self._deferred = 0

    def enter(self, sequencer: Sequencer, key: str, act: Act) -> None:
        if not self._queue and not self._ready:
            sequencer.admitted(key)
            act()
            return
        self._queue.append((sequencer, key, act))
        if len(self._queue) == 1:
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        if self._ready and self._deferred < _PATIENCE:
            self._deferred += 1
            self._loop.call_soon(self._pump)
            return
        self._deferred = 0
        sequencer, key, act = self._queue[0]
        sequencer.admitted(key)
        act()
        self._queue.popleft()
        if self._queue:
            self._loop.call_soon(self._pump)


_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, _Gate] = WeakKeyDictionary()


def _gate() -> _Gate:
    loop = asyncio.get_running_loop()
    gate = _gates.get(loop)
    if gate is None:
        gate = _gates[loop] = _Gate(loop)
    return gate
