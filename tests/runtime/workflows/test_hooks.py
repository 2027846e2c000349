"""Hooks around workflows and their steps: they see, change and veto, for all workflows, for one, and for what is inside."""

from __future__ import annotations

from typing import Any

import pytest

both = pytest.mark.parametrize("language", ["lua", "js"])

SEEN = {
    "lua": """
        local heard = {}
        for _, point in ipairs{ "before_workflow", "before_workflow_step", "after_workflow_step", "after_workflow" } do
          Hooks.register(point, function(c)
            heard[#heard + 1] = { point, c.workflow_name, c.workflow_type, c.step_name or "", c.step_index or 0,
              c.step_type or "", c.step_input or c.input or "", c.step_output or c.output or "", c.workflow_id ~= nil,
              c.duration ~= nil }
          end)
        end
        local value = Workflow.sequential{ name = "w", steps = { { name = "one", run = function(v) return v .. "1" end } } }:run("v")
        return heard
    """,
    "js": """
        const heard = [];
        for (const point of ["before_workflow", "before_workflow_step", "after_workflow_step", "after_workflow"])
          Hooks.register(point, (c) => {
            heard.push([point, c.workflowName, c.workflowType, c.stepName ?? "", c.stepIndex ?? 0, c.stepType ?? "",
              c.stepInput ?? c.input ?? "", c.stepOutput ?? c.output ?? "", c.workflowId !== undefined,
              c.duration !== undefined]);
          });
        await Workflow.sequential({ name: "w", steps: [{ name: "one", run: (v) => v + "1" }] }).run("v");
        return heard;
    """,
}


@both
async def test_each_point_tells_whose_it_is_and_what_goes_in_and_out(cast: Any, language: str) -> None:
    assert (await cast(**{language: SEEN[language]})).value == [
        ["before_workflow", "w", "sequential", "", 0, "", "v", "", True, False],
        ["before_workflow_step", "w", "sequential", "one", 1, "function", "v", "", True, False],
        ["after_workflow_step", "w", "sequential", "one", 1, "function", "v", "v1", True, True],
        ["after_workflow", "w", "sequential", "", 0, "", "v", "v1", True, True],
    ]


CHANGED = {
    "lua": """
        local function flow(hooks) return Workflow.sequential{ name = "w", hooks = hooks, steps = {
          { name = "one", run = function(v) return v .. "1" end }, { name = "two", run = function(v) return v .. "2" end } } } end
        local plain = flow{}:run("v")
        local own = flow{ before_workflow = function(c) c.input = c.input .. "I" c.mine = "M" end,
          after_workflow = function(c) c.output = c.output .. "O" .. c.mine end,
          before_workflow_step = function(c) c.step_input = c.step_input .. "i" end,
          after_workflow_step = function(c) c.step_output = c.step_output .. "o" end }:run("v")
        Hooks.register("before_workflow_step", function(c) if c.step_name == "two" then error("not two") end end)
        local ok, problem = pcall(function() return flow{}:run("v") end)
        return { plain, own, ok, problem.message }
    """,
    "js": """
        const flow = (hooks) => Workflow.sequential({ name: "w", hooks, steps: [
          { name: "one", run: (v) => v + "1" }, { name: "two", run: (v) => v + "2" }] });
        const plain = await flow({}).run("v");
        const own = await flow({ beforeWorkflow: (c) => { c.input += "I"; c.mine = "M"; },
          afterWorkflow: (c) => { c.output += "O" + c.mine; },
          beforeWorkflowStep: (c) => { c.stepInput += "i"; },
          afterWorkflowStep: (c) => { c.stepOutput += "o"; } }).run("v");
        Hooks.register("beforeWorkflowStep", (c) => { if (c.stepName === "two") throw new Error("not two"); });
        const problem = await flow({}).run("v").catch((error) => error);
        return [plain, own, problem === null, problem.message];
    """,
}


@both
async def test_what_a_hook_writes_is_what_goes_on_and_what_it_throws_is_a_veto(cast: Any, language: str) -> None:
    spell = await cast(**{language: CHANGED[language]})
    assert spell.value == ["v12", "vIi1oi2oOM", False, "not two"]


INSIDE = {
    "lua": """
        local asked = {}
        local agent = Agent.new{ name = "echo", provider = "offline" }
        Hooks.register("before_llm_call", function(c) asked[#asked + 1] = c.prompt end, { workflow = "w" })
        agent:chat("outside")
        Workflow.sequential{ name = "other", steps = { { agent = agent } } }:run("other")
        Workflow.sequential{ name = "w", steps = { { agent = agent } } }:run("inside")
        return asked
    """,
    "js": """
        const asked = [];
        const agent = new Agent({ name: "echo", provider: "offline" });
        Hooks.register("beforeLLMCall", (c) => { asked.push(c.prompt); }, { workflow: "w" });
        await agent.chat("outside");
        await Workflow.sequential({ name: "other", steps: [{ agent }] }).run("other");
        await Workflow.sequential({ name: "w", steps: [{ agent }] }).run("inside");
        return asked;
    """,
}


@both
async def test_a_workflow_s_hooks_serve_all_that_happens_inside_it(cast: Any, language: str) -> None:
    assert (await cast(**{language: INSIDE[language]})).value == ["inside"]


async def test_a_hook_may_have_a_step_done_again(cast: Any) -> None:
    spell = await cast(
        lua="""
        local tries = 0
        Hooks.register("on_error", function(c) if c.unit == "step" and c.retry_count < 2 then c.retry = true end end)
        return Workflow.sequential{ steps = { function() tries = tries + 1 if tries < 3 then error("no") end return tries end } }:run()
        """
    )
    assert spell.value == 3
