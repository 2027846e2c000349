"""The screen Help: every action with its keys, by group; what holds in the panel that had the focus stands first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult

from llmspell_tui.actions import ACTIONS, Action, actions, key_text
from llmspell_tui.model.query import FIELDS
from llmspell_tui.screens.view import View
from llmspell_tui.theme import LETTERS, MARKS, STATUS_ROLES, kind_role, kind_word
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.lines import Piece
from llmspell_tui.widgets.page import Page


class HelpView(View):
    DEFAULT_CSS = """
    HelpView Document { height: 1fr; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.panel = ""

    def compose(self) -> ComposeResult:
        yield Document(self.desk, id="help")

    def renew(self) -> None:
        self.query_one(Document).show(help_page(self.panel, self.desk.keys))

    def advance(self) -> None:
        pass

    def tell(self, panel: str) -> None:
        """Show the panel's own actions first."""
        self.panel = panel
        self.renew()


def help_page(panel: str, keys: Mapping[str, Sequence[str]]) -> Page:
    page = Page()
    told: set[str] = set()
    if panel and panel != "app":
        own = [action for action in actions(panel) if panel in action.panels]
        if own:
            page.heading(f"Here: {panel}")
            for action in own:
                _tell(page, action, keys)
                told.add(action.name)
    for group in dict.fromkeys(action.group for action in ACTIONS):
        found = [action for action in ACTIONS if action.group == group and action.name not in told]
        if found:
            page.heading(group)
            for action in found:
                _tell(page, action, keys)
    page.heading("Signs")
    page.line(
        *(piece for status, sign in MARKS.items() for piece in _sign(sign, status, STATUS_ROLES.get(status, "warn")))
    )
    page.line(*(piece for kind, sign in LETTERS.items() for piece in _sign(sign, kind_word(kind), kind_role(kind))))
    page.heading("Search and filter", 'kind:tool status:error cost>0.01 -name:weather text:"two words"')
    width = max(map(len, FIELDS))
    for name, meaning in FIELDS.items():
        page.line((f"{name:<{width}}  ", "key"), (meaning, "text"))
    page.heading("Keys of your own")
    page.text('In llmspell.toml a table [tui.keys], as follow = "ctrl+l" or follow = ["F", "ctrl+l"]. Its actions:')
    page.text(" ".join(action.name for action in ACTIONS), "dim")
    return page


def _tell(page: Page, action: Action, keys: Mapping[str, Sequence[str]]) -> None:
    shown = " ".join(key_text(key) for key in keys.get(action.name, action.keys))
    page.line((f"{shown:<8} ", "key"), (f"{action.title:<15} ", "strong"), (action.help, "dim"))


def _sign(sign: str, word: str, role: str) -> tuple[Piece, Piece]:
    return (f"{sign} ", role), (f"{word}  ", "dim")
