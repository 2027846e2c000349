"""The log strip: what the spell printed, logged, warned of and failed with, newest last, up to the moment shown."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from llmspell_tui.actions import bindings
from llmspell_tui.model.points import LOG_KINDS
from llmspell_tui.model.run import RunModel
from llmspell_tui.widgets.figures import clock_text, plural
from llmspell_tui.widgets.lines import Line, clean, spread
from llmspell_tui.widgets.rows import Rows

_MARKS: Final = {"error": ("✗", "error"), "warning": ("!", "warn"), "debug": ("·", "dim")}


class LogStrip(Rows):
    BINDINGS = bindings("log")
    PANEL = "log"
    HEAD = 1
    LIVE = True
    CURSOR = True

    _of: RunModel | None = None
    _points: list[int]
    _seen = 0
    _shown = 0
    _picture: object = None

    def count(self) -> int:
        return self._shown

    def sync(self) -> None:
        model = self.desk.model
        if model is not self._of or model is None:
            self._of, self._points, self._seen = model, [], 0
        if model is not None:
            points = model.points
            self._points.extend(points.of_kinds(LOG_KINDS, self._seen))
            self._seen = len(points)
            # Up to the moment: a point's index grows with its event's number.
            self._shown = bisect_right(self._points, points.upto(model.moment) - 1)
        else:
            self._shown = 0
        picture = (id(model), self._shown, self.scrollable_content_region.size)
        if picture != self._picture:
            self._picture = picture
            super().sync()

    def heading(self, y: int, width: int) -> Line:
        note = "following" if self.following else "F follows"
        return spread([(" Log ", "strong"), (plural(self._shown, "line"), "dim")], [(note + " ", "dim")], width)

    def empty(self) -> str:
        return "nothing printed or logged yet" if self.desk.model else ""

    def point(self, row: int) -> int:
        """The index in the run's points."""
        return self._points[row]

    def line(self, row: int, width: int) -> Line:
        model = self.desk.model
        if model is None:
            return []
        points, i = model.points, self._points[row]
        mark, role = _MARKS.get(points.level(i), (" ", "text"))
        kind = points.kind(i)
        line: Line = [(f"{mark} ", role)]
        if width >= 60:
            line.append((clock_text(points.time(i)) + "  ", "dim"))
        if kind not in ("output", "log", "error", "warning"):
            line.append((f"{clean(points.name(i) if kind == 'custom' else kind)}  ", "name"))
        text = points.text(i)
        said = (
            clean(text) if text is not None else "kept in the store: open the screen Events",
            role if text else "dim",
        )
        right: Line = [(f"  {clean(points.site(i))} ", "dim")] if width >= 90 and points.site(i) else []
        return spread([*line, said], right, width)
