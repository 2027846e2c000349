"""What a picture says of itself: PNG, JPEG or WebP, how wide, how high, whether it is whole. Nothing is unpacked.

From the formats' own descriptions: PNG's chunks, JPEG's markers, the RIFF of WebP. Knows no tool.
"""

from __future__ import annotations

from typing import Final, Literal

from llmspell.errors import ToolError
from llmspell.frozen import frozen

Format = Literal["png", "jpeg", "webp"]

ENDINGS: Final[dict[Format, str]] = {"png": "png", "jpeg": "jpg", "webp": "webp"}
#: Pixels of a picture at most: what it takes unpacked is four times as many bytes.
MAX_PIXELS: Final = 100_000_000
#: JPEG's frames, which say the size; C4, C8 and CC are other things.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})


@frozen
class Picture:
    format: Format
    width: int
    height: int


def look(data: bytes) -> Picture:
    """Raises ToolError for anything else, for a part of a picture, and for one that would fill the memory."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        found = _png(data)
    elif data.startswith(b"\xff\xd8\xff"):
        found = _jpeg(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        found = _webp(data)
    else:
        raise ToolError("the service's answer is no PNG, JPEG or WebP", hint="does the address make pictures?")
    if found is None or found.width == 0 or found.height == 0:
        raise ToolError("the service's picture is damaged, or a part is missing", hint="try again", retryable=True)
    if found.width * found.height > MAX_PIXELS:
        raise ToolError(
            f"the service's picture has {found.width} x {found.height} pixels, more than {MAX_PIXELS}",
            hint="ask for a smaller `size`",
        )
    return found


def _png(data: bytes) -> Picture | None:
    """Walks its chunks up to the last one."""
    if data[12:16] != b"IHDR" or len(data) < 33:
        return None
    at = 8
    while at + 12 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + size
        if kind == b"IEND" and at <= len(data):
            return Picture("png", int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    return None


def _jpeg(data: bytes) -> Picture | None:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF or kind in _ALONE:
            at += 1 if kind == 0xFF else 2
            continue
        if kind in _FRAMES:
            height, width = int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(data[at + 7 : at + 9], "big")
            return Picture("jpeg", width, height) if b"\xff\xd9" in data[-64:] else None
        at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return None


def _webp(data: bytes) -> Picture | None:
    if int.from_bytes(data[4:8], "little") + 8 > len(data) + 1 or len(data) < 30:
        return None
    match data[12:16]:
        case b"VP8X":
            return Picture("webp", _little(data, 24, 3) + 1, _little(data, 27, 3) + 1)
        case b"VP8L" if data[20] == 0x2F:
            bits = _little(data, 21, 4)
            return Picture("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            return Picture("webp", _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF)
        case _:
            return None


def _little(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
