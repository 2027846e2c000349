"""Keys that arrive together act one after the other, wherever the one before has led."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import events

from llmspell_tui.app.window import Window
from llmspell_tui.widgets.prompt import Prompt
from llmspell_tui.widgets.tree import SpanTree


async def together(app: Window, pilot: Any, *keys: str) -> None:
    """As a terminal's driver gives them: none waits for the one before."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))
    await pilot.pause()
    while app._keys or app._going_since:
        await pilot.pause()


async def test_what_is_typed_behind_the_key_that_opens_a_prompt_goes_there(window: Callable[..., Window]) -> None:
    app = window("hooks")
    async with app.run_test(size=(100, 30)) as pilot:
        await together(app, pilot, "slash", *"expq", "backspace")
        assert app.is_running and app.query_one("#prompt Input").value == "exp"
        await together(app, pilot, *"ress", "escape", "j", "j", "5", "question_mark")
        assert not app.query(Prompt) and app.desk.needle == ""
        assert app.query_one(SpanTree).cursor == 2 and app.shown == "help"
        app.post_message(events.Key("slash", None))
        app.post_message(events.Paste("or"))
        await together(app, pilot, "d", "enter")
        assert app.desk.needle == "ord"


async def test_letters_go_to_the_palette_and_one_that_is_left_at_once_harms_nothing(
    window: Callable[..., Window],
) -> None:
    app = window("hooks")
    async with app.run_test(size=(100, 30)) as pilot:
        await together(app, pilot, "ctrl+p", *"qx")
        assert app.is_running and app.screen.query_one("Input").value == "qx"
        await together(app, pilot, "escape")
        for _ in range(3):
            await together(app, pilot, "ctrl+p", "escape")
        await pilot.pause()
        await pilot.press("j")
        assert app.query_one(SpanTree).cursor == 1
