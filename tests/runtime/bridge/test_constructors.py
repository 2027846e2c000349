"""Whatever is wrong with what a constructor is given, a spell is told in the manner of its own language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from llmspell.api.names import camel
from llmspell.api.registry import registry

WRONG: dict[str, tuple[str, ...]] = {
    "lua": ("5", '"x"', "{}", "{ {} }", "{ x = 1 }", "print"),
    "js": ("5", '"x"', "[]", "[{}]", "{ x: 1 }", "console.log"),
}
"""Values of which most options take but one or two."""

FOREIGN = {
    "lua": r"\bnew [A-Z]|\b(?:null|undefined)\b|\{ \w+: |=>|\b(?:a string|an array|an object)\b(?! of class)",
    "js": r"\w\.new\b|\bnil\b|\{[^}]*\w = |\b[a-z]+:\w+\(|(?:must be|not) (?:text|a table|a list)\b",
}
"""How the other language speaks: its constructors, tables and calls, its words for kinds of values."""


def _options(name: str) -> dict[str, Any]:
    checker = registry().options(name)
    return checker.schema.get("properties", {}) if checker is not None else {}


def attempts(language: str) -> Iterator[str]:
    """Calls of every constructor with what it does not take; of options that classes have in common only once."""
    seen: set[str] = set()
    for name, described in registry().classes.items():
        if not described["constructible"]:
            continue
        for value in ("", "5", WRONG[language][3], "{ no_such = 1 }" if language == "lua" else "{ noSuch: 1 }"):
            yield f"{name}.new({value})" if language == "lua" else f"new {name}({value})"
        for option, schema in _options(name).items():
            key = json.dumps([option, schema])
            if key in seen:
                continue
            seen.add(key)
            for value in WRONG[language]:
                if language == "lua":
                    yield f"{name}.new({{ ['{option}'] = {value} }})"
                else:
                    yield f"new {name}({{ {camel(option)}: {value} }})"


@pytest.mark.parametrize("language", ["lua", "js"])
async def test_no_constructor_speaks_in_the_other_languages_manner(cast: Any, language: str) -> None:
    source = {
        "lua": "local function try(make)\n  local made, error = pcall(make)\n"
        "  if not made then print(error.message .. '\\t' .. (error.hint or '')) end\nend\n",
        "js": "function attempt(make) {\n  try { make(); } catch (error) { console.log(`${error.message}\\t${error.hint}`); }\n}\n",
    }[language]
    for call in attempts(language):
        source += f"try(function() {call} end)\n" if language == "lua" else f"attempt(() => {call});\n"
    told = await cast(**{language: source})
    assert told.result.error is None
    said = told.output["out"].splitlines()
    assert len(said) > 1_000
    other = re.compile(rf"{FOREIGN[language]}|{_other_names(language)}")
    assert [(found[0], line) for line in said if (found := other.search(re.sub(r"'[^']*'", "", line)))] == []


def _other_names(language: str) -> str:
    """Options as the other language spells them, where they stand as names."""
    names = {name for each in registry().classes for name in _options(each) if "_" in name}
    return rf"(?:`|\bmissing '|: )(?:{'|'.join(sorted(map(camel, names) if language == 'lua' else names))})\b"


@pytest.mark.parametrize(
    ("lua", "js", "lua_says", "js_says"),
    [
        ("PipelineAgent.new{}", "new PipelineAgent({})", "PipelineAgent.new: missing 'stages'", ""),
        ("StateHandoff.new{}", "new StateHandoff({})", "StateHandoff.new: missing 'from'", ""),
        ("AgentTool.new{}", "new AgentTool({})", "AgentTool.new: missing 'agent'", ""),
        ("CostHook.new{}", "new CostHook({})", "CostHook.new: the budget limits nothing", ""),
        (
            "Workflow.new{ steps = { {} } }",
            "new Workflow({ steps: [{}] })",
            "Workflow.new: steps[1]",
            "new Workflow: steps[0]",
        ),
        ("Tool.new{}", "new Tool({})", "Tool.new: missing 'name'", ""),
        ("Tool.define{}", "Tool.define({})", "Tool.define: missing 'name'", "Tool.define: missing 'name'"),
        ("Tool:extend{}.new{}", "class T extends Tool {}; new T({})", ".new: missing 'name'", "new T: missing 'name'"),
    ],
)
async def test_a_refusal_begins_with_what_was_called(cast: Any, lua: str, js: str, lua_says: str, js_says: str) -> None:
    assert lua_says in (await cast(lua=f"local x = {lua}")).result.error.message
    of, _, rest = lua_says.partition(".new")
    assert (await cast(js=js)).result.error.message.startswith(js_says or f"new {of}{rest}")
