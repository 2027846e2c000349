"""Workflows that a Python program builds: the same kinds, checks and results, run by a Runtime like any spell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from llmspell import Runtime
from llmspell.errors import ArgumentError
from llmspell.events.event import Event
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer
from llmspell.workflows import AdaptiveLoopHandler, BuiltWorkflow, DynamicWorkflowBuilder, WorkflowContext


@pytest.fixture
async def runtime(tmp_path: Path, model: ModelServer) -> AsyncIterator[Runtime]:
    environ = {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "LLMSPELL_DEFAULT_MODEL": "openai/test",
        "OPENAI_API_BASE": model.openai_url,
        "OPENAI_API_KEY": "none needed",
    }
    async with Runtime(environ=environ) as found:
        yield found


def built() -> BuiltWorkflow:
    """Of everything that the builder has; functions with and without `async`, of one argument and of two."""

    async def joined(results: list[Any]) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"joined": results}

    def surer(value: Any, context: WorkflowContext) -> None:
        context.set("confidence_score", context.get("confidence_score") + 0.5)

    inner = DynamicWorkflowBuilder("inner").step(lambda value: {**value, "inner": True}).build()
    return (
        DynamicWorkflowBuilder("panel")
        .agent("expert", system_prompt="You are an expert.")
        .step(agent="expert", action="plan", output="plan")
        .conditional(lambda context: context.get("topic") == "tea", [{"run": lambda: "hot"}], lambda: "cold")
        .parallel_fan_out([{"agent": "expert", "input": "about {{topic}}"}, lambda value: value], joined, output="said")
        .adaptive_loop(
            lambda context: context.get("confidence_score") < 0.9, {"run": lambda value: value, "on_output": surer}, 5
        )
        .adaptive_loop(
            AdaptiveLoopHandler(lambda context: True, 2), lambda value, context: {**value, "n": context.iteration}
        )
        .step(workflow=inner)
        .step(tool="calculator", params={"expression": "6 * 7"}, output="answer")
        .step({"run": lambda value, context: [context.get("said"), value["result"], context.get("step_6")]})
        .build()
    )


@pytest.mark.mission(117)
async def test_a_workflow_from_python_gives_what_its_steps_make(runtime: Runtime, model: ModelServer) -> None:
    model.will(Answer(text="the plan"), Answer(text="the opinion"))
    events: list[Event] = []
    result = await runtime.run_workflow(built(), {"topic": "tea"}, on_event=events.append)
    found = result.unwrap()
    said = {"joined": ["the opinion", "hot"]}
    assert found["result"] == [said, 42, {**said, "n": 1, "inner": True}]
    assert found["outputs"]["plan"] == "the plan"
    assert found["usage"]["calls"] == 2
    assert found["steps_executed"] == 11
    steps = [event.data["step_type"] for event in events if event.kind == "workflow_step_started"]
    assert steps == [
        *("agent", "conditional", "function", "parallel", "agent", "function", "loop", "function", "function"),
        *("loop", "function", "function", "workflow", "function", "tool", "function"),
    ]


@pytest.mark.mission(117)
async def test_one_built_workflow_serves_many_runs(runtime: Runtime, model: ModelServer) -> None:
    flow = DynamicWorkflowBuilder("double").step(lambda value: value["n"] * 2).build()
    results = await asyncio.gather(*(runtime.run_workflow(flow, {"n": n}) for n in range(3)))
    assert [result.unwrap()["result"] for result in results] == [0, 2, 4]


async def test_what_a_python_function_throws_is_the_step_s_failure(runtime: Runtime) -> None:
    def fails(value: Any) -> None:
        raise ValueError("that is not it")

    flow = DynamicWorkflowBuilder("fails").step(fails).build()
    failed = await runtime.run_workflow(flow)
    assert failed.status == "error"
    assert failed.error is not None and failed.error.message == "that is not it"
    flow = DynamicWorkflowBuilder("goes on", on_error="continue").step(fails).step(lambda value: [value]).build()
    assert (await runtime.run_workflow(flow)).unwrap()["result"] == [None]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"tool": "calculater"}], "steps[1].tool: there is no tool 'calculater'"),
        (
            [{"agent": "a"}, {"type": "loop", "body": {"agnet": "a"}, "max_iterations": 1}],
            "steps[2].body: unknown option 'agnet'",
        ),
        ([{"agent": "a", "input": "{{step_4}}"}], "steps[1]: input refers to {{step_4}}, which is not before it"),
        ([{"agent": "a", "retries": -1}], "retries must be at least 0"),
    ],
)
def test_build_refuses_what_a_script_would_be_refused(steps: list[dict[str, Any]], message: str) -> None:
    builder = DynamicWorkflowBuilder()
    for step in steps:
        builder.step(step)
    with pytest.raises(ArgumentError) as caught:
        builder.build()
    assert caught.value.message.startswith("DynamicWorkflowBuilder: ")
    assert message in caught.value.message


def test_what_is_no_plain_data_is_refused() -> None:
    with pytest.raises(ArgumentError, match="cannot be part of a step"):
        DynamicWorkflowBuilder().step(agent="a", input=object())
    with pytest.raises(ArgumentError, match=r"DynamicWorkflowBuilder\.agent: unknown option 'modle'"):
        DynamicWorkflowBuilder().agent("a", modle="x")


def test_building_needs_no_model_and_no_run() -> None:
    found = built()
    assert [step.type for step in found.definition.steps] == [
        *("agent", "conditional", "parallel", "loop", "loop", "workflow", "tool", "function"),
    ]
    assert found.definition.site.startswith("test_builder.py:")
