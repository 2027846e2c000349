"""A model's service on loopback that speaks OpenAI's and Anthropic's protocol, whole and streamed, over real HTTP.

It has OpenAI's embeddings too, made of the texts' words.

    async with ModelServer() as server:            # answers by its small model
        server.will(Answer(text="hi"))             # or as told, in this order
        ... server.url ... server.requests[0].body
    with ServerThread() as server: ...             # the same beside code that has no event loop

`python -m llmspell.testing.server --port 8080 --script FILE` runs it by itself. HTTP is written by hand on asyncio's
streams: cutting an answer at a chosen byte is what it is for, and it starts in 0.1 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

from llmspell.errors import LlmspellError
from llmspell.providers.base import Request
from llmspell.providers.replies import Replies, load
from llmspell.testing import model
from llmspell.testing.answers import WIRE_FIELDS, Answer, Received, from_reply
from llmspell.testing.embeddings import EmbeddingsWire
from llmspell.testing.wire import WIRES, Wire

#: Bytes of the `huge` answer, over what a provider accepts.
HUGE: Final = 40 * 1024 * 1024
_BODY_LIMIT: Final = 64 * 1024 * 1024
_HEAD_LIMIT: Final = 256 * 1024
_EMBEDDINGS: Final = EmbeddingsWire()


class ModelServer:
    """The server. latency: milliseconds before each answer, or a range to draw from with `seed`."""

    def __init__(
        self,
        *,
        port: int = 0,
        script: Replies | None = None,
        latency: float | tuple[float, float] = 0,
        seed: int = 0,
        answer: Callable[[Request, int], Answer] = model.answer,
    ) -> None:
        self.port = port
        self.requests: list[Received] = []
        self._script = script
        self._answer = answer
        self._latency = latency if isinstance(latency, tuple) else (latency, latency)
        self._random = random.Random(seed)
        self._told: deque[Answer] = deque()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The root, as ANTHROPIC_BASE_URL takes it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        """As OPENAI_BASE_URL takes it."""
        return self.url + "/v1"

    def will(self, *answers: Answer) -> None:
        """Tells the next answers. They come before the script's and the model's."""
        self._told.extend(answers)

    def clear(self) -> None:
        """Forgets what it was told and what it received."""
        self._told.clear()
        self.requests.clear()

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self.port, limit=_HEAD_LIMIT, backlog=2048
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def __aenter__(self) -> ModelServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while (received := await _receive(reader)) is not None:
                self.requests.append(received)
                await self._respond(received, len(self.requests), reader, writer)
                if writer.is_closing() or received.headers.get("connection", "").lower() == "close":
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side went away, or the server stops
        finally:
            self._connections.discard(task)
            writer.close()

    async def _respond(
        self, received: Received, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        path = received.path.partition("?")[0]
        if not path.endswith(("/chat/completions", "/messages", "/embeddings")):
            found = path.endswith("/models")
            value = {"object": "list", "data": []} if found else {"error": {"message": f"there is no {path}"}}
            writer.write(_whole(200 if found else 404, json.dumps(value).encode()))
            return
        embeds = path.endswith("/embeddings")
        wire = _EMBEDDINGS if embeds else WIRES[received.protocol]
        try:
            body = received.json
            request = wire.request(body)
            answer = self._embedded() if embeds else self._choose(request, number)
        except (ValueError, KeyError, TypeError, AttributeError, LlmspellError) as error:
            wrong = Answer(status=400, message=f"{type(error).__name__}: {error}")
            writer.write(_whole(400, json.dumps(wire.error(wrong)).encode()))
            return
        wait = answer.delay + self._random.uniform(*self._latency)
        if wait:
            await asyncio.sleep(wait / 1000)
        await _send(answer, request, number, body, wire, reader, writer)

    def _embedded(self) -> Answer:
        """Of an answer that it was told, only how it fails or waits: the vectors are the texts'."""
        return self._told.popleft() if self._told else Answer()

    def _choose(self, request: Request, number: int) -> Answer:
        if self._told:
            return self._told.popleft()
        reply = self._script.answer(request) if self._script is not None else None
        return self._answer(request, number) if reply is None else from_reply(reply, number)


async def _receive(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b"".join([chunk async for chunk in _chunks(reader)])
    else:
        body = await reader.readexactly(min(int(headers.get("content-length", 0)), _BODY_LIMIT))
    return Received(method, path, head, headers, body)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((await reader.readline()).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readline()
    await reader.readline()


async def _send(
    answer: Answer,
    request: Request,
    number: int,
    body: dict[str, Any],
    wire: Wire,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    match answer.fault:
        case "hang":
            await reader.read()  # until the client gives up
            writer.close()
            return
        case "close":
            writer.close()
            return
        case _:
            pass
    if answer.status != 200:
        writer.write(_whole(answer.status, json.dumps(wire.error(answer)).encode(), answer.headers))
    elif body.get("stream"):
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        await _stream(answer, wire, list(wire.events(answer, request, number, usage)), reader, writer)
    else:
        if answer.fault == "huge":
            answer = Answer(text="x" * HUGE)
        data = json.dumps(wire.whole(answer, request, number), ensure_ascii=False).encode("utf-8", "surrogatepass")
        if answer.fault == "malformed":
            data = data[: len(data) // 2]
        whole = _whole(200, data, answer.headers)
        if answer.fault in ("cut", "stall"):
            writer.write(whole[: -len(data) // 2])
            await writer.drain()
            if answer.fault == "stall":
                await reader.read()
            writer.close()
        else:
            writer.write(whole)
    await writer.drain()


async def _stream(
    answer: Answer, wire: Wire, events: list[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    headers = (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"), *answer.headers)
    writer.write(_head(200, headers))
    if answer.fault in ("cut", "stall", "malformed", "error_event"):
        events = events[: max(1, len(events) // 2)]
    if answer.fault == "malformed":
        events.append(b'data: {"choices": [{"type": \n\n')
    if answer.fault == "error_event":
        events.append(wire.error_event())
    if answer.fault == "huge":
        events = [*events[:3], *([b": " + b"x" * 65536 + b"\n\n"] * (HUGE // 65536))]
    for piece in _pieces(b"".join(events), answer.split) if answer.split else events:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
        await asyncio.sleep(0)
    if answer.fault == "stall":
        await reader.read()
    if answer.fault in ("cut", "stall"):
        writer.close()
    else:
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def _whole(status: int, data: bytes, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    own = (("Content-Type", "application/json"), ("Content-Length", str(len(data))))
    return _head(status, (*own, *headers)) + data


def _head(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = [f"HTTP/1.1 {status} .", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class ServerThread:
    """A ModelServer in a thread with a loop of its own; takes what ModelServer takes."""

    def __init__(self, **options: Any) -> None:
        self.server = ModelServer(**options)
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="llmspell-model-server", daemon=True)

    def _run(self) -> None:
        self._loop.run_until_complete(self.server.start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self.server.stop())
        self._loop.close()

    def __enter__(self) -> ModelServer:
        self._thread.start()
        self._ready.wait()
        return self.server

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m llmspell.testing.server",
        description="A model's service on loopback that speaks OpenAI's and Anthropic's protocol. Prints its address.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--script", type=Path, help="answers, as in replies.json, with faults of the wire besides")
    parser.add_argument("--latency", default="0", help="milliseconds before each answer, or a range: 20-80")
    parser.add_argument("--seed", type=int, default=0, help="of the latencies drawn from a range")
    options = parser.parse_args(arguments)
    low, _, high = options.latency.partition("-")
    try:
        latency = (float(low), float(high or low))
        script = load(options.script, WIRE_FIELDS) if options.script else None
    except ValueError:
        parser.error(f"--latency {options.latency!r} is neither a number nor a range such as 20-80")
    except LlmspellError as error:
        parser.error(f"{error.message}; {error.hint}")
    try:
        asyncio.run(_serve(ModelServer(port=options.port, script=script, latency=latency, seed=options.seed)))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        parser.error(f"port {options.port} cannot be had: {error.strerror}")
    return 0


async def _serve(server: ModelServer) -> None:
    async with server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    raise SystemExit(main())
