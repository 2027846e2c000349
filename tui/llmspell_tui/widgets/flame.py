"""The flame view: boxes as wide as their share of time, tokens or money, what lies inside each below it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from typing import Final

from rich.segment import Segment
from textual.strip import Strip

from llmspell_tui.actions import bindings
from llmspell_tui.model.flame import Box, By, flame
from llmspell_tui.model.run import RunModel
from llmspell_tui.theme import LETTERS, Ground, kind_role, kind_word
from llmspell_tui.widgets.adding import Adding
from llmspell_tui.widgets.figures import count_text, money_text, plural, time_text
from llmspell_tui.widgets.lines import Line, clean, fitted, spread

MEASURES: Final[tuple[By, ...]] = ("time", "tokens", "cost")


class Flame(Adding):
    """A row is a depth. The cursor is on a box, `chosen`; Enter shows only what is in it, backspace what is around.

    root: the kinds and names that lead to the box that fills the view, from the outermost on; () for all of the run.
    """

    BINDINGS = bindings("flame")
    PANEL = "flame"
    HEAD = 1
    STAYS = True

    by: By = "time"
    root: tuple[tuple[str, str], ...] = ()
    chosen = 0
    _levels: tuple[tuple[Box, ...], ...] = ()
    _run: RunModel | None = None

    def wanted(self) -> tuple[object, ...] | None:
        model, width = self.desk.model, self.scrollable_content_region.width
        if model is None or not width:
            return None
        if model is not self._run:
            self._run, self.chosen = model, 0
            # Zoomed into a box of the run before: into the same one of this run, if that has it by now.
        return (id(model), self.by, self.root, width, model.moment)

    def work(self) -> Callable[[], list[Box]]:
        model, width = self.desk.model, self.scrollable_content_region.width
        assert model is not None  # something is wanted
        until = model.time_of(model.moment) if model.moment is not None else self.desk.until()
        return partial(flame, model.spans, by=self.by, within=self.root, narrowest=0.5 / width, now=until)

    def added(self, figures: list[Box] | None) -> None:
        if not figures and self.root:
            self.root = ()  # this run has no such box
            self.sync()
            return
        levels: list[list[Box]] = []
        for box in figures or ():
            while len(levels) <= box.depth:
                levels.append([])
            levels[box.depth].append(box)
        self._levels = tuple(tuple(level) for level in levels)
        self._stay()

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
        if self.adding:
            return "adding up …"
        return {"time": "nothing has run yet", "tokens": "no tokens were used", "cost": "nothing was paid for"}[self.by]

    def heading(self, y: int, width: int) -> Line:
        box = self.box()
        left: Line = [(f" by {self.by}  ", "strong")]
        if box is not None:
            left += [
                (f"{kind_word(box.kind)} {clean(box.name)}  ", kind_role(box.kind)),
                (f"{self.value_text(box.value)}  {self._share(box)}", "text"),
                (f"  own {self.value_text(box.own) or '0'}", "dim"),
                (f"  {plural(box.count, 'span')}" if box.count > 1 else "", "dim"),
                (f"  ✗ {plural(box.errors, 'error')}" if box.errors else "", "error"),
            ]
        if self.adding:
            return spread(left, [("adding up … ", "running")], width)
        return spread(left, [(self._hint() if width >= 70 else "", "dim")], width)

    def _share(self, box: Box) -> str:
        """Of the box that fills the view."""
        whole = self._levels[0][0].value if len(self._levels[0]) == 1 else 0.0
        return f"{box.value / whole if whole else box.width:.0%}"

    def _hint(self) -> str:
        return "⌫ shows what is around " if self.root else "⏎ zooms "

    def value_text(self, value: float) -> str:
        if self.by == "time":
            return time_text(value)
        return count_text(round(value)) if self.by == "tokens" else money_text(value)

    def text_of(self, row: int) -> str:
        return "  ".join(
            f"{kind_word(box.kind)} {clean(box.name)} {self.value_text(box.value)}" for box in self._levels[row]
        )

    def render_line(self, y: int) -> Strip:
        row = y - self.head + self.scroll_offset.y
        if y < self.head or not 0 <= row < len(self._levels):
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
            line.append((f"{LETTERS.get(box.kind, '·')} ", role))
        if cells >= 5:
            line.append((clean(box.name) or kind_word(box.kind), "text"))
        if cells >= 20:
            line.append((f" {self.value_text(box.value)}", "dim"))
        return line

    # Keys and mouse

    def _choose(self, row: int, box: Box) -> None:
        self.chosen = box.span
        if row == self.cursor:
            self.refresh()
            self.moved()
        else:
            self.go(row)

    def moved(self) -> None:
        level = self._levels[self.cursor]
        if not any(box.span == self.chosen for box in level):  # by a key that knows rows alone
            self.chosen = level[0].span
        super().moved()

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
        """Zoom into the box; once more on it: back to what is around."""
        path = self._path()
        if path and path != self.root:
            self.root = path
            self.sync()
        else:
            self.action_wider()

    def _path(self) -> tuple[tuple[str, str], ...]:
        """What leads to the box under the cursor."""
        box = self.box()
        if box is None:
            return ()
        middle = box.left + box.width / 2
        above = [
            next(((each.kind, each.name) for each in level if each.left <= middle < each.left + each.width), ("", ""))
            for level in self._levels[: self.cursor]
        ]
        return (*self.root[:-1], *above, (box.kind, box.name))

    def action_wider(self) -> None:
        """Show what is around the box that fills the view."""
        if self.root:
            self.root = self.root[:-1] if len(self.root) > 2 else ()
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
