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
    EventKind("agent_created", "agent", "An agent was made.", ("agent_id", "agent_name", "agent_type")),
    EventKind(
        "execution_started",
        "agent",
        "An agent begins to work on an input; `action` is there where it is a method of a template.",
        ("agent_name", "agent_type", "input", "action"),
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
        ("agent_name", "provider", "model", "response", "usage", "duration", "status", "answered", "from_recording"),
    ),
    EventKind("llm_chunk", "agent", "A piece of a streamed answer.", ("agent_name", "text")),
    EventKind("tool_called", "agent", "A tool begins to run.", ("tool_name", "agent_name", "params")),
    EventKind(
        "tool_completed",
        "agent",
        "A tool has given its result.",
        ("tool_name", "agent_name", "params", "result", "usage", "duration", "status", "from_recording"),
    ),
    EventKind(
        "delegation_started",
        "agent",
        "A supervisor gives a task to a worker.",
        ("agent_name", "supervisor", "worker", "task", "strategy"),
    ),
    EventKind(
        "delegation_completed",
        "agent",
        "A worker has done its task.",
        ("agent_name", "supervisor", "worker", "output", "duration", "status"),
    ),
    EventKind(
        "delegation_passed_on",
        "agent",
        "A worker has failed, and its task goes to another.",
        ("agent_name", "supervisor", "worker", "to", "error"),
    ),
    EventKind(
        "delegation_reviewed",
        "agent",
        "A supervisor has approved a result, or sends it back with notes.",
        ("agent_name", "supervisor", "worker", "attempt", "approved", "notes"),
    ),
    EventKind(
        "stage_completed",
        "agent",
        "A stage of a PipelineAgent has given what the next one gets.",
        ("agent_name", "stage", "worker", "output"),
    ),
    EventKind(
        "memory_summarized",
        "agent",
        "A ChatAgent's model has summed up the oldest turns, which it is no longer shown.",
        ("agent_name", "turns", "summary"),
    ),
    EventKind(
        "workflow_started",
        "agent",
        "A workflow begins.",
        ("workflow_id", "workflow_name", "workflow_type", "input"),
    ),
    EventKind(
        "workflow_completed",
        "agent",
        "A workflow has ended.",
        ("workflow_id", "workflow_name", "workflow_type", "output", "usage", "steps_executed", "duration", "status"),
    ),
    EventKind(
        "workflow_step_started",
        "agent",
        "A step of a workflow begins. `iteration` and `index` say which time through a loop, which item of a map.",
        ("workflow_name", "step_name", "step_index", "step_type", "step_path", "iteration", "index", "input"),
    ),
    EventKind(
        "workflow_step_completed",
        "agent",
        "A step of a workflow has ended.",
        ("workflow_name", "step_name", "step_index", "step_type", "output", "duration", "status"),
    ),
    EventKind(
        "workflow_step_skipped",
        "agent",
        "A step's condition does not hold: it is not done.",
        ("workflow_name", "step_name", "step_index", "step_type"),
    ),
    EventKind(
        "workflow_step_recovered",
        "agent",
        "A step has failed and the workflow goes on, with `output` in place of its value.",
        ("workflow_name", "step_name", "step_index", "step_type", "on_error", "error", "output"),
    ),
    EventKind("workflow_branch", "agent", "A conditional has chosen.", ("workflow_name", "step_name", "branch")),
    EventKind(
        "workflow_progress",
        "agent",
        "One of a workflow's own steps is over. `total` is 0 where nobody knows it.",
        ("workflow_name", "step_name", "done", "total"),
    ),
    EventKind(
        "checkpoint_saved",
        "agent",
        "What came of a workflow's step is in the run's file: a resumed run does not ask for it again.",
        ("workflow_name", "step_name", "step_path"),
    ),
    EventKind("workflow_paused", "agent", "A workflow begins no further step.", ("workflow_name", "done")),
    EventKind(
        "workflow_resumed",
        "agent",
        "A workflow goes on: one that was paused, or from a checkpoint with so many `finished`.",
        ("workflow_name", "done", "finished"),
    ),
    EventKind(
        "workflow_checkpoint",
        "agent",
        "A checkpoint of a workflow was made, with so many `finished`.",
        ("workflow_name", "done", "total", "finished"),
    ),
    EventKind(
        "workflow_step_restored",
        "agent",
        "A step is not done again: its value is in the checkpoint.",
        ("workflow_name", "step_name", "step_index", "step_type", "step_path", "output"),
    ),
    EventKind(
        "context_changed",
        "agent",
        "A function has set a value of a workflow's context.",
        ("workflow_name", "key", "value"),
    ),
    EventKind("hook_called", "run", "A hook's handler is asked.", ("point", "handler")),
    EventKind(
        "hook_completed",
        "run",
        "A hook's handler has answered: what it has changed, and what that was `before`.",
        ("point", "handler", "changes", "before", "status"),
    ),
    EventKind("cache_checked", "run", "A CacheHook has looked for an answer.", ("key", "hit")),
    EventKind("guarded", "run", "A GuardHook has found something.", ("point", "found", "action")),
    EventKind("budget_exceeded", "run", "A CostHook's budget is used up.", ("budget", "spent", "limit")),
    EventKind("traced_started", "run", "A TracingHook's span begins.", ("unit", "attributes")),
    EventKind("traced_completed", "run", "A TracingHook's span ends.", ("attributes", "duration", "status")),
    EventKind(
        "hook_file_ended",
        "run",
        "A hook file's worker has ended before its run: what it registered is gone. `again`: it is started anew.",
        ("file", "error", "again"),
    ),
    EventKind(
        "state_changed",
        "agent",
        "A value of a state has changed: `scope` and `owner` say whose, `path` (as keys: `at`) which, `by` who did it.",
        ("agent_name", "scope", "owner", "path", "at", "value", "old", "by", "version"),
    ),
    EventKind("handoff", "agent", "An agent's values were handed to another.", ("agent_name", "from", "to", "keys")),
    EventKind("retry", "agent", "A failed unit is tried again.", ("unit", "retry_count", "retry_delay", "error")),
    EventKind("error", "agent", "A unit has failed.", ("unit", "error")),
    EventKind(
        "rate_limit_checked",
        "run",
        "A RateLimiter has counted a request: `wait` is 0 where it was let through, else milliseconds.",
        ("key", "requests", "period", "wait"),
    ),
    EventKind("moderated", "run", "A ContentModerator has looked a text over.", ("flagged", "categories", "length")),
    EventKind("audited", "run", "An AuditLogger has kept an entry.", ("action", "fields")),
    EventKind(
        "input_requested",
        "run",
        "The spell asks the person who runs it, and waits.",
        ("question", "choices", "default"),
    ),
    EventKind("input_given", "run", "The person has answered.", ("question", "answer")),
    EventKind(
        "paused", "run", "The run is paused: it begins nothing more, and its clocks stand still.", ("reason", "by")
    ),
    EventKind(
        "resumed", "run", "A paused run goes on; `to` says what it stops before, of one that steps.", ("by", "to")
    ),
    EventKind(
        "breakpoint_hit",
        "run",
        "The run stops at a breakpoint: `about` is what it was going to do.",
        ("breakpoint", "stop", "about"),
    ),
    EventKind(
        "approval_asked", "run", "A tool call waits for somebody's approval.", ("tool_name", "agent_name", "params")
    ),
    EventKind(
        "approval_given",
        "run",
        "Somebody has approved a tool call, or denied it; `changes` is what they made of its arguments.",
        ("tool_name", "agent_name", "params", "decision", "changes", "by", "reason"),
    ),
    EventKind("chat_started", "run", "Somebody speaks to an agent from outside.", ("agent_name", "message", "by")),
    EventKind("chat_completed", "run", "The agent has answered them.", ("agent_name", "answer", "duration", "status")),
    EventKind(
        "metric_recorded",
        "run",
        "The spell has counted or measured something.",
        ("metric", "type", "value", "labels", "collector"),
    ),
    EventKind("timer_started", "run", "The spell begins to measure a time.", ("metric", "labels", "collector")),
    EventKind("log", "run", "The spell's logger was given a message.", ("level", "message", "fields")),
    EventKind(
        "events_dropped",
        "run",
        "A listener that opted for it has missed events: it was behind by its limit.",
        ("pattern", "handler", "count"),
    ),
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
