"""A run's events over WebSocket, for other programs on this machine: `llmspell run --events ws://127.0.0.1:PORT`.

    ws://127.0.0.1:PORT/?from_seq=1&dashboard=1000      Authorization: Bearer TOKEN

Each message is one JSON text: an event as the lines of `llmspell trace export` have them, from number `from_seq` on;
every `dashboard` milliseconds, if asked for, `{"dashboard": {run, agents, metrics, timestamp}}`; where events can no
longer be had `{"missed": {from, to}}`; at the end `{"ended": true}`.

Loopback only, and only with the token, which browsers may give as `?token=`. A page of another site cannot connect: its
`Origin` is refused, and so is a `Host` that is not this machine. The server has a thread and a loop of its own.
"""

from __future__ import annotations

import asyncio
import hmac
import threading
from concurrent.futures import Future
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from llmspell.errors import UsageError
from llmspell.frozen import frozen
from llmspell.serve.stream import RunStream
from llmspell.traces.encode import Mask

if TYPE_CHECKING:
    from aiohttp import web

#: Characters of a token that somebody chose: less can be guessed.
_TOKEN_LENGTH: Final = 16
#: Milliseconds between two dashboards, at least.
_DASHBOARD: Final = 100
#: Bytes of what a client may send: it has nothing to say.
_MESSAGE: Final = 4096
#: Seconds that clients have to take the rest when the program ends.
_PATIENCE: Final = 2.0
#: Clients at once.
_CLIENTS: Final = 100


@frozen
class Address:
    host: str
    port: int

    @classmethod
    def read(cls, text: str) -> Address:
        """Of `ws://127.0.0.1:PORT`. Raises UsageError for anything that is not this machine."""
        hint = "write --events ws://127.0.0.1:0, for a port that is free"
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise UsageError(f"{text!r} is no address", hint=hint) from None
        if parts.scheme != "ws" or port is None or parts.path not in ("", "/") or parts.username or parts.query:
            raise UsageError(f"{text!r} is no address for events", hint=hint)
        if not is_loopback(host):
            raise UsageError(
                f"events are served on this machine only, not on {host!r}",
                hint="a tunnel such as `ssh -L` takes them elsewhere",
            )
        return cls("127.0.0.1" if host == "localhost" else host, port)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class EventServer:
    """Serves the events of one run after the other: `begin` gives the sink for the next one."""

    def __init__(self, address: Address, token: str) -> None:
        """Listens when it returns. Raises UsageError for a port that cannot be had and a token that is too short."""
        if len(token) < _TOKEN_LENGTH:
            raise UsageError(f"LLMSPELL_EVENTS_TOKEN has {len(token)} characters", hint=f"use {_TOKEN_LENGTH} or more")
        self._token = token.encode()
        self._address = address
        self._stream: RunStream | None = None
        self._next_run = asyncio.Event()
        self._clients: set[asyncio.Task[object]] = set()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        ready: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="llmspell-events", daemon=True)
        self._thread.start()
        try:
            self.port = ready.result()
        except OSError as error:
            self._thread.join()
            raise UsageError(
                f"events cannot be served on {address.host}:{address.port}: {error.strerror}",
                hint="port 0 takes one that is free",
            ) from None

    @property
    def url(self) -> str:
        host = f"[{self._address.host}]" if ":" in self._address.host else self._address.host
        return f"ws://{host}:{self.port}"

    def begin(self, *, content: bool, mask: Mask | None) -> RunStream:
        """The stream of the next run: clients that come from now on get its events."""
        stream = RunStream(self._loop, content=content, mask=mask)
        self._loop.call_soon_threadsafe(self._began, stream)
        return stream

    def close(self) -> None:
        """Lets clients take the rest, then ends. Blocks for at most some seconds."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    # -- in the thread -------------------------------------------------------------------------------------------

    def _run(self, ready: Future[int]) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(ready))

    async def _serve(self, ready: Future[int]) -> None:
        from aiohttp import web  # 150 ms, for those who ask for the stream

        app = web.Application()
        app.router.add_get("/", self._welcome)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, self._address.host, self._address.port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            ready.set_exception(OSError(error.errno, error.strerror or str(error)))
            return
        ready.set_result(runner.addresses[0][1])
        await self._stop.wait()
        if self._clients:
            await asyncio.wait(self._clients, timeout=_PATIENCE)
        for task in self._clients:
            task.cancel()
        await runner.cleanup()

    def _began(self, stream: RunStream) -> None:
        self._stream = stream
        self._next_run.set()
        self._next_run = asyncio.Event()

    async def _welcome(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        if (refusal := self._refusal(request)) is not None:
            return web.Response(status=refusal[0], text=refusal[1] + "\n")
        try:
            first = max(1, int(request.query.get("from_seq", "1")))
            every = int(request.query.get("dashboard", "0"))
        except ValueError:
            return web.Response(status=400, text="from_seq and dashboard are whole numbers\n")
        socket = web.WebSocketResponse(heartbeat=30, max_msg_size=_MESSAGE)
        if not socket.can_prepare(request).ok:
            return web.Response(status=426, text="this is a WebSocket\n", headers={"Upgrade": "websocket"})
        await socket.prepare(request)
        sending = asyncio.ensure_future(self._send(socket, first, every))
        self._clients.add(sending)
        sending.add_done_callback(self._clients.discard)
        try:
            async for _ in socket:  # what a client says is nothing to us; its end is
                continue
        finally:
            sending.cancel()
        return socket

    def _refusal(self, request: web.Request) -> tuple[int, str] | None:
        """Why a client is not let in, None for one that is."""
        if not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
            return 403, "this is served to this machine only"
        origin = request.headers.get("Origin")
        if origin is not None and not is_loopback(urlsplit(origin).hostname or ""):
            return 403, "pages of other sites are not let in"
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        token = given.strip() if scheme.lower() == "bearer" else request.query.get("token", "")
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            return 401, "give the token: `Authorization: Bearer …` or `?token=…`"
        if len(self._clients) >= _CLIENTS:
            return 503, "too many clients"
        return None

    async def _send(self, socket: web.WebSocketResponse, first: int, every: int) -> None:
        stream = self._stream
        if stream is None:
            await self._next_run.wait()
            stream = self._stream
        assert stream is not None
        regular = asyncio.ensure_future(_dashboards(socket, stream, max(_DASHBOARD, every))) if every else None
        try:
            async for message in stream.messages(first):
                if regular is not None and stream.over and message.startswith('{"ended"'):
                    await socket.send_str(stream.dashboard())
                await socket.send_str(message)
        except ConnectionError:
            return
        finally:
            if regular is not None:
                regular.cancel()
        await socket.close()


async def _dashboards(socket: web.WebSocketResponse, stream: RunStream, every: int) -> None:
    while True:
        await asyncio.sleep(every / 1000)
        try:
            await socket.send_str(stream.dashboard())
        except ConnectionError:
            return
