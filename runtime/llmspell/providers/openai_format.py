"""Chat completions as values: requests written, whole answers and streams of chunks read. Knows no network.

litellm has the same shape on both sides, so its provider uses this too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from llmspell.providers import failures, http, prices
from llmspell.providers.base import Completion, FinishReason, Image, Message, Request, Usage
from llmspell.providers.calls import CallParts, call_of, write_arguments
from llmspell.providers.failures import Asked

_FINISH: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def write_body(request: Request, limit_name: str = "max_tokens") -> dict[str, Any]:
    """The request in the service's words, without what only streaming adds. limit_name: what max_tokens is called."""
    body: dict[str, Any] = {"model": request.model, "messages": write_messages(request)}
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in request.tools
        ]
        if request.tool_choice is not None:
            body["tool_choice"] = request.tool_choice
    if request.schema is not None:
        body["response_format"] = response_format(request.schema)
    if request.max_tokens is not None:
        body[limit_name] = request.max_tokens
    if request.stop:
        body["stop"] = list(request.stop)
    for name in ("temperature", "top_p", "seed"):
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    body.update(request.extra)
    return body


def write_messages(request: Request) -> list[dict[str, Any]]:
    """The system prompt and the messages as chat completions have them."""
    written: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
    written.extend(_write_message(message) for message in request.messages)
    return written


def _write_message(message: Message) -> dict[str, Any]:
    match message.role:
        case "tool":
            return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
        case "assistant" if message.tool_calls:
            calls = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": write_arguments(call.arguments)},
                }
                for call in message.tool_calls
            ]
            return {"role": "assistant", "content": message.content or None, "tool_calls": calls}
        case "user" if message.images:
            parts: list[dict[str, Any]] = [{"type": "text", "text": message.content}] if message.content else []
            parts.extend({"type": "image_url", "image_url": {"url": _image_url(image)}} for image in message.images)
            return {"role": "user", "content": parts}
        case _:
            return {"role": message.role, "content": message.content}


def _image_url(image: Image) -> str:
    return image.url or f"data:{image.media_type or 'image/png'};base64,{image.data}"


def response_format(schema: dict[str, Any]) -> dict[str, Any]:
    """Structured output. `strict` is asked for only where the schema keeps strict mode's rules, else it is refused."""
    title = re.sub(r"[^A-Za-z0-9_-]+", "_", str(schema.get("title", ""))).strip("_")[:64] or "answer"
    return {
        "type": "json_schema",
        "json_schema": {"name": title, "schema": schema, "strict": _closed(schema) and schema.get("type") == "object"},
    }


def _closed(schema: object) -> bool:
    """Whether every object in the schema lists all its properties as required and allows no others."""
    if isinstance(schema, list):
        return all(map(_closed, schema))
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        names = set(properties) if isinstance(properties, dict) else set[str]()
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != names:
            return False
    return all(_closed(value) for key, value in schema.items() if key not in ("enum", "const", "default", "examples"))


def read_completion(answer: Mapping[str, Any], asked: Asked, price_name: str) -> Completion:
    """A whole answer; ProviderError where it is not one."""
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        text, refused = read_text(message)
        calls = tuple(
            call_of(call.get("id"), call["function"]["name"], call["function"].get("arguments"), position)
            for position, call in enumerate(message.get("tool_calls") or ())
        )
        return Completion(
            content=text,
            tool_calls=calls,
            usage=read_usage(answer.get("usage"), price_name, asked.model),
            finish_reason=_finish(choice.get("finish_reason"), bool(calls), refused),
            model=answer.get("model") or asked.model,
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        if "error" in answer:  # some gateways answer 200 with an error inside
            raise failures.explain(asked, None, *failures.error_value(dict(answer))) from None
        raise http.malformed(asked, json.dumps(answer, default=repr).encode()) from None


class StreamReader:
    """Takes in the chunks of one streamed answer and gives the text that each adds."""

    __slots__ = ("_asked", "_calls", "_finish", "_model", "_price_name", "_refused", "_text", "_usage")

    def __init__(self, asked: Asked, price_name: str) -> None:
        self._asked = asked
        self._price_name = price_name
        self._text: list[str] = []
        self._calls = CallParts()
        self._usage: Any = None
        self._finish = ""
        self._model = ""
        self._refused = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def ended(self) -> bool:
        """Whether the model has said why it stopped; some services send no other end."""
        return bool(self._finish)

    def take(self, chunk: Any) -> str:
        try:
            if chunk.get("error"):
                raise failures.explain(self._asked, None, *failures.error_value(chunk))
            self._usage = chunk.get("usage") or self._usage
            self._model = chunk.get("model") or self._model
            added = ""
            for choice in chunk.get("choices") or ():
                if choice.get("index"):  # only one answer was asked for
                    continue
                self._finish = choice.get("finish_reason") or self._finish
                delta = choice.get("delta") or {}
                for call in delta.get("tool_calls") or ():
                    _add_call(self._calls, call)
                piece, refusing = read_text(delta)
                self._refused = self._refused or refusing
                added += piece
        except (TypeError, AttributeError, ValueError, KeyError):
            raise http.malformed(self._asked, json.dumps(chunk, default=repr).encode()) from None
        if added:
            self._text.append(added)
        return added

    def completion(self) -> Completion:
        """All of it; ProviderError where the stream ended before the model did."""
        if not self._finish:
            raise http.cut_off(self._asked, self.text)
        return Completion(
            content=self.text,
            tool_calls=self._calls.calls(),
            usage=read_usage(self._usage, self._price_name, self._asked.model),
            finish_reason=_finish(self._finish, bool(self._calls), self._refused),
            model=self._model or self._asked.model,
        )


def read_text(message: Mapping[str, Any]) -> tuple[str, bool]:
    """The text of a message or a delta, and whether it is the model's refusal."""
    content = message.get("content")
    if isinstance(content, str) and content:
        return content, False
    if isinstance(content, list):  # Mistral's reasoning models send parts
        texts = [part["text"] for part in content if part.get("type") == "text"]
        return "".join(texts), False
    refusal = message.get("refusal")
    return (refusal, True) if isinstance(refusal, str) and refusal else ("", False)


def _finish(reason: object, has_calls: bool, refused: bool) -> FinishReason:
    if refused:
        return "content_filter"
    known = _FINISH.get(reason, "stop") if isinstance(reason, str) else "stop"
    return "tool_calls" if has_calls and known == "stop" else known


def _add_call(calls: CallParts, call: Mapping[str, Any]) -> None:
    function = call.get("function") or {}
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else ("" if arguments is None else json.dumps(arguments))
    index = call.get("index")
    calls.add(index if isinstance(index, int) else None, call.get("id") or "", function.get("name") or "", text)


def read_usage(usage: Any, price_name: str, model: str) -> Usage:
    """Token counts; a service that counts none gives zeros and no cost."""
    if not isinstance(usage, dict):
        return Usage()
    read = _count(usage.get("prompt_tokens"))
    written = _count(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else usage.get("prompt_cache_hit_tokens")
    hit = min(_count(cached), read)
    return Usage(read, written, hit, prices.cost(price_name, model, read, written, hit))


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
