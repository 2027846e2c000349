"""The sheet of a few ways to do a thing, a row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.geometry import Size
from textual.widget import Widget

from llmspell_tui.actions import bindings
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.lines import Line, clean, fitted
from llmspell_tui.widgets.rows import Rows
from llmspell_tui.widgets.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    title: str
    help: str


class ChoiceList(Rows):
    BINDINGS = bindings("choices")
    PANEL = "choices"

    def __init__(self, desk: Desk, choices: Sequence[Choice], take: Callable[[Choice], object]) -> None:
        super().__init__(desk)
        self._choices = tuple(choices)
        self._room = max((len(choice.title) for choice in choices), default=0) + 2
        self._take = take

    def count(self) -> int:
        return len(self._choices)

    def line(self, row: int, width: int) -> Line:
        choice = self._choices[row]
        return fitted(
            [("  ", "text"), (f"{clean(choice.title):<{self._room}}", "strong"), (clean(choice.help), "dim")], width
        )

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return min(self.count(), max(viewport.height // 2 - 2, 1))

    def action_pick(self) -> None:
        self._take(self._choices[self.cursor])

    def clicked(self, row: int, x: int) -> bool:
        self.action_pick()
        return True


class ChoiceSheet(Sheet):
    DEFAULT_CSS = """
    ChoiceSheet ChoiceList { height: auto; }
    """

    def __init__(
        self, desk: Desk, title: str, choices: Sequence[Choice], take: Callable[[Choice], object], *, at: int = 0
    ) -> None:
        """at: the row to begin with."""
        super().__init__(desk)
        self._title = title
        self._list = ChoiceList(desk, choices, take)
        self._list.cursor = at

    def inside(self) -> list[Widget]:
        return [self._list]

    def entry(self) -> Widget:
        return self._list

    def on_mount(self) -> None:
        self.say(self._title)
        self._list.sync()
