"""The same window in a browser on this machine: textual-serve on loopback, behind a token of this start alone.

Whoever has the token has the person's rights: it is asked of every request (once as `?token=`, then as a cookie), and
requests whose Host or Origin is not this server are refused, so that no page of another site can reach it, whatever
name it gives this address. Nothing is loaded from elsewhere. Each page of the browser has a window of its own, a
process that ends with the page and with the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
import secrets
import shlex
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, cast

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.server import Server

_HOST: Final = "127.0.0.1"
#: Seconds that a window has to end by itself; then it is killed.
_PATIENCE: Final = 5.0
#: Cells of a page that does not say its size, and the most that one may ask for.
_SIZE: Final = {"width": (80, 1000), "height": (24, 500)}
#: textual-serve's page asks another host for a font that it brings along itself.
_FOREIGN: Final = re.compile(r"<link\b[^>]*\bhttps?://(?!127\.0\.0\.1:)[^>]*>")
_FONT: Final = (
    "<style>@font-face { font-family: 'Roboto Mono'; font-weight: 100 700; "
    "src: url('/static/fonts/RobotoMono-VariableFont_wght.ttf'); }</style>"
    # The token leaves the address bar, and with it the browser's list of pages.
    "<script>history.replaceState(null, '', location.pathname);"
    # Keys are for the window from the first one on: textual-serve waits for a click.
    "const looked = setInterval(() => { const typed = document.querySelector('.xterm-helper-textarea');"
    " if (typed) { clearInterval(looked); typed.focus() } }, 50)</script>"
)
_POLICY: Final = "; ".join(
    (
        "default-src 'self' 'unsafe-inline' data: blob:",
        "connect-src 'self' ws://{host}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

#: Seconds that a page has to say good-bye; a browser does at once.
_FAREWELL: Final = 1.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BrowserWindow(AppService):
    """The process behind one page."""

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """In a session of its own: ^C of the terminal is for the server, which then ends it."""
        self._process = process = await asyncio.create_subprocess_exec(
            *shlex.split(self.command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        self._stdin = process.stdin
        return process

    async def stop(self) -> None:
        """It has ended when this returns."""
        process = self._process
        try:
            async with asyncio.timeout(_PATIENCE):
                await super().stop()
                if process is not None:
                    await process.wait()
        except TimeoutError:
            if process is not None:
                process.kill()
                await process.wait()


class WebWindow(Server):
    """command: what each page of the browser runs."""

    def __init__(self, command: str, port: int, token: str) -> None:
        super().__init__(command, host=_HOST, port=port, title="llmspell")
        self.token = token
        self._pages: set[asyncio.Task[object]] = set()

    @property
    def url(self) -> str:
        return f"{self.public_url}/?token={self.token}"

    async def made(self) -> web.Application:
        app = await super()._make_app()
        app.on_startup.clear()  # it would tell the address on its own
        app.middlewares.append(self._guard)
        return app

    async def on_shutdown(self, app: web.Application) -> None:
        for page in self._pages:
            page.cancel()
        await asyncio.gather(*self._pages, return_exceptions=True)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One page: from its opening until it is closed, its window is left, or the server ends."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._pages.add(task)
        websocket = web.WebSocketResponse(heartbeat=15, timeout=_FAREWELL)
        window = BrowserWindow(
            self.command,
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=cast("Callable[[], Awaitable[None]]", websocket.close),
            download_manager=self.download_manager,
        )
        try:
            await websocket.prepare(request)
            await window.start(_cells(request, "width"), _cells(request, "height"))
            # What is no message of its page ends that page; one that has gone is written to in vain.
            with contextlib.suppress(ValueError, LookupError, TypeError, AssertionError, ConnectionError):
                await self._process_messages(websocket, window)
        except asyncio.CancelledError:
            await websocket.close()
        finally:
            await window.stop()
            self._pages.discard(task)
        return websocket

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        own = f"{_HOST}:{self.port}"
        if request.host != own or request.headers.get("Origin", f"http://{own}") != f"http://{own}":
            raise web.HTTPForbidden(text="this address is not the window's own")
        cookie = f"llmspell_{self.port}"  # cookies know no port: another window's must not take its place
        asked = request.query.get("token", "")
        if not hmac.compare_digest((asked or request.cookies.get(cookie, "")).encode(), self.token.encode()):
            raise web.HTTPForbidden(text="open the address that llmspell printed")
        response = await handler(request)
        if isinstance(response, web.Response) and response.content_type == "text/html" and response.text:
            response.text = _FOREIGN.sub(_FONT, response.text)
        if not response.prepared:
            if asked:
                response.set_cookie(cookie, self.token, httponly=True, samesite="Strict", path="/")
            response.headers["Content-Security-Policy"] = _POLICY.format(host=own)
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Cache-Control"] = "no-store"
        return response


def _cells(request: web.Request, side: str) -> int:
    usual, most = _SIZE[side]
    asked = request.query.get(side, "")
    return min(max(int(asked), 1), most) if asked.isdecimal() and asked.isascii() else usual


def serve(arguments: Sequence[str], write: Callable[[str], object]) -> int:
    """Serve `llmspell ARGUMENTS` until ^C. write: is told the address."""
    command = shlex.join([sys.executable, "-m", "llmspell", *arguments])
    asyncio.run(_served(command, write))
    return 0


async def _served(command: str, write: Callable[[str], object]) -> None:
    loop, left = asyncio.get_running_loop(), asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, left.set)
    with socket.socket() as listening:
        listening.bind((_HOST, 0))
        window = WebWindow(command, int(listening.getsockname()[1]), secrets.token_urlsafe(24))
        runner = web.AppRunner(await window.made(), access_log=None, shutdown_timeout=1.0)  # addresses hold the token
        await runner.setup()
        await web.SockSite(runner, listening).start()
        write(f"llmspell: open {window.url}\nllmspell: ^C ends it\n")
        try:
            await left.wait()
        finally:
            await runner.cleanup()
