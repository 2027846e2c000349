"""Values of any kind as plain JSON data: what goes into an event's `data`, a hash, or a line on the socket.

Values without a JSON form become small maps that say what they were: `{"bytes": 512, "base64": "…"}` (the first
part), `{"object": "Agent"}`. Knows none of the classes it describes: a frozen dataclass is shown by its fields.
"""

from __future__ import annotations

import binascii
import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

#: Bytes of a binary value that an event keeps.
_BYTES_SHOWN: Final = 48
#: Deeper levels are left out; scripts' values may nest 200 levels.
_DEPTH: Final = 210

Mask = Callable[[str], str]

_NO_TEXT: Final = frozenset({int, float, bool, type(None)})

#: Words that say what happened and never what was said; kept when content is left out.
_STRUCTURE: Final = frozenset(
    {"action", "agent", "finish_reason", "id", "kind", "language", "limit", "method", "model", "name", "object"}
    | {"operation", "phase", "point", "provider", "role", "state", "status", "stream", "tool", "tool_call_id", "type"}
)
_STRUCTURE_LENGTH: Final = 100
#: Characters of a text whose hash stays. A shorter one is found by trying, and a streamed answer is all short ones.
_HASHED: Final = 12


def describe(value: Any, depth: int = 0, mask: Mask | None = None) -> Any:
    """JSON-safe data for any value: None, bool, int, finite float, str, list, dict with string keys.

    mask: hides secrets in a text; here only in what bytes say, which nobody finds in them afterwards.
    """
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return value if math.isfinite(value) else {"number": str(value)}
        case bytes() | bytearray() | memoryview():
            hidden = bytes(value) if mask is None else masked_bytes(bytes(value), mask)
            shown = binascii.b2a_base64(hidden[:_BYTES_SHOWN], newline=False).decode()
            return {"bytes": len(value), "base64": shown}
        case _ if depth >= _DEPTH:
            return {"object": type(value).__name__}
        case Mapping():
            pairs = cast("Mapping[Any, Any]", value).items()
            return {key if isinstance(key, str) else str(key): describe(item, depth + 1, mask) for key, item in pairs}
        case list() | tuple() | set() | frozenset():
            return [describe(item, depth + 1, mask) for item in cast("list[Any]", value)]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            return {"object": type(value).__name__, **describe(fields, depth + 1, mask)}
        case _:
            return {"object": type(value).__name__}


def without_content(value: Any, key: str = "") -> Any:
    """The same shape with each text replaced by its length and, if it is long enough to be beyond guessing, its hash;
    numbers and words of structure stay."""
    match value:
        case str():
            if key in _STRUCTURE and len(value) <= _STRUCTURE_LENGTH:
                return value
            if len(value) < _HASHED:
                return {"length": len(value)}
            import hashlib  # 2 ms, in the writer thread

            digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
            return {"length": len(value), "sha256": digest}
        case dict():
            return {name: without_content(item, name) for name, item in cast("dict[str, Any]", value).items()}
        case list() | tuple():
            return [without_content(item, key) for item in cast("list[Any]", value)]
        case bytes():
            return {"bytes": len(value)}
        case _:
            return value


def masked_bytes(value: bytes, mask: Mask) -> bytes:
    """The bytes with secrets hidden in what of them is text; themselves where there are none."""
    text = value.decode("utf-8", "surrogateescape")
    hidden = mask(text)
    return value if hidden == text else hidden.encode("utf-8", "surrogateescape")


def masked(value: Any, mask: Mask) -> Any:
    """The same value with every text inside passed through `mask`; itself where neither they nor the keys hold anything
    to hide.

    All of it is looked at as one text first, and as a rule that is the end of it: 6 us for a request with a tool, whose
    texts one by one take 60 us.
    """
    texts: list[str] = []
    _gather((value,), texts)
    together = "\0".join(texts)
    return value if mask(together) == together else _masked(value, mask)


def _gather(values: Iterable[Any], texts: list[str]) -> None:
    """Nearly all values are of these very types, and are told in half the time."""
    for item in values:
        kind = type(item)
        if kind is str:
            texts.append(item)
        elif kind is dict:
            for key in item:
                if type(key) is str or isinstance(key, str):
                    texts.append(key)
            _gather(item.values(), texts)
        elif kind is list or kind is tuple:
            _gather(item, texts)
        elif kind in _NO_TEXT:
            continue
        elif isinstance(item, bytes):
            texts.append(item.decode("utf-8", "surrogateescape"))
        elif isinstance(item, str):
            texts.append(item)
        elif isinstance(item, dict):
            _gather((dict(item),), texts)
        elif isinstance(item, list | tuple):
            _gather([*item], texts)


def _masked(value: Any, mask: Mask) -> Any:
    match value:
        case str():
            return mask(value)
        case bytes():
            return masked_bytes(value, mask)
        case dict():
            pairs = cast("dict[Any, Any]", value).items()
            return {mask(key) if isinstance(key, str) else key: _masked(item, mask) for key, item in pairs}
        case list():
            return [_masked(item, mask) for item in cast("list[Any]", value)]
        case tuple():
            return tuple(_masked(item, mask) for item in cast("tuple[Any, ...]", value))
        case _:
            return value
