"""Search and filter of the window: the prompt, what is typed into it, and going from match to match."""

from __future__ import annotations

from textual.dom import DOMNode

from llmspell_tui.app.sheets import Sheets
from llmspell_tui.messages import Asked, NotFound
from llmspell_tui.widgets.rows import Rows


class Finding(Sheets):
    async def action_search(self) -> None:
        rows = self.focused if isinstance(self.focused, Rows) else None
        check, hint = (rows.unsearchable, rows.SEARCHED) if rows is not None else (None, "text")
        await self.ask("search", "search", self.desk.needle, check=check, hint=hint)

    async def action_filter(self) -> None:
        view = self.view
        if view is not None:
            await self.ask("filter", "filter", view.typed, check=view.wrong, hint=view.HINT)

    def action_search_next(self) -> None:
        self.seek()

    def action_search_previous(self) -> None:
        self.seek(backwards=True)

    async def action_filter_errors(self) -> None:
        await self.action_screen("trace")
        self.set_filter("status:error")

    def action_clear(self) -> None:
        """One thing at a time: the search, then the zoom, then the filter, then the moment."""
        desk = self.desk
        if desk.notice or desk.needle:
            desk.notice = desk.needle = ""
            self.refresh_lists()
        elif self.view is not None and self.view.zoomed:
            self.view.zoom()
        elif desk.query:
            self.set_filter("")
        elif desk.model is not None and desk.model.moment is not None:
            desk.model.moment = None
            self.renew()
        elif self.shown != "trace":
            self.call_later(self.action_screen, "trace")

    def taker(self, name: str, by: DOMNode | None = None) -> DOMNode | None:
        if name == "filter" and self.view is not None and not self.view.FILTERS:
            return None
        return super().taker(name, by)

    def on_not_found(self, event: NotFound) -> None:
        event.stop()
        self.notice(f"no match for {event.needle!r}")

    def seek(self, *, backwards: bool = False, again: bool = True) -> None:
        """To the next match in the list that has the focus."""
        focused = self.focused
        needle = self.desk.needle
        if isinstance(focused, Rows) and needle and not focused.find(needle, backwards=backwards, again=again):
            self.notice(f"no match for {needle!r}")

    def set_filter(self, text: str) -> None:
        """Of the screen that is shown: each has its own."""
        view = self.view
        if view is not None and view.FILTERS:
            view.typed = self.desk.query = text.strip()
            view.filter(view.typed)
        self.refresh_lists()

    def refresh_lists(self) -> None:
        for rows in self.query(Rows):
            rows.refresh()
        self.query_one("#status").refresh()

    async def on_asked(self, event: Asked) -> None:
        event.stop()
        back = self.asked_from
        await self.end_asking()
        if back is not None and back.is_attached:
            back.focus()
        if event.text is None:
            return
        match event.purpose:
            case "search":
                self.desk.needle = event.text.strip().lower()
                self.refresh_lists()
                self.call_after_refresh(self.seek, again=False)
            case "filter":
                self.set_filter(event.text)
            case _:
                await self.answered(event.purpose, event.text)
