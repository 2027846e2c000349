"""One answer of HTTP/1.1, read from bytes that may be split anywhere. Knows no socket.

Follows RFC 9112 as a client that asks with POST needs it; is as lenient as services are careless (bare line feeds),
and strict where a mistake would mix two answers up (lengths, chunks). Content encodings: gzip and deflate.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Any, Final

#: Bytes of an answer's head, and of what follows the last chunk: services send under 8 KB.
_HEAD_LIMIT: Final = 64 * 1024
#: Bytes of the line before a chunk.
_LINE_LIMIT: Final = 4096
#: "100 Continue" and the like before an answer.
_INTERIM: Final = 10

_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?")
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,15}")


class WireError(Exception):
    """What came is no answer; the message says what of it, as the end of a sentence."""


class TooLong(WireError):
    """The answer's body is longer than its limit."""


class HttpAnswer:
    """Fed with bytes until it is `complete`. limit: bytes of the body, after decompression.

    status: 0 until the head has come. headers: names in lower case. size: bytes of the body so far; held: of
    those, the ones not taken. keeps: whether the connection can be used again, once the answer is complete.
    """

    __slots__ = (
        *("complete", "headers", "held", "keeps", "size", "status"),
        *("_buffer", "_inflate", "_interim", "_left", "_limit", "_pieces", "_step"),
    )

    def __init__(self, limit: int) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.size = 0
        self.held = 0
        self.complete = False
        self.keeps = False
        self._limit = limit
        self._buffer = b""
        self._pieces: list[bytes] = []
        self._left = 0
        self._interim = 0
        self._inflate: Any = None
        # A function, not a method: a bound one would be a cycle for the garbage collector in each answer.
        self._step: Callable[[HttpAnswer, bytes], bytes] = HttpAnswer._head

    def feed(self, data: bytes) -> None:
        """Raises WireError for what is no HTTP, TooLong for too much of it."""
        if self._buffer:
            data, self._buffer = self._buffer + data, b""
        while data and not self.complete:
            data = self._step(self, data)
        if data:  # more than was asked for
            self.keeps = False

    def end(self) -> None:
        """The other side has closed. Raises WireError where the answer is not complete."""
        if self._step is HttpAnswer._rest and not self.complete:
            self._finish()
        if not self.complete:
            begun = self.status or self._buffer
            what = "broke off in the middle of its answer" if begun else "closed the connection without an answer"
            raise WireError(f"it {what}")

    def take(self) -> bytes:
        """What has come of the body since the last time."""
        pieces = self._pieces
        if len(pieces) == 1:
            found = pieces[0]
        else:
            found = b"".join(pieces)
        pieces.clear()
        self.held = 0
        return found

    # -- the head ------------------------------------------------------------------------------------------------

    def _head(self, data: bytes) -> bytes:
        found = _END_OF_HEAD.search(data)
        if found is None:
            return self._hold(data, _HEAD_LIMIT)
        if found.end() > _HEAD_LIMIT:
            raise WireError("the head of its answer has no end")
        first, *lines = data[: found.start()].decode("latin-1").split("\n")
        status = _STATUS.fullmatch(first.rstrip("\r"))
        if status is None:
            raise WireError("what answers there does not speak HTTP/1.1")
        code = int(status[2])
        if 100 <= code < 200 and code != 101:
            self._interim += 1
            if self._interim > _INTERIM:
                raise WireError("it goes on announcing an answer")
            return data[found.end() :]
        self.headers = headers = _headers(lines)
        self.status = code
        connection = headers.get("connection", "").lower()
        self.keeps = "close" not in connection and (status[1] == "1" or "keep-alive" in connection)
        self._body(code, headers)
        return data[found.end() :]

    def _body(self, code: int, headers: dict[str, str]) -> None:
        if code in (204, 304):
            self.complete = True
            return
        encoding = headers.get("content-encoding", "").lower()
        if encoding in ("gzip", "x-gzip", "deflate"):
            self._inflate = zlib.decompressobj(47)  # gzip or zlib, as the first bytes say
        elif encoding not in ("", "identity"):
            raise WireError(f"its answer is encoded as {encoding[:40]!r}, which was not asked for")
        transfer, length = headers.get("transfer-encoding"), headers.get("content-length")
        if transfer is not None:
            self.keeps = self.keeps and length is None
            chunked = transfer.lower().rpartition(",")[2].strip() == "chunked"
            self._step = HttpAnswer._size if chunked else HttpAnswer._rest
        elif length is None:
            self._step = HttpAnswer._rest
        else:
            sizes = {each.strip() for each in length.split(",")}
            if len(sizes) != 1 or not length.isascii() or not (only := sizes.pop()).isdigit() or len(only) > 18:
                raise WireError(f"its answer says to be {length[:40]!r} bytes long")
            self._left = int(only)
            self._step = HttpAnswer._counted
            if self._left == 0:
                self._finish()
        if self._step is HttpAnswer._rest:
            self.keeps = False

    # -- the body ------------------------------------------------------------------------------------------------

    def _counted(self, data: bytes) -> bytes:
        piece, rest = data[: self._left], data[self._left :]
        self._add(piece)
        self._left -= len(piece)
        if self._left == 0:
            self._finish()
        return rest

    def _rest(self, data: bytes) -> bytes:
        self._add(data)
        return b""

    def _size(self, data: bytes) -> bytes:
        line, newline, rest = data.partition(b"\n")
        if not newline:
            return self._hold(data, _LINE_LIMIT)
        size = line.partition(b";")[0].strip()
        if _SIZE.fullmatch(size) is None:
            raise WireError("a chunk of its answer has no size")
        self._left = int(size, 16)
        self._step = HttpAnswer._chunk if self._left else HttpAnswer._trailer
        return rest

    def _chunk(self, data: bytes) -> bytes:
        piece, rest = data[: self._left], data[self._left :]
        self._add(piece)
        self._left -= len(piece)
        if self._left == 0:
            self._step = HttpAnswer._after_chunk
        return rest

    def _after_chunk(self, data: bytes) -> bytes:
        if data == b"\r":
            return self._hold(data, _LINE_LIMIT)
        if not data.startswith((b"\r\n", b"\n")):
            raise WireError("a chunk of its answer is longer than it says")
        self._step = HttpAnswer._size
        return data[data.index(b"\n") + 1 :]

    def _trailer(self, data: bytes) -> bytes:
        line, newline, rest = data.partition(b"\n")
        if not newline:
            return self._hold(data, _LINE_LIMIT)
        self._left += len(line)  # which is 0 when the trailer begins
        if self._left > _HEAD_LIMIT:
            raise WireError("its answer has no end")
        if line.strip(b"\r") == b"":
            self._finish()
        return rest

    def _hold(self, data: bytes, limit: int) -> bytes:
        if len(data) > limit:
            raise WireError("what answers there does not speak HTTP/1.1")
        self._buffer = data
        return b""

    def _add(self, data: bytes) -> None:
        if self._inflate is not None:
            data = self._inflated(data)
        self.size += len(data)
        if self.size > self._limit:
            raise TooLong("its answer has no end")
        if data:
            self._pieces.append(data)
            self.held += len(data)

    def _inflated(self, data: bytes) -> bytes:
        most = self._limit - self.size + 1
        try:
            return self._inflate.decompress(data, most)
        except zlib.error as error:
            raise WireError(f"its answer cannot be decompressed: {error}") from None

    def _finish(self) -> None:
        if self._inflate is not None and self.size and not self._inflate.eof:
            raise WireError("it broke off in the middle of its answer")
        self.complete = True


def _headers(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        key = name.lower()
        if not colon or not name or key != key.strip():
            raise WireError("the head of its answer is no HTTP")
        value = value.strip()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found
