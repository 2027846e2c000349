"""Parameters read by hand: what a handler needs of them, or `InvalidParams` that says what is wrong.

Structuring by lsprotocol costs 0.2 ms and more a message and 0.5 s to import; the hot path does not have them.
"""

from __future__ import annotations

from typing import Any, cast

from llmspell_lsp.protocol.failures import InvalidParams

Params = dict[str, Any]


def member(params: Any, name: str, kind: type[Any], where: str = "params") -> Any:
    """A member that must be there and of this kind."""
    value = cast("dict[str, Any]", params).get(name) if isinstance(params, dict) else None
    # bool is an int to Python, not to JSON.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InvalidParams(f"{where}.{name} must be {_WORDS.get(kind, kind.__name__)}, not {_shown(value)}")
    return value


def document_uri(params: Any) -> str:
    return member(member(params, "textDocument", dict), "uri", str, "params.textDocument")


def position(params: Any, name: str = "position", where: str = "params") -> tuple[int, int]:
    """(line, character) of a Position; a float that is whole is as good as an int."""
    value = member(params, name, dict, where)
    numbers: list[int] = []
    for key in ("line", "character"):
        number = value.get(key)
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if not isinstance(number, int) or isinstance(number, bool):
            raise InvalidParams(f"{where}.{name}.{key} must be a number, not {_shown(number)}")
        numbers.append(number)
    return numbers[0], numbers[1]


def span(params: Any, name: str = "range", where: str = "params") -> tuple[int, int, int, int]:
    """(line, character, end line, end character) of a Range."""
    value = member(params, name, dict, where)
    where = f"{where}.{name}"
    return (*position(value, "start", where), *position(value, "end", where))


_WORDS = {str: "a text", int: "a number", dict: "an object", list: "a list", bool: "true or false"}


def _shown(value: Any) -> str:
    text = repr(value)
    return "missing" if value is None else text if len(text) <= 60 else f"{text[:60]}…"
