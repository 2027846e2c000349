"""References in the fields of workflow steps: `{{name}}`, `{{plan.parts[0].title}}`, `{{step_2.*}}`; their grammar, and
the names that mean something by themselves.

Read by the runtime, which resolves them, and by the language server, which explains them. Knows no workflow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmspell.errors import ArgumentError
from llmspell.frozen import frozen

_NAME: Final = re.compile(r"[A-Za-z_][\w-]*")
_PART: Final = re.compile(r"\.([\w-]+|\*)|\[(\d+|\*)\]")

#: `{{step_2}}`: everything that the second step of the list gave.
STEP: Final = re.compile(r"step_(\d+)")
#: Names that are there everywhere.
ALWAYS: Final = frozenset({"input", "params", "context"})
#: Names that only the places inside steps of these types know.
INSIDE: Final[Mapping[str, frozenset[str]]] = {
    "loop": frozenset({"iteration", "confidence_score", "item", "index"}),
    "map_reduce": frozenset({"item", "index"}),
    "pipeline": frozenset({"item", "index"}),
}
#: What names mean by themselves; no output can be called so.
RESERVED: Final = ALWAYS | {"item", "index", "iteration"}

#: Characters of a text that an error repeats.
_SHOWN: Final = 60
_WRITTEN: Final = (
    "write {{name}}, {{name.field}}, {{name.list[0]}} or {{step_2.*}}; "
    "where you mean the braces themselves, give a function"
)


@frozen
class Reference:
    """`{{name.path}}`. path: keys, indexes from 0, and `*` for everything there."""

    text: str
    name: str
    path: tuple[str | int, ...] = ()


Part = str | Reference


def braces(text: str) -> Iterator[tuple[int, int]]:
    """Where references stand: from `{{` up to behind `}}`; to the end of the text for one that is never closed."""
    at = 0
    while (start := text.find("{{", at)) >= 0:
        end = text.find("}}", start)
        at = end + 2 if end >= 0 else len(text)
        yield start, at


def parse(text: str) -> list[Part]:
    """The text cut at its references. Raises ArgumentError for braces that hold none."""
    parts: list[Part] = []
    at = 0
    for start, end in braces(text):
        if not text.endswith("}}", start + 2, end):
            raise ArgumentError(f"a reference is never closed: {text[start : start + _SHOWN]!r}", hint=_WRITTEN)
        if start > at:
            parts.append(text[at:start])
        parts.append(reference(text[start + 2 : end - 2]))
        at = end
    if at < len(text):
        parts.append(text[at:])
    return parts


def reference(inner: str) -> Reference:
    """What stands between the braces. Raises ArgumentError."""
    text = inner.strip()
    name = _NAME.match(text)
    path: list[str | int] = []
    at = name.end() if name else 0
    while name and at < len(text):
        part = _PART.match(text, at)
        if part is None:
            break
        key = part[1] if part[1] is not None else part[2]
        path.append(int(key) if part[1] is None and key != "*" else key)
        at = part.end()
    if name is None or at < len(text):
        raise ArgumentError(f"{{{{{inner[:_SHOWN]}}}}} is no reference", hint=_WRITTEN)
    return Reference(text, name[0], tuple(path))


def references(value: Any) -> Iterator[Reference]:
    """Those in a text, or in the texts of a table or list."""
    match value:
        case str():
            if "{{" in value:
                yield from (part for part in parse(value) if isinstance(part, Reference))
        case dict():
            for item in value.values():
                yield from references(item)
        case list():
            for item in value:
                yield from references(item)
        case _:
            return
