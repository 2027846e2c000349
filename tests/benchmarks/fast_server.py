"""The model server of the benchmarks: OpenAI's chat completions over HTTP/1.1, as fast as asyncio goes (30 µs a request).

`llmspell.testing.server` parses what it is sent and takes ten times as long, which would drown what is measured on a
machine of two cores. This one looks at no more than it must: a request that offers tools and brings no tool result is
answered with a call of `calculator`, any other with a sentence.

    python fast_server.py [--latency MILLISECONDS]        prints its address
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any, Final

_USAGE: Final = {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}


def _answer(message: dict[str, Any], finish: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "test"}
    body = json.dumps({**head, "choices": [choice], "usage": _USAGE}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


_CALL: Final = {"name": "calculator", "arguments": '{"expression": "17 * 3"}'}
_TEXT: Final = _answer({"content": "The answer is fifty-one, as far as I can tell."}, "stop")
_TOOL: Final = _answer(
    {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": _CALL}]}, "tool_calls"
)


class Connection(asyncio.Protocol):
    """One connection; answers requests in order. latency: seconds before each answer."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            size = _length(self._buffer[:end].lower())
            if len(self._buffer) < end + 4 + size:
                return
            body = self._buffer[end + 4 : end + 4 + size]
            self._buffer = self._buffer[end + 4 + size :]
            answer = _TOOL if b'"tools"' in body and b'"tool_call_id"' not in body else _TEXT
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)
            else:
                self._transport.write(answer)


def _length(head: bytes) -> int:
    at = head.find(b"content-length:")
    return 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])


async def _serve(latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(latency), "127.0.0.1", 0, backlog=2048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0)
    asyncio.run(_serve(parser.parse_args().latency / 1000))
