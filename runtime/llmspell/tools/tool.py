"""Tools as scripts see and write them: the class `Tool`, `Tool.define{…}` and `class X extends Tool`.

Every tool object, built in or scripted, is a `Tool`; calls go through `pipeline`. Knows no agents.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self, TypedDict

from llmspell.api.bounds import Count, Milliseconds
from llmspell.api.callback import Callback
from llmspell.api.check import Checker, present
from llmspell.api.describe import class_mark, exposed, method, prop
from llmspell.api.kinds import PermissionName, ToolName
from llmspell.api.objects import ScriptClass
from llmspell.api.registry import registry
from llmspell.errors import ArgumentError, SchemaError, ToolError
from llmspell.hooks.handlers import handlers_of
from llmspell.hooks.ready import HookOption
from llmspell.hooks.table import Handler
from llmspell.run import Run
from llmspell.tools import pipeline
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.catalog import TOOLS


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOptions:
    name: str = ""
    """What models and scripts call it by: letters, digits, `_` and `-`."""
    description: str = ""
    """What it does and when to use it, written for a model."""
    parameters: dict[str, Any] | None = None
    """JSON Schema of its arguments. Without it, it takes any."""
    execute: Callback | None = None
    """Does the work: takes the arguments, gives any value."""
    examples: list[dict[str, Any]] | None = None
    """Argument tables that show how it is called."""
    permissions: list[PermissionName] | None = None
    """What it needs, of read, write, net, exec, env. The offline model calls no tool that needs write, net or exec."""
    timeout: Milliseconds = pipeline.TIMEOUT
    """Milliseconds it may take."""
    max_output: Count = pipeline.MAX_OUTPUT
    """Longest result, in characters of JSON."""
    version: str = ""
    """Its version, for `metadata()`."""
    hooks: HookOption | None = None
    """Its own hooks by hook point, such as `before_execute`."""


#: The tools whose script's `execute` the running task is inside of.
_under_way: ContextVar[tuple[Tool, ...]] = ContextVar("llmspell_tools_under_way", default=())


class ToolSchema(TypedDict):
    name: str
    description: str
    parameters: dict[str, Any]


class ToolMetadata(TypedDict):
    name: str
    version: str
    category: str
    permissions: list[str]
    examples: list[dict[str, Any]]


class ToolResources(TypedDict):
    timeout: float
    max_output: int
    permissions: list[str]


class ToolResult(TypedDict):
    content: Any
    metadata: dict[str, Any]
    artifacts: list[dict[str, Any]]


class Validity(TypedDict):
    valid: bool
    error: str


@exposed(
    options=ToolOptions,
    example='Tool.define{ name = "greet", description = "Greets", execute = function(p) return "Hi" end }',
)
class Tool(ABC):
    """Something a model or a script can call: a name, a description, a JSON Schema of parameters, and the work itself.

    Define one with `Tool.define`, or extend this class and override `execute`. Arguments are checked against the
    schema before `execute` sees them, whether a model or a script gives them.
    """

    #: Whether a replay takes its result from the recording. A script's own tool runs again instead.
    recorded: bool = True
    #: What a script's class made of `execute`. Such work is not recorded; what it calls is.
    override: Callback | None = None
    timeout: float = pipeline.TIMEOUT
    max_output: int = pipeline.MAX_OUTPUT
    category: str = "script"
    version: str = ""
    permissions: tuple[str, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()

    run: Run
    hooks: Mapping[str, Handler]
    checker: Checker
    _options: dict[str, Any]

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Tool:
        from llmspell.tools.script import ScriptTool

        return ScriptTool(ToolOptions(**options), script_class).attach(run, options, script_class)

    def attach(self, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Self:
        """Makes it a tool of a run. options: as they were given."""
        self.run = run
        self.override = script_class.overrides.get("execute") if script_class else None
        self._options = {key: value for key, value in options.items() if key not in ("hooks", "execute")}
        self.hooks = handlers_of(options.get("hooks"))
        self.checker = self.made_checker()
        return self

    def made_checker(self) -> Checker:
        """Of its arguments. Raises ArgumentError where its schema is none."""
        return Checker(self.parameters)

    @method(
        static=True,
        errors=("invalid_argument",),
        params={"options": ToolOptions},
        example='local shout = Tool.define{ name = "shout", description = "Says it", execute = function(p) … end }',
    )
    @staticmethod
    def define(run: Run, options: dict[str, Any]) -> Tool:
        """A tool of your own. Needs `name`, `description` and `execute`."""
        try:
            return Tool.create(run, options, None)
        except ArgumentError as error:
            error.message = f"Tool.define: {error.message}"
            raise

    @method(
        static=True,
        errors=("invalid_argument",),
        example='Tool.get("web-search"):execute{ query = "lua" }',
    )
    @staticmethod
    def get(run: Run, name: ToolName) -> Tool:
        """A built-in tool by its name, class or alias, in any spelling, with its usual options."""
        from llmspell.tools.builtin import named

        return named(run, name)

    @method(static=True, name="list")
    @staticmethod
    def list_names(run: Run) -> list[str]:
        """The names of the built-in tools."""
        return [entry.name for entry in TOOLS]

    @property
    @prop()
    @abstractmethod
    def name(self) -> str:
        """What models call it by; unique within an agent."""

    @property
    @prop()
    @abstractmethod
    def description(self) -> str:
        """What it does, as models read it."""

    @property
    @prop()
    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """JSON Schema of its arguments."""

    @property
    @prop()
    def config(self) -> dict[str, Any]:
        """The options it was made with, named as the script's language names them."""
        mark = next(found for base in type(self).__mro__ if (found := class_mark(base)))
        checker = registry().options(mark.name)
        return present(self._options, checker.schema if checker else {}, self.run.identity.language)

    @method(
        overridable=True,
        errors=("validation", "tool", "permission", "timeout"),
        example='calculator:execute{ expression = "2 + 2" }  -- { result = 4 }',
    )
    async def execute(self, params: dict[str, Any] | None = None) -> Any:
        """Runs the tool and gives its content, in the shape its reference page states."""
        return (await pipeline.call(self, params or {}, pipeline.SCRIPT)).content

    @method(errors=("validation", "tool", "permission", "timeout"), result=ToolResult)
    async def execute_detailed(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Runs the tool and gives `content`, `metadata` and `artifacts`."""
        output = await pipeline.call(self, params or {}, pipeline.SCRIPT)
        return {"content": output.content, "metadata": output.metadata, "artifacts": list(output.artifacts)}

    @method(result=ToolSchema)
    def schema(self) -> dict[str, Any]:
        """The tool as a model is told of it."""
        return {"name": self.name, "description": self.description, "parameters": self.parameters}

    @method(result=ToolMetadata)
    def metadata(self) -> dict[str, Any]:
        """What is known about it beside its schema."""
        return {
            "name": self.name,
            "version": self.version,
            "category": self.category,
            "permissions": list(self.permissions),
            "examples": list(self.examples),
        }

    @method(result=ToolResources)
    def resource_requirements(self) -> dict[str, Any]:
        """What a call may use: `timeout` in milliseconds, `max_output` in characters, `permissions`."""
        return {"timeout": self.timeout, "max_output": self.max_output, "permissions": list(self.permissions)}

    @method(result=Validity)
    def validate_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Checks arguments against the schema without running the tool."""
        try:
            self.checker.check_params(params or {}, self.name)
        except SchemaError as error:
            return {"valid": False, "error": error.message}
        return {"valid": True, "error": ""}

    @abstractmethod
    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        """Does the work with checked arguments. Raises LlmspellErrors; cancelled, it leaves nothing running."""

    async def overridden(self, override: Callback, params: dict[str, Any]) -> ToolOutput:
        """What a script's class made of `execute`."""
        token = _under_way.set((*_under_way.get(), self))
        try:
            return ToolOutput(await override(self, params))
        finally:
            _under_way.reset(token)

    async def base_execute(self, params: dict[str, Any] | None = None) -> Any:
        """What `super.execute(params)` in a script's class gives: the tool's own work, inside the call under way, whose
        hooks have been asked. Raises ToolError outside of one."""
        if not any(self is tool for tool in _under_way.get()):
            raise ToolError(
                f"tool {self.name}: its own work was asked for outside of a call, past its hooks",
                hint="call execute on the tool itself",
            )
        checked = self.checker.check_params(params or {}, self.name)
        return (await pipeline.perform(self, checked, pipeline.SCRIPT)).content
