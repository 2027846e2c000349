"""One table of actions: no key twice in a panel, every key's action is somebody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmspell_tui.actions import (
    ACTIONS,
    Action,
    Collision,
    actions,
    bindings,
    collisions,
    into,
    key_of,
    key_text,
    markdown,
)
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.log import LogStrip
from llmspell_tui.widgets.prompt import Prompt
from llmspell_tui.widgets.rows import Rows
from llmspell_tui.widgets.tree import SpanTree


def test_no_two_actions_of_a_panel_share_a_key() -> None:
    assert collisions() == []


def test_keys_of_one_s_own_that_collide_are_named() -> None:
    assert collisions({"follow": ["slash"], "search": ["slash"], "filter": ["slash"]}) == [
        Collision("app", "slash", ("search", "filter"))
    ]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_each_action_says_what_it_does(action: Action) -> None:
    assert action.keys and action.title and action.help and action.group
    assert not action.help.endswith(".")
    assert len(action.title) <= 21


def test_names_are_unique() -> None:
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)


@pytest.mark.parametrize(
    ("panel", "widget"),
    [("rows", Rows), ("tree", SpanTree), ("document", Document), ("log", LogStrip), ("prompt", Prompt)],
)
def test_a_panel_s_actions_are_its_own_or_its_screen_s(panel: str, widget: type) -> None:
    screen = {"tab_next", "tab_previous"}
    for action in ACTIONS:
        if panel in action.panels and action.name not in screen:
            assert callable(getattr(widget, f"action_{action.name}", None)), action.name


def test_a_panel_s_own_actions_come_before_those_of_all() -> None:
    names = [action.name for action in actions("tree")]
    assert names.index("fold") < names.index("up") < names.index("quit")
    assert len(bindings("tree")) == sum("tree" in action.panels for action in ACTIONS)


def test_keys_are_written_as_on_the_keyboard() -> None:
    assert [key_text(key) for key in ("question_mark", "ctrl+p", "down", "G", "enter")] == ["?", "^p", "↓", "G", "⏎"]


def test_a_key_is_written_as_its_sign_or_by_its_name() -> None:
    assert [key_of(text) for text in ("/", "?", "ctrl+l", "F", "f5", "+", "ctrl++", '"', "space", "pgup")] == [
        *("slash", "question_mark", "ctrl+l", "F", "f5", "plus", "ctrl+plus", "quotation_mark", "space", "pageup"),
    ]
    assert [key_of(text) for text in ("", "fly", "ctrl+fly", "hyper+x", "f", "fx")] == ["", "", "", "", "f", ""]
    assert all(key_of(key) == key for action in ACTIONS for key in action.keys)


def test_the_table_of_keys_in_the_readme_is_this_one() -> None:
    readme = Path(__file__).parents[3].joinpath("README.md").read_text(encoding="utf-8")
    assert into(readme) == readme and markdown() in readme, "run `make gen`"


def test_the_table_for_a_readme_has_a_row_an_action() -> None:
    rows = markdown().splitlines()
    assert len(rows) == len(ACTIONS) + 2
    assert "| `/` | `search` | find text in the panel |" in rows
    assert "| `⌫` | `wider` | flame: show what is around the box that fills the view |" in rows
