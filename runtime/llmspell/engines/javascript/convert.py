"""Neutral values (`engines.values`) as the JSON text that crosses into JavaScript, and back.

What JSON lacks is `{"$": [tag, …]}`, written and read by prelude/values.js. Knows no engine.
"""

from __future__ import annotations

import json
from typing import Any, Final

from llmspell.api.names import camel
from llmspell.engines.javascript.positions import error_map
from llmspell.engines.values import (
    DEPTH_LIMIT,
    ErrorValue,
    FunctionRef,
    Listed,
    Mapped,
    Moment,
    ObjectRef,
    PromiseRef,
    Record,
)

#: Larger integers are not exact as a JavaScript number; they cross as BigInt.
_SAFE_INTEGER: Final = 2**53 - 1

_NESTING: Final = (list, tuple, dict, Mapped, Listed)

_to_json = json.JSONEncoder(separators=(",", ":")).encode


def encode(value: Any, around: int = 0) -> str:
    """A value as text: `p` and plain JSON, or `t` and JSON with tags. ASCII only, so that NUL and lone surrogates
    cross too. around: levels that do not count, because they hold several values.

    Raises ValueError for a value nested too deep, TypeError for one that is not neutral.
    """
    writer = _Writer()
    plain = writer.write(value, -around)
    return ("t" if writer.tagged else "p") + _to_json(plain)


class _Writer:
    def __init__(self) -> None:
        self.tagged = False

    def write(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            return value if -_SAFE_INTEGER <= value <= _SAFE_INTEGER else self._tag("n", str(value))
        if kind is float:
            return value if value - value == 0.0 else self._tag("x", str(value))
        if depth >= DEPTH_LIMIT and kind in _NESTING:
            raise ValueError(f"what the host gave is nested deeper than {DEPTH_LIMIT} levels")
        if kind is list or kind is tuple:
            return [self.write(item, depth + 1) for item in value]
        if kind is dict:
            if "$" in value:
                return self._tag("d", [[str(key), self.write(item, depth + 1)] for key, item in value.items()])
            return {str(key): self.write(item, depth + 1) for key, item in value.items()}
        return self._special(value, depth + 1)

    def _special(self, value: Any, depth: int) -> Any:
        match value:
            case FunctionRef(number):
                return self._tag("f", number)
            case PromiseRef(number):
                return self._tag("p", number)
            case ObjectRef(number, class_name, methods):
                actions = [{"name": name, "js": camel(name)} for name in methods]
                return self._tag("o", number, class_name, actions)
            case bytes() | bytearray() | memoryview():
                return self._tag("b", value.hex())
            case Moment(milliseconds):
                return self._tag("t", milliseconds if milliseconds - milliseconds == 0.0 else None)
            case Mapped(pairs):
                return self._tag("m", [[self.write(key, depth), self.write(item, depth)] for key, item in pairs])
            case Listed(items):
                return self._tag("s", [self.write(item, depth) for item in items])
            case ErrorValue(fields):
                return self._tag("e", self.write(fields, depth))
            case Record(class_name, fields):
                return self._tag("r", self.write(fields, depth), class_name)
            case bool() | int() | float() | str() | list() | dict() | tuple():  # subclasses: an enum, a named tuple
                return self.write(_plain(value), depth)
            case _:
                raise TypeError(f"{type(value).__name__} cannot cross to a script")

    def _tag(self, *parts: Any) -> dict[str, list[Any]]:
        self.tagged = True
        return {"$": list(parts)}


def _plain(value: bool | int | float | str | list[Any] | tuple[Any, ...] | dict[Any, Any]) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return dict(value) if isinstance(value, dict) else list(value)


def decode(text: str) -> Any:
    """The neutral value of text from prelude/values.js."""
    return _decoder.decode(text)


def _from_tag(value: dict[str, Any]) -> Any:
    if "$" not in value:
        return value
    tag, body, *more = value["$"]
    match tag:
        case "n":
            return int(body)
        case "f":
            return FunctionRef(body)
        case "p":
            return PromiseRef(body)
        case "o":
            return ObjectRef(body, more[0])
        case "b":
            return bytes.fromhex(body)
        case "t":
            return Moment(float(body))
        case "m":
            return Mapped(tuple((key, item) for key, item in body))
        case "s":
            return Listed(tuple(body))
        case "e":
            return ErrorValue(error_map(body))
        case "r":
            return Record(more[0], body)
        case _:
            return dict(body)


_decoder = json.JSONDecoder(object_hook=_from_tag)
