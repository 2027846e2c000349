"""Tool calls as models write them: arguments parsed, and put together from the pieces of a stream. Knows no service."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from llmspell.providers.base import ToolCall


def parse_arguments(text: object) -> dict[str, Any] | str:
    """The argument object; the model's own text where it is not one (nothing at all is an empty object)."""
    if isinstance(text, dict):  # some OpenAI-compatible servers send the object itself
        return text
    if text is None or (isinstance(text, str) and not text.strip()):
        return {}
    if not isinstance(text, str):
        return json.dumps(text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def write_arguments(arguments: dict[str, Any] | str) -> str:
    """Arguments as the text a model wrote."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def call_of(identifier: object, name: object, arguments: object, position: int) -> ToolCall:
    """A ToolCall; a missing id becomes `call_N`, so that the tool's answer can name it."""
    text = identifier if isinstance(identifier, str) and identifier else f"call_{position + 1}"
    return ToolCall(id=text, name=name if isinstance(name, str) else "", arguments=parse_arguments(arguments))


@dataclass(slots=True)
class _Growing:
    id: str
    name: str
    pieces: list[str] = field(default_factory=list[str])


class CallParts:
    """Calls that arrive in pieces. A piece belongs to the call of its index; a new id under an index begins another."""

    __slots__ = ("_by_index", "_calls")

    def __init__(self) -> None:
        self._calls: list[_Growing] = []
        self._by_index: dict[int, _Growing] = {}

    def add(self, index: int | None, identifier: str, name: str, arguments: str) -> None:
        call = self._by_index.get(index) if index is not None else (self._calls[-1] if self._calls else None)
        if call is None or (identifier and call.id and identifier != call.id):
            call = _Growing(identifier, name)
            self._calls.append(call)
            if index is not None:
                self._by_index[index] = call
        else:
            call.id = call.id or identifier
            call.name = call.name or name
        if arguments:
            call.pieces.append(arguments)

    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(
            call_of(call.id, call.name, "".join(call.pieces), position) for position, call in enumerate(self._calls)
        )

    def __bool__(self) -> bool:
        return bool(self._calls)
