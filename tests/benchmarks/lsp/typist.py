"""A neutral client: starts a language server by its command, types a key at a time, and takes the time of each answer.

Plain Python and JSON, the same for every server. Knows none of them.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

_PATIENCE: Final = 60.0

CAPABILITIES: Final[dict[str, Any]] = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {
        "synchronization": {"didSave": True},
        "completion": {
            "completionItem": {"snippetSupport": True, "documentationFormat": ["markdown", "plaintext"]},
            "contextSupport": True,
        },
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "signatureHelp": {"signatureInformation": {"documentationFormat": ["markdown"]}},
        "definition": {"linkSupport": False},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "foldingRange": {"lineFoldingOnly": True},
        "semanticTokens": {
            "requests": {"full": True},
            "tokenTypes": ["variable", "function", "method", "property", "parameter", "class", "keyword", "string"],
            "tokenModifiers": ["declaration", "readonly"],
            "formats": ["relative"],
        },
        "publishDiagnostics": {"versionSupport": True, "relatedInformation": True},
    },
    "workspace": {"workspaceFolders": True},
}


class Typist:
    def __init__(self, command: Sequence[str], folder: Path, options: dict[str, Any]) -> None:
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder, bufsize=0
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._buffer = bytearray()
        self._ids = 0
        root = {"uri": folder.as_uri(), "name": folder.name}
        params = {
            "processId": os.getpid(),
            "rootUri": root["uri"],
            "workspaceFolders": [root],
            "capabilities": CAPABILITIES,
            "initializationOptions": options,
        }
        self.provides: dict[str, Any] = self.ask("initialize", params)["capabilities"]
        self.initialized = time.perf_counter() - self.started
        self.tell("initialized", {})

    # -- a document ----------------------------------------------------------------------------------------------

    def open(self, path: Path, language: str, text: str) -> None:
        self.uri, self._version, self._lines = path.as_uri(), 1, text.split("\n")
        document = {"uri": self.uri, "languageId": language, "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def insert(self, line: int, column: int, text: str) -> None:
        """Into one line. ASCII."""
        self.replace(line, column, column, text)

    def replace(self, line: int, start: int, end: int, text: str) -> None:
        old = self._lines[line]
        self._lines[line] = old[:start] + text + old[end:]
        self._version += 1
        ends = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
        self.tell(
            "textDocument/didChange",
            {
                "textDocument": {"uri": self.uri, "version": self._version},
                "contentChanges": [{"range": ends, "text": text}],
            },
        )

    def at(self, method: str, line: int, column: int) -> Any:
        position = {"line": line, "character": column}
        return self.ask(method, {"textDocument": {"uri": self.uri}, "position": position})

    def whole(self, method: str) -> Any:
        return self.ask(method, {"textDocument": {"uri": self.uri}})

    def diagnostics(self, wanted: Callable[[list[dict[str, Any]]], bool]) -> float:
        """Waits until what is published of the document is as wanted; gives the time of day."""
        while True:
            message = self._receive()
            if message.get("method") != "textDocument/publishDiagnostics":
                continue
            params = message["params"]
            if params["uri"] == self.uri and wanted([each for each in params["diagnostics"] if each["severity"] == 1]):
                return time.perf_counter()

    # -- messages ------------------------------------------------------------------------------------------------

    def tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        self._ids += 1
        self._send({"id": self._ids, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self._ids and "method" not in message:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        data = memoryview(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        while data:
            data = data[self._in.write(data) :]

    def _receive(self) -> dict[str, Any]:
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end >= 0:
                size = int(self._buffer[:end].lower().split(b"content-length:")[1].split(b"\r\n")[0])
                if len(self._buffer) >= end + 4 + size:
                    message = json.loads(self._buffer[end + 4 : end + 4 + size])
                    del self._buffer[: end + 4 + size]
                    if "method" in message and "id" in message:
                        self._send({"id": message["id"], "result": None})
                        continue
                    return message
            if not select.select([self._out], [], [], _PATIENCE)[0]:
                raise RuntimeError(f"no word for {_PATIENCE:.0f} s")
            data = os.read(self._out.fileno(), 1 << 16)
            if not data:
                raise RuntimeError(f"the server has ended: {self._process.wait(10)}")
            self._buffer += data

    # -- the process ---------------------------------------------------------------------------------------------

    def memory_mb(self) -> float:
        """Of the server and every process below it, shared pages counted once."""
        return sum(_own_memory(pid) for pid in _tree(self._process.pid)) / 1024

    def cpu_ms(self) -> float:
        """Used so far by the server and every process below it, in ticks of 10 ms: for sums over many keys."""
        return sum(_ticks(pid) for pid in _tree(self._process.pid)) * 1000 / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        try:
            self.ask("shutdown", None)
            self.tell("exit", None)
            self._process.wait(10)
        except (RuntimeError, OSError, subprocess.TimeoutExpired):
            for pid in reversed(_tree(self._process.pid)):
                os.kill(pid, 9)
            self._process.wait()


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _tree(int(child))
    return found


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _own_memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
