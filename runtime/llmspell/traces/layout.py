"""How a line of a trace is laid out: text at the left, figures in columns at the right, cut to the screen's width.

Colour, width and whether the stream takes more than ASCII come in a `Look`; nothing here asks a terminal.
"""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

from llmspell.frozen import frozen

Style = Literal["", "dim", "bold", "red", "green", "yellow"]

_CODES: Final = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33"}
_MARKS: Final = {"ok": "✓", "error": "✗", "cancelled": "■", "running": "…"}
_ASCII: Final = {
    "✓": "ok",
    "✗": "x",
    "■": "-",
    "…": "...",
    "→": "->",
    "›": ">",
    "↻": "~",
    "▸": "+",
    "┄": ":",
    "·": ".",
    "├─ ": "|- ",
    "└─ ": "`- ",
    "│  ": "|  ",
}

_DURATION, _TOKENS, _COST = 7, 7, 8
#: Below this width there is no room for file names: the spell's own places are shown as `:12`.
_NARROW: Final = 100
_SITE, _SITE_NARROW = 20, 8


@frozen
class Look:
    """width: of the screen, in cells. fancy: whether the stream takes characters beyond ASCII.

    spell: the spell's own file, as places name it; on a narrow screen its places are shown without it.
    """

    width: int = 100
    colour: bool = False
    fancy: bool = True
    spell: str = ""

    def sign(self, sign: str) -> str:
        return sign if self.fancy else _ASCII.get(sign, sign)

    def mark(self, status: str) -> str:
        return self.sign(_MARKS.get(status, "!")) if status in _MARKS else "!"

    def shortened(self, text: str, width: int) -> str:
        """The text, or its beginning with an ellipsis."""
        end = self.sign("…")
        return text if cells(text) <= width else cut(text, max(width - len(end), 0)) + end

    @property
    def branch(self) -> str:
        return self.sign("├─ ")

    @property
    def corner(self) -> str:
        return self.sign("└─ ")

    @property
    def stem(self) -> str:
        return self.sign("│  ")

    @property
    def arrow(self) -> str:
        return self.sign("→")

    @property
    def site_width(self) -> int:
        return _SITE_NARROW if self.narrow else _SITE

    @property
    def narrow(self) -> bool:
        return self.width < _NARROW

    @property
    def text_width(self) -> int:
        return max(20, self.width - _DURATION - _TOKENS - _COST - self.site_width - 2)


class Cells:
    """Pieces of text with their styles, and how many cells they take."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces: list[tuple[str, Style]] = []

    def add(self, text: str, style: str = "") -> Cells:
        self._pieces.append((text, style))  # type: ignore[arg-type]
        return self

    @property
    def width(self) -> int:
        return sum(cells(text) for text, _ in self._pieces)

    def fitted(self, width: int, look: Look) -> str:
        """The text cut and filled to exactly `width` cells."""
        out: list[str] = []
        left = width
        total = self.width
        end = look.sign("…")
        room = width if total <= width else width - len(end)
        for text, style in self._pieces:
            part = cut(text, room - (width - left))
            left -= cells(part)
            out.append(painted(part, style, look))
            if part != text:
                out.append(painted(end, "dim", look))
                left -= len(end)
                break
        return "".join(out) + " " * left


def row(
    head: Cells,
    look: Look,
    *,
    duration: float | None = None,
    tokens: int = 0,
    cost: float | None = None,
    site: str = "",
) -> str:
    """A line: the head, then duration (ms), tokens, cost in dollars and the place in the script."""
    figures = f"{_time(duration):>{_DURATION}}{_count(tokens):>{_TOKENS}}{_money(cost):>{_COST}}"
    site = site.removeprefix(look.spell) if look.narrow else site
    place = tail(site, look.site_width, look)
    return f"{head.fitted(look.text_width, look)}{figures}  {painted(place, 'dim', look)}".rstrip()


def rule(look: Look) -> str:
    """The headings of the columns."""
    head = Cells().add("")
    figures = f"{'time':>{_DURATION}}{'tokens':>{_TOKENS}}{'cost':>{_COST}}"
    return painted(f"{head.fitted(look.text_width, look)}{figures}  place", "dim", look)


def cells(text: str) -> int:
    """How many columns a terminal gives the text."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(sign) else 2 if _wide(sign) else 1 for sign in text)


def cut(text: str, width: int) -> str:
    """As much of the text's beginning as fits."""
    if cells(text) <= width:
        return text
    used = 0
    for place, sign in enumerate(text):
        used += cells(sign)
        if used > width:
            return text[:place]
    return text


def painted(text: str, style: str, look: Look) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if look.colour and style and text else text


def duration_text(milliseconds: float | None) -> str:
    """A time for a person: 0.4 ms, 12 ms, 3.20 s, 2 m 05 s, 1 h 02 m."""
    match milliseconds:
        case None:
            return ""
        case _ if milliseconds < 9.95:
            return f"{max(milliseconds, 0):.1f} ms"
        case _ if milliseconds < 999.5:
            return f"{milliseconds:.0f} ms"
        case _ if milliseconds < 59_995:
            return f"{milliseconds / 1000:.2f} s"
        case _ if milliseconds < 3_599_500:
            seconds = round(milliseconds / 1000)
            return f"{seconds // 60}m {seconds % 60:02}s"
        case _:
            minutes = round(milliseconds / 60_000)
            return f"{minutes // 60}h {minutes % 60:02}m"


_time = duration_text


def count_text(number: int) -> str:
    """A number in at most six cells, "" for none."""
    match number:
        case 0:
            return ""
        case _ if number < 100_000:
            return f"{number:,}"
        case _ if number < 999_500:
            return f"{number / 1000:.0f}k"
        case _:
            return f"{number / 1e6:,.2f}M" if number < 99_995_000 else f"{number / 1e6:,.0f}M"


def money_text(dollars: float | None) -> str:
    """Dollars, with as many places as say something."""
    if dollars is None:
        return ""
    if dollars >= 1000:
        return f"${dollars:,.0f}"
    return f"${dollars:.2f}" if dollars >= 10 or dollars == 0 else f"${dollars:.4f}"


_count = count_text
_money = money_text


def tail(place: str, width: int, look: Look) -> str:
    """A path or place, or its end behind an ellipsis: the file's name and the line say most."""
    if cells(place) <= width:
        return place
    end = look.sign("…")
    kept = place
    while (slash := kept.find("/", 1)) > 0:  # whole folders first
        kept = kept[slash:]
        if cells(kept) <= width - len(end):
            return end + kept
    while kept and cells(kept) > width - len(end):
        kept = kept[1:]
    return end + kept


def _wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF"
