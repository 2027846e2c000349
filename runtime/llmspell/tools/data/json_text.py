"""JSON text to values and back, strict and bounded: no NaN, no key twice, no depth or size that harms others."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from llmspell.errors import ToolError

#: Values in one document; 10 MB of JSON hold at most some five million, in some 300 MB.
MAX_VALUES: Final = 1_000_000


def parse(text: str, max_depth: int, duplicates: str = "error") -> Any:
    """The value. Raises ToolError with line and column."""
    _check_nesting(text, max_depth)

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(found)
        if len(result) != len(found) and duplicates == "error":
            seen: set[str] = set()
            for key, _ in found:
                if key in seen:
                    raise ToolError(f"the key {key!r} is there twice", hint='duplicates = "last" takes the last')
                seen.add(key)
        return result

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        near = text[max(0, error.pos - 20) : error.pos + 20]
        raise ToolError(
            f"this is no JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}", hint=f"near {near!r}"
        ) from None
    except ValueError:  # a whole number of more than 4300 digits
        raise ToolError("this JSON holds a number of more than 4300 digits", hint="write it as text") from None
    check_size(value, max_depth)
    return value


def stringify(value: Any, indent: int, sort_keys: bool) -> str:
    try:
        return json.dumps(
            value,
            ensure_ascii=False,
            allow_nan=False,
            indent=indent or None,
            separators=None if indent else (",", ":"),
            sort_keys=sort_keys,
        )
    except (TypeError, ValueError) as error:
        raise ToolError(f"this value cannot be written as JSON: {error}", hint="JSON has no NaN and no bytes") from None


def check_size(value: Any, max_depth: int, max_values: int = MAX_VALUES) -> None:
    """Raises ToolError for a value too deep or too large. Shared parts count each time; not recursive."""
    level: list[Any] = [value]
    count = 0
    depth = 0
    while level:
        count += len(level)
        if depth > max_depth:
            raise ToolError(f"lists and objects lie more than {max_depth} deep in each other", hint="flatten the value")
        if count > max_values:
            raise ToolError(f"the value holds more than {max_values} values", hint="take a part of it")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            if len(below) > max_values:
                raise ToolError(f"the value holds more than {max_values} values", hint="take a part of it")
        level = below
        depth += 1


def _check_nesting(text: str, max_depth: int) -> None:
    """Refuses what would overflow the parser's stack: brackets are counted, those inside text too, which is why
    this looks only at what could be dangerous at all."""
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            if depth > max_depth:
                raise ToolError(f"lists and objects lie more than {max_depth} deep in each other")
        elif character in "]}":
            depth -= 1


def _no_constant(name: str) -> NoReturn:
    raise ToolError(f"this is no JSON: {name} is not a JSON number", hint="use null, or text")
