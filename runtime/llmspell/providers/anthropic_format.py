"""A request in the words of Anthropic's messages API. Knows nothing of answers or the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmspell.providers import prices
from llmspell.providers.base import Image, Message, Request

#: Tokens of an answer where neither the request nor the price map names a limit; the API demands one.
DEFAULT_MAX_TOKENS: Final = 4096
#: The tool that carries a structured answer for models without structured output of their own.
ANSWER_TOOL: Final = "structured_answer"

#: Keywords that Anthropic's structured output refuses; the answer is checked against the whole schema afterwards.
_UNSUPPORTED: Final = frozenset(
    (
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
        *("minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems"),
        *("minProperties", "maxProperties", "propertyNames", "dependentRequired", "dependentSchemas"),
        *("unevaluatedProperties", "unevaluatedItems", "examples", "default", "$schema"),
    )
)
#: Keywords that cannot be left out without changing what is asked for: such a schema goes by the tool.
_ONLY_BY_TOOL: Final = frozenset({"patternProperties", "if", "then", "else", "not"})


def write_body(request: Request, price_name: str) -> dict[str, Any]:
    info = prices.lookup(request.model, price_name)
    limit = request.max_tokens or (info.max_output if info is not None else None) or DEFAULT_MAX_TOKENS
    body: dict[str, Any] = {"model": request.model, "max_tokens": limit, "messages": _messages(request.messages)}
    if request.system:
        body["system"] = request.system
    if request.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in request.tools
        ]
        if request.tool_choice is not None:
            body["tool_choice"] = {"type": "any" if request.tool_choice == "required" else request.tool_choice}
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.schema is not None:
        # A model that the map does not know is newer than the map.
        _ask_for(body, request.schema, native=info is None or info.native_schema)
    body.update(request.extra)
    return body


def _ask_for(body: dict[str, Any], schema: dict[str, Any], *, native: bool) -> None:
    if native and schema.get("type") == "object" and not _needs_tool(schema):
        body["output_config"] = {"format": {"type": "json_schema", "schema": _supported(schema)}}
        return
    wanted = schema if schema.get("type") == "object" else {"type": "object", **schema}
    answer = {"name": ANSWER_TOOL, "description": "Gives the final answer.", "input_schema": wanted}
    others = body.get("tools", [])
    body["tools"] = [*others, answer]
    # With other tools on offer the model chooses: one of them first, or the answer at once.
    offered = others and body.get("tool_choice", {}).get("type") != "none"
    body["tool_choice"] = {"type": "any"} if offered else {"type": "tool", "name": ANSWER_TOOL}


def uses_tool(body: Mapping[str, Any]) -> bool:
    """Whether the structured answer comes as a call of the answer tool."""
    return any(tool.get("name") == ANSWER_TOOL for tool in body.get("tools", ()))


def _needs_tool(schema: object) -> bool:
    if isinstance(schema, list):
        return any(map(_needs_tool, schema))
    if not isinstance(schema, dict):
        return False
    if not _ONLY_BY_TOOL.isdisjoint(schema) or isinstance(schema.get("additionalProperties"), dict):
        return True
    return any(_needs_tool(inner) for inner in _inner(schema))


def _inner(schema: Mapping[str, Any]) -> list[Any]:
    """The schemas directly inside a schema; names of properties and example values are not schemas."""
    maps = [schema.get(name) for name in ("properties", "$defs", "definitions")]
    inner = [value for one in maps if isinstance(one, dict) for value in one.values()]
    return inner + [schema[name] for name in ("items", "anyOf", "oneOf", "allOf") if name in schema]


def _supported(schema: Any) -> Any:
    """The schema in the subset that structured output takes: objects closed, limits left out, oneOf as anyOf."""
    if isinstance(schema, list):
        return [_supported(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    written: dict[str, Any] = {}
    for name, value in schema.items():
        match name:
            case "properties" | "$defs" | "definitions":
                written[name] = {inner: _supported(one) for inner, one in value.items()}
            case "items" | "anyOf" | "allOf":
                written[name] = _supported(value)
            case "oneOf":
                written["anyOf"] = _supported(value)
            case _ if name not in _UNSUPPORTED:
                written[name] = value
            case _:
                pass
    if written.get("type") == "object":
        written["additionalProperties"] = False
    return written


def _messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Results of parallel calls go together in one user message, as the API demands."""
    written: list[dict[str, Any]] = []
    results: list[dict[str, Any]] | None = None
    for message in messages:
        if message.role == "tool":
            if results is None:
                results = []
                written.append({"role": "user", "content": results})
            results.append(_result(message))
            continue
        results = None
        written.append({"role": message.role, "content": _content(message)})
    return written


def _result(message: Message) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content}
    return {**result, "is_error": True} if message.is_error else result


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.images and not message.tool_calls:
        return message.content
    blocks: list[dict[str, Any]] = [_image(image) for image in message.images]
    if message.content:  # the API refuses empty text blocks
        blocks.append({"type": "text", "text": message.content})
    for call in message.tool_calls:
        # Arguments that were no object go back as the model wrote them, under a name that says so.
        given = call.arguments if isinstance(call.arguments, dict) else {"malformed_arguments": call.arguments}
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": given})
    return blocks


def _image(image: Image) -> dict[str, Any]:
    if image.url:
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": image.media_type or "image/png", "data": image.data},
    }
