"""Lines of the engine, which counts through all texts it has compiled, as lines of the spell's files.

Also reads the stacks that prelude/positions.js writes. Knows no engine.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any

from llmspell.engines.javascript.loops import loop_at
from llmspell.frozen import frozen

_FRAME = re.compile(r"^    at (.*) \((.*):(\d+):(\d+)\)$", re.MULTILINE)


#: Lines of a stack, as in Lua.
_STACK_LINES = 30


@frozen
class Text:
    """A compiled text: its first and last line as the engine counts."""

    first: int
    last: int
    label: str
    source: str


class Lines:
    """Which lines belong to which file."""

    def __init__(self, used: int) -> None:
        """used: lines already taken, by the prelude."""
        self._next = used + 2
        self._firsts: list[int] = []
        self._texts: list[Text] = []

    def add(self, label: str, source: str) -> Text:
        """Lines for a text; the one before its first is left to what wraps it."""
        text = Text(self._next, self._next + source.count("\n"), label, source)
        self._next = text.last + 3
        self._firsts.append(text.first)
        self._texts.append(text)
        return text

    def place(self, frames: str, function: str) -> tuple[str, list[str]]:
        """`file:line` and stack of a script that was stopped while it computed, from what positions.js wrote.

        function: the text of the innermost one, "" at a module's top level. The engine knows the lines of calls and of
        a few things more, but not of a loop without them.
        """
        found = _FRAME.findall(frames)
        if not found:
            return "", []
        name, label, line, column = found[0]
        source = next((text.source for text in self._texts if text.label == label), "")
        line = str(_looping(source, function, int(line), int(column)))
        stack = [_describe(name, label, line), *(_describe(*frame[:3]) for frame in found[1:])]
        return f"{label}:{line}", stack

    def until(self, line: int) -> list[str]:
        """The lines of a text up to this one of the engine's; none for a line of no script."""
        index = bisect_right(self._firsts, line) - 1
        if index < 0 or line > self._texts[index].last:
            return []
        count = line - self._firsts[index] + 1
        return self._texts[index].source.split("\n", count)[:count]

    def site(self, line: int) -> str:
        """`file:line`, or "" for a line of no script."""
        index = bisect_right(self._firsts, line) - 1
        if index < 0:
            return ""
        text = self._texts[index]
        return f"{text.label}:{line - text.first + 1}" if line <= text.last else ""


def _looping(source: str, function: str, line: int, column: int) -> int:
    """The line of the loop that the innermost function is in, which was last known to be at this line and column."""
    begin = sum(len(one) + 1 for one in source.split("\n", line - 1)[: line - 1])
    known = begin + column - 1
    start = source.rfind(function, 0, known + len(function))
    if start < 0 or start + len(function) <= known:  # the column of a function that made no call yet is 1
        start = known = max(known, source.find(function, begin))
    if not function:
        start, function = 0, source
    at = start + loop_at(function, known - start)
    return line if at == known else source.count("\n", 0, at) + 1


def error_map(fields: dict[str, Any]) -> dict[str, Any]:
    """The host's error map, from what prelude/errors.js sent: the text in `frames` becomes `stack` and `source`; lines
    that the host had told before, of a function of the script's that it called, come first."""
    frames = _FRAME.findall(fields.pop("frames", ""))
    first = f"{frames[0][1]}:{frames[0][2]}" if frames else ""
    source = fields.get("source") or first
    if fields.get("type") == "syntax" and fields.get("source") == first:
        frames = frames[1:]  # where the text was refused, which is in no function
    own = [_describe(name, label, line) for name, label, line, _ in frames]
    stack: list[str] = [*(fields.get("stack") or []), *own][:_STACK_LINES]
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
