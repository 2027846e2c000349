"""PipelineAgent: each stage is given what the one before it made."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.testing.answers import Answer

both = pytest.mark.parametrize("language", ["lua", "js"])

LINE = {
    "lua": """
        local line = PipelineAgent.new{ name = "line", stages = {
          { agent = Agent.new{ name = "a" }, transformer = function(value, input) return value .. " <" .. input .. ">" end },
          Agent.new{ name = "b" },
          { agent = WriterAgent.new{ name = "w" }, action = "draft", name = "drafting" },
          { agent = ReviewAgent.new{ name = "r" }, action = "review", transformer = function(found) return found.approved end },
        } }
        local out = line:execute("start")
        return { line:process("again"), line.stages, out.data, out.usage.total }
    """,
    "js": """
        const line = new PipelineAgent({ name: "line", stages: [
          { agent: new Agent({ name: "a" }), transformer: (value, input) => `${value} <${input}>` },
          new Agent({ name: "b" }),
          { agent: new WriterAgent({ name: "w" }), action: "draft", name: "drafting" },
          { agent: new ReviewAgent({ name: "r" }), action: "review", transformer: (found) => found.approved },
        ] });
        const out = await line.execute("start");
        return [await line.process("again"), line.stages, out.data, out.usage.total];
    """,
}


@both
@pytest.mark.mission(51, 52)
async def test_each_stage_is_given_what_the_one_before_it_made(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(text="one"), Answer(text="two"), Answer(text="three"))
    result = await cast(**{language: LINE[language]}, model=model)
    assert result.value[:3] == [True, ["a", "b", "drafting", "r"], True]
    assert result.value[3] > 0
    asked = [request.json["messages"][-1]["content"] for request in model.requests[:4]]
    assert asked[:2] == ["start", "one <start>"]
    assert asked[2].endswith("\n\ntwo") and asked[3].endswith("\n\nthree")
    told = [(event.data["stage"], event.name, event.data["output"]) for event in result.of("stage_completed")[:4]]
    assert told == [(1, "a", "one <start>"), (2, "b", "two"), (3, "drafting", "three"), (4, "r", True)]


@both
@pytest.mark.mission(51)
async def test_a_transformer_that_throws_fails_the_pipeline_with_its_line(cast: Any, model: Any, language: str) -> None:
    source = {
        "lua": """
            local line = PipelineAgent.new{ stages = { { agent = Agent.new(), transformer = function() error("no way") end } } }
            line:process("x")
        """,
        "js": """
            const stage = { agent: new Agent(), transformer: () => { throw new Error("no way"); } };
            await new PipelineAgent({ stages: [stage] }).process("x");
        """,
    }
    result = await cast(**{language: source[language]}, model=model)
    assert "no way" in result.result.error.message
    assert result.of("execution_completed")[-1].data["status"] == "error"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("PipelineAgent.new{}", "missing 'stages'"),
        ('PipelineAgent.new{ stages = { { action = "x" } } }', "stage 1: missing 'agent'"),
        ("PipelineAgent.new{ stages = { { agent = Agent.new(), transform = 1 } } }", "transform"),
        ('PipelineAgent.new{ stages = { { agent = Calculator.new(), action = "x" } } }', "'calculator' has no actions"),
    ],
)
async def test_what_is_no_pipeline_is_a_clear_error(cast: Any, source: str, said: str) -> None:
    result = await cast(lua=source)
    assert said in result.result.error.message
