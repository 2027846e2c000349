"""The footer: what can be done where the focus is, most useful first, each word to be clicked as well."""

from __future__ import annotations

from collections.abc import Callable

from llmspell_tui.actions import Action, actions, key_text
from llmspell_tui.widgets.bar import Bar, Item
from llmspell_tui.widgets.desk import Desk


class Footer(Bar):
    """panel: what has the focus. can: whether an action can be taken now. title: what it does now, in a word or two."""

    def __init__(
        self, desk: Desk, can: Callable[[str], bool], title: Callable[[Action], str], *, id: str | None = None
    ) -> None:
        super().__init__(desk, id=id)
        self.panel = "app"
        self._can = can
        self._title = title

    def show(self, panel: str) -> None:
        if panel != self.panel:
            self.panel = panel
            self.refresh()

    def left(self) -> list[Item]:
        taken: set[str] = set()
        shown: list[Action] = []
        for action in actions(self.panel):  # the panel's own first: a key that it has does nothing else here
            key = self.desk.keys.get(action.name, action.keys)[0]
            if action.foot and key not in taken and self._can(action.name):
                shown.append(action)
            taken.add(key)
        shown.sort(key=lambda action: action.foot)
        return [self._item(action, 2 + place) for place, action in enumerate(shown)]

    def _item(self, action: Action, keep: int) -> Item:
        key = key_text(self.desk.keys.get(action.name, action.keys)[0])
        pieces = ((key, "key"), (f" {self._title(action)}", "text"))
        return Item(pieces, action.name, keep={"help": 0, "quit": 1}.get(action.name, keep))
