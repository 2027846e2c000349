"""Fields of contexts, events and results that are not there: told where a near one is, silent where anybody may have
put them there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.lsp.marks import between

from llmspell_lsp.checks.finding import Finding

Find = Callable[[str, str], list[Finding]]

#: Words of the message, Lua, JavaScript.
WRONG = [
    ("no field", 'Hooks.register("before_llm_call", function(context) return context.▮promt▮ end)', 'Hooks.register("beforeLlmCall", (context) => context.▮promt▮);'),
    ("did you mean", 'return Agent.new{ hooks = { before_execute = function(c) print(c.▮agent_nam▮) end } }', "return new Agent({ hooks: { beforeExecute: (c) => { console.log(c.▮agentNam▮); } } });"),
    ("a handler is given no field", 'Hooks.register("before_*", function(c) return c.▮agnt_name▮ end)', 'Hooks.register("before_*", (c) => c.▮agntName▮);'),
    ("this event brings no field 'tool_nme'", 'eventBus.on("tool_called", function(e) print(e.▮tool_nme▮) end)', None),
    ("this event brings no field 'toolNme'", None, 'eventBus.on("toolCalled", (e) => { console.log(e.▮toolNme▮); });'),
    ("did you mean 'stdout'?", 'local made = ShellCommand.new():execute{ command = params.command }\nreturn made.▮stdot▮', 'const made = await new ShellCommand().execute({ command: params.command });\nreturn made.▮stdot▮;'),
    ("did you mean 'agentName'?", None, 'Hooks.register("beforeExecute", ({ ▮agentNme▮ }) => agentNme);'),
    ("did you mean 'stdout'?", None, 'const { ▮stdot▮ } = await new ShellCommand().execute({ command: params.command });\nreturn stdot;'),
]  # fmt: skip
RIGHT = [
    ("a field that a handler of the file adds", 'Hooks.register("before_execute", function(c) c.promts = 1 end)\nHooks.register("after_execute", function(c) return c.promts end)', 'Hooks.register("beforeExecute", (c) => { c.promts = 1; });\nHooks.register("afterExecute", (c) => c.promts);'),
    ("a name that is near none", 'Hooks.register("before_execute", function(c) return c.zebra end)', 'Hooks.register("beforeExecute", (c) => c.zebra);'),
    ("an event of the spell's own", 'eventBus.on("my_news", function(e) return e.timestmp end)', 'eventBus.on("myNews", (e) => e.timestmp);'),
    ("a pattern of events", 'eventBus.on("tool_*", function(e) return e.timestmp end)', 'eventBus.on("tool_*", (e) => e.timestmp);'),
    ("a handler that stands elsewhere", "local function guard(c) return c.promt end\nHooks.register('before_execute', guard)", "function guard(c) { return c.promt; }\nHooks.register('beforeExecute', guard);"),
    ("an input's own fields", 'Hooks.register("before_execute", function(c) return c.input.mesage end)', 'Hooks.register("beforeExecute", (c) => c.input.mesage);'),
    ("fields of the language", 'Hooks.register("before_execute", function(c) return c.agent_name:upper() end)', 'Hooks.register("beforeExecute", (c) => c.agentName.length + c.toString());'),
    ("what is assigned at once", 'Hooks.register("before_execute", function(c) c.promts = 1 return c.promts end)', 'Hooks.register("beforeExecute", (c) => { Object.assign(c, { promts: 1 }); return c.promts; });'),
]  # fmt: skip


def cases() -> list[object]:
    return [
        pytest.param(words, language, text, id=f"{number}-{language}")
        for number, (words, lua, javascript) in enumerate(WRONG)
        for language, text in (("lua", lua), ("javascript", javascript))
        if text is not None
    ]


@pytest.mark.parametrize(("words", "language", "text"), cases())
def test_the_mistake_is_found_and_nothing_else(words: str, language: str, text: str, find: Find) -> None:
    plain, span = between(text)
    found = find(plain, language)
    assert [(each.code, each.span) for each in found] == [("unknown-field", span)]
    assert words in found[0].message
    assert found[0].severity == "warning"


@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize(("name", "lua", "javascript"), RIGHT, ids=[name for name, _, _ in RIGHT])
def test_what_may_be_there_is_left_alone(name: str, lua: str, javascript: str, language: str, find: Find) -> None:
    found = find(lua if language == "lua" else javascript, language)
    assert [(each.code, each.message) for each in found if each.code == "unknown-field"] == []


def test_hook_files_of_the_project_may_add_any_field(find: Find, tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").write_text('[hooks]\nfiles = ["hooks.lua"]\n')
    (tmp_path / "hooks.lua").write_text("")
    handler = 'Hooks.register("before_execute", function(c) return c.agent_nme end)'
    assert find(handler, "lua") == []
    event = 'eventBus.on("tool_called", function(e) return e.tool_nme end)'
    assert [each.code for each in find(event, "lua")] == ["unknown-field"]
