"""`EventSystem`: a bus of a spell's own, for workflows that are driven by events. Its events are in the run's trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmspell.api.describe import exposed, method, prop
from llmspell.api.kinds import EventHandler, EventName
from llmspell.api.objects import ScriptClass
from llmspell.emission import Emitter, WaitOptions, listen, wait_for
from llmspell.events.bus import Bus, Subscription
from llmspell.events.event import Event
from llmspell.events.listeners import ListenerOptions
from llmspell.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSystemOptions:
    name: str | None = None
    """What its events are known by in the trace (`event_system`)."""


@exposed(
    options=EventSystemOptions,
    example='local shop = EventSystem.new()\nshop:on("order", function(event) shop:emit("packed", event) end)',
)
class EventSystem:
    """Events of your own, heard only by those who listen to this system; a handler may emit the next one.

    Patterns, waiting and what happens when a handler falls behind are as on the `eventBus`.
    """

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> EventSystem:
        return cls(run, EventSystemOptions(**options))

    def __init__(self, run: Run, options: EventSystemOptions) -> None:
        self._run = run
        self._name = options.name or run.service(_Systems, _Systems).next_name()
        self._bus = Bus()
        self._emitter = Emitter(run, (self._bus,), self._note, self._deliver)

    @property
    @prop()
    def name(self) -> str:
        """Its name in the trace."""
        return self._name

    @method(errors=("invalid_argument",), example='shop:on("order:*", function(event) print(event.event) end)')
    def on(self, event: EventName, handler: EventHandler, options: ListenerOptions | None = None) -> Subscription:
        """Calls `handler` with each such event. `order:*` is a pattern; a handler of `*` gets `(event_type, data)`."""
        return listen(self._run, self._bus, event, handler, options)

    @method()
    def once(self, event: EventName, handler: EventHandler) -> Subscription:
        """Calls `handler` with the next such event only."""
        return listen(self._run, self._bus, event, handler, once=True)

    @method()
    def off(self, event: EventName, handler: EventHandler | None = None) -> int:
        """Stops calling a handler, or all of the event's handlers; gives how many."""
        return self._bus.off(event, handler)

    @method(result=type(None), errors=("invalid_argument",), example='shop:emit("order", { item = "lamp" })')
    def emit(self, event: EventName, data: dict[str, Any] | None = None) -> Any:
        """Emits an event to the handlers of this system."""
        return self._emitter.emit(event, data)

    @method(errors=("invalid_argument",), example='shop:emit_and_wait("order", { item = "lamp" })')
    async def emit_and_wait(self, event: EventName, data: dict[str, Any] | None = None) -> int:
        """Emits once every handler has room, and waits until all who heard it have finished; gives how many."""
        return await self._emitter.emit_and_wait(event, data)

    @method(errors=("timeout",), example='local packed = shop:wait_for("packed", { timeout = 5000 })')
    async def wait_for(self, event: EventName, options: WaitOptions | None = None) -> Any:
        """Waits for the next such event and gives its payload; with a `filter`, for the next that it accepts."""
        return await wait_for(self._run, self._bus, event, options)

    @method()
    def listener_count(self, event: EventName) -> int:
        """How many handlers would hear such an event."""
        return self._bus.count(event)

    def _note(self, event: str, data: dict[str, Any]) -> Event:
        return self._run.note("custom", event, {"event_system": self._name, **data})

    def _deliver(self, event: Event) -> None:
        if self._bus.listens(event.name):
            payload = self._run.payload(event)
            if payload.get("event_system") is self._name:
                del payload["event_system"]
            self._bus.publish(event.name, payload)


class _Systems:
    """The names of a run's systems that were given none."""

    def __init__(self, run: Run) -> None:
        self._count = 0

    def next_name(self) -> str:
        self._count += 1
        return f"events_{self._count}"
