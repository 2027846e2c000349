"""Lines of the engine, which counts through all texts it has compiled, as lines of the spell's files.

Also reads the stacks that prelude/positions.js writes. Knows no engine.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any

from llmspell.frozen import frozen

_FRAME = re.compile(r"^    at (.*) \((.*):(\d+):\d+\)$", re.MULTILINE)


@frozen
class Text:
    """A compiled text: its first and last line as the engine counts."""

    first: int
    last: int
    label: str


class Lines:
    """Which lines belong to which file."""

    def __init__(self, used: int) -> None:
        """used: lines already taken, by the prelude."""
        self._next = used + 2
        self._firsts: list[int] = []
        self._texts: list[Text] = []

    def add(self, label: str, source: str) -> Text:
        """Lines for a text; the one before its first is left to what wraps it."""
        text = Text(self._next, self._next + source.count("\n"), label)
        self._next = text.last + 3
        self._firsts.append(text.first)
        self._texts.append(text)
        return text

    def site(self, line: int) -> str:
        """`file:line`, or "" for a line of no script."""
        index = bisect_right(self._firsts, line) - 1
        if index < 0:
            return ""
        text = self._texts[index]
        return f"{text.label}:{line - text.first + 1}" if line <= text.last else ""


def error_map(fields: dict[str, Any]) -> dict[str, Any]:
    """The host's error map, from what prelude/errors.js sent: the text in `frames` becomes `stack` and `source`."""
    frames = _FRAME.findall(fields.pop("frames", ""))
    stack: list[str] = fields.get("stack") or [_describe(name, label, line) for name, label, line in frames]
    source = fields.get("source") or (f"{frames[0][1]}:{frames[0][2]}" if frames else "")
    cause = fields.get("cause")
    known = {
        "hint": "",
        "retry_after": None,
        "retryable": False,
        "data": {},
        **fields,
        "source": source,
        "stack": stack,
        "cause": error_map(cause) if isinstance(cause, dict) else None,
    }
    if known["data"] is None:
        known["data"] = {}
    return known


def _describe(name: str, label: str, line: str) -> str:
    match name:
        case "<main>":
            return f"{label}:{line}: in main chunk"
        case "<anonymous>":
            return f"{label}:{line}: in an anonymous function"
        case _:
            return f"{label}:{line}: in function '{name}'"
