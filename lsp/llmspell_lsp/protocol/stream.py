"""The two ways in and out: standard streams or a socket. Bytes, a reader's thread of its own, a lock around writing."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from llmspell_lsp.protocol import frames
from llmspell_lsp.protocol.failures import INVALID_REQUEST, PARSE_ERROR
from llmspell_lsp.protocol.inbox import Inbox
from llmspell_lsp.protocol.log import Log

_CHUNK: Final = 65536


class Stream:
    """One connection with a client."""

    def __init__(
        self, read: Callable[[int], bytes], write: Callable[[bytes], object], close: Callable[[], None]
    ) -> None:
        self._read = read
        self._write = write
        self._close = close
        self._lock = threading.Lock()
        self.broken = False
        """The client reads no more. What is sent to it is dropped."""

    @classmethod
    def standard(cls) -> Stream:
        """Standard input and output, which from now on is nobody else's: what is printed goes to standard error."""
        source, target = os.dup(0), os.dup(1)
        os.set_inheritable(source, False)
        os.set_inheritable(target, False)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        sys.stdout = sys.stderr

        def write(data: bytes) -> None:
            view = memoryview(data)
            while view:
                view = view[os.write(target, view) :]

        return cls(lambda size: os.read(source, size), write, lambda: None)

    @classmethod
    def of_socket(cls, connection: socket.socket) -> Stream:
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def close() -> None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

        return cls(connection.recv, connection.sendall, close)

    def send(self, body: bytes) -> None:
        """Sends one message. Any thread may."""
        data = frames.encode(body)
        with self._lock:
            if self.broken:
                return
            try:
                self._write(data)
            except (OSError, ValueError):
                self.broken = True

    def close(self) -> None:
        self._close()

    def read_into(self, inbox: Inbox, log: Log) -> None:
        """Starts the thread that reads messages until the client is gone."""
        threading.Thread(target=self._read_all, args=(inbox, log), name="reader", daemon=True).start()

    def _read_all(self, inbox: Inbox, log: Log) -> None:
        decoder = frames.Decoder()
        try:
            while data := self._read(_CHUNK):
                for body in decoder.feed(data):
                    self._take(body, inbox, log)
                for complaint in decoder.complaints:
                    log.warning(complaint)
                decoder.complaints.clear()
        except (OSError, ValueError):
            pass  # a connection that is reset has ended, too
        finally:
            inbox.close()

    def _take(self, body: bytes, inbox: Inbox, log: Log) -> None:
        try:
            message: Any = json.loads(body)
        except (ValueError, RecursionError) as error:
            log.warning(f"a message is not JSON: {error}")
            self._refuse(None, PARSE_ERROR, f"not JSON: {error}")
            return
        if isinstance(message, dict) and _is_message(message):
            inbox.put(message)
            return
        id_ = message.get("id") if isinstance(message, dict) else None
        log.warning(f"neither a request, a notification nor an answer: {body[:200]!r}")
        self._refuse(id_ if isinstance(id_, (int, str)) else None, INVALID_REQUEST, "neither a request nor an answer")

    def _refuse(self, id_: int | str | None, code: int, message: str) -> None:
        self.send(json.dumps({"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}}).encode())


def _is_message(message: dict[str, Any]) -> bool:
    id_ = message.get("id")
    if "id" in message and (isinstance(id_, bool) or not isinstance(id_, (int, str, float, type(None)))):
        return False
    if "method" in message:
        return isinstance(message["method"], str)
    return "id" in message and ("result" in message or "error" in message)
