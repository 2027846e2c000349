"""`Bar`: one line of words, some of which do something when clicked. Base of status line, footer and tabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from llmspell_tui.messages import Pressed
from llmspell_tui.theme import Ground
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.lines import Line, shortened, strip_of
from llmspell_tui.widgets.whole import draws_whole_lines


@dataclass(frozen=True, slots=True)
class Item:
    """A word of a bar. action: taken on a click, `name` or `name:argument`. keep: small numbers go last."""

    pieces: tuple[tuple[str, str], ...]
    action: str = ""
    keep: int = 5

    @property
    def width(self) -> int:
        return sum(cell_len(text) for text, _ in self.pieces)


def word(text: str, role: str = "text", action: str = "", keep: int = 5) -> Item:
    return Item(((text, role),), action, keep)


class Bar(Widget, can_focus=False):
    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; }
    """
    GROUND: ClassVar[Ground] = "bar"
    #: Between two words.
    GAP: ClassVar[int] = 2

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(id=id)
        draws_whole_lines(self)
        self.desk = desk
        self._places: list[tuple[int, int, str]] = []

    def left(self) -> list[Item]:
        return []

    def right(self) -> list[Item]:
        return []

    def gap(self) -> int:
        """Cells between two words."""
        return self.GAP

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        gap = self.gap()
        left, right = _that_fit(self.left(), self.right(), width - 2, gap)
        self._places = []
        line: Line = [(" ", "text")]
        at = self._put(line, left, 1, gap)
        room = width - 1 - sum(item.width for item in right) - gap * max(len(right) - 1, 0)
        if right and room > at:
            line.append((" " * (room - at), "text"))
            self._put(line, right, room, gap)
        return strip_of(line, width, self.desk.palette, self.GROUND)

    def _put(self, line: Line, items: list[Item], at: int, gap: int) -> int:
        for number, item in enumerate(items):
            if number:
                line.append((" " * gap, "text"))
                at += gap
            line.extend(item.pieces)
            self._places.append((at, at + item.width, item.action))
            at += item.width
        return at

    async def on_click(self, event: events.Click) -> None:
        for start, end, action in self._places:
            if start <= event.x < end and action:
                name, _, argument = action.partition(":")
                self.post_message(Pressed(name, argument, self if argument else None))


def _that_fit(left: list[Item], right: list[Item], width: int, gap: int) -> tuple[list[Item], list[Item]]:
    """Both without the words that matter least, until they fit; a single word that is too long is cut."""
    items = [*left, *right]
    while len(items) > 1 and sum(item.width + gap for item in items) - gap > width:
        drop = max(range(len(items)), key=lambda place: (items[place].keep, place))
        gone = items.pop(drop)
        left = [item for item in left if item is not gone]
        right = [item for item in right if item is not gone]
    if len(items) == 1 and items[0].width > width:
        text, role = items[0].pieces[0]
        cut = [word(shortened(text, max(width, 1)), role, items[0].action)]
        return (cut, []) if left else ([], cut)
    return left, right
