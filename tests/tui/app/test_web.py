"""In the browser: loopback alone, the token asked of every request, other sites refused, nothing loaded from elsewhere."""

from __future__ import annotations

import pytest

pytest.importorskip("textual_serve")

from aiohttp.test_utils import TestClient, TestServer

from llmspell_tui.app.web import WebWindow

TOKEN = "a-token-of-this-start"


@pytest.fixture
async def client(unused_port: int):
    server = WebWindow("true", unused_port, TOKEN)
    app = await server.made()
    app.on_startup.clear()
    async with TestClient(TestServer(app, host="127.0.0.1", port=unused_port)) as client:
        yield client


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_without_the_token_nothing_is_served(client) -> None:
    for path in ("/", "/ws", "/static/js/textual.js", "/?token=wrong"):
        assert (await client.get(path)).status == 403


async def test_with_it_the_page_is_served_and_remembered(client) -> None:
    page = await client.get("/", params={"token": TOKEN})
    text = await page.text()
    assert page.status == 200 and "ws://127.0.0.1" in text
    assert "googleapis" not in text
    (cookie,) = page.cookies.values()
    assert cookie["httponly"] and cookie["samesite"] == "Strict"
    assert (await client.get("/")).status == 200


async def test_other_sites_are_refused_though_they_have_the_cookie(client) -> None:
    await client.get("/", params={"token": TOKEN})
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        assert (await client.get("/", headers=headers)).status == 403
        assert (await client.get("/ws", headers=headers)).status == 403


def test_it_listens_on_loopback_alone_and_says_where(capsys) -> None:
    window = WebWindow("true", 4321, TOKEN)
    assert window.host == "127.0.0.1"
    assert window.url == f"http://127.0.0.1:4321/?token={TOKEN}"
