"""The model calls tools until it answers: at once, with mistakes it can mend, up to a limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmspell.providers.base import ToolCall
from llmspell.testing.answers import Answer

both = pytest.mark.parametrize("language", ["lua", "js"])

PARALLEL = {
    "lua": """
        local under_way, most = 0, 0
        local slow = Tool.define{ name = "slow", description = "Waits",
          parameters = { type = "object", properties = { n = { type = "integer" } }, required = { "n" } },
          execute = function(p)
            under_way = under_way + 1
            most = math.max(most, under_way)
            while under_way < 3 and most < 3 do Async.sleep(1) end
            under_way = under_way - 1
            return p.n * 10
          end }
        local agent = Agent.new{ tools = { slow } }
        local out = agent:execute("all three")
        return { most, out.content, out.tool_calls }
    """,
    "js": """
        let underWay = 0, most = 0;
        const slow = Tool.define({ name: "slow", description: "Waits",
          parameters: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] },
          execute: async (p) => {
            underWay += 1;
            most = Math.max(most, underWay);
            while (underWay < 3 && most < 3) await Async.sleep(1);
            underWay -= 1;
            return p.n * 10;
          } });
        const agent = new Agent({ tools: [slow] });
        const out = await agent.execute("all three");
        return [most, out.content, out.toolCalls];
    """,
}


@both
@pytest.mark.mission(24)
async def test_calls_of_one_answer_run_at_once_and_answer_in_order(cast: Any, model: Any, language: str) -> None:
    calls = tuple(ToolCall(f"c{n}", "slow", {"n": n}) for n in (1, 2, 3))
    model.will(Answer(tool_calls=calls), Answer(text="done"))
    most, content, shown = (await cast(**{language: PARALLEL[language]}, model=model)).value
    assert (most, content) == (3, "done")
    assert [(call["id"], call["result"]) for call in shown] == [("c1", 10), ("c2", 20), ("c3", 30)]
    told = [m for m in model.requests[1].json["messages"] if m["role"] == "tool"]
    assert [(m["tool_call_id"], m["content"]) for m in told] == [("c1", "10"), ("c2", "20"), ("c3", "30")]


MISTAKES = {
    "lua": """
        local adder = Tool.define{ name = "add", description = "Adds",
          parameters = { type = "object", required = { "a" }, properties = { a = { type = "number" } } },
          execute = function(p) if p.a < 0 then error("too small") end return p.a + 1 end }
        local agent = Agent.new{ tools = { adder }, tool_errors = params.mode }
        local out = agent:execute("go")
        return { out.content, out.tool_calls }
    """,
    "js": """
        const adder = Tool.define({ name: "add", description: "Adds",
          parameters: { type: "object", required: ["a"], properties: { a: { type: "number" } } },
          execute: (p) => { if (p.a < 0) throw new Error("too small"); return p.a + 1; } });
        const agent = new Agent({ tools: [adder], toolErrors: params.mode });
        const out = await agent.execute("go");
        return [out.content, out.toolCalls];
    """,
}
WRONG = (
    ToolCall("c1", "add", {"a": "x"}),
    ToolCall("c2", "subtract", {}),
    ToolCall("c3", "add", "{not json"),
    ToolCall("c4", "add", {"a": -1}),
    ToolCall("c5", "add", {"a": 1}),
)


@both
@pytest.mark.mission(24)
async def test_mistakes_are_told_to_the_model(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(tool_calls=WRONG), Answer(text="mended"))
    spell = await cast(**{language: MISTAKES[language]}, model=model, params={"mode": "return"})
    content, calls = spell.value
    assert content == "mended"
    told = [m["content"] for m in model.requests[1].json["messages"] if m["role"] == "tool"]
    assert [text.partition(":")[0] for text in told[:4]] == [
        "Error (validation)",
        "Error (tool)",
        "Error (validation)",
        "Error (script)",
    ]
    assert "no tool named 'subtract'" in told[1] and "add" in told[1]
    assert "too small" in told[3]
    assert told[4] == "2"
    assert ["error" in call for call in calls] == [True, True, True, True, False]
    assert [event.data["unit"] for event in spell.of("error")] == ["tool_call"] * 2, "only a call that began has a unit"


@both
async def test_tool_errors_fail_the_turn_where_that_is_wanted(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(tool_calls=WRONG[3:4]))
    spell = await cast(**{language: MISTAKES[language]}, model=model, params={"mode": "fail"})
    assert "too small" in spell.result.error.message
    assert [event.data["unit"] for event in spell.of("error")] == ["tool_call", "execute"]


@both
async def test_the_turn_has_a_limit(cast: Any, model: Any, language: str) -> None:
    source = {
        "lua": """
            local agent = Agent.new{ tools = { Calculator.new() }, max_turns = 2 }
            local ok, problem = pcall(agent.chat, agent, "go")
            return { ErrorHandler.parse_error(problem).type, #agent:conversation_history() }
        """,
        "js": """
            const agent = new Agent({ tools: [new Calculator()], maxTurns: 2 });
            try { await agent.chat("go"); } catch (error) {
              return [ErrorHandler.parseError(error).type, agent.conversationHistory().length];
            }
        """,
    }
    call = ToolCall("c1", "calculator", {"expression": "1 + 1"})
    model.will(*(Answer(tool_calls=(call,)) for _ in range(3)))
    assert (await cast(**{language: source[language]}, model=model)).value == ["max_turns", 0]
    assert len(model.requests) == 2


@both
@pytest.mark.mission(31, 25)
async def test_tools_are_sent_with_their_schemas_and_results_as_text_or_json(
    cast: Any, model: Any, language: str
) -> None:
    source = {
        "lua": """
            local text = Tool.define{ name = "text", description = "Gives text", execute = function() return "plain" end }
            local data = Tool.define{ name = "data", description = "Gives data", execute = function() return { a = { 1, "é" } } end }
            return Agent.new{ tools = { text, data, Calculator.new() } }:chat("call text and data")
        """,
        "js": """
            const text = new Tool({ name: "text", description: "Gives text", execute: () => "plain" });
            const data = new Tool({ name: "data", description: "Gives data", execute: async () => ({ a: [1, "é"] }) });
            return await new Agent({ tools: [text, data, new Calculator()] }).chat("call text and data");
        """,
    }
    await cast(**{language: source[language]}, model=model)
    sent = {tool["function"]["name"]: tool["function"] for tool in model.requests[0].json["tools"]}
    assert list(sent) == ["text", "data", "calculator"]
    assert sent["text"]["description"] == "Gives text" and sent["text"]["parameters"]["type"] == "object"
    assert "expression" in sent["calculator"]["parameters"]["properties"]
    told = [m["content"] for m in model.requests[1].json["messages"] if m["role"] == "tool"]
    assert told[0] == "plain" and json.loads(told[1]) == {"a": [1, "é"]} and "é" in told[1]
