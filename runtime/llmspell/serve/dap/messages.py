"""Messages of the Debug Adapter Protocol as bytes: a header with their length, then JSON. Knows no request."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

#: Bytes of one message. A client sends texts of a few lines.
LONGEST: Final = 16 * 1024 * 1024


class Broken(Exception):
    """Where the next message begins is not known."""


async def read(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next message; None at the end. Raises Broken."""
    length = -1
    while line := await _line(reader):
        if not line.strip():
            break
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
    else:
        return None
    if not 0 <= length <= LONGEST:
        raise Broken("a message has no length, or one over 16 MB")
    try:
        message: Any = json.loads(await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        return None
    except (ValueError, RecursionError) as error:
        raise Broken(f"a message is no JSON: {error}") from None
    return message if isinstance(message, dict) else {}


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        raise Broken("a header has no end") from None


def write(message: dict[str, Any]) -> bytes:
    body = json.dumps(message, ensure_ascii=False, default=str).encode("utf-8", "replace")
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
