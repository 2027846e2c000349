"""Agent: a BaseAgent with a model. Chats, streams, keeps a history, calls its tools, gives structured answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from llmspell.agents.base import BaseAgent, BaseAgentOptions
from llmspell.agents.conversation import Rules, Turn, converse
from llmspell.agents.directory import Directory
from llmspell.agents.model_call import Asker, shown_calls
from llmspell.agents.texts import AgentOutput, as_json, text_of
from llmspell.api.describe import exposed, method, prop
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError
from llmspell.hooks.table import Context
from llmspell.providers.base import Delta, Image, Message, Provider, Request, ToolSpec
from llmspell.providers.of_run import providers_of
from llmspell.run import Run
from llmspell.tools.tool import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions(BaseAgentOptions):
    system_prompt: str = ""
    """What the model is told before every conversation. The first argument, if it is text: `Agent.new("You are …")`."""
    provider: str | None = None
    """Who answers: openai, anthropic, ollama, …, offline, or litellm to force litellm."""
    model: str | None = None
    """The model, alone or with its provider: `gpt-4o-mini`, `anthropic/claude-sonnet-4-5`."""
    base_url: str | None = None
    """Address of an OpenAI-compatible endpoint."""
    api_key: str | None = None
    """Key for the provider; better in the provider's environment variable."""
    temperature: float | None = None
    """How freely the model chooses its words, 0 to 2."""
    top_p: float | None = None
    """Share of the probability mass that the model chooses from, 0 to 1."""
    max_tokens: int | None = None
    """Longest answer, in tokens."""
    stop: list[str] | None = None
    """Texts that end an answer."""
    seed: int | None = None
    """For repeatable answers, where the provider has them."""
    timeout: float = 120_000
    """Milliseconds for one answer of the model."""
    retries: int = 2
    """How often a failed request (429, 5xx, network) is repeated."""
    max_turns: int = 10
    """Requests to the model in one turn, tool calls included."""
    tool_errors: Literal["return", "fail"] = "return"
    """Whether a failed tool call is told to the model, or fails the chat."""
    actions: list[str] | dict[str, str] | None = None
    """Names that become methods: each is an instruction, or with a table, name to instruction."""


class ChatOptions(TypedDict, total=False):
    schema: dict[str, Any]
    """JSON Schema the answer must fit; the call then gives the value instead of text."""
    temperature: float
    max_tokens: int
    timeout: float
    """Milliseconds for the whole turn."""
    images: list[str]
    """Images for the model: URLs, `data:` URLs."""


class ConversationTurn(TypedDict):
    user_message: str
    assistant_response: str
    tool_calls: list[dict[str, Any]]
    timestamp: float


class ModelName(TypedDict):
    provider: str
    model: str


class Totals(TypedDict):
    input_tokens: int
    output_tokens: int
    total: int
    cost: float


@dataclass(frozen=True, slots=True)
class _Kept:
    """A finished turn of the history."""

    messages: tuple[Message, ...]
    shown: ConversationTurn


@exposed(
    options=AgentOptions,
    positional=("system_prompt",),
    example='local agent = Agent.new{ system_prompt = "You are helpful", tools = { Calculator.new() } }',
)
class Agent(BaseAgent):
    """An agent with a model: it chats, calls its tools as the model asks for them, and remembers the conversation.

    Chats on one agent wait for each other; `execute` runs at once, on the history as it is then.
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

    # -- the directory -------------------------------------------------------------------------------------------

    @method(static=True, errors=("invalid_argument",), result=BaseAgent)
    @staticmethod
    def get(run: Run, name: str) -> BaseAgent:
        """The agent of a name. Raises where there is none, with a suggestion."""
        return run.service(Directory, Directory.of).get(name)

    @method(static=True, name="list")
    @staticmethod
    def list_names(run: Run) -> list[str]:
        """The names of this spell's agents."""
        return run.service(Directory, Directory.of).names()

    @method(static=True, name="execute", errors=("timeout", "rate_limit", "invalid_argument"))
    @staticmethod
    async def execute_named(run: Run, agent: str | BaseAgent, input: Any = None) -> Any:
        """Executes a named agent, or the agent itself: `Agent.execute("researcher", { query = "…", timeout = 30000 })`."""
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
        async with self._queue:
            return (await self._turn(message, options or {}, {})).value

    @method(
        errors=("timeout", "rate_limit"),
        params={"options": ChatOptions | None},
        example='agent:chat_with_context("Summarise it", { document = text })',
    )
    async def chat_with_context(
        self, message: str, context: dict[str, Any], options: dict[str, Any] | None = None
    ) -> Any:
        """Like `chat`, with more for the model to know in this turn only: the context is added to the system prompt."""
        async with self._queue:
            return (await self._turn(message, options or {}, context)).value

    @method(
        errors=("timeout", "rate_limit"),
        params={"options": ChatOptions | None},
        example='for chunk in agent:stream_chat("Tell me a story") do io.write(chunk) end',
    )
    async def stream_chat(
        self, message: str | dict[str, Any], options: dict[str, Any] | None = None
    ) -> AsyncGenerator[str, None]:
        """Like `chat`, giving the answer's text in pieces as they arrive."""
        given = options or {}
        pieces: asyncio.Queue[str | None] = asyncio.Queue(1)  # the model waits for a slow reader

        async def hold() -> None:
            try:
                async with self._queue:
                    await self._turn(message, given, {}, pieces)
            finally:
                await pieces.put(None)

        task = self.run.spawn(hold())
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            await task
        finally:
            task.cancel()
            while not task.done():
                while not pieces.empty():
                    pieces.get_nowait()
                await asyncio.wait((task,), timeout=None, return_when=asyncio.FIRST_COMPLETED)

    @method(result=list[ConversationTurn])
    def conversation_history(self) -> list[ConversationTurn]:
        """The turns so far: `user_message`, `assistant_response`, `tool_calls`, `timestamp` (ms since 1970)."""
        return [kept.shown for kept in self._history]

    @method()
    def clear_history(self) -> None:
        """Forgets the conversation."""
        self._history = []

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
    def llm_provider(self) -> dict[str, Any]:
        """Who answers for this agent: `provider` and `model`."""
        provider, model = self._resolve()
        return {"provider": provider.name, "model": model}

    @property
    @prop()
    def usage(self) -> Totals:
        """Tokens and US dollars of all its turns so far."""
        return self._totals

    # -- actions -------------------------------------------------------------------------------------------------

    @property
    def actions(self) -> dict[str, str]:
        """Its methods by name, each with the instruction it stands for."""
        given = self.options.actions or {}
        return given if isinstance(given, dict) else {name: name.replace("_", " ") for name in given}

    @method(errors=("timeout", "rate_limit"), example='agent:act("summarise in one line", text)')
    async def act(self, name: str, input: Any = None) -> Any:
        """Follows an instruction on an input: the name of an action, or free text."""
        instruction = self.actions.get(name, name)
        text = text_of(input)
        output = await self.executed(f"{instruction}\n\n{text}" if text else instruction)
        return output.value if isinstance(output, AgentOutput) else output

    # -- the work ------------------------------------------------------------------------------------------------

    async def _turn(
        self,
        message: str | dict[str, Any],
        options: dict[str, Any],
        context: dict[str, Any],
        pieces: asyncio.Queue[str | None] | None = None,
    ) -> AgentOutput:
        """A chat is an execution whose input is the message."""
        given = _Given(options, context, pieces)
        token = _given.set(given)
        try:
            async with self.run.effects.deadline(options.get("timeout"), f"agent {self._name}"):
                output = await self.executed(message)
        finally:
            _given.reset(token)
        return output if isinstance(output, AgentOutput) else AgentOutput(text_of(output), output)

    async def overridden(self, input: Any, message: str, context: Context) -> Any:
        if _given.get() is not None:  # a chat is the model's, whatever a script's class makes of execute
            return await self.work(input, message, context)
        return await super().overridden(input, message, context)

    async def work(self, input: Any, message: str, context: Context) -> AgentOutput:
        given = _given.get() or _Given({}, {}, None)
        token = _given.set(None)
        try:
            return await self._ask(input, message, context, given)
        finally:
            _given.reset(token)

    async def _ask(self, input: Any, message: str, context: Context, given: _Given) -> AgentOutput:
        provider, model = self._resolve()
        options, chat = self.options, given.options
        images = chat.get("images") or (input.get("images") if isinstance(input, dict) else None) or ()
        user = Message("user", message, images=tuple(_image(text) for text in images))
        schema: dict[str, Any] | None = chat.get("schema")
        defaults = self.run.settings.defaults
        request = Request(
            model=model,
            messages=(*(m for kept in self._history for m in kept.messages), user),
            system=self._system_with(given.context),
            tools=tuple(_spec(tool) for tool in self._tools),
            temperature=chat.get(
                "temperature", options.temperature if options.temperature is not None else defaults.temperature
            ),
            top_p=options.top_p,
            max_tokens=chat.get("max_tokens", options.max_tokens or defaults.max_tokens),
            stop=tuple(options.stop or ()),
            seed=options.seed,
            schema=schema,
            agent=self._name,
            timeout=options.timeout,
        )
        asker = Asker(
            self.run, self._name, self.facts(), self.hooks, self.deliver, self.tell, _added(context), options.retries
        )
        rules = Rules(
            {tool.name: tool for tool in self._tools}, self.caller, options.max_turns, options.tool_errors, schema
        )
        turn = Turn(message)
        async for delta in converse(asker, provider, request, rules, turn, stream=given.pieces is not None):
            if isinstance(delta, Delta) and given.pieces is not None:
                await given.pieces.put(delta.text)
        self._remember(turn)
        return AgentOutput(turn.content, turn.data, turn.calls, turn.usage, turn.usage.get("cost"), 0.0, self._name)

    def _remember(self, turn: Turn) -> None:
        calls = [call for message in turn.messages for call in shown_calls(message.tool_calls)]
        shown: ConversationTurn = {
            "user_message": turn.messages[0].content,
            "assistant_response": turn.content,
            "tool_calls": turn.calls or calls,
            "timestamp": self.run.log.last_time,
        }
        self._history.append(_Kept(tuple(turn.messages), shown))
        for key in ("input_tokens", "output_tokens", "total"):
            self._totals[key] += turn.usage.get(key) or 0
        self._totals["cost"] += turn.usage.get("cost") or 0.0

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
            self._resolved = found or (providers.recorded(named["provider"]), named["model"])
        return self._resolved


@dataclass(frozen=True, slots=True)
class _Given:
    """What a chat was called with beside its message."""

    options: dict[str, Any]
    context: dict[str, Any]
    pieces: asyncio.Queue[str | None] | None


#: What the running task's chat was called with; None in an execution.
_given: ContextVar[_Given | None] = ContextVar("llmspell_given", default=None)


def _image(text: str) -> Image:
    """`data:image/png;base64,…` or an address. Raises ArgumentError for anything else."""
    if text.startswith("data:"):
        head, _, data = text.removeprefix("data:").partition(",")
        return Image(media_type=head.partition(";")[0], data=data)
    if text.startswith(("http://", "https://")):
        return Image(url=text)
    raise ArgumentError(f"{text[:60]!r} is not an image", hint="give an http(s) address or a data: URL")


def _spec(tool: Tool) -> ToolSpec:
    automatic = not {"write", "exec", "net"} & set(tool.permissions)
    return ToolSpec(tool.name, tool.description, tool.parameters, tool.examples, automatic)


def _added(context: Context) -> Context:
    """The fields that hooks of the execution added: they live on in the calls inside it."""
    known = {"agent_id", "agent_name", "agent_type", "input", "message", "unit"}
    return {key: value for key, value in context.items() if key not in known}
