"""Lines that are drawn whole by who makes them, frames that draw nothing, scroll bars that are drawn when they change.

A list's line says its own colours from edge to edge. Without border and padding there is nothing to add to it, and the
17 styles that Textual looks up a line, to find that out, are 0.1 ms: a sixth of what a picture of 60 lines costs.
"""

from __future__ import annotations

from math import ceil
from typing import Any, cast

from textual._styles_cache import StylesCache
from textual.containers import Container
from textual.geometry import Region
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget


class WholeLines(StylesCache):
    def render_line(self, *given: Any, **named: Any) -> Strip:
        """Called with styles, y, size, size of the content, padding, two backgrounds, and what gives the line."""
        _, y, size, content_size, _, _, _, line, *_ = given
        if size != content_size:  # there is a border, or padding
            return super().render_line(*given, **named)
        strip: Strip = line(y)
        return strip if strip.cell_length == size.width else strip.adjust_cell_length(size.width)


def draws_whole_lines(widget: Widget) -> None:
    """Say so of a widget whose `render_line` gives every cell of it a colour."""
    cast("Any", widget)._styles_cache = WholeLines()


class Frame(Container, inherit_bindings=False):
    """Holds others and draws nothing: what they leave free has the ground of the screen. A picture has five such
    frames, each as large as it is; to draw them all, only to be covered, is a tenth of its time."""

    def render_lines(self, crop: Region) -> list[Strip]:
        return []


class KeptLines(StylesCache):
    """The lines of a scroll bar. While rows come in it is told each time that there are more, and nearly always looks
    as before; drawing two of them is 0.8 ms, a sixth of a picture."""

    _look: object = None
    _lines: list[Strip]

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        bar = cast("ScrollBar", widget)
        app = bar.app
        look = (crop, bar.size, _thumb(bar), bar.mouse_over, bar.grabbed is not None, app.theme, app.no_color)
        if look != self._look:
            self._look = look
            cast("Any", bar)._dirty_regions.add(bar.size.region)  # what it keeps drawn may be of an earlier look
            self.clear()
            self._lines = super().render_widget(widget, crop)
        return self._lines


def _thumb(bar: ScrollBar) -> tuple[int, int] | None:
    """Where the thumb of an upright bar begins and ends, in eighths of a cell; None where all is on screen."""
    cells, rows, page = bar.size.height, bar.window_virtual_size, bar.window_size
    if not cells or page >= rows:
        return None
    size = max(1.0, page * cells / rows)
    begin = int((cells - size) * bar.position / (rows - page) * 8)
    return begin, begin + ceil(size * 8)


def draws_changes(bar: ScrollBar) -> ScrollBar:
    """Say so of an upright scroll bar."""
    if not isinstance(cast("Any", bar)._styles_cache, KeptLines):
        cast("Any", bar)._styles_cache = KeptLines()
    return bar
