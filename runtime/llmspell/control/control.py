"""What controls one run: it pauses it, lets it go on, stops it at breakpoints, and says what waits for a person.

A paused run lets no input in (`traces.sequencer.Hold`): what it had begun ends, and waits; the clocks of limits,
sleeps and time-outs stand still. A task that is about to ask something of the outside waits there. Each command is an
input of the run, recorded with it; in a replay the recorded ones act again, in their turn, and nobody else may give
any. Knows no socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from llmspell.control.approval import Approval
from llmspell.control.breakpoints import Breakpoint, is_tool_of, tool_patterns
from llmspell.control.wanted import Controls
from llmspell.errors import ArgumentError, LlmspellError, UsageError
from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.gate import Stop
from llmspell.hooks.table import Context, Since
from llmspell.person import Desk, Waiting
from llmspell.run import Run
from llmspell.traces.sequencer import Hold

Notice = Callable[[dict[str, Any]], None]

#: What a step goes on to.
STEPS: Final[dict[str, frozenset[str]]] = {
    "model": frozenset({"model"}),
    "tool": frozenset({"tool"}),
    "either": frozenset({"model", "tool"}),
}
#: Events that are of the control itself.
_OWN: Final = frozenset({"paused", "resumed", "breakpoint_hit", "approval_asked", "approval_given"})

#: Whether the running task does what somebody asked for from outside: no pause and no breakpoint holds it up.
outside: Final[ContextVar[bool]] = ContextVar("llmspell_outside", default=False)


@frozen
class Paused:
    """Why a run is paused, and what it was about to do: `stop` and `about` of a breakpoint, in `span` at `site`. names:
    what a breakpoint's pattern is held against there."""

    reason: str
    by: str
    stop: str
    about: dict[str, Any]
    span: int
    site: str
    names: tuple[str, ...] = ()

    def to_value(self) -> dict[str, Any]:
        told = {"reason": self.reason, "by": self.by, "span": self.span, "site": self.site}
        return {**told, "stop": self.stop, "about": self.about} if self.stop else told


@frozen
class Clocks:
    """The clocks of the limits of a run's worker."""

    stop: Callable[[], None]
    go: Callable[[], None]
    computing: Callable[[], bool]


class Control:
    """Controls a run (`gate.Gate`). notice: told what whoever controls the run should hear at once."""

    def __init__(self, run: Run, clocks: Clocks) -> None:
        self.run = run
        self.notice: Notice = lambda told: None
        self.pause: Paused | None = None
        self.breakpoints: tuple[Breakpoint, ...] = ()
        self.approve: tuple[str, ...] = ()
        self.desk = desk = run.service(Desk)
        self.acts: dict[str, Callable[[dict[str, Any]], Any]] = {
            "pause": lambda given: self._pause("asked for", given["by"]),
            "resume": lambda given: self._resume(given["by"]),
            "step": lambda given: self._resume(given["by"], given["to"]),
            "breakpoints": lambda given: self._set_breakpoints(given["set"]),
            "approvals": lambda given: self._set_approvals(given["tools"]),
        }
        self._clocks = clocks
        self._step: str = ""
        self._waiters: list[asyncio.Future[None]] = []
        self._number = 0
        self._outside = 0
        self._spent: set[Breakpoint] = set()
        self._happened: tuple[Breakpoint, Event] | None = None
        self._listening: Callable[[], None] | None = None
        self._over = False
        self._unanswered: set[asyncio.Future[Any]] = set()
        self._hold = run.sequencer.hold = Hold(outside.get, lambda: self._outside > 0)
        run.effects.time.free = run.effects.patience.free = outside.get
        desk.news = self._waits
        run.control = self

    # -- commands ------------------------------------------------------------------------------------------------

    async def command(self, record: dict[str, Any]) -> Any:
        """Gives a command to the run, as an input of it; what its act gives. record: plain values, `do` among them.

        Raises UsageError where the run takes none, and what the act raises.
        """
        if self._over:
            raise UsageError("the run has ended")
        if self.run.replaying:
            raise UsageError("the run is a replay: it does what it did", hint="control a live run, or cancel this one")
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._unanswered.add(done)
        self._submit(record, done)
        try:
            return await done
        finally:
            self._unanswered.discard(done)

    def _submit(self, record: dict[str, Any], done: asyncio.Future[Any] | None = None) -> None:
        self._number += 1
        act = partial(self._act, self._number, record, done)
        self.run.sequencer.input(f"c{self._number}", act).arrive_within()

    def _act(self, number: int, record: dict[str, Any], done: asyncio.Future[Any] | None = None) -> None:
        self.run.effects.keep("control", "", number, record)
        try:
            given = self.acts[record["do"]](record)
        except LlmspellError as error:
            if done is not None and not done.done():
                done.set_exception(error)
        else:
            if done is not None and not done.done():
                done.set_result(given)

    async def begin(self, recorded: list[Any] | None, wanted: Controls | None) -> None:
        """Before the spell's first line; returns when it may begin. recorded: the commands of the run that is replayed
        or gone on from."""
        first, *rest = recorded or [None]
        if first is not None and first["do"] != "begin":
            first, rest = None, [first, *rest]
        if first is None and wanted is not None and not recorded:
            first = wanted.record()
        if first is not None:
            self._number = 1
            self.run.effects.keep("control", "", 1, first)
            self._set_breakpoints(first["set"])
            self._set_approvals(first["tools"])
        for record in rest:
            self._submit(record)
        if any(each.kind == "start" for each in self.breakpoints):
            self._stop("start", "start", {})
            await self._goes_on()

    def goes_on(self, wanted: Controls | None, *, apart: bool) -> None:
        """The recording has ended that the run goes on from: what was wanted now holds, and no pause of then does.
        apart: it goes its own way, so that breakpoints of then, which stop it for whoever set them, do not hold either;
        what is to be approved still is."""
        if wanted is not None:
            record = wanted.record()
            self._submit({"do": "breakpoints", "set": record["set"]})
            self._submit({"do": "approvals", "tools": record["tools"]})
        elif apart and self.breakpoints:
            self._submit({"do": "breakpoints", "set": []})
        if self.pause is not None:
            self._submit({"do": "resume", "by": "going on from the recording"})

    def close(self) -> None:
        """The run has ended."""
        self.over()
        if self._listening is not None:
            self._listening()
        for done in self._unanswered:
            if not done.done():
                done.set_exception(UsageError("the run has ended"))

    def status(self) -> dict[str, Any]:
        state = "ended" if self._over else "running" if self.pause is None else "paused"
        return {
            "state": state,
            "pause": None if self.pause is None else self.pause.to_value(),
            "computing": self._clocks.computing(),
            "breakpoints": [str(each) for each in self.breakpoints],
            "approve": list(self.approve),
            "step": self._step,
            "waiting": [shown(waiting) for waiting in self.desk.waiting.values()],
            "replaying": self.run.replaying,
            "seq": self.run.log.seq,
            "cost": self.run.cost,
            "tokens": self.run.tokens,
            "calls": self.run.calls,
        }

    # -- acts ----------------------------------------------------------------------------------------------------

    def _pause(
        self, reason: str, by: str, stop: str = "", about: dict[str, Any] | None = None, names: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        run = self.run
        if self.pause is None and not self._over:
            self.pause = Paused(reason, by, stop, about or {}, run.span.number, run.site, names)
            run.emit("paused", "", {"reason": reason, "by": by})
            self._hold.closed = not run.replaying
            for stop_clock in (run.effects.time.stop, run.effects.patience.stop, self._clocks.stop):
                stop_clock()
            self.notice({"notice": "paused", **self.pause.to_value()})
        return {"state": "paused"}

    def _resume(self, by: str, to: str = "") -> dict[str, Any]:
        self._step = to
        if self.pause is not None:
            self.run.emit("resumed", "", {"by": by, "to": to})
            self._let_go()
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self.notice({"notice": "resumed", "by": by, "to": to})
        return {"state": "running"}

    def _let_go(self) -> None:
        effects = self.run.effects
        self.pause = None
        for start_clock in (effects.time.go, effects.patience.go, self._clocks.go):
            start_clock()
        self._hold.closed = False
        self.run.sequencer.review()

    def _set_breakpoints(self, texts: Any) -> dict[str, Any]:
        if not isinstance(texts, list):
            raise ArgumentError(f"{texts!r} are no breakpoints", hint='a list such as ["tool:shell_*", "error"]')
        self.breakpoints = tuple(map(Breakpoint.parse, texts))
        self._spent &= set(self.breakpoints)
        listens = any(each.kind == "event" for each in self.breakpoints)
        if listens and self._listening is None:
            self._listening = self.run.log.attach(self._heard)
        elif not listens and self._listening is not None:
            self._listening()
            self._listening = None
        self.run.hooks.reached = self._hook if any(each.kind == "hook" for each in self.breakpoints) else None
        return {"breakpoints": [str(each) for each in self.breakpoints]}

    def _set_approvals(self, patterns: Any) -> dict[str, Any]:
        self.approve = tool_patterns(patterns)
        return {"approve": list(self.approve)}

    def apart(self, begins: bool) -> None:
        """Something begins, or ends, that somebody asked for from outside: what workers send is heard meanwhile, since
        it may need them."""
        self._outside += 1 if begins else -1
        if begins:
            self.run.sequencer.review()

    # -- the gate ------------------------------------------------------------------------------------------------

    def held(self) -> Awaitable[None] | None:
        if outside.get():
            return None
        self._stop_at_event()
        return None if self.pause is None else self._goes_on()

    async def reached(self, stop: Stop, names: tuple[str, ...], about: dict[str, Any]) -> None:
        if outside.get() or self._over:
            return
        self._stop_at_event()
        await self._goes_on()
        if why := self._why(stop, names):
            self._stop(why, stop, about, names)
            await self._goes_on()

    async def tool(
        self, name: str, agent: str, params: dict[str, Any], check: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        about = {"tool_name": name, "agent_name": agent, "params": params}
        await self.reached("tool", (name,), about)
        if not is_tool_of(self.approve, name):
            return params
        return await Approval(self.run, self.desk, name, agent, params, check).decided()

    def over(self) -> None:
        self._over = True
        if self.pause is not None:
            self._let_go()

    async def _hook(self, point: str, site: str, context: Context) -> None:
        told = {key: _plain(value) for key, value in context.items() if not isinstance(value, Since)}
        await self.reached("hook", (point,), {"point": point, "handler": site, "context": told})

    def _why(self, stop: str, names: tuple[str, ...]) -> str:
        """The breakpoint that stops the run here."""
        if self._step and stop in STEPS[self._step]:
            return f"step:{self._step}"
        for each in self.breakpoints:
            if each.matches(stop, names or ("",)):
                return str(each)
            spends = each.kind == "cost" and stop in STEPS["either"] and each not in self._spent
            if spends and self.run.cost >= each.dollars:
                self._spent.add(each)
                return str(each)
        return ""

    def _stop(self, why: str, stop: str, about: dict[str, Any], names: tuple[str, ...] = ()) -> None:
        self._step = ""
        self.run.emit("breakpoint_hit", why, {"breakpoint": why, "stop": stop, "about": about})
        self._pause(f"breakpoint {why}" if not why.startswith("step") else "step", "", stop, about, names)

    def _heard(self, event: Event) -> None:
        """An event has happened: the run stops before it asks for anything more."""
        if event.kind in _OWN or self.pause is not None or self._happened is not None or self._over or outside.get():
            return
        name = event.name if event.kind == "custom" else event.kind
        for each in self.breakpoints:
            if each.matches("event", (name,)):
                self._happened = each, event
                asyncio.get_running_loop().call_soon(self._stop_at_event)
                return

    def _stop_at_event(self) -> None:
        happened, self._happened = self._happened, None
        if happened is not None and self.pause is None and not self._over:
            why, event = happened
            about = {"event": event.kind, "name": event.name, "seq": event.seq, "data": event.data}
            self._stop(str(why), "event", about, (event.name if event.kind == "custom" else event.kind,))

    async def _goes_on(self) -> None:
        while self.pause is not None:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def _waits(self, waiting: Waiting, begins: bool) -> None:
        self.notice({"notice": "waiting" if begins else "settled", **shown(waiting)})


def shown(waiting: Waiting) -> dict[str, Any]:
    """What waits for a person, as they are told."""
    return {"number": waiting.number, "kind": waiting.kind, **waiting.about}


def _plain(value: Any) -> Any:
    return value.to_value() if isinstance(value, LlmspellError) else value
