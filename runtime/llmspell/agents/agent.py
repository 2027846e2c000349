"""Agent: a BaseAgent with a model. Chats, streams, keeps a history, calls its tools, gives structured answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import field, replace
from typing import Any, Final

from llmspell.agents import execution
from llmspell.agents.base import BaseAgent
from llmspell.agents.conversation import Rules, Turn, converse
from llmspell.agents.directory import Directory
from llmspell.agents.model_call import Asker
from llmspell.agents.options import AgentOptions, ChatOptions, ConversationTurn, ModelName, Totals
from llmspell.agents.pieces import Pieces
from llmspell.agents.texts import AgentOutput, as_json, text_of
from llmspell.api.describe import exposed, method, prop
from llmspell.api.kinds import AgentName
from llmspell.api.objects import ScriptClass
from llmspell.frozen import frozen
from llmspell.hooks.table import Context
from llmspell.providers.base import Image, Message, Provider, Request, ToolSpec
from llmspell.providers.of_run import providers_of
from llmspell.run import Run
from llmspell.security.schemas import ForeignChecker
from llmspell.tools.tool import Tool


@frozen
class _Kept:
    """A finished turn of the history."""

    messages: tuple[Message, ...]
    shown: ConversationTurn


@frozen
class _Call:
    """How a turn is called for. context: more for the model to know; pieces: takes the answer as it comes; kept:
    whether the turn becomes part of the history; tools: whether the model may call them."""

    options: dict[str, Any] = field(default_factory=dict[str, Any])
    context: dict[str, Any] = field(default_factory=dict[str, Any])
    pieces: Pieces | None = None
    kept: bool = True
    tools: bool = True

    @property
    def repeatable(self) -> bool:
        return self.pieces is None or not self.pieces.given


_EXECUTION: Final = _Call(kept=False)


@exposed(
    options=AgentOptions,
    positional=("system_prompt",),
    example='local agent = Agent.new{ system_prompt = "You are helpful", tools = { Calculator.new() } }',
)
class Agent(BaseAgent):
    """An agent with a model: it chats, calls its tools as the model asks for them, and remembers the conversation.

    Chats on one agent wait for each other and are its history; `execute` runs at once, on a snapshot of it.
    """

    type_name = "agent"

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Agent:
        return cls(run, AgentOptions(**options), script_class)

    def __init__(self, run: Run, options: AgentOptions, script_class: ScriptClass | None) -> None:
        self.options = options
        self._system = options.system_prompt
        self._history: list[_Kept] = []
        self._queue = asyncio.Lock()
        self._resolved: tuple[Provider, str] | None = None
        self._totals: Totals = {"input_tokens": 0, "output_tokens": 0, "total": 0, "cost": 0.0}
        super().__init__(run, options, script_class)

    def change_options(self, changes: dict[str, Any]) -> None:
        super().change_options(changes)
        self.options = replace(self.options, **changes)
        self._system = self.options.system_prompt
        self._resolved = None

    # -- the directory -------------------------------------------------------------------------------------------

    @method(static=True, errors=("invalid_argument",), result=BaseAgent)
    @staticmethod
    def get(run: Run, name: AgentName) -> BaseAgent:
        """The agent of a name. Raises where there is none, with a suggestion."""
        return run.service(Directory, Directory.of).get(name)

    @method(static=True, name="list")
    @staticmethod
    def list_names(run: Run) -> list[str]:
        """The names of this spell's agents."""
        return run.service(Directory, Directory.of).names()

    @method(static=True, name="execute", errors=("timeout", "rate_limit", "invalid_argument"))
    @staticmethod
    async def execute_named(run: Run, agent: AgentName | BaseAgent, input: Any = None) -> Any:
        """Executes a named agent, or the agent itself: `Agent.execute("researcher", { query = "…", timeout = 500})`."""
        found = run.service(Directory, Directory.of).get(agent) if isinstance(agent, str) else agent
        return await found.execute(input)

    # -- chatting ------------------------------------------------------------------------------------------------

    @method(
        errors=("timeout", "rate_limit", "auth", "network", "validation", "max_turns"),
        params={"options": ChatOptions | None},
        example='local answer = agent:chat("What is 15% of 2500?")',
    )
    async def chat(self, message: str | dict[str, Any], options: dict[str, Any] | None = None) -> Any:
        """Sends one user turn and gives the answer's text, or with a `schema` the value that fits it."""
        return (await self._turn(message, _Call(options or {}))).value

    @method(
        errors=("timeout", "rate_limit"),
        params={"options": ChatOptions | None},
        example='agent:chat_with_context("Summarise it", { document = text })',
    )
    async def chat_with_context(
        self, message: str | dict[str, Any], context: dict[str, Any], options: dict[str, Any] | None = None
    ) -> Any:
        """Like `chat`, with more for the model to know in this turn only: the context is added to the system prompt."""
        return (await self._turn(message, _Call(options or {}, context))).value

    @method(
        errors=("timeout", "rate_limit"),
        params={"options": ChatOptions | None},
        example='for chunk in agent:stream_chat("Tell me a story") do io.write(chunk) end',
    )
    async def stream_chat(
        self, message: str | dict[str, Any], options: dict[str, Any] | None = None
    ) -> AsyncGenerator[str, None]:
        """Like `chat`, giving the answer's text in pieces as they arrive. Left early, the answer is not kept."""
        pieces = Pieces()
        turn = self.run.spawn(self._turn(message, _Call(options or {}, pieces=pieces)))
        async with aclosing(pieces.of(turn)) as given:
            async for piece in given:
                yield piece

    @method(result=list[ConversationTurn])
    def conversation_history(self) -> list[ConversationTurn]:
        """The turns so far: `user_message`, `assistant_response`, `tool_calls`, `timestamp` (ms since 1970)."""
        return [kept.shown for kept in self._history]

    @method()
    def clear_history(self) -> None:
        """Forgets the conversation."""
        self._history = []

    @property
    def is_chatting(self) -> bool:
        """Whether a turn of its conversation is under way: the next one waits for it."""
        return self._queue.locked()

    # -- the model -----------------------------------------------------------------------------------------------

    @property
    @prop()
    def system_prompt(self) -> str:
        """What the model is told before every conversation."""
        return self._system

    @system_prompt.setter
    def system_prompt(self, value: str) -> None:
        self._system = value

    @method()
    def set_system_prompt(self, prompt: str) -> None:
        """Changes the system prompt from the next turn on."""
        self._system = prompt

    @property
    @prop()
    def provider(self) -> str:
        """The name of the provider that answers."""
        return self.llm_provider()["provider"]

    @property
    @prop()
    def model(self) -> str:
        """The model's name at its provider."""
        return self.llm_provider()["model"]

    @method(result=ModelName)
    def llm_provider(self) -> ModelName:
        """Who answers for this agent: `provider` and `model`."""
        provider, model = self._resolve()
        return {"provider": provider.name, "model": model}

    @property
    @prop()
    def usage(self) -> Totals:
        """Tokens and US dollars of all its turns so far."""
        return {**self._totals}

    # -- actions -------------------------------------------------------------------------------------------------

    @property
    def actions(self) -> dict[str, str]:
        """Its methods by name, each with the instruction it stands for."""
        given = self.options.actions or {}
        return given if isinstance(given, dict) else {name: name.replace("_", " ") for name in given}

    def knows(self, action: str) -> bool:
        """Whether an action is a method of the agent's kind, with a prompt and a shape of its own."""
        return False

    @method(errors=("timeout", "rate_limit"), example='agent:act("summarise in one line", text)')
    async def act(self, name: str, input: Any = None) -> Any:
        """Follows an instruction on an input: the name of an action, or free text. Gives the answer's value."""
        instruction = self.actions.get(name, name)
        text = text_of(input)
        return await self.value(f"{instruction}\n\n{text}" if text else instruction)

    # -- the work ------------------------------------------------------------------------------------------------

    async def _turn(self, message: str | dict[str, Any], call: _Call) -> AgentOutput:
        """A turn of the conversation is an execution whose work is the model's, whatever a script's class makes of
        `execute`."""

        async def work(input: Any, message: str, context: Context) -> AgentOutput:
            return await self._ask(input, message, context, call)

        if self.run.control is not None:
            await execution.let_through(self, message)
        limit = call.options.get("timeout")
        with self.run.holding(self, f"agent {self._name!r}"):
            return await self._queued(message, work, call, limit)

    async def _queued(
        self, message: str | dict[str, Any], work: execution.Work, call: _Call, limit: float | None
    ) -> Any:
        async with self._queue, self.run.effects.deadline(limit, f"agent {self._name}"):
            return await execution.execute(self, message, work, lambda: call.repeatable)

    async def work(self, input: Any, message: str, context: Context) -> AgentOutput:
        return await self._ask(input, message, context, _EXECUTION)

    async def answer(
        self,
        input: Any,
        words: Callable[[Any], str],
        options: dict[str, Any],
        action: str = "",
        *,
        tools: bool = True,
        data: Callable[[Any], Any] | None = None,
    ) -> AgentOutput:
        """An execution in words of llmspell's own. words: puts the input, as hooks left it, into the user's turn;
        options: as those of a chat; action: the method that it is; tools: whether the model may call them; data: what
        becomes of a structured answer."""

        async def work(given: Any, message: str, context: Context) -> AgentOutput:
            output = await self._ask(given, words(given), context, _Call(options, kept=False, tools=tools))
            return output if data is None else replace(output, data=data(output.data))

        return await self._executed(input, work, action)

    async def _ask(self, input: Any, message: str, context: Context, call: _Call) -> AgentOutput:
        if call.kept:
            await self._before_turn(context)
        provider, model = self._resolve()
        turn, schema = Turn(message), call.options.get("schema")
        checker = None if schema is None else ForeignChecker(schema, "the answer's schema")
        rules = Rules(
            tools={tool.name: tool for tool in self._tools},
            caller=self.caller(context),
            max_turns=self.options.max_turns,
            tool_errors=self.options.tool_errors,
            checker=checker,
        )
        asker = self._asker(context, call.pieces)
        await converse(asker, provider, self._request(input, message, model, call, checker), rules, turn)
        self._count(turn.usage)
        if call.kept:
            self._remember(turn)
        return AgentOutput(turn.content, turn.data, turn.calls, turn.usage, turn.usage.get("cost"), 0.0, self._name)

    def _asker(self, context: Context, pieces: Pieces | None = None) -> Asker:
        """Itself, as one that asks a model. context: fields that hooks of the execution added."""
        return Asker(
            run=self.run,
            name=self._name,
            identity=self.identity,
            added=context,
            hooks=(self.hooks,),
            deliver=self.deliver,
            tell=self.tell,
            retries=self.options.retries,
            pieces=pieces,
        )

    async def _before_turn(self, context: Context) -> None:
        """What a turn of the conversation needs done first: nothing, unless a subclass's memory does."""

    def _past(self) -> list[tuple[Message, ...]]:
        """The messages of earlier turns that the model is shown, turn by turn."""
        return [kept.messages for kept in self._history]

    def _request(self, input: Any, message: str, model: str, call: _Call, checker: ForeignChecker | None) -> Request:
        options, chat, defaults = self.options, call.options, self.run.settings.defaults
        images = chat.get("images") or (input.get("images") if isinstance(input, dict) else None)
        user = Message("user", message, images=Image.several(images or []))
        temperature = defaults.temperature if options.temperature is None else options.temperature
        return Request(
            model=model,
            messages=(*(message for turn in self._past() for message in turn), user),
            system=self._system_with(call.context),
            tools=tuple(map(_spec, self._tools)) if call.tools else (),
            temperature=chat.get("temperature", temperature),
            top_p=options.top_p,
            max_tokens=chat.get("max_tokens", options.max_tokens or defaults.max_tokens),
            stop=tuple(options.stop or ()),
            seed=options.seed,
            schema=None if checker is None else checker.schema,
            agent=self._name,
            timeout=options.timeout,
        )

    def _remember(self, turn: Turn) -> None:
        shown: ConversationTurn = {
            "user_message": turn.messages[0].content,
            "assistant_response": turn.content,
            "tool_calls": turn.calls,
            "timestamp": self.run.log.last_time,
        }
        self._history.append(_Kept(tuple(turn.messages), shown))

    def _count(self, usage: dict[str, Any]) -> None:
        for key in ("input_tokens", "output_tokens", "total"):
            self._totals[key] += usage.get(key) or 0
        self._totals["cost"] += usage.get("cost") or 0.0

    def _system_with(self, context: dict[str, Any]) -> str:
        if not context:
            return self._system
        return f"{self._system}\n\nContext:\n{as_json(context)}".strip()

    def _resolve(self) -> tuple[Provider, str]:
        if self._resolved is None:
            options = self.options
            wanted = {"model": options.model, "provider": options.provider, "base_url": options.base_url}
            providers = providers_of(self.run)
            found: tuple[Provider, str] | None = None

            def look() -> dict[str, str]:
                nonlocal found
                found = providers.resolve(**wanted, api_key=options.api_key)
                return {"provider": found[0].name, "model": found[1]}

            named = self.run.effects.read("model", self._name, wanted, look)
            if found is None and self.run.effects.resumes:  # it will be asked when the recording has ended
                found = providers.resolve(**wanted, api_key=options.api_key)[0], named["model"]
            self._resolved = found or (providers.recorded(named["provider"]), named["model"])
        return self._resolved


def _spec(tool: Tool) -> ToolSpec:
    automatic = not {"write", "exec", "net"} & set(tool.permissions)
    return ToolSpec(tool.name, tool.description, tool.parameters, tool.examples, automatic)
