"""Fields to type in: keys that arrive together act in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import events

from llmspell_tui.app.window import Window
from llmspell_tui.widgets.editing import EditSheet, Field


async def together(app: Window, pilot: Any, *keys: str) -> None:
    """As a terminal's driver gives them: none waits for the one before."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))
    await pilot.pause()
    await pilot.pause()


async def test_a_line(window: Callable[..., Window]) -> None:
    app = window("hooks")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash")
        line = app.query_one("#prompt Input")
        await together(app, pilot, *"rein", "backspace", "backspace", *"ain", "home", "T", "delete", "h", "e")
        assert line.value == "Theeain"
        await together(app, pilot, "ctrl+u", *"Zoe", "left", "backspace")
        assert line.value == "Zeeain"
        await together(app, pilot, "enter")
        assert app.desk.needle == "zeeain"


async def test_a_text(window: Callable[..., Window]) -> None:
    async def apply(changed: dict[str, Any]) -> str:
        return ""

    app = window("hooks")
    async with app.run_test(size=(80, 24)) as pilot:
        sheet = EditSheet(app.desk, "A call", [Field("prompt", "Prompt", '{"a": "b"}')], apply)
        await app.open_sheet(sheet)
        await pilot.pause()
        await together(app, pilot, "end", "backspace", "backspace", *'c"}', "enter", "x", "up", "home", "_")
        assert sheet.text == '_{"a": "bc"}\nx'
