"""A tool of the library: an exposed class whose `ToolMark` says its name, parameters, result and limits.

A subclass takes its checked options (a dataclass) and writes `perform`. It does not validate arguments (the pipeline
has), fires no hooks, records nothing and has no time limit of its own: `pipeline.call` does that for every tool
alike. The class's docstring is what a model reads: what the tool does, when to use it, what it gives.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Generic, TypeVar

from llmspell.api.describe import ToolMark, class_mark
from llmspell.api.names import near, snake
from llmspell.api.objects import ScriptClass
from llmspell.api.registry import registry
from llmspell.errors import ArgumentError
from llmspell.run import Run
from llmspell.tools.catalog import TARGETS
from llmspell.tools.tool import Tool

Options = TypeVar("Options")


def named(run: Run, name: str) -> BuiltinTool[Any]:
    """The built-in tool of a name, class or alias, in any spelling, with its usual options. Raises ArgumentError."""
    target = TARGETS.get(name) or TARGETS.get(snake(name))
    if target is None:
        close = near(name, TARGETS)
        hint = f"did you mean {close[0]!r}?" if close else "`llmspell tools list` lists them"
        raise ArgumentError(f"there is no built-in tool {name!r}", hint=hint)
    module, _, attribute = target.partition(":")
    cls: type[BuiltinTool[Any]] = getattr(import_module(module), attribute)
    return cls.create(run, {}, None)


class BuiltinTool(Tool, Generic[Options]):
    """The base of every built-in tool."""

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> BuiltinTool[Any]:
        mark = class_mark(cls)
        assert mark is not None
        given = {key: value for key, value in options.items() if key != "hooks"}
        make: Any = mark.options or dict
        return cls(make(**given)).attach(run, options, script_class)

    def __init__(self, options: Options) -> None:
        self.options = options
        mark = self._mark = _mark_of(type(self))
        self.timeout = mark.timeout
        self.max_output = mark.max_output
        self.category = mark.category
        self.permissions = mark.permissions
        self.examples = tuple(example.params for example in mark.examples)

    @property
    def name(self) -> str:
        return self._mark.name

    @property
    def description(self) -> str:
        return " ".join((type(self).__doc__ or "").split())

    @property
    def parameters(self) -> dict[str, Any]:
        return registry().tool(self.name)["parameters"]


def _mark_of(cls: type) -> ToolMark:
    mark = next((found for base in cls.__mro__ if (found := class_mark(base)) and found.tool), None)
    if mark is None or mark.tool is None:
        raise TypeError(f"{cls.__name__} has no ToolMark")
    return mark.tool
