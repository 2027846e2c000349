"""BaseAgent: what every agent is, with or without a model: identity, tools, state, hooks, events, execution.

A script's class extends it and overrides `execute`; the host calls the override back, so hooks, events and traces see
it like any other execution. Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from llmspell.agents import execution, steps
from llmspell.agents.beginning import Beginning
from llmspell.agents.directory import Directory
from llmspell.agents.live_state import LiveState
from llmspell.agents.texts import text_of
from llmspell.api.callback import Callback
from llmspell.api.describe import exposed, method, prop
from llmspell.api.kinds import AgentName, EventHandler, EventName
from llmspell.api.objects import ScriptClass
from llmspell.emission import Emitter, WaitOptions, listen, wait_for
from llmspell.errors import ArgumentError, LlmspellError
from llmspell.events.bus import Bus, Subscription
from llmspell.events.event import Event
from llmspell.events.listeners import ListenerOptions
from llmspell.hooks.handlers import handlers_of
from llmspell.hooks.ready import HookOption
from llmspell.hooks.table import FINAL, Context, Handler
from llmspell.run import Run
from llmspell.tools import pipeline
from llmspell.tools.tool import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseAgentOptions:
    id: AgentName | None = None
    """Unique in the run; made up where it is left out."""
    name: AgentName | None = None
    """A person's name for it. A named agent is found by `Agent.get` and `Agent.execute`; the newest of a name wins."""
    tools: list[Tool] | None = None
    """What it may call."""
    hooks: HookOption | None = None
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
    example="local Sorter = BaseAgent:extend()\nfunction Sorter:execute(input) … end\n"
    "local sorter = Sorter.new{ name = 'sorter' }",
)
class BaseAgent:
    """Anything that takes an input and gives an output, with tools, state, hooks and events around it.

    On its own it does nothing: extend it and override `execute`, or use an Agent, which asks a model.
    """

    #: What `agent_type` says in events and hooks, for a class of the library.
    type_name: str = "base_agent"
    #: Whose its state is, as events, hooks and `State.scope` say it.
    scope: Literal["agent", "workflow"] = "agent"

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
        self.live_state = LiveState(self, options.state or {}, self.scope)
        self.transitions = options.transitions or {}
        self._capabilities = tuple(options.capabilities or ())
        self._metadata = options.metadata or {}
        self.bus = Bus()
        for tool in options.tools or ():
            self.add_tool(tool)
        older = directory.register(self)
        self.beginning = Beginning.of(self, options, lambda: directory.forget(self, older))
        self.tell("agent_created", self._name, {"agent_id": self._id, "agent_type": self.agent_type})
        self.live_state.announce()

    def change_options(self, changes: dict[str, Any]) -> None:
        """Works with other options from now on, as a handler of `before_init` wants it."""
        self._capabilities = tuple(changes.get("capabilities", self._capabilities))
        self._metadata = changes.get("metadata", self._metadata)

    # -- identity ------------------------------------------------------------------------------------------------

    @property
    @prop()
    def id(self) -> AgentName:
        """Its number in the run, or the id it was given."""
        return self._id

    @id.setter
    def id(self, value: str) -> None:
        self._id = value

    @property
    @prop()
    def name(self) -> AgentName:
        """Its name; its id where it was given none."""
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        before, self._name = self._name, value
        self.run.service(Directory).rename(self, before)

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
        return await self._executed(input, self._own_work)

    async def _executed(self, input: Any, work: execution.Work, action: str = "") -> Any:
        """One execution, within the time that the input allows."""
        if self.run.control is not None:
            await execution.let_through(self, input)
        async with self.run.effects.deadline(_timeout(input), f"agent {self._name}"):
            return await execution.execute(self, input, work, action=action)

    async def base_execute(self, input: Any = None) -> Any:
        """What `super.execute(input)` in a script's class gives: the work alone, inside the execution under way."""
        return await self.work(input, text_of(input), {})

    async def _own_work(self, input: Any, message: str, context: Context) -> Any:
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

    async def act(self, name: str, input: Any = None) -> Any:
        """Works on an input in the way that an action names: who has no model finds it under `action`."""
        given = input if isinstance(input, dict) else {"message": text_of(input)}
        return await self.value({**given, "action": name})

    async def value(self, input: Any) -> Any:
        """What executing it gives another part of llmspell: the structured answer, else the text; a function that a
        script's class gave instead (`coroutine.wrap`) is called for its value."""
        output = await self.execute(input)
        while isinstance(output, Callback):
            output = await output()
        return execution.value_of(output)

    @method(result=StepResult, errors=())
    async def execute_step(self, step: dict[str, Any], input: Any = None) -> dict[str, Any]:
        """Runs one step `{tool = "csv-reader", action = "read"}` on an input: gives `{output}` or `{error}`.

        The tool is one of this agent's. A table input becomes the tool's arguments, together with the step's
        `action` as `operation` where the tool has one; other inputs are its first required argument.
        """
        try:
            tool = self.tool_named(steps.tool_name(step))
            with tool.run.takes(True):
                output = await pipeline.call(tool, steps.params_of(tool, step, input), self.caller({}))
        except FINAL:
            raise
        except LlmspellError as error:
            return {"error": error.message}
        return {"output": output.content}

    # -- state ---------------------------------------------------------------------------------------------------

    @property
    @prop(live=True)
    def state(self) -> dict[str, Any]:
        """Its state, a live table: reading and writing fields is reading and changing it."""
        return self.live_state.values

    @method(result=type(None), example='agent:set_state("processing")')
    def set_state(self, status: str) -> Any:
        """Sets `state.status`."""
        return self.live_state.write(["status"], status)

    @method(errors=("invalid_argument",), result=str, example='agent:transition("start")')
    def transition(self, event: str) -> Any:
        """Follows the state machine of `transitions` from the present status (`idle` at first) and gives the new one.
        Raises where the machine does not allow the event, listing those it allows."""
        return self.live_state.transition(self.transitions, event)

    @method(errors=("timeout", "rate_limit", "tool"), example='researcher:hand_over("writer", "Write it up")')
    async def hand_over(self, to: AgentName | BaseAgent, input: Any = None) -> Any:
        """Lets another agent go on with an input, and gives what it makes of it. Values that a StateHandoff names
        between the two are handed over first."""
        from llmspell.agents import handoff  # knows agents

        return await handoff.hand_over(self, to, input)

    # -- events --------------------------------------------------------------------------------------------------

    @method(example='agent:on("tool_called", function(event) print(event.tool_name) end)')
    def on(self, event: EventName, handler: EventHandler, options: ListenerOptions | None = None) -> Subscription:
        """Calls `handler` with the payload of each such event of this agent. `tool:*` is a pattern; a handler of `*`
        gets `(event_type, data)`. options: how it copes when it falls behind."""
        return listen(self.run, self.bus, event, handler, options)

    @method()
    def once(self, event: EventName, handler: EventHandler) -> Subscription:
        """Like `on`, for the next such event only."""
        return listen(self.run, self.bus, event, handler, once=True)

    @method()
    def off(self, event: EventName, handler: EventHandler | None = None) -> int:
        """Stops calling a handler, or all of the event's handlers; gives how many."""
        return self.bus.off(event, handler)

    @method(result=type(None), errors=("invalid_argument",), example='agent:emit("progress", { done = 3 })')
    def emit(self, event: EventName, data: dict[str, Any] | None = None) -> Any:
        """Emits an event of your own, to this agent's listeners and the global bus."""
        return self._emitter.emit(event, data)

    @method(errors=("timeout",), example='local event = agent:wait_for("progress", { timeout = 5000 })')
    async def wait_for(self, event: EventName, options: WaitOptions | None = None) -> Any:
        """Waits for the next such event of this agent and gives its payload."""
        return await wait_for(self.run, self.bus, event, options)

    @property
    def _emitter(self) -> Emitter:
        def note(event: str, data: dict[str, Any]) -> Event:
            return self.run.note("custom", event, {**data, "agent_name": self._name})

        return Emitter(self.run, (self.bus, self.run.bus), note, self.deliver, self._name, (self.hooks,))

    def tell(self, kind: str, name: str, data: dict[str, Any]) -> Event:
        """An event of this agent: in the log, to its listeners, to the bus."""
        event = self.run.note(kind, name, {"agent_name": self._name, **data})
        self.deliver(event)
        return event

    def deliver(self, event: Event) -> None:
        """Tells this agent's listeners, then the bus's."""
        name = event.name if event.kind == "custom" else event.kind
        own, all_of_run = self.bus.listens(name), self.run.bus.listens(name)
        if own or all_of_run:
            payload = {"agent_id": self._id, **self.run.payload(event)}
            if own:
                self.bus.publish(name, payload)
            if all_of_run:
                self.run.bus.publish(name, payload)

    @property
    def identity(self) -> Context:
        """Whose a hook's context is."""
        return {"agent_id": self._id, "agent_name": self._name, "agent_type": self.agent_type}

    def caller(self, context: Context) -> pipeline.Caller:
        """This agent as one that calls tools. context: fields that hooks of the execution added."""
        return pipeline.Caller(self._name, {**context, **self.identity}, self.hooks, self.deliver)


def _timeout(input: Any) -> float | None:
    given = input.get("timeout") if isinstance(input, dict) else None
    if given is None:
        return None
    if not isinstance(given, int | float) or isinstance(given, bool) or not given > 0:
        raise ArgumentError(f"timeout must be a number of milliseconds above 0, not {given!r}")
    return float(given)
