"""A small deterministic model for the loopback server: enough to try spells with, and no more.

It works out arithmetic by calling a calculator it is offered (`15% of 2500`), calls a tool that the message names,
answers with what the tool gave, fits structured output to its schema, and else repeats what it was told.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from llmspell.providers.base import Request, ToolCall, ToolSpec
from llmspell.providers.fitting import fitting_value
from llmspell.providers.replies import newest
from llmspell.testing.answers import Answer

_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|percent)\s+of\s+(\d+(?:\.\d+)?)", re.IGNORECASE)
_ARITHMETIC: Final = re.compile(r"[(\d.][\d\s.()]*(?:\*\*|[-+*/^%])[\d\s.()*/+^%-]*[\d.)]")


def answer(request: Request, number: int) -> Answer:
    """The model's answer to a request; number is the request's, for the ids of calls."""
    message = newest(request, "user")
    last = request.messages[-1] if request.messages else None
    if last is not None and last.role == "tool":
        if request.schema is None:
            return Answer(text=_told(request))
    elif request.tool_choice != "none" and request.tools:
        calls = _calls(request, message)
        if calls:
            made = tuple(ToolCall(f"call_{number}_{n}", name, given) for n, (name, given) in enumerate(calls, 1))
            return Answer(tool_calls=made)
    if request.schema is not None:
        return Answer(text=json.dumps(fitting_value(request.schema)))
    return Answer(text=f"You said: {message}")


def _calls(request: Request, message: str) -> list[tuple[str, dict[str, Any]]]:
    sum_ = expression(message)
    calculator = next((tool for tool in request.tools if "expression" in tool.parameters.get("properties", {})), None)
    if sum_ and calculator is not None:
        return [(calculator.name, {"expression": sum_})]
    named = [tool for tool in request.tools if _names(message, tool.name)]
    if not named and request.tool_choice == "required":
        named = [request.tools[0]]
    return [(tool.name, _arguments(tool, message)) for tool in named]


def expression(message: str) -> str:
    """The arithmetic in a message, as a calculator reads it; "" where there is none."""
    percent = _PERCENT.search(message)
    if percent:
        return f"{percent[2]} * {percent[1]} / 100"
    found = _ARITHMETIC.search(message)
    return found[0].strip() if found else ""


def _names(message: str, tool: str) -> bool:
    return re.search(rf"\b{re.escape(tool)}\b|\b{re.escape(tool.replace('_', ' '))}\b", message, re.I) is not None


def _arguments(tool: ToolSpec, message: str) -> dict[str, Any]:
    """The smallest arguments that fit, with the message for a text that may be anything."""
    given: dict[str, Any] = fitting_value(tool.parameters)
    properties: dict[str, Any] = tool.parameters.get("properties", {})
    for name, value in given.items():
        if value == "offline" and properties.get(name) in ({"type": "string"}, {**properties[name], "type": "string"}):
            given[name] = message
    return given


def _told(request: Request) -> str:
    results: list[str] = []
    for message in reversed(request.messages):
        if message.role != "tool":
            break
        results.append(_result(message.content))
    return f"The answer is {' and '.join(reversed(results))}."


def _result(content: str) -> str:
    """A tool's result in words: a JSON object's `result` or only field, numbers without a needless fraction."""
    try:
        value: Any = json.loads(content)
    except ValueError:
        return content
    if isinstance(value, dict):
        value = value.get("result", next(iter(value.values())) if len(value) == 1 else value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
