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
    "agent_id": _text("The agent's identity in this run."),
    "agent_name": _text("The agent's name."),
    "agent_type": _text("The agent's class, `ChatAgent`."),
    "changes": _table("The fields that the handler changed, with their new values."),
    "duration": _of("number", "How long it took, in milliseconds."),
    "error": ERROR,
    "event": _text("The event's name, in snake_case."),
    "finish_reason": _text("Why the model stopped: `stop`, `tool_calls`, `length` or `content_filter`."),
    "handler": _text("Where the handler was registered, `file:line`."),
    "input": {
        "type": "object",
        "x-name": "AgentInput",
        "description": "What the agent was given.",
        "properties": {"message": _text("The text, where it was given one.")},
        "additionalProperties": True,
    },
    "language": {"enum": ["lua", "javascript"], "type": "string", "description": "The spell's language."},
    "limit": _text("Which limit: `cpu`, `memory`, `wall`, `output`, `calls`, `cost`, …"),
    "max_tokens": _count("The most tokens that the model may write."),
    "message": _text("The new message."),
    "messages": _of("array", "The conversation as it is sent, oldest first.", items=MESSAGE),
    "model": {"type": "string", "x-kind": "model", "description": "The model's name."},
    "old": _any("The value before."),
    "output": _any("What the agent or tool gave."),
    "params": _table("The arguments, or the spell's parameters."),
    "path": _text("The key that was written, `profile.name`."),
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
    "sanitized_context": _table("The context without secrets, to send to an error service."),
    "source": _text("The script's own `file:line` that made it happen."),
    "spell": _text("The spell's file."),
    "stack_trace": _text("The script's own stack, innermost first."),
    "status": _text("`ok`, `error` or `cancelled`."),
    "stream": {"enum": ["out", "err"], "type": "string", "description": "Where it was printed."},
    "system_prompt": _text("The agent's system prompt."),
    "temperature": _of("number", "The sampling temperature."),
    "text": _text("The piece of text."),
    "timestamp": _of("number", "When it happened, in milliseconds since 1970."),
    "token_usage": USAGE,
    "tool_call_id": _text("The provider's own name for this call."),
    "tool_calls": _of("array", "The tools that were called.", items=TOOL_CALL),
    "tool_name": {"type": "string", "x-kind": "tool", "description": "The tool's name."},
    "tools": _of("array", "The names of the tools that are offered.", items={"type": "string", "x-kind": "tool"}),
    "turn": _count("Which request of this chat it is, from 1."),
    "unit": _text("What failed: `llm_call`, `tool_call`, `execute`, `step`."),
    "usage": USAGE,
    "user_id": _text("Who is asking, where the input names a `user_id`."),
    "user_message": _text("What the caller sees instead of the error's own message."),
    "value": _any("The new value."),
    "llm_call_completed.response": _table("The answer: content, tool calls, finish reason."),
    "warning.message": _text("What the author should know."),
    "cancelled.reason": _text("Who cancelled, or why."),
}


def schema(owner: str, field: str) -> Schema:
    """The schema of a field of a hook point or event. Raises KeyError for a field that is not described."""
    return FIELDS.get(f"{owner}.{field}") or FIELDS[field]
