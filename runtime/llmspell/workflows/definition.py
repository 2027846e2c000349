"""A workflow as a plain value: a tree of steps, each with its path, and a named hole where a function or an object was.

It can be compared, hashed and written down; what fills its holes (a script's functions, agents, tools, workflows) is
kept beside it, by path. Knows how nothing is run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import field, fields, replace
from typing import Any, Final, Literal

from llmspell.frozen import frozen

StepType = Literal[
    "agent",
    "tool",
    "function",
    "workflow",
    "sequential",
    "parallel",
    "conditional",
    "loop",
    "map_reduce",
    "pipeline",
]
OnError = Literal["fail", "continue", "fallback"]
HoleKind = Literal["function", "agent", "tool", "workflow"]

#: Step types as scripts may write them, and what they mean.
TYPES: Final[dict[str, StepType]] = {
    "agent": "agent",
    "tool": "tool",
    "function": "function",
    "run": "function",
    "workflow": "workflow",
    "sequential": "sequential",
    "parallel": "parallel",
    "parallel_fan_out": "parallel",
    "conditional": "conditional",
    "loop": "loop",
    "adaptive_loop": "loop",
    "map_reduce": "map_reduce",
    "pipeline": "pipeline",
}

#: The version of what `Definition.to_value` gives.
VERSION: Final = 1


@frozen
class Hole:
    """A place that no plain value fills. path: where it is; name: the agent's, tool's or workflow's."""

    path: str
    kind: HoleKind
    name: str = ""


@frozen
class Part:
    """Steps in order inside a step: a branch, a body, a stage. key: `true_branch`, `steps[2]`. condition: a branch's
    own. transformer: a stage's own."""

    key: str
    steps: tuple[Step, ...]
    condition: Any = None
    transformer: Hole | None = None


@frozen
class Step:
    """One step. path: `steps[2].body`, counted from 1, "" for the workflow itself. index: its place in its list, from
    1. title: what people call it. input, params, items, condition and fallback are templates: values with references,
    or a hole. has_input, has_params: whether they were given. on_error: "" where the steps around it decide."""

    path: str
    type: StepType
    title: str
    index: int = 1
    name: str = ""
    output: str = ""
    work: Hole | str | None = None
    action: str = ""
    role: str = ""
    input: Any = None
    has_input: bool = False
    params: Any = None
    has_params: bool = False
    input_transform: Hole | None = None
    on_output: Hole | None = None
    condition: Any = None
    aggregator: Hole | None = None
    items: Any = None
    has_items: bool = False
    on_error: OnError | Literal[""] = ""
    fallback: Any = None
    retries: int = 0
    timeout: float | None = None
    concurrency: int | None = None
    max_iterations: int | None = None
    chunk: int | None = None
    buffer: int | None = None
    stream: bool = False
    parts: tuple[Part, ...] = ()

    @property
    def key(self) -> str:
        """What its value is called: its output, its name, or `step_2`."""
        return self.output or self.name or f"step_{self.index}"

    def part(self, key: str) -> Part | None:
        return next((part for part in self.parts if part.key == key), None)

    def inner(self) -> Iterator[Step]:
        """It and all steps inside it, in the order they are written."""
        yield self
        for part in self.parts:
            for step in part.steps:
                yield from step.inner()


@frozen
class Definition:
    """A workflow. root: itself as a step. site: where it was made, which no hash counts."""

    name: str
    root: Step
    site: str = field(default="", compare=False)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Those that it does in order, or chooses among."""
        return tuple(step for part in self.root.parts for step in part.steps)

    @property
    def paths(self) -> dict[str, Step]:
        """All steps, those inside others and the workflow itself too, by their paths."""
        return {step.path: step for step in self.root.inner()}

    @property
    def prints(self) -> dict[str, str]:
        """A short hash of each step without those inside it, by path: what two definitions differ in."""
        return {path: _sha256(_plain(_alone(step)))[:12] for path, step in self.paths.items()}

    def to_value(self) -> dict[str, Any]:
        """The definition as plain data; holes say what they are."""
        return {"version": VERSION, "name": self.name, "root": _plain(self.root)}

    @property
    def sha256(self) -> str:
        """Of what the workflow does: whoever changes it in any way changes this. Functions count by their places."""
        return _sha256(self.to_value())


Holes = dict[str, Any]
"""What fills the holes, by their paths."""


def _sha256(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _alone(step: Step) -> Step:
    return replace(step, parts=tuple(replace(part, steps=()) for part in step.parts))


def _plain(value: Any) -> Any:
    match value:
        case Hole(path, kind, name):
            return {"hole": kind, "path": path, **({"name": name} if name else {})}
        case Step() | Part():
            given = ((each.name, getattr(value, each.name), each.default) for each in fields(value))
            return {name: _plain(item) for name, item, default in given if item != default}
        case tuple() | list():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case _:
            return value
