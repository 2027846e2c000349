"""The flame view: boxes as wide as their share of time, tokens or money, what lies inside each below it."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from rich.segment import Segment
from textual.strip import Strip

from llmspell_tui.actions import bindings
from llmspell_tui.messages import Chosen
from llmspell_tui.model.flame import Box, By, flame
from llmspell_tui.theme import LETTERS, Ground, kind_role, kind_word
from llmspell_tui.widgets.figures import count_text, money_text, plural, time_text
from llmspell_tui.widgets.lines import Line, clean, fitted, spread
from llmspell_tui.widgets.rows import Rows

MEASURES: Final[tuple[By, ...]] = ("time", "tokens", "cost")
#: Spans up to which the boxes are made anew with each picture (25 ms).
_LIVELY: Final = 20_000


class Flame(Rows):
    """A row is a depth. The cursor is on a box, `chosen`; Enter shows only what is in it, backspace what is around."""

    BINDINGS = bindings("flame")
    PANEL = "flame"
    HEAD = 1
    STAYS = True

    by: By = "time"
    root: int | None = None
    chosen = 0
    _levels: tuple[tuple[Box, ...], ...] = ()
    _of: object = None

    def sync(self) -> None:
        model, width = self.desk.model, self.scrollable_content_region.width
        if model is None or not width:
            self._levels, self._of = (), None
            super().sync()
            return
        lively = len(model.spans) <= _LIVELY
        until = model.time_of(model.moment) if model.moment is not None else self.desk.until()
        key = (id(model), self.by, self.root, width, model.moment, model.status, model.seq if lively else 0)
        if key != self._of:
            if self._of is None or key[0] != (self._of[0] if isinstance(self._of, tuple) else None):
                self.root, self.chosen = None, 0
            self._of = key
            boxes = flame(model.spans, by=self.by, root=self.root, narrowest=0.5 / width, now=until)
            depth = max((box.depth for box in boxes), default=-1) + 1
            self._levels = tuple(tuple(box for box in boxes if box.depth == at) for at in range(depth))
            self._stay()
        super().sync()

    def _stay(self) -> None:
        """The cursor stays on its box, as far as that is still there."""
        for depth, level in enumerate(self._levels):
            if any(box.span == self.chosen for box in level):
                self.cursor = depth
                return
        self.cursor = 0
        self.chosen = self._levels[0][0].span if self._levels else 0

    def count(self) -> int:
        return len(self._levels)

    def box(self) -> Box | None:
        """The one under the cursor."""
        level = self._levels[self.cursor] if self.cursor < len(self._levels) else ()
        return next((box for box in level if box.span == self.chosen), level[0] if level else None)

    def empty(self) -> str:
        if self.desk.model is None:
            return ""
        return {"time": "nothing has run yet", "tokens": "no tokens were used", "cost": "nothing was paid for"}[self.by]

    def heading(self, y: int, width: int) -> Line:
        box = self.box()
        left: Line = [(f" by {self.by}  ", "strong")]
        if box is not None:
            left += [
                (f"{kind_word(box.kind)} {clean(box.name)}  ", kind_role(box.kind)),
                (f"{self.value_text(box.value)}  {box.width:.0%}", "text"),
                (f"  own {self.value_text(box.own) or '0'}", "dim"),
                (f"  {plural(box.count, 'span')}" if box.count > 1 else "", "dim"),
                (f"  ✗ {plural(box.errors, 'error')}" if box.errors else "", "error"),
            ]
        return spread(left, [("v measures  ⏎ zooms " if width >= 90 else "", "dim")], width)

    def value_text(self, value: float) -> str:
        if self.by == "time":
            return time_text(value)
        return count_text(round(value)) if self.by == "tokens" else money_text(value)

    def text_of(self, row: int) -> str:
        return "  ".join(
            f"{kind_word(box.kind)} {clean(box.name)} {self.value_text(box.value)}" for box in self._levels[row]
        )

    def render_line(self, y: int) -> Strip:
        row = y - self.HEAD + self.scroll_offset.y
        if y < self.HEAD or not 0 <= row < len(self._levels):
            return super().render_line(y)
        width, palette = self.scrollable_content_region.width, self.desk.palette
        segments: list[Segment] = []
        at = 0
        for box in self._levels[row]:
            left, right = round(box.left * width), round((box.left + box.width) * width)
            left = max(left, at)
            if right <= left:
                continue
            if left > at:
                segments.append(Segment(" " * (left - at), palette.style("text")))
            here = row == self.cursor and box.span == self.chosen
            ground: Ground = ("cursor" if self.has_focus else "faded") if here else "bar"
            for text, role in fitted(self._said(box, right - left), right - left):
                segments.append(Segment(text, palette.style(role, ground)))
            at = right
        if at < width:
            segments.append(Segment(" " * (width - at), palette.style("text")))
        return Strip(segments, width)

    def _said(self, box: Box, cells: int) -> Line:
        role = kind_role(box.kind)
        line: Line = [("▌", "error" if box.errors else role)]
        if cells >= 3:
            line.append((f"{LETTERS.get(role, '·')} ", role))
        if cells >= 5:
            line.append((clean(box.name) or kind_word(box.kind), "text"))
        if cells >= 20:
            line.append((f" {self.value_text(box.value)}", "dim"))
        return line

    # Keys and mouse

    def _choose(self, row: int, box: Box) -> None:
        self.chosen = box.span
        self.go(row)
        self.refresh()
        self.post_message(Chosen(self.id or "", row))

    def action_up(self) -> None:
        self._vertically(-1)

    def action_down(self) -> None:
        self._vertically(1)

    def _vertically(self, by: int) -> None:
        """Up: the box around this one. Down: the widest one inside."""
        box, row = self.box(), self.cursor + by
        if box is None or not 0 <= row < len(self._levels):
            return
        middle = box.left + box.width / 2
        if by < 0:
            found = [other for other in self._levels[row] if other.left <= middle < other.left + other.width]
        else:
            found = [other for other in self._levels[row] if box.left <= other.left < box.left + box.width]
        if found:
            self._choose(row, max(found, key=lambda other: other.width))

    def action_box_left(self) -> None:
        self._along(-1)

    def action_box_right(self) -> None:
        self._along(1)

    def _along(self, by: int) -> None:
        box = self.box()
        if box is None:
            return
        level = self._levels[self.cursor]
        at = level.index(box) + by
        if 0 <= at < len(level):
            self._choose(self.cursor, level[at])

    def action_open(self) -> None:
        box = self.box()
        if box is not None and box.count == 1:
            self.root = box.span if self.root != box.span else None
            self.sync()

    def action_wider(self) -> None:
        """Show what is around the box that fills the view."""
        model = self.desk.model
        if model is not None and self.root is not None:
            self.root = model.spans.parent(self.root)
            self.sync()

    def action_measure(self) -> None:
        self.by = MEASURES[(MEASURES.index(self.by) + 1) % len(MEASURES)]
        self.sync()

    def clicked(self, row: int, x: int) -> bool:
        width = self.scrollable_content_region.width
        level = self._levels[row]
        at = bisect_right([round(box.left * width) for box in level], x) - 1
        if 0 <= at < len(level):
            self._choose(row, level[at])
        return False
