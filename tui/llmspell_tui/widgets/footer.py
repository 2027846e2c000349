"""The footer: what can be done where the focus is, most useful first, each word to be clicked as well."""

from __future__ import annotations

from collections.abc import Callable

from llmspell_tui.actions import Action, actions, key_text
from llmspell_tui.widgets.bar import Bar, Item
from llmspell_tui.widgets.desk import Desk


class Footer(Bar):
    """panel: what has the focus. can: whether an action can be taken now."""

    def __init__(self, desk: Desk, can: Callable[[str], bool], *, id: str | None = None) -> None:
        super().__init__(desk, id=id)
        self.panel = "app"
        self._can = can

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
        return [
            Item(
                ((key_text(self.desk.keys.get(action.name, action.keys)[0]), "key"), (f" {action.title}", "text")),
                action.name,
                keep={"help": 0, "quit": 1}.get(action.name, 2 + place),
            )
            for place, action in enumerate(shown)
        ]
