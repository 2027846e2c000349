"""`llmspell run --plan`: what a spell's first workflow would do is shown; no model is asked, no run is stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.cli.main import main
from llmspell.testing.server import ServerThread

Said = Callable[..., tuple[int, str, str]]
both = pytest.mark.parametrize("language", ["lua", "js"])


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Runs a command in an empty folder; gives its exit code, what it printed, and what it said on stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


SPELL = {
    "lua": """
        print("before")
        local seen = {}
        Hooks.register("before_workflow", function() print("asked") end)
        local researcher = ResearchAgent.new{ name = "researcher", tools = { Calculator.new() } }
        local writer = Agent.new{ name = "writer", system_prompt = "You write." }
        local polish = Workflow.sequential{ name = "polish", steps = { { agent = writer, input = "Polish {{input}}" } } }
        local flow = Workflow.create{ name = "blog", steps = {
          { agent = researcher, action = "search", input = "{{topic}} near {{params.place}}", output = "notes" },
          { type = "parallel", steps = { { agent = writer, action = "praise", input = "{{notes}}" },
            { agent = writer, role = "critic" } } },
          { type = "loop", max_iterations = 3, condition = function() print("asked") return true end,
            body = { tool = "calculator", params = { expression = "1+{{iteration}}" } } },
          { type = "conditional", condition = "{{notes}}", true_branch = polish, false_branch = function(v) return v end },
          { type = "map_reduce", items = "{{pages}}", map = { agent = writer, input = "Sum up {{item}}" },
            reduce = function() print("asked") end },
        } }
        flow:run{ topic = "tides", pages = { 1, 2 } }
        print("after")
    """,
    "js": """
        console.log("before");
        Hooks.register("before_workflow", () => console.log("asked"));
        const researcher = new ResearchAgent({ name: "researcher", tools: [new Calculator()] });
        const writer = new Agent({ name: "writer", systemPrompt: "You write." });
        const polish = Workflow.sequential({ name: "polish", steps: [{ agent: writer, input: "Polish {{input}}" }] });
        const flow = Workflow.create({ name: "blog", steps: [
          { agent: researcher, action: "search", input: "{{topic}} near {{params.place}}", output: "notes" },
          { type: "parallel", steps: [{ agent: writer, action: "praise", input: "{{notes}}" },
            { agent: writer, role: "critic" }] },
          { type: "loop", maxIterations: 3, condition: () => { console.log("asked"); return true; },
            body: { tool: "calculator", params: { expression: "1+{{iteration}}" } } },
          { type: "conditional", condition: "{{notes}}", trueBranch: polish, falseBranch: (v) => v },
          { type: "map_reduce", items: "{{pages}}", map: { agent: writer, input: "Sum up {{item}}" },
            reduce: () => console.log("asked") },
        ] });
        await flow.run({ topic: "tides", pages: [1, 2] });
        console.log("after");
    """,
}


def _steps(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for part in plan["parts"] for step in part["steps"]]


@both
def test_a_plan_shows_steps_prompts_agents_models_and_tools_and_asks_nobody(
    say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    spell = tmp_path / f"blog.{language}"
    spell.write_text(SPELL[language], encoding="utf-8")
    with ServerThread() as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.openai_url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        monkeypatch.setenv("LLMSPELL_DEFAULT_MODEL", "openai/test")
        code, printed, said = say("run", "--plan", spell.name, "--param", "place=Bath", "--json")
        plain = say("run", "--plan", spell.name, "--param", "place=Bath")
        assert server.requests == []
    assert (code, said) == (0, "before\n")
    plan = json.loads(printed)
    assert plan["models"] == ["openai/test"]
    assert plan["tools"] == ["calculator"]
    assert plan["agents"]["researcher"]["tools"] == ["calculator"]
    assert plan["agents"]["writer"] == {
        "type": "agent",
        "tools": [],
        "system_prompt": "You write.",
        "model": "openai/test",
    }
    search, fan_out, loop, conditional, mapped = _steps(plan["workflow"])
    assert (search["agent"], search["action"], search["prompt"]) == ("researcher", "search", "tides near Bath")
    assert "{{input}}" in search["template"]
    assert [step["prompt"] for step in _steps(fan_out)] == ["praise\n\n{{notes}}", "critic\n\n{{notes}}"]
    assert (loop["max_iterations"], loop["condition"]["function"].startswith(spell.name)) == (3, True)
    assert _steps(loop)[0]["params"] == {"expression": "1+{{iteration}}"}
    assert _steps(_steps(conditional)[0]["workflow"])[0]["prompt"] == "Polish {{input}}"
    assert mapped["items"] == [1, 2]
    assert _steps(mapped)[0]["prompt"] == "Sum up {{item}}"
    code, printed, _ = plain
    assert code == 0
    for line in (
        *("workflow blog (sequential)", "  1 notes: agent researcher", "      prompt  tides near Bath"),
        *("      max_iterations  3", "agents", "  writer  agent · openai/test", "tools  calculator"),
    ):
        assert f"\n{line}" in printed
    assert say("trace", "list", "--json")[1].strip() == "[]"


ENDS = {
    "model": ("Agent.new{ name = 'early' }:chat('hello')", "early asks the model offline/"),
    "tool": ("Calculator.new():execute{ expression = '1+1' }", "the tool calculator is called"),
    "script tool": (
        "Tool.define{ name = 'mine', description = 'd', execute = function() print('called') end }:execute{}",
        "the tool mine is called",
    ),
    "state": ("State.set('key', 1)", "the spell changes its lasting state 'key'"),
    "person": ("Human.ask{ question = 'Well?' }", "the spell asks a person 'Well?'"),
}


@pytest.mark.parametrize("what", ENDS)
def test_what_costs_or_lasts_ends_the_plan(say: Said, tmp_path: Path, what: str) -> None:
    call, told = ENDS[what]
    spell = tmp_path / "early.lua"
    spell.write_text(f"{call}\nWorkflow.sequential{{ steps = {{}} }}:run()\n", encoding="utf-8")
    code, printed, said = say("run", "--plan", spell.name)
    assert (code, "called" in said) == (0, False)
    assert told in printed, printed
    assert "(early.lua:1)" in printed
    assert json.loads(say("run", "--plan", spell.name, "--json")[1])["ended"] in printed


def test_a_plan_of_a_spell_without_a_workflow_and_of_one_that_fails(say: Said, tmp_path: Path) -> None:
    spell = tmp_path / "none.lua"
    spell.write_text("local agent = Agent.new{ name = 'a' } agent.state.x = 1 return 5", encoding="utf-8")
    code, printed, _ = say("run", "--plan", spell.name)
    assert (code, "run no workflow: there is nothing to plan" in printed) == (0, True)
    spell.write_text("error('broken')", encoding="utf-8")
    assert say("run", "--plan", spell.name)[0] == 1
    spell.write_text("Workflow.sequential{ name = 'w', steps = { { agent = 'nobody' } } }:run()", encoding="utf-8")
    code, printed, said = say("run", "--plan", spell.name)
    assert (code, printed, "there is no agent named 'nobody'" in said) == (1, "", True)


def test_what_means_nothing_to_a_plan_is_refused(say: Said, tmp_path: Path) -> None:
    (tmp_path / "a.lua").touch()
    for flag in (["--replay", "last"], ["--watch"], ["--record", "x"], ["--trace"]):
        code, _, said = say("run", "--plan", "a.lua", *flag)
        assert (code, f"{flag[0]} means nothing to a plan" in said) == (2, True)
