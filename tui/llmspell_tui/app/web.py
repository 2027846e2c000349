"""The same window in a browser on this machine: textual-serve on loopback, behind a token of this start alone.

Whoever has the token has the person's rights: it is asked of every request (once as `?token=`, then as a cookie), and
requests whose Host or Origin is not this server are refused, so that no page of another site can reach it. Nothing is
loaded from elsewhere.
"""

from __future__ import annotations

import hmac
import re
import secrets
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web
from textual_serve.server import Server

_HOST: Final = "127.0.0.1"
_COOKIE: Final = "llmspell_token"
#: textual-serve's page asks another host for a font; the browser's own does.
_FOREIGN: Final = re.compile(r"<link[^>]*https?://[^>]*>|<link[^>]*\n[^>]*https?://[^>]*>")
_POLICY: Final = (
    "default-src 'self' 'unsafe-inline' data: blob:; connect-src 'self' ws://{host}; frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebWindow(Server):
    """command: what each browser window runs."""

    def __init__(self, command: str, port: int, token: str) -> None:
        super().__init__(command, host=_HOST, port=port, title="llmspell")
        self.token = token

    @property
    def url(self) -> str:
        return f"{self.public_url}/?token={self.token}"

    def initialize_logging(self) -> None:
        """Nothing is logged: addresses hold the token."""

    async def on_startup(self, app: web.Application) -> None:
        sys.stdout.write(f"llmspell: open {self.url}\nllmspell: ^C ends it\n")
        sys.stdout.flush()

    async def made(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    _make_app = made

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        own = f"{_HOST}:{self.port}"
        if request.host != own or request.headers.get("Origin", f"http://{own}") != f"http://{own}":
            raise web.HTTPForbidden(text="this address is not the window's own")
        asked = request.query.get("token", "")
        if not hmac.compare_digest((asked or request.cookies.get(_COOKIE, "")).encode(), self.token.encode()):
            raise web.HTTPForbidden(text="open the address that llmspell printed")
        response = await handler(request)
        if isinstance(response, web.Response) and response.content_type == "text/html" and response.text:
            response.text = _FOREIGN.sub("", response.text)
        if not response.prepared:
            if asked:
                response.set_cookie(_COOKIE, self.token, httponly=True, samesite="Strict", path="/")
            response.headers["Content-Security-Policy"] = _POLICY.format(host=own)
            response.headers["Referrer-Policy"] = "no-referrer"
        return response


def serve(arguments: Sequence[str]) -> int:
    """Serve `llmspell ARGUMENTS` until ^C."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port = int(probe.getsockname()[1])
    command = shlex.join([sys.executable, "-m", "llmspell", *arguments])
    WebWindow(command, port, secrets.token_urlsafe(24)).serve()
    return 0
