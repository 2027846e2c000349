"""What the screens tell: differences between runs, hooks, states, events, figures, sources, and what cannot be read."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.store import RunStore, Writer
from llmspell_tui.app.window import Window
from llmspell_tui.feed.payload import Payloads
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.states import StateHistory
from llmspell_tui.model.updates import Batch, Page
from llmspell_tui.screens.events import EventList
from llmspell_tui.screens.hooks import HookList
from llmspell_tui.screens.metrics import MetricTable
from llmspell_tui.screens.source import SourceList, since
from llmspell_tui.screens.state import StateList
from llmspell_tui.widgets.adding import Adding
from llmspell_tui.widgets.changes import told_change
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.page import Page as Told
from llmspell_tui.widgets.rows import Rows
from llmspell_tui.widgets.sides import DiffList, PairList

Made = Callable[..., Window]
Quiet = Callable[[Any], Awaitable[None]]


def page(app: Window) -> list[str]:
    """What is told of the row under the cursor."""
    assert app.view is not None
    document = app.view.query_one(Document)
    return [document.text_of(row) for row in range(document.count())]


def texts(rows: Rows) -> list[str]:
    return [" ".join(rows.text_of(row).split()) for row in range(rows.count())]


def head(rows: Rows, width: int = 120) -> str:
    return " | ".join("".join(text for text, _ in rows.heading(y, width)).strip() for y in range(rows.HEAD))


def changed(before: Any, after: Any) -> list[str]:
    return [
        "".join(text for text, _ in line).rstrip()
        for _, line in told_change(Told(), "it", before, after).layout(60, {})
    ]


# Diff


async def test_two_runs_stand_beside_each_other_from_where_they_part(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await quiet(pilot)
        rows = app.query_one(DiffList)
        said = head(rows)
        assert "1m7weather1000" in said and "1m7weather2000" in said
        assert "first difference: event 6 execution_started observer" in said
        assert "2 calls" in said and "3 calls" in said and "$0.0024" in said and "$0.0072" in said
        assert [rows.row(y).sign for y in range(rows.count())].count("right") == 2
        assert "lines differ" in head(app.query_one(PairList))


async def test_a_pair_on_one_side_is_told_of_alone(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await quiet(pilot)
        rows, pair = app.query_one(DiffList), app.query_one(PairList)
        rows.go(next(y for y in range(rows.count()) if rows.row(y).sign == "right"))
        await quiet(pilot)
        assert {line.sign for line in pair.lines} == {"right"}
        assert "Write it shorter." in "\n".join(texts(pair))


async def test_the_run_under_way_is_compared_again_when_it_has_ended(weather: Made, quiet: Quiet, events) -> None:
    app = weather(upto=20)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await quiet(pilot)
        rows = app.query_one(DiffList)
        first = rows.compared
        assert first is not None
        await events(app, 20, 30)
        await quiet(pilot)
        assert rows.compared is first
        await events(app, 30, 46)
        await quiet(pilot)
        assert rows.compared is not first and rows.compared is not None


@pytest.mark.parametrize(("size", "headings"), [((20, 5), 1), ((40, 12), 2), ((80, 24), 4)])
async def test_headings_of_a_comparison_leave_room_for_its_rows(weather: Made, quiet: Quiet, size, headings) -> None:
    app = weather()
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await quiet(pilot)
        pairs = app.query_one(DiffList)
        assert (pairs.head, pairs.size.height - pairs.head >= 2) == (headings, True)
        assert pairs.row_at(pairs.head - 1) is None and pairs.row_at(pairs.head) == pairs.scroll_offset.y
        await pilot.resize_terminal(80, 24)
        async with asyncio.timeout(20):
            while pairs.head != 4:
                await quiet(pilot)


async def test_the_first_run_of_a_spell_has_none_to_be_compared_with(weather: Made, quiet: Quiet) -> None:
    app = weather(1)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await quiet(pilot)
        assert "two are marked" in app.query_one(DiffList).empty()


async def test_runs_that_were_marked_stay_compared(weather: Made, quiet: Quiet, runs) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2", "space", "down", "space", "d")
        await quiet(pilot)
        assert app.shown == "diff"
        compared = app.query_one(DiffList).compared
        assert compared is not None
        assert (compared.left.run_id, compared.right.run_id) == ("1m7weather1000", "1m7weather2000")
        app.lay(app.desk.model, app.desk.payloads)
        await quiet(pilot)
        assert app.query_one(DiffList).compared is compared


# Hooks


async def test_each_handler_tells_what_came_of_it(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.press("5")
        await quiet(pilot)
        rows = app.query_one(HookList)
        shown = texts(rows)
        assert [("± prompt" in line, "vetoed" in line, "try again" in line) for line in shown] == [
            *((True, False, False), (False, False, False), (False, True, False)),
            *((True, False, False), (False, False, True), (True, False, False)),
        ]
        assert "model call openai/gpt-4o-mini" in shown[0]
        told = page(app)
        assert any("+ Answer in degrees Celsius." in line for line in told)
        assert any(line.strip() == "Be short." for line in told)
        rows.go(2)
        await quiet(pilot)
        assert any("the station is closed" in line for line in page(app))


async def test_a_hook_under_way_is_told_anew_when_it_has_ended(weather: Made, quiet: Quiet, events) -> None:
    app = weather(upto=16)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5", "f", *"vetoed", "enter")
        await quiet(pilot)
        rows = app.query_one(HookList)
        assert rows.count() == 0
        await events(app, 16, 17)
        await quiet(pilot)
        assert rows.count() == 1 and "vetoed" in rows.text_of(0)
        await pilot.press("escape")
        await quiet(pilot)
        assert [rows.call(row).status for row in range(rows.count())] == ["ok", "ok", "veto"]


async def test_a_hook_has_done_nothing_before_its_end(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        await quiet(pilot)
        model, rows = app.desk.model, app.query_one(HookList)
        assert model is not None
        model.moment = model.hooks[0].seq
        app.renew()
        await quiet(pilot)
        assert rows.count() == 1 and rows.call(0).status == "running" and rows.call(0).changes == ()


# State


async def test_a_value_tells_who_changed_it_and_how(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await quiet(pilot)
        rows = app.query_one(StateList)
        assert rows.is_last(rows.value(rows.cursor)) and rows.value(rows.cursor).key == "forecast/last"
        told = [line.strip() for line in page(app)]
        assert "- rain" in told and "+ fair" in told
        rows.go(next(y for y in range(rows.count()) if rows.value(y).key == "forecast/count"))
        await quiet(pilot)
        told = [line.strip() for line in page(app)]
        assert "▾ History  2 changes" in told
        assert "± forecast/count  1 → 2" in told and "+ forecast/count  1" in told
        rows.go(0)
        await quiet(pilot)
        assert "notes" in "\n".join(page(app))


def test_what_was_and_what_is_stand_beside_each_other() -> None:
    assert [line.strip() for line in changed(1, 2)] == ["± it  1 → 2"]
    assert [line.strip() for line in changed(True, None)] == ["- it  true"]
    assert [line.strip() for line in changed(None, "x")] == ["+ it  x"]
    lines = changed("one\ntwo\nthree\nfour\nfive", "one\ntwo\nthree\nfour\nsix")
    assert [line.strip() for line in lines] == ["▾ ± it", "… 2 alike", "three", "four", "- five", "+ six"]
    told = changed({"a": 1, "b": 2, "c": [1]}, {"a": 1, "b": 3, "c": [1, 2], "d": None})
    assert "1 alike" in told[0]
    assert any("± b  2 → 3" in line for line in told)
    assert any("- c" in line for line in told) and any("+ c" in line for line in told)


def test_states_come_to_a_moment_in_pieces() -> None:
    history = StateHistory()
    log = EventLog(lambda: 0.0)
    log.attach(history.add)
    for number in range(5_000):
        data = {"scope": "global", "owner": "", "path": f"k{number % 7}", "at": [f"k{number % 7}"], "value": number}
        log.emit("state_changed", data={**data, "by": "spell"})
    shares = [history.come_to(None, 0.0)]
    while shares[-1] < 1.0:
        shares.append(history.come_to(None, 0.0))
    assert len(shares) > 2 and shares == sorted(shares)
    assert history.at()["global"]["k0"] == 4_998
    newest = history.newest("global", "k3", 2_000)
    assert newest is not None and newest.seq <= 2_000 and newest.new == history.at(2_000)["global"]["k3"]
    found, count = history.history("global", "k3", 2_000, 5)
    assert len(found) == 5 and found[-1] == newest and count == len(range(3, 2_000, 7))
    assert history.newest("global", "none") is None


def test_a_scope_that_is_put_in_place_as_a_whole_changes_each_value() -> None:
    history = StateHistory()
    log = EventLog(lambda: 0.0)
    log.attach(history.add)
    for at, value in ((["a"], 1), ([], {"a": 2, "b": 3}), (["b", "c"], 4)):
        log.emit("state_changed", data={"scope": "agent", "owner": "x", "at": at, "path": ".".join(at), "value": value})
    assert [change.seq for change in history.history("agent:x", "a", None, 9)[0]] == [1, 2]
    assert [change.seq for change in history.history("agent:x", "b", None, 9)[0]] == [2, 3]


# Events


async def test_the_newest_page_is_read_again_as_the_run_goes_on(weather: Made, quiet: Quiet, tmp_path: Path) -> None:
    writer, log = Writer(), EventLog(lambda: 1_767_323_045_000.0)
    meta = RunMeta("1m7growing0000", "/spells/x.lua", "x.lua", "lua", started=1_767_323_045_000.0, host="a-host")
    store = RunStore(writer, tmp_path, meta)
    log.attach(store.append)
    told = [log.emit("spell_started", phase="start", name="x.lua")]
    told += [log.emit("output", data={"text": f"line {number}\n"}) for number in range(5)]
    await store.flush()
    app = weather()
    app.desk.model, app.desk.payloads = RunModel(), Payloads(store.path)
    app.desk.model.take(Page(meta.id, "x.lua", "/spells/x.lua", "lua", "running", meta.started, None, 6))
    app.desk.model.take(Batch(told))
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("6")
            await quiet(pilot)
            rows = app.query_one(EventList)
            assert rows.count() == 6 and "line 4" in rows.text_of(5)
            # The socket is ahead of the file.
            ahead = [log.emit("output", data={"text": f"more {number}\n"}) for number in range(3)]
            store._queue.clear()
            app.desk.model.take(Batch(ahead))
            app.touch()
            await pilot.pause(0.1)
            await quiet(pilot)
            assert rows.count() == 9 and "more" not in rows.text_of(8)
            for event in ahead:
                store.append(event)
            await store.flush()
            for _ in range(100):
                if "more 2" in rows.text_of(8):
                    break
                await pilot.pause(0.05)
            assert "more 2" in rows.text_of(8)
    finally:
        await store.finish("ok", 0)
        writer.close()


@pytest.mark.parametrize(("width", "cells"), [(80, 27), (120, 21), (160, 32)])
async def test_an_events_text_has_the_room_that_other_columns_do_not_need(
    weather: Made, quiet: Quiet, width: int, cells: int
) -> None:
    app = weather()
    async with app.run_test(size=(width, 35)) as pilot:
        await pilot.press("6")
        await quiet(pilot)
        rows = app.query_one(EventList)
        room = rows.scrollable_content_region.width
        texts = ["".join(text for text, _ in rows.line(row, room)) for row in range(15)]
        said = next(text for text in texts if "workflow_step_started" in text)
        assert all(text[said.index("observe") - 1] == " " for text in texts)
        name = said.index("observe")
        longest = max(len(text.rstrip()) for text in texts)
        assert longest - (name + len("before_llm_call  ")) >= cells
        await pilot.press("l")
        await quiet(pilot)
        failed = next(rows.text_of(row) for row in range(rows.count()) if "error" in rows.text_of(row))
        assert failed.index("tool_call") - failed.index("error") == len("output ")  # the longest kind of these


async def test_an_event_that_the_file_does_not_have_is_asked_for_once(weather: Made, quiet: Quiet, monkeypatch) -> None:
    app = weather()
    model = app.desk.model
    assert model is not None
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        await quiet(pilot)
        rows = app.query_one(EventList)
        asked: list[int] = []
        assert rows.pages is not None
        real = rows.pages.page
        monkeypatch.setattr(rows.pages, "page", lambda number: asked.append(number) or real(number))
        model.seq += 3  # known to have happened, and lost
        app.touch()
        await pilot.press("end")
        for _ in range(5):
            app.touch()
            await pilot.pause(0.05)
            await quiet(pilot)
        assert rows.lacks(rows.count() - 1) and "not in the file" in rows.text_of(rows.count() - 1)
        assert "the file does not have this event" in "\n".join(page(app))
        assert asked == [0]


# Metrics and source of long runs


async def test_figures_of_a_long_run_are_added_up_beside(weather: Made, quiet: Quiet, monkeypatch) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("7")
        await quiet(pilot)
        table = app.query_one(MetricTable)
        soon = texts(table)
        await pilot.press("1")
        monkeypatch.setattr(Adding, "LIVELY", 3)
        app.lay(app.desk.model, app.desk.payloads)
        table._wanted = None
        table.added(None)
        table.sync()
        assert table.adding and table.empty() == "adding up …" and table.count() == 0
        await quiet(pilot)
        assert texts(table) == soon and not table.adding


async def test_the_source_says_when_its_file_has_changed(weather: Made, quiet: Quiet, here) -> None:
    spell, path = here
    app = weather(path=path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("8")
        await quiet(pilot)
        rows = app.query_one(SourceList)
        assert rows.notes == {} and [line.file for line in rows._rows if not line.number] == [
            "weather.lua",
            "units.lua",
        ]
        spell.write_text("print(1)\n")
        spell.with_name("units.lua").unlink()
        await pilot.press("1", "8")
        await quiet(pilot)
        assert rows.notes == {
            "weather.lua": "± the file has changed since this run",
            "units.lua": "the file is not there any more",
        }
        assert "has&#160;changed&#160;since" in app.export_screenshot()


def test_a_file_that_is_no_text_has_changed_too(tmp_path: Path) -> None:
    (tmp_path / "x.lua").write_bytes(b"\xff\xfe")
    assert since(tmp_path / "x.lua", "print(1)") == "the file is not there any more"
    assert since(None, "") == "the file is not there any more"


async def test_lines_have_what_they_cost(weather: Made, quiet: Quiet) -> None:
    app = weather()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("8")
        await quiet(pilot)
        rows = app.query_one(SourceList)
        line = "".join(text for text, _ in rows.line(rows._places["weather.lua:3"], 118))
        assert "$0.0072" in line and "810" in line
        assert "".join(text for text, _ in rows.line(rows._places["weather.lua:6"], 118)).startswith("✗")


# What cannot be read


@pytest.mark.parametrize("fault", ["gone", "cut", "noise"])
@pytest.mark.parametrize("key", ["3", "4", "5", "6", "7", "8"])
async def test_a_file_that_cannot_be_read_is_told_and_nothing_else_is_lost(
    weather: Made, quiet: Quiet, runs, tmp_path: Path, fault: str, key: str
) -> None:
    path = tmp_path / ("long" * 20) / "runs" / "1m7weather2000.db"
    path.parent.mkdir(parents=True)
    shutil.copy(runs[2], path)
    app = weather(path=path)
    app.desk.runs = [type(run)(path, run.meta) if run.meta.id == "1m7weather2000" else run for run in app.desk.runs]
    match fault:
        case "gone":
            path.unlink()
        case "cut":
            path.write_bytes(path.read_bytes()[:3_000])
        case _:
            path.write_bytes(b"noise" * 10_000)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(key)
        await quiet(pilot)
        shown = app.export_screenshot().replace("&#160;", " ")
        if key == "6":
            assert "1m7weather2000" in "".join(line.strip() for line in page(app)) and " ! " in shown
        elif key in ("3", "8"):
            assert "1m7weather2000" in shown
        for each in ("down", "end", "slash", *"kiel", "enter", "n", "escape", "y", "enter"):
            await pilot.press(each)
            await quiet(pilot)
        if key == "6":
            await pilot.press("1", "6", "l")
            await quiet(pilot)
            assert "1m7weather2000" in app.query_one(EventList).empty()
        if key in ("4", "5", "7"):
            assert app.view is not None and app.view.query(Rows).last().count() > 1
        assert app.is_running


@pytest.mark.parametrize("size", [(20, 5), (10, 3), (40, 12), (80, 24)])
async def test_any_terminal_will_do(weather: Made, quiet: Quiet, size) -> None:
    app = weather()
    async with app.run_test(size=size) as pilot:
        for key in ("3", "d", "tab", "4", "down", "5", "enter", "6", "end", "7", "v", "enter", "tab", "8", "G", "tab"):
            await pilot.press(key)
        await quiet(pilot)
        await pilot.resize_terminal(20, 5)
        await quiet(pilot)
        await pilot.resize_terminal(*size)
        await quiet(pilot)
        assert app.is_running


async def test_screens_without_a_run_say_so(quiet: Quiet) -> None:
    app = Window()
    async with app.run_test(size=(120, 40)) as pilot:
        for key in ("3", "4", "5", "6", "l", "7", "v", "enter", "backspace", "8", "end", "y", "e", "m"):
            await pilot.press(key)
            await quiet(pilot)
        assert app.is_running


async def test_another_run_is_shown_on_each_screen(weather: Made, quiet: Quiet, runs) -> None:
    app, other = weather(), weather(1)
    async with app.run_test(size=(120, 40)) as pilot:
        for key in ("4", "5", "6", "7", "8"):
            await pilot.press(key)
            await quiet(pilot)
        app.lay(other.desk.model, other.desk.payloads)
        await quiet(pilot)
        for key, kind, count in (("5", HookList, 5), ("6", EventList, 42)):
            await pilot.press(key)
            await quiet(pilot)
            assert app.query_one(kind).count() == count
        assert await asyncio.to_thread(lambda: runs[1].exists())
