"""Concurrent steps are deterministic: a replay of a recorded run has the identical list of events."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer

both = pytest.mark.parametrize("language", ["lua", "js"])

SPELL = {
    "lua": """
        local agent = Agent.new{ name = "a" }
        local inner = Workflow.map_reduce{ name = "inner", items = { 1, 2, 3, 4, 5 }, concurrency = 3,
          map = { agent = agent, input = "item {{item}}", timeout = 5000 }, reduce = function(results) return #results end }
        return Workflow.create{ name = "w", steps = {
          { type = "parallel", steps = { { agent = agent, input = "one", output = "one" }, { agent = agent, input = "two" },
            { run = function(v, context) Async.sleep(3) context.seen = context.one ~= nil return "three" end },
            { tool = "datetime", params = { operation = "now" } } } },
          { workflow = inner },
          { type = "pipeline", stages = { function(v) return v end, { agent = agent, input = "stage {{item}}" } },
            input = { "x", "y", "z" }, buffer = 1 },
          { agent = agent, input = "fails", timeout = 5, on_error = "fallback", fallback_output = "late" },
          { run = function(v, context) return { v, context.seen } end },
        } }:run{ topic = "tea" }
    """,
    "js": """
        const agent = new Agent({ name: "a" });
        const inner = Workflow.mapReduce({ name: "inner", items: [1, 2, 3, 4, 5], concurrency: 3,
          map: { agent, input: "item {{item}}", timeout: 5000 }, reduce: (results) => results.length });
        return await Workflow.create({ name: "w", steps: [
          { type: "parallel", steps: [{ agent, input: "one", output: "one" }, { agent, input: "two" },
            { run: async (v, context) => { await Async.sleep(3); context.seen = context.one != null; return "three"; } },
            { tool: "datetime", params: { operation: "now" } }] },
          { workflow: inner },
          { type: "pipeline", stages: [(v) => v, { agent, input: "stage {{item}}" }], input: ["x", "y", "z"], buffer: 1 },
          { agent, input: "fails", timeout: 5, onError: "fallback", fallbackOutput: "late" },
          { run: (v, context) => [v, context.seen] },
        ] }).run({ topic: "tea" });
    """,
}


@both
@pytest.mark.mission(116)
async def test_a_replay_of_steps_at_once_has_the_identical_events(cast: Any, model: ModelServer, language: str) -> None:
    delays = [7, 1, 5, 2, 9, 1, 3, 2, 4, 6, 200]
    model.will(*(Answer(text=f"answer {number}", delay=delay) for number, delay in enumerate(delays)))
    done = await cast(**{language: SPELL[language]}, model=model)
    assert done.value[0] == "late"
    again = await cast(**{language: SPELL[language]}, replay=done.recording)
    assert again.value == done.value
    assert [repr(event) for event in again.events] == [repr(event) for event in done.events]
