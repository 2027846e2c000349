"""Events that a spell emits itself, and waiting for events: what a bus of whatever kind has in common.

Knows how an emitted event passes the hooks, the log and the listeners, and what happens when a listener is behind.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from llmspell.api.bounds import Milliseconds
from llmspell.api.callback import Callback, Later
from llmspell.api.kinds import NAME_LENGTH
from llmspell.api.names import language_name
from llmspell.errors import ArgumentError
from llmspell.events.bus import Bus, matcher
from llmspell.events.event import Event
from llmspell.events.listeners import Hearing, ListenerOptions, ScriptListener, listener_of, named
from llmspell.hooks.table import Own
from llmspell.run import Run
from llmspell.traces.live import LiveServer
from llmspell.unit import Unit

#: Events that may wait for the filter of one `wait_for`.
_MOST_WAITING: Final = 1_000
#: What the runtime adds to each payload.
_STAMP: Final = frozenset({"event", "timestamp", "source"})
#: Events that `history` gives unless it is told otherwise.
_HISTORY: Final = 100


class WaitOptions(TypedDict, total=False):
    timeout: Milliseconds
    """Milliseconds to wait; no limit unless given."""
    filter: Callback
    """Given the event; waits on unless it gives true."""


class History(TypedDict):
    events: list[dict[str, Any]]
    """The newest that match, oldest first, each as a listener gets it."""
    forgotten: int
    """How many of the run's first events are no longer known: what matched among them is not here."""


@dataclass(frozen=True, slots=True)
class Emitter:
    """Whose events they are: who hears them, who their hooks are. note: puts an event into the log; deliver: tells the
    listeners of `buses`."""

    run: Run
    buses: tuple[Bus, ...]
    note: Callable[[str, dict[str, Any]], Event]
    deliver: Callable[[Event], object]
    agent: str | None = None
    own: Own = ()

    def emit(self, event: str, data: dict[str, Any] | None) -> Later | None:
        """Emits. Where a hook wants to see it first, what is given back is to be waited for.

        Raises ArgumentError where a listener is behind by its limit: nothing has been told then.
        """
        told = self._data(event, data)
        for bus in self.buses:
            if (full := bus.full(event)) is not None:
                raise self._behind(event, full)
        if self._is_hooked():
            return Later(self._asked(event, told))
        self._tell(event, told)
        return None

    async def emit_and_wait(self, event: str, data: dict[str, Any] | None) -> int:
        """Emits once every listener has room, and waits until those who heard it have finished; gives how many."""
        told = self._data(event, data)
        while (full := next(filter(None, (bus.full(event) for bus in self.buses)), None)) is not None:
            if self.run.audience.behind is None:
                raise self._behind(event, full)
            await self.run.audience.room()
        with Hearing() as hearing:
            if self._is_hooked():
                await self._asked(event, told)
            else:
                self._tell(event, told)
        await hearing.done()
        return hearing.count

    def _data(self, event: str, data: dict[str, Any] | None) -> dict[str, Any]:
        """What the event tells. A payload that is passed on as it came loses what said whose it was."""
        if not event or len(event) > NAME_LENGTH:
            raise ArgumentError("an event has a name", hint=f"of at most {NAME_LENGTH} characters")
        given = dict(data or {})
        if given.keys() >= _STAMP:
            for key in _STAMP:
                del given[key]
        return given

    def _is_hooked(self) -> bool:
        hooks = self.run.hooks
        return hooks.wants("before_event_emit", self.own) or hooks.wants("after_event_emit", self.own)

    def _tell(self, event: str, data: dict[str, Any]) -> None:
        self.deliver(self.note(event, data))

    async def _asked(self, event: str, data: dict[str, Any]) -> None:
        """The same with the hooks' say in it: a veto is the emitter's to hear."""
        hooks, context = self.run.hooks, {"event": event, "data": data}
        unit = Unit(self.run, "event_emit", context, self.run.emit, agent=self.agent, own=self.own)

        async def once() -> dict[str, Any]:
            asked = await hooks.ask("before_event_emit", dict(context), agent=self.agent, own=self.own)
            changed = asked.get("data")
            asked["data"] = told = dict(changed) if isinstance(changed, dict) else {}
            self._tell(event, told)
            return asked

        asked = await unit.attempt(once)
        await hooks.ask("after_event_emit", asked, agent=self.agent, own=self.own)

    def _behind(self, event: str, listener: ScriptListener) -> ArgumentError:
        site = listener.function.site
        waiting = language_name("emit_and_wait", language_of(self.run))
        return ArgumentError(
            f"{listener.limit} events wait for a listener of {event!r}{f' ({site})' if site else ''}, its limit",
            hint=f"wait for it with {waiting}, or give the listener a higher `limit` or the `overflow` drop",
        )


def listen(
    run: Run, bus: Bus, event: str, handler: Any, options: ListenerOptions | None = None, *, once: bool = False
) -> Any:
    """A script's function as a listener of the bus."""
    return bus.on(event, listener_of(handler, event, run.audience, options), once=once)


async def wait_for(run: Run, bus: Bus, pattern: str, options: WaitOptions | None) -> Any:
    """The payload of the next event that matches, in the script's spelling. Raises TimeoutError."""
    given = options or {}
    accepts = given.get("filter")
    coming: deque[Any] = deque()
    news = asyncio.Event()

    def hear(*args: Any) -> None:
        if len(coming) < _MOST_WAITING:
            coming.append(args[-1])
        else:
            coming[-1] = None
        news.set()

    subscription = bus.on(pattern, hear)
    try:
        async with run.effects.deadline(given.get("timeout"), f"waiting for {pattern!r}"):
            while True:
                while coming:
                    payload = coming.popleft()
                    if payload is None:
                        raise ArgumentError(
                            f"{_MOST_WAITING} events wait for the filter of wait_for({pattern!r})",
                            hint="wait for a narrower pattern, or use a filter that does not wait",
                        )
                    shown = named(payload, language_of(run))
                    if accepts is None or await accepts(shown):
                        return shown
                news.clear()
                await news.wait()
    finally:
        subscription.stop()


def history(run: Run, pattern: str, limit: int | None) -> dict[str, Any]:
    """The newest events of the run that match. A recording keeps what was given: how much is still known depends on
    how large the events are."""
    wanted = _HISTORY if limit is None else max(0, limit)
    held = run.service(LiveServer).held
    matches = matcher(pattern)

    def look() -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        for event in reversed(held):
            if len(found) >= wanted:
                break
            if matches(event.name if event.kind == "custom" else event.kind):
                found.append(run.payload(event))
        from llmspell.traces.describe import describe

        forgotten = held[0].seq - 1 if held else run.log.seq
        return {"events": [describe(payload) for payload in reversed(found)], "forgotten": forgotten}

    given = run.effects.read("events", "history", [pattern, wanted], look)
    language = language_of(run)
    return {**given, "events": [named(payload, language) for payload in given["events"]]}


def language_of(run: Run) -> str:
    """The language of the script that the running task works for."""
    guest = run.guest
    if guest is None:
        return run.identity.language
    return "lua" if guest.label.endswith(".lua") else "javascript"
