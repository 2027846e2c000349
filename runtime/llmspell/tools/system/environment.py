"""The environment tool: variables that the person allowed by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentOptions:
    allowed_variables: Annotated[list[str], Bounds(max_items=200)] | None = None
    """Names, or patterns such as `APP_*`, within what the run may read. None: all that the run may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentParams:
    operation: Literal["get", "list", "exists"]
    """get: the value of a variable. list: the names of the variables that are set and may be read. exists: whether a
    variable is set."""

    name: Annotated[str, Bounds(min_length=1, max_length=200, pattern="^[^=\\x00]+$")] | None = None
    """The variable, for get and exists."""

    default: str | None = None
    """What get gives where the variable is not set; without it that is an error."""


class EnvironmentResult(TypedDict):
    name: NotRequired[str]
    """get, exists: the variable."""
    value: NotRequired[str]
    """get: its value."""
    exists: NotRequired[bool]
    """get, exists: whether it is set."""
    variables: NotRequired[list[str]]
    """list: names, sorted."""


@exposed(
    aliases=("Environment",),
    options=EnvironmentOptions,
    tool=ToolMark(
        name="environment",
        category="system",
        params=EnvironmentParams,
        result=EnvironmentResult,
        examples=(
            Example({"operation": "list"}, note="what may be read"),
            Example({"operation": "get", "name": "LANG", "default": "C"}, note="one variable, if it is allowed"),
        ),
        permissions=("env",),
        timeout=5_000,
        max_output=200_000,
    ),
)
class EnvironmentTool(BuiltinTool[EnvironmentOptions]):
    """Reads environment variables that the person allowed by name; every other is refused, set or not.

    Use list to see which there are. Variables cannot be changed. Those named LLMSPELL_SECRET_… are there for
    encryption and signature; no pattern such as `*` shows them, only their whole name.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = EnvironmentParams(**params)
        permissions = context.permissions
        if self.options.allowed_variables is not None:
            permissions = permissions.narrow("environment", env=self.options.allowed_variables)
        if asked.operation == "list":
            return ToolOutput({"variables": sorted(name for name in context.environ if permissions.allows_env(name))})
        if asked.name is None:
            raise SchemaError(f"`{asked.operation}` needs `name`", hint="use list to see which there are")
        permissions.check_env(asked.name)
        value = context.environ.get(asked.name)
        if asked.operation == "exists":
            return ToolOutput({"name": asked.name, "exists": value is not None})
        if value is None and asked.default is None:
            raise ToolError(f"the variable {asked.name!r} is not set", hint="give a default, or set it")
        shown = asked.default if value is None else value
        return ToolOutput({"name": asked.name, "value": shown, "exists": value is not None})
