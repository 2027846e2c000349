"""websocket talks to a real WebSocket server: one exchange, or a connection that lives across calls."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from llmspell.errors import PermissionDenied, SchemaError, TimeoutError, ToolError
from llmspell.tools.web.websocket import WebSocketTool

both = pytest.mark.parametrize("language", ["lua", "js"])


@pytest.fixture
def ended() -> list[int]:
    """The close codes of the connections that have ended."""
    return []


@pytest.fixture
async def echo(service: Any, ended: list[int]) -> Any:
    """Sends back what it gets; `bytes`, `big`, `bye`, `flood` and `silence` are done instead."""
    over = asyncio.Event()

    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v2", "v1"))
        await socket.prepare(request)
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                break
            match message.data:
                case "bytes":
                    await socket.send_bytes(b"\x00\xff")
                case "big":
                    await socket.send_str("x" * 100_000)
                case "bye":
                    await socket.close(code=4001)
                case "flood":
                    try:
                        while not socket.closed:
                            await socket.send_str("x" * 1000)
                    except ConnectionError:
                        pass
                case "silence":
                    pass
                case said:
                    await socket.send_str(f"{said}!")
        ended.append(socket.close_code or 0)
        return socket

    async def stuck(request: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    service.does("GET", "/echo", talk)
    service.does("GET", "/stuck", stuck)
    service.on("GET", "/plain", "hello")
    service.on("GET", "/away", None, status=302, headers={"Location": f"http://127.0.0.2:{service.port}/echo"})
    service.ws = f"ws://127.0.0.1:{service.port}"
    yield service
    over.set()


async def exchange(call: Any, echo: Any, *messages: str, path: str = "/echo", **more: Any) -> Any:
    options = more.pop("options", None)
    asked = {"operation": "exchange", "url": echo.ws + path, "messages": list(messages), **more}
    return await call(WebSocketTool, asked, options=options, net=echo.net)


async def test_an_exchange_sends_receives_and_closes(call: Any, echo: Any, ended: list[int]) -> None:
    found = await exchange(call, echo, "a", "bytes", count=2, subprotocols=["v1"], headers={"X-Who": "me"})
    assert found == {
        "messages": [{"type": "text", "data": "a!"}, {"type": "base64", "data": "AP8="}],
        "sent": 2,
        "open": False,
        "subprotocol": "v1",
        "close_code": 1000,
    }
    assert ended == [1000]


async def test_waiting_ends_with_the_time_and_with_the_other_side(call: Any, echo: Any) -> None:
    found = await exchange(call, echo, "silence", "a", count=5, timeout=200)
    assert found["messages"] == [{"type": "text", "data": "a!"}]
    found = await exchange(call, echo, "a", "bye", count=5)
    assert (found["messages"], found["close_code"]) == ([{"type": "text", "data": "a!"}], 4001)


async def test_what_the_other_side_can_do_is_bounded(call: Any, echo: Any) -> None:
    with pytest.raises(ToolError, match="larger than 1000 bytes"):
        await exchange(call, echo, "big", options={"max_message_size": 1000})
    started = time.monotonic()
    assert len((await exchange(call, echo, "flood", count=50))["messages"]) == 50
    with pytest.raises(TimeoutError, match="within 200 ms"):
        await exchange(call, echo, "a", path="/stuck", options={"timeout": 200})
    assert time.monotonic() - started < 10


async def test_where_it_may_not_go(call: Any, echo: Any) -> None:
    async def lying(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    for url, net in (
        (f"{echo.ws}/echo", []),
        (f"ws://evil.example:{echo.port}/echo", ["evil.example"]),
        (f"http://127.0.0.1:{echo.port}/echo", echo.net),
        ("file:///etc/passwd", ["*"]),
        (f"{echo.ws}/away", [*echo.net, "127.0.0.2"]),
    ):
        with pytest.raises(PermissionDenied):
            await call(WebSocketTool, {"operation": "exchange", "url": url}, net=net, more={"resolver": lying})
    assert [asked.path for asked in echo.asked] == ["/away"]


async def test_what_is_no_websocket_and_wrong_use(call: Any, echo: Any) -> None:
    with pytest.raises(ToolError, match="answered 200 and opened no WebSocket"):
        await exchange(call, echo, path="/plain")
    with pytest.raises(ToolError, match="line end"):
        await exchange(call, echo, headers={"X-A": "b\r\nHost: evil"})
    with pytest.raises(ToolError, match="set by the tool"):
        await exchange(call, echo, headers={"Sec-WebSocket-Key": "x"})
    with pytest.raises(SchemaError, match="needs `connection`"):
        await call(WebSocketTool, {"operation": "send"})
    with pytest.raises(SchemaError, match="needs `url`"):
        await call(WebSocketTool, {"operation": "connect"})
    with pytest.raises(ToolError, match="no open connection 7"):
        await call(WebSocketTool, {"operation": "close", "connection": 7})


TALK = {
    "lua": """
        local t = WebSocket.new{}
        local opened = t:execute{ operation = "connect", url = params.url }
        t:execute{ operation = "send", connection = opened.connection, messages = { "one", "two" } }
        local found = t:execute{ operation = "receive", connection = opened.connection, count = 2 }
        local closed = t:execute{ operation = "close", connection = opened.connection }
        local left = t:execute{ operation = "connect", url = params.url }
        return { found.messages[1].data, found.messages[2].data, found.open, closed.open, left.connection }
    """,
    "js": """
        const t = new WebSocketTool({});
        const { connection } = await t.execute({ operation: "connect", url: params.url });
        await t.execute({ operation: "send", connection, messages: ["one", "two"] });
        const found = await t.execute({ operation: "receive", connection, count: 2 });
        const closed = await t.execute({ operation: "close", connection });
        const left = await t.execute({ operation: "connect", url: params.url });
        return [found.messages[0].data, found.messages[1].data, found.open, closed.open, left.connection];
    """,
}


@both
async def test_a_connection_lives_across_calls_and_ends_with_the_run(
    cast: Any, echo: Any, ended: list[int], language: str
) -> None:
    given = {"params": {"url": f"{echo.ws}/echo"}, "flags": {"permissions.net": echo.net}}
    spell = await cast(**{language: TALK[language]}, **given)
    assert spell.value == ["one!", "two!", True, False, 2]
    assert len(ended) == 2
    assert (await cast(**{language: TALK[language]}, replay=spell.recording, **given)).value == spell.value
    assert len(echo.asked) == 2
