"""The host's end of debugging: one `Debuggee` for each worker of a run, `Debug` for all of them.

A debuggee takes its worker's frames before the run does: the debugger's stay here, all others are passed on. While a
worker stands still the clocks of its run stand too. Knows no client's protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from itertools import count
from typing import Any, Final, Protocol

from llmspell.engines import protocol
from llmspell.engines.protocol import Frame
from llmspell.engines.transport import Exit, Transport
from llmspell.errors import UsageError

Acts = Sequence[Callable[[], None]]

#: Seconds that a script which stands may take to answer: what is evaluated there ends after one, unless it is inside of
#: a function of its language that looks at no clock; and how long it has once it did not.
_PATIENCE: Final = 5.0
_IMPATIENCE: Final = 0.2

_FRAMES: Final = frozenset({"debugged", "stopped", "logged", "unseen", "aside"})


class CallSite(str):
    """A position of a script, as its calls carry it, that knows the call: spans and pauses keep it, and so it is known
    who waits for them."""

    __slots__ = ("call", "worker")
    worker: Debuggee
    call: int

    @staticmethod
    def of(site: str, worker: Debuggee, call: int) -> CallSite:
        made = CallSite(site)
        made.worker, made.call = worker, call
        return made

    def is_of(self, other: str) -> bool:
        """Whether another position is that of the same call."""
        return isinstance(other, CallSite) and (other.worker, other.call) == (self.worker, self.call)


class Script(Protocol):
    """What a worker's frames lead to: a `bridge.Bridge`. contexts: what each callback runs within, by number."""

    contexts: dict[int, Context]

    def receive(self, frame: Frame) -> None:
        """A frame has come, an input of the run."""
        ...

    def handle(self, frame: Frame) -> None:
        """The same at once, past the order of inputs."""
        ...


class Debuggee:
    """A worker under the debugger. label: of its script. number: among the workers of its run, from 1."""

    def __init__(self, debug: Debug, label: str, number: int, script: Script) -> None:
        self.label = label
        self.number = number
        self.stopped: dict[str, Any] | None = None
        """Where and why it stands (the report of a `stopped` frame); None while it runs."""
        self._script = script
        self._debug = debug
        self._transport: Transport | None = None
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self.ended = False
        self._patience = _PATIENCE

    def connect(self, transport: Transport) -> None:
        self._transport = transport
        transport.exit.add_done_callback(self._exited)
        self._debug.limits(transport)

    def receive(self, frame: Frame) -> None:
        if frame[0] not in _FRAMES:
            match frame:
                case ["call" | "ask", int(call), str(), _, _, str(site)]:
                    frame[5] = CallSite.of(site, self, call)
                case _:
                    pass
            self._script.receive(frame)
            return
        match frame:  # a worker that was broken into can send any value
            case ["debugged", int(number), bool(ok), value]:
                self._answered(number, ok, value)
            case ["stopped", dict(report)] if self.stopped is None:
                self._stop(report)
            case ["aside", list(asked)]:
                self._script.handle(asked)
            case ["logged", str(text), str(site)]:
                self._debug.logged(self, text, site)
            case ["unseen", str(label), str(why)]:
                self._debug.unseen(label, why)
            case _:
                pass

    @property
    def context(self) -> Context | None:
        """What the callback runs within in which it stands."""
        return None if self.stopped is None else self._script.contexts.get(self.stopped.get("callback", 0))

    async def ask(self, command: str, **given: Any) -> Any:
        """What the debugger in the worker answers. Raises UsageError with its sentence, once the script has ended, or
        where it does not hear: it computes in a long function of its language."""
        if self._transport is None or self.ended:
            raise UsageError("the script has ended")
        number = self._send(command, given)
        self._asked[number] = asked = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(asked, self._patience)
        except TimeoutError:
            self._patience = _IMPATIENCE
            message = "the script is inside a function of its language that cannot be broken off, and answers after it"
            raise UsageError(message, hint="wait for it, or end the run") from None
        finally:
            self._asked.pop(number, None)

    def tell(self, command: str, **given: Any) -> None:
        """The same where the answer is not waited for: it comes only when a script that runs looks."""
        if not self.ended:
            self._send(command, given)

    def go(self, how: str) -> None:
        """Lets it go on, if it stands: go, in, over or out."""
        if self.stopped is not None:
            self._resume()
            self.tell("go", how=how)

    def _send(self, command: str, given: dict[str, Any]) -> int:
        number = next(self._numbers)
        if self._transport is not None:
            self._transport.send(protocol.encode(["debug", number, command, given]))
        return number

    def _answered(self, number: int, ok: bool, value: Any) -> None:
        self._patience = _PATIENCE
        asked = self._asked.get(number)
        if asked is None or asked.done():
            return
        if ok:
            asked.set_result(value)
        else:
            asked.set_exception(UsageError(str(value)))

    def _stop(self, report: dict[str, Any]) -> None:
        self.stopped = report
        self._debug.stands(self)

    def _resume(self) -> None:
        self.stopped = None
        self._debug.moves()

    def _exited(self, _: asyncio.Future[Exit]) -> None:
        self.ended = True
        if self.stopped is not None:
            self._resume()
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(UsageError("the script has ended"))
        self._debug.left(self)


class Debug:
    """How a run is debugged, and its workers while it is. Used for one run.

    wanted: with what each worker begins, kept up by whoever changes it: `breakpoints` by label, `errors`, `entry` (of
    the spell alone). joined, stopped, logged, left: told what happens, in the loop's thread; loaded: a module's label
    and text; unseen: a file that runs without a stop, and why.
    """

    def __init__(self) -> None:
        self.wanted: dict[str, Any] = {"breakpoints": {}, "errors": {}, "entry": False}
        self.workers: list[Debuggee] = []
        self.joined: Callable[[Debuggee], None] = _nothing
        self.stopped: Callable[[Debuggee], None] = _nothing
        self.logged: Callable[[Debuggee, str, str], None] = _nothing
        self.loaded: Callable[[str, str], None] = _nothing
        self.unseen: Callable[[str, str], None] = _nothing
        self.left: Callable[[Debuggee], None] = _nothing
        self._stop: Acts = ()
        self._go: Acts = ()
        self._standing = 0
        self._limited: list[Transport] = []

    def clocks(self, stop: Acts, go: Acts) -> None:
        """What makes the run's clocks stand still, and go on; calls nest."""
        self._stop, self._go = stop, go

    def start(self, label: str) -> dict[str, Any]:
        """`Start.debug` of the worker that runs a script."""
        first = bool(self.workers) and self.workers[0].label == label
        return {**self.wanted, "entry": self.wanted["entry"] and first}

    def debuggee(self, label: str, script: Script) -> Debuggee:
        """A new worker, to be connected; its frames go to `Debuggee.receive`."""
        made = Debuggee(self, label, len(self.workers) + 1, script)
        self.workers.append(made)
        self.joined(made)
        return made

    @property
    def standing(self) -> bool:
        """Whether one of the workers stands still."""
        return self._standing > 0

    def limits(self, transport: Transport) -> None:
        """The clocks of a worker's limits stand still with the run's."""
        self._limited.append(transport)
        for _ in range(self._standing):
            transport.pause_watchdog()

    def stands(self, debuggee: Debuggee) -> None:
        self._standing += 1
        for act in (*self._stop, *(transport.pause_watchdog for transport in self._limited)):
            act()
        self.stopped(debuggee)

    def moves(self) -> None:
        self._standing -= 1
        for act in (*self._go, *(transport.resume_watchdog for transport in self._limited)):
            act()


def _nothing(*_: Any) -> None:
    """Nobody wants to know."""
