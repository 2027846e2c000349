"""A line as pieces of text with their meanings, and the strip of cells that it becomes. Knows no widget."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from llmspell_tui.theme import Ground, Palette

#: (text, role). The role is one of `theme.roles()`.
Piece = tuple[str, str]
Line = list[Piece]

_ELLIPSIS: Final = "…"
# Control characters, and those that turn the direction of what follows: a spell's output must not draw on the screen.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """The text on one line and without control characters: `↵` for a line's end, `·` for the others."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    return {"\n": "↵", "\t": "  ", "\r": "", "\x1b": "␛"}.get(match[0], "·")


def width_of(pieces: Iterable[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)


def shortened(text: str, width: int) -> str:
    """The text, or as much of its beginning as fits with an ellipsis."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + _ELLIPSIS


def tail(text: str, width: int) -> str:
    """The text, or as much of its end as fits: of a path the end tells most."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    kept = text[-(width - 1) :] if width > 1 else ""
    while cell_len(kept) > width - 1:
        kept = kept[1:]
    return _ELLIPSIS + kept


def fitted(pieces: Sequence[Piece], width: int) -> Line:
    """The pieces cut and filled to exactly `width` cells."""
    line: Line = []
    left = width
    for at, (text, role) in enumerate(pieces):
        cells = cell_len(text)
        if cells > left:
            rest = "".join(more for more, _ in pieces[at:])
            if not left and line and rest.strip():
                before = line.pop()
                left = cell_len(before[0])
                text, role = before[0] + rest, before[1]
            line.append((shortened(text, left), role))
            left -= cell_len(line[-1][0])
            break
        line.append((text, role))
        left -= cells
    if left > 0:
        line.append((" " * left, "text"))
    return line


def spread(left: Sequence[Piece], right: Sequence[Piece], width: int) -> Line:
    """`left` at the left, `right` at the right; where both do not fit, the left one is cut."""
    room = width - width_of(right)
    return [*fitted(left, room), *right] if room >= 0 else fitted(right, width)


def strip_of(
    pieces: Sequence[Piece], width: int, palette: Palette, ground: Ground = "plain", needle: str = ""
) -> Strip:
    """The strip of exactly `width` cells; what equals `needle` (lower case) is marked."""
    segments: list[Segment] = []
    for text, role in fitted(pieces, width):
        style = palette.style(role, ground)
        if needle and needle in text.lower():
            segments.extend(_marked(text, style, palette.style("match", ground), needle))
        else:
            segments.append(Segment(text, style))
    return Strip(segments, width)


def _marked(text: str, style: Style, mark: Style, needle: str) -> Iterable[Segment]:
    lower = text.lower()
    if len(lower) != len(text):  # lower case of some letters is longer: places would be wrong
        return [Segment(text, style)]
    out: list[Segment] = []
    at = 0
    while (found := lower.find(needle, at)) >= 0:
        if found > at:
            out.append(Segment(text[at:found], style))
        at = found + len(needle)
        out.append(Segment(text[found:at], mark))
    if at < len(text):
        out.append(Segment(text[at:], style))
    return out


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at spaces where there are some."""
    width = max(width, 1)
    out: list[str] = []
    for paragraph in text.split("\n"):
        rest = clean(paragraph)
        while cell_len(rest) > width:
            cut = len(set_cell_size(rest, width).rstrip()) or width
            space = rest.rfind(" ", 1, cut + 1)
            cut = space if space > width // 3 else max(min(cut, len(rest)), 1)
            out.append(rest[:cut])
            rest = rest[cut:].lstrip(" ")
        out.append(rest)
    return out
