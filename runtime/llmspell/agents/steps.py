"""A step `{tool = "csv-reader", action = "read"}` of an agent's own making: which tool, with which arguments."""

from __future__ import annotations

from typing import Any

from llmspell.agents.texts import AgentOutput
from llmspell.errors import ArgumentError
from llmspell.tools.tool import Tool


def tool_name(step: dict[str, Any]) -> str:
    """Raises ArgumentError where the step names no tool."""
    name = step.get("tool")
    if not isinstance(name, str):
        raise ArgumentError("the step names no tool", hint="a step has a `tool`, and may have an `action`")
    return name


def params_of(tool: Tool, step: dict[str, Any], input: Any) -> dict[str, Any]:
    """A table input, or the input as the tool's first required argument; the step's `action` as the tool's
    `operation` or `action`, where it has one; the step's own `params` over all."""
    known: dict[str, Any] = tool.parameters.get("properties", {})
    params: dict[str, Any] = {}
    match input.value if isinstance(input, AgentOutput) else input:
        case dict() as table:
            params.update(table)
        case None:
            pass
        case value:
            required = [name for name in tool.parameters.get("required", ()) if name not in ("operation", "action")]
            if required:
                params[required[0]] = value
    if isinstance(action := step.get("action"), str):
        for key in ("operation", "action"):
            if key in known:
                params.setdefault(key, action)
    if isinstance(more := step.get("params"), dict):
        params.update(more)
    return params
