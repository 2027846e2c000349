"""An agent as a tool of another: both forms, by hand and by a model, in one tree of spans."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.providers.base import ToolCall
from llmspell.testing.answers import Answer

both = pytest.mark.parametrize("language", ["lua", "js"])

FORMS = {
    "lua": """
        local coder = Agent.new{ name = "coder", system_prompt = "You code" }
        local wrapped = AgentTool.wrap(coder, "code_expert", "Writes code")
        local made = AgentTool.new(coder)
        local detailed = wrapped:execute_detailed{ message = "Hi", context = { language = "rust" } }
        return { wrapped.name, wrapped.description, made.name, wrapped:schema(), wrapped:execute{ message = "Go" },
          detailed.content, detailed.metadata, coder.id, pcall(wrapped.execute, wrapped, {}) }
    """,
    "js": """
        const coder = new Agent({ name: "coder", systemPrompt: "You code" });
        const wrapped = AgentTool.wrap(coder, "code_expert", "Writes code");
        const made = new AgentTool(coder, "coder");
        const detailed = await wrapped.executeDetailed({ message: "Hi", context: { language: "rust" } });
        let accepted = true;
        try { await wrapped.execute({}); } catch { accepted = false; }
        return [wrapped.name, wrapped.description, made.name, wrapped.schema(), await wrapped.execute({ message: "Go" }),
          detailed.content, detailed.metadata, coder.id, accepted];
    """,
}


@both
@pytest.mark.mission(47, 48)
async def test_an_agent_is_wrapped_as_a_tool(cast: Any, model: Any, language: str) -> None:
    spell = await cast(**{language: FORMS[language]}, model=model)
    name, description, made, schema, answer, content, metadata, identity, accepted = spell.value[:9]
    assert (name, description, made, accepted) == ("code_expert", "Writes code", "coder", False)
    assert schema["parameters"]["required"] == ["message"]
    assert set(schema["parameters"]["properties"]) == {"message", "context"}
    assert (answer, content) == ({"response": "You said: Go"}, {"response": "You said: Hi"})
    assert metadata == {"agent_id": identity, "agent_type": "wrapped_agent"}
    system = model.requests[0].json["messages"][0]["content"]
    assert system.startswith("You code") and '"language": "rust"' in system


NESTED = {
    "lua": """
        local expert = Agent.new{ name = "expert", tools = { Calculator.new() } }
        local boss = Agent.new{ name = "boss", tools = { AgentTool.wrap(expert, "expert", "Knows sums") } }
        return boss:chat("Please ask")
    """,
    "js": """
        const expert = new Agent({ name: "expert", tools: [new Calculator()] });
        const boss = new Agent({ name: "boss", tools: [new AgentTool(expert, "expert", "Knows sums")] });
        return await boss.chat("Please ask");
    """,
}


@both
@pytest.mark.mission(47, 48)
async def test_a_model_asks_an_agent_which_calls_its_own_tools(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(tool_calls=(ToolCall("c1", "expert", {"message": "What is 6 * 7?"}),)))
    spell = await cast(**{language: NESTED[language]}, model=model)
    assert spell.value == "The answer is The answer is 42.."
    spans = {event.span: event for event in spell.events if event.phase == "start"}
    calculator = next(event for event in spans.values() if event.name == "calculator")
    chain = [calculator.name]
    event = calculator
    while event.parent in spans:
        event = spans[event.parent]
        chain.append(event.name)
    assert chain[:4] == ["calculator", "expert", "expert", "boss"], "tool, execution, tool, execution"


@both
async def test_an_agent_tool_needs_an_agent(cast: Any, language: str) -> None:
    source = {"lua": "AgentTool.new{ name = 'x' }", "js": "new AgentTool({ name: 'x' })"}
    error = (await cast(**{language: source[language]})).result.error
    assert "missing 'agent'" in error.message
    source = {"lua": "AgentTool.wrap(Calculator.new(), 'x')", "js": "AgentTool.wrap(new Calculator(), 'x')"}
    error = (await cast(**{language: source[language]})).result.error
    assert "agent" in error.message and error.type == "invalid_argument"


LIMITED = {
    "lua": """
        local slow = AgentTool.new{ agent = Agent.new("x"), name = "slow", timeout = 30 }
        local ok, problem = pcall(slow.execute, slow, { message = "hang" })
        return ErrorHandler.parse_error(problem).type
    """,
    "js": """
        const slow = new AgentTool({ agent: new Agent("x"), name: "slow", timeout: 30 });
        try { await slow.execute({ message: "hang" }); } catch (error) { return ErrorHandler.parseError(error).type; }
    """,
}


@both
async def test_a_wrapped_agent_has_the_tools_time_limit(cast: Any, silent: Any, language: str) -> None:
    assert (await cast(**{language: LIMITED[language]}, model=silent)).value == "timeout"
