"""What hooks see of a request to a model and of its answer, and what becomes of what they wrote.

The shapes that scripts see of messages, calls and tokens are made here. Knows no agent and sends nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import Any, Final

from llmspell.errors import ArgumentError
from llmspell.hooks.table import Context
from llmspell.providers.base import Completion, Image, Message, Request, ToolCall, Usage
from llmspell.traces.keys import canonical

#: Fields of `before_llm_call` that its answer has no more use for.
_ONLY_BEFORE = ("messages", "system_prompt", "temperature", "max_tokens", "tools", "fingerprint")


def before_call(context: Context, request: Request) -> Context:
    """What `before_llm_call` is shown."""
    return {
        **context,
        "system_prompt": request.system,
        "messages": [shown_message(message) for message in request.messages],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "tools": [tool.name for tool in request.tools],
        "fingerprint": _fingerprint(request),
    }


def _fingerprint(request: Request) -> str:
    """A digest of what no handler writes of a request."""
    tools = [tool.to_value() for tool in request.tools]
    rest = [tools, request.tool_choice, request.top_p, list(request.stop), request.seed, request.schema, request.extra]
    return _digest(rest) if any(each not in _NONE for each in rest) else _plain()


#: What a request has nothing of.
_NONE: Final = (None, [], {})


def _digest(rest: list[Any]) -> str:
    return hashlib.sha256(canonical(rest).encode()).hexdigest()


@cache
def _plain() -> str:
    """The digest of a request that has none of that, as most have: 10 us less."""
    return _digest([[], None, None, [], None, None, {}])


def answered(after: Context, model: str) -> Completion | None:
    """The completion that a handler of `before_llm_call` gave in the model's place. Raises ArgumentError."""
    match after.get("response"):
        case None:
            return None
        case str() as text:
            return Completion(text, model=model)
        case dict() as table if set(table) & {"content", "tool_calls"}:
            calls, usage = table.get("tool_calls") or [], table.get("usage") or {}
            return Completion(
                str(table.get("content") or ""),
                _calls(calls),
                Usage(**{name: usage[name] for name in ("input_tokens", "output_tokens") if name in usage}),
                "tool_calls" if calls else "stop",
                model,
            )
        case other:
            raise ArgumentError(
                f"a hook answered in the model's place with {other!r}",
                hint="`response` is text, or a table with `content` and `tool_calls`",
            )


def rewritten(request: Request, before: Context, after: Context, at: int) -> Request:
    """The request with what handlers wrote. `prompt` (or `message`) is the text of the user's turn, message `at`; a
    changed `messages` wins over it."""
    changes: dict[str, Any] = {}
    prompt = next((after[key] for key in ("prompt", "message") if after.get(key) != before[key]), None)
    if after["messages"] != before["messages"] and isinstance(after["messages"], list):
        changes["messages"] = tuple(_message(given) for given in after["messages"])
    elif prompt is not None:
        changes["messages"] = _with_prompt(request.messages, str(prompt), at)
    if after["system_prompt"] != before["system_prompt"]:
        changes["system"] = str(after["system_prompt"] or "")
    for key in ("model", "temperature", "max_tokens"):
        if after[key] != before[key]:
            changes[key] = after[key]
    return replace(request, **changes) if changes else request


def _with_prompt(messages: tuple[Message, ...], prompt: str, at: int) -> tuple[Message, ...]:
    return (*messages[:at], replace(messages[at], content=prompt), *messages[at + 1 :])


def after_call(context: Context, completion: Completion) -> Context:
    """What `after_llm_call` is shown. context: as `before_llm_call` left it."""
    return {
        **{key: value for key, value in context.items() if key not in _ONLY_BEFORE},
        "response": completion.content,
        "tool_calls": shown_calls(completion.tool_calls),
        "token_usage": shown_usage(completion),
        "finish_reason": completion.finish_reason,
    }


def shown_usage(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "total": usage.total,
        "cost": usage.cost,
    }


def shown_calls(calls: tuple[ToolCall, ...]) -> list[dict[str, Any]]:
    return [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in calls]


def shown_message(message: Message) -> dict[str, Any]:
    """A message as hooks see it: `role`, `content`, and what else it has."""
    shown: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        shown["images"] = [image.to_value() for image in message.images]
    if message.tool_calls:
        shown["tool_calls"] = shown_calls(message.tool_calls)
    if message.tool_call_id:
        shown["tool_call_id"] = message.tool_call_id
    if message.is_error:
        shown["is_error"] = True
    return shown


def _message(shown: Any) -> Message:
    given: dict[str, Any] = shown if isinstance(shown, dict) else {"role": "user", "content": str(shown)}
    role = given.get("role")
    return Message(
        role if role in ("user", "assistant", "tool") else "user",
        str(given.get("content") or ""),
        images=tuple(_image(image) for image in given.get("images") or ()),
        tool_calls=_calls(given.get("tool_calls") or ()),
        tool_call_id=str(given.get("tool_call_id") or ""),
        is_error=bool(given.get("is_error")),
    )


def _calls(shown: Any) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(str(call.get("id", "")), str(call.get("name", "")), call.get("arguments") or {}) for call in shown
    )


def _image(shown: Any) -> Image:
    if isinstance(shown, str):
        return Image.of(shown)
    return Image(**{name: str(shown[name]) for name in ("media_type", "data", "url") if shown.get(name)})
