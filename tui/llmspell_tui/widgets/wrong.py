"""What is wrong with the spell as it was saved, or with its host: a sentence, and the line of the text in question; and
with the file of the run shown, with what to do about it.

It stands below the tabs of the screens while there is room for it; in a terminal of few lines the status line tells it.
"""

from __future__ import annotations

from typing import Final

from textual.strip import Strip
from textual.widget import Widget

from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.lines import clean, shortened, strip_of, wrapped
from llmspell_tui.widgets.whole import draws_whole_lines

#: Rows of the terminal from which it has lines of its own.
ROOMY: Final = 12
#: Lines that a sentence may take.
_MOST: Final = 3


class Wrong(Widget, can_focus=False):
    DEFAULT_CSS = """
    Wrong { height: auto; width: 1fr; display: none; }
    """

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(id=id)
        draws_whole_lines(self)
        self.desk = desk
        self._told = ("", "", "", 0)
        self._lines: list[tuple[str, str]] = []  # with their roles

    def sync(self) -> None:
        desk, size = self.desk, self.app.size
        width = size.width
        run = desk.model.trouble if desk.model is not None else None
        stored = f"{run.text}; {run.remedy}" if run is not None else ""
        told = (desk.trouble, desk.trouble_line, stored, width) if size.height >= ROOMY else ("", "", "", 0)
        if told == self._told:
            return
        self._told = told
        self._lines = [(text, "error") for text in _sentence(told[0], width - 2)]
        if told[1]:
            self._lines.append((clean(told[1].rstrip()), "strong"))
        self._lines += [(text, "warn") for text in _sentence(told[2], width - 2)]
        self.display = bool(self._lines)
        self.styles.height = len(self._lines) or "auto"
        self.refresh()

    def render_line(self, y: int) -> Strip:
        line = [(f" {text}", role) for text, role in self._lines[y : y + 1]]
        return strip_of(line, self.size.width, self.desk.palette, "bar")


def _sentence(text: str, width: int) -> list[str]:
    said = wrapped(f"! {text}", width) if text else []
    return said if len(said) <= _MOST else [*said[: _MOST - 1], shortened(" ".join(said[_MOST - 1 :]), width)]
