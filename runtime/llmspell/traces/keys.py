"""What makes two requests to the outside world the same one: the key under which an answer is recorded and found."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from llmspell.traces.describe import describe


def canonical(value: Any) -> str:
    """Compact JSON with sorted keys: equal inputs have equal text. Bytes count as a whole, by their hash."""
    try:
        return _CANONICAL.encode(value)
    except (TypeError, ValueError, RecursionError):
        return _CANONICAL.encode(describe(_hashed(value)))


def plain(value: Any) -> str | None:
    """The value as an event's JSON text has it; None for one of which the text does not say everything."""
    try:
        return _PLAIN.encode(value)
    except (TypeError, ValueError, RecursionError):
        return None


def key(kind: str, name: str, value: Any) -> str:
    """The key of a request: sha256 over its kind, name and canonical input, in hexadecimal."""
    return hashlib.sha256(f"{kind}\0{name}\0{canonical(value)}".encode("utf-8", "surrogatepass")).hexdigest()


class Occurrences:
    """Counts equal requests within a span: the same counting when recording and when replaying."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], int] = {}

    def next(self, key: str, span: int) -> int:
        """How many requests with this key the span had before, from 0."""
        count = self._counts.get((key, span), 0)
        self._counts[key, span] = count + 1
        return count


def _hashed(value: Any) -> Any:
    match value:
        case bytes():
            return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
        case dict():
            return {str(name): _hashed(item) for name, item in value.items()}
        case list() | tuple():
            return [_hashed(item) for item in value]
        case _:
            return value


# ASCII only, so that lone surrogates have a text too.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=_hashed)
_PLAIN = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))
