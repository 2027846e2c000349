"""What each kind of workflow gives, alike in Lua and JavaScript, as a workflow of its own and as a step of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

both = pytest.mark.parametrize("language", ["lua", "js"])


@dataclass(frozen=True)
class Case:
    """Two spells, and what both return."""

    lua: str
    js: str
    gives: Any

    def spell(self, language: str) -> dict[str, str]:
        return {language: self.lua if language == "lua" else self.js}


CASES = {
    "sequential": Case(
        """return Workflow.sequential{ name = "s", steps = {
             { run = function(v) return v.n + 1 end, output = "one" },
             { run = function(v, context) return { v, context.one, context.n } end },
           } }:run{ n = 1 }""",
        """return await Workflow.sequential({ name: "s", steps: [
             { run: (v) => v.n + 1, output: "one" },
             { run: (v, context) => [v, context.one, context.n] },
           ] }).run({ n: 1 });""",
        [2, 2, 1],
    ),
    "sequential of bare functions": Case(
        "return Workflow.sequential{ steps = { function(v) return v .. 'a' end, function(v) return v .. 'b' end } }:run('x')",
        "return await Workflow.sequential({ steps: [(v) => v + 'a', async (v) => v + 'b'] }).run('x');",
        "xab",
    ),
    "made as any class is": Case(
        """local Flow = Workflow:extend("Flow")
           function Flow:twice(v) return self:run(self:run(v)) end
           return Flow.new{ name = "f", steps = { function(v) return v + 1 end } }:twice(1)""",
        """class Flow extends Workflow { async twice(v) { return await this.run(await this.run(v)); } }
           return await new Flow({ name: "f", steps: [(v) => v + 1] }).twice(1);""",
        3,
    ),
    "its own tool by name": Case(
        """local add = Tool.define{ name = "add_one", description = "Adds", execute = function(p) return p.n + 1 end }
           return Workflow.new{ tools = { add }, steps = { { tool = "add_one", params = { n = "{{n}}" } } } }:run{ n = 1 }""",
        """const add = Tool.define({ name: "add_one", description: "Adds", execute: (p) => p.n + 1 });
           return await new Workflow({ tools: [add], steps: [{ tool: "add_one", params: { n: "{{n}}" } }] }).run({ n: 1 });""",
        2,
    ),
    "a skipped step's output is nil": Case(
        """return Workflow.sequential{ steps = { { run = function() return 1 end, condition = false, output = "x" },
             { type = "conditional", condition = false, true_branch = { run = function() return 1 end, output = "y" } },
             { run = function(v) return { v.x == nil, v.y == nil, v.n } end, input = { x = "{{x}}", y = "{{y}}", n = 7 } } } }:run()""",
        """return await Workflow.sequential({ steps: [{ run: () => 1, condition: false, output: "x" },
             { type: "conditional", condition: false, trueBranch: { run: () => 1, output: "y" } },
             { run: (v) => [v.x === null, v.y === null, v.n], input: { x: "{{x}}", y: "{{y}}", n: 7 } }] }).run();""",
        [True, True, 7],
    ),
    "empty": Case(
        "return Workflow.sequential{ steps = {} }:run('as it was')",
        "return await Workflow.sequential({ steps: [] }).run('as it was');",
        "as it was",
    ),
    "parallel": Case(
        """return Workflow.parallel{ steps = {
             { run = function(v) Async.sleep(20) return v .. "1" end }, function(v) return v .. "2" end } }:run("r")""",
        """return await Workflow.parallel({ steps: [
             { run: async (v) => { await Async.sleep(20); return v + "1"; } }, (v) => v + "2"] }).run("r");""",
        ["r1", "r2"],
    ),
    "parallel with aggregator": Case(
        """return Workflow.parallel{ steps = { function() return 2 end, function() return 3 end }, concurrency = 1,
             aggregator = function(results, context) return results[1] * results[2] + context.base end }:run{ base = 10 }""",
        """return await Workflow.parallel({ steps: [() => 2, () => 3], concurrency: 1,
             aggregator: (results, context) => results[0] * results[1] + context.base }).run({ base: 10 });""",
        16,
    ),
    "parallel goes on": Case(
        """return Workflow.parallel{ on_error = "continue", aggregator = function(r) return { r[1] == nil, r[2] } end,
             steps = { function() error("no") end, function() return "yes" end } }:run()""",
        """return await Workflow.parallel({ onError: "continue", aggregator: (r) => [r[0] === null, r[1]],
             steps: [() => { throw new Error("no"); }, () => "yes"] }).run();""",
        [True, "yes"],
    ),
    "conditional": Case(
        """local flow = Workflow.conditional{ condition = "{{urgent}}", true_branch = function() return "now" end,
             false_branch = { { run = function() return "later" end } } }
           return { flow:run{ urgent = true }, flow:run{ urgent = false } }""",
        """const flow = Workflow.conditional({ condition: "{{urgent}}", trueBranch: () => "now",
             falseBranch: [{ run: () => "later" }] });
           return [await flow.run({ urgent: true }), await flow.run({ urgent: false })];""",
        ["now", "later"],
    ),
    "conditional of many": Case(
        """local flow = Workflow.conditional{ branches = {
             { condition = function(c) return c.n > 10 end, steps = { run = function() return "big" end } },
             { condition = "{{small}}", steps = { function() return 1 end, function(v) return v + 1 end } },
           }, default = function(v) return v.n end }
           return { flow:run{ n = 11, small = true }, flow:run{ n = 1, small = true }, flow:run{ n = 5, small = false } }""",
        """const flow = Workflow.conditional({ branches: [
             { condition: (c) => c.n > 10, steps: { run: () => "big" } },
             { condition: "{{small}}", steps: [() => 1, (v) => v + 1] },
           ], default: (v) => v.n });
           return [await flow.run({ n: 11, small: true }), await flow.run({ n: 1, small: true }),
             await flow.run({ n: 5, small: false })];""",
        ["big", 2, 5],
    ),
    "conditional without a branch to take": Case(
        "return Workflow.conditional{ condition = false, true_branch = function() return 1 end }:run('through')",
        "return await Workflow.conditional({ condition: false, trueBranch: () => 1 }).run('through');",
        "through",
    ),
    "loop": Case(
        """return Workflow.loop{ condition = function(context) return context.iteration < 3 end, max_iterations = 10,
             body = function(v, context) return v .. context.iteration end }:run("i")""",
        """return await Workflow.loop({ condition: (context) => context.iteration < 3, maxIterations: 10,
             body: (v, context) => v + context.iteration }).run("i");""",
        "i012",
    ),
    "loop ends": Case(
        "return Workflow.loop{ body = function(v) return v * 2 end, max_iterations = 4 }:run(1)",
        "return await Workflow.loop({ body: (v) => v * 2, maxIterations: 4 }).run(1);",
        16,
    ),
    "loop over items": Case(
        """return Workflow.loop{ over = "{{pages}}", body = { { run = function(v, c) return v .. c.index end, output = "p" },
             { input = "{{item}}-{{p}}-{{index}}", run = function(v) return v end } } }:run{ pages = { "a", "b" } }""",
        """return await Workflow.loop({ over: "{{pages}}", body: [{ run: (v, c) => v + c.index, output: "p" },
             { input: "{{item}}-{{p}}-{{index}}", run: (v) => v }] }).run({ pages: ["a", "b"] });""",
        ["a-a0-0", "b-b1-1"],
    ),
    "adaptive loop": Case(
        """return Workflow.create{ steps = { { type = "adaptive_loop",
             condition = function(context) return context.confidence_score < 0.85 and context.iteration < 9 end,
             body = { run = function(v) return v + 1 end,
               on_output = function(v, context) context.confidence_score = context.confidence_score + 0.3 end } } } }:run(0)""",
        """return await Workflow.create({ steps: [{ type: "adaptive_loop",
             condition: (context) => context.confidenceScore < 0.85 && context.iteration < 9,
             body: { run: (v) => v + 1,
               onOutput: (v, context) => { context.confidenceScore += 0.3; } } }] }).run(0);""",
        3,
    ),
    "map_reduce": Case(
        """return Workflow.map_reduce{ items = "{{numbers}}", map = function(n) return n * n end, concurrency = 2,
             reduce = function(results) local sum = 0 for _, n in ipairs(results) do sum = sum + n end return sum end,
           }:run{ numbers = { 1, 2, 3, 4 } }""",
        """return await Workflow.mapReduce({ items: "{{numbers}}", map: (n) => n * n, concurrency: 2,
             reduce: (results) => results.reduce((sum, n) => sum + n, 0) }).run({ numbers: [1, 2, 3, 4] });""",
        30,
    ),
    "map_reduce without reduce": Case(
        "return Workflow.map_reduce{ map = { { input = '{{item}}!', run = function(v) return v end } } }:run{ 'a', 'b' }",
        "return await Workflow.mapReduce({ map: [{ input: '{{item}}!', run: (v) => v }] }).run(['a', 'b']);",
        ["a!", "b!"],
    ),
    "map_reduce in chunks": Case(
        "return Workflow.map_reduce{ items = { 1, 2, 3, 4, 5 }, chunk = 2, map = function(some) return #some end }:run()",
        "return await Workflow.mapReduce({ items: [1, 2, 3, 4, 5], chunk: 2, map: (some) => some.length }).run();",
        [2, 2, 1],
    ),
    "map_reduce goes on": Case(
        """return Workflow.map_reduce{ items = { 1, 2, 3 }, on_error = "continue",
             map = function(n) if n == 2 then error("two") end return n end,
             reduce = function(r) return { r[1], r[2] == nil, r[3] } end }:run()""",
        """return await Workflow.mapReduce({ items: [1, 2, 3], onError: "continue",
             map: (n) => { if (n === 2) throw new Error("two"); return n; },
             reduce: (r) => [r[0], r[1] === null, r[2]] }).run();""",
        [1, True, 3],
    ),
    "pipeline": Case(
        """return Workflow.pipeline{ buffer = 1, stages = {
             { run = function(n) return n + 1 end, transformer = function(n) return n * 10 end },
             function(n) if n == 30 then return nil end return { n = n } end,
             { transformer = function(v) return v.n end } } }:run{ 1, 2, 3 }""",
        """return await Workflow.pipeline({ buffer: 1, stages: [
             { run: (n) => n + 1, transformer: (n) => n * 10 },
             (n) => (n === 30 ? null : { n }),
             { transformer: (v) => v.n }] }).run([1, 2, 3]);""",
        [20, 40],
    ),
    "pipeline of one": Case(
        "return Workflow.pipeline{ stages = { function(v) return v .. '!' end } }:run('hi')",
        "return await Workflow.pipeline({ stages: [(v) => v + '!'] }).run('hi');",
        "hi!",
    ),
    "every kind as a step": Case(
        """local inner = Workflow.sequential{ name = "inner", steps = { function(v) return v + 1 end } }
           return Workflow.create{ name = "all", steps = {
             { type = "sequential", steps = { function() return 1 end, function(v) return v + 1 end }, output = "two" },
             { type = "parallel", steps = { function(v) return v end, { tool = "calculator", params = { expression = "1+1" } } },
               aggregator = function(r) return r[1] + r[2].result end },
             { type = "conditional", condition = "{{two}}", true_branch = function(v) return v + 1 end },
             { type = "loop", body = function(v) return v + 1 end, max_iterations = 2 },
             { type = "workflow", workflow = inner },
             { type = "map_reduce", items = { 1, 2 }, map = function(n) return n end,
               reduce = function(r) return r[1] + r[2] end, output = "three" },
             { type = "pipeline", stages = { function(v) return { v, "piped" } end } },
             { input = { all = "{{step_7}}", two = "{{two}}", five = "{{step_5}}", three = "{{three}}" },
               run = function(v) return v end },
           } }:run()""",
        """const inner = Workflow.sequential({ name: "inner", steps: [(v) => v + 1] });
           return await Workflow.create({ name: "all", steps: [
             { type: "sequential", steps: [() => 1, (v) => v + 1], output: "two" },
             { type: "parallel", steps: [(v) => v, { tool: "calculator", params: { expression: "1+1" } }],
               aggregator: (r) => r[0] + r[1].result },
             { type: "conditional", condition: "{{two}}", trueBranch: (v) => v + 1 },
             { type: "loop", body: (v) => v + 1, maxIterations: 2 },
             { type: "workflow", workflow: inner },
             { type: "map_reduce", items: [1, 2], map: (n) => n, reduce: (r) => r[0] + r[1], output: "three" },
             { type: "pipeline", stages: [(v) => [v, "piped"]] },
             { input: { all: "{{step_7}}", two: "{{two}}", five: "{{step_5}}", three: "{{three}}" }, run: (v) => v },
           ] }).run();""",
        {"all": [3, "piped"], "two": 2, "five": 8, "three": 3},
    ),
}


@both
@pytest.mark.mission(46, 116)
@pytest.mark.parametrize("name", CASES)
async def test_a_workflow_gives(cast: Any, name: str, language: str) -> None:
    case = CASES[name]
    assert (await cast(**case.spell(language))).value == case.gives


SHAPE = Case(
    """local flow = Workflow.sequential{ name = "shape", steps = {
         { run = function() return { n = 1 } end, output = "first" },
         { run = function() return "two" end, condition = "{{wanted}}" },
         { type = "parallel", steps = { function() return "a" end, function() return "b" end } },
       } }
       local found = flow:run_detailed{ wanted = false }
       local kinds = {}
       for i, step in ipairs(flow:steps()) do kinds[i] = step.type end
       return { found.result, found.outputs.first.n, found.outputs.step_2.n, found.outputs.step_3[2], found.steps_executed,
         found.metadata.name, found.metadata.skipped, found.metadata.failed, found.duration >= 0, found.usage.total,
         found.cost, flow:workflow_type(), kinds, flow:progress().percent, flow:progress().status, flow:metadata().type }""",
    """const flow = Workflow.sequential({ name: "shape", steps: [
         { run: () => ({ n: 1 }), output: "first" },
         { run: () => "two", condition: "{{wanted}}" },
         { type: "parallel", steps: [() => "a", () => "b"] },
       ] });
       const found = await flow.runDetailed({ wanted: false });
       return [found.result, found.outputs.first.n, found.outputs.step_2.n, found.outputs.step_3[1], found.stepsExecuted,
         found.metadata.name, found.metadata.skipped, found.metadata.failed, found.duration >= 0, found.usage.total,
         found.cost, flow.workflowType(), flow.steps().map((step) => step.type), flow.progress().percent,
         flow.progress().status, flow.metadata().type];""",
    [
        *(["a", "b"], 1, 1, "b", 3, "shape", 1, 0, True, 0, 0, "sequential"),
        *(["function", "function", "parallel"], 100, "ok", "workflow"),
    ],
)


@both
@pytest.mark.mission(39, 40)
async def test_a_detailed_run_tells_what_each_step_gave(cast: Any, language: str) -> None:
    assert (await cast(**SHAPE.spell(language))).value == SHAPE.gives


AS_AGENT = Case(
    """local answer = Agent.new{ name = "echo", provider = "offline" }
       Provider.scripted{ { pattern = "(?s)Ask the adder", tool_calls = { { name = "adder", arguments = { message = "4" } } } },
         { pattern = "(?s)Ask the adder", text = "it said {{result}}" } }
       local adder = Workflow.sequential{ name = "adder", steps = { function(v) return tonumber(v.message) + 1 end } }
       local boss = Agent.new{ name = "boss", provider = "offline", tools = { AgentTool.wrap(adder, "adder", "Adds one") } }
       local outer = Workflow.create{ steps = {
         { agent = "adder", input = { message = "1" } },
         { agent = "local://adder", input = { message = "{{step_1}}" } },
         { agent = adder, input = { message = "{{step_2}}" } },
         { workflow = "adder", input = { message = "{{step_3}}" } } } }
       local heard = {}
       adder:on("workflow_step_completed", function(event) heard[#heard + 1] = event.step_name end)
       local out = adder:execute({ message = "9" })
       return { outer:run(), tostring(out), out.data, boss:chat("Ask the adder"), Agent.get("adder").id == adder.id,
         Workflow.get("adder"):run{ message = "1" }, adder.state.count == nil, #heard > 0 }""",
    """Provider.scripted([{ pattern: "(?s)Ask the adder", tool_calls: [{ name: "adder", arguments: { message: "4" } }] },
         { pattern: "(?s)Ask the adder", text: "it said {{result}}" }]);
       const adder = Workflow.sequential({ name: "adder", steps: [(v) => Number(v.message) + 1] });
       const boss = new Agent({ name: "boss", provider: "offline", tools: [AgentTool.wrap(adder, "adder", "Adds one")] });
       const outer = Workflow.create({ steps: [
         { agent: "adder", input: { message: "1" } },
         { agent: "local://adder", input: { message: "{{step_1}}" } },
         { agent: adder, input: { message: "{{step_2}}" } },
         { workflow: "adder", input: { message: "{{step_3}}" } }] });
       const heard = [];
       adder.on("workflow_step_completed", (event) => heard.push(event.stepName));
       const out = await adder.execute({ message: "9" });
       return [await outer.run(), `${out}`, out.data, await boss.chat("Ask the adder"), Agent.get("adder").id === adder.id,
         await Workflow.get("adder").run({ message: "1" }), adder.state.count === undefined, heard.length > 0];""",
    [5, "10", 10, 'it said {"response": "5"}', True, 2, True, True],
)


@both
@pytest.mark.mission(39, 44, 52)
async def test_a_workflow_is_an_agent_wherever_one_is_wanted(cast: Any, language: str) -> None:
    assert (await cast(**AS_AGENT.spell(language))).value == AS_AGENT.gives
