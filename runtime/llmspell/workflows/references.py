"""References in the fields of steps, replaced by what they refer to; `api.references` is their grammar.

A text that is one reference stands for the value itself; inside a longer text it is written out, tables as JSON. Knows
no workflow: who resolves says what a name means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from llmspell.agents.texts import AgentOutput, as_json
from llmspell.api.names import near
from llmspell.api.references import Reference, parse
from llmspell.errors import ArgumentError

_FENCE: Final = re.compile(r"\s*```\w*\n(.*?)\n```\s*", re.DOTALL)

#: Names that an error lists.
_LISTED: Final = 30


Look = Callable[[Reference], Any]


def resolved(value: Any, look: Look) -> Any:
    """The value with its references replaced."""
    match value:
        case str():
            return _text(value, look) if "{{" in value else value
        case dict():
            return {key: resolved(item, look) for key, item in value.items()}
        case list():
            return [resolved(item, look) for item in value]
        case _:
            return value


def _text(text: str, look: Look) -> Any:
    parts = parse(text)
    match parts:
        case [Reference() as only]:
            return look(only)
        case _:
            return "".join(part if isinstance(part, str) else shown(look(part)) for part in parts)


def shown(value: Any) -> str:
    """A value inside a text."""
    if value is None:
        return ""
    if isinstance(value, AgentOutput):
        return value.text
    return value if isinstance(value, str) else as_json(value)


def inside(value: Any, found: Reference) -> Any:
    """What lies at the reference's path in the value of its name. Raises ArgumentError, saying what there is."""
    return _at(value, found.path, found.name, found.text)


def _at(value: Any, path: tuple[str | int, ...], here: str, whole: str) -> Any:
    for place, key in enumerate(path):
        if isinstance(value, AgentOutput):
            value = value.value
        if key == "*":
            rest = path[place + 1 :]
            if not rest:
                return value
            items = list(value.values()) if isinstance(value, dict) else value
            if not isinstance(items, list):
                raise ArgumentError(f"{{{{{whole}}}}}: {here} is {items!r:.60}, which holds nothing to go through")
            return [_at(item, rest, f"{here}[{index}]", whole) for index, item in enumerate(items)]
        if isinstance(value, str):
            value = _parsed(value, here, whole)
        value = _item(value, key, here, whole)
        here += f"[{key}]" if isinstance(key, int) else f".{key}"
    return value


def _item(value: Any, key: str | int, here: str, whole: str) -> Any:
    match value:
        case dict():
            if key in value:
                return value[key]
            if str(key) in value:
                return value[str(key)]
            raise missing(f"{{{{{whole}}}}}: {here} has no {key!r}", str(key), map(str, value), f"{here} has")
        case list():
            index = int(key) if isinstance(key, int) or key.isdecimal() else None
            if index is not None and index < len(value):
                return value[index]
            wanted = f"item {index}" if index is not None else f"field {key!r}"
            many = f"a list of {len(value)}" if value else "an empty list"
            raise ArgumentError(f"{{{{{whole}}}}}: {here} has no {wanted}: it is {many}", hint="items count from 0")
        case _:
            kind = "nothing" if value is None else f"{value!r:.60}"
            raise ArgumentError(f"{{{{{whole}}}}}: {here} is {kind}, which has no {key!r}")


def _parsed(text: str, here: str, whole: str) -> Any:
    """Text as the JSON that it is, a Markdown fence around it or not."""
    fenced = _FENCE.fullmatch(text)
    try:
        return json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        raise ArgumentError(
            f"{{{{{whole}}}}}: {here} is text and no JSON: {text[:60]!r}",
            hint="ask for a structured answer there, or refer to the whole text",
        ) from None


def missing(message: str, name: str, known: Iterable[str], there: str) -> ArgumentError:
    """An error for a name that is not there, with the nearest of those that are, or all of them."""
    names = sorted(set(known))
    close = near(name, names)
    listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    hint = f"did you mean {close[0]!r}? " if close else ""
    return ArgumentError(message, hint=f"{hint}{there}: {listed or 'nothing'}")
