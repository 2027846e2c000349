"""The namespace `eventBus`: every event of the run, and a spell's own."""

from __future__ import annotations

from typing import Any

from llmspell.api.describe import exposed, method
from llmspell.api.kinds import EventHandler, EventName
from llmspell.events.bus import Subscription
from llmspell.events.listeners import listener_of
from llmspell.run import Run


@exposed(name="eventBus", aliases=("EventBus",), namespace=True)
class EventBus:
    """All events of the run: those of its agents, tools and hooks, and those that scripts emit.

    Names may be written `tool_called`, `toolCalled` or `tool:called`; `tool:*` is a pattern. A handler of `*` gets
    `(event_type, data)`, any other the payload alone.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @method(example='eventBus.on("agent:started", function(event) print(event.agent_name) end)')
    def on(self, event: EventName, handler: EventHandler) -> Subscription:
        """Calls `handler` with each such event."""
        return self._run.bus.on(event, listener_of(handler))

    @method()
    def once(self, event: EventName, handler: EventHandler) -> Subscription:
        """Calls `handler` with the next such event only."""
        return self._run.bus.on(event, listener_of(handler), once=True)

    @method()
    def off(self, event: EventName, handler: EventHandler | None = None) -> int:
        """Stops calling a handler, or all of the event's handlers; gives how many."""
        return self._run.bus.off(event, None if handler is None else listener_of(handler))

    @method(example='eventBus.emit("report_ready", { pages = 3 })')
    def emit(self, event: EventName, data: dict[str, Any] | None = None) -> None:
        """Emits an event of your own."""
        self._run.emit("custom", event, dict(data or {}))
