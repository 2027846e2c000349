"""Who calls whom, over functions and workflow steps: names of callers and callees of what is at `▮`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmspell_lsp.features.hierarchy import Link, incoming, outgoing, prepare

Spell = Callable[..., Any]

STEPS = {
    "lua": """local function fetch(v) return v end
local function clean(v) return fetch(v) end

local w = Workflow.sequ{1}ential({
  name = "report",
  steps = {
    { name = "{2}plan", agent = "planner" },
    { name = "draft{3}", run = clean, input = "{{plan}}" },
    { agent = "critic", output = "note", input = "{{dr{4}aft}} {{plan}}" },
  },
})
clea{5}n(1)""",
    "javascript": """const fetch = (v) => v;
function clean(v) { return fetch(v); }

const w = Workflow.sequ{1}ential({
  name: "report",
  steps: [
    { name: "{2}plan", agent: "planner" },
    { name: "draft{3}", run: clean, input: "{{plan}}" },
    { agent: "critic", output: "note", input: "{{dr{4}aft}} {{plan}}" },
  ],
});
clea{5}n(1);""",
}


def at(language: str, number: int) -> str:
    text = STEPS[language]
    for each in range(1, 6):
        text = text.replace(f"{{{each}}}", "▮" if each == number else "")
    return text


def told(links: list[Link]) -> dict[str, int]:
    return {link.item.name: len(link.spans) for link in links}


@pytest.mark.parametrize("language", STEPS)
@pytest.mark.parametrize(
    ("number", "name", "callers", "callees"),
    [
        (1, "report", {}, {"plan": 1, "draft": 1, "note": 1}),
        (2, "plan", {"report": 1, "draft": 1, "note": 1}, {}),
        (3, "draft", {"report": 1, "note": 1}, {"plan": 1, "clean": 1}),
        (4, "draft", {"report": 1, "note": 1}, {"plan": 1, "clean": 1}),
        (5, "clean", {"spell": 1, "draft": 1}, {"fetch": 1}),
    ],
)
def test_callers_and_callees(
    spell: Spell, language: str, number: int, name: str, callers: dict[str, int], callees: dict[str, int]
) -> None:
    here = spell(language, at(language, number))
    item = prepare(*here.at)
    assert item is not None and item.name == name
    found = {key.partition(".")[0]: count for key, count in told(incoming(*here.at)).items()}
    assert found == callers
    assert told(outgoing(*here.at)) == callees
    # An item's own place leads to the item.
    again = prepare(here.snapshot, item.span.line, item.span.column)
    assert again == item


def test_callers_in_other_files(spell: Spell) -> None:
    here = spell(
        "lua",
        "local M = {}\nfunction M.lo▮ad() end\nreturn M",
        lib='local m = require("spell")\nlocal function go() m.load() end',
    )
    (link,) = incoming(*here.at)
    assert (link.item.name, link.item.kind, link.item.document.uri.rpartition("/")[2]) == ("go", "function", "lib.lua")
    assert [tuple(each) for each in link.spans] == [(1, 22, 1, 26)]


@pytest.mark.parametrize("text", ["local a▮ = 1", "▮", "-- a▮", "print▮(1)"])
def test_what_calls_nothing_is_no_item(spell: Spell, text: str) -> None:
    here = spell("lua", text)
    assert prepare(*here.at) is None
    assert incoming(*here.at) == outgoing(*here.at) == []


NESTED = {
    "lua": """local in{1}ner = Workflow.sequential{ name = "inner", steps = { { agent = "a", output = "x" } } }
local outer = Workflow.sequ{2}ential{
  steps = {
    { name = "once", workflow = inn{3}er },
    { workflow = "inner", output = "{4}twice" },
  },
}
local function go() return outer:run{} end
return inner:run{}""",
    "javascript": """const in{1}ner = Workflow.sequential({ name: "inner", steps: [{ agent: "a", output: "x" }] });
const outer = Workflow.sequ{2}ential({
  steps: [
    { name: "once", workflow: inn{3}er },
    { workflow: "inner", output: "{4}twice" },
  ],
});
const go = async () => outer.run({});
return await inner.run({});""",
}


@pytest.mark.parametrize("language", NESTED)
@pytest.mark.parametrize(
    ("number", "name", "callers", "callees"),
    [
        (1, "inner", {"once": 1, "twice": 1, "spell": 1}, {"x": 1}),
        (2, "workflow", {"go": 1}, {"once": 1, "twice": 1}),
        (3, "inner", {"once": 1, "twice": 1, "spell": 1}, {"x": 1}),
        (4, "twice", {"workflow": 1}, {"inner": 1}),
    ],
)
def test_workflows_are_run_by_steps_and_by_whoever_calls_them(
    spell: Spell, language: str, number: int, name: str, callers: dict[str, int], callees: dict[str, int]
) -> None:
    text = NESTED[language]
    for each in range(1, 5):
        text = text.replace(f"{{{each}}}", "▮" if each == number else "")
    here = spell(language, text)
    item = prepare(*here.at)
    assert item is not None and item.name == name
    at_item = (here.snapshot, item.span.line, item.span.column)
    assert {key.partition(".")[0]: count for key, count in told(incoming(*at_item)).items()} == callers
    assert told(outgoing(*at_item)) == callees
