"""The outside world of every tool, on loopback: the services that examples ask, a mail server, a WebSocket, and a
stranger whom nobody may call.

It lives in a thread of its own, so that commands which run an event loop can be tried against it. What a tool needs
beside its arguments (options, permissions, variables) is told by `outfit`; a tool that talks to a service and is not in
`SERVICES` has no outfit, and a test says so.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web
from aiosmtpd.smtp import SMTP
from tool_answers import ANSWERS, TEXTS, of_aws

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Never real; looked for in everything that a tool says.
SECRET: Final = "s3cr3t-Zx81-never-shown"


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Outfit:
    """options: of the tool. grants: permissions by kind. environ: variables of the host."""

    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    grants: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    environ: Mapping[str, str] = field(default_factory=dict[str, str])


class World:
    """answer: in place of the usual answers, if any. strangers: connections to the address that nobody allowed."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.mails: list[bytes] = []
        self.strangers = 0
        self.answer: Answer | None = None
        self.over = asyncio.Event()
        self._folder = tempfile.TemporaryDirectory(prefix="llmspell-world-")
        self.folder = Path(self._folder.name)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def net(self) -> list[str]:
        return [f"127.0.0.1:{self.port}", f"127.0.0.1:{self.mail_port}"]

    @property
    def stranger(self) -> str:
        return f"127.0.0.2:{self.stranger_port}"

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    def stop(self) -> None:
        self._folder.cleanup()
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def clear(self) -> None:
        self.asked.clear()
        self.mails.clear()
        self.strangers, self.answer = 0, None

    async def _open(self) -> None:
        app = web.Application(client_max_size=50_000_000)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port: int = self._runner.addresses[0][1]
        # a server of another kind stands at the address next door, and counts who comes
        self._strange = await asyncio.start_server(self._met, "127.0.0.2", 0)
        self.stranger_port: int = self._strange.sockets[0].getsockname()[1]
        self._mail = await self._loop.create_server(lambda: SMTP(self, loop=self._loop), "127.0.0.1", 0)
        self.mail_port: int = self._mail.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self.over.set()
        self._strange.close()
        self._mail.close()
        await self._runner.cleanup()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.strangers += 1
        writer.close()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(envelope.content)
        return "250 taken"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        self.asked.append(Asked(request.method, request.path, headers, body))
        if self.answer is not None:
            return await self.answer(request)
        if headers.get("upgrade", "").lower() == "websocket":
            return await _echo(request)
        found = of_aws(headers, body) or TEXTS.get((request.method, request.path))
        if found is not None:
            return web.Response(body=found[1].encode(), headers={"content-type": found[0]})
        value = ANSWERS.get((request.method, request.path))
        return web.json_response(
            {"message": "Not Found"} if value is None else value, status=404 if value is None else 200
        )


async def _echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


#: What the examples of tools that read files find in a project.
_FILES: Final = {
    "output/meeting.mp3": b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\0" * 20,
    "output/talk.wav": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0" + b"\0" * 40,
    "output/interview.m4a": b"\0\0\0\x20ftypM4A \0\0\0\0" + b"\0" * 40,
}


def furnish(folder: Path) -> None:
    """Makes a project's folder such as the examples expect."""
    for name, data in _FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


#: The options with which a service tool talks to a service at `url`, its secret being SECRET.
SERVICES: Final[dict[str, Callable[[World, str], Mapping[str, Any]]]] = {
    "http_request": lambda world, url: {"headers": {"authorization": f"Bearer {SECRET}"}},
    "web_scraper": lambda world, url: {},
    "rss_feed": lambda world, url: {},
    "websocket": lambda world, url: {"headers": {"authorization": f"Bearer {SECRET}"}, "timeout": 300},
    "web_search": lambda world, url: {"provider": "brave", "api_key": SECRET, "base_url": url},
    "slack": lambda world, url: {"token": SECRET, "base_url": f"{url}/api"},
    "discord": lambda world, url: {"token": SECRET, "base_url": f"{url}/api/v10"},
    "twilio": lambda world, url: {
        "account_sid": "AC" + "0" * 32,
        "auth_token": SECRET,
        "base_url": url,
        "from_number": "+15005550001",
    },
    "github": lambda world, url: {"token": SECRET, "base_url": url, "read_only": False},
    "jira": lambda world, url: {
        "base_url": url,
        "email": "ada@example.org",
        "api_token": SECRET,
        "read_only": False,
    },
    "image_generation": lambda world, url: {"base_url": f"{url}/v1", "api_key": SECRET},
    "audio_transcribe": lambda world, url: {"base_url": f"{url}/v1", "api_key": SECRET},
    "aws": lambda world, url: {},
    "kubernetes": lambda world, url: {"read_only": False},
    "email": lambda world, url: {
        "smtp_server": f"127.0.0.1:{world.mail_port}" if url == world.url else urlsplit(url).netloc,
        "from_address": "eve@example.org",
    },
}


def _kubeconfig(world: World, url: str) -> dict[str, str]:
    path = world.folder / f"{urlsplit(url).netloc.replace(':', '_')}.yaml"
    user = ", user: u" if url == world.url else ""  # credentials go unencrypted to this machine only
    path.write_text(
        f"clusters: [{{name: c, cluster: {{server: '{url}'}}}}]\nusers: [{{name: u, user: {{token: {SECRET}}}}}]\n"
        f"contexts: [{{name: x, context: {{cluster: c{user}}}}}]\ncurrent-context: x\n"
    )
    return {"KUBECONFIG": str(path)}


#: The same for tools that learn from the host's variables where to go.
_VARIABLES: Final[dict[str, Callable[[World, str], dict[str, str]]]] = {
    "aws": lambda world, url: {
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
    },
    "kubernetes": _kubeconfig,
}

#: Tools that would ask a service where one is configured, and are told not to; and one whose commands may have no end
#: (`grep a /dev/zero`), which is not to be waited for as long as it would wait itself.
_ALONE: Final[dict[str, Mapping[str, Any]]] = {
    "embedding": {"method": "lexical"},
    "vector_search": {"method": "lexical"},
    "shell_command": {"timeout": 5000},
}

#: Tools whose address is an argument.
ADDRESSED: Final = frozenset({"http_request", "web_scraper", "rss_feed", "websocket"})


def outfit(name: str, permissions: list[str], world: World, url: str = "") -> Outfit | None:
    """What a tool needs so that its examples work; None for a service tool that nobody has described here.
    url: where its service is, if not in this world's usual place."""
    grants: dict[str, list[str]] = {}
    if "exec" in permissions:
        grants["exec"] = ["git", "grep", "ps"]
    if "env" in permissions:
        grants["env"] = ["LANG"]
    options: Mapping[str, Any] = _ALONE.get(name, {})
    environ = {"LANG": "C.UTF-8"}
    if "net" in permissions:
        if name not in SERVICES:
            return None
        grants["net"] = world.net
        options = SERVICES[name](world, url or world.url)
        environ |= _VARIABLES[name](world, url or world.url) if name in _VARIABLES else {}
    return Outfit(options, grants, environ)


def aimed(name: str, params: dict[str, Any], url: str) -> dict[str, Any]:
    """An example's arguments with the outside host replaced by this one."""
    if name not in ADDRESSED:
        return params
    parts = urlsplit(params["url"])
    base = url.replace("http", "ws", 1) if parts.scheme in ("ws", "wss") else url
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return {**params, "url": base + path}
