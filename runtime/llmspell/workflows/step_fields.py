"""Which fields each kind of step has, and which of them say what kind a step is. Reads no values."""

from __future__ import annotations

from typing import Any, Final

from llmspell.api.names import snake
from llmspell.api.registry import registry
from llmspell.errors import ArgumentError
from llmspell.workflows.definition import TYPES, StepType

COMMON: Final = frozenset(
    {"name", "type", "input", "input_transform", "output", "on_output", "condition", "on_error"}
    | {"fallback_output", "retries", "timeout"}
)
OWN: Final[dict[StepType, frozenset[str]]] = {
    "agent": frozenset({"agent", "action", "role"}),
    "tool": frozenset({"tool", "action", "params"}),
    "function": frozenset({"run"}),
    "workflow": frozenset({"workflow"}),
    "sequential": frozenset({"steps"}),
    "parallel": frozenset({"steps", "agents", "concurrency", "aggregator"}),
    "conditional": frozenset({"true_branch", "false_branch", "branches", "default"}),
    "loop": frozenset({"body", "over", "max_iterations", "aggregator"}),
    "map_reduce": frozenset({"items", "map", "reduce", "concurrency", "chunk"}),
    "pipeline": frozenset({"stages", "buffer", "aggregator"}),
}
#: The key by which a step without `type` says what it is; the first that it has.
TELLING: Final[dict[str, StepType]] = {
    "agent": "agent",
    "tool": "tool",
    "run": "function",
    "workflow": "workflow",
    "agents": "parallel",
    "body": "loop",
    "map": "map_reduce",
    "stages": "pipeline",
    "branches": "conditional",
    "true_branch": "conditional",
    "false_branch": "conditional",
    "steps": "sequential",
}
_WORKS: Final = ("agent", "tool", "run", "workflow")
STAGE: Final = frozenset({"transformer", "stream"})


def type_of(given: dict[str, Any]) -> StepType:
    """What kind of step its fields make it. Raises ArgumentError for one without work, or with two kinds of it."""
    works = [key for key in _WORKS if key in given]
    if len(works) > 1:
        raise ArgumentError(f"has {works[0]!r} and {works[1]!r}: a step does one thing", hint="make it two steps")
    said = given.get("type")
    if said == "workflow" and "workflow" not in given and "steps" in given:
        return "sequential"
    if said is not None:
        return TYPES[said]
    for key, type_ in TELLING.items():
        if key in given:
            return type_
    what = "an agent, a tool, a function (run), a workflow, or steps of its own"
    raise ArgumentError("is a step without work", hint=f"give it {what}")


def builtin_tool(name: str) -> str | None:
    """The name for models of a built-in tool, from any of its names."""
    described, wanted = registry(), snake(name)
    if wanted in described.tools:
        return wanted
    owner = described.classes.get(described.names.get(name, ""))
    return owner["tool"]["name"] if owner is not None and owner["tool"] is not None else None
