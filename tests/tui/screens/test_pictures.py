"""What these screens look like: 80x24 and 120x36; dark, light and without colours. `--snapshot-update` draws them anew."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmspell_tui.app.window import Window

Made = Callable[..., Window]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
#: By picture: the screen's key and what is pressed there.
SCREENS = {
    "diff": ("3", "tab", "d", "shift+tab"),
    "state": ("4",),
    "hooks": ("5", "down"),
    "events": ("6", *["down"] * 8),
    "logs": ("6", "l", "G"),
    "metrics": ("7", "down", "down", "down", "down"),
    "metrics-zoomed": ("7", "down", "down", "down", "enter", "v"),
    "source": ("8",),
}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["dark", "light", "plain"])
def test_the_screen_looks_as_it_did(snap_compare, weather: Made, quiet, monkeypatch, mode, size, screen) -> None:
    if mode == "plain":
        monkeypatch.setenv("NO_COLOR", "1")

    async def drive(pilot) -> None:
        for key in SCREENS[screen]:
            await pilot.press(key)
            await quiet(pilot)

    assert snap_compare(weather(mode=mode), terminal_size=SIZES[size], run_before=drive)


def test_the_line_under_execution(snap_compare, weather: Made, quiet) -> None:
    async def drive(pilot) -> None:
        await pilot.press("8")
        await quiet(pilot)

    assert snap_compare(weather(upto=20), terminal_size=(120, 36), run_before=drive)


@pytest.mark.parametrize("screen", ["state", "hooks", "events", "metrics", "source"])
def test_the_smallest_terminal_shows_what_matters(snap_compare, weather: Made, quiet, screen) -> None:
    async def drive(pilot) -> None:
        await pilot.press(*SCREENS[screen][:1])
        await quiet(pilot)

    assert snap_compare(weather(), terminal_size=(20, 5), run_before=drive)
