"""A recording of speech on its way to a service: recognised by its first bytes, packed as a multipart form.

Only what is sound leaves the machine: a file of another kind is refused, whatever its name says. Knows no tool.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from llmspell.errors import ToolError

#: The endings by which services know the kinds, with their media types.
_TYPES: Final = {
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "webm": "audio/webm",
}


def kind_of(data: bytes) -> str:
    """The ending that belongs to the sound. Raises ToolError for what is none."""
    if data.startswith(b"fLaC"):
        return "flac"
    if data.startswith(b"OggS"):
        return "ogg"
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[4:8] == b"ftyp":
        return "m4a"
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm"
    if data.startswith(b"ID3") or _is_mpeg(data):
        return "mp3"
    raise ToolError("the file is no recording that can be sent", hint="flac, m4a, mp3, mp4, ogg, wav or webm")


def _is_mpeg(data: bytes) -> bool:
    """Whether it begins with a frame of MPEG audio: eleven bits, then a version, layer, rate and frequency in use."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return False
    version, layer, rate, frequency = data[1] >> 3 & 3, data[1] >> 1 & 3, data[2] >> 4, data[2] >> 2 & 3
    return version != 1 and layer != 0 and rate not in (0, 15) and frequency != 3


def form(data: bytes, fields: Sequence[tuple[str, str]]) -> tuple[bytes, str]:
    """The body of a multipart form with the sound as `file`, and its content type. The file's own name stays here."""
    boundary = os.urandom(24).hex()
    kind = kind_of(data)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value.encode() + b"\r\n"
        for name, value in fields
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="audio.{kind}"\r\n'
        f"Content-Type: {_TYPES[kind]}\r\n\r\n"
    )
    body = b"".join((*parts, head.encode(), data, f"\r\n--{boundary}--\r\n".encode()))
    return body, f"multipart/form-data; boundary={boundary}"
