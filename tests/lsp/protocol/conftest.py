"""A client on a wire: the server as a real process, or in a thread beside the test with methods of the test's own.

What the server sends is structured by lsprotocol, all of it: a shape that the protocol does not know fails the test.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import converters, types

from llmspell_lsp.main import serve_stream
from llmspell_lsp.protocol.frames import Decoder, encode
from llmspell_lsp.protocol.log import Log
from llmspell_lsp.protocol.methods import Command, Method
from llmspell_lsp.protocol.stream import Stream

PATIENCE = 60.0
_CONVERTER = converters.get_converter()


class Gone(Exception):
    """The server has closed its end."""


class Wire:
    def __init__(
        self,
        read: Callable[[float], bytes],
        write: Callable[[bytes], object],
        close: Callable[[], object] | None = None,
    ) -> None:
        """read: some bytes, b"" at the end; gets the seconds it may wait. Raises TimeoutError."""
        self.close = close
        self._read = read
        self.write = write
        self._decoder = Decoder()
        self._bodies: list[dict[str, Any]] = []
        self._asked: dict[Any, str] = {}
        self.seen: list[dict[str, Any]] = []
        """Everything that has come, in order."""

    # -- out -----------------------------------------------------------------------------------------------------

    def send(self, message: dict[str, Any]) -> None:
        if "method" in message and "id" in message:
            self._asked[message["id"]] = message["method"]
        self.write(encode(json.dumps({"jsonrpc": "2.0", **message}).encode()))

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"method": method, "params": params} if params is not None else {"method": method})

    def ask(self, method: str, params: Any = None, id_: Any = None) -> dict[str, Any]:
        """The whole answer: `result` or `error`."""
        id_ = len(self._asked) + 1 if id_ is None else id_
        self.send({"id": id_, "method": method, **({} if params is None else {"params": params})})
        return self.answer(id_)

    def result(self, method: str, params: Any = None) -> Any:
        answer = self.ask(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    def code(self, method: str, params: Any = None) -> int:
        """The number of the error that a request is answered with."""
        answer = self.ask(method, params)
        assert "error" in answer, answer
        return answer["error"]["code"]

    # -- in ------------------------------------------------------------------------------------------------------

    def answer(self, id_: Any) -> dict[str, Any]:
        def wanted(message: dict[str, Any]) -> bool:
            return message.get("id") == id_ and "method" not in message

        return next((message for message in self.seen if wanted(message)), None) or self.until(wanted)

    def notified(self, method: str) -> Any:
        """The params of the next such notification or request."""
        return self.until(lambda message: message.get("method") == method)["params"]

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while True:
            while self._bodies:
                message = self._bodies.pop(0)
                if wanted(message):
                    return message
            data = self._read(max(0.0, end - time.monotonic()))
            if not data:
                raise Gone([*self.seen])
            for body in self._decoder.feed(data):
                message = json.loads(body)
                self._structure(message)
                self.seen.append(message)
                self._bodies.append(message)
            assert not self._decoder.complaints

    def _structure(self, message: dict[str, Any]) -> None:
        if "method" in message:
            _CONVERTER.structure(message, types.METHOD_TO_TYPES[message["method"]][0])
        elif "error" in message:
            _CONVERTER.structure(message, types.ResponseErrorMessage)
        else:
            response = types.METHOD_TO_TYPES.get(self._asked.get(message["id"], ""))
            if response is not None:
                _CONVERTER.structure(message, response[1])

    # -- the usual beginning and end -----------------------------------------------------------------------------

    def initialize(self, capabilities: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        params = {"processId": None, "rootUri": None, "capabilities": capabilities or {}, **more}
        result = self.result("initialize", params)
        self.notify("initialized", {})
        return result

    def open(self, uri: str, text: str, language: str = "lua", version: int = 1) -> None:
        document = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, uri: str, version: int, *changes: dict[str, Any]) -> None:
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": [*changes]},
        )

    def diagnostics(self, uri: str) -> list[dict[str, Any]]:
        """What is published next of a document."""
        wanted = "textDocument/publishDiagnostics"
        found = self.until(lambda message: message.get("method") == wanted and message["params"]["uri"] == uri)
        return found["params"]["diagnostics"]


class Process(Wire):
    """`llmspell lsp`, on its standard streams."""

    def __init__(self, command: Sequence[str], folder: Path, **more: Any) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            bufsize=0,
            **more,
        )
        assert self.process.stdout is not None and self.process.stdin is not None
        output, self._input = self.process.stdout, self.process.stdin

        def read(patience: float) -> bytes:
            if not select.select([output], [], [], patience)[0]:
                raise TimeoutError([*self.seen])
            return os.read(output.fileno(), 65536)

        super().__init__(read, self._write)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._input.write(view) :]

    def hang_up(self) -> None:
        self._input.close()
        self.process.stdin = None

    def exit(self) -> int:
        """Says nothing; waits for the end."""
        return self.process.wait(PATIENCE)

    def leave(self) -> int:
        self.result("shutdown")
        self.notify("exit")
        return self.exit()

    def stop(self) -> str:
        """Ends it however it is; gives what it wrote to standard error."""
        if self.process.poll() is None:
            self.process.kill()
        _, said = self.process.communicate(timeout=PATIENCE)
        return said.decode("utf-8", "replace")


COMMAND = (sys.executable, "-m", "llmspell", "lsp")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts `llmspell lsp` with more arguments."""
    started: list[Process] = []

    def start(*arguments: str, command: Sequence[str] = COMMAND, **more: Any) -> Process:
        started.append(Process([*command, *arguments], tmp_path, **more))
        return started[-1]

    yield start
    for process in started:
        process.stop()


def over(connection: socket.socket) -> Wire:
    def read(patience: float) -> bytes:
        connection.settimeout(patience)
        return connection.recv(65536)

    return Wire(read, connection.sendall, connection.close)


@pytest.fixture
def wire() -> Callable[[socket.socket], Wire]:
    """A client over a socket."""
    return over


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Callable[..., Wire]]:
    """The server in a thread of the test, with methods and commands of the test's own."""
    ends: list[tuple[socket.socket, threading.Thread]] = []

    def start(*methods: Method, commands: Sequence[Command] = ()) -> Wire:
        ours, theirs = socket.socketpair()
        log = Log(str(tmp_path / "lsp.log"))
        thread = threading.Thread(
            target=serve_stream, args=(Stream.of_socket(theirs), log, methods, commands), daemon=True
        )
        thread.start()
        ends.append((ours, thread))

        return over(ours)

    yield start
    for ours, thread in ends:
        ours.close()
        thread.join(PATIENCE)
        assert not thread.is_alive()
