"""What every agent is, in both languages: identity, tools, state, execution, description."""

from __future__ import annotations

import json
from typing import Any

import pytest

both = pytest.mark.parametrize("language", ["lua", "js"])

IDENTITY = {
    "lua": """
        local agent = Agent.new{ id = "a7", name = "Ada", capabilities = { "sums" }, metadata = { team = "x" },
          tools = { Calculator.new() } }
        local unnamed = Agent.new("hello")
        local about = agent:metadata()
        return { agent.id, agent.name, agent:capabilities(), about.id, about.name, about.type, about.tools,
          about.metadata.team, unnamed.id ~= agent.id, unnamed.name == unnamed.id }
    """,
    "js": """
        const agent = new Agent({ id: "a7", name: "Ada", capabilities: ["sums"], metadata: { team: "x" },
          tools: [new Calculator()] });
        const unnamed = new Agent("hello"), about = agent.metadata();
        return [agent.id, agent.name, agent.capabilities(), about.id, about.name, about.type, about.tools,
          about.metadata.team, unnamed.id !== agent.id, unnamed.name === unnamed.id];
    """,
}


@both
@pytest.mark.mission(1, 2, 8, 11)
async def test_an_agent_says_who_it_is(cast: Any, language: str) -> None:
    spell = await cast(**{language: IDENTITY[language]})
    assert spell.value == [
        *("a7", "Ada", ["sums", "calculator"], "a7", "Ada", "agent", ["calculator"], "x"),
        *(True, True),
    ]


TOOLS = {
    "lua": """
        local agent = Agent.new{ tools = { FileSystem.new{ read_only = true, allowed_paths = { "." } } } }
        agent:add_tool(Calculator.new())
        local ok, problem = pcall(agent.add_tool, agent, Calculator.new())
        local names = {}
        for _, tool in ipairs(agent.tools) do names[#names + 1] = tool.name end
        return { names, agent.tools[1].config.read_only, agent.tools[1].config.allowed_paths, ok, tostring(problem) }
    """,
    "js": """
        const agent = new Agent({ tools: [new FileSystem({ readOnly: true, allowedPaths: ["."] })] });
        agent.addTool(new Calculator());
        let problem = "";
        try { agent.addTool(new Calculator()); } catch (error) { problem = String(error); }
        const files = agent.tools.find(t => t.name === "file_system");
        return [agent.tools.map(t => t.name), files.config.readOnly, files.config.allowedPaths, problem === "", problem];
    """,
}


@both
@pytest.mark.mission(3, 4)
async def test_tools_join_an_agent_and_are_found_with_their_config(cast: Any, language: str) -> None:
    names, read_only, paths, accepted, problem = (await cast(**{language: TOOLS[language]})).value
    assert (names, read_only, paths, accepted) == (["file_system", "calculator"], True, ["."], False)
    assert "already has a tool named 'calculator'" in problem


STATE = {
    "lua": """
        local agent = BaseAgent.new{ name = "worker", state = { status = "idle", count = 1 },
          transitions = { idle = { start = "busy" }, busy = { stop = "idle" } } }
        agent.state.list = { 1, 2 }
        agent.state.list[3] = 3
        agent.state.count = agent.state.count + 1
        local status = agent:transition("start")
        local ok, problem = pcall(agent.transition, agent, "start")
        local text = JSON.stringify(agent.state)
        agent.state = JSON.parse(text)
        agent:set_state("done")
        return { status, ok, tostring(problem), agent.state, text }
    """,
    "js": """
        const agent = new BaseAgent({ name: "worker", state: { status: "idle", count: 1 },
          transitions: { idle: { start: "busy" }, busy: { stop: "idle" } } });
        agent.state.list = [1, 2];
        agent.state.list.push(3);
        agent.state.count += 1;
        const status = agent.transition("start");
        let problem = "";
        try { agent.transition("start"); } catch (error) { problem = String(error); }
        const text = JSON.stringify(agent.state);
        agent.state = JSON.parse(text);
        agent.setState("done");
        return [status, problem === "", problem, agent.state, text];
    """,
}


@both
@pytest.mark.mission(6, 7)
async def test_state_is_read_written_and_moved_on(cast: Any, language: str) -> None:
    spell = await cast(**{language: STATE[language]})
    status, again, problem, state, text = spell.value
    assert (status, again) == ("busy", False)
    assert "cannot 'start' while it is 'busy'" in problem
    assert state == {"status": "done", "count": 2, "list": [1, 2, 3]}
    assert json.loads(text) == {"status": "busy", "count": 2, "list": [1, 2, 3]}
    changed = [event.data for event in spell.of("state_changed")]
    assert changed[0]["path"] == "" and changed[0]["old"] == {}, "its first state is told too"
    assert changed[1]["path"] == "list" and changed[1]["value"] == [1, 2], "an event keeps the value of its moment"
    assert [change["path"] for change in changed[3:]] == ["count", "status", "", "status"]
    assert (changed[3]["old"], changed[3]["value"]) == (1, 2)


EXECUTE = {
    "lua": """
        local agent = Agent.new{ name = "Ada" }
        local out = agent:execute{ query = "How?", user_id = "u1" }
        local again = agent:execute(out)
        return { out.content, tostring(out), "<" .. out .. ">", out.agent, out.usage.total > 0, out.duration >= 0,
          again.content, #out.tool_calls, #out }
    """,
    "js": """
        const agent = new Agent({ name: "Ada" });
        const out = await agent.execute({ query: "How?", user_id: "u1" });
        const again = await agent.execute(out);
        return [out.content, String(out), `<${out}>`, out.agent, out.usage.total > 0, out.duration >= 0,
          again.content, out.toolCalls.length, String(out).length];
    """,
}


@both
@pytest.mark.mission(5, 9, 10)
async def test_an_execution_gives_an_output_that_reads_as_its_text(cast: Any, model: Any, language: str) -> None:
    spell = await cast(**{language: EXECUTE[language]}, model=model)
    text = "You said: How?"
    sent = model.requests[0].json["messages"][-1]["content"]
    assert sent.startswith("How?") and "u1" not in sent, "user_id is a control, not part of the question"
    assert spell.value[:8] == [text, text, f"<{text}>", "Ada", True, True, f"You said: {text}", 0]
    assert spell.kinds.count("execution_started") == spell.kinds.count("execution_completed") == 2


@both
async def test_a_bare_base_agent_says_that_it_has_no_work(cast: Any, language: str) -> None:
    source = {
        "lua": "BaseAgent.new{ name = 'idle' }:execute('x')",
        "js": "await new BaseAgent({ name: 'idle' }).execute('x')",
    }
    error = (await cast(**{language: source[language]})).result.error
    assert "does not know how to execute" in error.message and "override execute" in error.hint
    assert error.source.endswith(":1")


STEPS = {
    "lua": """
        local Sorter = BaseAgent:extend("Sorter")
        function Sorter:execute(input) return self:execute_step({ tool = "word-count", action = "count" }, input) end
        local words = Tool.define{ name = "word_count", description = "Counts words",
          parameters = { type = "object", required = { "operation", "text" }, properties = {
            operation = { type = "string" }, text = { type = "string" } } },
          execute = function(p)
            local _, n = p.text:gsub("%S+", "")
            return { operation = p.operation, n = n }
          end }
        local s = Sorter.new{ tools = { words } }
        return { s:execute("one two"), s:execute{ text = "a b c" }, s:execute_step({ tool = "nope" }, 1),
          s:execute_step({ tool = "word_count" }, { text = 5, operation = "count" }), s:execute_step({}, 1) }
    """,
    "js": """
        class Sorter extends BaseAgent {
          async execute(input) { return await this.executeStep({ tool: "word-count", action: "count" }, input); }
        }
        const words = Tool.define({ name: "word_count", description: "Counts words",
          parameters: { type: "object", required: ["operation", "text"], properties: {
            operation: { type: "string" }, text: { type: "string" } } },
          execute: (p) => ({ operation: p.operation, n: p.text.split(/\\s+/).length }) });
        const s = new Sorter({ tools: [words] });
        return [await s.execute("one two"), await s.execute({ text: "a b c" }), await s.executeStep({ tool: "nope" }, 1),
          await s.executeStep({ tool: "word_count" }, { text: 5, operation: "count" }), await s.executeStep({}, 1)];
    """,
}


@both
@pytest.mark.mission(13)
async def test_steps_run_the_agents_own_tools(cast: Any, language: str) -> None:
    text, table, unknown, wrong, nothing = (await cast(**{language: STEPS[language]})).value
    assert text == {"output": {"operation": "count", "n": 2}}
    assert table == {"output": {"operation": "count", "n": 3}}
    assert "no tool named 'nope'" in unknown["error"]
    assert "text" in wrong["error"]
    assert "names no tool" in nothing["error"]


@both
async def test_a_limit_inside_a_step_ends_the_run(cast: Any, language: str) -> None:
    """`execute_step` gives errors as values, but a limit cannot be caught."""
    source = {
        "lua": """
            local inner = AgentTool.wrap(Agent.new{ name = "inner" }, "inner", "asks")
            BaseAgent.new{ tools = { inner } }:execute_step({ tool = "inner" }, "x")
            return "went on"
        """,
        "js": """
            const inner = AgentTool.wrap(new Agent({ name: "inner" }), "inner", "asks");
            await new BaseAgent({ tools: [inner] }).executeStep({ tool: "inner" }, "x");
            return "went on";
        """,
    }
    spell = await cast(**{language: source[language]}, flags={"limits.max_calls": 0})
    assert spell.result.status == "limit"


@both
async def test_a_renamed_agent_leaves_its_old_name(cast: Any, language: str) -> None:
    source = {
        "lua": "local a = Agent.new{ name = 'x' }; a.name = 'y'; a.id = 'i'; return { Agent.list(), Agent.get('y') == a, Agent.get('i') == a }",
        "js": "const a = new Agent({ name: 'x' }); a.name = 'y'; a.id = 'i'; return [Agent.list(), Agent.get('y') === a, Agent.get('i') === a]",
    }
    assert (await cast(**{language: source[language]})).value == [["y"], True, True]
