"""The inspector: conversations, arguments and results, answers as they arrive, what cannot be read."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell.events.event import Event
from llmspell_tui.app.window import Window
from llmspell_tui.feed.payload import Payloads, SpanPayload
from llmspell_tui.model.messages import conversation
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.updates import Batch, Trouble
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.exchange import exchange
from llmspell_tui.widgets.inspector import Inspector
from llmspell_tui.widgets.tree import SpanTree

Made = Callable[..., Window]


def told(page) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for _, line in page.layout(80, {})]


def payloads(run, kind: str) -> list[SpanPayload]:
    """Of every span of a kind."""
    source = Payloads(run.path)
    starts = [event for event in run.events if event.kind == kind]
    ends = {event.span: event.seq for event in run.events if event.phase == "end"}
    try:
        return [source.span(event.span, event.seq, ends[event.span]) for event in starts]
    finally:
        source.close()


def test_a_model_call_is_a_conversation(stored) -> None:
    lines = told(exchange(payloads(stored("tool_agent"), "llm_call_started")[-1], "", False))
    headings = [line[2:].partition("  ")[0] for line in lines if line.startswith("▾ ")]
    assert headings[0] == "System" and "User" in headings and "Tool" in headings
    assert headings[-1] == "Answer"


def test_a_tool_call_has_its_arguments_and_its_result(stored) -> None:
    shown = [told(exchange(payload, "", False)) for payload in payloads(stored("tool_agent"), "tool_called")]
    assert all(lines[0].startswith("▾ Arguments") for lines in shown)
    assert any(lines[0] == "▾ Arguments" and "▾ Output" in lines for lines in shown)


def test_a_model_call_shows_what_was_sent_to_the_model(stored) -> None:
    first = payloads(stored("hooks"), "llm_call_started")[0]
    shown = "\n".join(told(exchange(first, "", False)))
    assert "[e-mail]" in shown and "ada@" not in shown
    assert first.start is not None and first.end is not None
    said = conversation([first.start, first.end])
    assert [("[e-mail]" in message.text, "ada@" in message.text) for message in said if message.role == "user"] == [
        (True, False)
    ]


def test_a_hook_shows_what_it_changed(stored) -> None:
    shown = [told(exchange(payload, "", False)) for payload in payloads(stored("hooks"), "hook_called")]
    assert any(line.startswith("▾ Changed") for lines in shown for line in lines)


def test_an_answer_under_way_is_shown_as_it_arrives() -> None:
    start = Event(4, 0.0, "llm_call_started", "start", 3, 2, "gpt", "", {"request": {"messages": []}})
    lines = told(exchange(SpanPayload(start, None, (), False), "It is rain", True))
    assert lines == ["▾ Answer  as it arrives", "  It is rain▌"]
    assert "cut off" in told(exchange(SpanPayload(start, None, (), False), "It is", False))[0]


def test_a_tool_s_answer_that_is_json_folds() -> None:
    request = {"messages": [{"role": "tool", "content": '{"rows": [1, 2]}'}]}
    start = Event(4, 0.0, "llm_call_started", "start", 3, 2, "gpt", "", {"request": request})
    assert "  ▾ rows  [2]" in told(exchange(SpanPayload(start, None, (), False), "", False))


@pytest.mark.parametrize("request_data", [None, "text", [], {"messages": "x"}, {"messages": [1, None]}, {"tools": {}}])
def test_events_of_any_shape_are_shown(request_data) -> None:
    for kind in ("llm_call_started", "tool_called", "hook_called", "execution_started", "of_a_plugin"):
        start = Event(4, 0.0, kind, "start", 3, 2, "x", "", {"request": request_data, "params": request_data})
        end = Event(5, 0.0, "x", "end", 3, 2, "x", "", {"response": request_data, "tool_calls": request_data})
        told(exchange(SpanPayload(start, end, (), False), "", False))


async def test_a_streamed_answer_is_seen_to_grow(settle, window: Made, stored) -> None:
    events = stored("hooks").events
    start = next(event for event in events if event.kind == "llm_call_started")
    app = window("hooks", upto=start.seq)
    async with app.run_test(size=(120, 36)) as pilot:
        model, inspector = app.desk.model, app.query_one(Inspector)
        assert model is not None
        inspector.show(model.spans.index(start.span) or 0)
        inspector.choose("io")
        seq = start.seq
        for text in ("It ", "rains"):
            seq += 1
            chunk = Event(seq, start.time, "llm_chunk", "point", start.span, start.parent, "x", "", {"text": text})
            model.take(Batch([chunk]))
        await settle(app, "payload")
        await pilot.pause()
        page = app.query_one(Document)
        assert any("It rains▌" in page.text_of(row) for row in range(page.count()))


async def test_the_newest_words_of_an_answer_are_seen_until_the_reader_scrolls_back(
    settle, window: Made, stored
) -> None:
    start = next(event for event in stored("hooks").events if event.kind == "llm_call_started")
    app = window("hooks", upto=start.seq)
    async with app.run_test(size=(120, 36)) as pilot:
        model, inspector, page = app.desk.model, app.query_one(Inspector), app.query_one("#inspector-page", Document)
        assert model is not None
        inspector.show(model.spans.index(start.span) or 0)
        inspector.choose("io")

        async def came(seq: int, text: str) -> None:
            chunk = Event(seq, start.time, "llm_chunk", "point", start.span, start.parent, "x", "", {"text": text})
            model.take(Batch([chunk]))
            inspector.choose("io") if seq == start.seq + 1 else inspector._draw(keep=True)
            await settle(app, "payload")
            await pilot.pause()

        await came(start.seq + 1, "rain\n" * 60)
        assert page.scroll_offset.y == page.max_scroll_y > 0
        await came(start.seq + 2, "wind\n" * 5)
        assert page.scroll_offset.y == page.max_scroll_y
        page.scroll_to(y=3, animate=False)
        await came(start.seq + 3, "sun\n" * 5)
        assert page.scroll_offset.y == 3


async def test_a_file_that_is_gone_is_told_in_the_place_of_the_payload(settle, window: Made, tmp_path: Path) -> None:
    app = window("hooks")
    app.desk.payloads = Payloads(tmp_path / "gone.db")
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("i")
        await settle(app, "payload")
        await pilot.pause()
        assert "gone.db" in app.query_one(Document).text_of(0)


async def test_a_run_that_is_not_read_yet_is_not_said_to_run(window: Made) -> None:
    app = window()
    app.desk.model = model = RunModel()
    async with app.run_test(size=(80, 24)) as pilot:
        status, tree = app.query_one("#status"), app.query_one(SpanTree)
        assert status.render_line(0).text.strip() == "… reading" and tree.empty() == "reading the run"
        model.take(Trouble("the file is damaged", "remove it"))
        app.touch()
        await pilot.pause(0.1)
        assert status.render_line(0).text.strip() == "? unread" and tree.empty() == "the run cannot be read"


@pytest.mark.parametrize(("size", "selector"), [((80, 24), "Wrong"), ((80, 11), "#status")])
async def test_trouble_with_the_store_is_told_with_what_to_do(window: Made, size, selector) -> None:
    app = window("hooks")
    text, remedy = "the runtime of this run was killed", "all is shown; `llmspell run --resume 1m82z8jg` goes on"
    async with app.run_test(size=size) as pilot:
        assert app.desk.model is not None
        app.desk.model.take(Trouble(text, remedy, passing=True))
        app.touch()
        await pilot.pause(0.1)
        bar = app.query_one(selector)
        told = "".join(bar.render_line(y).text.rstrip() for y in range(bar.size.height))
        assert text in told and (remedy in told) == (selector == "Wrong")


async def test_what_is_told_before_it_is_written_is_read_once_it_is_written(
    settle, window: Made, stored, tmp_path: Path
) -> None:
    run = stored("hooks")
    start = next(event for event in run.events if event.kind == "llm_call_started")
    end = next(event for event in run.events if event.span == start.span and event.phase == "end")
    file = tmp_path / run.path.name
    shutil.copy(run.path, file)
    writing = sqlite3.connect(file)
    writing.execute("CREATE TABLE later AS SELECT * FROM events WHERE seq = ?", (end.seq,))
    writing.execute("DELETE FROM events WHERE seq = ?", (end.seq,))
    writing.commit()
    app = window("hooks")
    app.desk.payloads = Payloads(file)
    async with app.run_test(size=(120, 36)) as pilot:
        model, inspector, page = app.desk.model, app.query_one(Inspector), app.query_one("#inspector-page", Document)
        assert model is not None
        app.query_one(SpanTree).choose(model.spans.index(start.span) or 0)
        inspector.choose("io")
        while not any("System" in page.text_of(row) for row in range(page.count())):
            await pilot.pause()
        assert not any(page.text_of(row).startswith("▾ Answer") for row in range(page.count()))
        writing.execute("INSERT INTO events SELECT * FROM later")
        writing.commit()
        writing.close()
        await settle(app, "payload")
        await pilot.pause()
        assert any(page.text_of(row).startswith("▾ Answer") for row in range(page.count()))
