"""A run as an SVG picture: its tree at the left, its waterfall at the right, with the colours, marks and figures of the
screen Trace. A function of the model alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from llmspell.traces.summary import plain
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.waterfall import Bar, waterfall
from llmspell_tui.theme import MARKS, Palette, kind_role, kind_word, palette
from llmspell_tui.widgets.figures import money_text, plural, time_text

#: Rows of one picture: what a browser still draws at once.
MOST: Final = 2000
_ROW: Final = 20
_LEFT: Final = 460
_RIGHT: Final = 900
_INDENT: Final = 14


def picture(model: RunModel, *, light: bool = False) -> str:
    """Of the rows that the present folds, filter and moment leave; a run of more than `MOST` rows ends with a line
    that says how many are left out."""
    rows = model.spans.rows(0, MOST)
    left_out = model.spans.height - len(rows)
    colours = palette("light" if light else "dark")
    bars = waterfall(model, rows, _RIGHT, axis="whole").bars
    height = (len(rows) + 2 + (left_out > 0)) * _ROW
    return "\n".join(_lines(model, rows, bars, colours, height, left_out)) + "\n"


def _lines(
    model: RunModel, rows: list[int], bars: tuple[Bar, ...], colours: Palette, height: int, left_out: int
) -> Iterator[str]:
    width = _LEFT + _RIGHT + 120
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="ui-monospace, monospace" font-size="12">'
    )
    title = f"{MARKS.get(model.status, '!')} {model.status}  {model.label}  {model.run_id}".strip()
    yield f"<title>{_safe(title)}</title>"
    yield f'<rect width="{width}" height="{height}" fill="{colours.ground("plain")}"/>'
    took = time_text(None if model.ended is None else model.ended - model.began)
    figures = (took, plural(model.tokens, "token"), money_text(model.cost))
    yield _text(8, _ROW - 6, "  ".join((title, *filter(None, figures))), colours.colour("text"))
    for y, (i, bar) in enumerate(zip(rows, bars), 1):
        yield from _row(model, i, bar, y * _ROW, colours)
    if left_out > 0:
        yield _text(8, (len(rows) + 2) * _ROW - 6, f"{left_out:,} more rows are not drawn", colours.colour("dim"))
    yield "</svg>"


def _row(model: RunModel, i: int, bar: Bar, top: int, colours: Palette) -> Iterator[str]:
    spans = model.spans
    failed, kind = bar.status in ("error", "veto"), spans.kind(i)
    colour = colours.colour("error" if failed else kind_role(kind))
    x = 8 + min(spans.depth(i), 20) * _INDENT
    room = max(8, (_LEFT - x) // 8)
    label = plain(f"{MARKS.get(bar.status, '!')} {kind_word(kind)} {spans.name(i)}")
    ended = spans.ended(i)
    took = "" if ended is None else time_text(ended - spans.started(i))
    yield f'<line x1="0" y1="{top}" x2="{_LEFT + _RIGHT + 120}" y2="{top}" stroke="{colours.ground("bar")}"/>'
    yield "<g>"
    yield f"<title>{_safe(f'{label} {took} {spans.error(i)}'.strip())}</title>"
    yield _text(x, top + _ROW - 6, label[:room], colour if failed else colours.colour("text"))
    left, width = _LEFT + bar.start, max(1.5, bar.width)
    yield f'<rect x="{left:.1f}" y="{top + 4}" width="{width:.1f}" height="{_ROW - 8}" rx="2" fill="{colour}"/>'
    yield _text(left + width + 6, top + _ROW - 6, took, colours.colour("dim"))
    yield "</g>"


def _text(x: float, y: float, text: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" fill="{colour}" xml:space="preserve">{_safe(text)}</text>'


def _safe(text: str) -> str:
    """As XML: no control characters, no lone surrogates."""
    return escape(plain(text).encode("utf-8", "replace").decode())
