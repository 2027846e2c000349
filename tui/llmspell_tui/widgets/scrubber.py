"""The scrubber: one line that says which moment of the run is shown, and takes one there by a click or by dragging."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from rich.cells import cell_len
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from llmspell_tui.actions import key_text, named
from llmspell_tui.messages import Pressed, Travelled
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.timeline import Timeline
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.figures import time_text
from llmspell_tui.widgets.lines import Line, clean, fitted, shortened, strip_of
from llmspell_tui.widgets.whole import draws_whole_lines

#: Cells of the line that the track has at least, and of what is said beside it at most.
_TRACK: Final = 12
_SAID: Final = 54
_BEFORE: Final = ("moment_back_far", "moment_back")
_AFTER: Final = ("moment_forward", "moment_forward_far")


class Scrubber(Widget, can_focus=False):
    DEFAULT_CSS = """
    Scrubber { height: 1; width: 1fr; }
    """

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(id=id)
        draws_whole_lines(self)
        self.desk = desk
        self._places: list[tuple[int, int, str]] = []
        self._track = (0, 0)
        self._marks: tuple[object, dict[int, str]] = (None, {})
        self._dragged = False

    def render_line(self, y: int) -> Strip:
        width, model = self.size.width, self.desk.model
        self._places = []
        if model is None or width < _TRACK + 12:
            return strip_of([], width, self.desk.palette, "bar")
        # As wide whatever it says: the track would move under a mouse that drags on it.
        room = min(_SAID, width * 9 // 20, width - _TRACK - 14)
        said = fitted(self._said(model, room), room)
        line: Line = [(" ", "text")]
        at = self._buttons(line, _BEFORE, 1)
        cells = width - 2 * at - room - 1
        self._track = (at, cells)
        line.extend(self._drawn(model, cells))
        self._buttons(line, _AFTER, at + cells, before=" ")
        line.extend(said)
        return strip_of(line, width, self.desk.palette, "bar")

    def _buttons(self, line: Line, names: tuple[str, ...], at: int, before: str = "") -> int:
        """Each a key, with a space behind it or before it."""
        for name in names:
            action = named(name)
            sign = key_text(self.desk.keys.get(name, action.keys if action else "?")[0])
            line.append((f"{before}{sign}{'' if before else ' '}", "key"))
            wide = cell_len(sign) + 1
            self._places.append((at, at + wide, name))
            at += wide
        return at

    def _said(self, model: RunModel, room: int) -> Line:
        moment, line = model.moment, Timeline(model)
        if moment is None:
            text = "as it goes on" if model.status == "running" else "the whole run"
            return [(f"  {shortened(text, room)} ", "dim")]
        spent = time_text(max(line.time(moment) - model.began, 0.0))
        figures = f"  {moment:,} of {line.last:,}  +{spent}  "
        kind = clean(line.what(moment))
        return [(figures, "warn"), (f"{shortened(kind, max(room - len(figures), 0))} ", "text")]

    def _drawn(self, model: RunModel, cells: int) -> Line:
        marks = self._marked(model, cells)
        here = min(round(Timeline(model).share(model.moment) * (cells - 1)), cells - 1)
        line: Line = []
        for cell in range(cells):
            mark = marks.get(cell, "")
            past = cell <= here
            if cell == here:
                line.append(("●", "key" if model.moment is None else "warn"))
            elif mark == "error":
                line.append(("✗", "error" if past else "dim"))
            elif mark == "state":
                line.append(("┷" if past else "┴", "state" if past else "dim"))
            else:
                line.append(("━" if past else "─", "text" if past else "dim"))
        return line

    def _marked(self, model: RunModel, cells: int) -> dict[int, str]:
        """The cells in which a span failed or a state changed."""
        seqs, last = model.states.seqs, Timeline(model).last
        key = (id(model), cells, last, model.spans.errors, len(seqs))
        if self._marks[0] != key:
            found: dict[int, str] = {}
            for cell in range(cells):
                first, end = (last * edge // cells for edge in (cell, cell + 1))
                if bisect_left(seqs, first) < bisect_left(seqs, end):
                    found[cell] = "state"
            failures = model.spans.failures
            places = [bisect_left(failures, -(-last * edge // cells)) for edge in range(cells)] + [len(failures)]
            found.update((cell, "error") for cell in range(cells) if places[cell] < places[cell + 1])
            self._marks = (key, found)
        return self._marks[1]

    # Mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        begin, cells = self._track
        if begin <= event.x < begin + cells:
            self._dragged = True
            self.capture_mouse()
            self._go(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged:
            self._go(event.x)

    def on_mouse_up(self) -> None:
        if self._dragged:
            self._dragged = False
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        for start, end, action in self._places:
            if start <= event.x < end:
                self.post_message(Pressed(action))

    def _go(self, x: int) -> None:
        begin, cells = self._track
        model = self.desk.model
        if model is not None and cells > 1:
            self.post_message(Travelled(Timeline(model).at_share((x - begin) / (cells - 1))))
