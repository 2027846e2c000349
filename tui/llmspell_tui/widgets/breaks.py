"""The sheet of a run's breakpoints, and of the tools whose calls wait for approval: a row each."""

from __future__ import annotations

from typing import Final

from textual.geometry import Size
from textual.widget import Widget

from llmspell_tui.actions import bindings, key_text, named
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.lines import Line, clean, fitted
from llmspell_tui.widgets.rows import Rows
from llmspell_tui.widgets.sheet import Sheet

#: What stands before a pattern of tools whose calls wait.
APPROVE: Final = "approve:"
#: What may be typed, and what each stops before.
KINDS: Final = {
    "tool": "before a tool is called",
    "model": "before a model is asked",
    "agent": "before an agent works",
    "hook": "before a handler is asked at a hook point",
    "event": "when an event has happened",
    "cost": "once the run has spent so many dollars",
    "error": "when something has failed",
    "start": "before the spell's first line",
    "end": "before the spell ends",
    "approve": "each call of such a tool waits for you",
}
HINT: Final = "tool:shell_*  model  agent:NAME  hook:POINT  cost:0.05  error  approve:tools"
_ROWS: Final = 8


class BreakList(Rows):
    BINDINGS = bindings("breaks")
    PANEL = "breaks"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.texts: list[str] = []

    def count(self) -> int:
        return len(self.texts)

    def line(self, row: int, width: int) -> Line:
        kind = self.texts[row].partition(":")[0]
        sign = ("? ", "warn") if kind == "approve" else ("‖ ", "key")
        return fitted(
            [("  ", "text"), sign, (f"{clean(self.texts[row]):<28}  ", "strong"), (KINDS[kind], "dim")], width
        )

    def empty(self) -> str:
        return "nothing stops the run"

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return min(max(self.count(), 1), _ROWS, max(viewport.height // 2 - 2, 1))


class BreakSheet(Sheet):
    """texts: as `wrong` lets them through, `approve:` before those of approval."""

    DEFAULT_CSS = """
    BreakSheet BreakList { height: auto; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.rows = BreakList(desk)

    def inside(self) -> list[Widget]:
        return [self.rows]

    def entry(self) -> Widget:
        return self.rows

    def show(self, texts: list[str], note: str) -> None:
        keys = [key_text(action.keys[0]) for name in ("add", "remove") if (action := named(name))]
        self.say("Breakpoints", note or f"{keys[0]} adds one, {keys[1]} takes the row away")
        self.rows.texts = texts
        self.rows.sync()
        self.rows.refresh(layout=True)

    def chosen(self) -> str | None:
        return self.rows.texts[self.rows.cursor] if self.rows.texts else None


def wrong(text: str) -> str:
    """What is wrong with a breakpoint as far as this program knows; the run knows more."""
    kind, colon, pattern = text.strip().partition(":")
    if kind not in KINDS:
        return f"{', '.join(KINDS)}, and a pattern" if kind else ""
    if (colon or kind in ("approve", "cost")) and not pattern.strip():
        return f"{kind}: and then?"
    return ""
