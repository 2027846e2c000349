"""Spells that would fill their host's memory, or keep it from everything else, with a few lines."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import StoreError
from llmspell.state import cache_file

MULTIPLYING_LUA = """
local defs = { a40 = { type = "number" } }
for i = 0, 39 do
  local ref = { ["$ref"] = "#/$defs/a" .. (i + 1) }
  defs["a" .. i] = { anyOf = { { allOf = { ref, { minimum = 5 } } }, { allOf = { ref, { minimum = 6 } } } } }
end
"""
MULTIPLYING_JS = """
const defs = { a40: { type: "number" } };
for (let i = 0; i < 40; i++) {
  const ref = { $ref: `#/$defs/a${i + 1}` };
  defs[`a${i}`] = { anyOf: [{ allOf: [ref, { minimum: 5 }] }, { allOf: [ref, { minimum: 6 }] }] };
}
"""


def tool_lua(parameters: str) -> str:
    return (
        f'Tool.define{{ name = "t", description = "d", parameters = {parameters}, execute = function() return 1 end }}'
    )


def tool_js(parameters: str) -> str:
    return f'Tool.define({{ name: "t", description: "d", parameters: {parameters}, execute: () => 1 }})'


@dataclass(frozen=True)
class Bomb:
    """words: what the spell ends with, or "" where it ends well."""

    name: str
    words: str
    lua: str
    js: str


BOMBS = [
    Bomb(
        "a tool's schema whose references multiply",
        "could take too long",
        MULTIPLYING_LUA
        + f'return {tool_lua("""{ properties = { x = { ["$ref"] = "#/$defs/a0" } }, ["$defs"] = defs }""")}:execute{{ x = 1 }}',
        MULTIPLYING_JS
        + f'return await {tool_js("""{ properties: { x: { $ref: "#/$defs/a0" } }, $defs: defs }""")}.execute({{ x: 1 }})',
    ),
    Bomb(
        "an answer's schema whose references multiply",
        "",
        MULTIPLYING_LUA
        + 'return pcall(function() return Agent.new{}:chat("x", { schema = { ["$ref"] = "#/$defs/a0", ["$defs"] = defs } }) end)',
        MULTIPLYING_JS
        + 'try { return await new Agent({}).chat("x", { schema: { $ref: "#/$defs/a0", $defs: defs } }) } catch { return 1 }',
    ),
    Bomb(
        "a pattern that goes back for ever",
        "must match",
        f"""return {tool_lua('{ properties = { x = { type = "string", pattern = "^(a+)+$" } } }')}:execute{{ x = ("a"):rep(40000) .. "b" }}""",
        f"""return await {tool_js('{ properties: { x: { type: "string", pattern: "^(a+)+$" } } }')}.execute({{ x: "a".repeat(40000) + "b" }})""",
    ),
    Bomb(
        "a pattern that looks ahead",
        "no valid JSON Schema",
        tool_lua('{ properties = { x = { pattern = "(?=a)(a|a)*b" } } }'),
        tool_js('{ properties: { x: { pattern: "(?=a)(a|a)*b" } } }'),
    ),
    Bomb(
        "a schema that reads a file",
        "no valid JSON Schema",
        tool_lua('{ properties = { x = { ["$ref"] = "file:///etc/passwd" } } }'),
        tool_js('{ properties: { x: { $ref: "file:///etc/passwd" } } }'),
    ),
    Bomb(
        "an answer of a thousand million items",
        "no more than 10000 items",
        'return Agent.new{}:chat("x", { schema = { type = "array", minItems = 1000000000, items = { type = "string" } } })',
        'return await new Agent({}).chat("x", { schema: { type: "array", minItems: 1e9, items: { type: "string" } } })',
    ),
    Bomb(
        "an answer of three thousand million characters",
        "no more than 10000 items or characters",
        'return Agent.new{}:chat("x", { schema = { type = "string", minLength = 3000000000 } })',
        'return await new Agent({}).chat("x", { schema: { type: "string", minLength: 3e9 } })',
    ),
    Bomb(
        "a schema that describes itself",
        "describes itself without end",
        'return Agent.new{}:chat("x", { schema = { ["$ref"] = "#/$defs/a", ["$defs"] = { a = { type = "object", '
        'properties = { b = { ["$ref"] = "#/$defs/a" } }, required = { "b" } } } } })',
        'return await new Agent({}).chat("x", { schema: { $ref: "#/$defs/a", $defs: { a: { type: "object", '
        'properties: { b: { $ref: "#/$defs/a" } }, required: ["b"] } } } })',
    ),
    Bomb(
        "an event's name of a megabyte",
        "at most 200 characters",
        'local s = ("x"):rep(1048576) for i = 1, 5000 do eventBus.emit(i .. s) end',
        'const s = "x".repeat(1048576); for (let i = 0; i < 5000; i++) eventBus.emit(i + s)',
    ),
    Bomb(
        "names of a megabyte that nobody hears",
        "at most 200 characters",
        'local s = ("x"):rep(1048576) for i = 1, 5000 do eventBus.off(i .. s) end',
        'const s = "x".repeat(1048576); for (let i = 0; i < 5000; i++) eventBus.off(i + s)',
    ),
    Bomb(
        "an agent's name of a megabyte",
        "at most 200 characters",
        'Agent.new{ name = ("n"):rep(1048576) }',
        'new Agent({ name: "n".repeat(1048576) })',
    ),
    Bomb(
        "an agent renamed to a megabyte",
        "at most 200 characters",
        'local a = Agent.new{} a.name = ("n"):rep(1048576)',
        'const a = new Agent({}); a.name = "n".repeat(1048576)',
    ),
    Bomb(
        "an agent looked for by a megabyte",
        "at most 200 characters",
        'for i = 1, 50 do Agent.new{ name = "n" .. i } end Agent.get(("n"):rep(1048576))',
        'for (let i = 0; i < 50; i++) new Agent({ name: `n${i}` }); Agent.get("n".repeat(1048576))',
    ),
    Bomb(
        "a hook point of a megabyte",
        "at most 200 characters",
        'Hooks.register(("x"):rep(1048576), function() end)',
        'Hooks.register("x".repeat(1048576), () => {})',
    ),
    Bomb(
        "thousands of unknown options",
        "unknown option",
        'local t = {} for i = 1, 50000 do t["option_" .. i] = i end Agent.new(t)',
        "const t = {}; for (let i = 1; i <= 50000; i++) t[`option_${i}`] = i; new Agent(t)",
    ),
    Bomb(
        "thousands of unknown arguments",
        "unknown option",
        'local t = {} for i = 1, 50000 do t["option_" .. i] = i end Calculator.new():execute(t)',
        "const t = {}; for (let i = 1; i <= 50000; i++) t[`option_${i}`] = i; await new Calculator().execute(t)",
    ),
    Bomb(
        "a list that is wrong in a million places",
        "must be",
        f"""local t = {{}} for i = 1, 300000 do t[i] = "x" end
        return {tool_lua('{ properties = { x = { type = "array", items = { type = "number" } } } }')}:execute{{ x = t }}""",
        f"""return await {tool_js('{ properties: { x: { type: "array", items: { type: "number" } } } }')}.execute({{ x: new Array(300000).fill("x") }})""",
    ),
    Bomb(
        "one large event for thousands of listeners",
        "wait for the spell's listeners",
        'for i = 1, 1000 do eventBus.on("e", function() end) end eventBus.emit("e", { s = ("x"):rep(1000000) })',
        'for (let i = 0; i < 1000; i++) eventBus.on("e", () => {}); eventBus.emit("e", { s: "x".repeat(1000000) })',
    ),
    Bomb(
        "an event for more listeners than are heard at once",
        "wait for the spell's listeners",
        'for i = 1, 12000 do eventBus.on("e", function() end) end eventBus.emit("e")',
        'for (let i = 0; i < 12000; i++) eventBus.on("e", () => {}); eventBus.emit("e")',
    ),
    Bomb(
        "timers by the million",
        "the limit",
        "for i = 1, 1000000 do Async.spawn(function() Async.sleep(3600000) end) if i % 500 == 0 then Async.sleep(0) end end",
        "for (let i = 0; i < 1000000; i++) setTimeout(() => {}, 3600000)",
    ),
    Bomb(
        "a path of a state a million keys long",
        "",
        "local a = Agent.new{} a.state.x = {} local t = a.state.x return pcall(function() for i = 1, 300 do t.x = {} t = t.x end end)",
        "const a = new Agent({}); a.state.x = {}; let t = a.state.x; try { for (let i = 0; i < 300; i++) { t.x = {}; t = t.x } } catch {}",
    ),
]


@pytest.mark.mission(139)
@pytest.mark.parametrize("language", ["lua", "js"])
@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.name)
async def test_a_bomb_does_not_go_off(cast: Any, bomb: Bomb, language: str) -> None:
    started = time.process_time()
    told = await cast(**{language: getattr(bomb, language)})
    assert time.process_time() - started < 8  # of the host's own, not the worker's
    error = told.result.error
    assert bomb.words in (error.message if error else "") and bool(bomb.words) == (error is not None), error
    assert error is None or (len(error.message) < 1500 and "internal" not in error.message)


WRONG_SCHEMAS = [
    '{ type: "object", properties: [1, 2] }', '{ type: "object", properties: { x: 5 } }', '{ type: "nothing" }',
    '{ anyOf: "x" }', '{ anyOf: [1, null] }', '{ required: [1] }', '{ additionalProperties: 5 }', '{ items: 7 }',
    '{ properties: { x: { pattern: "(" } } }', '{ properties: { x: { minimum: "y" } } }', '{ $ref: "#/nowhere" }',
    '{ $ref: "http://127.0.0.1:1/x" }', '{ properties: { x: () => 1 } }', '{ type: "object", enum: 5 }',
]  # fmt: skip


@pytest.mark.parametrize("schema", WRONG_SCHEMAS)
async def test_a_schema_that_is_none_is_refused_where_it_is_given(cast: Any, schema: str) -> None:
    told = await cast(js=f'\nTool.define({{ name: "t", description: "d", parameters: {schema}, execute: () => 1 }})')
    assert "no valid JSON Schema" in told.result.error.message
    assert told.result.error.source == "spell.js:2" or told.result.error.source.endswith("spell.js:2")
    told = await cast(js=f'return await new Agent({{}}).chat("x", {{ schema: {schema} }})')
    assert "no valid JSON Schema" in told.result.error.message
    assert not told.of("llm_call_started")


async def test_empty_tables_of_lua_are_schemas_too(cast: Any) -> None:
    text = """
      local tool = Tool.define{
        name = "t", description = "d", execute = function(given) return given end,
        parameters = { type = "object", properties = { any = {}, list = { type = "array", items = {} } }, required = {} },
      }
      return { tool:execute{ any = 5, list = { 1, "x" } }, JSON.stringify(tool.parameters.properties.any) }"""
    given, schema = (await cast(lua=text)).value
    assert given == {"any": 5, "list": [1, "x"]}
    assert schema in ("{}", "[]")


def test_the_cache_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_file, "_PAGES", 100)
    cache = cache_file.CacheFile(tmp_path / "cache.db")
    with pytest.raises(StoreError, match="is full"):
        for number in range(100):
            cache.set(f"k{number}", "x" * 10_000, None)
    assert cache.get("k0") == ["x" * 10_000]
    assert (tmp_path / "cache.db").stat().st_size <= 100 * 4096
    assert cache.delete("k0")
    cache.set("k0", "y", None)
    assert cache.get("k0") == ["y"]
