"""Tools that scripts write, and what every call of a tool goes through: checks, limits, hooks, audit, permissions."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from llmspell.providers.base import ToolCall
from llmspell.testing.answers import Answer
from llmspell.traces.reader import RunFile

both = pytest.mark.parametrize("language", ["lua", "js"])

DEFINED = {
    "lua": """
        local greet = Tool.define{ name = "greet", description = "Greets", version = "1.2", permissions = { "read" },
          parameters = { type = "object", required = { "who" },
            properties = { who = { type = "string" }, loud = { type = "boolean", default = true } } },
          examples = { { who = "Ada" } }, timeout = 60000,
          execute = function(p) return { text = "Hi " .. p.who, loud = p.loud } end }
        local detailed = greet:execute_detailed{ who = "Bob", loud = false }
        local wrong, right = greet:validate_params{ loud = 1 }, greet:validate_params{ who = "x" }
        return { greet.name, greet.description, greet.parameters.required, greet:schema().name, greet:metadata(),
          greet:resource_requirements(), greet:execute{ who = "Ada" }, detailed, wrong, right.valid }
    """,
    "js": """
        const greet = Tool.define({ name: "greet", description: "Greets", version: "1.2", permissions: ["read"],
          parameters: { type: "object", required: ["who"],
            properties: { who: { type: "string" }, loud: { type: "boolean", default: true } } },
          examples: [{ who: "Ada" }], timeout: 60000,
          execute: async (p) => ({ text: "Hi " + p.who, loud: p.loud }) });
        const detailed = await greet.executeDetailed({ who: "Bob", loud: false });
        const wrong = greet.validateParams({ loud: 1 }), right = greet.validateParams({ who: "x" });
        return [greet.name, greet.description, greet.parameters.required, greet.schema().name, greet.metadata(),
          greet.resourceRequirements(), await greet.execute({ who: "Ada" }), detailed, wrong, right.valid];
    """,
}


@both
@pytest.mark.mission(31, 32, 33, 34, 35, 36)
async def test_a_defined_tool_describes_itself_and_runs(cast: Any, language: str) -> None:
    value = (await cast(**{language: DEFINED[language]})).value
    name, description, required, schema, metadata, needs, content, detailed, wrong, right = value
    assert (name, description, required, schema) == ("greet", "Greets", ["who"], "greet")
    assert (metadata["version"], metadata["permissions"], metadata["examples"]) == ("1.2", ["read"], [{"who": "Ada"}])
    assert needs["timeout"] == 60000
    assert content == {"text": "Hi Ada", "loud": True}, "declared defaults are filled in"
    assert detailed["content"] == {"text": "Hi Bob", "loud": False}
    assert detailed["metadata"] == {} and detailed["artifacts"] == []
    assert wrong["valid"] is False and "who" in wrong["error"] and right is True


CHECKED = {
    "lua": """
        local seen = {}
        local tool = Tool.define{ name = "count", description = "Counts", parameters = { type = "object",
          required = { "n" }, properties = { n = { type = "integer", minimum = 1 } }, additionalProperties = false },
          execute = function(p) seen[#seen + 1] = p.n return p.n end }
        local ok, problem = pcall(tool.execute, tool, { n = 0 })
        local _, extra = pcall(tool.execute, tool, { n = 1, m = 2 })
        local answer = Agent.new{ tools = { tool } }:chat("go")
        return { ErrorHandler.parse_error(problem).type, problem.message, extra.message, seen, answer }
    """,
    "js": """
        const seen = [];
        const tool = Tool.define({ name: "count", description: "Counts", parameters: { type: "object",
          required: ["n"], properties: { n: { type: "integer", minimum: 1 } }, additionalProperties: false },
          execute: (p) => { seen.push(p.n); return p.n; } });
        const fails = async (params) => { try { await tool.execute(params); } catch (error) { return error; } };
        const problem = await fails({ n: 0 }), extra = await fails({ n: 1, m: 2 });
        const answer = await new Agent({ tools: [tool] }).chat("go");
        return [ErrorHandler.parseError(problem).type, problem.message, extra.message, seen, answer];
    """,
}


@both
@pytest.mark.mission(33)
async def test_arguments_of_models_and_scripts_are_checked_before_the_work(
    cast: Any, model: Any, language: str
) -> None:
    model.will(Answer(tool_calls=(ToolCall("c1", "count", {"n": 0}), ToolCall("c2", "count", {"n": 7}))))
    kind, problem, extra, seen, answer = (await cast(**{language: CHECKED[language]}, model=model)).value
    assert kind == "validation" and "n" in problem and "m" in extra
    assert seen == [7]
    assert "Error (validation)" in answer and "and 7" in answer


SUBCLASS = {
    "lua": """
        local Shout = Tool:extend("Shout")
        function Shout:init(config) self.mark = config.mark or "!" end
        function Shout:execute(params) return params.text:upper() .. self.mark end
        local shout = Shout.new{ name = "shout", description = "Shouts", mark = "?!",
          parameters = { type = "object", properties = { text = { type = "string" } }, required = { "text" } } }
        local Careful = Calculator:extend("Careful")
        function Careful:execute(params)
          if params.expression == "1/0" then return { result = "none" } end
          return { result = Calculator.execute(self, params).result, checked = true }
        end
        local careful = Careful.new{}
        return { shout:execute{ text = "hi" }, shout.mark, Agent.new{ tools = { shout } }:chat("use shout"),
          careful:execute{ expression = "1/0" }, careful:execute{ expression = "6*7" }, careful.name }
    """,
    "js": """
        class Shout extends Tool {
          constructor(config) { super(config); this.mark = config.mark ?? "!"; }
          execute(params) { return params.text.toUpperCase() + this.mark; }
        }
        const shout = new Shout({ name: "shout", description: "Shouts", mark: "?!",
          parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] } });
        class Careful extends Calculator {
          async execute(params) {
            if (params.expression === "1/0") return { result: "none" };
            return { result: (await super.execute(params)).result, checked: true };
          }
        }
        const careful = new Careful({});
        return [await shout.execute({ text: "hi" }), shout.mark, await new Agent({ tools: [shout] }).chat("use shout"),
          await careful.execute({ expression: "1/0" }), await careful.execute({ expression: "6*7" }), careful.name];
    """,
}


@both
@pytest.mark.mission(32, 38)
async def test_classes_of_scripts_extend_tools_and_builtin_ones(cast: Any, model: Any, language: str) -> None:
    shout, mark, answer, none, product, name = (await cast(**{language: SUBCLASS[language]}, model=model)).value
    assert (shout, mark, name) == ("HI?!", "?!", "calculator")
    assert "?!" in answer
    assert (none, product) == ({"result": "none"}, {"result": 42, "checked": True})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('description = "d", execute = f', "missing 'name'"),
        ('name = "n", execute = f', "missing 'description'"),
        ('name = "n", description = "d"', "missing 'execute'"),
        ('name = "a b", description = "d", execute = f', "cannot be a tool's name"),
        ('name = "n", description = "d", execute = f, parameters = { type = "objekt" }', "JSON Schema"),
        ('name = "n", description = "d", execute = f, paramters = {}', "parameters"),
    ],
)
@both
async def test_a_tool_that_lacks_something_says_what(cast: Any, language: str, options: str, words: str) -> None:
    source = {
        "lua": f"local f = function() end\nTool.define{{ {options} }}:execute{{}}",
        "js": f"const f = () => 1;\nawait Tool.define({{ {options.replace(' =', ':')} }}).execute({{}})",
    }
    error = (await cast(**{language: source[language]})).result.error
    assert error.type == "invalid_argument" and words in f"{error.message} {error.hint}"
    assert error.source.endswith(":2")


LIMITS = {
    "lua": """
        local function try(options)
          options.name, options.description = "t", "d"
          local ok, problem = pcall(function() return Tool.define(options):execute{} end)
          return { ok, ok and problem or ErrorHandler.parse_error(problem).type, ok or problem.message }
        end
        return {
          try{ timeout = 20, execute = function() Async.sleep(60000) end },
          try{ max_output = 50, execute = function() return ("x"):rep(51) end },
          try{ max_output = 50, execute = function() local t = {} for i = 1, 30 do t[i] = { n = i } end return t end },
          try{ execute = function() error(ToolError("own kind")) end },
          try{ execute = function() return nil end } }
    """,
    "js": """
        const attempt = async (options) => {
          try { return [true, await Tool.define({ ...options, name: "t", description: "d" }).execute({})]; }
          catch (problem) { return [false, ErrorHandler.parseError(problem).type, problem.message]; }
        };
        return [
          await attempt({ timeout: 20, execute: () => Async.sleep(60000) }),
          await attempt({ maxOutput: 50, execute: () => "x".repeat(51) }),
          await attempt({ maxOutput: 50, execute: () => Array.from({ length: 30 }, (_, n) => ({ n })) }),
          await attempt({ execute: () => { throw new ToolError("own kind"); } }),
          await attempt({ execute: () => undefined })];
    """,
}


@both
async def test_limits_of_time_and_size_hold_for_script_tools(cast: Any, language: str) -> None:
    slow, long, wide, own, nothing = (await asyncio.wait_for(cast(**{language: LIMITS[language]}), 20)).value
    assert slow[:2] == [False, "timeout"] and "20 ms" in slow[2]
    assert long[:2] == [False, "tool"] and "more than 50 characters" in long[2]
    assert wide[:2] == [False, "tool"]
    assert own[:3] == [False, "tool", "own kind"]
    assert nothing[0] is True


AUDITED = {
    "lua": """
        local secret = Tool.define{ name = "own", description = "d", parameters = { type = "object",
          properties = { n = { type = "integer" } } }, execute = function(p) if p.n == 2 then error("bad") end return p.n end }
        local agent = Agent.new{ name = "ada", tools = { Calculator.new(), secret } }
        agent:execute{ message = "What is 2 + 3?", user_id = "u1" }
        secret:execute{ n = 1 }
        pcall(secret.execute, secret, { n = 2 })
        pcall(secret.execute, secret, { n = "x" })
        Hooks.register("before_tool_call", function() error(SecurityError("not today")) end)
        pcall(secret.execute, secret, { n = 3 })
    """,
    "js": """
        const secret = Tool.define({ name: "own", description: "d", parameters: { type: "object",
          properties: { n: { type: "integer" } } }, execute: (p) => { if (p.n === 2) throw new Error("bad"); return p.n; } });
        const agent = new Agent({ name: "ada", tools: [new Calculator(), secret] });
        const quietly = async (n) => { try { await secret.execute({ n }); } catch {} };
        await agent.execute({ message: "What is 2 + 3?", user_id: "u1" });
        await secret.execute({ n: 1 });
        await quietly(2);
        await quietly("x");
        Hooks.register("beforeToolCall", () => { throw new SecurityError("not today"); });
        await quietly(3);
    """,
}


def _audit(folder: Path, run: str) -> list[tuple[Any, ...]]:
    (path,) = folder.rglob(f"{run}.db")
    with RunFile(path) as file:
        assert file.verify_audit() == len(file.audit())
        return [(row[2], row[4], json.loads(row[5]), json.loads(row[6]), row[7]) for row in file.audit()]


@both
async def test_every_call_is_in_the_audit_trail_refused_ones_too(
    cast: Any, model: Any, language: str, tmp_path: Path
) -> None:
    spell = await cast(**{language: AUDITED[language]}, model=model)
    assert spell.result.error is None
    records = await asyncio.to_thread(_audit, tmp_path, spell.result.run_id)
    identity, tool, params, result, user = records[0]
    assert (identity, tool, result, user) == ("ada_1", "calculator", "success", "u1")
    assert params["expression"] == "2 + 3"
    assert [(tool, params) for _, tool, params, _, _ in records[1:]] == [("own", {"n": n}) for n in (1, 2, "x", 3)]
    results = [result for *_, result, _ in records[1:]]
    assert results[0] == "success"
    assert results[1].startswith("script: ") and "bad" in results[1]
    assert results[2].startswith("validation: ") and results[3] == "security: not today"


@both
async def test_a_result_is_released_only_after_its_audit_record(
    cast: Any, model: Any, language: str, tmp_path: Path
) -> None:
    """The record is in the file, committed, when the script's next line runs."""
    source = {
        "lua": "Calculator.new():execute{ expression = '1 + 1' } print('released')",
        "js": "await new Calculator().execute({ expression: '1 + 1' }); console.log('released');",
    }
    found: list[int] = []

    def look(event: Any) -> None:
        if event.kind == "output":
            (path,) = (file for file in tmp_path.rglob("*.db") if file.parent.name == "runs")
            with RunFile(path) as file:
                found.append(len(file.audit()))

    spell = await cast(**{language: source[language]}, model=model, on_output=look)
    assert spell.output["out"] == "released\n"
    assert found == [1]


NARROWED = {
    "lua": """
        local function try(tool, params)
          local ok, problem = pcall(tool.execute, tool, params)
          return ok or problem.type
        end
        local all, inner = FileSystem.new{}, FileSystem.new{ allowed_paths = { "inner" } }
        local read_only, wide = FileSystem.new{ read_only = true }, FileSystem.new{ allowed_paths = { "/" } }
        return {
          try(all, { operation = "read", path = "outer.txt" }), try(inner, { operation = "read", path = "inner/a.txt" }),
          try(inner, { operation = "read", path = "outer.txt" }),
          try(read_only, { operation = "write", path = "output/x.txt", content = "x" }),
          try(wide, { operation = "read", path = "/etc/hostname" }),
          try(inner, { operation = "read", path = "inner/../outer.txt" }) }
    """,
    "js": """
        const attempt = async (tool, params) => { try { await tool.execute(params); return true; } catch (e) { return e.type; } };
        const all = new FileSystem({}), inner = new FileSystem({ allowedPaths: ["inner"] });
        const readOnly = new FileSystem({ readOnly: true }), wide = new FileSystem({ allowedPaths: ["/"] });
        return [
          await attempt(all, { operation: "read", path: "outer.txt" }), await attempt(inner, { operation: "read", path: "inner/a.txt" }),
          await attempt(inner, { operation: "read", path: "outer.txt" }),
          await attempt(readOnly, { operation: "write", path: "output/x.txt", content: "x" }),
          await attempt(wide, { operation: "read", path: "/etc/hostname" }),
          await attempt(inner, { operation: "read", path: "inner/../outer.txt" })];
    """,
}


@both
@pytest.mark.mission(37)
async def test_an_instance_narrows_what_the_run_may_and_never_widens_it(
    cast: Any, language: str, tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.txt").write_text("a")
    (tmp_path / "outer.txt").write_text("o")
    spell = await cast(**{language: NARROWED[language]})
    assert spell.value == [True, True, "permission", "permission", "permission", "permission"]


@both
@pytest.mark.mission(38)
async def test_both_naming_families_construct_every_builtin_tool(cast: Any, language: str) -> None:
    from llmspell.tools.catalog import TOOLS

    names = [name for entry in TOOLS for name in (entry.class_name, entry.alias)]
    made = ", ".join(f"{name}.new().name" if language == "lua" else f"new {name}().name" for name in names)
    source = {"lua": f"return {{ {made} }}", "js": f"return [{made}]"}
    assert (await cast(**{language: source[language]})).value == [entry.name for entry in TOOLS for _ in range(2)]


@both
async def test_a_wrong_value_of_an_override_names_the_line(cast: Any, language: str) -> None:
    source = {
        "lua": "local t = Tool.define{ name = 't', description = 'd', execute = function()\n  return nothing.here\nend }\nt:execute{}",
        "js": "const t = Tool.define({ name: 't', description: 'd', execute: () => {\n  return nothing.here;\n} });\nawait t.execute({});",
    }
    error = (await cast(**{language: source[language]})).result.error
    assert error.source.endswith(":2") and "nothing" in error.message
