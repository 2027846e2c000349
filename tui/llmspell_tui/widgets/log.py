"""The log strip: what the spell printed, logged, warned of and failed with, newest last, up to the moment shown.

What is printed piece by piece, as an answer that streams in, is one line until the spell ends it.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from llmspell_tui.actions import bindings
from llmspell_tui.model.points import LOG_KINDS, PointLog
from llmspell_tui.model.run import RunModel
from llmspell_tui.widgets.figures import clock_text, plural
from llmspell_tui.widgets.lines import Line, clean, spread
from llmspell_tui.widgets.rows import Rows

#: Characters from which on a line that goes on is taken up in another one: 80 columns show them.
_LONG: Final = 56
_MARKS: Final = {"error": ("✗", "error"), "warning": ("!", "warn"), "debug": ("·", "dim")}


class LogStrip(Rows):
    BINDINGS = bindings("log")
    PANEL = "log"
    HEAD = 1
    LIVE = True
    CURSOR = True

    _of: RunModel | None = None
    _points: list[int]  # the run's, of these kinds
    _rows: list[int]  # where in them each line begins
    _length = 0  # of the newest line
    _seen = 0
    _upto = 0  # how many of the points there were at the moment
    _shown = 0
    _picture: object = None

    def count(self) -> int:
        return self._shown

    def sync(self) -> None:
        model = self.desk.model
        if model is not self._of or model is None:
            self._of, self._points, self._rows, self._seen = model, [], [], 0
        if model is not None:
            points = model.points
            self._more(points, points.of_kinds(LOG_KINDS, self._seen))
            self._seen = len(points)
            # Up to the moment: a point's index grows with its event's number.
            self._upto = bisect_right(self._points, points.upto(model.moment) - 1)
        else:
            self._upto = 0
        self._shown = bisect_right(self._rows, self._upto - 1)
        picture = (id(model), self._upto, self.scrollable_content_region.size)
        if picture != self._picture:
            self._picture = picture
            super().sync()

    def _more(self, points: PointLog, found: list[int]) -> None:
        begun = len(self._points)
        if not points.opened:
            self._points.extend(found)
            self._rows.extend(range(begun, len(self._points)))
            return
        for i in found:
            if not (self._points and points.goes_on(self._points[-1], i) and self._length < _LONG):
                self._rows.append(len(self._points))
                self._length = 0
            self._length += len(points.text(i) or "")
            self._points.append(i)

    def _pieces(self, row: int) -> list[int]:
        """The points of a line, as far as they go at the moment."""
        end = self._rows[row + 1] if row + 1 < len(self._rows) else len(self._points)
        return self._points[self._rows[row] : min(end, self._upto)]

    def _text(self, row: int) -> str | None:
        """None where only the store has it."""
        points = self.desk.model.points if self.desk.model is not None else None
        texts = [points.text(i) for i in self._pieces(row)] if points is not None else []
        return None if None in texts else "".join(text or "" for text in texts)

    def heading(self, y: int, width: int) -> Line:
        note = "following" if self.following else "F follows"
        return spread([(" Log ", "strong"), (plural(self._shown, "line"), "dim")], [(note + " ", "dim")], width)

    def empty(self) -> str:
        return "nothing printed or logged yet" if self.desk.model else ""

    def point(self, row: int) -> int:
        """The index in the run's points."""
        return self._pieces(row)[-1]

    def copied(self) -> str:
        """The text alone, all of it that is kept."""
        return (self._text(self.cursor) or "") if self.count() else ""

    def line(self, row: int, width: int) -> Line:
        model = self.desk.model
        if model is None:
            return []
        points, i = model.points, self._points[self._rows[row]]
        mark, role = _MARKS.get(points.level(i), (" ", "text"))
        kind = points.kind(i)
        line: Line = [(f"{mark} ", role)]
        if width >= 60:
            line.append((clock_text(points.time(i)) + "  ", "dim"))
        if kind not in ("output", "log", "error", "warning"):
            line.append((f"{clean(points.name(i) if kind == 'custom' else kind)}  ", "name"))
        text = self._text(row)
        said = (
            clean(text) if text is not None else "kept in the store: open the screen Events",
            role if text else "dim",
        )
        right: Line = [(f"  {clean(points.site(i))} ", "dim")] if width >= 90 and points.site(i) else []
        return spread([*line, said], right, width)
