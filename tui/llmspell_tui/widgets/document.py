"""`Document`: a page in a list: headings and JSON that fold, texts that wrap, entries to be copied."""

from __future__ import annotations

from llmspell_tui.actions import bindings
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.lines import Line
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.rows import Rows


class Document(Rows):
    BINDINGS = bindings("document")
    PANEL = "document"

    def __init__(self, desk: Desk, *, nothing: str = "", id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self.page_shown = Page()
        self._nothing = nothing
        self._folded: dict[str, bool] = {}
        self._lines: list[tuple[int, Line]] = []
        self._width = 0

    def show(self, page: Page, *, keep: bool = False) -> None:
        """keep: stay where the reader is; the page is the same one with more in it."""
        self.page_shown = page
        self._lay()
        if not keep:
            self.cursor = 0
            self.scroll_to(y=0, animate=False, force=True)
        super().sync()

    def count(self) -> int:
        return len(self._lines)

    def line(self, row: int, width: int) -> Line:
        return self._lines[row][1]

    def empty(self) -> str:
        return self._nothing

    def sync(self) -> None:
        if self.scrollable_content_region.width != self._width:
            self._lay()
        super().sync()

    def copied(self) -> str:
        return self.page_shown.plain(self._lines[self.cursor][0]) if self._lines else ""

    def _lay(self) -> None:
        self._width = self.scrollable_content_region.width
        self._lines = self.page_shown.layout(self._width, self._folded)

    def _fold(self, number: int, folded: bool) -> None:
        entry = self.page_shown.entries[number]
        self._folded[entry.path] = folded
        self._lay()
        self.cursor = next((row for row, (at, _) in enumerate(self._lines) if at == number), self.cursor)
        super().sync()
        self._reveal()

    def _is_folded(self, number: int) -> bool:
        entry = self.page_shown.entries[number]
        return self._folded.get(entry.path, entry.tight)

    def action_fold(self) -> None:
        if not self._lines:
            return
        number = self._lines[self.cursor][0]
        if self.page_shown.entries[number].folds and not self._is_folded(number):
            self._fold(number, True)
        else:
            around = self.page_shown.around(number)
            self.go(next((row for row, (at, _) in enumerate(self._lines) if at == around), self.cursor))

    def action_unfold(self) -> None:
        if self._lines and self.page_shown.entries[number := self._lines[self.cursor][0]].folds:
            if self._is_folded(number):
                self._fold(number, False)
            else:
                self.go(self.cursor + 1)

    def action_fold_toggle(self) -> None:
        if self._lines and self.page_shown.entries[number := self._lines[self.cursor][0]].folds:
            self._fold(number, not self._is_folded(number))

    action_open = action_fold_toggle

    def action_fold_all(self) -> None:
        self._fold_every(True)

    def action_unfold_all(self) -> None:
        self._fold_every(False)

    def _fold_every(self, folded: bool) -> None:
        self._folded.update(dict.fromkeys(self.page_shown.foldable(), folded))
        self._lay()
        super().sync()
        self.go(min(self.cursor, len(self._lines) - 1))

    def clicked(self, row: int, x: int) -> bool:
        number = self._lines[row][0]
        entry = self.page_shown.entries[number]
        if entry.folds and x <= 2 * entry.depth + 1:
            self.action_fold_toggle()
            return True
        return False
