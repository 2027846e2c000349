"""What each field of a hook's context and of an event's data holds: one JSON Schema a name, with its description.

`hook_points` and `event_kinds` say which fields there are; stubs, reference pages and completion read their types
here. A field means the same wherever it stands; the few that do not are given by `point.field` or `event.field`.
"""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]


def _of(type_: str, doc: str, **more: Any) -> Schema:
    return {"type": type_, "description": doc, **more}


def _shape(shape: str, about: str, /, **properties: Schema) -> Schema:
    return {"type": "object", "x-name": shape, "description": about, "properties": properties}


def _text(doc: str) -> Schema:
    return _of("string", doc)


def _count(doc: str) -> Schema:
    return _of("integer", doc, minimum=0)


def _any(doc: str) -> Schema:
    return {"description": doc}


def _table(doc: str) -> Schema:
    return _of("object", doc, additionalProperties=True)


USAGE: Final = _shape(
    "TokenUsage",
    "Tokens read and written, and their price where it is known.",
    total=_count("Tokens read and written together."),
    input_tokens=_count("Tokens read, cached ones included."),
    output_tokens=_count("Tokens written."),
    cached_tokens=_count("Of the tokens read, those from the provider's cache."),
    cost=_of("number", "US dollars; absent where the model's price is not known."),
)
USAGE["required"] = ["total", "input_tokens", "output_tokens"]

TOOL_CALL: Final = _shape(
    "ToolCall",
    "A model's wish to call a tool.",
    id=_text("The provider's own name for this call."),
    name=_text("The tool's name."),
    arguments=_table("What the model gives to the tool."),
    result=_any("What the tool gave, once it has run."),
    error=_text("Why it failed, where it did."),
)
TOOL_CALL["required"] = ["id", "name", "arguments"]

MESSAGE: Final = _shape(
    "Message",
    "One message of a conversation.",
    role={"enum": ["user", "assistant", "tool"], "type": "string", "description": "Who speaks."},
    content=_text("The text."),
    tool_calls=_of("array", "The tools that the model wants to call.", items=TOOL_CALL),
    tool_call_id=_text("Which call a tool's message answers."),
    is_error=_of("boolean", "Whether the tool failed."),
    images=_of("array", "Images of a user's message.", items=_table("One image.")),
)
MESSAGE["required"] = ["role", "content"]

ERROR: Final[Schema] = {"x-error": True, "description": "What went wrong."}

FIELDS: Final[dict[str, Schema]] = {
    "again": _of("boolean", "Whether it begins once more."),
    "agent_id": _text("The agent's identity in this run."),
    "agent_name": _text("The agent's name."),
    "agent_type": _text("The agent's class, `ChatAgent`."),
    "from_recording": _of("boolean", "Whether another run's recording answered, at no cost; `true` or not there."),
    "answered": _of("boolean", "Whether a hook answered in place of the model or tool."),
    "approved": _of("boolean", "Whether the result may stand."),
    "attempt": _count("Which try it is, from 1."),
    "before": _table("What the fields that the handler changed held before; absent where it changed none."),
    "changes": _table("The fields that the handler changed, with their new values."),
    "data": _table("What the event tells."),
    "duration": _of("number", "How long it took, in milliseconds."),
    "error": ERROR,
    "event": _text("The event's name, in snake_case."),
    "finish_reason": _text("Why the model stopped: `stop`, `tool_calls`, `length` or `content_filter`."),
    "file": _text("The file."),
    "fingerprint": _text("A digest of what no handler writes of the request: tools, schema, sampling."),
    "from": _text("The name of the agent that hands over."),
    "handler": _text("Where the handler was registered, `file:line`."),
    "input": {
        "type": "object",
        "x-name": "AgentInput",
        "description": "What the agent was given.",
        "properties": {"message": _text("The text, where it was given one.")},
        "additionalProperties": True,
    },
    "key": _text("The state's key."),
    "language": _text("The spell's language: `lua`, `javascript` or that of an engine which was added."),
    "limit": _text("Which limit: `cpu`, `memory`, `wall`, `output`, `calls`, `cost`, …"),
    "max_tokens": _count("The most tokens that the model may write."),
    "message": _text("The new message."),
    "messages": _of("array", "The conversation as it is sent, oldest first.", items=MESSAGE),
    "model": {"type": "string", "x-kind": "model", "description": "The model's name."},
    "notes": _text("What has to be done, where it was sent back."),
    "old": _any("The value before."),
    "options": _table("The agent's options that are plain values: texts, numbers, lists, tables."),
    "output": _any("What the agent or tool gave."),
    "params": _table("The arguments, or the spell's parameters."),
    "path": _text("The key that was written, `profile.name`."),
    "at": _of("array", "The same as keys, places in a list counted from 0.", items={}),
    "owner": _text("The id of the agent or workflow whose state it is."),
    "by": _text("Who changed it: `spell`, `agent:NAME`, `workflow:NAME`."),
    "version": _count("The change's number in the store, where it is one of the project's state."),
    "keys": _of("array", "What was handed over, by key.", items={"type": "string"}),
    "point": {"type": "string", "x-kind": "hook_point", "description": "The hook point."},
    "prompt": _text("The new user turn."),
    "provider": {"type": "string", "x-kind": "provider", "description": "The provider's name."},
    "reason": _text("Why."),
    "request": _table("The request: model, messages, tools and settings."),
    "response": _text("The model's text."),
    "result": _any("What came out."),
    "retry": _of("boolean", "Set it to `true` to repeat the unit that failed."),
    "retry_count": _count("How often this unit has been repeated already; the runtime counts."),
    "retry_delay": _of("number", "Milliseconds to wait before the next try."),
    "run_id": _text("The run's identity."),
    "scope": _text("Whose state it is: `agent`, `workflow`, `global`, or a name."),
    "sanitized_context": _table("The context without secrets, to send to an error service."),
    "source": _text("The script's own `file:line` that made it happen."),
    "spell": _text("The spell's file."),
    "stack_trace": _text("The script's own stack, innermost first."),
    "stage": _count("The stage's place, from 1."),
    "status": _text("`ok`, `error` or `cancelled`."),
    "step_index": _count("The step's place in its workflow, from 1."),
    "step_input": _any("What the step is given."),
    "step_name": _text("The step's name."),
    "step_output": _any("What the step gave."),
    "step_type": _text("What the step is: `agent`, `tool`, `workflow`, `function`, …"),
    "strategy": _text("How the worker was chosen: `round_robin`, `skill_based`, `least_busy`, `model` or `function`."),
    "stream": {"enum": ["out", "err"], "type": "string", "description": "Where it was printed."},
    "summary": _text("The summary."),
    "supervisor": _text("The name of the agent that gives the task."),
    "system_prompt": _text("The agent's system prompt."),
    "task": _any("What is to be done."),
    "temperature": _of("number", "The sampling temperature."),
    "text": _text("The piece of text."),
    "timestamp": _of("number", "When it happened, in milliseconds since 1970."),
    "to": _text("The name of the agent that takes over."),
    "token_usage": USAGE,
    "tool_call_id": _text("The provider's own name for this call."),
    "tool_calls": _of("array", "The tools that were called.", items=TOOL_CALL),
    "tool_name": {"type": "string", "x-kind": "tool", "description": "The tool's name."},
    "tools": _of("array", "The names of the tools that are offered.", items={"type": "string", "x-kind": "tool"}),
    "turn": _count("Which request of this chat it is, from 1."),
    "turns": _count("How many turns of the conversation."),
    "unit": _text("What failed: `llm_call`, `tool_call`, `execute`, `init`, `step`, `workflow`, …"),
    "usage": USAGE,
    "user_id": _text("Who is asking, where the input names a `user_id`."),
    "user_message": _text("What the caller sees instead of the error's own message."),
    "value": _any("The new value."),
    "values": _table("What is handed over, by key."),
    "worker": _text("The name of the agent that is given the task."),
    "workflow_id": _text("The workflow's identity in this run."),
    "workflow_name": _text("The workflow's name."),
    "workflow_type": _text("Its kind: `sequential`, `parallel`, `conditional`, `loop`, `map_reduce`, `pipeline`."),
    "branch": _text("Which branch: `true_branch`, `branches[2]`, `default`, or nothing."),
    "done": _count("How many are over."),
    "finished": _count("How many steps and decisions the checkpoint has."),
    "index": _count("Which item, from 0."),
    "iteration": _count("Which time through the loop, from 0."),
    "on_error": _text("What the step's failure does: `continue` or `fallback`."),
    "step_path": _text("Where the step stands in the definition: `steps[2].body`."),
    "steps_executed": _count("How many steps were done, those inside others too."),
    "total": _count("How many there are, 0 where nobody knows."),
    "context_changed.key": _text("The value's name."),
    "workflow_started.input": _any("What the workflow is given."),
    "workflow_step_started.input": _any("What the step is given."),
    "before_workflow.input": _any("What the workflow is given."),
    "after_workflow.input": _any("What the workflow was given."),
    "after_workflow.output": _any("What the workflow gives."),
    "after_delegation.output": _any("What the worker gave."),
    "execution_started.action": _text("The method of a template, `review`."),
    "llm_call_completed.response": _table("The answer: content, tool calls, finish reason."),
    "action": _text("What was done."),
    "fields": _table("What else is known of it, secrets hidden."),
    "rate_limit_checked.key": _text("What is counted."),
    "requests": _count("How many are let through in any such period."),
    "period": _of("number", "Milliseconds."),
    "wait": _of("number", "Milliseconds until the next is let through, 0 where this one was."),
    "flagged": _of("boolean", "Whether the text has what it should not have."),
    "categories": _of("array", "What it has.", items={"type": "string"}),
    "length": _count("Characters of the text."),
    "question": _text("What the person is asked."),
    "choices": _of("array", "The answers there are; empty for any text.", items={"type": "string"}),
    "default": _text("The answer of somebody who gives none."),
    "answer": _text("What the person answered."),
    "paused.reason": _text("Why: who asked for it, the breakpoint, a step."),
    "paused.by": _text("Who paused it, empty where a breakpoint did."),
    "resumed.by": _text("Who let it go on."),
    "resumed.to": _text("What it stops before: `model`, `tool`, `either`; empty where it does not."),
    "breakpoint": _text("The breakpoint, as it was set: `tool:shell_*`."),
    "stop": _text("What was about to happen: `tool`, `model`, `agent`, `hook`, `error`, `event`, `start`, `end`."),
    "about": _table("What was about to be asked, or what has happened."),
    "decision": {
        "enum": ["approved", "edited", "denied"],
        "type": "string",
        "description": "What becomes of the call.",
    },
    "approval_given.changes": _table("`params`: the arguments that the call is made with instead; empty without any."),
    "approval_given.by": _text("Who decided."),
    "chat_started.message": _text("What the agent is told."),
    "chat_started.by": _text("Who speaks to it."),
    "chat_completed.answer": _any("What the agent answered."),
    "warning.message": _text("What the author should know."),
    "type": _text("Of which kind it is."),
    "metric": _text("The metric's name."),
    "metric_recorded.type": {"enum": ["counter", "gauge", "histogram"], "type": "string", "description": "Its kind."},
    "metric_recorded.value": _of("number", "How much was added, set or measured."),
    "labels": _table("Its labels, as texts."),
    "collector": _text("The MetricsCollector it belongs to, empty for the run's `metrics`."),
    "level": {"enum": ["debug", "info", "warn", "error"], "type": "string", "description": "How grave it is."},
    "log.message": _text("The message."),
    "log.fields": _table("What else was said."),
    "pattern": _text("What the listener listens to."),
    "count": _count("How many events it has missed since the last one it heard."),
    "events_dropped.handler": _text("Where the listener was handed over, `file:line`."),
    "cancelled.reason": _text("Who cancelled, or why."),
    "attributes": _table("Attributes of the span."),
    "budget": _text("Which budget: `cost`, `tokens`, `calls` or `time`."),
    "found": _table("How much of what was found."),
    "hit": _of("boolean", "Whether there was an answer."),
    "spent": _of("number", "How much has been used."),
    "budget_exceeded.limit": _of("number", "How much there was to use."),
    "cache_checked.key": _text("The request's digest."),
    "guarded.action": _text("`mask` or `block`."),
}


def schema(owner: str, field: str) -> Schema:
    """The schema of a field of a hook point or event. Raises KeyError for a field that is not described."""
    return FIELDS.get(f"{owner}.{field}") or FIELDS[field]
