"""Every tool that goes to an address against every known way to lead it astray: a table of tools by abuses.

web_search stands for all tools that ask a service's own interface (`web.service`): they share one way out. The servers
are raw sockets, so that they can do what a well-behaved one would not.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import hashlib
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from llmspell.errors import LlmspellError, PermissionDenied, TimeoutError, ToolError
from llmspell.tools.web.http_request import HttpRequestTool
from llmspell.tools.web.rss_feed import RssFeedTool
from llmspell.tools.web.web_scraper import WebScraperTool
from llmspell.tools.web.web_search import WebSearchTool
from llmspell.tools.web.websocket import WebSocketTool

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

#: By tool: its class, and what makes it go to an address: (params, options).
TOOLS: dict[str, tuple[type, Callable[[str], tuple[dict[str, Any], dict[str, Any]]]]] = {
    "http_request": (HttpRequestTool, lambda url: ({"url": url}, {})),
    "web_scraper": (WebScraperTool, lambda url: ({"operation": "text", "url": url}, {})),
    "rss_feed": (RssFeedTool, lambda url: ({"url": url}, {})),
    "web_search": (WebSearchTool, lambda url: ({"query": "q"}, {"provider": "searxng", "base_url": url})),
    "websocket": (
        WebSocketTool,
        lambda url: ({"operation": "exchange", "url": url.replace("http://", "ws://", 1)}, {}),
    ),
}
each_tool = pytest.mark.parametrize("tool", TOOLS)


@dataclass
class Place:
    """A listener on one loopback address. asked: the first lines of what came."""

    host: str
    port: int = 0
    asked: list[str] = field(default_factory=list[str])

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/x"

    @property
    def net(self) -> list[str]:
        return [f"{self.host}:{self.port}"]


@pytest.fixture
async def listen() -> AsyncIterator[Callable[..., Awaitable[Place]]]:
    """`await listen(talk, host, port)` listens and keeps what came; talk is called after the head was read."""
    tasks: set[asyncio.Task[None]] = set()
    async with AsyncExitStack() as ends:

        async def started(talk: Talk, host: str = "127.0.0.1", port: int = 0) -> Place:
            place = Place(host)

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task is not None
                tasks.add(task)
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                    place.asked.append(head.decode("latin-1"))
                    if head.startswith(b"GET /robots.txt"):
                        writer.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
                    else:
                        await talk(reader, writer)
                except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    pass
                finally:
                    tasks.discard(task)
                    writer.close()

            listening = await asyncio.start_server(serve, host, port)
            ends.callback(listening.close)
            place.port = listening.sockets[0].getsockname()[1]
            return place

        yield started
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def go(call: Any, tool: str, url: str, net: list[str], **more: Any) -> Any:
    kind, asked = TOOLS[tool]
    params, options = asked(url)
    resolver = {"resolver": more.pop("resolver")} if "resolver" in more else {}
    return await call(
        kind,
        {**params, **more.pop("params", {})},
        options={**options, **more.pop("options", {})},
        net=net,
        more=resolver,
    )


async def fails(call: Any, tool: str, url: str, net: list[str], **more: Any) -> LlmspellError:
    with pytest.raises(LlmspellError) as error:
        await go(call, tool, url, net, **more)
    return error.value


async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi")


def redirect(to: str) -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())

    return talk


@each_tool
async def test_a_name_is_resolved_once_and_the_connection_pinned_to_that(call: Any, listen: Any, tool: str) -> None:
    """DNS rebinding: the name says something else the second time."""
    good = await listen(hello)
    bad = await listen(hello, "127.0.0.2", good.port)
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"], ["127.0.0.2"]])
    calls: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        calls.append(host)
        return next(answers) if tool != "web_scraper" else ["127.0.0.1"] if len(calls) == 1 else next(answers)

    net = [f"rebind.example:{good.port}", *good.net]
    with contextlib.suppress(LlmspellError):  # what it got is of no interest here
        await go(call, tool, f"http://rebind.example:{good.port}/x", net, resolver=rebinding)
    assert len(good.asked) >= 1
    assert bad.asked == []
    asks = 2 if tool == "web_scraper" else 1  # robots.txt is an exchange of its own
    assert len(calls) == asks == len(good.asked)


PRIVATE = [
    "http://127.0.0.2:{port}/x",
    "http://[::1]:{port}/x",
    "http://[::ffff:127.0.0.2]:{port}/x",
    "http://[::ffff:7f00:2]:{port}/x",
    "http://[64:ff9b::7f00:2]:{port}/x",
    "http://[2002:7f00:2::]:{port}/x",
    "http://2130706434:{port}/x",
    "http://0x7f.2:{port}/x",
    "http://0177.0.0.2:{port}/x",
    "http://127.0.0.2.:{port}/x",
    "http://0.0.0.0:{port}/x",
    "http://localhost:{port}/x",
    "http://169.254.169.254/latest/meta-data",
    "http://10.0.0.1/x",
    "http://user@127.0.0.2:{port}/x",
    "//127.0.0.2:{port}/x",
    "file:///etc/passwd",
    "gopher://127.0.0.2:{port}/x",
]


@each_tool
@pytest.mark.parametrize("to", PRIVATE)
async def test_a_redirect_leads_to_no_private_address(call: Any, listen: Any, tool: str, to: str) -> None:
    inside = await listen(hello, "127.0.0.2")
    outside = await listen(redirect(to.format(port=inside.port)))

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    error = await fails(call, tool, outside.url, [*outside.net, "*"], resolver=here)
    assert isinstance(error, ToolError | PermissionDenied)
    assert "failed:" not in error.message  # that would be a connection that was tried
    assert inside.asked == []
    assert len(outside.asked) >= 1


@each_tool
@pytest.mark.parametrize("to", [each for each in PRIVATE if each.startswith("http")])
async def test_no_spelling_of_a_private_address_is_gone_to(call: Any, listen: Any, tool: str, to: str) -> None:
    inside = await listen(hello, "127.0.0.2")

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.2"]

    error = await fails(call, tool, to.format(port=inside.port), ["*"], resolver=here)
    assert isinstance(error, ToolError | PermissionDenied)
    assert "failed:" not in error.message  # that would be a connection that was tried
    assert inside.asked == []


@each_tool
@pytest.mark.parametrize(
    "addresses", [["::ffff:127.0.0.2"], ["8.8.8.8", "127.0.0.2"], ["fe80::1"], ["::"], ["224.0.0.1"], ["100.64.0.1"]]
)
async def test_a_name_that_is_a_private_address_is_refused_unasked(
    call: Any, listen: Any, tool: str, addresses: list[str]
) -> None:
    inside = await listen(hello, "127.0.0.2")

    async def lying(host: str, port: int) -> list[str]:
        return addresses

    error = await fails(call, tool, f"http://evil.example:{inside.port}/x", ["*"], resolver=lying)
    assert isinstance(error, PermissionDenied)
    assert "private address" in error.message
    assert inside.asked == []


def zeros(megabytes: int, wbits: int = 31) -> bytes:
    packer, piece = zlib.compressobj(9, wbits=wbits), b"\0" * 1_000_000
    return b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """Bytes that were held at most since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def bomb(kind: str) -> Talk:
    """A few hundred kilobytes that are hundreds of megabytes unpacked; `endless` never ends."""
    layer = zeros(200)
    packed = gzip.compress(layer, 9) if kind == "twice" else layer

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: ")
        writer.write((b"gzip, gzip" if kind == "twice" else b"gzip") + b"\r\nConnection: close\r\n\r\n")
        writer.write(packed)
        await writer.drain()

    return talk


@each_tool
@pytest.mark.parametrize("kind", ["once", "twice"])
async def test_a_decompression_bomb_ends_at_the_limit(
    call: Any, listen: Any, peak: Callable[[], int], tool: str, kind: str
) -> None:
    place = await listen(bomb(kind))
    error = await fails(call, tool, place.url, place.net)
    assert isinstance(error, ToolError)
    assert peak() < 50_000_000


async def forever(writer: asyncio.StreamWriter, piece: bytes) -> None:
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.02)  # the pace of the drip, not a wait for anything


DRIPS: dict[str, bytes] = {
    "silence": b"",
    "status": b"HTTP/1.1 2",
    "headers": b"HTTP/1.1 200 OK\r\nX-A: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000000\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@each_tool
@pytest.mark.parametrize("kind", DRIPS)
async def test_a_server_that_drips_is_left_in_time(call: Any, listen: Any, tool: str, kind: str) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(DRIPS[kind])
        await forever(writer, b"" if kind == "silence" else b"1\r\na\r\n" if kind == "chunks" else b"a")

    place = await listen(drip)
    started = time.monotonic()
    error = await fails(call, tool, place.url, place.net, options={"timeout": 600})
    assert isinstance(error, TimeoutError | ToolError)
    if tool != "websocket" or kind in {"silence", "headers"}:  # else it sees at once that it is no WebSocket
        assert isinstance(error, TimeoutError) or "no HTTP" in error.message
    assert time.monotonic() - started < 8


@each_tool
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "%0d%0a", "\u010d\u010a"], ids=ascii)
async def test_nothing_that_is_given_adds_a_line_to_a_request(call: Any, listen: Any, tool: str, end: str) -> None:
    place = await listen(hello)
    url = f"{place.url}{end}X-Evil: 1{end}"
    tries: list[dict[str, Any]] = [{"url": url}, {"url": place.url.replace("127", f"127{end}X-Evil: 1", 1)}]
    if tool in {"http_request", "websocket"}:
        tries += [
            {"params": {"headers": {name: value}}}
            for name, value in (("X-A", f"b{end}X-Evil: 1"), (f"X-A{end}X-Evil", "1"))
        ]
        tries += [{"options": {"headers": {"X-A": f"b{end}X-Evil: 1"}}}]
    if tool == "http_request":
        tries += [
            {"params": {"query": {f"a{end}X-Evil: 1": f"b{end}X-Evil: 1"}}},
            {"params": {"form": {f"a{end}": end}, "method": "POST"}},
        ]
    if tool in {"http_request", "web_scraper", "rss_feed"}:
        tries += [{"options": {"user_agent": f"me{end}X-Evil: 1"}}]
    if tool == "websocket":
        tries += [{"params": {"subprotocols": [f"v1{end}X-Evil: 1"]}}]
    if tool == "web_search":
        tries += [{"params": {"query": f"q{end}X-Evil: 1"}}, {"options": {"api_key": f"k{end}X-Evil: 1"}}]
    for each in tries:
        asked = each.pop("url", place.url)
        try:
            await go(call, tool, asked, [*place.net, "*"], **each)
        except LlmspellError as error:
            assert "Traceback" not in error.message
    for head in place.asked:
        names = [line.partition(":")[0].lower() for line in head.replace("\r", "\n").split("\n")[1:]]
        assert "x-evil" not in names


@pytest.mark.parametrize("kind", ["compressed", "endless", "large"])
async def test_frames_that_nobody_agreed_on_end_a_websocket(
    call: Any, listen: Any, peak: Callable[[], int], kind: str
) -> None:
    """A server may not compress unasked (that would be a bomb's way in), nor begin what has no end."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = place.asked[-1]
        key = next(
            line.partition(":")[2].strip()
            for line in head.split("\r\n")
            if line.lower().startswith("sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
        writer.write(
            f"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        packed = zeros(100, -15)
        match kind:
            case "compressed":
                writer.write(bytes([0xC1, 127]) + len(packed).to_bytes(8) + packed)
            case "endless":
                writer.write(bytes([0x01, 1]) + b"x")
                await forever(writer, bytes([0x00, 125]) + b"x" * 125)
            case _:
                writer.write(bytes([0x81, 127]) + (1 << 40).to_bytes(8) + b"x" * 1000)
        await reader.read()

    place = await listen(talk)
    started = time.monotonic()
    try:
        found = await go(
            call, "websocket", place.url, place.net, params={"timeout": 600}, options={"max_message_size": 10_000}
        )
    except ToolError as error:
        assert "larger than 10000 bytes" in error.message or "websocket" in error.message
    else:
        assert (found["messages"], found["open"]) == ([], False)
    assert peak() < 30_000_000
    assert time.monotonic() - started < 8
