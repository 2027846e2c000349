"""The namespace `eventBus`: every event of the run, and a spell's own."""

from __future__ import annotations

from typing import Any

from llmspell.api.describe import exposed, method
from llmspell.api.kinds import EventHandler, EventName
from llmspell.emission import Emitter, History, WaitOptions, history, listen, wait_for
from llmspell.events.bus import Subscription
from llmspell.events.event import Event
from llmspell.events.listeners import ListenerOptions
from llmspell.run import Run


@exposed(name="eventBus", aliases=("EventBus",), namespace=True)
class EventBus:
    """All events of the run: those of its agents, tools and hooks, and those that scripts emit.

    Names may be written `tool_called`, `toolCalled` or `tool:called`; `tool:*` is a pattern. A handler of `*` gets
    `(event_type, data)`, any other the payload alone; what it prints, logs or counts it does not hear itself.

    A handler that does not wait has finished before `emit` returns. One that waits may fall behind: once 1,000 events
    (its `limit`) wait for it, the runtime's own work waits before it goes on, and `emit` raises an error instead of
    telling anybody. With `overflow = "drop"` the listener misses events instead, counted in `events_dropped`.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._emitter = Emitter(run, (run.bus,), self._note, run.deliver)

    def _note(self, event: str, data: dict[str, Any]) -> Event:
        return self._run.note("custom", event, data)

    @method(
        errors=("invalid_argument",),
        example='eventBus.on("agent:started", function(event) print(event.agent_name) end)',
    )
    def on(self, event: EventName, handler: EventHandler, options: ListenerOptions | None = None) -> Subscription:
        """Calls `handler` with each such event. options: how it copes when it falls behind."""
        return listen(self._run, self._run.bus, event, handler, options)

    @method()
    def once(self, event: EventName, handler: EventHandler) -> Subscription:
        """Calls `handler` with the next such event only."""
        return listen(self._run, self._run.bus, event, handler, once=True)

    @method()
    def off(self, event: EventName, handler: EventHandler | None = None) -> int:
        """Stops calling a handler, or all of the event's handlers; gives how many."""
        return self._run.bus.off(event, handler)

    @method(result=type(None), errors=("invalid_argument",), example='eventBus.emit("report_ready", { pages = 3 })')
    def emit(self, event: EventName, data: dict[str, Any] | None = None) -> Any:
        """Emits an event of your own."""
        return self._emitter.emit(event, data)

    @method(errors=("invalid_argument",), example='eventBus.emit_and_wait("page", { number = 3 })')
    async def emit_and_wait(self, event: EventName, data: dict[str, Any] | None = None) -> int:
        """Emits once every listener has room, and waits until all who heard it have finished; gives how many."""
        return await self._emitter.emit_and_wait(event, data)

    @method(
        errors=("timeout",),
        example='local event = eventBus.wait_for("report:*", { timeout = 5000, '
        "filter = function(event) return event.pages > 2 end })",
    )
    async def wait_for(self, event: EventName, options: WaitOptions | None = None) -> Any:
        """Waits for the next such event and gives its payload; with a `filter`, for the next that it accepts."""
        return await wait_for(self._run, self._run.bus, event, options)

    @method(result=History, example='for _, event in ipairs(eventBus.history("tool:*", 10).events) do … end')
    def history(self, event: EventName = "*", limit: int | None = None) -> dict[str, Any]:
        """The newest events that match, oldest first, 100 unless told otherwise. The last 10,000 of a run are known,
        fewer when they are large; `forgotten` says how many are not."""
        return history(self._run, event, limit)
