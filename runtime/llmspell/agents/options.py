"""What an Agent is made with, what its chats are called with, and the shapes it gives, as scripts see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from llmspell.agents.base import BaseAgentOptions
from llmspell.api import kinds
from llmspell.api.bounds import Bounds, Count, Milliseconds, Times

Temperature = Annotated[float, Bounds(ge=0, le=2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions(BaseAgentOptions):
    system_prompt: str = ""
    """What the model is told before every conversation. The first argument, if it is text."""
    provider: kinds.ProviderName | None = None
    """Who answers: openai, anthropic, ollama, …, offline, or litellm to force litellm."""
    model: kinds.ModelName | None = None
    """The model, alone or with its provider: `gpt-4o-mini`, `anthropic/claude-sonnet-4-5`."""
    base_url: str | None = None
    """Address of an OpenAI-compatible endpoint."""
    api_key: str | None = None
    """Key for the provider; better in the provider's environment variable."""
    temperature: Temperature | None = None
    """How freely the model chooses its words, 0 to 2."""
    top_p: Annotated[float, Bounds(ge=0, le=1)] | None = None
    """Share of the probability mass that the model chooses from, 0 to 1."""
    max_tokens: Count | None = None
    """Longest answer, in tokens."""
    stop: list[str] | None = None
    """Texts that end an answer."""
    seed: int | None = None
    """For repeatable answers, where the provider has them."""
    timeout: Milliseconds = 120_000
    """Milliseconds for one answer of the model."""
    retries: Times = 2
    """How often a failed request (429, 5xx, network) is repeated."""
    max_turns: Count = 10
    """Requests to the model in one turn, tool calls included."""
    tool_errors: Literal["return", "fail"] = "return"
    """Whether a failed tool call is told to the model, or fails the chat."""
    actions: list[str] | dict[str, str] | None = None
    """Names that become methods: each is an instruction, or with a table, name to instruction."""


class ChatOptions(TypedDict, total=False):
    schema: dict[str, Any]
    """JSON Schema the answer must fit; the call then gives the value instead of text."""
    temperature: Temperature
    max_tokens: Count
    timeout: Milliseconds
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
