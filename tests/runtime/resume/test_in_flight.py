"""What was under way when a host was killed: streams, timers, time limits, clocks, watches, hook files."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

ENDING = {"lua": ".lua", "javascript": ".js"}


def ok(project: Project, *arguments: str) -> str:
    done = project.run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_step_that_took_too_long_is_given_its_time_again(project: Project, language: str) -> None:
    text = {
        "lua": """
        local a = Agent.new("a")
        return Workflow.sequential{ steps = {
          { agent = a, input = "one" }, { agent = a, input = "two", timeout = 2500 } } }:run()
        """,
        "javascript": """
        const a = new Agent("a");
        return await Workflow.sequential({ steps: [
          { agent: a, input: "one" }, { agent: a, input: "two", timeout: 2500 }] }).run();
        """,
    }[language]
    spell = project.write(f"spell{ENDING[language]}", text)
    project.answering.hangs.add("two")
    assert "took longer than 2500 ms" in project.run(spell).stderr
    assert "took longer than 2500 ms" in project.run("--resume", "last").stderr  # the limit holds there too
    project.answering.hangs.clear()
    assert ok(project, "--resume", "last") == "You said: two\n"
    assert project.asked == ["one", "two", "two", "two"]
    assert len(set(project.keys)) == 2


def test_clocks_never_step_back_and_chance_goes_on(project: Project, language: str) -> None:
    text = {
        "lua": """
        local seen, dice = { os.clock() }, {}
        local function look() seen[#seen + 1] = os.clock() dice[#dice + 1] = math.random(1000000) end
        for i = 1, 300000 do local _ = tostring(i) end
        look() Agent.new("a"):chat("one") look() Agent.new("b"):chat("two") look()
        local steady = true
        for i = 2, #seen do steady = steady and seen[i] >= seen[i - 1] end
        return { steady = steady, dice = dice }
        """,
        "javascript": """
        const seen = [performance.now()], dice = [];
        const look = () => { seen.push(performance.now()); dice.push(Math.random()); };
        look(); await new Agent("a").chat("one"); look(); await new Agent("b").chat("two"); look();
        return { steady: seen.every((value, i) => i === 0 || value >= seen[i - 1]), dice };
        """,
    }[language]
    spell = project.write(f"spell{ENDING[language]}", text)
    project.killed(spell, at="two")
    resumed = json.loads(ok(project, "--resume", "last", "--json"))["result"]
    assert resumed["steady"] is True
    assert json.loads(ok(project, "--replay", "last", "--json"))["result"] == resumed


def test_timers_in_flight_are_set_again(project: Project, language: str) -> None:
    text = {
        "lua": """
        return Async.all{ function() Async.sleep(700) return "slept" end, function() return Agent.new("a"):chat("one") end }
        """,
        "javascript": """
        return await Async.all([async () => { await Async.sleep(700); return "slept"; }, () => new Agent("a").chat("one")]);
        """,
    }[language]
    spell = project.write(f"spell{ENDING[language]}", text)
    project.killed(spell, at="one")
    began = time.monotonic()
    assert json.loads(ok(project, "--resume", "last", "--json"))["result"] == ["slept", "You said: one"]
    assert time.monotonic() - began > 0.7


@pytest.mark.parametrize("same", [True, False], ids=["the same answer", "another answer"])
def test_a_stream_goes_on_where_it_was_if_the_answer_is_the_same(project: Project, language: str, same: bool) -> None:
    """A part of it was given out, and stored with the step beside it."""
    from llmspell.testing.answers import Answer

    text = {
        "lua": """
        local told = {}
        local function tell()
          for piece in Agent.new("poet"):stream_chat("a poem") do told[#told + 1] = piece end
          return table.concat(told)
        end
        local a = Agent.new("a")
        return Async.all{ tell, function()
          while #told == 0 do Async.sleep(5) end
          return Workflow.sequential{ steps = { { agent = a, input = "one" }, { agent = a, input = "two" } } }:run()
        end }[1]
        """,
        "javascript": """
        const told = [];
        const tell = async () => {
          for await (const piece of new Agent("poet").streamChat("a poem")) told.push(piece);
          return told.join("");
        };
        const a = new Agent("a");
        return (await Async.all([tell, async () => {
          while (!told.length) await Async.sleep(5);
          return await Workflow.sequential({ steps: [{ agent: a, input: "one" }, { agent: a, input: "two" }] }).run();
        }]))[0];
        """,
    }[language]
    spell = project.write(f"spell{ENDING[language]}", text)
    poem = "The tide comes in, the tide goes out, and nobody knows what it is all about."
    project.answering.told["a poem"] = Answer(text=poem, fault="stall")
    project.killed(spell, at="two")
    assert project.asked == ["a poem", "one", "two"]
    # The other answer ends the run: it comes late enough for the second step to have been asked beside it.
    project.answering.told["a poem"] = Answer(text=poem) if same else Answer(text="Roses are red.", delay=2000)
    done = project.run("--resume", "last")
    assert sorted(project.asked[3:]) == ["a poem", "two"]
    if same:
        assert (done.returncode, done.stdout) == (0, poem + "\n"), done.stderr
    else:
        assert done.returncode != 0
        assert "was answering when the run was stopped, and now answers otherwise" in done.stderr


def test_a_watch_goes_on(project: Project) -> None:
    spell = project.write(
        "spell.lua",
        """
        local seen = {}
        State.watch("", function(change) seen[#seen + 1] = change.value end)
        local a = Agent.new("a")
        local flow = Workflow.sequential{ steps = {
          function() State.set("k", 1) end, { agent = a, input = "one" }, { agent = a, input = "two" },
          function() State.set("k", 2) end,
        } }
        flow:run()
        while #seen < 2 do Async.sleep(5) end
        return seen
        """,
    )
    project.killed(spell, at="two")
    assert json.loads(ok(project, "--resume", "last", "--json"))["result"] == [1, 2]
    assert project.asked == ["one", "two", "two"]


@pytest.mark.parametrize("file", ["guard.lua", "guard.js", "guard.py"])
def test_hook_files_go_on(project: Project, file: str) -> None:
    """One in another language than the spell; a changed one is refused."""
    text = {
        "guard.lua": 'Hooks.register("before_llm_call", function(c) c.message = c.message .. "!" return c end)',
        "guard.js": 'Hooks.register("before_llm_call", (c) => { c.message += "!"; return c; });',
        "guard.py": """
from llmspell.hooks import hook

@hook("before_llm_call")
def louder(context):
    context["message"] += "!"
    return context
""",
    }[file]
    project.write(file, text)
    spell = project.write("spell.lua", 'local a = Agent.new("a") a:chat("one") return a:chat("two")')
    project.killed(spell, "--hooks", file, at="two")
    named = ("--hooks", file) if file.endswith(".py") else ()
    project.write(file, text + "\n")
    assert f"{file} has changed since run" in project.run("--resume", "last", *named).stderr
    project.write(file, text)
    assert ok(project, "--resume", "last", *named) == "You said: two!\n"
    assert project.asked == ["one!", "two!", "two!"]


def test_a_recording_does_not_start_python(project: Project) -> None:
    project.write("guard.py", "def before_llm_call(context):\n    return context\n")
    spell = project.write("spell.lua", 'return Agent.new("a"):chat("one")')
    project.killed(spell, "--hooks", "guard.py", at="one")
    refused = project.run("--resume", "last")
    assert refused.returncode == 2 and "it must be named again" in refused.stderr
