"""A run can be watched, paused, gone on with and cancelled; what fails ends what runs beside it; nothing is left."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.testing.server import ModelServer

both = pytest.mark.parametrize("language", ["lua", "js"])

PAUSED = {
    "lua": """
        local order, flow = {}, nil
        flow = Workflow.sequential{ name = "w", steps = {
          { name = "one", run = function()
              order[#order + 1] = "one"
              flow:pause()
              order[#order + 1] = flow:progress().status end },
          { name = "two", run = function() order[#order + 1] = "two" return "done" end } } }
        local before = flow:progress()
        local values = Async.all{ function() return flow:run() end, function()
          while flow:progress().done < 1 do Async.sleep(1) end
          Async.sleep(5)
          local now = flow:progress()
          order[#order + 1] = { now.status, now.done, now.total, now.percent }
          return flow:resume()
        end }
        return { order, values, flow:progress().status, before.status, before.total, flow:cancel() }
    """,
    "js": """
        const order = [];
        let flow = null;
        flow = Workflow.sequential({ name: "w", steps: [
          { name: "one", run: async () => { order.push("one"); await flow.pause(); order.push(flow.progress().status); } },
          { name: "two", run: () => { order.push("two"); return "done"; } }] });
        const before = flow.progress();
        const values = await Promise.all([flow.run(), (async () => {
          while (flow.progress().done < 1) await Async.sleep(1);
          await Async.sleep(5);
          const now = flow.progress();
          order.push([now.status, now.done, now.total, now.percent]);
          return await flow.resume();
        })()]);
        return [order, values, flow.progress().status, before.status, before.total, flow.cancel()];
    """,
}


@both
@pytest.mark.mission(41)
async def test_a_paused_workflow_begins_no_step_until_it_goes_on(cast: Any, language: str) -> None:
    spell = await cast(**{language: PAUSED[language]})
    order, *rest = spell.value
    assert order == ["one", "paused", ["paused", 1, 2, 50], "two"]
    assert rest == [["done", "done"], "ok", "ready", 2, False]
    assert [kind for kind in spell.kinds if kind in ("workflow_paused", "workflow_resumed")] == [
        *("workflow_paused", "workflow_resumed"),
    ]


NESTED = {
    "lua": """
        local order, outer = {}, nil
        local inner = Workflow.sequential{ name = "inner", steps = { function() outer:pause() order[#order + 1] = 1 end,
          function() order[#order + 1] = 2 end } }
        outer = Workflow.sequential{ name = "outer", steps = { inner } }
        Async.all{ function() outer:run() end, function()
          while #order < 1 do Async.sleep(1) end
          Async.sleep(5)
          order[#order + 1] = "resumed"
          outer:resume() end }
        return order
    """,
    "js": """
        const order = [];
        let outer = null;
        const inner = Workflow.sequential({ name: "inner", steps: [async () => { await outer.pause(); order.push(1); },
          () => { order.push(2); }] });
        outer = Workflow.sequential({ name: "outer", steps: [inner] });
        await Promise.all([outer.run(), (async () => {
          while (order.length < 1) await Async.sleep(1);
          await Async.sleep(5);
          order.push("resumed");
          outer.resume(); })()]);
        return order;
    """,
}


@both
async def test_a_pause_holds_for_the_workflows_inside(cast: Any, language: str) -> None:
    assert (await cast(**{language: NESTED[language]})).value == [1, "resumed", 2]


BY_HAND = {
    "lua": """
        local order, outer, reached = {}, nil, false
        local inner = Workflow.sequential{ name = "inner", steps = {
          function() reached = true Async.sleep(3) order[#order + 1] = 1 end,
          function() order[#order + 1] = 2 return "inner" end } }
        outer = Workflow.sequential{ name = "outer", steps = { function() return inner:run() end } }
        local running = Async.spawn(function() return outer:run() end)
        while not reached do Async.sleep(1) end
        local checkpoint = outer:pause()
        order[#order + 1] = "paused"
        return { outer:resume(checkpoint), order, next(checkpoint.finished) == nil }
    """,
    "js": """
        const order = [];
        let reached = false;
        const inner = Workflow.sequential({ name: "inner", steps: [
          async () => { reached = true; await Async.sleep(3); order.push(1); },
          () => { order.push(2); return "inner"; }] });
        const outer = Workflow.sequential({ name: "outer", steps: [() => inner.run()] });
        const running = outer.run();
        while (!reached) await Async.sleep(1);
        const checkpoint = await outer.pause();
        order.push("paused");
        return [await outer.resume(checkpoint), order, Object.keys(checkpoint.finished).length === 0];
    """,
}


@both
async def test_a_step_that_runs_a_workflow_itself_does_not_hold_up_a_pause(cast: Any, language: str) -> None:
    assert (await cast(**{language: BY_HAND[language]})).value == ["inner", [1, "paused", 2], True]


EARLY = {
    "lua": """
        local flow
        flow = Workflow.sequential{ name = "w", hooks = { before_workflow = function() Async.sleep(5) end }, steps = {
          function() return "done" end } }
        local running = Async.spawn(function() return flow:run() end)
        Async.sleep(1)
        flow:pause()
        local status = flow:progress().status
        return { status, flow:resume() }
    """,
    "js": """
        const flow = Workflow.sequential({ name: "w", hooks: { beforeWorkflow: () => Async.sleep(5) },
          steps: [() => "done"] });
        const running = flow.run();
        await Async.sleep(1);
        await flow.pause();
        const status = flow.progress().status;
        return [status, await flow.resume()];
    """,
}


@both
async def test_a_workflow_can_be_paused_before_its_first_step(cast: Any, language: str) -> None:
    assert (await cast(**{language: EARLY[language]})).value == ["paused", "done"]


INSIDE = {
    "lua": """
        local flow, problem
        flow = Workflow.sequential{ name = "w", steps = { function()
          flow:pause()
          local ok, raised = pcall(flow.resume, flow)
          problem = raised.message
          return "done" end } }
        return { flow:run(), problem }
    """,
    "js": """
        let flow = null, problem = null;
        flow = Workflow.sequential({ name: "w", steps: [async () => {
          await flow.pause();
          problem = await flow.resume().catch((error) => error.message);
          return "done"; }] });
        return [await flow.run(), problem];
    """,
}


@both
async def test_a_step_cannot_wait_for_its_own_workflow(cast: Any, language: str) -> None:
    value, problem = (await cast(**{language: INSIDE[language]})).value
    assert value == "done"
    assert problem == "workflow 'w' cannot be waited for from inside one of its steps"


CANCELLED = {
    "lua": """
        local agent = Agent.new{ name = "slow" }
        local flow = Workflow.parallel{ name = "w", steps = { { agent = agent, input = "hang" }, { agent = agent, input = "hang" } } }
        local works = Async.settle{ function() return flow:run() end, function()
          while #flow:progress().current < 2 do Async.sleep(1) end
          return flow:cancel() end }
        local progress = flow:progress()
        return { works[1].status, works[1].reason.type, works[1].reason.message, works[2].value, progress.status, #progress.current }
    """,
    "js": """
        const agent = new Agent({ name: "slow" });
        const flow = Workflow.parallel({ name: "w", steps: [{ agent, input: "hang" }, { agent, input: "hang" }] });
        const works = await Promise.allSettled([flow.run(), (async () => {
          while (flow.progress().current.length < 2) await Async.sleep(1);
          return flow.cancel(); })()]);
        const progress = flow.progress();
        return [works[0].status, works[0].reason.type, works[0].reason.message, works[1].value, progress.status, progress.current.length];
    """,
}


@both
async def test_a_cancelled_workflow_ends_its_steps(cast: Any, silent: ModelServer, language: str) -> None:
    spell = await cast(**{language: CANCELLED[language]}, model=silent)
    assert spell.value == ["rejected", "workflow_cancelled", "workflow 'w' was cancelled", True, "cancelled", 0]
    assert [event.data["status"] for event in spell.of("workflow_step_completed")] == ["cancelled", "cancelled"]
    assert [event.data["status"] for event in spell.of("llm_call_completed")] == ["cancelled", "cancelled"]


SIBLINGS = {
    "lua": """
        local agent = Agent.new{ name = "slow" }
        local flow = Workflow.parallel{ name = "w", steps = { { name = "hanging", agent = agent, input = "hang" },
          { type = "sequential", steps = { function()
            while #eventBus.history("llm_call_started").events == 0 do Async.sleep(1) end
            error("this one fails") end } } } }
        local ok, problem = pcall(flow.run, flow)
        return { ok, problem.message, #flow:progress().current }
    """,
    "js": """
        const agent = new Agent({ name: "slow" });
        const flow = Workflow.parallel({ name: "w", steps: [{ name: "hanging", agent, input: "hang" },
          { type: "sequential", steps: [async () => {
            while (!eventBus.history("llm_call_started").events.length) await Async.sleep(1);
            throw new Error("this one fails"); }] }] });
        const problem = await flow.run().catch((error) => error);
        return [problem === null, problem.message, flow.progress().current.length];
    """,
}


@both
async def test_a_failed_step_ends_those_beside_it(cast: Any, silent: ModelServer, language: str) -> None:
    spell = await cast(**{language: SIBLINGS[language]}, model=silent)
    assert spell.value == [False, "this one fails", 0]
    status = {event.name: event.data["status"] for event in spell.of("workflow_step_completed")}
    assert status["hanging"] == "cancelled"
    assert spell.of("llm_call_completed")[0].data["status"] == "cancelled"


STAGES = {
    "lua": """
        local taken, worked, most = 0, 0, 0
        local flow = Workflow.pipeline{ buffer = 2, stages = {
          function(n) taken = taken + 1 return n end,
          function(n)
            most = math.max(most, taken - worked)
            Async.sleep(1)
            worked = worked + 1
            if n == params.fails then error("stage two fails at " .. n) end
            return n end } }
        local items = {}
        for i = 1, 30 do items[i] = i end
        local ok, result = pcall(flow.run, flow, items)
        return { ok, ok and #result or result.message, most, worked }
    """,
    "js": """
        let taken = 0, worked = 0, most = 0;
        const flow = Workflow.pipeline({ buffer: 2, stages: [
          (n) => { taken += 1; return n; },
          async (n) => {
            most = Math.max(most, taken - worked);
            await Async.sleep(1);
            worked += 1;
            if (n === params.fails) throw new Error("stage two fails at " + n);
            return n; }] });
        const items = Array.from({ length: 30 }, (_, i) => i + 1);
        const [ok, result] = await flow.run(items).then((v) => [true, v], (error) => [false, error]);
        return [ok, ok ? result.length : result.message, most, worked];
    """,
}


@both
@pytest.mark.mission(116)
async def test_a_slow_stage_holds_up_those_before_it(cast: Any, language: str) -> None:
    ok, count, most, worked = (await cast(**{language: STAGES[language]}, params={"fails": 0})).value
    # Two wait before the second stage, one is in its hands, and the first holds one that does not fit.
    assert (ok, count, most <= 4, worked) == (True, 30, True, 30)


@both
async def test_a_stage_that_fails_ends_the_others(cast: Any, language: str) -> None:
    ok, message, _, worked = (await cast(**{language: STAGES[language]}, params={"fails": 5})).value
    assert (ok, message, worked) == (False, "stage two fails at 5", 5)


PIECES = {
    "lua": """
        Provider.scripted{ { match = "story", chunks = { "Once ", "upon ", "a time" } } }
        local teller = Agent.new{ name = "teller", provider = "offline" }
        return Workflow.pipeline{ stages = { { agent = teller, stream = true }, function(piece) return piece:upper() end } }
          :run("a story")
    """,
    "js": """
        Provider.scripted([{ match: "story", chunks: ["Once ", "upon ", "a time"] }]);
        const teller = new Agent({ name: "teller", provider: "offline" });
        return await Workflow.pipeline({ stages: [{ agent: teller, stream: true }, (piece) => piece.toUpperCase()] })
          .run("a story");
    """,
}


@both
@pytest.mark.mission(116)
async def test_pieces_of_an_answer_flow_on_as_they_come(cast: Any, language: str) -> None:
    spell = await cast(**{language: PIECES[language]})
    assert spell.value == ["ONCE ", "UPON ", "A TIME"]
    kinds = [event.kind for event in spell.events if event.kind in ("llm_chunk", "workflow_step_started")]
    assert kinds[:4] == ["workflow_step_started", "llm_chunk", "workflow_step_started", "llm_chunk"]


ENDLESS = {
    "lua": """
        local flow = Workflow.loop{ name = "w", condition = true, body = function(v) return (v or 0) + 1 end }
        return flow:run(0)
    """,
    "js": """
        const flow = Workflow.loop({ name: "w", condition: true, body: (v) => (v ?? 0) + 1 });
        return await flow.run(0);
    """,
}


@both
async def test_a_loop_without_a_limit_stops_at_a_hundred_and_says_so(cast: Any, language: str) -> None:
    spell = await cast(**{language: ENDLESS[language]})
    assert spell.value == 100
    assert "give it max_iterations" in spell.of("warning")[0].data["message"]


async def test_a_workflow_that_runs_itself_is_stopped(cast: Any) -> None:
    spell = await cast(
        lua="""
        local flow
        flow = Workflow.sequential{ name = "w", steps = { function() return flow:run() end } }
        return flow:run()
        """
    )
    assert spell.result.error.message == "workflows are 32 deep inside each other"


async def test_nothing_is_left_of_a_spell_that_ends_in_the_middle_of_a_workflow(cast: Any, silent: ModelServer) -> None:
    spell = await cast(
        lua="""
        local agent = Agent.new{ name = "slow" }
        Async.spawn(function() Workflow.map_reduce{ items = { "hang", "hang" }, map = { agent = agent } }:run() end)
        while #eventBus.history("llm_call_started").events < 2 do Async.sleep(1) end
        error("the spell ends")
        """,
        model=silent,
    )
    assert spell.result.error.message == "the spell ends"
    assert {event.data["status"] for event in spell.of("workflow_step_completed")} == {"cancelled"}
    open_spans = {event.span for event in spell.events if event.phase == "start"} - {
        event.span for event in spell.events if event.phase == "end"
    }
    assert open_spans == set()


READ = {
    "lua": """
        local made = 0
        local flow = Workflow.pipeline{ buffer = 1, stages = { function(n) made = made + 1 return n * 2 end } }
        local items, read = {}, {}
        for i = 1, 20 do items[i] = i end
        for item in flow:stream(items) do
          read[#read + 1] = item
          if #read == 3 then break end
        end
        local most = made
        local failing, seen = Workflow.pipeline{ stages = { function(n) if n == 2 then error("two") end return n end } }, {}
        local ok, problem = pcall(function() for item in failing:stream{ 1, 2, 3 } do seen[#seen + 1] = item end end)
        for value in Workflow.sequential{ steps = { function(v) return v .. "!" end } }:stream("all") do seen[#seen + 1] = value end
        return { read, most <= 8, ok, problem.message, seen, flow:progress().status }
    """,
    "js": """
        let made = 0;
        const flow = Workflow.pipeline({ buffer: 1, stages: [(n) => { made += 1; return n * 2; }] });
        const items = Array.from({ length: 20 }, (_, i) => i + 1), read = [], seen = [];
        for await (const item of flow.stream(items)) {
          read.push(item);
          if (read.length === 3) break;
        }
        const most = made;
        const failing = Workflow.pipeline({ stages: [(n) => { if (n === 2) throw new Error("two"); return n; }] });
        let problem = null;
        try { for await (const item of failing.stream([1, 2, 3])) seen.push(item); } catch (error) { problem = error; }
        for await (const value of Workflow.sequential({ steps: [(v) => v + "!"] }).stream("all")) seen.push(value);
        return [read, most <= 8, problem === null, problem.message, seen, flow.progress().status];
    """,
}


@both
@pytest.mark.mission(116)
async def test_who_reads_a_pipeline_gets_items_as_they_come_and_may_stop(cast: Any, language: str) -> None:
    spell = await cast(**{language: READ[language]})
    assert spell.value == [[2, 4, 6], True, False, "two", [1, "all!"], "cancelled"]
