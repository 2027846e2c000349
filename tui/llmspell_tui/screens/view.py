"""`View`: what a screen is. It draws the run on the desk; it knows neither where events come from nor other screens."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.dom import DOMNode
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.rows import Rows
from llmspell_tui.widgets.tabs import Tabs


class View(Widget, can_focus=False):
    """Made at its first showing and kept. The window calls `renew` and `advance` of the one that is shown alone; one
    that comes back is renewed first."""

    DEFAULT_CSS = """
    View { width: 1fr; height: 1fr; layout: vertical; }
    View .whole { width: 1fr !important; height: 1fr !important; border: none !important; }
    View .aside { width: 0 !important; height: 0 !important; border: none !important; }
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
        self.zoomed = False

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

    # One panel in the place of all: the others have no cells meanwhile, and one that is gone to takes the place.

    def zoom(self) -> bool:
        """Give the panel that has the focus the place of all, or each its own again; whether there is more than one."""
        if self.zoomed:
            self.zoomed = False
            self.query(".whole, .aside").remove_class("whole", "aside")
            return True
        self.zoomed = self._give_place(self.app.focused)
        return self.zoomed

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if self.zoomed:
            self._give_place(event.widget)

    def _give_place(self, panel: Widget | None) -> bool:
        """Whether there is anything beside it. A panel that has tabs has them there too."""
        if panel is None or self not in panel.ancestors:
            return False
        node = panel.parent if panel.parent is not self and panel.parent and _tabbed(panel.parent) else panel
        around = [each for each in node.ancestors_with_self if isinstance(each, Widget)]
        self.query(".whole, .aside").remove_class("whole", "aside")
        beside = False
        for each in around[: around.index(self)]:
            each.add_class("whole")
            for other in each.siblings:
                other.add_class("aside")
                beside = True
        return beside

    def copied(self) -> str:
        """What `y` copies: the row under the cursor of what has the focus."""
        focused = self.app.focused
        return focused.copied() if isinstance(focused, Rows) else ""

    def site(self) -> str:
        """The `file:line` that `e` opens, "" for none."""
        return ""

    def moment(self) -> int | None:
        """The number of the event that the cursor is on, to travel to."""
        return None


def _tabbed(node: DOMNode) -> bool:
    return any(isinstance(each, Tabs) for each in node.children)
