"""Agents, tools, workflows, waiting and events in each language, side by side."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.mission(59)
@pytest.mark.parametrize("language", ["lua", "js"])
async def test_what_every_engine_binds(cast: Any, language: str) -> None:
    text = {
        "lua": """
          local heard = {}
          eventBus.on("mine", function(event) heard[#heard + 1] = event.n end)
          local agent = Agent.new{ name = "ada", system_prompt = "Be brief." }
          local tool = Tool.define{ name = "double", description = "Doubles.", execute = function(p) return { n = p.n * 2 } end }
          local workflow = Workflow.sequential{ name = "two", steps = {
            { name = "first", tool = tool, input = { n = 2 } },
            { name = "second", tool = Calculator.new(), input = { expression = "1 + 1" } } } }
          local both = Async.all{ function() return agent:chat("hello") end, function() return tool:execute{ n = 21 } end }
          local done = workflow:run()
          eventBus.emit("mine", { n = 7 })
          return { both[1] ~= "", both[2].n, done ~= nil, heard }""",
        "js": """
          const heard = [];
          eventBus.on("mine", (event) => heard.push(event.n));
          const agent = new Agent({ name: "ada", systemPrompt: "Be brief." });
          const tool = Tool.define({ name: "double", description: "Doubles.", execute: async (p) => ({ n: p.n * 2 }) });
          const workflow = Workflow.sequential({ name: "two", steps: [
            { name: "first", tool, input: { n: 2 } },
            { name: "second", tool: new Calculator(), input: { expression: "1 + 1" } }] });
          const both = await Promise.all([agent.chat("hello"), tool.execute({ n: 21 })]);
          const done = await workflow.run();
          eventBus.emit("mine", { n: 7 });
          return [both[0] !== "", both[1].n, done !== null, heard]""",
    }[language]
    told = await cast(**{language: text})
    assert told.result.error is None, told.result.error
    assert told.value == [True, 42, True, [7]]
    kinds = {event.kind for event in told.events}
    assert {"llm_call_started", "tool_called", "workflow_started", "spell_completed"} <= kinds
