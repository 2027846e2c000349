"""AgentTool: an agent as a tool of another, so that a model can ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from llmspell.agents.agent import Agent
from llmspell.agents.base import BaseAgent
from llmspell.agents.texts import text_of
from llmspell.api.bounds import Milliseconds
from llmspell.api.describe import exposed, method
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError
from llmspell.hooks.ready import HookOption
from llmspell.run import Run
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.tool import Tool

_PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "description": "Message to send to the agent"},
        "context": {"type": "object", "description": "Additional context for the agent"},
    },
    "required": ["message"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentToolOptions:
    agent: BaseAgent | None = None
    """The agent to ask."""
    name: str = ""
    """The tool's name; the agent's own where it is left out."""
    description: str = ""
    """When to ask it, written for a model."""
    timeout: Milliseconds = 300_000
    """Milliseconds it may take."""
    hooks: HookOption | None = None
    """The tool's own hooks by hook point."""


@exposed(
    options=AgentToolOptions,
    positional=("agent", "name", "description"),
    example='AgentTool.wrap(researcher, "research", "Finds and summarises sources")',
)
class AgentTool(Tool):
    """An agent wrapped as a tool: takes `message` and `context`, gives `{response}`."""

    #: The agent's own calls are recorded; the wrapping runs again in a replay.
    recorded = False
    category = "agent"

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> AgentTool:
        return cls(AgentToolOptions(**options)).attach(run, options, script_class)

    def __init__(self, options: AgentToolOptions) -> None:
        """Raises ArgumentError where no agent is given."""
        if options.agent is None:
            raise ArgumentError("missing 'agent'", hint='AgentTool.wrap(agent, "name", "description")')
        self.agent = options.agent
        self._name = options.name or self.agent.name
        self._description = options.description or f"Ask the agent {self.agent.name}"
        self.timeout = options.timeout

    @method(static=True, example='AgentTool.wrap(coder, "coder", "Writes and reviews code")')
    @staticmethod
    def wrap(run: Run, agent: BaseAgent, name: str = "", description: str = "") -> AgentTool:
        """The agent as a tool."""
        return AgentTool.create(run, {"agent": agent, "name": name, "description": description}, None)

    @property
    def name(self) -> str:
        return self._name

    @property
    def description(self) -> str:
        return self._description

    @property
    def parameters(self) -> dict[str, Any]:
        return _PARAMETERS

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        message, more = params["message"], params.get("context") or {}
        if isinstance(self.agent, Agent) and self.agent.script_class is None:
            response = await self.agent.chat_with_context(message, more)
        else:
            response = await self.agent.value({"message": message, **({"context": more} if more else {})})
        metadata = {"agent_id": self.agent.id, "agent_type": "wrapped_agent"}
        return ToolOutput({"response": text_of(response)}, metadata)
