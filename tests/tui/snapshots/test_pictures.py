"""What the screens look like: 80x24 and 120x36; dark, light and without colours. `--snapshot-update` draws them anew."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmspell_tui.app.window import Window

Made = Callable[..., Window]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
SCREENS = {
    "trace": ("down", "down", "down"),
    "exchange": (*["down"] * 6, "i"),
    "filtered": ("f", *"status", "colon", *"error", "enter"),
    "prompt": ("f", *"cost", "greater_than_sign", *"rain"),
    "help": ("question_mark",),
}
#: Examples whose events are the same each time they run.
EXAMPLES = {"exchange": "tool_agent", "filtered": "error_handling"}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["dark", "light", "plain"])
def test_the_screen_looks_as_it_did(snap_compare, window: Made, settle, monkeypatch, mode, size, screen) -> None:
    if mode == "plain":
        monkeypatch.setenv("NO_COLOR", "1")

    async def drive(pilot) -> None:
        await pilot.press(*SCREENS[screen])
        await settle(pilot.app, "payload")
        await pilot.pause()

    assert snap_compare(
        window(EXAMPLES.get(screen, "supervisor"), mode=mode), terminal_size=SIZES[size], run_before=drive
    )


@pytest.mark.parametrize("size", [(40, 12), (20, 5)])
def test_the_smallest_terminals_show_what_matters(snap_compare, window: Made, size) -> None:
    assert snap_compare(window("supervisor"), terminal_size=size)


def test_a_run_under_way(snap_compare, window: Made) -> None:
    assert snap_compare(window("supervisor", upto=47), terminal_size=(120, 36))
