"""Runs from recordings: replayed with no call, run again from a row, edited; what was free is marked and counted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input, TextArea

from llmspell.events.event import Event
from llmspell.testing.server import ServerThread
from llmspell.traces.reader import RunFile
from llmspell_tui.model.calls import call_at
from llmspell_tui.model.free import FreeCalls
from llmspell_tui.widgets.editing import EditSheet
from llmspell_tui.widgets.status import StatusLine
from llmspell_tui.widgets.tree import SpanTree

if TYPE_CHECKING:
    from conftest import Project, Watched

SIZE = (120, 36)
SPELL = {
    "lua": """
        local clerk = Agent.new{ name = "clerk", system_prompt = "Be brief." }
        local one = clerk:execute("one " .. (params.who or "")).content
        local sum = Tool.get("calculator"):execute{ expression = "1 + 2" }
        print(clerk:execute("two").content, clerk:execute("three " .. sum.result).content)""",
    "js": """
        const clerk = new Agent({ name: "clerk", systemPrompt: "Be brief." });
        const one = (await clerk.execute("one " + (params.who ?? ""))).content;
        const sum = await Tool.get("calculator").execute({ expression: "1 + 2" });
        console.log((await clerk.execute("two")).content, (await clerk.execute("three " + sum.result)).content);""",
}


@pytest.fixture
def model(project: Project, monkeypatch: pytest.MonkeyPatch):
    with ServerThread() as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.openai_url)
        monkeypatch.setenv("OPENAI_API_KEY", "none needed")
        monkeypatch.setenv("LLMSPELL_DEFAULT_MODEL", "openai/gpt-4o-mini")
        yield server


def line(app: Watched) -> str:
    return "".join(segment.text for segment in app.query_one(StatusLine).render_line(0))


def row_of(app: Watched, kind: str, number: int = 0) -> int:
    spans = app.desk.model.spans if app.desk.model else None
    assert spans is not None
    return [i for i in range(len(spans)) if spans.kind(i) == kind][number]


def free(app: Watched, mark: str = "○ free") -> list[bool]:
    """Of each call in order: whether the tree marks it as free."""
    tree, model = app.query_one(SpanTree), app.desk.model
    assert model is not None
    rows = [model.spans.place(i) for i in range(len(model.spans)) if model.spans.kind(i) in ("llm_call", "tool")]
    return [mark in tree.text_of(row) for row in rows if row is not None]


def asked(model: ServerThread) -> list[str]:
    return [request.json["messages"][-1]["content"] for request in model.requests]


async def at(app: Watched, kind: str, number: int = 0) -> None:
    await app.ended()
    app.query_one(SpanTree).choose(row_of(app, kind, number))


async def editing(app: Watched, pilot) -> EditSheet:
    await pilot.press("R")
    await app.until(lambda: isinstance(app.sheet, EditSheet) or app.desk.notice)
    assert isinstance(app.sheet, EditSheet), app.desk.notice
    return app.sheet


async def another(app: Watched, run: object) -> str:
    await app.until(lambda: app.desk.model is not None and app.desk.model is not run and app.desk.model.complete)
    return await app.ended()


async def test_a_replay_asks_nobody(project: Project, model, language: str) -> None:
    stored = project.run(project.write(f"a.{language}", SPELL[language]))
    count = len(model.requests)
    app = project.window(first=stored)
    async with app.run_test(size=SIZE) as pilot:
        await app.ended()
        before = app.desk.model
        await pilot.press("ctrl+r")
        assert await another(app, before) == "ok"
        await pilot.pause()
        assert len(model.requests) == count == 3
        assert app.desk.model is not None and before is not None
        assert app.desk.model.counts == before.counts and app.desk.model.run_id != before.run_id
        assert "replay" in line(app) and app.desk.notice == f"a replay of {before.run_id}"
        await pilot.press("p")
        assert app.desk.notice.startswith("this run is a replay")
    assert app._client is not None and app._client.pid is None


async def test_from_a_call_with_another_prompt(project: Project, model, language: str) -> None:
    stored = project.run(project.write(f"a.{language}", SPELL[language]))
    app = project.window(first=stored)
    async with app.run_test(size=SIZE) as pilot:
        await at(app, "llm_call", 1)
        before = app.desk.model
        sheet = await editing(app, pilot)
        assert sheet.text == "two" and sheet.head.title[0] == "Run from model call gpt-4o-mini"
        model.requests.clear()
        await pilot.press("end", *" and a half")
        assert "Prompt*" in "".join(title for _, title, _ in sheet._tabs.tabs)
        await pilot.press("ctrl+s")
        assert await another(app, before) == "ok"
        await pilot.pause()
        assert asked(model) == ["two and a half", "three 3"]
        assert free(app) == [True, True, False, False]
        assert free(app, "± edited") == [False, False, True, False]
        assert "1 of 3 calls free, saved $0.0" in line(app)
        assert app.desk.notice.endswith("what came before is free") and app.sheet is None
        shown = app.desk.model
        assert shown is not None and shown.began <= min(shown.spans.starts)  # nothing lies before the time axis
        assert app.path_shown is not None
        await app.show_run(app.path_shown)  # from its file
        assert await app.ended() == "ok"
        await pilot.pause()
        assert free(app) == [True, True, False, False] and free(app, "± edited") == [False, False, True, False]


async def test_every_part_of_a_request_can_be_edited(project: Project, model, language: str) -> None:
    stored = project.run(project.write(f"a.{language}", SPELL[language]))
    app = project.window(first=stored)
    async with app.run_test(size=SIZE) as pilot:
        await at(app, "llm_call", 1)
        before = app.desk.model
        sheet = await editing(app, pilot)
        model.requests.clear()
        assert sheet.field.name == "prompt" and sheet.head.note.startswith("^s runs")
        await pilot.press("tab")
        assert sheet.field.name == "system" and sheet.text == "Be brief."
        assert sheet.head.note.startswith("for this call only, ^s runs")
        sheet.put("Be long.")
        await pilot.press("tab")
        assert sheet.field.name == "model" and sheet.text == "openai/gpt-4o-mini"
        sheet.put("openai/gpt-4o")
        await pilot.press("shift+tab", "shift+tab", "shift+tab", "shift+tab")
        assert sheet.field.name == "max_tokens"
        sheet.put("many")
        await pilot.press("ctrl+s")
        assert sheet.head.wrong.startswith("Most tokens is no JSON")
        sheet.put("50")
        await pilot.pause()
        assert sheet.head.wrong == ""
        await pilot.press("ctrl+s")
        assert await another(app, before) == "ok"
        sent, after = [request.json for request in model.requests]
        assert (sent["model"], sent["messages"][0]["content"]) == ("gpt-4o", "Be long.")
        assert (after["model"], after["messages"][0]["content"]) == ("gpt-4o-mini", "Be brief.")
        assert 50 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))


async def test_a_tool_call_with_other_arguments_from_its_hook_or_the_row_around(
    project: Project, model, language: str
) -> None:
    stored = project.run(project.write(f"a.{language}", SPELL[language]))
    app = project.window(first=stored)
    async with app.run_test(size=SIZE) as pilot:
        await at(app, "tool")
        before = app.desk.model
        sheet = await editing(app, pilot)
        assert sheet.field.name == "arguments"
        sheet.put('{"expression": "20 + 2"}')
        model.requests.clear()
        await pilot.press("f2")
        assert await another(app, before) == "ok"
        await pilot.pause()
        assert asked(model)[-1] == "three 22"
        assert free(app)[:2] == [True, False]


async def test_the_spell_with_another_input(project: Project, model, language: str) -> None:
    """Begins with the first line: free as long as it asks the same."""
    stored = project.run(project.write(f"a.{language}", SPELL[language]), "--param", "who=Ada")
    app = project.window(first=stored)
    async with app.run_test(size=SIZE) as pilot:
        await app.ended()
        before = app.desk.model
        sheet = await editing(app, pilot)
        assert '"who": "Ada"' in sheet.text and sheet.head.title[0] == "Run with another input"
        model.requests.clear()
        await pilot.press("ctrl+s")  # as it was
        assert await another(app, before) == "ok"
        await pilot.pause()
        assert free(app) == [True] * 4 and asked(model) == [] and "all 3 calls free" in line(app)
        again = app.desk.model
        await pilot.press("home")
        sheet = await editing(app, pilot)
        sheet.put('{"who": "Grace"}')
        await pilot.press("ctrl+s")
        assert await another(app, again) == "ok"
        assert asked(model)[0] == "one Grace"


async def test_unedited_it_is_live_from_the_row_on(project: Project, model, language: str) -> None:
    stored = project.run(project.write(f"a.{language}", SPELL[language]))
    app = project.window(first=stored)
    async with app.run_test(size=(80, 24)) as pilot:
        await at(app, "execution", 1)  # its first call is what is edited
        before = app.desk.model
        await editing(app, pilot)
        model.requests.clear()
        await pilot.press("ctrl+s")
        assert await another(app, before) == "ok"
        assert asked(model) == ["two", "three 3"]


async def test_what_cannot_be_edited_is_said_in_the_sheet(project: Project, model, language: str) -> None:
    spell = project.write(f"a.{language}", SPELL[language])
    app = project.window(first=project.run(spell))
    async with app.run_test(size=SIZE) as pilot:
        await at(app, "llm_call", 1)
        sheet = await editing(app, pilot)
        for _ in range(3):
            await pilot.press("tab")
        assert sheet.field.name == "messages"
        sheet.put('["two"]')
        await pilot.press("ctrl+s")
        await app.until(lambda: "messages" in sheet.head.wrong)
        assert app.sheet is sheet
        await pilot.press("escape")
        await app.until(lambda: app.sheet is None)
        await pilot.pause()
        assert app.focused is app.query_one(SpanTree)
        spell.write_text("local = " if language == "lua" else "const = ")
        sheet = await editing(app, pilot)
        await pilot.press("ctrl+s")
        await app.until(lambda: sheet.head.wrong)
        assert app.desk.model is not None and app.desk.model.run_id in str(app.path_shown)


async def test_a_picture_while_a_sheet_or_a_prompt_goes_does_no_harm(project: Project, model, monkeypatch) -> None:
    """Its fields lose their styles before they leave the screen."""
    app = project.window(first=project.run(project.write("a.lua", SPELL["lua"])))
    gone: list[str] = []

    def watched(kind: type[TextArea | Input]) -> None:
        leave = kind._message_loop_exit

        async def leaves(self: TextArea | Input) -> None:
            await leave(self)
            gone.append(type(self).__name__)
            app.screen.refresh()
            app.screen._on_timer_update()

        monkeypatch.setattr(kind, "_message_loop_exit", leaves)

    watched(TextArea)
    watched(Input)
    async with app.run_test(size=SIZE) as pilot:
        await at(app, "llm_call", 1)
        await editing(app, pilot)
        await pilot.press("escape")
        await app.until(lambda: app.sheet is None)
        await pilot.press("slash", "escape")
        assert not app.query("#prompt")
    assert gone == ["TextArea", "Input"]


async def test_the_person_s_own_editor_has_the_text(project: Project, model, language: str, monkeypatch) -> None:
    script = project.write("editor.py", "import sys; open(sys.argv[1], 'a').write(' and more\\n')")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    app = project.window(first=project.run(project.write(f"a.{language}", SPELL[language])))
    async with app.run_test(size=SIZE) as pilot:
        await at(app, "llm_call", 1)
        sheet = await editing(app, pilot)
        await pilot.press("ctrl+o")
        assert app.desk.notice.startswith("an editor cannot be opened")  # this driver has no terminal to give away
        monkeypatch.setattr(app, "suspend", Suspended)
        await pilot.press("ctrl+o")
        assert sheet.text == "two and more"
        monkeypatch.setenv("VISUAL", str(project.folder / "none"))
        await pilot.press("ctrl+o")
        assert "does not start" in app.desk.notice and sheet.text == "two and more"


class Suspended:
    """A terminal that is given away and taken back."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        return None


async def test_on_save_the_prefix_is_free_and_the_state_as_chosen(project: Project, model, language: str) -> None:
    spell = project.write(f"a.{language}", SPELL[language])
    app = project.window(spell)
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: app.desk.model)
        assert await app.ended() == "ok"
        await pilot.press("P", "S")
        await pilot.pause()
        assert "on save: prefix, state reset" in line(app)
        before = app.desk.model
        model.requests.clear()
        spell.write_text(SPELL[language].replace('"two"', '"zwei"'))
        assert await another(app, before) == "ok"
        await pilot.pause()
        assert asked(model) == ["zwei", "three 3"]
        assert "1 of 3 calls free" in line(app) and free(app) == [True, True, False, False]
        await pilot.press("S", "S", "P")
        assert (app.wishes.state, app.wishes.replay_prefix, app.desk.saving) == ("keep", False, "")
        with RunFile(app.path_shown or Path()) as file:
            assert file.meta().settings["state"] == "reset"


async def test_a_spell_of_a_stored_run_runs_again(project: Project, model, language: str) -> None:
    spell = project.write(f"a.{language}", SPELL[language])
    app = project.window(first=project.run(spell, "--param", "who=Ada"))
    async with app.run_test(size=SIZE) as pilot:
        await app.ended()
        before = app.desk.model
        model.requests.clear()
        await pilot.press("P")
        assert "nothing runs on save here" in app.desk.notice
        await pilot.press("r")
        assert await another(app, before) == "ok"
        assert asked(model)[0] == "one Ada" and len(model.requests) == 3
        spell.unlink()
        await pilot.press("r")
        assert "is not there any more" in app.desk.notice


async def test_a_run_under_way_is_ended_for_one_from_a_call_of_it(project: Project, model, language: str) -> None:
    asks = {
        "lua": 'print(Agent.new{{ name = "a", model = "openai/gpt-4o-mini" }}:chat("{0}")) Async.sleep(600000)',
        "js": 'console.log(await new Agent({{ name: "a", model: "openai/gpt-4o-mini" }}).chat("{0}")); await Async.sleep(6e5);',
    }[language]
    app = project.window(project.write(f"a.{language}", asks.format("one")))
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: "You said: one" in app.texts())
        before = app.desk.model
        assert before is not None and app.session is not None
        await pilot.press("ctrl+r")
        assert app.desk.notice.startswith("the run goes on")
        app.query_one(SpanTree).choose(next(i for i in range(9) if before.spans.kind(i) == "llm_call"))
        await pilot.press("R")
        await app.until(lambda: isinstance(app.sheet, EditSheet))
        assert isinstance(app.sheet, EditSheet) and app.sheet.head.note == "^s ends this run and runs, tab next part"
        model.requests.clear()
        app.sheet.put("two")
        await pilot.press("ctrl+s")
        await app.until(lambda: app.desk.model is not before and "You said: two" in app.texts())
        assert asked(model) == ["two"] and app.session.run != before.run_id
        assert app.statuses == {before.run_id: "cancelled"}


def test_the_call_of_a_row(stored) -> None:
    """Its own, that around a hook, the first inside; none after the last."""
    model = stored("research").model()
    spans = model.spans
    for i in range(len(spans)):
        call = call_at(model, i)
        match spans.kind(i):
            case "llm_call" | "tool":
                assert call == i
            case "hook" if (parent := spans.parent(i)) is not None and spans.kind(parent) == "tool":
                assert call == parent
            case _:
                above = call
                while above is not None and above != i:
                    above = spans.parent(above)
                assert call is None or above == i


def test_free_calls_are_counted_up_to_a_moment() -> None:
    calls = FreeCalls()
    for seq, kind, data in (
        (5, "llm_call_completed", {"from_recording": True, "recorded_usage": {"cost": 0.25}}),
        (7, "llm_call_completed", {"usage": {"cost": 1.0}}),
        (9, "tool_completed", {"from_recording": True}),
        (12, "llm_call_completed", {"from_recording": True, "recorded_usage": {"cost": None}}),
    ):
        calls.add(Event(seq, 0.0, kind, "end", seq, 1, "", "", data))
    assert [5 in calls, 7 in calls, 9 in calls] == [True, False, True]
    assert [(calls.calls(at), calls.tools(at), calls.saved(at)) for at in (4, 5, 9, None)] == [
        (0, 0, 0.0),
        (1, 0, 0.25),
        (1, 1, 0.25),
        (2, 1, 0.25),
    ]
