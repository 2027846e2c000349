"""A line of tabs, one of them chosen; a click chooses. Of the screens at the top, and of the inspector."""

from __future__ import annotations

from collections.abc import Sequence

from llmspell_tui.widgets.bar import Bar, Item
from llmspell_tui.widgets.desk import Desk


class Tabs(Bar):
    """tabs: (name, title, key shown before it). A click takes `action:name`."""

    def __init__(self, desk: Desk, tabs: Sequence[tuple[str, str, str]], action: str, *, id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self.tabs = tuple(tabs)
        self.action = action
        self.chosen = self.tabs[0][0]

    def choose(self, name: str) -> None:
        if name != self.chosen:
            self.chosen = name
            self.refresh()

    def gap(self) -> int:
        """Closer together where all titles fit only so."""
        return self.GAP if self._room(self.GAP) <= self.size.width - 2 else 1

    def _room(self, gap: int) -> int:
        """Cells of all tabs with their titles and the brackets around the chosen one."""
        return sum(len(title) + len(key) + bool(key) + gap for _, title, key in self.tabs) - gap + 2

    def left(self) -> list[Item]:
        # Too narrow for all titles: only the chosen one has its title, the others their key.
        full = self._room(1) <= self.size.width - 2
        return [self._item(name, title, key, full) for name, title, key in self.tabs]

    def _item(self, name: str, title: str, key: str, full: bool) -> Item:
        action = f"{self.action}:{name}"
        if name == self.chosen:
            return Item(((f"{key} " if key else "", "key"), (f"[{title}]", "strong")), action, keep=0)
        if full or not key:
            return Item(((f"{key} " if key else "", "key"), (title, "dim")), action)
        return Item(((key, "key"),), action)
