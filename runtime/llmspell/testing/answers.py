"""What the loopback server is told to answer, and what it remembers of a request. Knows no protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from llmspell.errors import ArgumentError, ProviderKind
from llmspell.frozen import frozen
from llmspell.providers.base import FinishReason, ToolCall
from llmspell.providers.replies import Reply

Fault = Literal["", "hang", "stall", "close", "cut", "malformed", "huge", "error_event"]
"""What goes wrong on the wire.

hang: nothing is ever answered. stall: a stream begins and nothing more comes. close: the connection is closed without
an answer. cut: it is closed in the middle of one. malformed: half a JSON text. huge: 40 MB of text. error_event: a
stream breaks off with the protocol's own error event.
"""

#: Fields that entries of the server's script have besides those of `replies.json`.
WIRE_FIELDS: Final = frozenset({"status", "headers", "fault", "split", "finish", "cached"})

_STATUS: Final[dict[ProviderKind, int]] = {
    "timeout": 408,
    "rate_limit": 429,
    "auth": 401,
    "not_found": 404,
    "invalid_request": 400,
    "overloaded": 529,
    "network": 502,
    "content_filter": 400,
    "context_length": 400,
}
_SAID: Final[dict[ProviderKind, str]] = {
    "content_filter": "The content was refused by our content policy.",
    "context_length": "This model's maximum context length is 128000 tokens.",
}


@frozen
class Answer:
    """One answer. chunks: the text in the pieces a stream sends, words if empty. delay: milliseconds before the first
    byte. split: bytes a write, to break streams at awkward places; 0 writes an event at a time. finish: why the model
    stopped, where it is neither its end nor a tool call. cached: input tokens told to come from the cache."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    chunks: tuple[str, ...] = ()
    delay: float = 0
    status: int = 200
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    fault: Fault = ""
    split: int = 0
    finish: FinishReason | None = None
    cached: int = 0


@frozen
class Received:
    """A request as it came: `head` are the raw bytes of request line and headers, `body` those of the body."""

    method: str
    path: str
    head: bytes
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def protocol(self) -> Literal["openai", "anthropic"]:
        return "anthropic" if self.path.partition("?")[0].endswith("/messages") else "openai"


def from_reply(reply: Reply, number: int) -> Answer:
    """The answer that an entry of a script asks for. number: of the request, for the ids of tool calls."""
    wire = reply.wire
    fault = wire.get("fault", "")
    if fault not in get_args(Fault):
        raise ArgumentError(
            f"the script has the fault {fault!r}", hint=f"it is one of {', '.join(get_args(Fault)[1:])}"
        )
    headers = [(str(name), str(value)) for name, value in wire.get("headers", {}).items()]
    status, message = wire.get("status", 200), ""
    if reply.failure is not None:
        failure = reply.failure
        status = failure.status or _STATUS[failure.kind]
        message = failure.message or _SAID.get(failure.kind, "")
        if failure.retry_after is not None:
            headers.append(("retry-after-ms", f"{failure.retry_after:g}"))
    return Answer(
        text=reply.text,
        tool_calls=tuple(
            ToolCall(call.id or f"call_{number}_{n}", call.name, call.arguments)
            for n, call in enumerate(reply.tool_calls, 1)
        ),
        chunks=reply.chunks,
        delay=reply.delay,
        status=status,
        message=message,
        headers=tuple(headers),
        fault=fault,
        split=wire.get("split", 0),
        finish=wire.get("finish"),
        cached=wire.get("cached", 0),
    )
