"""BaseAgent: what every agent is, with or without a model: identity, tools, state, hooks, events, execution.

A script's class extends it and overrides `execute`; the host calls the override back, so hooks, events and traces see
it like any other execution. Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from llmspell.agents.directory import Directory
from llmspell.agents.live_state import LiveState
from llmspell.agents.texts import AgentOutput, text_of
from llmspell.api.describe import exposed, method, prop
from llmspell.api.kinds import EventHandler, EventName, HookHandlers
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError, LlmspellError
from llmspell.events.bus import Bus, Subscription
from llmspell.events.event import Event
from llmspell.events.listeners import listener_of
from llmspell.hooks.handlers import handlers_of
from llmspell.hooks.table import Context, Handler, Since
from llmspell.run import Run, Span
from llmspell.tools import pipeline
from llmspell.tools.tool import Tool
from llmspell.unit import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseAgentOptions:
    id: str | None = None
    """Unique in the run; made up where it is left out."""
    name: str | None = None
    """A person's name for it. A named agent is found by `Agent.get` and `Agent.execute`; the newest of a name wins."""
    tools: list[Tool] | None = None
    """What it may call."""
    hooks: HookHandlers | None = None
    """Its own hooks by hook point, such as `before_llm_call`."""
    state: dict[str, Any] | None = None
    """Its first state."""
    transitions: dict[str, dict[str, str]] | None = None
    """Its state machine: from each status, by event, the next status."""
    capabilities: list[str] | None = None
    """Words for what it can do, for those who choose among agents."""
    metadata: dict[str, Any] | None = None
    """Anything worth knowing about it, for `metadata()`."""


class AgentMetadata(TypedDict):
    id: str
    name: str
    type: str
    tools: list[str]
    capabilities: list[str]
    metadata: dict[str, Any]


class StepResult(TypedDict, total=False):
    output: Any
    error: str


@exposed(
    options=BaseAgentOptions,
    example="local Sorter = BaseAgent:extend()\nfunction Sorter:execute(input) … end\nlocal sorter = Sorter.new{ name = 'sorter' }",
)
class BaseAgent:
    """Anything that takes an input and gives an output, with tools, state, hooks and events around it.

    On its own it does nothing: extend it and override `execute`, or use an Agent, which asks a model.
    """

    #: What `agent_type` says in events and hooks, for a class of the library.
    type_name: str = "base_agent"

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> BaseAgent:
        return cls(run, BaseAgentOptions(**options), script_class)

    def __init__(self, run: Run, options: BaseAgentOptions, script_class: ScriptClass | None) -> None:
        self.run = run
        self.script_class = script_class
        self.agent_type = script_class.name if script_class else self.type_name
        directory = run.service(Directory, Directory.of)
        self._id = options.id or directory.new_id(options.name or self.agent_type)
        self._name = options.name or self._id
        self._tools: list[Tool] = []
        self.hooks: Mapping[str, Handler] = handlers_of(options.hooks)
        self.live_state = LiveState(self, options.state or {})
        self.transitions = options.transitions or {}
        self._capabilities = tuple(options.capabilities or ())
        self._metadata = options.metadata or {}
        self.bus = Bus()
        for tool in options.tools or ():
            self.add_tool(tool)
        directory.register(self)
        self.tell("agent_created", self._name, {"agent_name": self._name, "agent_type": self.agent_type})

    # -- identity ------------------------------------------------------------------------------------------------

    @property
    @prop()
    def id(self) -> str:
        """Its number in the run, or the id it was given."""
        return self._id

    @id.setter
    def id(self, value: str) -> None:
        self._id = value

    @property
    @prop()
    def name(self) -> str:
        """Its name; its id where it was given none."""
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._name = value
        self.run.service(Directory).register(self)

    @method()
    def capabilities(self) -> list[str]:
        """What it says it can do, and the names of its tools."""
        return [*self._capabilities, *(tool.name for tool in self._tools)]

    @method(result=AgentMetadata)
    def metadata(self) -> dict[str, Any]:
        """What is known about it."""
        return {
            "id": self._id,
            "name": self._name,
            "type": self.agent_type,
            "tools": [tool.name for tool in self._tools],
            "capabilities": list(self._capabilities),
            "metadata": self._metadata,
        }

    # -- tools ---------------------------------------------------------------------------------------------------

    @property
    @prop()
    def tools(self) -> list[Tool]:
        """Its tools, in the order they were added."""
        return list(self._tools)

    @tools.setter
    def tools(self, value: list[Tool]) -> None:
        self._tools = []
        for tool in value:
            self.add_tool(tool)

    @method(errors=("invalid_argument",), example="agent:add_tool(Calculator.new())")
    def add_tool(self, tool: Tool) -> None:
        """Gives it one more tool. Two tools of an agent cannot have one name."""
        if any(tool.name == other.name for other in self._tools):
            raise ArgumentError(
                f"{self._name} already has a tool named {tool.name!r}", hint="give one of them another name"
            )
        self._tools.append(tool)

    def tool_named(self, name: str) -> Tool:
        """The tool of a name, in snake_case or kebab-case. Raises ArgumentError, listing what there is."""
        wanted = name.replace("-", "_")
        for tool in self._tools:
            if tool.name.replace("-", "_") == wanted:
                return tool
        names = ", ".join(tool.name for tool in self._tools) or "none"
        raise ArgumentError(f"{self._name} has no tool named {name!r}", hint=f"its tools: {names}")

    # -- execution -----------------------------------------------------------------------------------------------

    @method(
        overridable=True,
        errors=("timeout", "tool", "rate_limit"),
        example="local out = agent:execute{ query = 'What is new?' }",
    )
    async def execute(self, input: Any = None) -> Any:
        """Works on an input (text or a table) and gives `{content, data, tool_calls, usage, cost, duration, agent}`,
        which reads as its text wherever a string is wanted. `timeout` in the input is in milliseconds."""
        timeout = input.get("timeout") if isinstance(input, dict) else None
        limit = float(timeout) if isinstance(timeout, int | float) and not isinstance(timeout, bool) else None
        async with self.run.effects.deadline(limit, f"agent {self._name}"):
            return await self.executed(input)

    async def base_execute(self, input: Any = None) -> Any:
        """What `super.execute(input)` in a script's class gives."""
        return await self.work(input, text_of(input), {})

    async def executed(self, input: Any) -> Any:
        """One execution: span, hooks, errors and retries around the work."""
        data = {"agent_name": self._name, "agent_type": self.agent_type, "input": input}
        facts = self.facts()
        if isinstance(input, dict) and isinstance(user := input.get("user_id"), str):
            facts["user_id"] = user
        unit = Unit(self.run, "execute", {**facts, "input": input}, self.tell, self._name, None, self.hooks)
        with self.run.spanned("execution_started", "execution_completed", self._name, data, self.deliver) as span:
            span.data.update(agent_name=self._name, agent_type=self.agent_type)
            output = await unit.attempt(lambda: self._attempt(input, facts, span))
            span.data["output"] = output.value if isinstance(output, AgentOutput) else output
            if isinstance(output, AgentOutput):
                span.data["usage"] = output.usage
        return _timed(output, span)

    async def _attempt(self, input: Any, facts: Context, span: Span) -> Any:
        ask = self.run.hooks.ask
        context: Context = {**facts, "input": _table(input), "message": text_of(input)}
        before = dict(context)
        if self.run.hooks.wants("before_execute", self.hooks):
            context = await ask("before_execute", context, agent=self._name, own=self.hooks)
        given, message = _as_changed(input, before, context)
        output = await self.overridden(given, message, context)
        if self.run.hooks.wants("after_execute", self.hooks):
            shown = output.value if isinstance(output, AgentOutput) else output
            asked = {**context, "input": given, "output": shown, "duration": Since(span.started), **_figures(output)}
            changed = await ask("after_execute", asked, agent=self._name, own=self.hooks)
            if changed["output"] != shown:
                output = _replaced(output, changed["output"])
        return output

    async def overridden(self, input: Any, message: str, context: Context) -> Any:
        """The work of a script's own class, else this one's."""
        override = self.script_class.overrides.get("execute") if self.script_class else None
        if override is not None:
            return await override(self, input)
        return await self.work(input, message, context)

    async def work(self, input: Any, message: str, context: Context) -> Any:
        """What an execution does. message: the input as text, as hooks left it; context: fields that hooks added."""
        raise LlmspellError(
            f"{self._name} does not know how to execute: a {self.agent_type} has no work of its own",
            hint="override execute in your class, or use Agent, which asks a model",
        )

    @method(result=StepResult, errors=())
    async def execute_step(self, step: dict[str, Any], input: Any = None) -> dict[str, Any]:
        """Runs one step `{tool = "csv-reader", action = "read"}` on an input: gives `{output}` or `{error}`.

        The tool is one of this agent's. A table input becomes the tool's arguments, together with the step's
        `action` as `operation` where the tool has one; other inputs are its first required argument.
        """
        try:
            name = step.get("tool")
            if not isinstance(name, str):
                raise ArgumentError("the step names no tool", hint='a step is { tool = "name", action = "…" }')
            tool = self.tool_named(name)
            output = await pipeline.call(tool, _step_params(tool, step, input), self.caller())
        except LlmspellError as error:
            return {"error": error.message}
        return {"output": output.content}

    # -- state ---------------------------------------------------------------------------------------------------

    @property
    @prop(live=True)
    def state(self) -> dict[str, Any]:
        """Its state, a live table: reading and writing fields is reading and changing it."""
        return self.live_state.values

    @method(example='agent:set_state("processing")')
    def set_state(self, status: str) -> None:
        """Sets `state.status`."""
        self.live_state.write(["status"], status)

    @method(errors=("invalid_argument",), example='agent:transition("start")')
    def transition(self, event: str) -> str:
        """Follows the state machine of `transitions` from the present status and gives the new one."""
        present = str(self.live_state.values.get("status", "idle"))
        following = self.transitions.get(present, {})
        if event not in following:
            known = ", ".join(following) or "none"
            raise ArgumentError(
                f"{self._name} cannot {event!r} while it is {present!r}", hint=f"events from there: {known}"
            )
        self.live_state.write(["status"], following[event])
        return following[event]

    # -- events --------------------------------------------------------------------------------------------------

    @method(example='agent:on("tool_called", function(event) print(event.tool_name) end)')
    def on(self, event: EventName, handler: EventHandler) -> Subscription:
        """Calls `handler` with the payload of each such event of this agent. `tool:*` is a pattern; a handler of `*` gets
        `(event_type, data)`."""
        return self.bus.on(event, listener_of(handler))

    @method()
    def once(self, event: EventName, handler: EventHandler) -> Subscription:
        """Like `on`, for the next such event only."""
        return self.bus.on(event, listener_of(handler), once=True)

    @method()
    def off(self, event: EventName, handler: EventHandler | None = None) -> int:
        """Stops calling a handler, or all of the event's handlers; gives how many."""
        return self.bus.off(event, None if handler is None else listener_of(handler))

    @method(example='agent:emit("progress", { done = 3 })')
    def emit(self, event: EventName, data: dict[str, Any] | None = None) -> None:
        """Emits an event of your own, to this agent's listeners and the global bus."""
        self.deliver(self.run.note("custom", event, {**(data or {}), "agent_name": self._name}))

    def tell(self, kind: str, name: str, data: dict[str, Any]) -> Event:
        """An event of this agent: in the log, to its listeners, to the bus."""
        event = self.run.note(kind, name, {"agent_name": self._name, **data})
        self.deliver(event)
        return event

    def deliver(self, event: Event) -> None:
        name = event.name if event.kind == "custom" else event.kind
        if self.bus.listens(name):
            self.bus.publish(name, {**self.run.payload(event), "agent_id": self._id})
        if self.run.bus.listens(name):
            self.run.bus.publish(name, {**self.run.payload(event), "agent_id": self._id})

    def facts(self) -> Context:
        """Whose a hook's context is."""
        return {"agent_id": self._id, "agent_name": self._name, "agent_type": self.agent_type}

    def caller(self, call_id: str = "") -> pipeline.Caller:
        return pipeline.Caller(self._name, self.facts(), self.hooks, self.deliver, call_id)


def _table(input: Any) -> Any:
    """Handlers find the input as a table, text under `message`."""
    return {"message": input} if isinstance(input, str) else input


def _as_changed(input: Any, before: Context, after: Context) -> tuple[Any, str]:
    """The input and the text to send, as handlers left them: a changed `message` wins over a changed `input`."""
    given = after["input"]
    if isinstance(input, str) and isinstance(given, dict) and set(given) == {"message"}:
        given = given["message"]
    if after["message"] != before["message"]:
        return given, str(after["message"])
    return given, text_of(given)


def _figures(output: Any) -> Context:
    if isinstance(output, AgentOutput):
        return {"tool_calls": output.tool_calls, "token_usage": output.usage}
    return {"tool_calls": [], "token_usage": {}}


def _replaced(output: Any, value: Any) -> Any:
    if not isinstance(output, AgentOutput):
        return value
    text = value if isinstance(value, str) else text_of(value)
    data = None if isinstance(value, str) else value
    return AgentOutput(text, data, output.tool_calls, output.usage, output.cost, output.duration, output.agent)


def _timed(output: Any, span: Span) -> Any:
    if not isinstance(output, AgentOutput):
        return output
    taken = round(span.ended - span.started, 3)
    return AgentOutput(output.content, output.data, output.tool_calls, output.usage, output.cost, taken, output.agent)


def _step_params(tool: Tool, step: dict[str, Any], input: Any) -> dict[str, Any]:
    known: dict[str, Any] = tool.parameters.get("properties", {})
    params: dict[str, Any] = {}
    if isinstance(input, dict):
        params.update(input)
    elif input is not None:
        required: list[str] = [name for name in tool.parameters.get("required", ()) if name != "operation"]
        if required:
            params[required[0]] = input
    if isinstance(action := step.get("action"), str) and "operation" in known:
        params.setdefault("operation", action)
    if isinstance(more := step.get("params"), dict):
        params.update(more)
    return params
