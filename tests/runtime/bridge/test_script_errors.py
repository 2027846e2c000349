"""What an error of a script says, once it has been through the host: lines of both sides, and what was meant."""

from __future__ import annotations

import re
from typing import Any

import pytest


@pytest.mark.parametrize("language", ["lua", "js"])
async def test_an_error_of_a_callback_has_the_lines_of_both_sides(cast: Any, language: str) -> None:
    text = {
        "lua": """local t = Tool.define{ name = "t", description = "d", execute = function()
  Async.sleep(1) error("inside")
end }
local function use()
  local x = t:execute{}
  return x
end
local y = use()""",
        "js": """const t = Tool.define({ name: "t", description: "d", execute: async () => {
  await Async.sleep(1); throw new Error("inside")
} });
const use = async () => {
  await Async.sleep(1); return await t.execute({})
};
await use()""",
    }[language]
    told = await cast(**{language: text})
    lines = [re.sub(r"^.*?/spell\.\w+:(\d+): .*", r"\1", line) for line in told.result.error.stack]
    assert lines == {"lua": ["2", "5", "8"], "js": ["2", "5", "7"]}[language]
    assert told.result.error.source.endswith(":2")


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("Agent.new{}:chatt('x')", "did you mean chat?"),
        ("Tool.defin{}", "did you mean define?"),
        ("Agnt.new{}", "did you mean Agent?"),
        ("strng.rep('x', 2)", "did you mean string?"),
        ("Async.slep(1)", "did you mean sleep?"),
        ("math.flor(1.5)", "did you mean floor?"),
        ("local t = {} t.nothingLikeIt()", ""),
    ],
)
async def test_lua_hints_at_what_was_meant(cast: Any, source: str, hint: str) -> None:
    told = await cast(lua=source)
    assert "a nil value" in told.result.error.message
    assert told.result.error.hint == hint


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"lua": "State.compare_and_set()"}, "State.compare_and_set(key, expected, value, options)"),
        ({"js": "await State.compareAndSet()"}, "State.compareAndSet(key, expected, value, options)"),
    ],
)
async def test_a_member_is_called_as_the_spells_language_writes_it(cast: Any, source: Any, said: str) -> None:
    error = (await cast(**source)).result.error
    assert error.message == f"{said.partition('(')[0]}: missing argument 'key'" and error.hint == said


async def test_a_tool_by_its_name_alone_is_told_how_it_is_written(cast: Any, language: str) -> None:
    text = {"lua": 'Agent.new{ tools = { "calculator" } }', "js": 'new Agent({ tools: ["calculator"] })'}[language]
    error = (await cast(**{language: text})).result.error
    assert error.message.endswith("must be an object of class Tool, not 'calculator'")
    assert error.hint == 'write Tool.get("calculator")'


@pytest.mark.parametrize(
    ("lua", "js", "message"),
    [
        ("Agent.new{ nme = 'x' }", "new Agent({ nme: 'x' })", "Agent: unknown option 'nme'"),
        ("CompositeAgent.new{}", "new CompositeAgent({})", "CompositeAgent: missing 'agents'"),
        (
            "HttpRequestTool.new{ timeout = 'x' }",
            "new HttpRequestTool({ timeout: 'x' })",
            "HttpRequestTool: timeout must be",
        ),
    ],
)
async def test_what_is_made_is_called_as_the_spells_language_makes_it(
    cast: Any, lua: str, js: str, message: str
) -> None:
    of, _, rest = message.partition(":")
    assert (await cast(lua=lua)).result.error.message.startswith(f"{of}.new:{rest}")
    assert (await cast(js=js)).result.error.message.startswith(f"new {of}:{rest}")
