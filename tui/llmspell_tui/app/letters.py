"""The letters of jump mode, drawn over the screen. Imported when somebody jumps."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widgets import Static


class JumpScreen(ModalScreen[str]):
    """Answers with the letter that was pressed, "" for any other key."""

    DEFAULT_CSS = """
    JumpScreen { background: transparent; }
    JumpScreen Static {
        width: 5; height: 1; position: absolute; background: $accent; color: $background; text-style: bold;
        content-align: center middle;
    }
    """

    def __init__(self, places: dict[str, Offset]) -> None:
        super().__init__()
        self._places = places

    def compose(self) -> ComposeResult:
        for letter, at in self._places.items():
            sign = Static(f"[{letter}]", markup=False)
            sign.styles.offset = (at.x, at.y)
            yield sign

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(event.key if event.key in self._places or event.key.isdecimal() else "")

    def on_click(self) -> None:
        self.dismiss("")
