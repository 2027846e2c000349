"""Plain values as a person writes them in a spell."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from llmspell.api.names import camel

_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def lua(value: Any) -> str:
    """`{ operation = "read", path = "a.txt" }`."""
    match value:
        case None:
            return "nil"
        case dict():
            keys = {key: key if _WORD.fullmatch(key) else f"[{json.dumps(key)}]" for key in value}
            parts = [f"{keys[key]} = {lua(inner)}" for key, inner in value.items()]
            return "{ " + ", ".join(parts) + " }" if parts else "{}"
        case list() | tuple():
            return "{ " + ", ".join(map(lua, value)) + " }" if value else "{}"
        case str():
            return _quoted(value)
        case _:
            return json.dumps(value)


def javascript(value: Any, declared: frozenset[str] = frozenset()) -> str:
    """`{ operation: "read", path: "a.txt" }`. declared: the keys that change their case, of the outermost object."""
    match value:
        case dict():
            named = {camel(key) if key in declared else key: found for key, found in value.items()}
            parts = [f"{key if _WORD.fullmatch(key) else json.dumps(key)}: {javascript(v)}" for key, v in named.items()]
            return "{ " + ", ".join(parts) + " }" if parts else "{}"
        case list() | tuple():
            return "[" + ", ".join(map(javascript, value)) + "]"
        case str():
            return _quoted(value)
        case _:
            return json.dumps(value)


def _quoted(text: str) -> str:
    """JSON's quoting, which both languages read alike for what examples hold."""
    return json.dumps(text, ensure_ascii=False)
