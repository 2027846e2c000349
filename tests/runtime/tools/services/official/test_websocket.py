"""websocket beside websocket-client, at a server written from RFC 6455 that shares no code with either.

It counts what a client may not do: frames without a mask, lengths in a longer form than needed, reserved bits, control
frames in pieces, text that is no UTF-8, a pong that answers nothing, an end without a goodbye.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import websocket

from llmspell.tools.web.websocket import WebSocketTool

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BYTES, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass
class Raw:
    port: int = 0
    heads: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    said: list[list[tuple[int, bytes]]] = field(default_factory=list[list[tuple[int, bytes]]])
    wrong: list[str] = field(default_factory=list[str])
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/chat?room=1"

    def note(self, problem: str, bad: bool) -> None:
        if bad:
            self.wrong.append(problem)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._greet(reader, writer)
            self.said.append([])
            while (frame := await self._frame(reader)) is not None:
                self.said[-1].append(frame)
                self._answer(writer, *frame)
                if frame[0] == CLOSE:
                    break
        except asyncio.IncompleteReadError:
            self.wrong.append("it left without a goodbye")
        finally:
            writer.close()
            self.over.set()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")[:-2]
        head = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.heads.append(head)
        key = head.get("sec-websocket-key", "")
        self.note("the request line", first != "GET /chat?room=1 HTTP/1.1")
        self.note("Host", head.get("host") != f"127.0.0.1:{self.port}")
        self.note("Upgrade", head.get("upgrade", "").lower() != "websocket")
        self.note("Connection", "upgrade" not in head.get("connection", "").lower())
        self.note("the version", head.get("sec-websocket-version") != "13")
        self.note("the key", len(base64.b64decode(key, validate=True)) != 16)
        accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
        offered = [each.strip() for each in head.get("sec-websocket-protocol", "").split(",")]
        chosen = "Sec-WebSocket-Protocol: v1\r\n" if "v1" in offered else ""
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept}\r\n{chosen}\r\n".encode()
        )

    async def _frame(self, reader: asyncio.StreamReader) -> tuple[int, bytes] | None:
        start, length = await reader.readexactly(2)
        size, opcode = length & 127, start & 15
        self.note("a frame without a mask", not length & 128)
        self.note("reserved bits", bool(start & 112))
        self.note("a message in pieces", not start & 128)  # allowed, but neither client does it for short ones
        self.note("a long control frame", opcode >= 8 and size > 125)
        if size == 126:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            self.note("a longer length than needed", size < 126)
        elif size == 127:
            (size,) = struct.unpack("!Q", await reader.readexactly(8))
            self.note("a longer length than needed", size < 65_536)
        mask = await reader.readexactly(4)
        data = await reader.readexactly(size)
        return opcode, bytes(byte ^ mask[at & 3] for at, byte in enumerate(data))

    def _answer(self, writer: asyncio.StreamWriter, opcode: int, data: bytes) -> None:
        match opcode:
            case 1 if data == b"pieces":  # three pieces, one inside of a character, with a ping between
                words = "ä-ö-ü".encode()
                writer.write(_framed(TEXT, words[:1], last=False) + _framed(PING, b"are you there"))
                writer.write(_framed(0, words[1:4], last=False) + _framed(0, words[4:]))
            case 1 if data == b"bytes":
                writer.write(_framed(BYTES, bytes(range(256)) * 2))
            case 1 if data == b"large":
                writer.write(_framed(TEXT, b"x" * 70_000))
            case 1:
                writer.write(_framed(TEXT, data.decode("utf-8", "strict").encode() + b"!"))
            case 8:
                self.note("the goodbye's code", data[:2] not in {b"", struct.pack("!H", 1000)})
                writer.write(_framed(CLOSE, data[:2]))
            case 10:
                self.note("a pong that answers nothing", data != b"are you there")
            case _:
                self.wrong.append(f"opcode {opcode}")


def _framed(opcode: int, data: bytes, *, last: bool = True) -> bytes:
    size = len(data)
    length = (
        bytes([size])
        if size < 126
        else struct.pack("!BH", 126, size)
        if size < 65_536
        else struct.pack("!BQ", 127, size)
    )
    return bytes([(128 if last else 0) | opcode]) + length + data


@pytest.fixture
async def server() -> AsyncIterator[Raw]:
    found = Raw()
    listening = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = listening.sockets[0].getsockname()[1]
    yield found
    listening.close()


async def finished(server: Raw) -> None:
    async with asyncio.timeout(20):
        await server.over.wait()
    server.over.clear()


async def theirs(server: Raw, messages: list[str], **more: Any) -> list[str | bytes]:
    def work() -> list[str | bytes]:
        socket = websocket.create_connection(server.url, timeout=20, **more)
        for message in messages:
            socket.send(message)
        found = [socket.recv() for _ in messages]
        socket.close(status=1000)
        return found

    found = await asyncio.to_thread(work)
    await finished(server)
    return found


async def ours(call: Any, server: Raw, messages: list[str], **more: Any) -> dict[str, Any]:
    asked = {"operation": "exchange", "url": server.url, "messages": messages, "count": len(messages), **more}
    found = await call(WebSocketTool, asked, net=[f"127.0.0.1:{server.port}"])
    await finished(server)
    return found


async def test_the_accept_of_the_rfcs_example() -> None:
    key = b"dGhlIHNhbXBsZSBub25jZQ=="
    assert base64.b64encode(hashlib.sha1(key + GUID).digest()) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    "messages",
    [["hello"], ["ä" * 63, "x" * 126, "y" * 65_535, "z" * 65_536], ["pieces", "after"], ["bytes"], ["large"]],
    ids=["short", "lengths", "pieces", "bytes", "large"],
)
async def test_both_clients_say_and_hear_the_same(call: Any, server: Raw, messages: list[str]) -> None:
    expected = await theirs(server, messages)
    found = await ours(call, server, messages)
    got = [base64.b64decode(each["data"]) if each["type"] == "base64" else each["data"] for each in found["messages"]]
    assert got == expected
    assert server.said[0] == [each for each in server.said[0] if each[0] in {TEXT, PONG, CLOSE}]
    for opcode in (TEXT, PONG):
        said = [[frame for frame in frames if frame[0] == opcode] for frames in server.said]
        assert said[0] == said[1]
    assert (server.wrong, found["close_code"]) == ([], 1000)


async def test_subprotocols_and_headers_are_sent_alike(call: Any, server: Raw) -> None:
    await theirs(server, ["a"], subprotocols=["v2", "v1"], header={"X-Who": "me"})
    found = await ours(call, server, ["a"], subprotocols=["v2", "v1"], headers={"X-Who": "me"})
    assert found["subprotocol"] == "v1"
    both = [{name: head[name] for name in ("x-who", "upgrade", "connection")} for head in server.heads]
    assert both[0] == both[1]
    offered = [[each.strip() for each in head["sec-websocket-protocol"].split(",")] for head in server.heads]
    assert offered == [["v2", "v1"]] * 2
    assert all("sec-websocket-extensions" not in head for head in server.heads)
    assert server.wrong == []
