"""The HTTP tool against a real server on loopback that answers well, badly, slowly and with malice."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from llmspell.errors import LlmspellError, PermissionDenied, SchemaError, TimeoutError, ToolError
from llmspell.tools.web.http_request import HttpRequestTool

pytestmark = pytest.mark.mission(108)

KNOWN = (
    "private_address",
    "address_spellings",
    "name_of_a_private_address",
    "rebinding",
    "redirect_to_private",
    "redirect_to_other_scheme",
    "redirect_out_of_options",
    "redirect_loop",
    "secrets_stay_with_their_host",
    "schemes",
    "line_end_in_header",
    "own_headers",
    "line_end_in_address",
    "user_in_address",
    "huge_body",
    "endless_body",
    "slow_body",
    "slow_head",
    "gzip_bomb",
    "deflate_bomb",
    "damaged_compression",
    "unknown_compression",
    "huge_headers",
    "no_http",
    "cut_off",
    "json_bomb",
    "proxy_from_the_environment",
    "cookies",
    "options_cannot_widen",
    "private_in_options",
)


@dataclass
class Server:
    """Answers a path with the bytes that its handler writes; keeps what it received."""

    port: int = 0
    received: list[bytes] = field(default_factory=list[bytes])
    answers: dict[str, Callable[[asyncio.StreamWriter], Awaitable[None]]] = field(default_factory=dict)  # pyright: ignore

    @property
    def net(self) -> list[str]:
        return [f"127.0.0.1:{self.port}"]

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def says(self, path: str, body: bytes, head: str = "Content-Type: text/plain", status: str = "200 OK") -> None:
        lines = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{head}\r\n\r\n"

        async def answer(writer: asyncio.StreamWriter) -> None:
            writer.write(lines.encode() + body)

        self.answers[path] = answer

    def redirects(self, path: str, to: str, status: int = 302) -> None:
        self.says(path, b"", f"Location: {to}", f"{status} Moved")

    def raw(self, path: str, *parts: bytes, forever: bytes = b"", wait: bool = False) -> None:
        async def answer(writer: asyncio.StreamWriter) -> None:
            for part in parts:
                writer.write(part)
            await writer.drain()
            while forever:
                writer.write(forever)
                await writer.drain()
            if wait:
                await asyncio.Event().wait()

        self.answers[path] = answer


@asynccontextmanager
async def serving() -> AsyncGenerator[Server]:
    server = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            server.received.append(head + await reader.readexactly(length))
            path = head.split(b" ")[1].decode().partition("?")[0]
            if path in server.answers:
                await server.answers[path](writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            if task.get_coro().__name__ == "serve":  # pyright: ignore
                task.cancel()


def resolver(*answers: list[str]) -> dict[str, Any]:
    """Names resolve to the given lists, one after the other."""
    left = list(answers)

    async def resolved(host: str, port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return {"resolver": resolved}


async def test_answers(call: Any) -> None:
    async with serving() as server:
        server.says("/json", b'{"a": [1, 2]}', "Content-Type: application/json; charset=utf-8")
        found = await call(
            HttpRequestTool, {"url": server.url("/json"), "query": {"q": "ä b", "n": [1, 2], "t": True}}, net=server.net
        )
        assert (found["status"], found["ok"], found["body"], found["encoding"]) == (200, True, {"a": [1, 2]}, "json")
        assert b"GET /json?q=%C3%A4+b&n=1&n=2&t=true HTTP/1.1" in server.received[0]
        assert b"user-agent: llmspell" in server.received[0].lower()
        server.says("/missing", "nö".encode(), "Content-Type: text/plain; charset=utf-8", "404 Not Found")
        found = await call(HttpRequestTool, {"url": server.url("/missing")}, net=server.net)
        assert (found["status"], found["ok"], found["body"]) == (404, False, "nö")
        server.says("/bytes", b"\xff\x00", "Content-Type: image/png")
        found = await call(HttpRequestTool, {"url": server.url("/bytes")}, net=server.net)
        assert (found["body"], found["encoding"]) == ("/wA=", "base64")
        server.says("/gzip", gzip.compress(b"packed"), "Content-Encoding: gzip\r\nContent-Type: text/plain")
        assert (await call(HttpRequestTool, {"url": server.url("/gzip")}, net=server.net))["body"] == "packed"
        for data in (zlib.compress(b"packed"), zlib.compress(b"packed")[2:-4]):
            server.says("/deflate", data, "Content-Encoding: deflate")
            assert (await call(HttpRequestTool, {"url": server.url("/deflate")}, net=server.net))["body"] == "packed"


async def test_bodies(call: Any) -> None:
    async with serving() as server:
        server.says("/", b"ok")
        for params, kind, body in (
            ({"json": {"a": "ä"}}, b"application/json", '{"a": "ä"}'.encode()),
            ({"form": {"a": "1 2", "b": 3}}, b"application/x-www-form-urlencoded", b"a=1+2&b=3"),
            ({"body": "text", "headers": {"Content-Type": "text/csv", "X-A": "b"}}, b"text/csv", b"text"),
        ):
            await call(HttpRequestTool, {"method": "POST", "url": server.url(), **params}, net=server.net)
            assert kind in server.received[-1]
            assert server.received[-1].endswith(b"\r\n\r\n" + body)
        with pytest.raises(SchemaError, match="one of"):
            await call(HttpRequestTool, {"url": server.url(), "body": "a", "json": 1}, net=server.net)


async def test_redirects_are_followed(call: Any) -> None:
    async with serving() as server:
        server.redirects("/a", "/b?x=1", 303)
        server.says("/b", b"there")
        found = await call(HttpRequestTool, {"method": "POST", "url": server.url("/a"), "json": 1}, net=server.net)
        assert (found["body"], found["redirects"]) == ("there", [server.url("/a")])
        assert server.received[1].startswith(b"GET /b?x=1 ")
        assert b"content-type" not in server.received[1].lower()
        server.redirects("/c", "/b", 307)
        await call(HttpRequestTool, {"method": "POST", "url": server.url("/c"), "json": 1}, net=server.net)
        assert server.received[-1].startswith(b"POST /b ")
        found = await call(
            HttpRequestTool, {"url": server.url("/a")}, options={"follow_redirects": False}, net=server.net
        )
        assert (found["status"], found["headers"]["location"]) == (303, "/b?x=1")


async def test_private_address(call: Any) -> None:
    async with serving() as server:
        for host in ("127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]"):
            with pytest.raises(PermissionDenied):
                await call(HttpRequestTool, {"url": server.url(host=host)}, net=["*"])
        assert server.received == []


async def test_address_spellings(call: Any) -> None:
    async with serving() as server:
        for host in (
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0x7f.1",
            "①②⑦.⓪.⓪.①",
            "127.0.0.1.",
            "[::127.0.0.1]",
        ):
            with pytest.raises(LlmspellError):
                await call(HttpRequestTool, {"url": server.url(host=host)}, net=["*"])
        assert server.received == []


async def test_name_of_a_private_address(call: Any) -> None:
    async with serving() as server:
        for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"):
            with pytest.raises(PermissionDenied, match="private"):
                await call(
                    HttpRequestTool, {"url": server.url(host="evil.test")}, net=["evil.test"], more=resolver([address])
                )
        assert server.received == []


async def test_rebinding(call: Any) -> None:
    """The name changes its address after it was judged: the connection goes to the judged one."""
    async with serving() as server:
        server.says("/", b"the judged one")
        changing = resolver(["127.0.0.1"], ["169.254.169.254"])
        found = await call(
            HttpRequestTool, {"url": server.url(host="name.test")}, net=["name.test", *server.net], more=changing
        )
        assert found["body"] == "the judged one"
        server.redirects("/again", server.url("/", host="name.test"))
        changing = resolver(["127.0.0.1"], ["169.254.169.254"])
        with pytest.raises(PermissionDenied, match="private"):
            await call(
                HttpRequestTool, {"url": server.url("/again", host="name.test")}, net=["*", *server.net], more=changing
            )


async def test_redirect_to_private(call: Any) -> None:
    async with serving() as server:
        for number, to in enumerate(
            (
                "http://169.254.169.254/latest",
                "http://127.0.0.1:1/",
                "//10.0.0.1/",
                "http://[::1]/",
                "http://2130706433/",
            )
        ):
            server.redirects(f"/{number}", to)
            with pytest.raises(PermissionDenied):
                await call(HttpRequestTool, {"url": server.url(f"/{number}")}, net=["*", *server.net])


async def test_redirect_to_other_scheme(call: Any) -> None:
    async with serving() as server:
        for number, to in enumerate(("file:///etc/passwd", "gopher://127.0.0.1/", "data:text/plain,x", "javascript:1")):
            server.redirects(f"/{number}", to)
            with pytest.raises(PermissionDenied, match="http"):
                await call(HttpRequestTool, {"url": server.url(f"/{number}")}, net=["*", *server.net])


async def test_redirect_out_of_options(call: Any) -> None:
    async with serving() as server:
        server.redirects("/", "http://other.test/")
        with pytest.raises(PermissionDenied, match="options"):
            await call(
                HttpRequestTool,
                {"url": server.url()},
                options={"allowed_domains": ["127.0.0.1"]},
                net=["*", *server.net],
            )


async def test_redirect_loop(call: Any) -> None:
    async with serving() as server:
        server.redirects("/", "/")
        with pytest.raises(ToolError, match="redirects more"):
            await call(HttpRequestTool, {"url": server.url()}, net=server.net)
        assert len(server.received) == 6


async def test_secrets_stay_with_their_host(call: Any) -> None:
    async with serving() as first, serving() as second:
        first.redirects("/", second.url("/"))
        second.says("/", b"ok")
        headers = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Fine": "1"}
        params = {"url": first.url(), "headers": headers}
        await call(HttpRequestTool, params, options={"headers": {"X-Own": "2"}}, net=first.net + second.net)
        assert all(name in first.received[0].lower() for name in (b"authorization", b"cookie", b"x-own"))
        assert not any(name in second.received[0].lower() for name in (b"authorization", b"cookie", b"x-own"))
        assert b"x-fine" in second.received[0].lower()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x/", "ftp://x/", "unix:///run/x.sock", "ws://x/"])
async def test_schemes(call: Any, url: str) -> None:
    with pytest.raises(PermissionDenied, match="http"):
        await call(HttpRequestTool, {"url": url}, net=["*"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X", "a\r\nHost: evil"),
        ("X\r\nHost", "a"),
        ("X", "a\nb"),
        ("X", "\0"),
        ("", "a"),
        ("X Y", "a"),
        ("X:", "a"),
        ("X", "€"),
    ],
)
async def test_line_end_in_header(call: Any, name: str, value: str) -> None:
    with pytest.raises(ToolError, match="header"):
        await call(HttpRequestTool, {"url": "http://example.org/", "headers": {name: value}}, net=["*"])


async def test_own_headers(call: Any) -> None:
    for name in ("Host", "content-length", "Transfer-Encoding", "Connection", "Accept-Encoding", "Proxy-Authorization"):
        with pytest.raises(ToolError, match="set by the tool"):
            await call(HttpRequestTool, {"url": "http://example.org/", "headers": {name: "x"}}, net=["*"])


async def test_line_end_in_address(call: Any) -> None:
    for url in (
        "http://example.org/a\r\nX: y",
        "http://example.org/ HTTP/1.1",
        "http://exam\nple.org/",
        "http://e.org\\@x/",
    ):
        with pytest.raises(ToolError):
            await call(HttpRequestTool, {"url": url}, net=["*"])


async def test_user_in_address(call: Any) -> None:
    with pytest.raises(ToolError, match="user name") as caught:
        await call(HttpRequestTool, {"url": "http://good.test:secret@evil.test/"}, net=["*"])
    assert "secret" not in caught.value.message


async def test_huge_body(call: Any) -> None:
    async with serving() as server:
        server.says("/", b"x" * 200_000)
        with pytest.raises(ToolError, match="more than 100000"):
            await call(HttpRequestTool, {"url": server.url()}, options={"max_response_size": 100_000}, net=server.net)


async def test_endless_body(call: Any) -> None:
    async with serving() as server:
        server.raw("/", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", forever=b"4\r\nxxxx\r\n" * 1000)
        with pytest.raises(ToolError, match="more than"):
            await call(HttpRequestTool, {"url": server.url()}, options={"max_response_size": 100_000}, net=server.net)


async def test_slow_body(call: Any) -> None:
    async with serving() as server:
        server.raw("/", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", wait=True)
        with pytest.raises(TimeoutError, match="200 ms"):
            await call(HttpRequestTool, {"url": server.url(), "timeout": 200}, net=server.net)


async def test_slow_head(call: Any) -> None:
    async with serving() as server:
        server.raw("/", b"HTTP/1.1 200 OK\r\n", wait=True)
        with pytest.raises(TimeoutError):
            await call(
                HttpRequestTool, {"url": server.url(), "timeout": 60_000}, options={"timeout": 200}, net=server.net
            )


async def test_gzip_bomb(call: Any) -> None:
    async with serving() as server:
        server.says("/", gzip.compress(b"\0" * 50_000_000), "Content-Encoding: gzip")
        with pytest.raises(ToolError, match="more than"):
            await call(HttpRequestTool, {"url": server.url()}, net=server.net)


async def test_deflate_bomb(call: Any) -> None:
    async with serving() as server:
        server.says("/", zlib.compress(b"\0" * 50_000_000), "Content-Encoding: deflate")
        with pytest.raises(ToolError, match="more than"):
            await call(HttpRequestTool, {"url": server.url()}, net=server.net)


async def test_damaged_compression(call: Any) -> None:
    async with serving() as server:
        for kind in ("gzip", "deflate"):
            server.says("/", b"this is not packed at all", f"Content-Encoding: {kind}")
            with pytest.raises(ToolError, match="damaged"):
                await call(HttpRequestTool, {"url": server.url()}, net=server.net)
        server.says("/", gzip.compress(b"a" * 1000)[:-12], "Content-Encoding: gzip")
        with pytest.raises(ToolError, match="damaged"):
            await call(HttpRequestTool, {"url": server.url()}, net=server.net)


async def test_unknown_compression(call: Any) -> None:
    async with serving() as server:
        server.says("/", b"x", "Content-Encoding: br")
        with pytest.raises(ToolError, match="br"):
            await call(HttpRequestTool, {"url": server.url()}, net=server.net)


async def test_huge_headers(call: Any) -> None:
    async with serving() as server:
        server.raw("/", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n")
        server.raw("/many", b"HTTP/1.1 200 OK\r\n", forever=b"X-A: b\r\n" * 100)
        for path in ("/", "/many"):
            with pytest.raises(ToolError):
                await call(HttpRequestTool, {"url": server.url(path), "timeout": 3000}, net=server.net)


async def test_no_http(call: Any) -> None:
    async with serving() as server:
        for answer in (b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", b""):
            server.raw("/", answer)
            with pytest.raises(ToolError, match=r"127\.0\.0\.1"):
                await call(HttpRequestTool, {"url": server.url()}, net=server.net)


async def test_cut_off(call: Any) -> None:
    async with serving() as server:
        server.raw("/", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        with pytest.raises(ToolError, match="before the answer was complete") as caught:
            await call(HttpRequestTool, {"url": server.url()}, net=server.net)
        assert caught.value.retryable


async def test_json_bomb(call: Any) -> None:
    async with serving() as server:
        server.says("/", b"[" * 100_000, "Content-Type: application/json")
        assert (await call(HttpRequestTool, {"url": server.url()}, net=server.net))["encoding"] == "text"
        with pytest.raises(ToolError, match="deep"):
            await call(HttpRequestTool, {"url": server.url(), "response": "json"}, net=server.net)


async def test_proxy_from_the_environment(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as server, serving() as proxy:
        server.says("/", b"direct")
        monkeypatch.setenv("http_proxy", proxy.url())
        monkeypatch.setenv("ALL_PROXY", proxy.url())
        assert (await call(HttpRequestTool, {"url": server.url()}, net=server.net))["body"] == "direct"
        assert proxy.received == []


async def test_cookies(call: Any) -> None:
    async with serving() as server:
        server.says("/", b"", "Set-Cookie: a=b\r\nLocation: /next", "302 Found")
        server.says("/next", b"ok")
        await call(HttpRequestTool, {"url": server.url()}, net=server.net)
        assert b"cookie" not in server.received[1].lower()


async def test_options_cannot_widen(call: Any) -> None:
    with pytest.raises(PermissionDenied, match="the spell may not reach") as caught:
        await call(HttpRequestTool, {"url": "https://example.org/"}, options={"allowed_domains": ["*"]})
    assert '--allow-net "example.org:443"' in caught.value.hint


async def test_private_in_options(call: Any) -> None:
    async with serving() as server:
        with pytest.raises(PermissionDenied, match="private"):
            await call(HttpRequestTool, {"url": server.url()}, options={"allowed_domains": ["127.0.0.1"]}, net=["*"])


async def test_loop_is_not_blocked(call: Any, unblocked: None) -> None:
    async with serving() as server:
        server.says("/", json.dumps({"a": 1}).encode(), "Content-Type: application/json")
        assert (await call(HttpRequestTool, {"url": server.url()}, net=server.net))["body"] == {"a": 1}


def test_table_is_full() -> None:
    empty = [abuse for abuse in KNOWN if f"test_{abuse}" not in globals()]
    print("without a test:", empty)
    assert empty == []
