"""Columns at the border: code points inside, UTF-8, UTF-16 or UTF-32 units outside, as the client and we agreed.

Lines of ASCII, nearly all there are, cost one look. Every position is clamped to one that exists; a unit in the middle
of a character means its beginning. Knows no document.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]

#: The best first: UTF-32 units are our columns, but few clients offer them, and UTF-8 is what most of them hold.
PREFERRED: Final[tuple[Encoding, ...]] = ("utf-8", "utf-16", "utf-32")


def negotiate(offered: object) -> Encoding:
    """The encoding to use with a client that offers these; UTF-16 is what everybody must know."""
    if isinstance(offered, list):
        for encoding in PREFERRED:
            if encoding in offered:
                return encoding
    return "utf-16"


def column_of(line: str, units: int, encoding: Encoding) -> int:
    """The code point at a number of units into a line."""
    if units <= 0:
        return 0
    if encoding == "utf-32" or line.isascii():
        return min(units, len(line))
    if units >= 4 * len(line):
        return len(line)
    counted = 0
    for column, character in enumerate(line):
        counted += _width(character, encoding)
        if counted > units:
            return column
    return len(line)


def units_of(line: str, column: int, encoding: Encoding) -> int:
    """How many units are before a code point of a line."""
    column = max(0, min(column, len(line)))
    if encoding == "utf-32" or line.isascii():
        return column
    return length(line[:column], encoding)


def length(text: str, encoding: Encoding) -> int:
    """A text's length in units."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-16":
        return len(text) + sum(character > "\uffff" for character in text)
    return len(text.encode("utf-8", "surrogatepass"))


def _width(character: str, encoding: Encoding) -> int:
    if encoding == "utf-16":
        return 2 if character > "\uffff" else 1
    return 1 if character < "\x80" else 2 if character < "\u0800" else 3 if character < "\U00010000" else 4


def position(lines: Sequence[str], line: int, column: int, encoding: Encoding) -> dict[str, Any]:
    """A place of ours as the protocol's Position."""
    line = max(0, min(line, len(lines) - 1))
    return {"line": line, "character": units_of(lines[line], column, encoding)}


def range_of(lines: Sequence[str], span: Sequence[int], encoding: Encoding) -> dict[str, Any]:
    """A span (line, column, end line, end column) as the protocol's Range."""
    return {
        "start": position(lines, span[0], span[1], encoding),
        "end": position(lines, span[2], span[3], encoding),
    }


def place(lines: Sequence[str], line: int, units: int, encoding: Encoding) -> tuple[int, int]:
    """The protocol's position as (line, column), clamped: past the end is the end."""
    if line < 0:
        return 0, 0
    if line >= len(lines):
        return len(lines) - 1, len(lines[-1])
    return line, column_of(lines[line], units, encoding)
