"""Time travel: every key of it, the mouse on the scrubber, and each screen as of the moment."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from llmspell.traces.reader import RunFile
from llmspell.traces.state_at import state_at
from llmspell_tui.app.window import Window
from llmspell_tui.model.asof import as_of
from llmspell_tui.model.timeline import Timeline
from llmspell_tui.model.updates import Batch
from llmspell_tui.screens.state import StateList
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.inspector import Inspector
from llmspell_tui.widgets.log import LogStrip
from llmspell_tui.widgets.scrubber import Scrubber
from llmspell_tui.widgets.status import StatusLine
from llmspell_tui.widgets.tree import SpanTree

Made = Callable[..., Window]
SIZE = (120, 36)


def moment(app: Window) -> int | None:
    assert app.desk.model is not None
    return app.desk.model.moment


def line(app: Window, kind: type[Scrubber] | type[StatusLine]) -> str:
    return "".join(segment.text for segment in app.query_one(kind).render_line(0))


def page(app: Window) -> str:
    document = app.query_one(Inspector).query_one(Document)
    return "\n".join(document.text_of(row) for row in range(document.count()))


async def test_back_and_forward_by_one_event(window: Made, stored) -> None:
    last = len(stored("research").events)
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        assert moment(app) is None
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert moment(app) == last - 2
        await pilot.press("right_square_bracket")
        assert moment(app) == last - 1
        await pilot.press("right_square_bracket")
        assert moment(app) is None
        await pilot.press("right_square_bracket")
        assert moment(app) is None


async def test_far_steps_are_the_edges_of_spans_and_changes_of_state(window: Made, stored) -> None:
    events = stored("state").events
    edges = [event.seq for event in events if event.phase != "point" or event.kind == "state_changed"]
    app = window("state")
    async with app.run_test(size=SIZE) as pilot:
        seen: list[int] = []
        while moment(app) != 1:
            await pilot.press("left_curly_bracket")
            seen.append(moment(app) or 0)
        assert seen == [seq for seq in reversed(edges) if seq < events[-1].seq]
        await pilot.press("right_curly_bracket")
        assert moment(app) == edges[1]


async def test_the_row_s_moment_is_its_beginning_and_then_its_end(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        model = app.desk.model
        assert model is not None
        await pilot.press("down", "down", "down", "m")
        assert moment(app) == model.spans.first(app.desk.chosen) and model.spans.status(app.desk.chosen) == "running"
        await pilot.press("m")
        assert moment(app) == model.spans.last(app.desk.chosen)
        assert model.spans.status(app.desk.chosen) == "ok"
        await pilot.press("0")
        assert moment(app) is None


async def test_escape_comes_back_after_the_search_and_the_filter(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("left_square_bracket", "slash", *"offline", "enter")
        await pilot.pause()
        await pilot.press("escape")
        assert app.desk.needle == "" and moment(app) is not None
        await pilot.press("escape")
        assert moment(app) is None
        assert "the whole run" in line(app, Scrubber)


async def test_tree_log_and_figures_are_those_of_the_moment(window: Made, stored) -> None:
    events = stored("research").events
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        tree, log, model = app.query_one(SpanTree), app.query_one(LogStrip), app.desk.model
        assert model is not None
        for at in (1, len(events) // 3, len(events) // 2, len(events) - 1):
            app.travel(at)
            upto = events[:at]
            assert tree.count() == sum(event.phase == "start" for event in upto)
            assert log.count() == sum(event.kind in ("output", "log", "error", "warning", "custom") for event in upto)
            usage = [event.data.get("usage") or {} for event in upto if event.kind == "llm_call_completed"]
            assert model.tokens == sum(each.get("total", 0) for each in usage)
            then = as_of(model, at)
            assert then.calls == sum(event.kind == "llm_call_started" for event in upto)
            assert then.events == at and then.status == "running"
            assert line(app, StatusLine).lstrip().startswith("▸ running")
            assert f"at event {at:,} of {len(events):,}" in line(app, StatusLine)
            assert f"{at:,} of {len(events):,}" in line(app, Scrubber)
        app.travel(len(events))
        assert line(app, StatusLine).lstrip().startswith("✓ ok")
        await pilot.pause()


async def test_the_exchange_and_the_talk_are_those_of_the_moment(settle, window: Made) -> None:
    app = window("tool_agent")
    async with app.run_test(size=SIZE) as pilot:
        model = app.desk.model
        assert model is not None
        calls = [i for i in range(len(model.spans)) if model.spans.kind(i) == "llm_call"]
        app.query_one(SpanTree).choose(calls[0])
        await pilot.press("i")
        await settle(app, "payload")
        await pilot.pause()
        assert "Answer" in page(app) and "as it arrives" not in page(app)
        await pilot.press("m")
        await settle(app, "payload")
        await pilot.pause()
        assert "as it arrives" in page(app)
        app.travel(None)
        await pilot.press(*["i"] * 4)
        await settle(app, "payload")
        await pilot.pause()
        whole = page(app)
        assert app.query_one(Inspector).tab == "talk" and "▾ Assistant" in whole and "▾ User" in whole
        await pilot.press("m")
        await settle(app, "payload")
        await pilot.pause()
        assert "▾ User" in page(app) and "▾ Assistant" not in page(app)
        app.travel(1)
        await settle(app, "payload")
        await pilot.pause()
        assert "nothing was said" in page(app)


async def test_the_screen_state_is_that_of_the_moment(window: Made, stored) -> None:
    run = stored("state")
    changes = [event.seq for event in run.events if event.kind == "state_changed"]
    app = window("state")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("4")
        with RunFile(run.path) as file:
            for at in (changes[0], changes[len(changes) // 2], changes[-1]):
                app.travel(at)
                await pilot.pause()
                rows = app.query_one(StateList)
                shown = [rows.value(row) for row in range(rows.count())]
                held = {scope: values for scope, values in state_at(file, at).items() if values}
                found: dict[str, dict[str, object]] = {}
                for value in shown:
                    if value.key and not value.gone:
                        found.setdefault(value.scope, {})[value.key] = value.value
                assert found == held
        assert app.query_one(Scrubber).display
        await pilot.press("2")
        assert not app.query_one(Scrubber).display  # runs have no moment


async def test_a_click_and_a_drag_on_the_scrubber_travel(window: Made, stored) -> None:
    last = len(stored("research").events)
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        begin, cells = app.query_one(Scrubber)._track
        await pilot.mouse_down(Scrubber, offset=(begin, 0))
        assert moment(app) == 1
        await pilot.hover(Scrubber, offset=(begin + cells // 2, 0))
        await pilot.pause()
        middle = moment(app)
        assert middle is not None and abs(middle - last / 2) < last / 10
        await pilot.mouse_up(Scrubber, offset=(begin + cells // 2, 0))
        await pilot.hover(Scrubber, offset=(begin, 0))
        await pilot.pause()
        assert moment(app) == middle
        scrubber = app.query_one(Scrubber)
        [back] = [(start, end) for start, end, action in scrubber._places if action == "moment_back"]
        await pilot.click(Scrubber, offset=(back[0], 0))
        await pilot.pause()
        assert moment(app) == middle - 1
        at = line(app, StatusLine).index("◂ at event")
        await pilot.click("#status", offset=(at + 2, 0))
        await pilot.pause()
        assert moment(app) is None


async def test_a_run_under_way_stands_still_at_the_moment_while_more_comes(window: Made, stored) -> None:
    events = stored("research").events
    app = window("research", upto=40)
    async with app.run_test(size=SIZE) as pilot:
        assert "as it goes on" in line(app, Scrubber)
        await pilot.press("left_square_bracket")
        rows = app.query_one(SpanTree).count()
        assert app.desk.model is not None
        app.desk.model.take(Batch(events[40:]))
        app.touch()
        await pilot.pause(0.05)
        assert app.query_one(SpanTree).count() == rows and moment(app) == 39
        await pilot.press("0")
        assert app.query_one(SpanTree).count() > rows


def test_the_scrubber_says_what_each_event_is(stored) -> None:
    run = stored("state")
    model = run.model()
    told = Timeline(model)
    signs = {"start": "▸", "end": "◂", "point": "·"}
    for event in run.events:
        said = told.what(event.seq)
        assert said.startswith(signs[event.phase]), event
        assert event.phase == "start" or event.name in said
    assert told.what(0) == ""


def test_moments_of_the_far_steps_never_stand_still(stored) -> None:
    told = Timeline(stored("research").model())
    found: list[int | None] = [told.last]
    while found[-1] != 1:
        found.append(told.earlier(found[-1], "span"))
    assert all(one > other for one, other in pairwise(found))


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (20, 5)])
async def test_in_any_terminal(window: Made, size) -> None:
    app = window("research")
    async with app.run_test(size=size) as pilot:
        for key in ("left_square_bracket", "left_curly_bracket", "m", "right_curly_bracket", "4", "0"):
            await pilot.press(key)
        assert moment(app) is None and app.is_running


async def test_without_a_run_there_is_nothing_to_travel_in(window: Made) -> None:
    app = window()
    async with app.run_test(size=SIZE) as pilot:
        for key in ("left_square_bracket", "right_square_bracket", "left_curly_bracket", "right_curly_bracket", "0"):
            await pilot.press(key)
            assert app.desk.notice == "there is no run to travel in"
        await pilot.press("m")
        assert app.desk.notice == "this row stands for no event of the run"
