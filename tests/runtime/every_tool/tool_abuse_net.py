"""Ways to abuse a tool that talks to a service: where it is led, and what the service answers."""

from __future__ import annotations

import asyncio
import gzip
from functools import cache
from typing import Any, Final

from aiohttp import web
from tool_abuse import Attack, Cell
from tool_world import ADDRESSED, SECRET

#: Bytes of an answer that no tool keeps.
_MUCH: Final = 40_000_000


def reaches_out(tool: dict[str, Any]) -> str:
    return "" if "net" in tool["permissions"] else "reaches no network"


def _by_http(tool: dict[str, Any], why: str) -> str:
    if "net" not in tool["permissions"]:
        return "reaches no network"
    return why if tool["name"] in ("email", "websocket") else ""


def redirected(tool: dict[str, Any]) -> str:
    return "" if tool["name"] == "websocket" else _by_http(tool, "SMTP has no redirects")


def answered(tool: dict[str, Any]) -> str:
    return _by_http(tool, "its answers are lines or frames, bounded one by one: see its own tests")


async def unnamed_host(cell: Cell) -> None:
    for example in cell.examples:
        assert await cell.tries(example, grants={}) == "permission"
    assert cell.world.asked == [] and cell.world.mails == []


async def unnamed_address(cell: Cell) -> None:
    """Loopback spelled so that it looks like another host."""
    port = cell.world.stranger_port
    for host in ("127.0.0.2", "2130706434", "0x7f.2", "[::ffff:127.0.0.2]", "127.2"):
        await _led_to(cell, f"http://{host}:{port}")


async def private_address(cell: Cell) -> None:
    """A public name that resolves to a private address, alone or beside a public one."""
    port = cell.world.stranger_port
    for addresses in (["127.0.0.2"], ["93.184.215.14", "127.0.0.2"], ["::ffff:127.0.0.2"], ["169.254.169.254"]):
        await _led_to(
            cell,
            f"http://inside.example.org:{port}",
            grants={"net": ["*.example.org"]},
            resolved=[addresses],
        )


async def rebinding(cell: Cell) -> None:
    """A name that is public when it is asked first, and private when it is asked again."""
    port = cell.world.mail_port if cell.name == "email" else cell.world.port
    grants = {"net": ["*.example.org", *cell.world.net]}
    for example in cell.examples:
        url = f"http://moves.example.org:{port}"
        await cell.tries(_led(cell, example, url), url=url, grants=grants, resolved=[["127.0.0.1"], ["127.0.0.2"]])
    assert cell.world.strangers == 0


def _led(cell: Cell, example: dict[str, Any], url: str) -> dict[str, Any]:
    if cell.name not in ADDRESSED:
        return example
    there = url.replace("http", "ws", 1) if example["url"].startswith("ws") else url
    return {**example, "url": there + "/" + example["url"].split("/", 3)[3]}


async def _led_to(cell: Cell, url: str, **more: Any) -> None:
    for example in cell.examples:
        outcome = await cell.tries(_led(cell, example, url), url=url, **more)
        assert outcome in ("permission", "tool", "validation"), outcome
    assert "permission" in cell.outcomes
    assert cell.world.strangers == 0


async def redirect(cell: Cell) -> None:
    async def away(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"location": f"http://{cell.world.stranger}/"})

    cell.world.answer = away
    for example in cell.examples:
        assert await cell.tries(example) != "accepted"
    assert cell.world.asked and cell.world.strangers == 0


async def endless_answer(cell: Cell) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "application/json"})
        await answer.prepare(request)
        for _ in range(_MUCH // 1_000_000):
            await answer.write(b" " * 1_000_000)
        return answer

    cell.world.answer = flood
    assert await cell.tries(cell.examples[0]) != "accepted"


async def packed_bomb(cell: Cell) -> None:
    async def small(request: web.Request) -> web.StreamResponse:
        return web.Response(body=_bomb(), headers={"content-encoding": "gzip", "content-type": "application/json"})

    cell.world.answer = small
    assert await cell.tries(cell.examples[0]) != "accepted"


@cache
def _bomb() -> bytes:
    return gzip.compress(b"[" + b" " * _MUCH, 1)


async def silence(cell: Cell) -> None:
    async def nothing(request: web.Request) -> web.StreamResponse:
        await asyncio.wait_for(cell.world.over.wait(), 30)
        return web.Response()

    cell.world.answer = nothing
    assert await cell.tries(cell.examples[0], options={"timeout": 150}) == "timeout"


_BROKEN: Final = (
    b"", b"null", b"[]", b"{}", b'"text"', b"7", b'{"ok":true}', b'{"a":', b"\xff\xfe\x00", b"<html>no</html>",
    b"[" * 100_000, b'[{"number":"x","user":7,"labels":[1],"items":{}}]', b'{"messages":[[]],"web":{"results":[7]}}',
    b'{"ok":true,"messages":"no","channel":[],"ts":{}}', b'{"issues":[{"fields":7}],"fields":[],"items":[null]}',
    b'{"content":7,"size":"x","path":null,"id":null,"sid":9,"status":[],"messages":[{}]}',
)  # fmt: skip


async def broken_answer(cell: Cell) -> None:
    cell.sampled = True
    for body in _BROKEN:
        for kind in ("application/json", "text/html"):

            async def odd(request: web.Request, body: bytes = body, kind: str = kind) -> web.StreamResponse:
                return web.Response(body=body, headers={"content-type": kind})

            cell.world.answer = odd
            for example in cell.examples:
                await cell.tries(example)
    assert cell.world.asked


async def failing_service(cell: Cell) -> None:
    """It fails, and repeats in its words the secret that it was sent."""

    statuses = [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503]

    async def fail(request: web.Request) -> web.StreamResponse:
        word = "k" if cell.name in ADDRESSED else SECRET  # whose result the answer itself is
        said = {"message": f"bad key {word}", "error": word, "detail": f"Bearer {word}"}
        return web.json_response(said, status=statuses[0])

    cell.world.answer = fail
    while statuses:
        for example in cell.examples:
            outcome = await cell.tries({**example, **({"response": "text"} if cell.name == "http_request" else {})})
            assert outcome != "internal"
        statuses.pop(0)
    assert cell.world.asked


NET: Final[dict[str, Attack]] = {
    "unnamed host": (reaches_out, unnamed_host),
    "unnamed address": (reaches_out, unnamed_address),
    "private address": (reaches_out, private_address),
    "rebinding": (reaches_out, rebinding),
    "redirect": (redirected, redirect),
    "endless answer": (answered, endless_answer),
    "packed bomb": (answered, packed_bomb),
    "silence": (answered, silence),
    "broken answer": (answered, broken_answer),
    "failing service": (answered, failing_service),
}
