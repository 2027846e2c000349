"""What a provider is: messages in, a completion or a stream of text out. Plain values, no network.

A `Request` and a `Completion` turn into plain maps and back (`to_value`, `from_value`), because they are recorded
with the run and replayed from it. Knows no agent and no wire format.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["user", "assistant", "tool"]
FinishReason = Literal["stop", "tool_calls", "length", "content_filter"]


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a user message: `data` (base64 text) with its `media_type`, or a `url`."""

    media_type: str = ""
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to call a tool.

    arguments: the parsed object, or the model's own text where it is not a JSON object (the agent gives it back to
    the model as an error it can mend).
    """

    id: str
    name: str
    arguments: dict[str, Any] | str


@dataclass(frozen=True, slots=True)
class Message:
    """One message. A `tool` message answers the call `tool_call_id`; `is_error` says that the tool failed."""

    role: Role
    content: str
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it. `parameters` is a JSON Schema of type object.

    examples: argument objects; only the offline model reads them. automatic: whether the offline model may call it
    on its own (it writes nothing, runs nothing, reaches no network).
    """

    name: str
    description: str
    parameters: dict[str, Any]
    examples: tuple[dict[str, Any], ...] = ()
    automatic: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model. None leaves a choice to the provider.

    agent: the asking agent's name, for scripted replies. schema: the JSON Schema the answer must fit, if any.
    timeout: milliseconds for the whole answer.
    """

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: Literal["auto", "none", "required"] | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    schema: dict[str, Any] | None = None
    agent: str = ""
    timeout: float | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    def to_value(self) -> dict[str, Any]:
        """Plain maps and lists, defaults left out: what is hashed, recorded and shown."""
        ...

    @staticmethod
    def from_value(value: dict[str, Any]) -> Request: ...


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. cost: US dollars by litellm's price map, None where the price is not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: float | None = None

    @property
    def total(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's whole answer."""

    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: FinishReason = "stop"
    model: str = ""

    def to_value(self) -> dict[str, Any]: ...

    @staticmethod
    def from_value(value: dict[str, Any]) -> Completion: ...


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed answer's text."""

    text: str


class Provider(Protocol):
    """A service that answers requests. Both calls raise ProviderError, never retry, and contact only their own host."""

    name: str

    async def complete(self, request: Request) -> Completion: ...

    def stream(self, request: Request) -> AsyncIterator[Delta | Completion]:
        """Deltas of text as they arrive, then the whole Completion as the last item."""
        ...

    async def close(self) -> None: ...
