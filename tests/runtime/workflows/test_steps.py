"""The fields of a step: who does it, what it is given, what becomes of its value, of its failure, of its time."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer

both = pytest.mark.parametrize("language", ["lua", "js"])

EXECUTORS = {
    "lua": """
        Provider.scripted{ { pattern = "(?s).*", text = "<{{message}}>" } }
        local echo = Agent.new{ name = "echo", provider = "offline", actions = { find = "Look for it" } }
        local Doubler = BaseAgent:extend("Doubler")
        function Doubler:execute(input) return { doubled = input.n * 2, action = input.action } end
        local doubler = Doubler.new{ name = "doubler" }
        local shout = Tool.define{ name = "shout", description = "Shouts", execute = function(p) return p.text .. "!" end,
          parameters = { type = "object", properties = { text = { type = "string" } }, required = { "text" } } }
        local outputs = Workflow.sequential{ name = "all", steps = {
          { agent = echo, action = "find", input = "it", output = "object" },
          { agent = "echo", action = "sum up {{who}}", input = { query = "q" }, output = "named" },
          { agent = "local://echo", output = "address" },
          { agent = doubler, action = "twice", input = { n = 4 }, output = "own_class" },
          { tool = shout, input = "hey", output = "tool_object" },
          { tool = shout, params = { text = "{{who}}" }, output = "with_params" },
          { tool = "calculator", params = { expression = "6*7" }, output = "tool_name" },
          { tool = "CalculatorTool", input = { expression = "1+1" }, output = "tool_class" },
          { tool = "file-system", action = "exists", params = { path = "nothing.txt" }, output = "operation" },
          { run = function(v, context) return { context.who, context.tool_name.result } end, output = "fn" },
          echo, shout,
        } }:run_detailed{ who = "Ada" }.outputs
        return { outputs.object, outputs.named, outputs.address, outputs.own_class, outputs.tool_object,
          outputs.with_params, outputs.tool_name.result, outputs.tool_class.result, outputs.operation.exists, outputs.fn,
          outputs.step_11, outputs.step_12 }
    """,
    "js": """
        Provider.scripted([{ pattern: "(?s).*", text: "<{{message}}>" }]);
        const echo = new Agent({ name: "echo", provider: "offline", actions: { find: "Look for it" } });
        class Doubler extends BaseAgent {
          async execute(input) { return { doubled: input.n * 2, action: input.action }; }
        }
        const doubler = new Doubler({ name: "doubler" });
        const shout = Tool.define({ name: "shout", description: "Shouts", execute: (p) => p.text + "!",
          parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] } });
        const { outputs } = await Workflow.sequential({ name: "all", steps: [
          { agent: echo, action: "find", input: "it", output: "object" },
          { agent: "echo", action: "sum up {{who}}", input: { query: "q" }, output: "named" },
          { agent: "local://echo", output: "address" },
          { agent: doubler, action: "twice", input: { n: 4 }, output: "own_class" },
          { tool: shout, input: "hey", output: "tool_object" },
          { tool: shout, params: { text: "{{who}}" }, output: "with_params" },
          { tool: "calculator", params: { expression: "6*7" }, output: "tool_name" },
          { tool: "CalculatorTool", input: { expression: "1+1" }, output: "tool_class" },
          { tool: "file-system", action: "exists", params: { path: "nothing.txt" }, output: "operation" },
          { run: (v, context) => [context.who, context.tool_name.result], output: "fn" },
          echo, shout,
        ] }).runDetailed({ who: "Ada" });
        return [outputs.object, outputs.named, outputs.address, outputs.own_class, outputs.tool_object,
          outputs.with_params, outputs.tool_name.result, outputs.tool_class.result, outputs.operation.exists, outputs.fn,
          outputs.step_11, outputs.step_12];
    """,
}


@both
@pytest.mark.mission(44, 45)
async def test_a_step_is_done_by_an_agent_a_tool_or_a_function(cast: Any, language: str) -> None:
    assert (await cast(**{language: EXECUTORS[language]})).value == [
        "<Look for it\n\nit>",
        "<sum up Ada\n\nq>",
        "<<sum up Ada\n\nq>>",
        {"doubled": 8, "action": "twice"},
        *("hey!", "Ada!", 42, 2, False),
        ["Ada", 42],
        '<["Ada", 42]>',
        '<["Ada", 42]>!',
    ]


FAN = {
    "lua": """
        Provider.scripted{ { pattern = "(?s)(.*)", text = "<{{message}}>" } }
        for _, name in ipairs{ "T", "M" } do Agent.new{ name = name, provider = "offline" } end
        return Workflow.create{ steps = {
          { type = "parallel_fan_out", agents = { { agent = "T", role = "technical_analysis" },
              { agent = "M", role = "market analysis", input = "only this" }, "T" },
            aggregator = function(results) return { technical = results[1], market = results[2], bare = results[3] } end },
          { run = function(v) return v end, input_transform = function(previous, context)
              return { previous.technical, previous.market, previous.bare, context.product } end },
        } }:run{ product = "lamp" }
    """,
    "js": """
        Provider.scripted([{ pattern: "(?s)(.*)", text: "<{{message}}>" }]);
        for (const name of ["T", "M"]) new Agent({ name, provider: "offline" });
        return await Workflow.create({ steps: [
          { type: "parallel_fan_out", agents: [{ agent: "T", role: "technical_analysis" },
              { agent: "M", role: "market analysis", input: "only this" }, "T"],
            aggregator: (results) => ({ technical: results[0], market: results[1], bare: results[2] }) },
          { run: (v) => v, inputTransform: (previous, context) =>
              [previous.technical, previous.market, previous.bare, context.product] },
        ] }).run({ product: "lamp" });
    """,
}


@both
@pytest.mark.mission(45, 118)
async def test_a_fan_out_asks_agents_in_their_roles(cast: Any, language: str) -> None:
    technical, market, bare, product = (await cast(**{language: FAN[language]})).value
    assert technical in ('<technical_analysis\n\n{"product": "lamp"}>', '<technical analysis\n\n{"product": "lamp"}>')
    assert (market, bare, product) == ("<market analysis\n\nonly this>", '<{"product": "lamp"}>', "lamp")


FIELDS = {
    "lua": """
        local seen = {}
        local found = Workflow.sequential{ steps = {
          { run = function() return 1 end, output = "one", on_output = function(v, c) seen[#seen + 1] = { v, c.one } end },
          { run = function() return 2 end, condition = function(context, value) return value > 1 end, output = "two" },
          { run = function(v) return v end, input = function(context) return { context.one, context:get("two", "none") } end },
          { run = function(v) return v end, input = "{{one}}", input_transform = function(v, c) return v + 10 end },
          { run = function(v) return v end, condition = "{{flag}}" },
          { run = function() return 5 end, condition = true },
        } }:run_detailed{ flag = "false" }
        return { seen, found.outputs.two == nil, found.outputs.step_3, found.outputs.step_4, found.metadata.skipped,
          found.result }
    """,
    "js": """
        const seen = [];
        const found = await Workflow.sequential({ steps: [
          { run: () => 1, output: "one", onOutput: (v, c) => { seen.push([v, c.one]); } },
          { run: () => 2, condition: (context, value) => value > 1, output: "two" },
          { run: (v) => v, input: (context) => [context.one, context.get("two", "none")] },
          { run: (v) => v, input: "{{one}}", inputTransform: (v, c) => v + 10 },
          { run: (v) => v, condition: "{{flag}}" },
          { run: () => 5, condition: true },
        ] }).runDetailed({ flag: "false" });
        return [seen, found.outputs.two === null, found.outputs.step_3, found.outputs.step_4, found.metadata.skipped,
          found.result];
    """,
}


@both
@pytest.mark.mission(45)
async def test_functions_choose_the_input_and_the_steps_that_are_done(cast: Any, language: str) -> None:
    spell = await cast(**{language: FIELDS[language]})
    assert spell.value == [[[1, 1]], True, [1, "none"], 11, 2, 5]
    assert [event.name for event in spell.of("workflow_step_skipped")] == ["two", "function 5"]


ERRORS = {
    "lua": """
        local function fails() error("broken") end
        local function outcome(step) return Workflow.sequential{ steps = { { run = function() return "before" end }, step,
          { run = function(v, context) return { v == nil and "nil" or v, context.x == nil } end } } }:run{ word = "w" } end
        local ok, problem = pcall(outcome, { run = fails })
        return { ok, problem.message, problem.data.step, outcome{ run = fails, on_error = "continue", output = "x" },
          outcome{ run = fails, on_error = "fallback", fallback_output = { said = "{{word}}" }, output = "x" },
          outcome{ run = fails, fallback_output = 7 },
          outcome{ type = "parallel", steps = { fails }, on_error = "fallback", fallback_output = "none" } }
    """,
    "js": """
        const fails = () => { throw new Error("broken"); };
        const outcome = (step) => Workflow.sequential({ steps: [() => "before", step,
          (v, context) => [v === null ? "nil" : v, context.x === undefined || context.x === null]] }).run({ word: "w" });
        let problem = null;
        try { await outcome({ run: fails }); } catch (error) { problem = error; }
        return [problem === null, problem.message, problem.data.step, await outcome({ run: fails, onError: "continue", output: "x" }),
          await outcome({ run: fails, onError: "fallback", fallbackOutput: { said: "{{word}}" }, output: "x" }),
          await outcome({ run: fails, fallbackOutput: 7 }),
          await outcome({ type: "parallel", steps: [fails], onError: "fallback", fallbackOutput: "none" })];
    """,
}


@both
@pytest.mark.mission(45)
async def test_a_failed_step_fails_the_workflow_or_lets_it_go_on(cast: Any, language: str) -> None:
    spell = await cast(**{language: ERRORS[language]})
    ok, message, step, *others = spell.value
    assert (ok, message, step) == (False, "broken", "function 2")
    assert others == [["nil", True], [{"said": "w"}, False], [7, True], ["none", True]]
    recovered = spell.of("workflow_step_recovered")
    assert [event.data["on_error"] for event in recovered] == ["continue", "fallback", "fallback", "fallback"]
    assert {event.data["error"]["message"] for event in recovered} == {"broken"}


RETRIES = {
    "lua": """
        local tries, heard = 0, {}
        Hooks.register("on_retry", function(context) heard[#heard + 1] = { context.unit, context.retry_count } end)
        Hooks.register("on_error", function(context) heard[#heard + 1] = { context.unit, context.error.message } end)
        local value = Workflow.sequential{ name = "w", steps = { { retries = 2, run = function()
          tries = tries + 1
          if tries < 3 then error("again") end
          return tries end } } }:run()
        return { value, heard }
    """,
    "js": """
        let tries = 0;
        const heard = [];
        Hooks.register("onRetry", (context) => { heard.push([context.unit, context.retryCount]); });
        Hooks.register("onError", (context) => { heard.push([context.unit, context.error.message]); });
        const value = await Workflow.sequential({ name: "w", steps: [{ retries: 2, run: () => {
          tries += 1;
          if (tries < 3) throw new Error("again");
          return tries; } }] }).run();
        return [value, heard];
    """,
}


@both
@pytest.mark.mission(45)
async def test_a_step_is_tried_again_as_often_as_it_says(cast: Any, language: str) -> None:
    spell = await cast(**{language: RETRIES[language]})
    assert spell.value == [3, [["step", 1], ["step", 2]]]
    assert [(event.data["unit"], event.data["retry_count"]) for event in spell.of("retry")] == [
        ("step", 1),
        ("step", 2),
    ]


@both
async def test_what_is_left_after_the_tries_reaches_on_error_once_for_the_step_and_once_for_the_workflow(
    cast: Any, language: str
) -> None:
    source = {
        "lua": """
            local units = {}
            Hooks.register("on_error", function(context) units[#units + 1] = { context.unit, context.retry_count } end)
            local flow = Workflow.sequential{ steps = { { retries = 1, run = function() error("no") end } } }
            pcall(flow.run, flow)
            return units
        """,
        "js": """
            const units = [];
            Hooks.register("onError", (context) => { units.push([context.unit, context.retryCount]); });
            const flow = Workflow.sequential({ steps: [{ retries: 1, run: () => { throw new Error("no"); } }] });
            await flow.run().catch(() => {});
            return units;
        """,
    }
    spell = await cast(**{language: source[language]})
    assert [unit for unit, _ in spell.value] == ["step", "workflow"]


TIMES = {
    "lua": """
        local agent = Agent.new{ name = "slow" }
        local flow = Workflow.sequential{ name = "w", steps = { { agent = agent, timeout = 50, input = "hang" } } }
        local ok, problem = pcall(flow.run, flow)
        local whole = Workflow.sequential{ name = "whole", timeout = 60, steps = { { agent = agent, input = "hang" } } }
        local _, other = pcall(whole.run, whole)
        return { problem.type, problem.message, other.type, other.message, whole:progress().status }
    """,
    "js": """
        const agent = new Agent({ name: "slow" });
        const failed = (flow) => flow.run().then(() => null, (error) => error);
        const problem = await failed(Workflow.sequential({ steps: [{ agent, timeout: 50, input: "hang" }] }));
        const whole = Workflow.sequential({ name: "whole", timeout: 60, steps: [{ agent, input: "hang" }] });
        const other = await failed(whole);
        return [problem.type, problem.message, other.type, other.message, whole.progress().status];
    """,
}


@both
@pytest.mark.mission(45)
async def test_a_step_and_a_workflow_take_no_longer_than_they_may(
    cast: Any, silent: ModelServer, language: str
) -> None:
    spell = await cast(**{language: TIMES[language]}, model=silent)
    assert spell.value == [
        *("timeout", "step slow took longer than 50 ms"),
        *("timeout", "workflow whole took longer than 60 ms", "error"),
    ]


@both
async def test_tokens_and_cost_are_summed_over_everything_inside(cast: Any, model: ModelServer, language: str) -> None:
    model.will(*(Answer(text=f"answer {number}") for number in range(4)))
    source = {
        "lua": """
            local agent = Agent.new{ name = "a" }
            local inner = Workflow.parallel{ steps = { { agent = agent }, { agent = agent } } }
            local before = agent:chat("not part of it")
            local found = Workflow.create{ steps = { { agent = agent }, { workflow = inner } } }:run_detailed("x")
            return { found.usage, found.cost }
        """,
        "js": """
            const agent = new Agent({ name: "a" });
            const inner = Workflow.parallel({ steps: [{ agent }, { agent }] });
            await agent.chat("not part of it");
            const found = await Workflow.create({ steps: [{ agent }, { workflow: inner }] }).runDetailed("x");
            return [found.usage, found.cost];
        """,
    }
    spell = await cast(**{language: source[language]}, model=model)
    usage, cost = spell.value
    calls = [event.data["usage"] for event in spell.of("llm_call_completed")][1:]
    ends = {event.name: event.data["usage"] for event in spell.of("workflow_completed")}
    outer = next(data for name, data in ends.items() if data["calls"] == 3)
    assert outer["total"] == sum(call["total"] for call in calls) == usage["total"]
    assert next(data for data in ends.values() if data["calls"] == 2)["total"] == calls[1]["total"] + calls[2]["total"]
    assert cost == outer["cost"]
