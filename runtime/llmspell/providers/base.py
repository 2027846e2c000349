"""What a provider is: messages in, a completion or a stream of text out. Plain values, no network.

A `Request` and a `Completion` turn into plain maps and back (`to_value`, `from_value`), because they are recorded
with the run and replayed from it. Knows no agent and no wire format.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import field
from typing import Any, Literal, Protocol, cast

from llmspell.errors import ArgumentError
from llmspell.frozen import frozen

Role = Literal["user", "assistant", "tool"]
FinishReason = Literal["stop", "tool_calls", "length", "content_filter"]


@frozen
class Image:
    """An image in a user message: `data` (base64 text) with its `media_type`, or a `url`."""

    media_type: str = ""
    data: str = ""
    url: str = ""

    def to_value(self) -> dict[str, Any]:
        pairs = (("media_type", self.media_type), ("data", self.data), ("url", self.url))
        return {name: value for name, value in pairs if value}

    @staticmethod
    def from_value(value: dict[str, Any]) -> Image:
        return Image(**value)

    @staticmethod
    def of(text: str) -> Image:
        """`data:image/png;base64,…` or an address. Raises ArgumentError for anything else."""
        if text.startswith("data:"):
            head, _, data = text.removeprefix("data:").partition(",")
            return Image(media_type=head.partition(";")[0], data=data)
        if text.startswith(("http://", "https://")):
            return Image(url=text)
        raise ArgumentError(f"{text[:60]!r} is not an image", hint="give an http(s) address or a data: URL")

    @staticmethod
    def several(given: Any) -> tuple[Image, ...]:
        """From a spell's list of them. Raises ArgumentError."""
        if not isinstance(given, list) or not all(isinstance(text, str) for text in cast(list[Any], given)):
            raise ArgumentError(
                f"images must be a list of texts, not {given!r}", hint="each an http(s) address or a data: URL"
            )
        return tuple(map(Image.of, cast(list[str], given)))


@frozen
class ToolCall:
    """A model's wish to call a tool.

    arguments: the parsed object, or the model's own text where it is not a JSON object (the agent gives it back to
    the model as an error it can mend).
    """

    id: str
    name: str
    arguments: dict[str, Any] | str

    def to_value(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "arguments": self.arguments}

    @staticmethod
    def from_value(value: dict[str, Any]) -> ToolCall:
        return ToolCall(**value)


@frozen
class Message:
    """One message. A `tool` message answers the call `tool_call_id`; `is_error` says that the tool failed."""

    role: Role
    content: str
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    is_error: bool = False

    def to_value(self) -> dict[str, Any]:
        value: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.images:
            value["images"] = [image.to_value() for image in self.images]
        if self.tool_calls:
            value["tool_calls"] = [call.to_value() for call in self.tool_calls]
        if self.tool_call_id:
            value["tool_call_id"] = self.tool_call_id
        if self.is_error:
            value["is_error"] = True
        return value

    @staticmethod
    def from_value(value: dict[str, Any]) -> Message:
        return Message(
            role=value["role"],
            content=value["content"],
            images=tuple(Image.from_value(image) for image in value.get("images", ())),
            tool_calls=tuple(ToolCall.from_value(call) for call in value.get("tool_calls", ())),
            tool_call_id=value.get("tool_call_id", ""),
            is_error=value.get("is_error", False),
        )


@frozen
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

    def to_value(self) -> dict[str, Any]:
        value: dict[str, Any] = {"name": self.name, "description": self.description, "parameters": self.parameters}
        if self.examples:
            value["examples"] = list(self.examples)
        if not self.automatic:
            value["automatic"] = False
        return value

    @staticmethod
    def from_value(value: dict[str, Any]) -> ToolSpec:
        return ToolSpec(
            name=value["name"],
            description=value["description"],
            parameters=value["parameters"],
            examples=tuple(value.get("examples", ())),
            automatic=value.get("automatic", True),
        )


@frozen
class Request:
    """One question to a model. None leaves a choice to the provider.

    agent: the asking agent's name, for scripted replies. schema: the JSON Schema the answer must fit, if any.
    timeout: milliseconds for the whole answer. idempotency_key: names this very question, also where a resumed run asks
    it again; it is no part of the value.
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
    idempotency_key: str = ""

    def to_value(self) -> dict[str, Any]:
        """Plain maps and lists, defaults left out: what is hashed, recorded and shown."""
        value: dict[str, Any] = {"model": self.model, "messages": [message.to_value() for message in self.messages]}
        for name in _PLAIN:
            field_value = getattr(self, name)
            if field_value is not None and field_value != "":
                value[name] = field_value
        if self.tools:
            value["tools"] = [tool.to_value() for tool in self.tools]
        if self.stop:
            value["stop"] = list(self.stop)
        if self.extra:
            value["extra"] = self.extra
        return value

    @staticmethod
    def from_value(value: dict[str, Any]) -> Request:
        return Request(
            model=value["model"],
            messages=tuple(Message.from_value(message) for message in value["messages"]),
            tools=tuple(ToolSpec.from_value(tool) for tool in value.get("tools", ())),
            stop=tuple(value.get("stop", ())),
            extra=value.get("extra", {}),
            **{name: value[name] for name in _PLAIN if name in value},
        )


#: The fields of a Request that are the same in a plain map.
_PLAIN = ("system", "tool_choice", "temperature", "top_p", "max_tokens", "seed", "schema", "agent", "timeout")


@frozen
class Usage:
    """Tokens of one answer.

    input_tokens counts all that was read, the `cached_tokens` among them included. cost: US dollars by litellm's
    price map, None where the price is not known.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: float | None = None

    @property
    def total(self) -> int:
        return self.input_tokens + self.output_tokens

    def to_value(self) -> dict[str, Any]:
        value: dict[str, Any] = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        if self.cached_tokens:
            value["cached_tokens"] = self.cached_tokens
        if self.cost is not None:
            value["cost"] = self.cost
        return value

    @staticmethod
    def from_value(value: dict[str, Any]) -> Usage:
        return Usage(**value)


@frozen
class Completion:
    """A model's whole answer."""

    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: FinishReason = "stop"
    model: str = ""

    def to_value(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "content": self.content,
            "usage": self.usage.to_value(),
            "finish_reason": self.finish_reason,
            "model": self.model,
        }
        if self.tool_calls:
            value["tool_calls"] = [call.to_value() for call in self.tool_calls]
        return value

    @staticmethod
    def from_value(value: dict[str, Any]) -> Completion:
        return Completion(
            content=value["content"],
            tool_calls=tuple(ToolCall.from_value(call) for call in value.get("tool_calls", ())),
            usage=Usage.from_value(value["usage"]),
            finish_reason=value["finish_reason"],
            model=value["model"],
        )


@frozen
class Delta:
    """A piece of a streamed answer's text."""

    text: str


class Provider(Protocol):
    """A service that answers requests. Both calls raise ProviderError, never retry, and contact only their own host."""

    @property
    def name(self) -> str:
        """As in `openai/gpt-4o-mini`: what scripts, settings and prices call it."""
        ...

    def prefetch(self) -> None:
        """Starts in the background what the first call will need (imports); returns at once. May be called often."""
        ...

    async def complete(self, request: Request) -> Completion: ...

    def stream(self, request: Request) -> AsyncGenerator[Delta | Completion, None]:
        """Deltas of text as they arrive, then the whole Completion as the last item."""
        ...

    async def close(self) -> None: ...
