"""The WebSocket tool: what it is asked and what it gives. `socket_session` holds the connections."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import PermissionDenied, SchemaError, ToolError
from llmspell.security.network import Resolver, Target, parse, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

#: Connections that one tool may hold at once.
_MANY: Final = 8
_SCHEMES: Final = {"ws": "http", "wss": "https"}

Header = Annotated[str, Bounds(max_length=8192)]
Message = Annotated[str, Bounds(max_length=1_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketOptions:
    allowed_domains: Annotated[list[str], Bounds(max_items=500)] | None = None
    """Hosts that this tool may reach, within what the run may. None: all that the run may."""

    timeout: Annotated[float, Bounds(ge=1, le=600_000)] = 30_000
    """Milliseconds that an operation may take at most."""

    max_message_size: Annotated[int, Bounds(ge=1, le=50_000_000)] = 1024 * 1024
    """Bytes of the largest message that is received; a larger one ends the connection."""

    headers: Annotated[dict[str, Header], Bounds(max_properties=50)] | None = None
    """Headers sent when connecting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketParams:
    operation: Literal["exchange", "connect", "send", "receive", "close"]
    """exchange: connects, sends `messages`, receives what comes, closes. connect: opens a connection and gives its
    number. send: sends `messages` over one. receive: waits for messages on one. close: ends one."""

    url: Annotated[str, Bounds(min_length=1, max_length=8192)] | None = None
    """exchange, connect: the address, ws or wss."""

    connection: Annotated[int, Bounds(ge=1)] | None = None
    """send, receive, close: the connection's number."""

    messages: Annotated[list[Message], Bounds(max_items=100)] | None = None
    """exchange, connect, send: texts to send, in order."""

    count: Annotated[int, Bounds(ge=0, le=1000)] = 1
    """exchange, receive: how many messages to wait for; fewer come where the time is over or the other side closes."""

    timeout: Annotated[float, Bounds(ge=1, le=600_000)] = 10_000
    """exchange, receive: milliseconds to wait for messages."""

    headers: Annotated[dict[str, Header], Bounds(max_properties=50)] | None = None
    """exchange, connect: headers to send when connecting."""

    subprotocols: Annotated[list[Annotated[str, Bounds(max_length=100)]], Bounds(max_items=10)] | None = None
    """exchange, connect: subprotocols to offer, the best first."""


class SocketMessage(TypedDict):
    type: Literal["text", "base64"]
    data: str


class WebSocketResult(TypedDict):
    connection: NotRequired[int]
    """connect, send, receive, close: the connection's number."""
    messages: NotRequired[list[SocketMessage]]
    """exchange, receive: what came, the oldest first; bytes as Base64."""
    sent: NotRequired[int]
    """exchange, connect, send: how many messages were sent."""
    open: bool
    """Whether the connection is open now."""
    subprotocol: NotRequired[str]
    """exchange, connect: the subprotocol that was agreed on, or ""."""
    close_code: NotRequired[int]
    """Why the connection ended, by RFC 6455, where it did."""


@exposed(
    aliases=("WebSocket",),
    options=WebSocketOptions,
    tool=ToolMark(
        name="websocket",
        category="web",
        params=WebSocketParams,
        result=WebSocketResult,
        examples=(
            Example(
                {"operation": "exchange", "url": "wss://echo.example.org/", "messages": ["hello"], "timeout": 5000},
                note="ask and take one answer",
            ),
            Example({"operation": "connect", "url": "wss://feed.example.org/prices"}, note="open a connection"),
        ),
        permissions=("net",),
        timeout=620_000,
        max_output=100_000_000,
    ),
)
class WebSocketTool(BuiltinTool[WebSocketOptions]):
    """Talks to an allowed host over a WebSocket: sends texts and receives what the other side sends.

    For one question use exchange, which connects and closes by itself; to go on talking use connect, then send and
    receive with the connection's number, then close. Connections end with the run.
    """

    def __init__(self, options: WebSocketOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver
        self._sessions: dict[int, Any] = {}
        self._last = 0

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = WebSocketParams(**params)
        match asked.operation:
            case "exchange":
                content = await self._exchange(asked, context)
            case "connect":
                content = await self._connect(asked, context)
            case "send" | "receive" | "close":
                content = await self._talk(asked)
        return ToolOutput(content)

    async def _exchange(self, asked: WebSocketParams, context: ToolContext) -> dict[str, Any]:
        session = await self._opened(asked, context)
        try:
            sent = await session.send(asked.messages or [], self.options.timeout)
            messages = await session.receive(asked.count, min(asked.timeout, self.options.timeout))
        finally:
            await session.close()
        return {"messages": messages, "sent": sent, **session.state()}

    async def _connect(self, asked: WebSocketParams, context: ToolContext) -> dict[str, Any]:
        if len(self._sessions) >= _MANY:
            raise ToolError(f"websocket holds {_MANY} connections already", hint="close one")
        session = await self._opened(asked, context)
        try:
            sent = await session.send(asked.messages or [], self.options.timeout)
        except BaseException:
            await session.close()
            raise
        if not self._last:
            self.run.at_end(self._end)
        self._last += 1
        self._sessions[self._last] = session
        return {"connection": self._last, "sent": sent, **session.state()}

    async def _talk(self, asked: WebSocketParams) -> dict[str, Any]:
        if asked.connection is None:
            raise SchemaError(f"`{asked.operation}` needs `connection`", hint="the number that connect gave")
        session = self._sessions.get(asked.connection)
        if session is None:
            raise ToolError(f"websocket has no open connection {asked.connection}", hint="connect first")
        found: dict[str, Any] = {"connection": asked.connection}
        if asked.operation == "send":
            found["sent"] = await session.send(asked.messages or [], self.options.timeout)
        elif asked.operation == "receive":
            found["messages"] = await session.receive(asked.count, min(asked.timeout, self.options.timeout))
        else:
            del self._sessions[asked.connection]
            await session.close()
        return found | {key: value for key, value in session.state().items() if key != "subprotocol"}

    async def _opened(self, asked: WebSocketParams, context: ToolContext) -> Any:
        if asked.url is None:
            raise SchemaError(f"`{asked.operation}` needs `url`", hint="an address such as wss://host/path")
        target, permissions = _target(asked.url), context.permissions
        if self.options.allowed_domains is not None:
            permissions = permissions.narrow("websocket", net=self.options.allowed_domains)
        permissions.check_host(target.host, target.port)
        # in a thread: aiohttp takes 270 ms to import, and the loop serves others
        sessions: Any = await asyncio.to_thread(importlib.import_module, "llmspell.tools.web.socket_session")
        return await sessions.open_session(target, asked, self.options, permissions, self.resolver)

    async def _end(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()


def _target(url: str) -> Target:
    """The address as the HTTP request that opens the connection."""
    scheme, colon, rest = url.partition("://")
    if not colon or scheme.lower() not in _SCHEMES:
        raise PermissionDenied(f"{url[:200]!r}: a WebSocket is at ws or wss", hint="write wss://host/path")
    return parse(f"{_SCHEMES[scheme.lower()]}://{rest}")
