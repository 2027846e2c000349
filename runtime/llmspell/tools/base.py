"""What a tool is, for the pipeline that calls it and for those who write one.

A tool has a name, a description for models, a JSON Schema of its parameters, and `perform`. It does not validate
(the pipeline has), fires no hooks, records nothing and enforces no time limit of its own: `pipeline.call` does
all of that around it, for every tool alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from llmspell.api.describe import ToolMark, class_mark
from llmspell.security.permissions import Permissions

Options = TypeVar("Options")


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool gives: `content` in its documented shape, `metadata` about how, `artifacts` (paths, media)."""

    content: Any
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    artifacts: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may use of the run that calls it.

    permissions: what the run may do; a tool narrows them by its own options, never widens. project: the folder that
    relative paths start from. scratch: the run's own temporary folder, gone at its end. environ: the host's
    environment, for secrets by name; it never reaches a script. clock: seconds since 1970; a replay gives the
    recorded ones.
    """

    permissions: Permissions
    project: Path
    scratch: Path
    environ: Mapping[str, str]
    clock: Callable[[], float] = time.time


class Performer(Protocol):
    """Anything the pipeline can call."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def parameters(self) -> dict[str, Any]: ...

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        """Does the work. Raises LlmspellErrors; cancelled by task cancellation, and then leaves nothing running."""
        ...


class BuiltinTool(Generic[Options]):
    """A tool of the library: an exposed class whose `ToolMark` says its name, parameters, result and limits.

    Subclasses take their validated options (a dataclass) and write `perform`. The class's docstring is what a model
    reads: what the tool does, when to use it, what it gives.
    """

    mark: ClassVar[ToolMark]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def name(self) -> str:
        return self._mark.name

    @property
    def description(self) -> str:
        return " ".join((type(self).__doc__ or "").split())

    @property
    def _mark(self) -> ToolMark:
        mark = class_mark(type(self))
        if mark is None or mark.tool is None:
            raise TypeError(f"{type(self).__name__} has no ToolMark")
        return mark.tool

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        raise TypeError(f"{type(self).__name__} does not say how it performs")
