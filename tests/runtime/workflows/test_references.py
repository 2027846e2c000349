"""What references mean: typed where they stand alone, text inside text, paths, everything, and what is not there."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.agents.texts import AgentOutput
from llmspell.api.references import Reference, parse
from llmspell.errors import ArgumentError
from llmspell.workflows.context import Ledger, Scope
from llmspell.workflows.references import resolved

both = pytest.mark.parametrize("language", ["lua", "js"])

VALUES = {
    "plan": {"parts": [{"title": "a", "n": 1}, {"title": "b", "n": 2}], "size": 2, "empty": None},
    "text": "plain words",
    "json": 'Here:\n{"not": "alone"}',
    "fenced": '```json\n{"score": 0.5}\n```',
    "list": [1, 2, 3],
    "output": AgentOutput("said", {"mood": "calm"}),
}


def scope() -> Scope:
    ledger = Ledger({"topic": "tea", "plan": "of the input"}, {"who": "Ada"}, dict, lambda name, value: None)
    return Scope(ledger, dict(VALUES), {}, {1: "first", 2: {"x": [10]}})


@pytest.mark.mission(43)
@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("no braces", "no braces"),
        ("{{list}}", [1, 2, 3]),
        ("{{ list }}", [1, 2, 3]),
        ("{{plan.size}}", 2),
        ("{{plan.parts[0].title}}", "a"),
        ("{{plan.parts.1.n}}", 2),
        ("{{plan.parts[*].title}}", ["a", "b"]),
        ("{{plan.parts.*.n}}", [1, 2]),
        ("{{step_2.*}}", {"x": [10]}),
        ("{{step_2.x[0]}}", 10),
        ("{{step_1}}", "first"),
        ("{{plan}}", VALUES["plan"]),
        ("{{topic}}", "tea"),
        ("{{input.plan}}", "of the input"),
        ("{{input}}", {"topic": "tea", "plan": "of the input"}),
        ("{{params.who}}", "Ada"),
        ("{{context.text}}", "plain words"),
        ("{{fenced.score}}", 0.5),
        ("{{output.mood}}", "calm"),
        ("{{plan.empty}}", None),
        ("a {{topic}} and {{list}} {{plan.size}}{{plan.empty}}", "a tea and [1, 2, 3] 2"),
        ("{{output}} it", "said it"),
        (
            {"a": "{{list}}", "b": ["{{topic}}", 7, {"c": "{{plan.size}}!"}]},
            {"a": [1, 2, 3], "b": ["tea", 7, {"c": "2!"}]},
        ),
        (12, 12),
    ],
)
def test_a_template_resolves(template: Any, value: Any) -> None:
    assert resolved(template, scope().look) == value


@pytest.mark.mission(43)
@pytest.mark.parametrize(
    ("template", "message", "hint"),
    [
        ("{{tpic}}", "{{tpic}}: there is no 'tpic' here", "did you mean 'topic'?"),
        ("{{zzz}}", "there is no 'zzz' here", "fenced, input, json, list, output, params, plan"),
        ("{{plan.sise}}", "{{plan.sise}}: plan has no 'sise'", "did you mean 'size'? plan has: empty, parts, size"),
        ("{{list[7]}}", "list has no item 7: it is a list of 3", "items count from 0"),
        ("{{list.first}}", "list has no field 'first': it is a list of 3", "items count from 0"),
        ("{{plan.parts[0].n.x}}", "plan.parts[0].n is 1, which has no 'x'", ""),
        ("{{plan.empty.x}}", "plan.empty is nothing, which has no 'x'", ""),
        ("{{text.score}}", "text is text and no JSON: 'plain words'", "ask for a structured answer"),
        ("{{json.not}}", "json is text and no JSON", "or refer to the whole text"),
        ("{{step_3}}", "there is no 'step_3' here", "step_1"),
        ("{{topic.*.x}}", "topic is 'tea', which holds nothing to go through", ""),
    ],
)
def test_what_is_not_there_is_told_with_what_is(template: str, message: str, hint: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        resolved(template, scope().look)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_text_is_cut_at_its_references() -> None:
    assert parse("a {{b.c[0]}}{{d}} e}}") == [
        "a ",
        Reference("b.c[0]", "b", ("c", 0)),
        Reference("d", "d"),
        " e}}",
    ]


@pytest.mark.parametrize("text", ["{{}}", "{{ }}", "{{a b}}", "{{a.}}", "{{a[b]}}", "{{1}}", "{{a", "x {{ y"])
def test_braces_without_a_reference_are_refused(text: str) -> None:
    with pytest.raises(ArgumentError):
        parse(text)


def test_a_long_text_of_braces_is_read_in_one_pass() -> None:
    with pytest.raises(ArgumentError, match="never closed"):
        parse("{{" * 2_000_000)
    assert len(parse("{{a}} " * 50_000)) == 100_000


SEEN = {
    "lua": """
        return Workflow.sequential{ steps = {
          { run = function() return { parts = { { title = "one" }, { title = "two" } } } end, output = "plan", name = "planning" },
          { run = function(v) return v end, input = { title = "{{plan.parts[1].title}}", by = "{{planning.parts[0].title}}",
              all = "{{step_1.*}}", who = "{{params.who}}", said = "on {{topic}}: {{plan.parts}}", n = 5 } },
        } }:run{ topic = "tea" }
    """,
    "js": """
        return await Workflow.sequential({ steps: [
          { run: () => ({ parts: [{ title: "one" }, { title: "two" }] }), output: "plan", name: "planning" },
          { run: (v) => v, input: { title: "{{plan.parts[1].title}}", by: "{{planning.parts[0].title}}",
              all: "{{step_1.*}}", who: "{{params.who}}", said: "on {{topic}}: {{plan.parts}}", n: 5 } },
        ] }).run({ topic: "tea" });
    """,
}


@both
@pytest.mark.mission(43)
async def test_references_reach_outputs_steps_the_input_and_the_parameters(cast: Any, language: str) -> None:
    spell = await cast(**{language: SEEN[language]}, params={"who": "Ada"})
    parts = [{"title": "one"}, {"title": "two"}]
    assert spell.value == {
        "title": "two",
        "by": "one",
        "all": {"parts": parts},
        "who": "Ada",
        "n": 5,
        "said": 'on tea: [{"title": "one"}, {"title": "two"}]',
    }


@both
async def test_a_reference_that_fails_names_the_workflow_and_its_line(cast: Any, language: str) -> None:
    source = {
        "lua": "\nlocal flow = Workflow.sequential{ name = 'w', steps = { function() return 'words' end,\n"
        "{ tool = 'calculator', params = { expression = '{{step_1.sum}}' } } } }\nreturn flow:run()",
        "js": "\nconst flow = Workflow.sequential({ name: 'w', steps: [() => 'words',"
        "{ tool: 'calculator', params: { expression: '{{step_1.sum}}' } }] });\nreturn await flow.run();",
    }
    error = (await cast(**{language: source[language]})).result.error
    assert error is not None
    assert error.message == "{{step_1.sum}}: step_1 is text and no JSON: 'words'"
    assert error.source.endswith(f"spell.{language}:2")


async def test_braces_outside_of_steps_are_plain_text(cast: Any) -> None:
    spell = await cast(
        lua="""
        Provider.scripted{ { pattern = "(?s).*", text = "{{message}}" } }
        local echo = Agent.new{ provider = "offline" }
        return { echo:chat("a {{b}}"), Workflow.sequential{ steps = { function() return "{{c}}" end,
          { agent = echo }, { run = function(v) return v end, input = "{{step_2}}" } } }:run() }
        """
    )
    assert spell.value == ["a {{b}}", "{{c}}"]
