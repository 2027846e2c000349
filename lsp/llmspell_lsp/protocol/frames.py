"""Messages as bytes on a stream: `Content-Length: N`, an empty line, N bytes. Knows no JSON and no message.

Any bytes are welcome, cut anywhere: what is no header is skipped up to the next one, a body longer than `LONGEST` is
counted and dropped without being held.
"""

from __future__ import annotations

from typing import Final

LONGEST: Final = 256 * 1024 * 1024
"""Bytes of the longest body that is read: a text of 5 MB is 30 MB at worst, escaped."""

_HEADER: Final = b"content-length:"
_LONGEST_HEADERS: Final = 8192


class Decoder:
    """Bytes in, bodies out. `complaints` grows by a sentence for whatever was skipped."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._buffer = bytearray()
        self._wanted = -1  # bytes of the body that is being read; -1: headers are
        self._dropping = 0  # bytes of a body that is too long, still to come

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that these bytes complete."""
        self._buffer += data
        bodies: list[bytes] = []
        while True:
            if self._dropping:
                dropped = min(self._dropping, len(self._buffer))
                del self._buffer[:dropped]
                self._dropping -= dropped
                if self._dropping:
                    return bodies
            if self._wanted < 0 and not self._headers():
                return bodies
            if self._wanted >= 0:
                if len(self._buffer) < self._wanted:
                    return bodies
                bodies.append(bytes(self._buffer[: self._wanted]))
                del self._buffer[: self._wanted]
                self._wanted = -1

    def _headers(self) -> bool:
        """Reads one block of headers; False when more bytes are needed. Afterwards a body is wanted, or dropped."""
        end, width = self._end_of_headers()
        if end < 0:
            self._forget_noise()
            return False
        block = bytes(self._buffer[:end])
        del self._buffer[: end + width]
        length = _length(block)
        if length < 0:
            if block.strip():
                self.complaints.append(f"skipped {len(block)} bytes that are no header: {block[:80]!r}")
        elif length > LONGEST:
            self.complaints.append(f"skipped a message of {length} bytes; the most is {LONGEST}")
            self._dropping = length
        else:
            self._wanted = length
        return True

    def _end_of_headers(self) -> tuple[int, int]:
        """Where the empty line begins, and how long it is; bare line feeds are accepted, too."""
        full = self._buffer.find(b"\r\n\r\n")
        bare = self._buffer.find(b"\n\n", 0, full + 2 if full >= 0 else len(self._buffer))
        return (bare, 2) if bare >= 0 else (full, 4)

    def _forget_noise(self) -> None:
        """No headers are that long: keep what may be the beginning of true ones."""
        if len(self._buffer) > _LONGEST_HEADERS:
            kept = max(self._buffer.lower().rfind(_HEADER), 0) or len(self._buffer) - len(_HEADER)
            if len(self._buffer) - kept > _LONGEST_HEADERS:
                kept = len(self._buffer) - len(_HEADER)
            self.complaints.append(f"skipped {kept} bytes that are no header")
            del self._buffer[:kept]


def _length(block: bytes) -> int:
    """What the last Content-Length in a block says, -1 without one. What stands before it is noise."""
    at = block.lower().rfind(_HEADER)
    if at < 0:
        return -1
    digits = block[at + len(_HEADER) :].split(b"\n", 1)[0].strip()
    # A number of more digits than that is no length; int() would refuse more than 4300.
    return int(digits) if digits.isdigit() and len(digits) <= 18 else -1


def encode(body: bytes) -> bytes:
    """A body with its header."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
