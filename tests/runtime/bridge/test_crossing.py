"""What crosses between a spell and its host: values, objects, functions, promises and errors, each as itself."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import Any

import pytest

from llmspell.bridge.crossing import Crossing
from llmspell.bridge.functions import ScriptFunction
from llmspell.engines.values import FunctionRef

Cast = Callable[..., Any]

#: Values that both languages have, written as JSON.
VALUES = [
    None,
    True,
    0,
    -1,
    2**31,
    2**53 - 1,
    0.5,
    1e300,
    "",
    "tea",
    "a\0b",
    "é 🫖",
    [],
    [1, [2, [3]]],
    {"a": {"b": [None, 1]}},
    {"with space": 1, "ünicode": 2},
    "x" * 500_000,
    list(range(10_000)),
]
ECHO = {
    "lua": """
      local tool = Tool.define{
        name = "echo", description = "gives back", parameters = { type = "object" },
        execute = function(given) return { value = given.value } end,
      }
      return tool:execute{ value = params.value }""",
    "javascript": """
      const tool = Tool.define({
        name: "echo", description: "gives back", parameters: { type: "object" },
        execute: (given) => ({ value: given.value }),
      });
      return await tool.execute({ value: params.value });""",
}


def spell(language: str, text: str) -> dict[str, str]:
    return {"lua" if language == "lua" else "js": text}


languages = pytest.mark.parametrize("language", ["lua", "javascript"])


@languages
async def test_plain_values_come_back_as_they_went(cast: Cast, language: str) -> None:
    """Into the spell, through a tool that the host calls back, and out as the result."""
    for value in VALUES:
        found = (await cast(**spell(language, ECHO[language]), params={"value": value})).value
        expected = {} if value is None and language == "lua" else {"value": value}
        assert found == expected or (found in ([], {}) and expected in ({}, {"value": value})), json.dumps(value)[:80]


@languages
async def test_an_object_is_one_wherever_it_comes_from(cast: Cast, language: str) -> None:
    text = {
        "lua": """
          local tool = Calculator.new()
          local a = Agent.new{ name = "a", tools = { tool } }
          a.mine = "kept"
          return { a == Agent.get("a"), Agent.get("a").mine, a.tools[1] == tool, a == Agent.new{ name = "b" } }""",
        "javascript": """
          const tool = new Calculator();
          const a = new Agent({ name: "a", tools: [tool] });
          a.mine = "kept";
          return [a === Agent.get("a"), Agent.get("a").mine, a.tools[0] === tool, a === new Agent({ name: "b" })];""",
    }[language]
    assert (await cast(**spell(language, text))).value == [True, "kept", True, False]


@languages
async def test_a_function_is_one_listener_however_often_it_is_handed_over(cast: Cast, language: str) -> None:
    text = {
        "lua": """
          local count = 0
          local function hear() count = count + 1 end
          eventBus.on("tea", hear)
          eventBus.emit("tea")
          local stopped = eventBus.off("tea", hear)
          eventBus.emit("tea")
          eventBus.on("tea", hear)
          eventBus.emit("tea")
          Async.sleep(1)
          return { count, stopped, eventBus.off("tea", function() end) }""",
        "javascript": """
          let count = 0;
          const hear = () => { count += 1; };
          eventBus.on("tea", hear);
          eventBus.emit("tea");
          const stopped = eventBus.off("tea", hear);
          eventBus.emit("tea");
          eventBus.on("tea", hear);
          eventBus.emit("tea");
          await Async.sleep(1);
          return [count, stopped, eventBus.off("tea", () => {})];""",
    }[language]
    assert (await cast(**spell(language, text))).value == [2, 1, 0]


def test_a_function_is_released_as_often_as_it_was_received() -> None:
    """Also when it comes again between its end and the release."""
    crossing = Crossing(None, "lua")  # pyright: ignore[reportArgumentType]  it is called by nobody

    def receive(number: int) -> ScriptFunction:
        return crossing.inward(FunctionRef(number), "spell.lua:1")

    first, again, other = receive(1), receive(1), receive(2)
    assert first is again and first != other
    del first
    gc.collect()
    assert crossing.released() == []
    del again
    assert crossing.released() == [(1, 2)]
    assert crossing.released() == []
    third = receive(1)
    del third
    fourth = receive(1)
    assert crossing.released() == []
    del fourth, other
    assert sorted(crossing.released()) == [(1, 2), (2, 1)]


async def test_the_host_forgets_functions_that_nobody_holds(cast: Cast) -> None:
    """3,000 functions that hold 100 KB each would not fit into the spell's 64 MB otherwise."""
    text = """
      local refused = 0
      for i = 1, 3000 do
        local held = ("x"):rep(100000) .. i
        local ok = pcall(Cache.set, "x", function() return #held end)
        if not ok then refused = refused + 1 end
      end
      return refused"""
    assert (await cast(lua=text, flags={"limits.memory_mb": 64})).value == 3000


async def test_a_promise_is_waited_for_where_a_value_is_wanted(cast: Cast) -> None:
    text = """
      const later = (value) => new Promise((resolve) => setTimeout(() => resolve(value), 1));
      const tool = Tool.define({ name: "t", description: "d", parameters: { type: "object" }, execute: () => later({ a: 1 }) });
      Hooks.register("afterToolCall", async (context) => { context.result = await later({ b: 2 }); });
      return [await tool.execute({}), await Async.all([later(1), later(2)])];"""
    assert (await cast(js=text)).value == [{"b": 2}, [1, 2]]


@languages
@pytest.mark.parametrize(
    ("lua", "javascript", "kind", "name"),
    [
        ('error(SecurityError("no"))', 'throw new SecurityError("no")', "security", "SecurityError"),
        ('error(RateLimitError("no"))', 'throw new RateLimitError("no")', "rate_limit", "RateLimitError"),
        (
            'error({ type = "tea", message = "no" })',
            'throw Object.assign(new Error("no"), { type: "tea" })',
            None,
            None,
        ),
        ('Agent.get("nobody")', 'Agent.get("nobody")', "invalid_argument", "ArgumentError"),
    ],
)
async def test_an_error_keeps_its_kind_and_its_line_through_the_host(
    cast: Cast, language: str, lua: str, javascript: str, kind: str | None, name: str | None
) -> None:
    """Thrown in a tool of the script, through the host's pipeline, to the script that called the tool, to the end."""
    text = {
        "lua": f"""local tool = Tool.define{{ name = "t", description = "d", parameters = {{ type = "object" }},
            execute = function()
              {lua}
            end }}
          local ok, problem = pcall(tool.execute, tool, {{}})
          print(problem.type, problem.source)
          tool:execute({{}})""",
        "javascript": f"""const tool = Tool.define({{ name: "t", description: "d", parameters: {{ type: "object" }},
            execute() {{
              {javascript};
            }} }});
          try {{ await tool.execute({{}}) }} catch (problem) {{ console.log(problem.type, problem.source) }}
          await tool.execute({{}});""",
    }[language]
    done = await cast(**spell(language, text))
    error = done.result.error
    where = error.source
    assert where.endswith(":3")
    if kind is not None:
        assert (error.type, error.to_value()["name"]) == (kind, name)
        assert done.output["out"].split() == [kind, where]
    assert [event.data["error"]["source"] for event in done.of("error")] == [where, where]


@languages
async def test_a_result_that_cannot_cross_is_an_error_at_its_line(cast: Cast, language: str) -> None:
    text = {
        "lua": "local t = {} t.t = t\nCache.set('x', t)",
        "javascript": "const t = {}; t.t = t;\nawait Cache.set('x', t);",
    }[language]
    error = (await cast(**spell(language, text))).result.error
    assert error.source.endswith(":2")
    assert "cycl" in str(error) or "circular" in str(error) or "itself" in str(error)


@languages
async def test_a_host_value_too_large_to_cross_ends_the_run_with_the_limit(cast: Cast, language: str) -> None:
    async def bloat(context: dict[str, Any]) -> None:
        context["result"] = "x" * (17 * 1024 * 1024)

    text = {
        "lua": 'pcall(function() Calculator.new():execute{ expression = "1" } end) return "caught"',
        "javascript": 'try { await new Calculator().execute({ expression: "1" }) } catch {} return "caught"',
    }[language]
    result = (await cast(**spell(language, text), hooks={"after_tool_call": bloat})).result
    assert (result.status, result.error.data["limit"]) == ("limit", "frame")
    assert result.error.source.endswith(":1")
