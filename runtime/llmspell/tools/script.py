"""A tool that a script wrote: `Tool.define{…}`, `new Tool({…})`, or a class that extends Tool."""

from __future__ import annotations

import re
from typing import Any

from llmspell.api.callback import Callback
from llmspell.api.check import Checker
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError, ToolError
from llmspell.security.schemas import ForeignChecker
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.tool import Tool, ToolOptions

#: What OpenAI and Anthropic take as a function's name.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ScriptTool(Tool):
    """Its work is a function of the script, called back through the bridge."""

    recorded = False

    def __init__(self, options: ToolOptions, script_class: ScriptClass | None) -> None:
        """Raises ArgumentError where the name, the description or the work is missing."""
        override = script_class.overrides.get("execute") if script_class else None
        for field, value in (("name", options.name), ("description", options.description)):
            if not value:
                raise ArgumentError(f"missing {field!r}", hint=f"a tool needs a {field}: models read it")
        if not _NAME.fullmatch(options.name):
            hint = "use letters, digits, _ and -, at most 64"
            raise ArgumentError(f"{options.name!r} cannot be a tool's name", hint=hint)
        if options.execute is None and override is None:
            raise ArgumentError("missing 'execute'", hint="give it a function that does the tool's work")
        self._name = options.name
        self._description = options.description
        self._checker = ForeignChecker(options.parameters or {"type": "object", "properties": {}}, "parameters")
        self._function: Callback | None = options.execute
        self.examples = tuple(options.examples or ())
        self.permissions = tuple(options.permissions or ())
        self.timeout = options.timeout
        self.max_output = options.max_output
        self.version = options.version

    @property
    def name(self) -> str:
        return self._name

    @property
    def description(self) -> str:
        return self._description

    @property
    def parameters(self) -> dict[str, Any]:
        return self._checker.schema

    def made_checker(self) -> Checker:
        return self._checker

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        if self._function is None:
            raise ToolError(f"tool {self.name!r} has no execute below its own", hint="do not call super.execute here")
        return ToolOutput(await self._function(params))
