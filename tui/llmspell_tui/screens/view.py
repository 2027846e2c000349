"""`View`: what a screen is. It draws the run on the desk; it knows neither where events come from nor other screens."""

from __future__ import annotations

from typing import ClassVar

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.rows import Rows


class View(Widget, can_focus=False):
    """Made at its first showing and kept. The window calls `renew` and `advance` of the one that is shown alone; one
    that comes back is renewed first."""

    DEFAULT_CSS = """
    View { width: 1fr; height: 1fr; layout: vertical; }
    """
    #: The first list in it, which has the focus when the screen is shown.
    FIRST: ClassVar[str] = ""
    #: Whether `f` does something here, and what may be typed then.
    FILTERS: ClassVar[bool] = False
    HINT: ClassVar[str] = ""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.typed = ""  # its filter, as it was typed

    def render_lines(self, crop: Region) -> list[Strip]:
        """Nothing of its own: see `Frame`."""
        return []

    def renew(self) -> None:
        """Another run is on the desk, or none, or another moment: draw all of it anew."""
        for rows in self.query(Rows):
            rows.sync()

    def advance(self) -> None:
        """The run has more events. At most 30 times a second."""
        self.renew()

    def begin(self) -> None:
        """The screen is shown: give the focus to what has it first."""
        found = self.query(self.FIRST) if self.FIRST else self.query(Rows)
        if found:
            found.first().focus()

    def filter(self, text: str) -> None:
        """Show only what matches. `wrong` has found nothing to say about the text."""

    def wrong(self, text: str) -> str:
        """What is wrong with a filter, as a sentence; "" for nothing."""
        return ""

    def copied(self) -> str:
        """What `y` copies: the row under the cursor of what has the focus."""
        focused = self.app.focused
        match focused:
            case Document():
                return focused.copied()
            case Rows() if focused.count():
                return focused.text_of(focused.cursor)
            case _:
                return ""

    def site(self) -> str:
        """The `file:line` that `e` opens, "" for none."""
        return ""

    def moment(self) -> int | None:
        """The number of the event that the cursor is on, to travel to."""
        return None
