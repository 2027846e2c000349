"""`--web` as a browser meets it: the printed address, the page, its socket; and that nothing stays when it is over."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("textual_serve")

import aiohttp

if TYPE_CHECKING:
    from conftest import Bench

WAITS = 'print("here I am") Async.sleep(600000)'


@asynccontextmanager
async def served(bench: Bench, *command: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "llmspell",
        *command,
        cwd=bench.folder,
        env=bench.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    said = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    found = re.fullmatch(r"llmspell: open (http://127\.0\.0\.1:\d+/\?token=\S{32})\n", said)
    assert found is not None, said
    try:
        yield process, found[1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def page(url: str) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
    """The page as its script opens it: with the cookie that the address brought."""
    jar = aiohttp.CookieJar(unsafe=True)  # of an address without a name
    async with aiohttp.ClientSession(cookie_jar=jar) as client:
        async with client.get(url) as answer:
            found = re.search(r'data-session-websocket-url="([^"]+)"', await answer.text())
        assert found is not None
        async with client.ws_connect(f"{found[1]}?width=100&height=30", origin=url.partition("/?")[0]) as socket:
            yield socket


async def until(socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
    seen = ""
    async with asyncio.timeout(60):
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                seen += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", message.data.decode("utf-8", "replace"))
                if text in seen:
                    return
    raise AssertionError(f"{text!r} never came: {seen[-3000:]}")


async def test_the_window_is_drawn_and_takes_keys(bench: Bench) -> None:
    bench.write("spell.lua", WAITS)
    async with served(bench, "dev", "--web", "spell.lua") as (server, url):
        async with page(url) as socket:
            await until(socket, "here I am")
            assert len(bench.processes()) >= 4
            await socket.send_json(["resize", {"width": 60, "height": 20}])
            await socket.send_json(["stdin", "?"])
            await until(socket, "Help")
            await socket.send_json(["stdin", "q"])
            while not socket.closed:
                await socket.receive(60)
        server.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(server.wait(), 30) == 0
    bench.left_alone()


@pytest.mark.skipif(not os.environ.get("LLMSPELL_TEST_EDITORS"), reason="`make test-editors` has a Chromium")
async def test_in_a_real_browser_keys_are_for_the_window_without_a_click(bench: Bench, tmp_path: Path) -> None:
    bench.write("spell.lua", WAITS)
    async with served(bench, "dev", "--web", "spell.lua") as (server, url), chromium(tmp_path) as ask:
        await ask("Page.navigate", url=url)
        typed = "document.activeElement?.className === 'xterm-helper-textarea'"
        async with asyncio.timeout(60):
            while not (await ask("Runtime.evaluate", expression=typed))["result"].get("value"):
                await asyncio.sleep(0.05)
            assert "token" not in (await ask("Runtime.evaluate", expression="location.href"))["result"]["value"]
            while bench.processes("dev") != [server.pid]:  # without a click; keys before its first picture are lost
                await ask("Input.dispatchKeyEvent", type="keyDown", text="q", key="q")
                await asyncio.sleep(0.5)
        assert bench.processes("dev") == [server.pid]


@asynccontextmanager
async def chromium(folder: Path) -> AsyncGenerator[Callable[..., Awaitable[Any]]]:
    """A page of it, told what to do by its debugging protocol."""
    program = os.environ.get("LLMSPELL_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome") or ""
    assert program, "no Chromium was found; install one, or name it in LLMSPELL_BROWSER"
    flags = (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
    )
    browser = await asyncio.create_subprocess_exec(program, *flags, "about:blank", stderr=subprocess.PIPE)
    assert browser.stderr is not None
    numbers = itertools.count(1)
    try:
        async with asyncio.timeout(60):
            while not (found := re.search(rb"ws://([^/]+)/", await browser.stderr.readline())):
                pass
        rest = asyncio.ensure_future(browser.stderr.read())
        async with aiohttp.ClientSession() as client:
            async with client.get(f"http://{found[1].decode()}/json") as answer:
                page = next(each for each in await answer.json() if each["type"] == "page")
            async with client.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:

                async def ask(method: str, **given: Any) -> Any:
                    number = next(numbers)
                    await socket.send_json({"id": number, "method": method, "params": given})
                    while (told := await socket.receive_json(timeout=60)).get("id") != number:
                        pass
                    return told["result"]

                yield ask
    finally:
        browser.terminate()
        await browser.wait()
        await rest


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
async def test_its_pages_end_with_it(bench: Bench, how: signal.Signals) -> None:
    bench.write("spell.lua", WAITS)
    async with served(bench, "dev", "--web", "spell.lua") as (server, url), page(url) as one, page(url) as other:
        await until(one, "here I am")
        await until(other, "here I am")
        assert len(bench.processes("dev")) == 3
        os.kill(server.pid, how)
        assert await asyncio.wait_for(server.wait(), 30) == (-9 if how == signal.SIGKILL else 0)
        bench.left_alone()


async def test_a_page_that_is_closed_ends_what_it_ran(bench: Bench) -> None:
    bench.write("spell.lua", WAITS)
    async with served(bench, "dev", "--web", "spell.lua") as (server, url):
        async with page(url) as socket:
            await until(socket, "here I am")
        async with asyncio.timeout(60):
            while bench.processes() != [server.pid]:
                await asyncio.sleep(0.01)


async def test_runs_are_looked_at_and_nonsense_ends_its_page_alone(bench: Bench) -> None:
    bench.write("spell.lua", 'print("it was here")')
    bench.llmspell("run", "spell.lua")
    async with served(bench, "tui", "last", "--web") as (_, url):
        for nonsense in ("{", "[]", '["resize", 7]', '["resize", {"width": "x"}]', '["stdin", null]', "[" * 100_000):
            async with page(url) as socket:
                await socket.send_str(nonsense)
                while not socket.closed:
                    await socket.receive(60)
        async with page(url) as socket:
            await until(socket, "it was here")


async def test_without_the_secret_there_is_no_way_in(bench: Bench) -> None:
    bench.write("spell.lua", WAITS)
    async with served(bench, "dev", "--web", "spell.lua") as (_, url):
        own = url.partition("/?")[0]
        port = own.rpartition(":")[2]
        async with aiohttp.ClientSession() as client:
            for path in ("/", "/ws", "/static/", "/static/js/textual.js", "/download/x", "/?token=", "/nothing"):
                async with client.get(own + path) as answer:
                    assert answer.status == 403
            for headers in (
                {"Host": f"localhost:{port}"},
                {"Host": f"evil.example:{port}"},
                {"Origin": "null"},
                {"Origin": "http://evil.example"},
                {"Origin": f"https://127.0.0.1:{port}"},
                {"Origin": "http://127.0.0.1:1"},
            ):
                async with client.get(url, headers=headers) as answer:
                    assert answer.status == 403
                socket = url.replace("http:", "ws:").replace("/?", "/ws?")
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await client.ws_connect(socket, headers=headers)
                assert refused.value.status == 403
        assert len(bench.processes("dev")) == 1  # nobody was let in
        assert listening(int(port)) == [f"0100007F:{int(port):04X}"]  # on loopback alone


def listening(port: int) -> list[str]:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]


def test_a_missing_extra_is_one_clear_error(bench: Bench) -> None:
    bench.write("spell.lua", WAITS)
    code = "import sys; sys.modules['textual_serve'] = None; from llmspell.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "dev", "--web", "spell.lua"],
        cwd=bench.folder,
        env=bench.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "--web needs textual_serve" in done.stderr and "pip install 'llmspell[browser]'" in done.stderr
    assert "Traceback" not in done.stderr
