"""Server-sent events from bytes that may be split anywhere, in the middle of a character too. Knows no HTTP.

Follows the event-stream format of the WHATWG HTML standard as far as model services use it: `event` and `data`
fields, comments, CR, LF and CRLF line ends, one leading byte order mark; `id` and `retry` are for reconnecting
browsers and are skipped.
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"


class EventParser:
    """Feed bytes, get the `(event, data)` pairs that they complete. An event without a name is `message`."""

    __slots__ = ("_buffer", "_data", "_event", "_skip_newline", "_start", "pending")

    def __init__(self) -> None:
        self._buffer = b""
        self._event = ""
        self._data: list[bytes] = []
        self._start = True
        self._skip_newline = False
        #: Bytes held of an event that is not complete.
        self.pending = 0

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        buffer = self._buffer + chunk if self._buffer else chunk
        if self._start:
            if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
                self._buffer = buffer
                return []
            buffer = buffer.removeprefix(_BOM)
            self._start = False
        if self._skip_newline and buffer:
            # The CR that ended the last chunk was half of a CRLF.
            buffer = buffer.removeprefix(b"\n")
            self._skip_newline = False
        if b"\r" in buffer:
            self._skip_newline = buffer.endswith(b"\r")
            buffer = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = buffer.rfind(b"\n")
        if end < 0:
            self._hold(buffer)
            return []
        events: list[tuple[str, bytes]] = []
        for line in buffer[:end].split(b"\n"):
            if line:
                self._field(line)
            elif self._data or self._event:
                if self._data:
                    events.append((self._event or "message", b"\n".join(self._data)))
                self._event = ""
                self._data = []
        self._hold(buffer[end + 1 :])
        return events

    def _hold(self, rest: bytes) -> None:
        self._buffer = rest
        self.pending = len(rest) + sum(map(len, self._data))

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._event = value.removeprefix(b" ").decode("utf-8", "replace")
