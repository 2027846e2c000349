"""A run as an SVG picture: its tree at the left, its waterfall at the right. A function of the model alone."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from llmspell.traces.summary import plain
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.waterfall import Bar, waterfall

#: Rows of one picture: what a browser still draws at once.
MOST: Final = 2000
_ROW: Final = 20
_LEFT: Final = 460
_RIGHT: Final = 900
_INDENT: Final = 14

#: Okabe and Ito's colours, with a letter beside each for those who see none.
_DARK: Final = {"ground": "#121212", "text": "#e8e8e8", "dim": "#9a9a9a", "line": "#2a2a2a"}
_LIGHT: Final = {"ground": "#ffffff", "text": "#1a1a1a", "dim": "#5c5c5c", "line": "#e4e4e4"}
_KINDS: Final = {"llm_call": "#7FA8FF", "tool": "#009E73", "execution": "#E69F00", "hook": "#CC79A7"}
_OTHER: Final = "#8a8f98"
_STATUS: Final = {"error": ("#D55E00", "x"), "running": ("#F0E442", ">"), "cancelled": ("#E69F00", "-")}


def picture(model: RunModel, *, light: bool = False) -> str:
    """Of the rows that the present folds, filter and moment leave; a run of more than `MOST` rows ends with a line
    that says how many are left out."""
    rows = model.spans.rows(0, MOST)
    left_out = model.spans.height - len(rows)
    colours = _LIGHT if light else _DARK
    bars = waterfall(model, rows, _RIGHT, axis="whole").bars
    height = (len(rows) + 2 + (left_out > 0)) * _ROW
    return "\n".join(_lines(model, rows, bars, colours, height, left_out)) + "\n"


def _lines(
    model: RunModel, rows: list[int], bars: tuple[Bar, ...], colours: dict[str, str], height: int, left_out: int
) -> Iterator[str]:
    width = _LEFT + _RIGHT + 120
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="ui-monospace, monospace" font-size="12">'
    )
    title = f"{model.label} {model.run_id} {model.status}".strip()
    yield f"<title>{_safe(title)}</title>"
    yield f'<rect width="{width}" height="{height}" fill="{colours["ground"]}"/>'
    figures = f"{model.tokens:,} tokens" + ("" if model.cost is None else f", ${model.cost:.4f}")
    yield _text(8, _ROW - 6, f"{title}  {figures}", colours["text"])
    for y, (i, bar) in enumerate(zip(rows, bars), 1):
        yield from _row(model, i, bar, y * _ROW, colours)
    if left_out > 0:
        yield _text(8, (len(rows) + 2) * _ROW - 6, f"{left_out:,} more rows are not drawn", colours["dim"])
    yield "</svg>"


def _row(model: RunModel, i: int, bar: Bar, top: int, colours: dict[str, str]) -> Iterator[str]:
    spans = model.spans
    colour, letter = _STATUS.get(bar.status, (_KINDS.get(spans.kind(i), _OTHER), "."))
    x = 8 + min(spans.depth(i), 20) * _INDENT
    room = max(8, (_LEFT - x) // 8)
    label = plain(f"{letter} {spans.kind(i)} {spans.name(i)}")
    ended = spans.ended(i)
    took = "" if ended is None else _duration(ended - spans.started(i))
    yield f'<line x1="0" y1="{top}" x2="{_LEFT + _RIGHT + 120}" y2="{top}" stroke="{colours["line"]}"/>'
    yield "<g>"
    yield f"<title>{_safe(f'{label} {took} {spans.error(i)}'.strip())}</title>"
    yield _text(x, top + _ROW - 6, label[:room], colour if bar.status == "error" else colours["text"])
    left, width = _LEFT + bar.start, max(1.5, bar.width)
    yield f'<rect x="{left:.1f}" y="{top + 4}" width="{width:.1f}" height="{_ROW - 8}" rx="2" fill="{colour}"/>'
    yield _text(left + width + 6, top + _ROW - 6, took, colours["dim"])
    yield "</g>"


def _text(x: float, y: float, text: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" fill="{colour}" xml:space="preserve">{_safe(text)}</text>'


def _safe(text: str) -> str:
    """As XML: no control characters, no lone surrogates."""
    return escape(plain(text).encode("utf-8", "replace").decode())


def _duration(milliseconds: float) -> str:
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms"
    return f"{milliseconds / 1000:.3g} s" if milliseconds < 60_000 else f"{milliseconds / 60_000:.3g} min"
