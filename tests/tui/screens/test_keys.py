"""Every key of every panel of these screens does what the table of actions says; the mouse does it too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from llmspell_tui.actions import ACTIONS, LISTS, actions
from llmspell_tui.app.window import Window
from llmspell_tui.screens.events import EventList, said
from llmspell_tui.screens.metrics import MetricTable
from llmspell_tui.screens.source import SourceList
from llmspell_tui.screens.state import StateList
from llmspell_tui.widgets.flame import Flame
from llmspell_tui.widgets.footer import Footer
from llmspell_tui.widgets.rows import Rows
from llmspell_tui.widgets.sides import DiffList, PairList
from llmspell_tui.widgets.tree import SpanTree

Made = Callable[..., Window]
Quiet = Callable[[Any], Awaitable[None]]

#: Panel -> its screen's key, and what gives it the focus there.
PANELS: dict[str, tuple[str, ...]] = {
    "diff": ("3",),
    "pair": ("3", "tab"),
    "state": ("4",),
    "hooks": ("5",),
    "events": ("6",),
    "flame": ("7",),
    "metrics": ("7", "tab"),
    "source": ("8",),
}
#: What each panel has of its own, each with the test below that presses it.
OWN: dict[tuple[str, str], str] = {
    ("diff", "next_difference"): "test_differences_are_gone_through",
    ("diff", "previous_difference"): "test_differences_are_gone_through",
    ("diff", "only"): "test_only_what_differs",
    ("pair", "next_difference"): "test_lines_that_differ_are_gone_through",
    ("pair", "previous_difference"): "test_lines_that_differ_are_gone_through",
    ("events", "logs"): "test_only_the_log",
    ("events", "follow"): "test_a_list_follows_until_the_reader_goes_elsewhere",
    ("hooks", "follow"): "test_a_list_follows_until_the_reader_goes_elsewhere",
    ("source", "follow"): "test_the_line_under_execution_is_followed",
    ("flame", "measure"): "test_widths_by_time_tokens_and_cost",
    ("metrics", "measure"): "test_widths_by_time_tokens_and_cost",
    ("flame", "box_left"): "test_boxes_beside_each_other",
    ("flame", "box_right"): "test_boxes_beside_each_other",
    ("flame", "wider"): "test_a_box_fills_the_view",
}


async def shown(pilot: Pilot[Any], quiet: Quiet, panel: str) -> Rows:
    for key in PANELS[panel]:
        await pilot.press(key)
        await quiet(pilot)
    rows = pilot.app.focused
    assert isinstance(rows, Rows) and panel == rows.PANEL
    return rows


def test_each_action_of_these_panels_has_its_test() -> None:
    own = {(panel, action.name) for action in ACTIONS for panel in action.panels if panel in PANELS}
    assert own == set(OWN)
    assert all(callable(globals().get(test)) for test in OWN.values())
    assert set(PANELS) <= set(LISTS)


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize(
    "action", [action for action in ACTIONS if "rows" in action.panels], ids=lambda each: each.name
)
async def test_each_list_is_moved_in(weather: Made, quiet: Quiet, panel: str, action: Any) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, panel)
        last, page = rows.count() - 1, rows.page()
        assert last > 1
        for key in action.keys:
            if key not in _keys(panel, action.name):
                continue  # the panel has an action of its own on it
            rows.go(1)
            await quiet(pilot)
            assert rows.cursor == 1
            await pilot.press(key)
            await quiet(pilot)
            match action.name:
                case "up" | "first":
                    assert rows.cursor == 0
                case "down":
                    assert rows.cursor == 2
                case "page_up":
                    assert rows.cursor == max(1 - page, 0)
                case "page_down":
                    assert rows.cursor == min(1 + page, last)
                case "last":
                    assert rows.cursor == last
                case _:
                    assert action.name == "open"


def _keys(panel: str, name: str) -> list[str]:
    """The keys by which an action is had in a panel."""
    taken: dict[str, str] = {}
    for action in actions(panel):
        for key in action.keys:
            taken.setdefault(key, action.name)
    return [key for key, owner in taken.items() if owner == name]


@pytest.mark.parametrize("panel", ["diff", "state", "hooks", "events"])
async def test_enter_goes_to_what_is_told_of_the_row(weather: Made, quiet: Quiet, panel: str) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, panel)
        await pilot.press("enter")
        await quiet(pilot)
        assert app.focused is not rows and isinstance(app.focused, Rows)
        await pilot.press("shift+tab")
        assert app.focused is rows


@pytest.mark.parametrize(
    ("panel", "go", "query"),
    [("metrics", 1, 'kind:execution name:"writer"'), ("source", 3, 'site:"weather.lua:3"')],
)
async def test_enter_shows_the_spans_behind_a_figure(weather: Made, quiet: Quiet, panel, go, query) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, panel)
        rows.go(go)
        await pilot.press("enter")
        await quiet(pilot)
        assert app.shown == "trace" and app.desk.query == query
        model = app.desk.model
        assert model is not None and 0 < model.spans.height < len(model.spans)


@pytest.mark.parametrize("panel", PANELS)
async def test_a_click_puts_the_cursor_there_and_a_second_one_opens(weather: Made, quiet: Quiet, panel: str) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, panel)
        await pilot.press("home")
        await quiet(pilot)
        await pilot.click(rows, offset=(6, rows.HEAD + 1))
        await quiet(pilot)
        assert rows.cursor == 1 and app.focused is rows
        if panel in ("state", "hooks", "events", "diff"):
            await pilot.click(rows, offset=(6, rows.HEAD + 1), times=2)
            await quiet(pilot)
            assert app.focused is not rows


@pytest.mark.parametrize("panel", PANELS)
async def test_what_the_cursor_is_on_is_copied(weather: Made, quiet: Quiet, panel: str) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, panel)
        rows.go(1)
        await pilot.press("y")
        assert app.clipboard == rows.copied() != "" and "   " not in app.clipboard
        assert app.clipboard.split()[0] in rows.text_of(1)


@pytest.mark.parametrize(
    ("panel", "needle", "found"),
    [
        ("diff", "csv", "csv"),
        ("pair", "short", "Be short."),
        ("state", "rome", "Rome"),
        ("hooks", "veto", "vetoed"),
        ("events", "instruments", "llm_call_started"),
        ("flame", "csv", "csv"),
        ("metrics", "mini", "gpt-4o-mini"),
        ("source", "celsius", "celsius"),
    ],
)
async def test_a_search_finds_rows_forwards_and_back(weather: Made, quiet: Quiet, panel, needle, found) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, panel)
        await pilot.press("home", "slash", *needle, "enter")
        await quiet(pilot)
        assert found in rows.text_of(rows.cursor)
        at = rows.cursor
        await pilot.press("n")
        await quiet(pilot)
        await pilot.press("N")
        await quiet(pilot)
        assert rows.cursor == at
        await pilot.press("escape", "slash", *"zebra", "enter")
        await quiet(pilot)
        assert app.desk.notice == "no match for 'zebra'" and rows.cursor == at


async def test_each_screen_has_a_filter_of_its_own(weather: Made, quiet: Quiet) -> None:
    app = weather()
    typed = {"4": "rome", "5": "vetoed", "6": "kind:output,log", "7": "writer", "1": "kind:tool"}
    async with app.run_test(size=(120, 40)) as pilot:
        for key, text in typed.items():
            await pilot.press(key)
            await quiet(pilot)
            assert app.desk.query == ""
            await pilot.press("f")
            await pilot.pause()
            app.query_one("#prompt Input").value = text
            await pilot.press("enter")
            await quiet(pilot)
            assert app.desk.query == text and text[:20] in app.export_screenshot().replace("&#160;", " ")
        rows = {"4": 2, "5": 1, "6": 3, "7": 2}
        for key, count in rows.items():
            await pilot.press(key)
            await quiet(pilot)
            assert app.desk.query == typed[key]
            lists = app.view.query(Rows) if app.view is not None else ()
            assert count in [each.count() for each in lists]
            await pilot.press("escape")
            await quiet(pilot)
            assert app.desk.query == ""
            assert count not in [each.count() for each in lists][:1]
        await pilot.press("1")
        await quiet(pilot)
        assert app.desk.query == "kind:tool"


@pytest.mark.parametrize("key", ["3", "8", "9"])
async def test_a_screen_without_a_filter_offers_none(weather: Made, quiet: Quiet, key: str) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(key)
        await quiet(pilot)
        offered = [item.action for item in app.query_one(Footer).left()]
        assert "filter" not in offered and "help" in offered
        await pilot.press("f")
        await quiet(pilot)
        assert not app.query("#prompt") and app.desk.notice == "that cannot be done here"


async def test_a_filter_of_events_that_cannot_be_read_is_told(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, quiet, "events")
        await pilot.press("f", *"kind", "colon", "enter")
        await pilot.pause()
        assert "'kind:' is without a value" in str(app.query_one("#prompt .wrong").render())
        assert app.desk.query == ""


@pytest.mark.parametrize(("panel", "go", "seq"), [("state", 1, 20), ("hooks", 2, 16), ("events", 30, 31)])
async def test_the_moment_of_a_row_is_travelled_to(weather: Made, quiet: Quiet, panel, go, seq) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, panel)
        before = rows.count()
        rows.go(go)
        await pilot.press("m")
        await quiet(pilot)
        assert app.desk.model is not None and app.desk.model.moment == seq
        assert rows.count() < before
        await pilot.press("0")
        await quiet(pilot)
        assert app.desk.model.moment is None and rows.count() == before


# What a panel has of its own


async def test_differences_are_gone_through(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, "diff")
        assert isinstance(rows, DiffList)
        found = [y for y in range(rows.count()) if rows.row(y).sign != "same"]
        assert rows.cursor == found[0] and len(found) > 2
        await pilot.press("d")
        assert rows.cursor == found[1]
        await pilot.press("D", "D")
        assert rows.cursor == found[0]
        await pilot.press("end", "d")
        assert rows.cursor == rows.count() - 1


async def test_only_what_differs(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, "diff")
        assert isinstance(rows, DiffList)
        at, full = rows.row(rows.cursor), rows.count()
        await pilot.press("o")
        await quiet(pilot)
        kept = [rows.row(y) for y in range(rows.count())]
        assert 0 < len(kept) < full and all(row.sign != "same" or row.differs_within for row in kept)
        assert rows.row(rows.cursor) is at
        await pilot.press("o")
        assert rows.count() == full and rows.row(rows.cursor) is at


async def test_lines_that_differ_are_gone_through(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await quiet(pilot)
        await pilot.press("d", "D")
        await quiet(pilot)
        await pilot.press("tab")
        rows = app.focused
        assert isinstance(rows, PairList)
        await pilot.press("d")
        assert "Tell the temperature." in rows.text_of(rows.cursor) and "Tell the wind." in rows.text_of(rows.cursor)
        await pilot.press("d")
        assert "17 degrees (2)" in rows.text_of(rows.cursor)
        await pilot.press("D")
        assert "Tell the wind." in rows.text_of(rows.cursor)


async def test_only_the_log(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, "events")
        assert isinstance(rows, EventList)
        await pilot.press("l")
        await quiet(pilot)
        kinds = [rows.event(row).kind for row in range(rows.count())]
        assert kinds == ["output", "error", "log", "retry", "custom", "output"] and app.desk.query == "kind:logs"
        await pilot.press("l")
        await quiet(pilot)
        assert app.desk.query == "" and rows.count() == app.desk.model.events


async def test_an_event_says_in_a_few_words_what_it_tells(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, "events")
        assert isinstance(rows, EventList)
        told = {event.kind: said(event) for row in reversed(range(40)) if (event := rows.event(row)) is not None}
        assert told["llm_call_started"].startswith('"How is the weather in Kiel?')
        assert (told["hook_called"], told["hook_completed"]) == ("weather.lua:10", "changed prompt")
        assert told["llm_call_completed"] == '"17 degrees (2)"'
        assert told["tool_called"] == '{path: "kiel.csv", column: "celsius"}'
        assert told["agent_created"] == ""  # its name stands before it
        closed = next(event for row in range(40) if (event := rows.event(row)) and event.data.get("status") == "veto")
        assert said(closed) == "the station is closed"


@pytest.mark.parametrize("panel", ["hooks", "events"])
async def test_a_list_follows_until_the_reader_goes_elsewhere(weather: Made, quiet: Quiet, panel: str, events) -> None:
    app = weather(upto=20)
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, panel)
        assert rows.following and rows.cursor == rows.count() - 1
        await events(app, 20, 30)
        await quiet(pilot)
        assert rows.cursor == rows.count() - 1
        await pilot.press("up")
        at = rows.cursor
        await events(app, 30, 45)
        await quiet(pilot)
        assert not rows.following and rows.cursor == at < rows.count() - 1
        await pilot.press("F")
        assert rows.following and rows.cursor == rows.count() - 1


async def test_the_line_under_execution_is_followed(weather: Made, quiet: Quiet, events) -> None:
    app = weather(upto=20)
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, "source")
        assert isinstance(rows, SourceList) and rows.following
        assert rows.source(rows.cursor).site == "weather.lua:3"
        await events(app, 20, 25)
        await quiet(pilot)
        assert rows.source(rows.cursor).site == "weather.lua:8"
        await pilot.press("down")
        await events(app, 25, 28)
        await quiet(pilot)
        assert rows.source(rows.cursor).site == "weather.lua:9"
        await pilot.press("F")
        assert rows.source(rows.cursor).site == rows._at_work[0]


async def test_an_ended_run_begins_at_its_first_row(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        for panel in ("hooks", "events", "source"):
            rows = await shown(pilot, quiet, panel)
            assert rows.cursor == 0


@pytest.mark.parametrize("panel", ["flame", "metrics"])
async def test_widths_by_time_tokens_and_cost(weather: Made, quiet: Quiet, panel: str) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, quiet, panel)
        flame = app.query_one(Flame)
        seen = []
        for _ in range(4):
            seen.append((flame.by, flame.count()))
            await pilot.press("v")
            await quiet(pilot)
        assert [by for by, _ in seen] == ["time", "tokens", "cost", "time"]
        assert seen[0] == seen[3] and seen[1][1] < seen[0][1]  # hooks ask nobody


async def test_boxes_beside_each_other(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, "flame")
        assert isinstance(rows, Flame)
        await pilot.press("down", "down")
        assert rows.box().name == "observe"
        await pilot.press("right")
        assert rows.box().name == "write"
        await pilot.press("h")
        assert rows.box().name == "observe"
        await pilot.press("down", "up")
        assert rows.box().name == "observe"


async def test_a_box_fills_the_view(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, "flame")
        assert isinstance(rows, Flame)
        await pilot.press("down", "down", "down", "down")
        for key, name, width in (("enter", "station", 1.0), ("backspace", "station", None), ("enter", "station", 1.0)):
            await pilot.press(key)
            await quiet(pilot)
            assert rows.box().name == name
            assert rows.box().width == width or (width is None and rows.box().width < 1)
        await pilot.press("enter")  # once more on the box that fills it: what is around
        await quiet(pilot)
        assert [box.name for box in rows._levels[0]] == ["observer"]
        await pilot.press("backspace", "backspace", "backspace", "backspace")
        await quiet(pilot)
        assert [box.name for box in rows._levels[0]] == ["weather.lua"] and rows.root == ()


async def test_a_box_of_several_spans_fills_the_view_too(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, "flame")
        assert isinstance(rows, Flame)
        await pilot.press("slash", *"gpt-4o", "enter")
        await quiet(pilot)
        await pilot.press("escape")
        level = rows._levels[rows.cursor]
        twice = next(box for box in level if box.count == 2)
        rows._choose(rows.cursor, twice)
        await pilot.press("enter")
        await quiet(pilot)
        assert (rows.box().name, rows.box().count, rows.box().width) == ("openai/gpt-4o", 2, 1.0)


@pytest.mark.parametrize(
    ("panel", "go", "line"), [("hooks", 0, 10), ("source", 5, 5), ("events", 5, 3), ("diff", 4, 3)]
)
async def test_the_editor_is_opened_at_the_line(
    weather: Made, quiet: Quiet, monkeypatch, here, panel, go, line
) -> None:
    spell, path = here
    app = weather(path=path)
    opened: list[list[str]] = []
    monkeypatch.setattr(app, "_in_editor", lambda arguments, _: opened.append(arguments("vi")))
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, panel)
        rows.go(go)
        await quiet(pilot)
        await pilot.press("e")
        assert opened == [[f"+{line}", str(spell)]]


async def test_the_trace_keeps_its_filter_when_another_screen_is_filtered(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5", "f", *"veto", "enter")
        await quiet(pilot)
        tree = app.query_one(SpanTree)
        model = app.desk.model
        assert model is not None and model.spans.height == len(model.spans)
        await pilot.press("1")
        await quiet(pilot)
        assert tree.count() == len(model.spans)


async def test_figures_stay_on_their_line_while_the_table_is_filtered(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, "metrics")
        assert isinstance(rows, MetricTable)
        await pilot.press("down")
        assert rows.figure(rows.cursor).metric.name == "observer"
        await pilot.press("f", *"observ", "enter")
        await quiet(pilot)
        assert [rows.figure(y).title for y in range(rows.count())] == ["Agents", "Agents"]
        assert rows.figure(rows.cursor).metric.name == "observer"


async def test_state_at_a_moment_tells_what_changed_last(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = await shown(pilot, quiet, "state")
        assert isinstance(rows, StateList)
        model = app.desk.model
        assert model is not None
        model.moment = 42
        app.renew()
        await quiet(pilot)
        last = [value.key for value in (rows.value(y) for y in range(rows.count())) if rows.is_last(value)]
        assert last == ["forecast/count"]
        assert [rows.value(y).value for y in range(rows.count()) if rows.value(y).key == "forecast/count"] == [2]
        model.moment = 40
        app.renew()
        await quiet(pilot)
        assert [rows.value(y).value for y in range(rows.count()) if rows.value(y).key == "forecast/count"] == [1]
