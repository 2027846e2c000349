"""Connections to one service: made, kept for the next request, used for one request at a time.

Speaks HTTP/1.1, directly or through a proxy, over TLS where that is wanted. Written on asyncio's protocols: a request
is one write, and its answer wakes whoever asked once; that is half of what a general HTTP client costs (0.2 ms), and
there is nothing to import (0.2 s). Knows no header but those of a proxy, and no JSON.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from base64 import b64encode
from collections import deque
from functools import cache
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from llmspell.frozen import frozen
from llmspell.providers.dialing import Dialer
from llmspell.providers.http_answer import HttpAnswer, WireError

#: Seconds to connect.
CONNECT_TIMEOUT: Final = 30
#: Seconds a connection is kept while nobody asks: services close theirs after a minute, balancers after 20 s.
_IDLE: Final = 15.0
#: Connections at once; more requests than that wait for one.
_MOST: Final = 1024
#: Bytes that may wait for the reader of an answer before its sender is held up.
_AHEAD: Final = 512 * 1024
#: Bytes of a refusal that are worth waiting for: its message is in the first ones.
_REFUSAL: Final = 64 * 1024
_PORTS: Final = {"http": 80, "https": 443}


class NoConnection(WireError):
    """The service did not take a connection in time."""


@frozen
class Origin:
    """Where to connect: a host by its name or number, without brackets."""

    secure: bool
    host: str
    port: int

    @staticmethod
    def of(url: str) -> Origin:
        """Raises ValueError for what is no http or https address."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{url!r} is no http or https address")
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
        return Origin(parts.scheme == "https", host, parts.port or _PORTS[parts.scheme])

    def authority(self) -> str:
        """As it stands in a request."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"


def basic(parts: SplitResult) -> str:
    """The Authorization that an address with a user's name in it stands for, "" for one without."""
    if not parts.username:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(pair.encode()).decode()}"


@cache
def _trusted() -> ssl.SSLContext:
    """What certificates are checked by. 20 ms: to be made in a thread."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def prefetch_certificates() -> None:
    """Reads the system's certificates in a thread, while the spell is still being loaded."""
    threading.Thread(target=_trusted, name="llmspell-certificates", daemon=True).start()


class Connections:
    """To one origin, on one event loop. proxy: through which, "" for none."""

    def __init__(self, origin: Origin, proxy: str = "") -> None:
        """Raises ValueError for a proxy that is no http or https address."""
        self._loop = asyncio.get_running_loop()
        self._origin = origin
        self._proxy = Origin.of(proxy) if proxy else None
        self._permission = basic(urlsplit(proxy))
        first = self._proxy or origin
        self._dialer = Dialer(first.host, first.port)
        self._taken = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._idle: list[Connection] = []

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    async def take(self, deadline: float) -> Connection:
        """A connection to ask on, to be given back. deadline: in the loop's time. Raises TimeoutError, NoConnection,
        OSError, WireError."""
        if self._taken >= _MOST:
            await self._turn(deadline)
        else:
            self._taken += 1
        try:
            return self._kept() or await self._opened(deadline)
        except BaseException:
            self._release()
            raise

    async def _turn(self, deadline: float) -> None:
        """Waits until somebody gives back a connection, and has its place."""
        turn: asyncio.Future[None] = self._loop.create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout_at(deadline):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._release()  # it came too late
            raise

    def _release(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken -= 1

    def give_back(self, connection: Connection) -> None:
        self._release()
        if connection.reusable:
            connection.since = self._loop.time()
            self._idle.append(connection)
        else:
            connection.abandon()

    async def close(self) -> None:
        """Closes those that nobody uses."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abandon()
        await self._dialer.close()
        await asyncio.sleep(0)  # in which the sockets are closed

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and self._loop.time() - connection.since < _IDLE:
                return connection
            connection.abandon()
        return None

    async def _opened(self, deadline: float) -> Connection:
        until = min(deadline, self._loop.time() + CONNECT_TIMEOUT)
        try:
            async with asyncio.timeout_at(until):
                if self._proxy is None:
                    return await self._connected(self._origin)
                return await self._through(self._proxy)
        except TimeoutError:
            if until < deadline:
                raise NoConnection(f"it took no connection within {CONNECT_TIMEOUT} s") from None
            raise

    async def _connected(self, origin: Origin) -> Connection:
        context = await asyncio.to_thread(_trusted) if origin.secure else None
        name = origin.host if origin.secure else None
        dialled = await self._dialer.dial()
        made = await self._loop.create_connection(
            lambda: Connection(self._loop), sock=dialled, ssl=context, server_hostname=name
        )
        return made[1]

    async def _through(self, proxy: Origin) -> Connection:
        """A connection to the proxy, for https a tunnel through it."""
        connection = await self._connected(proxy)
        if not self._origin.secure:
            return connection
        try:
            target = f"{self._origin.host}:{self._origin.port}"
            permission = f"Proxy-Authorization: {self._permission}\r\n" if self._permission else ""
            answer = connection.ask(
                f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{permission}\r\n".encode(), _REFUSAL
            )
            await connection.begun()
            if answer.status != 200:
                raise WireError(f"the proxy {proxy.authority()} refused with status {answer.status}")
            await connection.secure(await asyncio.to_thread(_trusted), self._origin.host)
        except BaseException:
            connection.abandon()
            raise
        return connection

    @property
    def authority(self) -> str:
        """The origin as a request's `Host` names it."""
        return self._origin.authority()

    def target(self, path: str) -> str:
        """A path as a request names it: a plain proxy is told the whole address."""
        return f"http://{self.authority}{path}" if self._proxy is not None and not self._origin.secure else path

    def proxy_headers(self) -> dict[str, str]:
        """What each request to a service behind a plain proxy says to the proxy."""
        plain = self._permission and not self._origin.secure
        return {"Proxy-Authorization": self._permission} if plain else {}


class Connection(asyncio.Protocol):
    """One connection: `ask`, then wait for the answer. since: when it was last given back."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: Any = None
        self._answer: HttpAnswer | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._eager = False
        self._paused = False
        self._lost = False
        self._problem: Exception | None = None
        self.since = 0.0

    @property
    def reusable(self) -> bool:
        answer = self._answer
        fresh = answer is None or (answer.complete and answer.keeps)
        return fresh and not self._lost and not self._transport.get_write_buffer_size()

    def ask(self, request: bytes, limit: int) -> HttpAnswer:
        """Sends a request; its answer is waited for by one of the methods below. limit: bytes of its body."""
        self._answer = answer = HttpAnswer(limit)
        self._eager = False
        self._problem = ConnectionResetError() if self._lost else None
        self._transport.write(request)
        return answer

    async def whole(self) -> None:
        """Waits for the answer, or for as much of a refusal as is worth reading. Raises OSError, WireError."""
        self._eager = False
        while not self._enough:
            await self._wait()

    async def begun(self) -> None:
        """Waits for the answer's head."""
        self._eager = True
        while self._answer is not None and not self._answer.status:
            await self._wait()

    async def more(self) -> None:
        """Waits for more of the answer's body than was taken, or for its end."""
        self._eager = True
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        while (answer := self._answer) is not None and not answer.held and not answer.complete:
            await self._wait()

    def fail(self, problem: Exception) -> None:
        """Ends the wait for the answer with an error, and the connection."""
        self._problem = self._problem or problem
        self.abandon()
        self._wake()

    def abandon(self) -> None:
        self._lost = True
        self._transport.abort()

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Goes on over TLS."""
        self._answer = None
        self._transport = await self._loop.start_tls(self._transport, self, context, server_hostname=host)

    @property
    def _enough(self) -> bool:
        answer = self._answer
        return answer is None or answer.complete or (answer.size >= _REFUSAL and answer.status != 200)

    async def _wait(self) -> None:
        if self._problem is None:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._problem is not None:
            raise self._problem

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- asyncio.Protocol ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None or answer.complete:  # nobody has asked
            self.abandon()
            return
        try:
            answer.feed(data)
        except WireError as error:
            self.fail(error)
            return
        if self._eager or self._enough:
            self._wake()
        if self._eager and answer.held > _AHEAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        self._lost = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        answer = self._answer
        if answer is not None and not answer.complete and self._problem is None:
            try:
                answer.end()
            except WireError as error:
                self._problem = exc or error
        self._wake()
