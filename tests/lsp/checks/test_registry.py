"""Checks know nothing by themselves: what is taken out of the registry is unknown to them, in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.lsp.entries import entries, without

from llmspell.api.registry import registry
from llmspell_lsp.checks.finding import Finding

Find = Callable[[str, str], list[Finding]]

#: What is taken out, the code that is then found, Lua, JavaScript.
CASES = [
    ("Agent methods clear_history", "unknown-member", 'local a = Agent.new{ model = "offline" }\nreturn a:clear_history()', 'const a = new Agent({ model: "offline" });\nreturn a.clearHistory();'),
    ("Hooks methods register", "unknown-member", 'Hooks.register("before_execute", function() end)', 'Hooks.register("beforeExecute", () => {});'),
    ("class Agent", "unknown-name", 'return Agent.new{ name = "a" }', 'return new Agent({ name: "a" });'),
    ("CalculatorTool alias 'Calculator'", "unknown-name", "return Calculator.new{}", "return new Calculator({});"),
    ("error TimeoutError", "unknown-name", "return TimeoutError", "return TimeoutError;"),
    ("global params", "unknown-name", "return params.topic", "return params.topic;"),
    ("Agent option max_turns", "unknown-option", "return Agent.new{ max_turns = 3 }", "return new Agent({ maxTurns: 3 });"),
    ("Agent methods chat takes options schema", "unknown-option", 'local a = Agent.new{ model = "offline" }\nreturn a:chat("x", { schema = {} })', 'const a = new Agent({ model: "offline" });\nreturn a.chat("x", { schema: {} });'),
    ("Agent option tool_errors 'fail'", "wrong-type", 'return Agent.new{ tool_errors = "fail" }', 'return new Agent({ toolErrors: "fail" });'),
    ("CalculatorTool argument precision", "tool-arguments", 'return Calculator.new():execute{ expression = "1", precision = 2 }', 'return new Calculator().execute({ expression: "1", precision: 2 });'),
    ("FileSystemTool argument operation 'read'", "tool-arguments", 'return FileSystem.new():execute{ operation = "read", path = "x" }', 'return new FileSystem().execute({ operation: "read", path: "x" });'),
    ("hook point before_handoff", "unknown-hook-point", 'Hooks.register("before_handoff", function() end)', 'Hooks.register("beforeHandoff", () => {});'),
    ("tool calculator", "unknown-tool", 'return Tool.get("calculator")', 'return Tool.get("calculator");'),
]  # fmt: skip


@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize(("path", "code", "lua", "javascript"), CASES, ids=[each[0] for each in CASES])
def test_what_is_taken_out_is_unknown(
    path: str, code: str, lua: str, javascript: str, language: str, find: Find
) -> None:
    text = lua if language == "lua" else javascript
    assert find(text, language) == []
    taken = [each for each in entries(registry()) if each.path == path]
    assert taken, path
    with without(taken, registry()):
        assert code in [each.code for each in find(text, language)]
    assert find(text, language) == []
