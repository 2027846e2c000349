"""The window: every key does what the table says, by mouse too; nothing ticks while nothing changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmspell.traces.reader import RunFile
from llmspell_tui.app.taking import at_line
from llmspell_tui.app.window import Window
from llmspell_tui.model.updates import Batch
from llmspell_tui.screens.trace import TraceView
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.inspector import Inspector
from llmspell_tui.widgets.log import LogStrip
from llmspell_tui.widgets.prompt import Prompt
from llmspell_tui.widgets.tree import SpanTree

Made = Callable[..., Window]
SIZE = (120, 36)


def spans(window: Window) -> SpanTree:
    return window.query_one(SpanTree)


def page(window: Window) -> str:
    document = window.query_one(Document)
    return "\n".join(document.text_of(row) for row in range(document.count()))


def under_cursor(window: Window) -> str:
    assert window.desk.model is not None
    return window.desk.model.spans.name(window.desk.chosen)


async def test_an_ended_run_is_shown_from_its_root_with_all_its_events(window: Made, stored) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert spans(app).cursor == 0 and under_cursor(app) == "examples/research/spell.lua"
        assert not spans(app).following
        with RunFile(stored("research").path) as file:
            assert app.desk.model is not None and app.desk.model.events == file.last_seq()
        assert "Trace" in app.export_screenshot()


async def test_a_run_from_its_file_is_read_through_the_feed(settle, stored, standing_clock) -> None:
    run = stored("hooks")
    app = Window()
    app.desk.clock = standing_clock
    app.data_dirs, app.first = [run.data_dir], run.path
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, "read")
        await pilot.pause()
        assert app.desk.model is not None and app.desk.model.complete
        assert app.desk.model.events == len(run.events)
        assert [one.meta.id for one in app.desk.runs] == [run.path.stem]


async def test_the_cursor_goes_where_the_keys_say(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        rows = spans(app)
        last = rows.count() - 1
        for keys, row in (
            (("down", "j"), 2),
            (("up",), 1),
            (("k", "k"), 0),
            (("G",), last),
            (("g",), 0),
            (("end",), last),
            (("home",), 0),
            (("pagedown",), rows.page()),
            (("pageup",), 0),
        ):
            await pilot.press(*keys)
            assert rows.cursor == row, keys
        await pilot.press("end")
        assert rows.scroll_offset.y == last + 1 - rows.page()


async def test_folding_hides_what_is_inside_and_the_left_key_goes_out(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        rows = spans(app)
        full = rows.count()
        await pilot.press("down", "space")
        assert rows.count() == 2
        await pilot.press("right")
        assert rows.count() == full
        await pilot.press("down", "down", "h")
        assert rows.count() < full
        await pilot.press("h")
        assert under_cursor(app) == "gather"
        await pilot.press("plus", "minus")
        folded = rows.count()
        assert folded < full
        await pilot.press("minus")
        assert rows.count() < folded
        await pilot.press("equals_sign")
        assert rows.count() == full


async def test_the_inspector_tells_of_the_row_under_the_cursor(settle, window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*["down"] * 5)
        await pilot.pause()
        assert "model call" in page(app)
        await pilot.press("i")
        await settle(app, "payload")
        await pilot.pause()
        told = page(app)
        assert "You know the notes in the folder notes" in told.replace("\n  ", " ") and "▾ User" in told
        await pilot.press("greater_than_sign")
        assert "no state was changed" in page(app)
        await pilot.press("greater_than_sign", "greater_than_sign")
        await settle(app, "payload")
        await pilot.pause()
        await pilot.press("less_than_sign", "I", "I", "I")
        assert app.query_one(Inspector).tab == "detail"


async def test_the_source_tab_shows_the_text_as_it_ran(settle, window: Made) -> None:
    app = window("hooks")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "I", "I")
        await settle(app, "payload")
        await pilot.pause()
        assert app.query_one(Inspector).tab == "source"
        assert any(line.lstrip().startswith("▶") for line in page(app).split("\n"))


async def test_a_search_goes_from_match_to_match_and_unfolds_them(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "space", "slash", *"analyst", "enter")
        await pilot.pause()
        assert under_cursor(app) == "analyst"
        first = app.desk.chosen
        await pilot.press("n")
        assert under_cursor(app) == "analyst" and app.desk.chosen == first  # the only one: round again
        await pilot.press("escape", "slash")
        for key in "zebra":
            await pilot.press(key)
        await pilot.press("enter")
        await pilot.pause()
        assert app.desk.notice == "no match for 'zebra'"


async def test_a_filter_leaves_what_matches_inside_what_it_lies_in(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        full = spans(app).count()
        await pilot.press("f", *"status", "colon", *"error", "enter")
        await pilot.pause()
        model = app.desk.model
        assert model is not None and app.desk.query == "status:error"
        kept = [model.spans.row(y) for y in range(model.spans.height)]
        assert 0 < len(kept) < full
        assert [model.spans.status(i) for i in kept if model.spans.found(i)] == ["error"]
        await pilot.press("escape")
        assert spans(app).count() == full


async def test_a_filter_that_cannot_be_read_is_told_and_not_taken(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f", *"kinx", "colon", *"tool", "enter")
        await pilot.pause()
        assert app.desk.query == ""
        wrong = app.query_one("#prompt .wrong")
        assert "kinx" in str(wrong.render()) and wrong.region.width == SIZE[0] and wrong.region.height == 2  # all of it
        await pilot.press("escape")
        await pilot.pause()
        assert not app.query(Prompt) and app.focused is spans(app)


async def test_a_search_of_the_tree_that_cannot_be_read_is_told_and_in_a_text_it_is_a_word(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"cost", "greater_than_sign", "x", "enter")
        await pilot.pause()
        assert "'x' is no number" in str(app.query_one("#prompt .wrong").render()) and app.desk.needle == ""
        await pilot.press("escape", "tab", "slash", *"cost", "greater_than_sign", "x", "enter")
        await pilot.pause()
        assert not app.query(Prompt) and app.desk.needle == "cost>x"


async def test_what_the_cursor_is_on_is_copied(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "y")
        assert app.clipboard.startswith("workflow research desk  ok  ") and "█" not in app.clipboard
        assert app.clipboard.endswith("spell.lua:125") and "copied" in app.desk.notice
        await pilot.press("tab", "y")
        assert app.clipboard.startswith("research desk")


async def test_the_panels_have_the_focus_in_turn_and_the_footer_tells_their_keys(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        seen = []
        for _ in range(3):
            seen.append(type(app.focused))
            await pilot.press("tab")
        assert seen == [SpanTree, Document, LogStrip]
        await pilot.press("shift+tab")
        assert isinstance(app.focused, LogStrip)


async def test_jump_mode_gives_the_focus_by_a_letter_and_shows_screens_by_number(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("semicolon")
        await pilot.pause()
        await pilot.press("d")
        await pilot.pause()
        assert isinstance(app.focused, LogStrip)
        await pilot.press("semicolon")
        await pilot.pause()
        await pilot.press("2")
        await pilot.pause()
        assert app.shown == "runs"


async def test_screens_by_number_and_help_for_the_panel(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("2")
        assert app.shown == "runs"
        await pilot.press("escape")
        await pilot.pause()
        assert app.shown == "trace"
        await pilot.press("question_mark")
        assert app.shown == "help"
        document = app.query_one("#help", Document)
        assert document.text_of(0) == "▾ Here: tree"


async def test_the_panel_may_have_the_whole_screen(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        view, before = app.view, spans(app).region
        assert view is not None and before.width < SIZE[0]
        await pilot.press("z")
        await pilot.pause()
        assert spans(app).region == view.region
        await pilot.press("z")
        await pilot.pause()
        assert spans(app).region == before


async def test_a_zoomed_screen_still_asks_tells_and_goes_on_to_its_other_panels(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        assert view is not None
        await pilot.press("z", "enter")  # into the inspector, which has the place now, with its tabs
        await pilot.pause()
        assert view.region.contains_region(app.query_one("#inspector-page").region)
        assert app.query_one("#inspector-tabs").region.width == SIZE[0]
        assert not spans(app).region.area
        await pilot.press("shift+tab")
        await pilot.pause()
        assert spans(app).region == view.region
        await pilot.press("slash")
        assert app.query_one("#prompt").region.width == SIZE[0]
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert not view.zoomed and spans(app).region.width < SIZE[0]


async def test_a_panel_that_has_the_screen_to_itself_is_not_zoomed(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("2", "z")
        assert app.desk.notice == "this panel has the screen to itself"


async def test_the_bar_beside_the_log_stands_where_the_log_does_from_the_first_picture_on(window: Made) -> None:
    app = window("supervisor")
    async with app.run_test(size=(80, 24)):
        log = app.query_one("#log", LogStrip)
        assert log.show_vertical_scrollbar and log.vertical_scrollbar.position == log.max_scroll_y > 0


async def test_dark_and_light_change_places(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("t")
        assert app.theme == "llmspell-light" and app.desk.palette.mode == "light"
        await pilot.press("t")
        assert app.theme == "llmspell-dark"


async def test_the_mouse_does_what_keys_do(settle, window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        full = spans(app).count()
        await pilot.click(SpanTree, offset=(20, 3))
        assert spans(app).cursor == 2
        await pilot.click(SpanTree, offset=(4, 2))  # the sign before `research desk`
        assert spans(app).count() == 2
        await pilot.click(SpanTree, offset=(4, 2))
        assert spans(app).count() == full
        await pilot.click("#inspector-tabs", offset=(12, 0))
        await settle(app, "payload")
        await pilot.pause()
        assert app.query_one(Inspector).tab == "io"
        await pilot.click("#screens", offset=(13, 0))
        await pilot.pause()
        assert app.shown == "runs"


async def test_a_click_on_the_errors_shows_them(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click("#status", offset=(18, 0))
        await pilot.pause()
        assert app.desk.query == "status:error"


async def test_a_run_that_goes_on_is_followed_until_the_reader_goes_elsewhere(window: Made, stored) -> None:
    events = stored("research").events
    app = window("research", upto=20)
    async with app.run_test(size=SIZE) as pilot:
        model = app.desk.model
        assert model is not None and spans(app).following

        async def more(first: int, last: int) -> None:
            model.take(Batch(events[first:last]))
            app.touch()
            await pilot.pause(0.05)

        await more(20, 60)
        assert app.desk.chosen == len(model.spans) - 1
        await pilot.press("up")
        here = app.desk.chosen
        assert not spans(app).following
        await more(60, len(events))
        assert app.desk.chosen == here
        await pilot.press("G")
        assert spans(app).following


async def test_folds_cursor_and_filter_hold_for_the_next_run(window: Made, stored) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"figures", "enter")
        await pilot.pause()
        await pilot.press("space", "down")
        name, rows = under_cursor(app), spans(app).count()
        again = stored("research").model()
        app.lay(again, app.desk.payloads)
        await pilot.pause()
        assert app.desk.model is again
        assert (under_cursor(app), spans(app).count()) == (name, rows)


async def test_the_cursor_s_row_stays_on_screen_in_the_next_run_and_when_room_is_taken(window: Made, stored) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        rows = spans(app)
        await pilot.press("pagedown")
        assert rows.cursor == rows.page() > 20
        await pilot.resize_terminal(120, 20)
        await pilot.pause()
        assert rows.scroll_offset.y <= rows.cursor < rows.scroll_offset.y + rows.page() < rows.count()
        name, run = under_cursor(app), stored("research")
        app.lay(run.model(10), app.desk.payloads)
        await pilot.pause()
        assert rows.scroll_offset.y == 0 and app.desk.model is not None
        app.desk.model.take(Batch(run.events[10:]))
        app.renew()
        await pilot.pause()
        assert under_cursor(app) == name
        assert rows.scroll_offset.y <= rows.cursor < rows.scroll_offset.y + rows.page()
        await pilot.press("home")
        await pilot.resize_terminal(120, 12)
        assert rows.scroll_offset.y == 0


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (20, 5), (10, 3), (200, 60)])
async def test_any_terminal_will_do(window: Made, size) -> None:
    app = window("research")
    async with app.run_test(size=size) as pilot:
        for key in ("down", "i", "G", "2", "question_mark", "1", "f", "escape", "semicolon", "escape"):
            await pilot.press(key)
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert app.is_running and app.view is not None and isinstance(app.views["trace"], TraceView)


async def test_nothing_ticks_while_nothing_changes(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down")
        await pilot.pause(0.1)
        drawn = {name for timer in app._timers if (name := timer.name) in ("frame", "clock")}
        assert drawn == set()


async def test_the_clock_runs_while_the_run_does(window: Made) -> None:
    app = window("research", upto=30)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.renew()
        assert [timer.name for timer in app._timers if timer.name == "clock"] == ["clock"]


async def test_keys_may_be_changed(stored, standing_clock) -> None:
    app = Window(keys={"down": ("ctrl+n",)})
    app.desk.model, app.desk.clock = stored("research").model(), standing_clock
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down")
        assert spans(app).cursor == 0
        await pilot.press("ctrl+n")
        assert spans(app).cursor == 1


async def test_what_cannot_be_done_here_is_said(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("d")
        assert app.taker("compare") is None
        await app.take("compare")
        assert app.desk.notice == "that cannot be done here"
        await pilot.press("r")
        assert "llmspell dev FILE" in app.desk.notice


async def test_what_a_key_has_done_is_told_before_all_else(window: Made) -> None:
    app = window("research")
    async with app.run_test(size=(80, 24)) as pilot:
        app.notice("the answer to a key " * 4)
        await pilot.pause()
        drawn = app.export_screenshot()
        assert "the&#160;answer&#160;to&#160;a&#160;key&#160;" * 3 in drawn


async def test_a_fault_of_the_window_itself_is_kept_to_be_told_in_a_line(standing_clock) -> None:
    class Broken(Window):
        def action_theme(self) -> None:
            raise ZeroDivisionError("made up")

    app = Broken()
    with pytest.raises(ZeroDivisionError):
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press("t")
    assert isinstance(app.fault, ZeroDivisionError)
    assert app._exit_renderables == []  # no frame is printed by itself


async def test_without_a_run_the_screen_says_what_to_do(window: Made) -> None:
    app = window()
    async with app.run_test(size=SIZE) as pilot:
        for key in ("down", "space", "G", "i", "f", "escape", "slash", "x", "enter", "n", "y", "e", "w", "minus", "2"):
            await pilot.press(key)
        assert "llmspell&#160;run&#160;FILE" in app.export_screenshot()


async def test_an_editor_is_opened_only_where_there_is_a_line(window: Made) -> None:
    app = window("hooks")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("e")
        assert app.view is not None and app.view.site().endswith("hooks/spell.lua:1")  # of the spell as a whole
        assert "is not there any more" in app.desk.notice  # the fixture's spells lie nowhere
        await pilot.press("down", "e")
        assert app.view.site().endswith("hooks/spell.lua:42") and "is not there any more" in app.desk.notice
    app = window()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("e")
        assert app.desk.notice == "this row has no line in the spell"


def test_each_editor_is_told_the_line_in_its_own_way(tmp_path) -> None:
    path = tmp_path / "spell.lua"
    assert at_line("/usr/bin/code", path, "7") == ["--wait", "--goto", f"{path}:7"]
    assert at_line("hx", path, "7") == [f"{path}:7"]
    assert at_line("vim", path, "7") == ["+7", str(path)]
