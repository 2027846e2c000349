"""`Sheet`: a panel that rises above the footer for one matter: a call that waits, breakpoints, an edit, a chat.

The screen stays in sight above it. A subclass says what stands in its head and what is in it.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from llmspell_tui.widgets.bar import Bar, Item, word
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.lines import clean, shortened, width_of


class Head(Bar):
    """title: what the sheet is about; note: what can be done, after commas what may be left out where there is no room;
    wrong: what is wrong with what was typed, in place of the note."""

    title: tuple[str, str] = ("", "strong")
    note = ""
    wrong = ""

    def left(self) -> list[Item]:
        items = [Item((self.title,), keep=0)]
        room = max(self.size.width - width_of([self.title]) - 15, 0)
        if self.wrong:
            return [*items, word(shortened(clean(self.wrong), max(room, 16)), "warn", keep=1)]
        parts = self.note.split(", ")
        while len(parts) > 1 and len(", ".join(parts)) > room:
            parts.pop()
        said = shortened(clean(", ".join(parts)), max(room, 16))
        return [*items, word(said, "dim", keep=1)] if said else items

    def right(self) -> list[Item]:
        focused = self.app.focused
        if focused is None or self.parent not in focused.ancestors:
            return []  # the key is not the sheet's
        return [Item((("esc", "key"), (" leave", "dim")), "leave_sheet", keep=4)]


class Sheet(Vertical):
    DEFAULT_CSS = """
    Sheet { height: auto; max-height: 60%; width: 1fr; background: $background; }
    Sheet > Head { height: 1; }
    """

    def __init__(self, desk: Desk, *, classes: str = "") -> None:
        super().__init__(id="sheet", classes=classes)
        self.desk = desk
        self.head = Head(desk)

    def compose(self) -> ComposeResult:
        yield self.head
        yield from self.inside()

    def inside(self) -> list[Widget]:
        return []

    def entry(self) -> Widget | None:
        """What has the focus when the sheet is gone to."""
        return None

    def renew(self) -> None:
        """What it is about has changed."""

    def say(self, title: str, note: str = "", role: str = "strong") -> None:
        self.head.title, self.head.note, self.head.wrong = (title, role), note, ""
        self.head.refresh()

    def complain(self, text: str) -> None:
        self.head.wrong = text
        self.head.refresh()
