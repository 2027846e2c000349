"""Sheets of the window: at most one at a time, above the footer; leaving it gives the focus back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_tui.app.jumping import Jumping

if TYPE_CHECKING:
    from textual.widget import Widget

    from llmspell_tui.widgets.sheet import Sheet


class Sheets(Jumping):
    """sheet: the one that is open, None for none."""

    sheet: Sheet | None = None
    _came_from: Widget | None = None

    def _draw(self) -> None:
        super()._draw()
        if self.sheet is not None and self.sheet.is_mounted:
            self.sheet.renew()

    async def open_sheet(self, sheet: Sheet, *, go: bool = True) -> None:
        """In place of the one that is open. go: give it the focus."""
        await self._taken_away()
        self.sheet = sheet
        await self.mount(sheet, before="#footer")
        if go:
            self.go_to_sheet()

    def go_to_sheet(self) -> None:
        entry = self.sheet.entry() if self.sheet is not None else None
        if entry is not None:
            if self.focused is not None and self.sheet not in self.focused.ancestors:
                self._came_from = self.focused
            self.screen.set_focus(entry)  # at once: what is asked next knows where it was asked

    async def close_sheet(self) -> None:
        inside = self.sheet is not None and self.focused is not None and self.sheet in self.focused.ancestors
        await self._taken_away()
        if inside or self.focused is None:
            self._go_back()

    async def action_leave_sheet(self) -> None:
        await self.close_sheet()

    def _go_back(self) -> None:
        back, self._came_from = self._came_from, None
        if back is not None and back.is_attached:
            self.screen.set_focus(back)
        elif self.view is not None:
            self.view.begin()

    async def _taken_away(self) -> None:
        sheet, self.sheet = self.sheet, None
        if sheet is not None and sheet.is_attached:
            await self.take_away(sheet)
