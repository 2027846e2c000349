"""A live run is paused, stepped, stopped, decided about, answered and spoken to, wherever it was started."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmspell_tui.model.control import Control, missing
from llmspell_tui.widgets.breaks import BreakSheet, wrong
from llmspell_tui.widgets.chatting import ChatSheet
from llmspell_tui.widgets.editing import EditSheet
from llmspell_tui.widgets.waiting import WaitPage, WaitSheet

if TYPE_CHECKING:
    from conftest import Project, Watched

SIZE = (120, 36)
#: Waits until it is cancelled, and does nothing.
WAITS = {"lua": 'print("there") Async.sleep(600000)', "js": 'console.log("there"); await Async.sleep(600000);'}
CALLS = {
    "lua": """
        local agent = Agent.new{ name = "counter", tools = { Calculator.new() } }
        print(agent:chat("What is 15% of 2500?"))""",
    "js": """
        const agent = new Agent({ name: "counter", tools: [new Calculator()] });
        console.log(await agent.chat("What is 15% of 2500?"));""",
}
ASKS = {
    "lua": """
        local who = Human.ask{ question = "Signed by?", choices = { "Ada", "Grace" }, default = "Grace" }
        print(who, Human.ask{ question = "Which city?", default = "Rome" }, Human.approve("Send it?"))""",
    "js": """
        const who = await Human.ask({ question: "Signed by?", choices: ["Ada", "Grace"], default: "Grace" });
        const city = await Human.ask({ question: "Which city?", default: "Rome" });
        console.log(who, city, await Human.approve("Send it?"));""",
}
TALKS = {
    "lua": """
        local guide = Agent.new{ name = "guide", system_prompt = "Be brief." }
        local clerk = Agent.new{ name = "clerk" }
        print("there") Human.ask("Go on?")""",
    "js": """
        const guide = new Agent({ name: "guide", systemPrompt: "Be brief." });
        const clerk = new Agent({ name: "clerk" });
        console.log("there"); await Human.ask("Go on?");""",
}


def kinds(app: Watched) -> list[str]:
    return [kind for kind, number in app.desk.model.counts.items() if number] if app.desk.model else []


async def test_a_run_is_paused_and_goes_on(project: Project, language: str) -> None:
    app = project.window(project.write(f"a.{language}", WAITS[language]))
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: "there" in "".join(app.texts()))
        await app.connected()
        await pilot.press("p")
        await app.until(lambda: app.desk.control is not None and app.desk.control.paused)
        await pilot.pause()
        drawn = app.export_screenshot()
        assert "‖&#160;paused" in drawn and "Go&#160;on" in drawn and "Pause" not in drawn
        assert app.offers("step") and app.sheet is None
        await app.until(lambda: "paused" in kinds(app))
        await pilot.press("p")
        await app.until(lambda: app.desk.control is not None and not app.desk.control.paused)
        await pilot.pause()
        assert not app.offers("step") and app.offers("pause") and "Pause" in app.export_screenshot()
        await pilot.press("x")
        assert await app.ended() == "cancelled"
        await pilot.press("p")
        assert app.desk.notice.startswith("the run has ended (cancelled): ")


async def test_steps_go_from_call_to_call(project: Project, language: str) -> None:
    app = project.window(project.write(f"a.{language}", CALLS[language]), breakpoints=("start",))
    async with app.run_test(size=SIZE) as pilot:
        await app.connected()
        stops: list[str] = []
        while True:
            pause = await app.until(lambda: app.desk.control and (app.desk.control.pause or app.desk.control.why))
            if isinstance(pause, str):
                break
            stops.append(pause["stop"])
            await app.until(lambda: isinstance(app.sheet, WaitSheet))
            await pilot.pause()
            assert f"before: {pause['stop']}" in app.page()
            await pilot.press("s")
            await app.until(lambda now=pause: app.desk.control is None or app.desk.control.pause is not now)
        assert stops == ["start", "model", "tool", "model"]
        assert await app.ended() == "ok"
        await app.until(lambda: app.sheet is None)
        assert 'calculator gave {"result": 4}' in "".join(app.texts())


async def test_breakpoints_are_set_listed_and_taken_away(project: Project, language: str) -> None:
    app = project.window(project.write(f"a.{language}", WAITS[language]))
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: "there" in "".join(app.texts()))
        await app.connected()
        control = app.desk.control
        assert control is not None
        await pilot.press("b")
        await app.until(lambda: app.query("#prompt Input"))
        await pilot.press(*"tool", "colon", *"calc", "asterisk", "enter")
        await app.until(lambda: control.breakpoints == ("tool:calc*",))
        await pilot.pause()
        assert isinstance(app.sheet, BreakSheet) and app.focused is app.sheet.rows
        await pilot.press("plus")
        await app.until(lambda: app.query("#prompt Input"))
        await pilot.press(*"approve", "colon", *"tools", "enter")
        await app.until(lambda: control.approve == ("*",))
        await pilot.pause()
        assert app.sheet.rows.texts == ["tool:calc*", "approve:*"]
        await pilot.press("home", "enter")
        await app.until(lambda: app.query("#prompt Input"))
        await pilot.press("backspace", "x", "enter")  # the row is typed anew
        await app.until(lambda: control.breakpoints == ("tool:calcx",))
        await pilot.pause()
        await pilot.press("home", "e")
        await app.until(lambda: app.query("#prompt Input"))
        await pilot.press("backspace", "asterisk", "enter")
        await app.until(lambda: control.breakpoints == ("tool:calc*",))
        await pilot.pause()
        assert app.wishes.breakpoints == ("tool:calc*",)  # the run after the next save has them too
        await pilot.pause()
        assert "on&#160;save:&#160;2&#160;breaks" in app.export_screenshot()
        await pilot.press("a")
        await app.until(lambda: app.query("#prompt Input"))
        await pilot.press(*"hook", "colon", *"befor", "enter")
        await app.until(lambda: "befor" in app.desk.notice)  # only the run knows its hook points
        await app.until(lambda: app.query("#prompt Input"))
        await pilot.press("escape")
        await app.until(lambda: not app.query("#prompt"))
        app.sheet.rows.focus()
        await pilot.press("home", "d")
        await app.until(lambda: control.breakpoints == ())
        await app.until(lambda: isinstance(app.sheet, BreakSheet) and app.sheet.rows.texts == ["approve:*"])
        await pilot.press("delete")
        await app.until(lambda: control.approve == ())
        await pilot.press("escape")
        await app.until(lambda: app.sheet is None)
        assert app.focused is not None and app.focused.id == "tree"


@pytest.mark.parametrize(
    "text", ["tool:shell_*", "model", "agent:writer", "cost:0.05", "error", "end", "approve:tools"]
)
def test_what_may_be_typed_as_a_breakpoint(text: str) -> None:
    assert wrong(text) == ""


@pytest.mark.parametrize("text", ["tol:x", "cost", "approve", "tool:", "cost: "])
def test_what_may_not(text: str) -> None:
    assert wrong(text)


async def test_a_tool_call_waits_and_is_approved(project: Project, language: str) -> None:
    app = project.window(project.write(f"a.{language}", CALLS[language]), approve=("tools",))
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: app.waits("approval"))
        await pilot.pause()
        assert app.focused is not None and app.focused.id == "tree"  # no key of the screen decides by accident
        assert "expression" in app.page() and app.offers("approve")
        assert "tool_completed" not in kinds(app)
        await pilot.press("a")
        assert isinstance(app.focused, WaitPage)
        await pilot.press("enter")
        assert await app.ended() == "ok"
        assert 'calculator gave {"result": 4}' in "".join(app.texts())
        await app.until(lambda: app.sheet is None)
        await pilot.pause()
        assert app.focused is not None and app.focused.id == "tree"


async def test_its_arguments_are_edited_first(project: Project, language: str) -> None:
    app = project.window(project.write(f"a.{language}", CALLS[language]), approve=("tools",))
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: app.waits("approval"))
        await pilot.press("a", "e")
        await app.until(lambda: isinstance(app.sheet, EditSheet))
        sheet = app.sheet
        assert isinstance(sheet, EditSheet) and '"expression"' in sheet.text
        sheet.put("{")
        await pilot.press("ctrl+s")
        assert "is no JSON" in sheet.head.wrong
        sheet.put('{"expression": 7}')
        await pilot.press("ctrl+s")
        await app.until(lambda: "expression" in sheet.head.wrong)
        sheet.put('{"expression": "40 + 2"}')
        await pilot.press("f2")
        assert await app.ended() == "ok"
        assert 'calculator gave {"result": 42}' in "".join(app.texts())


async def test_what_was_typed_for_a_run_decides_nothing_of_the_one_in_its_place(project: Project) -> None:
    """A save while somebody edits a call, or gives a reason: the new run's call has the same number."""
    spell = project.write("a.lua", CALLS["lua"])
    app = project.window(spell, approve=("tools",))

    async def saved() -> None:
        before = app.desk.model
        project.write("a.lua", spell.read_text() + "-- again\n")
        await app.until(lambda: app.desk.model is not before and app.desk.control and app.desk.control.waiting)

    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: app.waits("approval"))
        await pilot.press("a", "e")
        await app.until(lambda: isinstance(app.sheet, EditSheet))
        await saved()
        await pilot.press("ctrl+s")
        assert isinstance(app.sheet, EditSheet) and "the run before" in app.sheet.head.wrong
        await pilot.press("escape")
        await app.until(lambda: app.waits("approval"))
        await pilot.press("a", "d")
        await app.until(lambda: app.query("#prompt Input"))
        await saved()
        await pilot.press(*"no", "enter")
        await app.until(lambda: "the run before" in app.desk.notice and app.waits("approval"))
        assert not {"approval_given", "tool_completed"} & set(kinds(app))


async def test_it_is_refused_with_a_reason_for_the_model(project: Project, language: str) -> None:
    app = project.window(project.write(f"a.{language}", CALLS[language]), approve=("tools",))
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: app.waits("approval"))
        await pilot.press("a", "d")
        await app.until(lambda: app.query("#prompt Input"))
        await pilot.press(*"not today", "enter")
        assert await app.ended() in ("ok", "error")
        model = app.desk.model
        assert model is not None and model.errors
        told = [model.spans.error(i) for i in range(len(model.spans)) if model.spans.kind(i) == "tool"]
        assert told and "not today" in told[0]


async def test_a_spell_that_asks_is_answered(project: Project, language: str) -> None:
    """By a number, by a typed line, by the row under the cursor; a click does it too."""
    app = project.window(project.write(f"a.{language}", ASKS[language]))
    async with app.run_test(size=(80, 24)) as pilot:
        await app.until(lambda: app.waits("question"))
        await app.until(lambda: app.sheet and app.sheet.head.note == "a goes there")
        await pilot.press("c")
        assert isinstance(app.focused, WaitPage) and app.focused.choice() == 2  # the default
        await pilot.pause()
        assert app.sheet is not None and app.sheet.head.note.startswith("a number answers")
        await pilot.press("1")
        await app.until(lambda: app.waits("question") and "Which city?" in app.page())
        await pilot.pause()
        assert not isinstance(app.focused, WaitPage)  # the next one takes no key that was meant for this one
        await pilot.press("a", "enter")
        await app.until(lambda: app.query("#prompt Input"))
        await pilot.press(*"Oslo", "enter")
        await app.until(lambda: app.waits("question") and "Send it?" in app.page())
        await pilot.pause()
        page = app.query_one(WaitPage)
        row = next(row for row in range(page.count()) if "no" in page.text_of(row))
        await pilot.click(WaitPage, offset=(6, row))
        assert await app.ended() == "ok"
        assert app.texts()[-1].split() == ["Ada", "Oslo", "false"]  # what was typed, in the place of the default


async def test_one_speaks_to_an_agent_of_the_run(project: Project, language: str) -> None:
    """While the spell waits for an answer, too, which it goes on waiting for."""
    app = project.window(project.write(f"a.{language}", TALKS[language]))
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: app.waits("question"))
        await pilot.press("c")
        await app.until(lambda: isinstance(app.sheet, ChatSheet))
        sheet = app.sheet
        assert isinstance(sheet, ChatSheet) and set(sheet.agents) == {"guide", "clerk"}
        await pilot.press("tab")
        first, other = sheet.agent, next(name for name in sheet.agents if name != sheet.agent)
        await pilot.press("enter")
        assert sheet.head.wrong == "nothing was typed"
        await pilot.press(*"hello", "enter")
        await app.until(lambda: "…" not in app.page() and first in app.page())
        assert "hello" in app.page() and "chat_completed" in kinds(app)
        await pilot.press("shift+tab")
        assert sheet.agent == other and "hello" not in app.page()
        await pilot.press("escape")
        await app.until(lambda: app.waits("question"))


async def test_a_run_of_another_terminal_is_controlled(project: Project, language: str) -> None:
    spell = project.write(f"a.{language}", ASKS[language])
    command = [sys.executable, "-m", "llmspell", "run", str(spell), "--break", "start"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet)
    try:
        app = project.window()
        async with app.run_test(size=SIZE) as pilot:
            await app.until(lambda: app.desk.runs)
            await pilot.pause()  # until it is on the list
            await pilot.press("enter")
            await app.connected()
            await app.until(lambda: isinstance(app.sheet, WaitSheet))
            await pilot.press("R")
            assert app.desk.notice.startswith("the run goes on elsewhere")
            await pilot.press("p")
            await app.until(lambda: app.waits("question"))
            await pilot.press("a", "2")
            await app.until(lambda: app.waits("question") and "Which city?" in app.page())
            await pilot.press("x")
            assert await app.ended() == "cancelled"
        assert await asyncio.to_thread(process.wait, 30) != 0
    finally:
        process.kill()
        process.wait()


async def test_what_no_command_reaches_says_why(project: Project, language: str) -> None:
    run = project.run(project.write(f"a.{language}", WAITS[language].replace("600000", "1")))
    app = project.window(first=run)
    async with app.run_test(size=SIZE) as pilot:
        assert await app.ended() == "ok"
        for key in "psbc":
            await pilot.press(key)
            assert app.desk.notice.startswith("the run has ended (ok): r runs the spell again"), key
        await pilot.press("a")
        assert "the run has ended" in app.desk.notice
        await pilot.press("x")
        assert app.desk.notice == "the run has ended (ok)"


async def test_an_older_runtime_takes_no_commands(project: Project, stored, tmp_path: Path) -> None:
    """It closes what it does not understand."""

    async def older(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    path = tmp_path / "s.sock"
    app = project.window()
    async with await asyncio.start_unix_server(older, path), app.run_test(size=SIZE) as pilot:
        model = stored("hooks").model(20)
        app.lay(model)
        await app._connect(model, str(path))
        await pilot.press("p")
        assert app.desk.notice == "the run takes no commands: it may have been started by an older llmspell"
        await app._connect(model, str(tmp_path / "none.sock"))
        await pilot.press("p")
        assert app.desk.notice.startswith("the run cannot be controlled")


async def test_a_run_whose_host_is_killed_is_not_waited_for(project: Project, language: str) -> None:
    app = project.window(project.write(f"a.{language}", ASKS[language]))
    async with app.run_test(size=SIZE) as pilot:
        await app.until(lambda: app.waits("question"))
        assert app._client is not None and app._client.pid is not None
        os.kill(app._client.pid, signal.SIGKILL)
        await app.until(lambda: app.sheet is None)
        await app.until(lambda: "the host died" in app.desk.trouble)
        async with asyncio.timeout(60):  # events that were told and never stored have it read again
            while any(worker.group == "read" and not worker.is_finished for worker in app.workers):
                await pilot.pause()
        await pilot.press("p")
        assert "ended" in app.desk.notice


def test_why_is_a_sentence_for_each_case(stored) -> None:
    live, over = stored("hooks").model(20), stored("hooks").model()
    assert missing(None, None) == "there is no run"
    assert missing(over, None).startswith("the run has ended (ok)")
    assert "no socket" in missing(live, None)
    assert missing(live, Control()) == ""
    assert missing(live, Control(why="gone")) == "gone"
    control = Control()
    control.take({"notice": "waiting", "kind": "question", "number": 3, "question": "?"})
    control.take({"notice": "paused", "reason": "breakpoint error", "stop": "error"})
    assert control.wants is control.waiting[0] and control.questions and not control.calls
    control.take({"notice": "settled", "number": 3})
    assert control.wants is not None and control.wants["stop"] == "error"
    control.take_status({"replaying": True})
    assert "replay" in control.why and not control.paused
    control.take({"notice": "ended", "status": "ok"})
    assert control.why == "the run has ended"
