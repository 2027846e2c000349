"""Agents, tools and workflows in each other, and what is handed over on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.traces.recording import Recording

both = pytest.mark.parametrize("language", ["lua", "js"])

NESTED = {
    "lua": """
        local a, b = Agent.new{ name = "a" }, Agent.new{ name = "b" }
        local flow = Workflow.sequential{ name = "flow", steps = { { agent = a }, { agent = b } } }
        local panel = CompositeAgent.new{ name = "panel", agents = { flow, b } }
        local line = PipelineAgent.new{ name = "line", stages = { flow, { agent = a, transformer = function(v) return #v end } } }
        local team = SupervisorAgent.new{ name = "team", workers = { flow = flow, line = line } }
        local outer = Workflow.sequential{ name = "outer", steps = {
          { agent = panel, output = "panel" }, { agent = team, input = "{{panel.flow}}", output = "team" },
          { tool = AgentTool.wrap(line, "line_tool", "Asks the line"), input = "go", output = "tool" } } }
        local boss = Agent.new{ name = "boss", tools = { AgentTool.wrap(outer, "outer", "Everything") } }
        return { panel:execute("hi").data, line:process("hi"), team:delegate_task("hi", "line").result,
          outer:run("hi"), boss:chat("please ask outer") }
    """,
    "js": """
        const a = new Agent({ name: "a" }), b = new Agent({ name: "b" });
        const flow = Workflow.sequential({ name: "flow", steps: [{ agent: a }, { agent: b }] });
        const panel = new CompositeAgent({ name: "panel", agents: [flow, b] });
        const line = new PipelineAgent({ name: "line", stages: [flow, { agent: a, transformer: (v) => v.length }] });
        const team = new SupervisorAgent({ name: "team", workers: { flow, line } });
        const outer = Workflow.sequential({ name: "outer", steps: [
          { agent: panel, output: "panel" }, { agent: team, input: "{{panel.flow}}", output: "team" },
          { tool: AgentTool.wrap(line, "line_tool", "Asks the line"), input: "go", output: "tool" }] });
        const boss = new Agent({ name: "boss", tools: [AgentTool.wrap(outer, "outer", "Everything")] });
        return [(await panel.execute("hi")).data, await line.process("hi"), (await team.delegateTask("hi", "line")).result,
          await outer.run("hi"), await boss.chat("please ask outer")];
    """,
}


@both
@pytest.mark.mission(52)
async def test_agents_tools_and_workflows_nest_in_each_other(
    cast: Any, model: Any, language: str, tmp_path: Path
) -> None:
    result = await cast(**{language: NESTED[language]}, model=model)
    panel, line, delegated, outer, chatted = result.value
    assert panel == {"flow": "You said: You said: hi", "b": "You said: hi"}
    assert line == delegated == len("You said: You said: You said: hi")
    assert outer == {"response": str(len("You said: " * 3 + "go"))}
    assert chatted.startswith("The answer is ")
    [path] = (tmp_path / ".llmspell/runs").glob("*.db")
    replayed = await cast(**{language: NESTED[language]}, replay=Recording.load(path, values.unpack))
    assert replayed.value == result.value
    assert [(e.kind, e.time, e.span, e.data) for e in replayed.events] == [
        (e.kind, e.time, e.span, e.data) for e in result.events
    ]


HANDED = {
    "lua": """
        local a = Agent.new{ name = "a", state = { notes = "from a" } }
        local b, c = Agent.new{ name = "b" }, Agent.new{ name = "c" }
        StateHandoff.new{ from = "a", to = "b", filter = { include = { "notes" } } }
        StateHandoff.new{ from = "team", to = "c", filter = { include = { "brief" } } }
        PipelineAgent.new{ stages = { a, b } }:process("hi")
        local team = SupervisorAgent.new{ name = "team", workers = { c }, state = { brief = "be kind" } }
        team:execute("hi")
        return { b.state.notes, c.state.brief }
    """,
    "js": """
        const a = new Agent({ name: "a", state: { notes: "from a" } });
        const b = new Agent({ name: "b" }), c = new Agent({ name: "c" });
        new StateHandoff({ from: "a", to: "b", filter: { include: ["notes"] } });
        new StateHandoff({ from: "team", to: "c", filter: { include: ["brief"] } });
        await new PipelineAgent({ stages: [a, b] }).process("hi");
        const team = new SupervisorAgent({ name: "team", workers: [c], state: { brief: "be kind" } });
        await team.execute("hi");
        return [b.state.notes, c.state.brief];
    """,
}


@both
async def test_what_a_handoff_names_goes_with_a_stage_and_with_a_task(cast: Any, model: Any, language: str) -> None:
    result = await cast(**{language: HANDED[language]}, model=model)
    assert result.value == ["from a", "be kind"]
    assert len(result.of("handoff")) == 2


async def test_a_handler_of_before_init_changes_how_a_team_works(cast: Any, model: Any) -> None:
    source = """
        Hooks.register("before_init", function(c)
          if c.agent_name == "team" then c.options.strategy = "skill_based" end
        end)
        local team = SupervisorAgent.new{ name = "team", workers = {
          Agent.new{ name = "cook" }, Agent.new{ name = "poet", capabilities = { "verses" } } } }
        team:execute("two verses")
    """
    result = await cast(lua=source, model=model)
    assert [event.data["worker"] for event in result.of("delegation_started")] == ["poet"]
