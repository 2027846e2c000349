"""The one table of events that the runtime itself emits, and the fields of their data. Scripts emit others freely."""

from __future__ import annotations

from typing import Any, Final, Literal

from llmspell.api.hook_points import USAGE_SCHEMA
from llmspell.frozen import frozen


@frozen
class EventKind:
    """scope: whose listeners hear it (`agent:on`, `tool` events reach their agent too); `run` ones only the bus."""

    name: str
    scope: Literal["run", "agent"]
    doc: str
    fields: tuple[str, ...]


KINDS: Final[tuple[EventKind, ...]] = (
    EventKind("spell_started", "run", "A spell begins.", ("spell", "language", "params")),
    EventKind("spell_completed", "run", "A spell has ended.", ("status", "result", "error", "usage")),
    EventKind("agent_created", "agent", "An agent was made.", ("agent_name", "agent_type")),
    EventKind(
        "execution_started", "agent", "An agent begins to work on an input.", ("agent_name", "agent_type", "input")
    ),
    EventKind(
        "execution_completed",
        "agent",
        "An agent has done its work.",
        ("agent_name", "agent_type", "output", "usage", "duration", "status"),
    ),
    EventKind(
        "llm_call_started", "agent", "A request goes to a model.", ("agent_name", "provider", "model", "request")
    ),
    EventKind(
        "llm_call_completed",
        "agent",
        "A model has answered.",
        ("agent_name", "provider", "model", "response", "usage", "duration", "status"),
    ),
    EventKind("llm_chunk", "agent", "A piece of a streamed answer.", ("agent_name", "text")),
    EventKind("tool_called", "agent", "A tool begins to run.", ("tool_name", "agent_name", "params")),
    EventKind(
        "tool_completed",
        "agent",
        "A tool has given its result.",
        ("tool_name", "agent_name", "params", "result", "duration", "status"),
    ),
    EventKind("hook_called", "run", "A hook's handler is asked.", ("point", "handler")),
    EventKind("hook_completed", "run", "A hook's handler has answered.", ("point", "handler", "changes", "status")),
    EventKind(
        "state_changed", "agent", "A value of an agent's state was written.", ("agent_name", "path", "value", "old")
    ),
    EventKind("retry", "agent", "A failed unit is tried again.", ("unit", "retry_count", "retry_delay", "error")),
    EventKind("error", "agent", "A unit has failed.", ("unit", "error")),
    EventKind("warning", "run", "Something the author should know.", ("message",)),
    EventKind("output", "run", "The spell printed.", ("stream", "text")),
    EventKind("limit_reached", "run", "A limit ended the run.", ("limit", "error")),
    EventKind("cancelled", "run", "The run was cancelled.", ("reason",)),
)

BY_NAME: Final[dict[str, EventKind]] = {kind.name: kind for kind in KINDS}

#: Older names of the document that mean a canonical event.
ALIASES: Final[dict[str, str]] = {"agent_started": "execution_started", "agent_completed": "execution_completed"}

#: The keys of an event's payload that change their case with the language; a custom event's are its emitter's own.
PAYLOAD_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        **{name: {} for kind in KINDS for name in kind.fields},
        "agent_id": {},
        "event": {},
        "timestamp": {},
        "source": {},
        "usage": USAGE_SCHEMA,
    },
}
