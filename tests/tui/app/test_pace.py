"""How often pictures are drawn, what of them is drawn anew, and when the collector looks."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
from textual.geometry import Region

from llmspell_tui.app import sweeping
from llmspell_tui.app.pace import AWAY, CALM, FLOW, READING, Pace
from llmspell_tui.app.window import Window
from llmspell_tui.widgets.tree import SpanTree


def test_what_pours_in_is_seen_as_a_flow_and_all_else_is_drawn_calmly() -> None:
    pace = Pace()
    pace.drawn(10.0, 0)
    assert pace.wait(10.0, focused=True, reading=False) == pytest.approx(CALM)
    pace.drawn(10.1, 100)  # 1,000 a second
    assert pace.wait(10.1, focused=True, reading=False) == pytest.approx(CALM)
    pace.drawn(10.2, 1_100)  # 10,000 a second
    assert pace.wait(10.2, focused=True, reading=False) == pytest.approx(FLOW)
    assert pace.wait(10.2, focused=True, reading=True) == pytest.approx(READING)
    assert pace.wait(10.2, focused=False, reading=False) == pytest.approx(AWAY)
    pace.drawn(10.3, 1_200)
    assert pace.wait(10.3, focused=True, reading=False) == pytest.approx(CALM)
    assert pace.wait(99.0, focused=True, reading=False) < 0.005  # after a pause at once


async def test_a_scroll_bar_is_drawn_when_it_looks_otherwise(window: Callable[..., Window]) -> None:
    async with window("research").run_test(size=(80, 16)) as pilot:
        bar = pilot.app.query_one(SpanTree).vertical_scrollbar
        whole = Region(0, 0, *bar.size)

        def drawn() -> list[str]:
            return ["".join(f"{text}{style}" for text, style, _ in strip) for strip in bar.render_lines(whole)]

        first, lines = drawn(), bar.render_lines(whole)
        assert bar.render_lines(whole) is lines
        await pilot.press("end")
        assert drawn() != first
        await pilot.press("home")
        assert drawn() == first
        await pilot.press("t")  # the light theme
        assert drawn() != first


def test_the_collector_is_held_until_the_window_is_there() -> None:
    usual = gc.get_threshold()
    try:
        sweeping.go_on()  # nobody held it: it is left as it is
        assert gc.get_threshold() == usual and gc.isenabled()
        sweeping.hold()
        assert not gc.isenabled()
        sweeping.go_on()
        assert gc.isenabled() and gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)
        gc.enable()
