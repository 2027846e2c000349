"""The one table of hook points: when each fires, whether it waits, what a handler may change, veto or retry.

Bindings, reference, completion and the tests of the hook mechanism are generated from it.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from llmspell.frozen import frozen

Unit = Literal[
    "spell",
    "init",
    "execute",
    "llm_call",
    "tool_call",
    "state",
    "workflow",
    "step",
    "handoff",
    "delegation",
    "event",
    "error",
    "retry",
    "cancel",
    "limit",
]


@frozen
class HookPoint:
    """writable: context fields whose new value takes effect. readable: the other fields a handler finds.
    veto: whether a throw fails the unit; where it does not, the point only informs. retry: whether
    `context.retry = true` repeats it. answer: the field by which a handler answers in place of the unit, which then is
    not done; "" where none can."""

    name: str
    unit: Unit
    doc: str
    writable: tuple[str, ...]
    readable: tuple[str, ...]
    veto: bool
    retry: bool = False
    answer: str = ""


_AGENT: Final = ("agent_id", "agent_name", "agent_type")
_MODEL: Final = ("provider", "model")
_WORKFLOW: Final = ("workflow_id", "workflow_name", "workflow_type")
_STEP: Final = (*_WORKFLOW, "step_name", "step_index", "step_type")
_STATE: Final = ("scope", "key", "path", "old", *_AGENT)

POINTS: Final[tuple[HookPoint, ...]] = (
    HookPoint(
        "before_spell",
        "spell",
        "Before a spell's first line runs. Only hooks registered outside the spell see it.",
        ("params",),
        ("spell", "run_id"),
        veto=True,
    ),
    HookPoint(
        "after_spell",
        "spell",
        "When a spell has ended well, before its result is given out.",
        ("result",),
        ("spell", "run_id", "duration", "token_usage"),
        veto=True,
    ),
    HookPoint(
        "before_init",
        "init",
        "When an agent has been made, before its first work. `options` are the plain ones among its options; what a "
        "handler writes there is what it works with.",
        ("options",),
        _AGENT,
        veto=True,
    ),
    HookPoint(
        "after_init",
        "init",
        "When an agent is ready for its first work.",
        (),
        (*_AGENT, "options"),
        veto=True,
    ),
    HookPoint(
        "before_execute",
        "execute",
        "Before an agent works on an input, or (registered on a tool) before the tool runs.",
        ("input", "message", "params"),
        (*_AGENT, "tool_name", "user_id"),
        veto=True,
    ),
    HookPoint(
        "after_execute",
        "execute",
        "When an agent, or a tool that the hook is registered on, has done its work.",
        ("output",),
        (*_AGENT, "tool_name", "input", "message", "params", "tool_calls", "duration", "token_usage", "user_id"),
        veto=True,
    ),
    HookPoint(
        "before_llm_call",
        "llm_call",
        "Before each request to a model. `prompt` is the new user turn; what a handler writes is what is sent. A "
        "handler that sets `response` (text, or a table with `content` and `tool_calls`) answers in the model's place.",
        ("prompt", "message", "system_prompt", "messages", "model", "temperature", "max_tokens"),
        (*_AGENT, "provider", "tools", "turn", "fingerprint"),
        veto=True,
        answer="response",
    ),
    HookPoint(
        "after_llm_call",
        "llm_call",
        "When a model has answered. `response` is the answer's text; what a handler writes is what the agent sees.",
        ("response",),
        (*_AGENT, *_MODEL, "prompt", "message", "tool_calls", "token_usage", "duration", "finish_reason", "turn"),
        veto=True,
    ),
    HookPoint(
        "before_tool_call",
        "tool_call",
        "Before a tool runs, for a model or for the script. A handler that sets `result` answers in the tool's place.",
        ("params",),
        (*_AGENT, "tool_name", "tool_call_id"),
        veto=True,
        answer="result",
    ),
    HookPoint(
        "after_tool_call",
        "tool_call",
        "When a tool has given its result. What a handler writes is what the caller gets.",
        ("result",),
        (*_AGENT, "tool_name", "tool_call_id", "params", "duration"),
        veto=True,
    ),
    HookPoint(
        "before_state_change",
        "state",
        "Before a value of a state changes: `scope` says whose state it is, `key` (and `path` inside it) which value.",
        ("value",),
        _STATE,
        veto=True,
    ),
    HookPoint(
        "after_state_change",
        "state",
        "When a value of a state has changed.",
        (),
        (*_STATE, "value"),
        veto=True,
    ),
    HookPoint(
        "before_workflow",
        "workflow",
        "Before a workflow's first step.",
        ("input",),
        _WORKFLOW,
        veto=True,
    ),
    HookPoint(
        "after_workflow",
        "workflow",
        "When a workflow has its value. What a handler writes is what the caller gets.",
        ("output",),
        (*_WORKFLOW, "input", "duration", "token_usage"),
        veto=True,
    ),
    HookPoint(
        "before_workflow_step",
        "step",
        "Before each step of a workflow.",
        ("step_input",),
        _STEP,
        veto=True,
    ),
    HookPoint(
        "after_workflow_step",
        "step",
        "When a step has given its value. What a handler writes is what the steps after it see.",
        ("step_output",),
        (*_STEP, "step_input", "duration"),
        veto=True,
    ),
    HookPoint(
        "before_handoff",
        "handoff",
        "Before one agent's state is handed to another.",
        ("values",),
        ("from", "to"),
        veto=True,
    ),
    HookPoint(
        "after_handoff",
        "handoff",
        "When one agent's state has been handed to another.",
        (),
        ("from", "to", "values"),
        veto=True,
    ),
    HookPoint(
        "before_delegation",
        "delegation",
        "Before a supervisor gives a task to a worker.",
        ("task",),
        ("supervisor", "worker"),
        veto=True,
    ),
    HookPoint(
        "after_delegation",
        "delegation",
        "When a worker has done its task. What a handler writes is what the supervisor gets.",
        ("output",),
        ("supervisor", "worker", "task", "duration"),
        veto=True,
    ),
    HookPoint(
        "before_event_emit",
        "event",
        "Before an event that a spell emits is told to anybody. A throw keeps it from being told; `emit` throws it.",
        ("data",),
        ("event",),
        veto=True,
    ),
    HookPoint(
        "after_event_emit",
        "event",
        "When an event that a spell emitted has been told.",
        (),
        ("event", "data"),
        veto=False,
    ),
    HookPoint(
        "on_error",
        "error",
        "Once for each failed unit, which `unit` names: `llm_call`, `tool_call`, `execute`, `init`, `workflow`, "
        "`step`, `state_change`, `handoff`, `delegation`, `event_emit`. `retry = true` repeats the unit after "
        "`retry_delay` milliseconds; `user_message` replaces the message that the caller sees.",
        ("retry", "retry_delay", "user_message"),
        (
            *_AGENT,
            *_MODEL,
            "unit",
            "tool_name",
            "error",
            "stack_trace",
            "input",
            "retry_count",
            "sanitized_context",
            "user_id",
        ),
        veto=True,
        retry=True,
    ),
    HookPoint(
        "on_retry",
        "retry",
        "Before a failed unit is tried again, by the runtime's own retries or by a hook's wish.",
        ("retry_delay",),
        (*_AGENT, *_MODEL, "unit", "tool_name", "error", "retry_count"),
        veto=True,
    ),
    HookPoint(
        "on_cancel",
        "cancel",
        "When a run is cancelled, before its worker ends: time to tidy up, not to stay.",
        (),
        ("reason",),
        veto=False,
    ),
    HookPoint(
        "on_limit",
        "limit",
        "When a limit ends the run. A spell whose own worker has ended at its limit is asked no more; hook files are.",
        (),
        ("limit", "error"),
        veto=False,
    ),
)

BY_NAME: Final[dict[str, HookPoint]] = {point.name: point for point in POINTS}


def _table(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {} for name in names}}


#: How tokens are counted wherever a script sees them.
USAGE_SCHEMA: Final[dict[str, Any]] = _table("input_tokens", "output_tokens", "cached_tokens", "total", "cost")

#: A tool call as scripts see it; its arguments are the user's own data.
CALLS_SCHEMA: Final[dict[str, Any]] = {"type": "array", "items": _table("id", "name", "arguments", "result", "error")}
_MESSAGES: Final[dict[str, Any]] = {
    "type": "array",
    "items": _table("role", "content", "tool_calls", "tool_call_id", "is_error", "images"),
}

#: The keys of a handler's context that change their case with the language; all others are a handler's own.
CONTEXT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        **{name: {} for point in POINTS for name in (*point.writable, *point.readable, point.answer) if name},
        "token_usage": USAGE_SCHEMA,
        "tool_calls": CALLS_SCHEMA,
        "messages": _MESSAGES,
    },
}
