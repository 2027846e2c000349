"""CompositeAgent: several agents as one, in both ways, with every kind of aggregator and of member."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.testing.answers import Answer
from llmspell.traces.recording import Recording

both = pytest.mark.parametrize("language", ["lua", "js"])

PANEL = {
    "lua": """
        local a, b = Agent.new{ name = "a" }, Agent.new{ name = "b" }
        local panel = CompositeAgent.new{ name = "panel", agents = { a, b } }
        local joined = CompositeAgent.new{ agents = { second = b, first = a },
          aggregator = function(results, input) return results[1] .. " & " .. results[2] .. " on " .. input end }
        local judged = CompositeAgent.new{ agents = { a, b }, aggregator = Agent.new{ name = "judge" } }
        local out = panel:execute("Hi")
        return { panel.agents, out.data, out.usage.total, tostring(joined:execute("Ho")), joined.agents,
          tostring(judged:execute("Hm")) }
    """,
    "js": """
        const a = new Agent({ name: "a" }), b = new Agent({ name: "b" });
        const panel = new CompositeAgent({ name: "panel", agents: [a, b] });
        const joined = new CompositeAgent({ agents: { second: b, first: a },
          aggregator: (results, input) => `${results[0]} & ${results[1]} on ${input}` });
        const judged = new CompositeAgent({ agents: [a, b], aggregator: new Agent({ name: "judge" }) });
        const out = await panel.execute("Hi");
        return [panel.agents, out.data, out.usage.total, `${await joined.execute("Ho")}`, joined.agents,
          `${await judged.execute("Hm")}`];
    """,
}


@both
@pytest.mark.mission(49)
async def test_several_agents_answer_as_one(cast: Any, model: Any, language: str) -> None:
    result = await cast(**{language: PANEL[language]}, model=model)
    names, data, tokens, joined, order, judged = result.value
    assert (names, data) == (["a", "b"], {"a": "You said: Hi", "b": "You said: Hi"})
    assert joined == "You said: Ho & You said: Ho on Ho"
    assert order == ["first", "second"]
    assert judged.startswith("You said: Hm") and '"a": "You said: Hm"' in judged
    completed = [event.data for event in result.of("execution_completed")]
    assert tokens == sum(data["usage"]["total"] for data in completed[:2])
    panel = next(event for event in result.of("execution_started") if event.name == "panel")
    inside = [event.name for event in result.of("execution_started") if event.parent == panel.span]
    assert inside == ["a", "b"], "the members' work lies inside the panel's"


async def test_at_once_means_at_once_and_no_more_than_are_allowed(cast: Any, model: Any) -> None:
    """Each waits for the other's request: one after the other they would wait for ever."""
    source = """
        local met, most, now = 0, 0, 0
        local function member(name)
          return Agent.new{ name = name, hooks = { before_llm_call = function()
            now = now + 1; most = math.max(most, now)
            met = met + 1
            LIMIT
          end, after_llm_call = function() now = now - 1 end } }
        end
        CompositeAgent.new{ agents = { member("a"), member("b"), member("c") }, concurrency = COUNT }:execute("Hi")
        return most
    """
    meeting = source.replace("LIMIT", "while met < 3 do Async.sleep(1) end").replace("COUNT", "3")
    assert (await cast(lua=meeting, model=model)).value == 3
    assert (await cast(lua=source.replace("LIMIT", "Async.sleep(1)").replace("COUNT", "1"), model=model)).value == 1


ROUND = {
    "lua": """
        local table = CompositeAgent.new{ mode = "sequential", agents = { Agent.new{ name = "a" }, Agent.new{ name = "b" } } }
        return table:execute("Topic").data
    """,
    "js": """
        const agents = [new Agent({ name: "a" }), new Agent({ name: "b" })];
        return (await new CompositeAgent({ mode: "sequential", agents }).execute("Topic")).data;
    """,
}


@both
@pytest.mark.mission(49)
async def test_one_after_the_other_each_sees_the_answers_before_it(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(text="first"), Answer(text="second"))
    result = await cast(**{language: ROUND[language]}, model=model)
    assert result.value == {"a": "first", "b": "second"}
    asked = [request.json["messages"][-1]["content"] for request in model.requests]
    assert asked == ["Topic", 'Topic\n\n{"answers": {"a": "first"}}']


NESTED = {
    "lua": """
        local shout = Tool.define{ name = "shout", description = "Shouts",
          parameters = { type = "object", properties = { text = { type = "string" } }, required = { "text" } },
          execute = function(given) return given.text:upper() end }
        local Echo = BaseAgent:extend()
        function Echo:execute(input) return coroutine.wrap(function() return "echo of " .. (input.message or input) end) end
        Agent.new{ name = "named" }
        local inner = CompositeAgent.new{ name = "inner", agents = { shout, Echo.new{ name = "echo" } } }
        local expert = AgentTool.wrap(Agent.new{ name = "expert" }, "ask_expert", "Knows")
        local outer = CompositeAgent.new{ agents = { inner = inner, tool = expert, named = "named" } }
        local boss = Agent.new{ name = "boss", tools = { AgentTool.wrap(outer, "outer", "All of them") } }
        return { outer:execute("hi").data, boss:chat("please ask outer") }
    """,
    "js": """
        const shout = Tool.define({ name: "shout", description: "Shouts",
          parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
          execute: (given) => given.text.toUpperCase() });
        class Echo extends BaseAgent { async execute(input) { return `echo of ${input.message ?? input}`; } }
        new Agent({ name: "named" });
        const inner = new CompositeAgent({ name: "inner", agents: [shout, new Echo({ name: "echo" })] });
        const expert = AgentTool.wrap(new Agent({ name: "expert" }), "ask_expert", "Knows");
        const outer = new CompositeAgent({ agents: { inner, tool: expert, named: "named" } });
        const boss = new Agent({ name: "boss", tools: [AgentTool.wrap(outer, "outer", "All of them")] });
        return [(await outer.execute("hi")).data, await boss.chat("please ask outer")];
    """,
}


@both
@pytest.mark.mission(49, 52)
async def test_agents_tools_and_composites_nest_in_each_other(
    cast: Any, model: Any, language: str, tmp_path: Path
) -> None:
    result = await cast(**{language: NESTED[language]}, model=model)
    values_, said = result.value
    assert values_ == {
        "inner": {"shout": "HI", "echo": "echo of hi"},
        "tool": "You said: hi",
        "named": "You said: hi",
    }
    assert '"shout": "PLEASE ASK OUTER"' in said.replace('\\"', '"')
    [path] = (tmp_path / ".llmspell/runs").glob("*.db")
    replayed = await cast(**{language: NESTED[language]}, replay=Recording.load(path, values.unpack))
    assert [(e.kind, e.time, e.span, str(e.data)) for e in replayed.events] == [
        (e.kind, e.time, e.span, str(e.data)) for e in result.events
    ]


FAILING = """
    local good = Agent.new{ name = "good" }
    local Bad = BaseAgent:extend()
    function Bad:execute() error("no luck") end
    local both = CompositeAgent.new{ agents = { good, Bad.new{ name = "bad" } }, on_error = "%s", mode = "%s" }
    return both:execute("Hi").data
"""


@pytest.mark.parametrize("mode", ["concurrent", "sequential"])
async def test_one_that_fails_fails_the_whole_or_is_left_out(cast: Any, model: Any, mode: str) -> None:
    assert (await cast(lua=FAILING % ("continue", mode), model=model)).value == {"good": "You said: Hi"}
    failed = await cast(lua=FAILING % ("fail", mode), model=model)
    assert "no luck" in failed.result.error.message


async def test_where_all_fail_the_first_failure_is_told(cast: Any) -> None:
    source = """
        local Bad = BaseAgent:extend()
        function Bad:execute() error("no luck for " .. self.name) end
        CompositeAgent.new{ agents = { Bad.new{ name = "x" }, Bad.new{ name = "y" } }, on_error = "continue" }:execute("Hi")
    """
    assert "no luck for x" in (await cast(lua=source)).result.error.message


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("CompositeAgent.new{}", "missing 'agents'"),
        ('CompositeAgent.new{ agents = { "nobody" } }', "there is no agent named 'nobody'"),
        ('local a = Agent.new{ name = "a" } CompositeAgent.new{ agents = { a, a } }', "two are called 'a'"),
        ('CompositeAgent.new{ agents = { Agent.new() }, mode = "parallel" }', "mode"),
        ("CompositeAgent.new{ agents = { 7 } }", "agents"),
    ],
)
async def test_what_is_no_composite_is_a_clear_error(cast: Any, source: str, said: str) -> None:
    result = await cast(lua=source)
    assert said in result.result.error.message
