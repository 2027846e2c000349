"""One WebSocket connection, opened to addresses that were checked, with bounds on every message and every wait.

Messages are not compressed, so none is larger in memory than it was sent. Nothing is read ahead of who asks, beyond
what the connection itself holds (64 KiB).
"""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any, Final

import aiohttp
from yarl import URL

from llmspell import errors
from llmspell.errors import PermissionDenied, ToolError
from llmspell.security.network import Resolver, Target, resolve
from llmspell.security.permissions import Permissions
from llmspell.tools.web.exchange import checked_headers, failed, pinned_session
from llmspell.tools.web.websocket import WebSocketOptions, WebSocketParams

_TEXT: Final = aiohttp.WSMsgType.TEXT
_BINARY: Final = aiohttp.WSMsgType.BINARY
#: Characters that one receiving keeps at most, whatever its count.
_MOST: Final = 50_000_000
_PARTING: Final = 2.0


class Session:
    def __init__(self, client: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, limit: int) -> None:
        self._client = client
        self._socket = socket
        self._limit = limit

    async def send(self, messages: list[str], milliseconds: float) -> int:
        """Raises ToolError where the connection has ended, TimeoutError where the other side does not read."""
        try:
            async with asyncio.timeout(milliseconds / 1000):
                for message in messages:
                    await self._socket.send_str(message)
        except TimeoutError:
            raise errors.TimeoutError(f"websocket: nothing could be sent within {milliseconds:g} ms") from None
        except (aiohttp.ClientError, ConnectionError):
            raise ToolError("websocket: the connection has ended", hint="connect again", retryable=True) from None
        return len(messages)

    async def receive(self, count: int, milliseconds: float) -> list[dict[str, str]]:
        """Up to `count` messages; fewer where the time is over or the connection ends. Raises ToolError for one that is
        too large."""
        found: list[dict[str, str]] = []
        size, ends = 0, time.monotonic() + milliseconds / 1000
        while len(found) < count and size < _MOST and (left := ends - time.monotonic()) > 0 and not self._socket.closed:
            try:
                message = await self._socket.receive(timeout=left)
            except TimeoutError:
                break
            if message.type == _TEXT:
                found.append({"type": "text", "data": message.data})
            elif message.type == _BINARY:
                found.append({"type": "base64", "data": base64.b64encode(message.data).decode()})
            elif self._socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                raise ToolError(
                    f"websocket: a message is larger than {self._limit} bytes", hint="raise max_message_size"
                )
            else:
                break
            size += len(found[-1]["data"])
        return found

    def state(self) -> dict[str, Any]:
        code = self._socket.close_code
        ended = {} if code is None or not self._socket.closed else {"close_code": int(code)}
        return {"open": not self._socket.closed, "subprotocol": self._socket.protocol or "", **ended}

    async def close(self) -> None:
        try:
            async with asyncio.timeout(_PARTING):
                await self._socket.close()
        except (TimeoutError, aiohttp.ClientError, ConnectionError):
            pass  # the other side does not say goodbye; the connection is cut below
        finally:
            await self._client.close()


async def open_session(
    target: Target, asked: WebSocketParams, options: WebSocketOptions, permissions: Permissions, resolver: Resolver
) -> Session:
    """Raises PermissionDenied, TimeoutError, and ToolError where the other side does not speak WebSocket."""
    headers = {"user-agent": "llmspell", **checked_headers(options.headers), **checked_headers(asked.headers)}
    if own := sorted(name for name in headers if name.startswith("sec-websocket-")):
        raise ToolError(f"the header {own[0]!r} is set by the tool itself", hint="leave it out")
    addresses = await resolve(target, permissions, resolver)
    watch = aiohttp.TraceConfig()
    watch.on_request_redirect.append(_refuse)
    client = pinned_session(addresses, watch)
    try:
        async with asyncio.timeout(options.timeout / 1000):
            socket = await client.ws_connect(
                URL(target.url, encoded=True),
                headers=headers,
                protocols=tuple(asked.subprotocols or ()),
                max_msg_size=options.max_message_size,
                compress=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=_PARTING),  # pyright: ignore[reportCallIssue]  attr.s, untyped
            )
    except BaseException as error:
        await client.close()
        raise _told(target, error, options.timeout) from None
    return Session(client, socket, options.max_message_size)


async def _refuse(_session: Any, _context: Any, _params: Any) -> None:
    """A redirect could lead to an address that nobody checked."""
    raise PermissionDenied("websocket: the address redirects", hint="give the address that it leads to")


def _told(target: Target, error: BaseException, milliseconds: float) -> BaseException:
    match error:
        case TimeoutError():
            return errors.TimeoutError(f"{target.host}:{target.port} did not answer within {milliseconds:g} ms")
        case aiohttp.WSServerHandshakeError():
            return ToolError(
                f"{target.host}:{target.port} answered {error.status} and opened no WebSocket", hint="check the address"
            )
        case aiohttp.ClientError():
            return failed(target, error)
        case UnicodeError() | ValueError():
            return ToolError(f"{target.host!r} answered what is no HTTP: {type(error).__name__}")
        case _:
            return error
