"""OpenTelemetry's names for what generative AI does: operations and attributes, in this one place.

From the GenAI semantic conventions (spans, agent spans) of OpenTelemetry, still marked Development: a change of
theirs is a change here and nowhere else. https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from llmspell.traces.spans import Span
from llmspell.traces.summary import as_sent

OPERATIONS: Final = {
    "execution": "invoke_agent",
    "llm_call": "chat",
    "tool": "execute_tool",
    "workflow": "invoke_workflow",
    "embedding": "embeddings",
}

#: Our words for a request's options -> theirs.
_OPTIONS: Final = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "stop": "gen_ai.request.stop_sequences",
}
#: Providers as litellm names them -> their well-known names, where the two differ.
_PROVIDERS: Final = {
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
}


def span_name(span: Span) -> str:
    """`chat gpt-4o`, `execute_tool web_search`; for what the conventions do not know, our own words."""
    return f"{OPERATIONS.get(span.kind, span.kind)} {span.name}".strip()


def attributes(span: Span, start: Mapping[str, Any], end: Mapping[str, Any]) -> dict[str, Any]:
    """The conventions' attributes of a span, from the data of its start and end events; only what is known."""
    operation = OPERATIONS.get(span.kind)
    found: dict[str, Any] = {"gen_ai.operation.name": operation} if operation else {"llmspell.kind": span.kind}
    match span.kind:
        case "llm_call":
            found |= _chat(span, start, end)
        case "tool":
            found |= _tool(span, start, end)
        case "execution":
            found["gen_ai.agent.name"] = span.name
        case "workflow":
            found["gen_ai.workflow.name"] = span.name
        case _:
            pass
    if span.status == "error":
        error = end.get("error")
        found["error.type"] = str(error.get("type") or "_OTHER") if isinstance(error, Mapping) else "_OTHER"
    if span.site:
        path, _, line = span.site.rpartition(":")
        found |= {"code.file.path": path or span.site}
        if line.isdecimal():
            found["code.line.number"] = int(line)
    return {name: value for name, value in found.items() if value not in (None, "")}


def _chat(span: Span, start: Mapping[str, Any], end: Mapping[str, Any]) -> dict[str, Any]:
    request, response = _map(as_sent(start, end).get("request")), _answer(end)
    found: dict[str, Any] = {
        "gen_ai.provider.name": _provider(start, request),
        "gen_ai.request.model": request.get("model") or span.name,
        "gen_ai.response.model": response.get("model"),
        "gen_ai.agent.name": request.get("agent"),
        "gen_ai.usage.input_tokens": span.input_tokens,
        "gen_ai.usage.output_tokens": span.output_tokens,
        "llmspell.cost": span.cost,
    }
    found |= {theirs: request.get(ours) for ours, theirs in _OPTIONS.items()}
    if reason := response.get("finish_reason"):
        found["gen_ai.response.finish_reasons"] = [reason]
    if system := request.get("system"):
        found["gen_ai.system_instructions"] = _text([{"type": "text", "content": system}])
    if messages := request.get("messages"):
        found["gen_ai.input.messages"] = _text([_message(message) for message in messages])
    if response:
        answer = {**_message({"role": "assistant", **response}), "finish_reason": response.get("finish_reason", "stop")}
        found["gen_ai.output.messages"] = _text([answer])
    return found


def _answer(end: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a model answered; the event tells its text, its calls and why it stopped beside each other."""
    response = end.get("response")
    if isinstance(response, str):
        told = {"content": response, "tool_calls": end.get("tool_calls"), "finish_reason": end.get("finish_reason")}
        return {name: value for name, value in told.items() if value}
    return _map(response)


def _tool(span: Span, start: Mapping[str, Any], end: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "gen_ai.tool.name": span.name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": start.get("tool_call_id"),
        "gen_ai.tool.call.arguments": _text(start["params"]) if "params" in start else None,
        "gen_ai.tool.call.result": _text(end["result"]) if "result" in end else None,
    }


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """One of our messages in the conventions' shape: a role and parts."""
    role, content = message.get("role", "user"), message.get("content")
    if role == "tool":
        answer = {"type": "tool_call_response", "id": message.get("tool_call_id"), "response": content}
        return {"role": "tool", "parts": [answer]}
    parts: list[dict[str, Any]] = [{"type": "text", "content": content}] if content else []
    for call in message.get("tool_calls") or []:
        wish = {"id": call.get("id"), "name": call.get("name"), "arguments": call.get("arguments")}
        parts.append({"type": "tool_call", **wish})
    return {"role": role, "parts": parts}


def _provider(start: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    prefix, slash, _ = str(request.get("model", "")).partition("/")
    named = start.get("provider") or (prefix if slash else "")
    return _PROVIDERS.get(str(named), str(named))


def _map(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
