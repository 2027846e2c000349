"""A wrong workflow is refused when it is made, naming the step, the line and what to do; a right one is a plain value."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.api.registry import registry
from llmspell.errors import ArgumentError
from llmspell.testing.server import ModelServer
from llmspell.workflows.builder import DynamicWorkflowBuilder
from llmspell.workflows.definition import Definition, Hole
from llmspell.workflows.reading import Reader

both = pytest.mark.parametrize("language", ["lua", "js"])

WRONG: dict[str, tuple[str, str, list[str], list[str]]] = {
    # name: (Lua, JavaScript, what Lua is told, what JavaScript is told)
    "unknown key": (
        "Workflow.sequential{ steps = { { agnet = 'a' } } }",
        "Workflow.sequential({ steps: [{ agnet: 'a' }] })",
        ["steps[1]: unknown option 'agnet'", "did you mean 'agent'?"],
        ["steps[0]: unknown option 'agnet'", "did you mean 'agent'?"],
    ),
    "unknown key inside": (
        "Workflow.create{ steps = { { type = 'loop', max_iterations = 1, body = { run = print, outptu = 'x' } } } }",
        "Workflow.create({ steps: [{ type: 'loop', maxIterations: 1, body: { run: () => 1, outptu: 'x' } }] })",
        ["steps[1].body", "unknown option 'outptu'", "did you mean 'output'?"],
        ["steps[0].body", "unknown option 'outptu'", "did you mean 'output'?"],
    ),
    "a key of another kind": (
        "Workflow.sequential{ steps = { { run = print, max_iterations = 2 } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, maxIterations: 2 }] })",
        ["steps[1]: a step of type function has no 'max_iterations'"],
        ["steps[0]: a step of type function has no 'maxIterations'"],
    ),
    "without work": (
        "Workflow.sequential{ steps = { { run = print }, { output = 'x' } } }",
        "Workflow.sequential({ steps: [{ run: () => 1 }, { output: 'x' }] })",
        ["steps[2]: is a step without work"],
        ["steps[1]: is a step without work"],
    ),
    "two works": (
        "Workflow.sequential{ steps = { { run = print, tool = 'calculator' } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, tool: 'calculator' }] })",
        ["steps[1]: has 'tool' and 'run': a step does one thing"],
        ["steps[0]: has 'tool' and 'run': a step does one thing"],
    ),
    "unknown tool": (
        "Workflow.sequential{ steps = { { tool = 'calculater' } } }",
        "Workflow.sequential({ steps: [{ tool: 'calculater' }] })",
        ["there is no tool 'calculater'", "did you mean 'calculator'?"],
        ["there is no tool 'calculater'", "did you mean 'calculator'?"],
    ),
    "unknown type": (
        "Workflow.sequential{ steps = { { type = 'paralel', steps = {} } } }",
        "Workflow.sequential({ steps: [{ type: 'paralel', steps: [] }] })",
        ["type must be", "did you mean 'parallel'?"],
        ["type must be", "did you mean 'parallel'?"],
    ),
    "bad on_error": (
        "Workflow.sequential{ steps = { { run = print, on_error = 'ignore' } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, onError: 'ignore' }] })",
        ["on_error must be 'fail', 'continue' or 'fallback'"],
        ["onError must be 'fail', 'continue' or 'fallback'"],
    ),
    "fallback without a value": (
        "Workflow.sequential{ steps = { { run = print, on_error = 'fallback' } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, onError: 'fallback' }] })",
        ["steps[1]: falls back, but has no fallback_output"],
        ["steps[0]: falls back, but has no fallback_output"],
    ),
    "negative count": (
        "Workflow.sequential{ steps = { { run = print, retries = -1 } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, retries: -1 }] })",
        ["retries must be at least 0"],
        ["retries must be at least 0"],
    ),
    "no iterations": (
        "Workflow.loop{ body = print, max_iterations = 0 }",
        "Workflow.loop({ body: () => 1, maxIterations: 0 })",
        ["max_iterations must be at least 1"],
        ["maxIterations must be at least 1"],
    ),
    "wrong type": (
        "Workflow.sequential{ steps = { { run = print, on_output = 'later' } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, onOutput: 'later' }] })",
        ["on_output must be a function, not 'later'"],
        ["onOutput must be a function, not 'later'"],
    ),
    "no steps": (
        "Workflow.sequential{ name = 'x' }",
        "Workflow.sequential({ name: 'x' })",
        ["missing 'steps'"],
        ["missing 'steps'"],
    ),
    "no body": (
        "Workflow.loop{ max_iterations = 3 }",
        "Workflow.loop({ maxIterations: 3 })",
        ["missing 'body'"],
        ["missing 'body'"],
    ),
    "an endless loop": (
        "Workflow.loop{ body = print }",
        "Workflow.loop({ body: () => 1 })",
        ["is a loop without an end"],
        ["is a loop without an end"],
    ),
    "no branches": (
        "Workflow.conditional{ condition = true }",
        "Workflow.conditional({ condition: true })",
        ["is a conditional without branches"],
        ["is a conditional without branches"],
    ),
    "no condition": (
        "Workflow.conditional{ true_branch = print }",
        "Workflow.conditional({ trueBranch: () => 1 })",
        ["has a branch but no condition"],
        ["has a branch but no condition"],
    ),
    "no stages": (
        "Workflow.pipeline{ stages = {} }",
        "Workflow.pipeline({ stages: [] })",
        ["stages: must be a list of stages, at least one"],
        ["stages: must be a list of stages, at least one"],
    ),
    "a step that comes later": (
        "Workflow.sequential{ steps = { { run = print, input = '{{step_2}}' }, { run = print } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, input: '{{step_2}}' }, { run: () => 1 }] })",
        ["steps[1]: input refers to {{step_2}}, which is not before it (steps before: none)"],
        ["steps[0]: input refers to {{step_2}}, which is not before it (steps before: none)"],
    ),
    "a step beside": (
        "Workflow.parallel{ steps = { { run = print }, { run = print, input = { a = '{{step_1.x}}' } } } }",
        "Workflow.parallel({ steps: [{ run: () => 1 }, { run: () => 1, input: { a: '{{step_1.x}}' } }] })",
        ["steps[2]: input refers to {{step_1.x}}, which is not before it"],
        ["steps[1]: input refers to {{step_1.x}}, which is not before it"],
    ),
    "one output for two at once": (
        "Workflow.parallel{ steps = { { run = print, output = 'x' }, { run = print, output = 'x' } } }",
        "Workflow.parallel({ steps: [{ run: () => 1, output: 'x' }, { run: () => 1, output: 'x' }] })",
        ["steps[2]: writes the output 'x', as another step does at the same time"],
        ["steps[1]: writes the output 'x', as another step does at the same time"],
    ),
    "a reserved name": (
        "Workflow.sequential{ steps = { { run = print, output = 'step_1' } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, output: 'step_1' }] })",
        ["steps[1].output: 'step_1' cannot be an output's name"],
        ["steps[0].output: 'step_1' cannot be an output's name"],
    ),
    "no reference": (
        "Workflow.sequential{ steps = { { run = print, input = 'see {{the notes}}' } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, input: 'see {{the notes}}' }] })",
        ["steps[1].input: {{the notes}} is no reference", "where you mean the braces themselves, give a function"],
        ["steps[0].input: {{the notes}} is no reference", "where you mean the braces themselves, give a function"],
    ),
    "never closed": (
        "Workflow.sequential{ steps = { { run = print, input = { { 'see {{notes' } } } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, input: [['see {{notes']] }] })",
        ["steps[1].input: a reference is never closed: '{{notes'"],
        ["steps[0].input: a reference is never closed: '{{notes'"],
    ),
    "a function in a template": (
        "Workflow.sequential{ steps = { { run = print, input = { a = print } } } }",
        "Workflow.sequential({ steps: [{ run: () => 1, input: { a: () => 1 } }] })",
        ["steps[1].input: holds a function"],
        ["steps[0].input: holds a function"],
    ),
    "another network": (
        "Workflow.sequential{ steps = { { agent = 'a2a://university/reader' } } }",
        "Workflow.sequential({ steps: [{ agent: 'a2a://university/reader' }] })",
        ["steps[1].agent: 'a2a://university/reader' cannot be reached: the A2A protocol is not configured"],
        ["steps[0].agent: 'a2a://university/reader' cannot be reached: the A2A protocol is not configured"],
    ),
    "an agent as workflow": (
        "Workflow.sequential{ steps = { { workflow = Agent.new('x') } } }",
        "Workflow.sequential({ steps: [{ workflow: new Agent('x') }] })",
        ["steps[1].workflow: must be a workflow", "an agent is given as agent"],
        ["steps[0].workflow: must be a workflow", "an agent is given as agent"],
    ),
    "an unknown hook": (
        "Workflow.sequential{ steps = {}, hooks = { before_workflow_steps = print } }",
        "Workflow.sequential({ steps: [], hooks: { beforeWorkflowSteps: () => 1 } })",
        ["there is no hook point 'before_workflow_steps'"],
        ["there is no hook point 'beforeWorkflowSteps'"],
    ),
}


@both
@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_definition_is_refused_before_anything_runs(cast: Any, name: str, language: str) -> None:
    lua, js, told_lua, told_js = WRONG[name]
    source = f"\n{lua}" if language == "lua" else f"\n{js};"
    error = (await cast(**{language: source})).result.error
    assert error is not None
    assert error.source.endswith(f"spell.{language}:2")
    said = f"{error.message} ({error.hint})"
    for part in told_lua if language == "lua" else told_js:
        assert part in said, said
    assert ": :" not in said


#: Found when it is run, with its input known, but before the agent in front of it is asked.
LATE = {
    "a name that nothing gives": (
        "{ agent = asked, output = 'notes' }, { agent = asked, input = 'on {{notse}} of {{topic}}' }",
        ["steps[2]: input refers to {{notse}}, and nothing gives 'notse'", "did you mean 'notes'?"],
    ),
    "an output of later": (
        "{ agent = asked, input = '{{notes}}' }, { agent = asked, output = 'notes' }",
        ["steps[1]: input refers to {{notes}}, and nothing gives 'notes'"],
    ),
    "an output beside it": (
        "{ agent = asked }, { type = 'parallel', steps = { { agent = asked, output = 'a' }, { agent = asked, input = '{{a}}' } } }",
        ["steps[2].steps[2]: input refers to {{a}}, and nothing gives 'a'"],
    ),
    "an agent that there is not": (
        "{ agent = asked }, { type = 'loop', max_iterations = 2, body = { agent = 'resercher' } }",
        ["steps[2].body: there is no agent named 'resercher'", "did you mean 'researcher'?"],
    ),
    "workflows in a circle": (
        "{ agent = asked }, { workflow = 'round' }",
        ["workflows are steps of each other: round -> round"],
    ),
}


@pytest.mark.parametrize("name", LATE)
async def test_what_needs_the_input_is_found_before_the_first_call(cast: Any, model: ModelServer, name: str) -> None:
    steps, told = LATE[name]
    spell = await cast(
        lua=f"""
        local asked = Agent.new{{ name = "researcher" }}
        local flow = Workflow.sequential{{ name = "round", steps = {{ {steps} }} }}
        return flow:run{{ topic = "tea" }}
        """,
        model=model,
    )
    error = spell.result.error
    assert error is not None and error.source.endswith("spell.lua:3")
    for part in told:
        assert part in f"{error.message} ({error.hint})"
    assert model.requests == []


async def test_a_field_of_the_input_counts_as_given(cast: Any) -> None:
    spell = await cast(
        lua="""
        local echo = Agent.new{ name = "echo", provider = "offline" }
        Provider.scripted{ { pattern = "(?s).*", text = "{{message}}!" } }
        return Workflow.sequential{ steps = { { agent = echo, input = "{{draft}}", output = "draft" },
          { agent = echo, input = "{{draft}}" } } }:run{ draft = "a" }
        """
    )
    assert spell.value == "a!!"


def test_a_definition_is_a_plain_value_with_a_path_for_each_step_and_hole() -> None:
    def condition(context: Any) -> bool:
        return context.iteration < 2

    def made(instruction: str = "draft") -> Definition:
        builder = DynamicWorkflowBuilder("essay")
        builder.step(agent="writer", action=instruction, output="draft")
        builder.adaptive_loop(condition, [{"agent": "critic", "input": "{{draft}}"}], 3)
        return builder.build().definition

    found = made()
    assert found.to_value() == {
        "version": 1,
        "name": "essay",
        "root": {
            "path": "",
            "type": "sequential",
            "title": "essay",
            "parts": [
                {
                    "key": "steps",
                    "steps": [
                        {
                            "path": "steps[1]",
                            "type": "agent",
                            "title": "draft",
                            "output": "draft",
                            "work": "writer",
                            "action": "draft",
                        },
                        {
                            "path": "steps[2]",
                            "type": "loop",
                            "title": "loop 2",
                            "index": 2,
                            "max_iterations": 3,
                            "condition": {"hole": "function", "path": "steps[2].condition"},
                            "parts": [
                                {
                                    "key": "body",
                                    "steps": [
                                        {
                                            "path": "steps[2].body[1]",
                                            "type": "agent",
                                            "title": "critic",
                                            "work": "critic",
                                            "input": "{{draft}}",
                                            "has_input": True,
                                        }
                                    ],
                                }
                            ],
                        },
                    ],
                }
            ],
        },
    }
    assert found == made()
    assert found.sha256 == made().sha256 != made("write").sha256


def test_steps_nest_only_so_deep() -> None:
    step: dict[str, Any] = {"agent": "a"}
    for _ in range(40):
        step = {"type": "sequential", "steps": [step]}
    with pytest.raises(ArgumentError, match="is a step inside 30 others"):
        Reader("a test").root("sequential", "", {"steps": [step]})


def test_each_hole_is_filled_by_its_path() -> None:
    reader = Reader("a test")

    def work() -> int:
        return 1

    root = reader.root("parallel", "", {"steps": [{"run": work, "on_output": work}, {"run": work, "condition": work}]})
    assert sorted(reader.holes) == ["steps[1].on_output", "steps[1].run", "steps[2].condition", "steps[2].run"]
    assert root.parts[0].steps[0].work == Hole("steps[1].run", "function")


def test_a_value_that_is_no_step_is_told_as_such() -> None:
    with pytest.raises(ArgumentError, match=r"a test: steps\[1\]: must be a step: a table or a function, not 7"):
        Reader("a test").root("sequential", "", {"steps": [7]})


def test_functions_are_described_with_their_parameters_in_order() -> None:
    parallel = registry().method("Workflow", "parallel", static=True)
    assert parallel is not None
    (function,) = (
        found
        for found in parallel.params[0].checker.schema["properties"]["aggregator"]["anyOf"]
        if found.get("x-function")
    )
    assert list(function["x-params"]) == ["results", "context"]
