"""A small registry of its own: each kind of member once, described as the library describes its classes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import pytest

from llmspell.api import error_classes, event_kinds, fields, hook_points
from llmspell.api.callback import Callback
from llmspell.api.describe import Doc, Example, ToolMark, exposed, local, method, prop
from llmspell.api.gen import describe_class
from llmspell.api.kinds import EventHandler, EventName, HookHandler, HookHandlers, HookPointName, StateKey, Takes
from llmspell.api.registry import Registry


class Turn(TypedDict):
    """One question and its answer."""

    user_message: str
    """What was asked."""
    assistant_response: str
    """What was answered."""


class AgentOutput(TypedDict):
    """What an agent gives."""

    content: str
    """The text."""
    tool_calls: list[dict[str, Any]]
    """The tools that were called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    system_prompt: str | None = None
    """Who the agent is."""
    model: str | None = None
    """The model's name."""
    temperature: float = 0.7
    """How free the model is."""
    max_turns: int = 10
    """The most requests a chat may take."""
    delegation: Literal["round_robin", "skill_based"] = "round_robin"
    """How work is given out."""
    tools: list[Tool | str] | None = None
    """What it can call."""
    hooks: HookHandlers | None = None
    """Its own hooks."""
    context: dict[str, Any] | None = None
    """Anything of the script's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    schema: dict[str, Any] | None = None
    """The JSON Schema that the answer must fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterOptions:
    priority: int = 0
    """Higher ones are asked first."""
    once: bool = False
    """Whether it is asked once only."""


@exposed(constructible=False)
class HookHandle:
    """A registered handler."""

    @method()
    def unregister(self) -> None:
        """Ends it."""

    @property
    @prop()
    def enabled(self) -> bool:
        """Whether it is asked."""
        return True


@exposed(namespace=True)
class Hooks:
    """Hooks for every agent of the spell."""

    @method(static=True, example="Hooks.register('before_llm_call', function(context) end)")
    @staticmethod
    def register(
        run: Any, point: HookPointName, handler: HookHandler, options: RegisterOptions | None = None
    ) -> HookHandle:
        """Sets a handler at a hook point."""
        raise AssertionError


@exposed(name="eventBus", aliases=("EventBus",), namespace=True)
class EventBus:
    """Events of the whole spell."""

    @method(static=True)
    @staticmethod
    def on(run: Any, event: EventName, handler: EventHandler) -> None:
        """Listens."""

    @method(static=True)
    @staticmethod
    def emit(run: Any, event: EventName, data: dict[str, Any] | None = None) -> None:
        """Tells the listeners."""


@exposed(namespace=True)
class State:
    """Values that outlast the spell."""

    @method(static=True)
    @staticmethod
    async def get(run: Any, key: StateKey, default: Any = None) -> Any:
        """The value, or `default`."""

    @method(static=True)
    @staticmethod
    async def update(run: Any, key: StateKey, fn: Annotated[Callback, Takes(value=Any, result=Any)]) -> None:
        """Changes the value by a function."""

    @method(static=True)
    @staticmethod
    async def delete(run: Any, key: StateKey) -> bool:
        """Whether there was a value to delete."""
        return False


@exposed(namespace=True)
class Async:
    """Waiting for several things."""

    @local()
    @staticmethod
    async def sleep(ms: float) -> None:
        """Waits."""

    @local()
    @staticmethod
    def log(*values: Annotated[Any, Doc("What to print.")]) -> None:
        """Prints several values."""


@exposed(options=AgentOptions)
class BaseAgent:
    """What all agents have in common."""

    @property
    @prop()
    def id(self) -> str:
        """Its identity in this run."""
        return ""

    @property
    @prop(live=True)
    def state(self) -> dict[str, Any]:
        """Its own values."""
        return {}

    @method(overridable=True, errors=("timeout",), example="agent:execute('Hello')")
    async def execute(self, input: dict[str, Any] | str) -> AgentOutput:
        """Works on an input."""
        raise AssertionError

    @method(static=True, name="execute")
    @staticmethod
    async def execute_static(run: Any, agent: str | BaseAgent, input: dict[str, Any] | str) -> AgentOutput:
        """Lets a named agent work on an input."""
        raise AssertionError

    @method()
    def add_tool(self, tool: Tool) -> None:
        """Gives it one more tool."""

    @method()
    def on(self, event: EventName, handler: EventHandler) -> None:
        """Listens to its events."""


@exposed(positional=("system_prompt",), example='local agent = Agent.new{ system_prompt = "You help." }')
class Agent(BaseAgent):
    """An agent with a model."""

    @method(errors=("timeout", "rate_limit"), example="agent:chat('Hello')")
    async def chat(
        self, message: Annotated[str, Doc("The user's turn.")], options: ChatOptions | None = None
    ) -> str | dict[str, Any]:
        """Sends one user turn and gives the answer's text."""
        raise AssertionError

    @method()
    async def stream_chat(self, message: str) -> AsyncIterator[str]:
        """The answer, piece by piece."""
        yield ""

    @method()
    def conversation_history(self) -> list[Turn]:
        """All turns."""
        return []


@exposed(name="ChatAgent")
class ChatAgent(Agent):
    """An agent that chats."""


@exposed(constructible=True)
class Tool:
    """Something a model can call."""

    @property
    @prop()
    def name(self) -> str:
        """What models call it by."""
        return ""

    @method(overridable=True)
    async def execute(self, params: dict[str, Any] | None = None) -> Any:
        """Runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculatorParams:
    expression: str
    """What to work out."""
    precision: int = 12
    """Significant digits."""


class CalculatorResult(TypedDict):
    result: float
    """The value."""


@exposed(
    aliases=("Calculator",),
    tool=ToolMark(
        name="calculator",
        category="math",
        params=CalculatorParams,
        result=CalculatorResult,
        examples=(Example({"expression": "15% of 2500"}, {"result": 375}, "a percentage"),),
    ),
)
class CalculatorTool(Tool):
    """Works out arithmetic."""


CLASSES = (
    HookHandle,
    Hooks,
    EventBus,
    State,
    Async,
    BaseAgent,
    Agent,
    ChatAgent,
    Tool,
    CalculatorTool,
)


@pytest.fixture(scope="session")
def described() -> dict[str, Any]:
    """The registry as `gen` writes it, once through JSON as at run time."""
    classes = {found["name"]: found for found in map(describe_class, CLASSES)}
    value = {
        "classes": classes,
        "tools": {found["tool"]["name"]: name for name, found in classes.items() if found["tool"] is not None},
        "globals": {"params": {"doc": "The spell's parameters.", "schema": {"type": "object"}}},
        "hook_points": [dataclasses.asdict(point) for point in hook_points.POINTS],
        "events": [dataclasses.asdict(kind) for kind in event_kinds.KINDS],
        "event_aliases": event_kinds.ALIASES,
        "fields": fields.FIELDS,
        "errors": [dataclasses.asdict(error) for error in error_classes.CLASSES],
    }
    return json.loads(json.dumps(value))


@pytest.fixture(scope="session")
def registry(described: dict[str, Any]) -> Registry:
    return Registry(described)
