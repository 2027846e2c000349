"""A terminal's picture as SVG: what tmux captured of a pane, with its colours, drawn cell by cell.

Every stretch of letters has its place and width, so columns stand below each other in any font; bars and lines are
drawn as shapes, so they touch. The picture asks nobody for anything. Knows no program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final

from rich.ansi import AnsiDecoder
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style

#: A cell, and what stands around the cells, in pixels.
WIDE: Final = 8.4
HIGH: Final = 19.0
_MARGIN: Final = 10.0
_TITLE: Final = 34.0
_FONT: Final = "ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', Consolas, monospace"
_GROUND: Final = "#12151b"
_INK: Final = "#e8eaed"

#: Letters, with the single spaces between them; and each other sign by itself: its font may be another.
_STRETCH: Final = re.compile(r"[!-~¡-ɏ]+(?: [!-~¡-ɏ]+)*|[^ ]")
#: Signs that are shapes: left, top, width, height as parts of the cell, and how much of the ground covers them.
_SHAPES: Final[dict[str, tuple[float, float, float, float, float]]] = {
    **{chr(0x2588 + n): (0, 0, 1 - n / 8, 1, 1) for n in range(8)},  # full block to one eighth, from the left
    **{chr(0x2580 + n): (0, 1 - n / 8, 1, n / 8, 1) for n in range(1, 8)},  # from below
    "▐": (0.5, 0, 0.5, 1, 1),
    "░": (0, 0, 1, 1, 0.3),
    "▒": (0, 0, 1, 1, 0.55),
    "▓": (0, 0, 1, 1, 0.85),
    "─": (0, 0.47, 1, 0.06, 1),
    "━": (0, 0.45, 1, 0.1, 1),
    "│": (0.44, 0, 0.12, 1, 1),
    "┃": (0.4, 0, 0.2, 1, 1),
}


def svg(captured: str, size: tuple[int, int], title: str) -> str:
    """size: columns and rows of the pane. title: what the window is called."""
    columns, rows = size
    width, height = columns * WIDE + 2 * _MARGIN, rows * HIGH + _TITLE + _MARGIN
    grounds: list[str] = []
    inks: list[str] = []
    console = Console(color_system="truecolor", force_terminal=True, width=columns)
    for y, line in enumerate([*AnsiDecoder().decode(captured)][:rows]):  # a look lasts from one line to the next
        _row([(part.text, part.style or Style()) for part in line.render(console)], y * HIGH, grounds, inks)
    dots = "".join(
        f'<circle cx="{22 + 20 * n}" cy="17" r="6" fill="{fill}"/>'
        for n, fill in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    drawn = "\n".join((*grounds, *inks))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="{_FONT}" font-size="14">
<rect width="{width:g}" height="{height:g}" rx="8" fill="#1f232b"/>
{dots}<text x="{width / 2:g}" y="22" fill="#9fa3ab" text-anchor="middle">{escape(title)}</text>
<rect x="{_MARGIN:g}" y="{_TITLE:g}" width="{columns * WIDE:g}" height="{rows * HIGH:g}" fill="{_GROUND}"/>
<g transform="translate({_MARGIN:g} {_TITLE:g})">
{drawn}
</g>
</svg>
"""


def _row(parts: Iterable[tuple[str, Style]], top: float, grounds: list[str], inks: list[str]) -> None:
    column = 0
    for text, style in parts:
        ink, ground = _colour(style, back=False), _colour(style, back=True)
        if style.reverse:
            ink, ground = ground or _GROUND, ink or _INK
        if ground and ground != _GROUND:
            grounds.append(_rect(column, top, (0, 0, cell_len(text), 1, 1), ground))
        for found in _STRETCH.finditer(text):
            at = column + cell_len(text[: found.start()])
            sign = found[0]
            if (shape := _SHAPES.get(sign)) is not None:
                inks.append(_rect(at, top, shape, ink or _INK))
            else:
                inks.append(_letters(at, top, sign, ink or _INK, style))
        column += cell_len(text)


def _colour(style: Style, *, back: bool) -> str:
    """ "" for the terminal's own."""
    colour = style.bgcolor if back else style.color
    return "" if colour is None or colour.is_default else colour.get_truecolor().hex


def _rect(column: float, top: float, shape: tuple[float, float, float, float, float], fill: str) -> str:
    left, above, width, height, opacity = shape
    x, y = (column + left) * WIDE, top + above * HIGH
    shade = "" if opacity == 1 else f' opacity="{opacity:g}"'
    return (
        f'<rect x="{x:.4g}" y="{y:.5g}" width="{width * WIDE:.5g}" height="{height * HIGH:.4g}" fill="{fill}"{shade} '
        'shape-rendering="crispEdges"/>'
    )


def _letters(column: int, top: float, text: str, fill: str, style: Style) -> str:
    looks = ' font-weight="bold"' if style.bold else ""
    looks += ' font-style="italic"' if style.italic else ""
    looks += ' text-decoration="underline"' if style.underline else ""
    looks += ' opacity="0.6"' if style.dim else ""
    return (
        f'<text x="{column * WIDE:.6g}" y="{top + 14:g}" textLength="{cell_len(text) * WIDE:.6g}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{fill}"{looks}>{escape(text)}</text>'
    )
