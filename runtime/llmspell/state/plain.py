"""Plain data: what a state can hold, copied on its way in so that nobody else changes it. Knows no store."""

from __future__ import annotations

import math
from typing import Any, Final

from llmspell.errors import ArgumentError

#: How deep a value may nest: as deep as one that crosses from a script.
_DEPTH: Final = 200

#: Types of values that are as they are wherever they stand.
_SIMPLE: Final = frozenset({str, bool, int, type(None)})

#: What scripts call values that are more than data.
_NAMES: Final = {"Moment": "a Date", "Mapped": "a Map", "Listed": "a Set", "ScriptFunction": "a function"}


def plain(value: Any, where: str, *, json: bool = False, depth: int = 0) -> Any:
    """A copy of a value of texts, numbers, booleans, bytes, lists and tables; keys become texts.

    json: also one that comes back from JSON as it was, without bytes, NaN and infinities. where: whose value it is, for
    messages. Raises ArgumentError for anything else; what has a `to_value` (an agent's output, an error) is its value.
    """
    kind = type(value)
    if kind in _SIMPLE:
        return value
    if depth <= _DEPTH:  # nearly all values are these very types, and are told in a third of the time
        if kind is dict:
            return {
                key if type(key) is str else key_text(key): item
                if type(item) in _SIMPLE
                else plain(item, where, json=json, depth=depth + 1)
                for key, item in value.items()
            }
        if kind is list:
            return [item if type(item) in _SIMPLE else plain(item, where, json=json, depth=depth + 1) for item in value]
    match value:
        case str() | bool() | int() | None:
            return value
        case float():
            if json and not math.isfinite(value):
                raise ArgumentError(f"{where}: {value} has no place in JSON", hint="leave it out, or keep a text")
            return value
        case _ if depth > _DEPTH:
            raise ArgumentError(f"{where}: a value is nested deeper than {_DEPTH} levels, or contains itself")
        case list() | tuple():
            return [plain(item, where, json=json, depth=depth + 1) for item in value]
        case dict():
            return {key_text(key): plain(item, where, json=json, depth=depth + 1) for key, item in value.items()}
        case bytes() if not json:
            return value
        case _ if callable(found := getattr(value, "to_value", None)):
            return plain(found(), where, json=json, depth=depth + 1)
        case _:
            name = "bytes" if isinstance(value, bytes) else _NAMES.get(type(value).__name__, type(value).__name__)
            raise ArgumentError(
                f"{where}: {name} cannot be kept", hint="keep plain data: texts, numbers, booleans, lists and tables"
            )


def key_text(key: Any) -> str:
    """A table's key as JSON has it: the text `5` for Lua's 5 and 5.0."""
    match key:
        case str():
            return key
        case bool():
            return "true" if key else "false"
        case float() if key.is_integer():
            return str(int(key))
        case _:
            return str(key)


def same(left: Any, right: Any) -> bool:
    """Whether two plain values are equal. 1 and 1.0 are, as in both languages; 1 and true are not; neither is an empty
    list different from an empty table, which Lua cannot tell apart."""
    match left, right:
        case bool(), _:
            return left is right
        case _, bool():
            return False
        case ((list() | dict()), (list() | dict())) if not left and not right:
            return True
        case list(), list():
            return len(left) == len(right) and all(map(same, left, right))
        case dict(), dict():
            return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
        case _:
            return (type(left) is type(right) or _numbers(left, right)) and left == right


def _numbers(left: Any, right: Any) -> bool:
    return isinstance(left, int | float) and isinstance(right, int | float)
