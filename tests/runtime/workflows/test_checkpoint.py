"""A checkpoint is a plain value: stored as JSON or in a state, a later run of the spell goes on from it and does no
step again that was over; what is not of this workflow as it is now is refused with what differs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer

both = pytest.mark.parametrize("language", ["lua", "js"])

#: Steps of every kind, some over and some not when the fourth one pauses. `done` notes what was really done.
MIXED = {
    "lua": """
        local flow, done, reached = nil, {}, false
        local function note(name) done[#done + 1] = name return name end
        local inner = Workflow.sequential{ name = "inner", steps = {
          { name = "i1", run = function() return note("i1") end },
          { name = "i2", run = function(v)
              reached = true
              if params.pause then Async.sleep(5) end
              return note("i2") end },
          { name = "i3", run = function(v, context) return note("i3") .. context.i1 end } } }
        flow = Workflow.create{ name = "mixed", steps = {
          { name = "first", run = function(v, context) context.mark = "set" note("first") return { text = "one", none = {} } end },
          { condition = function(context) return context.mark ~= "set" end, name = "skipped", run = function() return note("no") end },
          { output = "nothing", run = function() note("nil") return nil end },
          { type = "loop", output = "looped", max_iterations = 3, condition = function(c) return c.confidence_score < 0.9 end,
            body = function(v, c) c.confidence_score = c.confidence_score + 0.4 return note("round" .. c.iteration) end },
          { type = "conditional", condition = function(c) return c.mark == "set" end, true_branch = {
              { run = function(v, c) c.mark = "changed" return note("branch") end },
              { type = "map_reduce", items = function() return { "a", "b" } end, concurrency = 1, map = {
                  { run = function(item, c) c.own = item return note("map " .. item) end },
                  { run = function(v, c) return note("then " .. c.own) end } } } },
            false_branch = function() return note("wrong branch") end },
          { workflow = inner },
          { name = "last", run = function(v, c) return note("last:" .. v .. ":" .. tostring(c.nothing) .. ":" .. c.first.text) end },
        } }
        if params.pause then
          local running = Async.spawn(function() return pcall(flow.run, flow, { topic = "tea" }) end)
          while not reached do Async.sleep(1) end
          State.set("cp", flow:pause())
          local status = flow:progress().status
          return { done, JSON.stringify(State.get("cp")), status, flow:cancel() }
        end
        local value = flow:resume(JSON.parse(params.checkpoint))
        return { done, value, flow:progress().status, flow:progress().done }
    """,
    "js": """
        let flow = null, reached = false; const done = [];
        const note = (name) => { done.push(name); return name; };
        const inner = Workflow.sequential({ name: "inner", steps: [
          { name: "i1", run: () => note("i1") },
          { name: "i2", run: async (v) => {
              reached = true;
              if (params.pause) await Async.sleep(5);
              return note("i2"); } },
          { name: "i3", run: (v, context) => note("i3") + context.i1 }] });
        flow = Workflow.create({ name: "mixed", steps: [
          { name: "first", run: (v, context) => { context.mark = "set"; note("first"); return { text: "one", none: {} }; } },
          { condition: (context) => context.mark !== "set", name: "skipped", run: () => note("no") },
          { output: "nothing", run: () => { note("nil"); return null; } },
          { type: "loop", output: "looped", maxIterations: 3, condition: (c) => c.confidence_score < 0.9,
            body: (v, c) => { c.confidence_score = c.confidence_score + 0.4; return note("round" + c.iteration); } },
          { type: "conditional", condition: (c) => c.mark === "set", trueBranch: [
              { run: (v, c) => { c.mark = "changed"; return note("branch"); } },
              { type: "map_reduce", items: () => ["a", "b"], concurrency: 1, map: [
                  { run: (item, c) => { c.own = item; return note("map " + item); } },
                  { run: (v, c) => note("then " + c.own) }] }],
            falseBranch: () => note("wrong branch") },
          { workflow: inner },
          { name: "last", run: (v, c) => note("last:" + v + ":" + (c.nothing ?? "nil") + ":" + c.first.text) },
        ] });
        if (params.pause) {
          const running = flow.run({ topic: "tea" }).catch((error) => error);
          while (!reached) await Async.sleep(1);
          await State.set("cp", await flow.pause());
          const status = flow.progress().status;
          return [done, JSON.stringify(await State.get("cp")), status, flow.cancel()];
        }
        const value = await flow.resume(JSON.parse(params.checkpoint));
        return [done, value, flow.progress().status, flow.progress().done];
    """,
}
BEFORE = ["first", "nil", "round0", "round1", "round2", "branch", "map a", "then a", "map b", "then b", "i1", "i2"]
LAST = "last:i3i1:nil:one"


@both
@pytest.mark.mission(41)
async def test_another_run_goes_on_from_a_checkpoint(cast: Any, language: str) -> None:
    paused = await cast(**{language: MIXED[language]}, params={"pause": True})
    done, text, status, cancelled = paused.value
    assert (done, status, cancelled) == (BEFORE, "paused", True)
    checkpoint = json.loads(text)
    assert checkpoint["version"] == 1
    assert checkpoint["workflow"] == "mixed"
    assert checkpoint["input"] == {"topic": "tea"}
    assert checkpoint["context"]["mark"] == "changed"
    assert checkpoint["finished"]["steps[1]"]["value"]["text"] == "one"
    assert set(checkpoint["inside"]) == {"steps[6]"}
    assert set(checkpoint["inside"]["steps[6]"]["finished"]) == {"steps[1]", "steps[2]"}
    again = await cast(**{language: MIXED[language]}, params={"checkpoint": text})
    assert again.value == [["i3", LAST], LAST, "ok", 7]
    restored = [event.data["step_path"] for event in again.of("workflow_step_restored")]
    assert restored == [*(f"steps[{n}]" for n in range(1, 6)), "steps[1]", "steps[2]"]
    # Both runs have all their inputs in their recordings.
    for done_run, params in ((paused, {"pause": True}), (again, {"checkpoint": text})):
        replayed = await cast(**{language: MIXED[language]}, params=params, replay=done_run.recording)
        assert [repr(event) for event in replayed.events] == [repr(event) for event in done_run.events]


#: Fails while a loop's body, an item of a map and a list of steps are in their middle, all at once.
MIDDLE = {
    "lua": """
        local flow, done, waiting = nil, {}, 0
        local function note(name) done[#done + 1] = name return name end
        local function stop(name)
          if params.checkpoint then return note(name) end
          waiting = waiting + 1
          if waiting == 3 then error("stopped") end
          Async.sleep(100000)
        end
        flow = Workflow.parallel{ name = "middle", steps = {
          { type = "loop", max_iterations = 4, condition = function(c) return c.confidence_score < 3 end, body = {
              { run = function(v, c) c.confidence_score = c.confidence_score + 1 return note("round" .. c.iteration) end },
              { run = function(v, c) if c.iteration == 1 then return stop("stop loop") end return v end } } },
          { type = "map_reduce", items = { 1, 2, 3 }, concurrency = 3, map = {
              { run = function(n, c) c.square = n * n return note("square" .. n) end },
              { run = function(v, c) if c.item == 2 then Async.sleep(2) stop("stop map") end return c.square end } },
            reduce = function(all) return all[1] + all[2] + all[3] end },
          { type = "sequential", input = "given", steps = { function(v) return note("in " .. v) end,
              function(v) Async.sleep(4) stop("stop seq") return v end } } } }
        if params.checkpoint then return { flow:resume(params.checkpoint), done } end
        pcall(flow.run, flow)
        return { flow:checkpoint(), done }
    """,
    "js": """
        let flow = null, waiting = 0; const done = [];
        const note = (name) => { done.push(name); return name; };
        const stop = async (name) => {
          if (params.checkpoint) return note(name);
          waiting += 1;
          if (waiting === 3) throw new Error("stopped");
          await Async.sleep(100000);
        };
        flow = Workflow.parallel({ name: "middle", steps: [
          { type: "loop", maxIterations: 4, condition: (c) => c.confidence_score < 3, body: [
              { run: (v, c) => { c.confidence_score = c.confidence_score + 1; return note("round" + c.iteration); } },
              { run: (v, c) => (c.iteration === 1 ? stop("stop loop") : v) }] },
          { type: "map_reduce", items: [1, 2, 3], concurrency: 3, map: [
              { run: (n, c) => { c.square = n * n; return note("square" + n); } },
              { run: async (v, c) => { if (c.item === 2) { await Async.sleep(2); await stop("stop map"); } return c.square; } }],
            reduce: (all) => all[0] + all[1] + all[2] },
          { type: "sequential", input: "given", steps: [(v) => note("in " + v),
              async (v) => { await Async.sleep(4); await stop("stop seq"); return v; }] }] });
        if (params.checkpoint) return [await flow.resume(params.checkpoint), done];
        await flow.run().catch(() => null);
        return [flow.checkpoint(), done];
    """,
}


@both
@pytest.mark.mission(41)
async def test_a_failed_run_goes_on_in_the_middle_of_loops_and_items(cast: Any, language: str) -> None:
    checkpoint, done = (await cast(**{language: MIDDLE[language]})).value
    assert sorted(done) == ["in given", "round0", "round1", "square1", "square2", "square3"]
    assert checkpoint["finished"]["steps[1].round"] == {"value": {"iteration": 1, "value": "round0"}}
    assert checkpoint["finished"]["steps[1].body[1]@1"] == {"value": "round1"}
    assert checkpoint["places"] == {"steps[1]@0": {"confidence_score": 2}, "steps[2]@1": {"square": 4}}
    value, again = (await cast(**{language: MIDDLE[language]}, params={"checkpoint": checkpoint})).value
    assert value == ["round2", 14, "in given"]
    assert sorted(again) == ["round2", "stop loop", "stop map", "stop seq"]


ASKS = {
    "lua": """
        local agent = Agent.new{ name = "a", provider = "openai", model = "test", retries = 0 }
        local flow = Workflow.sequential{ name = "asks", steps = {
          { agent = agent, input = "one {{topic}}", output = "one" }, { agent = agent, input = "two {{one}}" } } }
        if params.checkpoint then return flow:run_detailed({ topic = "tea" }, { checkpoint = params.checkpoint }) end
        pcall(flow.run, flow, { topic = "tea" })
        return flow:checkpoint()
    """,
    "js": """
        const agent = new Agent({ name: "a", provider: "openai", model: "test", retries: 0 });
        const flow = Workflow.sequential({ name: "asks", steps: [
          { agent, input: "one {{topic}}", output: "one" }, { agent, input: "two {{one}}" }] });
        if (params.checkpoint) return await flow.runDetailed({ topic: "tea" }, { checkpoint: params.checkpoint });
        await flow.run({ topic: "tea" }).catch(() => null);
        return flow.checkpoint();
    """,
}


@both
@pytest.mark.mission(41)
async def test_what_a_model_answered_is_not_asked_again(cast: Any, model: ModelServer, language: str) -> None:
    model.will(Answer(text="first"), Answer(status=400))
    checkpoint = (await cast(**{language: ASKS[language]}, model=model)).value
    asked = len(model.requests)
    model.will(Answer(text="second"))
    spell = await cast(**{language: ASKS[language]}, model=model, params={"checkpoint": checkpoint})
    assert (spell.value["result"], len(model.requests)) == ("second", asked + 1)
    assert spell.value["outputs"] == {"one": "first", "step_2": "second"}
    statuses = [step["status"] for step in spell.value["metadata"]["steps"]]
    assert (statuses, spell.value["steps_executed" if language == "lua" else "stepsExecuted"]) == (
        ["restored", "ok"],
        1,
    )


REFUSED = {
    "lua": """
        local function make(action) return Workflow.sequential{ name = params.name or "w", steps = {
          { name = "one", run = function() return 1 end }, { name = "two", retries = action, run = function() return 2 end } } }
        end
        local flow = make(params.retries or 0)
        if not params.checkpoint then flow:run("in") return flow:checkpoint() end
        return flow:run(params.input, { checkpoint = params.checkpoint })
    """,
    "js": """
        const make = (retries) => Workflow.sequential({ name: params.name ?? "w", steps: [
          { name: "one", run: () => 1 }, { name: "two", retries, run: () => 2 }] });
        const flow = make(params.retries ?? 0);
        if (!params.checkpoint) { await flow.run("in"); return flow.checkpoint(); }
        return await flow.run(params.input, { checkpoint: params.checkpoint });
    """,
}
DAMAGES: list[tuple[dict[str, Any], str]] = [
    ({"version": None}, "the checkpoint is damaged: it has no version"),
    ({"version": 2}, "the checkpoint is of version 2, and this llmspell reads version 1"),
    ({"workflow": "other"}, "the checkpoint is of workflow 'other', and this is 'w'"),
    ({"definition": None}, "the checkpoint is damaged: it does not say what it is of"),
    ({"finished": None}, "the checkpoint is damaged: finished is missing"),
    ({"finished": "x"}, "the checkpoint is damaged: finished is no table"),
    ({"finished": {"steps[9]": {}}}, "the checkpoint is damaged: w has no step 'steps[9]'"),
    ({"finished": {"steps[1]@x": {}}}, "the checkpoint is damaged: w has no step 'steps[1]@x'"),
    ({"finished": {"steps[1]": 5}}, "the checkpoint is damaged: finished['steps[1]'] is no table"),
    (
        {"finished": {"steps[1]": {"other": 1}}},
        "the checkpoint is damaged: finished['steps[1]'] has an unknown 'other'",
    ),
    ({"inside": {"steps[1]": {"input": 1}}}, "the checkpoint is damaged: the step 'steps[1]' is no workflow"),
    ({"spell": "0" * 64}, "the checkpoint of w is of another text of the spell"),
]


@both
@pytest.mark.mission(41)
async def test_what_is_not_of_this_workflow_is_refused(cast: Any, language: str) -> None:
    async def refusal(checkpoint: Any, **params: Any) -> str:
        spell = await cast(**{language: REFUSED[language]}, params={"checkpoint": checkpoint, **params})
        assert spell.result.error is not None
        assert spell.of("workflow_started") == []
        return spell.result.error.message

    checkpoint = (await cast(**{language: REFUSED[language]})).value
    whole = await cast(**{language: REFUSED[language]}, params={"checkpoint": checkpoint})
    assert whole.value == 2
    assert whole.of("workflow_step_started") == []
    for change, message in DAMAGES:
        assert await refusal({**checkpoint, **change}) == message
    changed = await refusal(checkpoint, retries=1)
    assert changed == "workflow 'w' is not what it was when the checkpoint was made: steps[2] is changed"
    assert await refusal("text") == "a checkpoint is a table, and this is 'text'"
    assert await refusal(checkpoint, input="else") == "the checkpoint of w was made with another input"


@both
async def test_what_cannot_be_kept_is_said(cast: Any, language: str) -> None:
    script = {
        "lua": """
            local flow = Workflow.sequential{ name = "w", steps = { function() return Agent.new{ name = "a" } end } }
            local never, why = pcall(flow.checkpoint, flow)
            local idle, what = pcall(flow.resume, flow)
            flow:run()
            local ok, problem = pcall(flow.checkpoint, flow)
            return { why.message, what.message, problem.message }
        """,
        "js": """
            const flow = Workflow.sequential({ name: "w", steps: [() => new Agent({ name: "a" })] });
            let why = null, problem = null;
            try { flow.checkpoint(); } catch (error) { why = error; }
            const what = await flow.resume().catch((error) => error);
            await flow.run();
            try { flow.checkpoint(); } catch (error) { problem = error; }
            return [why.message, what.message, problem.message];
        """,
    }[language]
    never, idle, kept = (await cast(**{language: script})).value
    assert never == "workflow 'w' has not been run: there is nothing to be saved"
    assert idle == "workflow 'w' is not paused"
    assert kept == "checkpoint of w: steps[1]: Agent cannot be kept"


TRIED = {
    "lua": """
        local done, tries, flow = {}, 0, nil
        flow = Workflow.sequential{ name = "w", steps = { { retries = 1, steps = {
          { run = function() done[#done + 1] = "a" return #done end },
          { run = function(v) tries = tries + 1 if tries == 1 then error("once") end return v end } } },
          function(v) return { v, #JSON.stringify(flow:checkpoint().finished) } end } }
        local value = flow:run()
        local before = flow:checkpoint().finished
        return { value, done, before }
    """,
    "js": """
        const done = []; let tries = 0, flow = null;
        flow = Workflow.sequential({ name: "w", steps: [{ retries: 1, steps: [
          { run: () => { done.push("a"); return done.length; } },
          { run: (v) => { tries += 1; if (tries === 1) throw new Error("once"); return v; } }] },
          (v) => [v, JSON.stringify(flow.checkpoint().finished).length]] });
        const value = await flow.run();
        return [value, done, flow.checkpoint().finished];
    """,
}


@both
async def test_a_step_that_is_over_stands_for_those_inside_it(cast: Any, language: str) -> None:
    value, done, finished = (await cast(**{language: TRIED[language]})).value
    assert (value[0], done) == (2, ["a", "a"])
    assert set(finished) == {"steps[1]", "steps[2]"}


STREAMS = {
    "lua": """
        Provider.scripted{ { match = "story", chunks = { "Once ", "upon " } } }
        local teller, flow, fails = Agent.new{ name = "teller", provider = "offline" }, nil, true
        flow = Workflow.pipeline{ name = "p", stages = { { agent = teller, stream = true }, function(piece)
          if fails and piece == "upon " then error("stop") end return piece:upper() end } }
        local ok = pcall(flow.run, flow, "a story")
        fails = false
        return { ok, flow:checkpoint().finished, flow:resume(flow:checkpoint()) }
    """,
    "js": """
        Provider.scripted([{ match: "story", chunks: ["Once ", "upon "] }]);
        const teller = new Agent({ name: "teller", provider: "offline" });
        let fails = true;
        const flow = Workflow.pipeline({ name: "p", stages: [{ agent: teller, stream: true }, (piece) => {
          if (fails && piece === "upon ") throw new Error("stop"); return piece.toUpperCase(); }] });
        const ok = await flow.run("a story").then(() => true, () => false);
        fails = false;
        return [ok, flow.checkpoint().finished, await flow.resume(flow.checkpoint())];
    """,
}


@both
async def test_an_answer_in_pieces_is_asked_for_again_as_a_whole(cast: Any, language: str) -> None:
    ok, finished, value = (await cast(**{language: STREAMS[language]})).value
    assert (ok, not finished, value) == (False, True, ["ONCE ", "UPON "])


#: Fails at the k-th of all functions that are called, goes on from there in a workflow made anew; for every k.
EVERYWHERE = {
    "lua": """
        local calls, fails, done = 0, nil, {}
        local function note(name)
          calls = calls + 1
          if calls == fails then error("stopped at " .. name) end
          done[#done + 1] = name
          return name
        end
        local function make()
          local inner = Workflow.loop{ name = "inner", over = { "x", "y" }, body = {
            function(v) return note("over " .. v) end, function(v, c) c.seen = (c.seen or "") .. c.item return note(v .. "!") end },
            aggregator = function(all) return note(table.concat(all, "+")) end }
          return Workflow.create{ name = "w", steps = {
            { run = function(v, c) c.n = 1 return note("first") end, on_output = function(v, c) c.reacted = true end },
            { condition = function() return note("condition") == "condition" end, input_transform = function(v) return note(v .. "?") end,
              steps = { { type = "loop", max_iterations = 3, condition = function(c) note("again" .. c.iteration) return c.n < 3 end, body = {
                  function(v, c) local name = note("n" .. c.n + 1) c.n = c.n + 1 return name end, function(v) return note(v .. " twice") end } },
                { type = "conditional", branches = { { condition = function() return note("") == "no" end, steps = {} },
                    { condition = "{{n}}", steps = { function(v) return note("branch " .. v) end } } } } } },
            { workflow = inner, output = "inner" },
            { type = "map_reduce", concurrency = 1, items = function(c) note("items") return { 1, 2 } end,
              map = { function(n, c) c.own = n return note("map" .. n) end, function(v, c) return note(v .. c.own) end },
              reduce = function(all, c) return note(all[1] .. all[2] .. c.inner) end },
            { type = "pipeline", input = { "p", "q" }, buffer = 1, stages = { { run = function(v) return v .. "1" end,
                transformer = function(v) return v .. "t" end }, function(v) return v .. "2" end } },
            function(v, c) return note(v[1] .. v[2] .. c.n) end } }
        end
        local whole = make():run("in")
        local total, expected = calls, table.concat(done, ",")
        local wrong = {}
        for k = 1, total do
          calls, done, fails = 0, {}, k
          local flow = make()
          pcall(flow.run, flow, "in")
          fails = nil
          local checkpoint = JSON.parse(JSON.stringify(flow:checkpoint()))
          local value = make():resume(checkpoint)
          local all = table.concat(done, ",")
          if value ~= whole or all ~= expected then wrong[#wrong + 1] = k .. ": " .. tostring(value) .. " " .. all end
        end
        return { total, wrong, whole, expected }
    """,
    "js": """
        let calls = 0, fails = null, done = [];
        const note = (name) => {
          calls += 1;
          if (calls === fails) throw new Error("stopped at " + name);
          done.push(name);
          return name;
        };
        const make = () => {
          const inner = Workflow.loop({ name: "inner", over: ["x", "y"], body: [
            (v) => note("over " + v), (v, c) => { c.seen = (c.seen ?? "") + c.item; return note(v + "!"); }],
            aggregator: (all) => note(all.join("+")) });
          return Workflow.create({ name: "w", steps: [
            { run: (v, c) => { c.n = 1; return note("first"); }, onOutput: (v, c) => { c.reacted = true; } },
            { condition: () => note("condition") === "condition", inputTransform: (v) => note(v + "?"),
              steps: [{ type: "loop", maxIterations: 3, condition: (c) => { note("again" + c.iteration); return c.n < 3; }, body: [
                  (v, c) => { const name = note("n" + (c.n + 1)); c.n = c.n + 1; return name; }, (v) => note(v + " twice")] },
                { type: "conditional", branches: [{ condition: () => note("") === "no", steps: [] },
                    { condition: "{{n}}", steps: [(v) => note("branch " + v)] }] }] },
            { workflow: inner, output: "inner" },
            { type: "map_reduce", concurrency: 1, items: () => { note("items"); return [1, 2]; },
              map: [(n, c) => { c.own = n; return note("map" + n); }, (v, c) => note(v + c.own)],
              reduce: (all, c) => note(all[0] + all[1] + c.inner) },
            { type: "pipeline", input: ["p", "q"], buffer: 1, stages: [{ run: (v) => v + "1", transformer: (v) => v + "t" },
                (v) => v + "2"] },
            (v, c) => note(v[0] + v[1] + c.n)] });
        };
        const whole = await make().run("in");
        const total = calls, expected = done.join(","), wrong = [];
        for (let k = 1; k <= total; k += 1) {
          calls = 0; done = []; fails = k;
          const flow = make();
          await flow.run("in").catch(() => null);
          fails = null;
          const value = await make().resume(JSON.parse(JSON.stringify(flow.checkpoint())));
          if (value !== whole || done.join(",") !== expected) wrong.push(k + ": " + value + " " + done.join(","));
        }
        return [total, wrong, whole, expected];
    """,
}


@both
@pytest.mark.mission(41)
async def test_wherever_it_stopped_it_goes_on_with_what_was_not_over(cast: Any, language: str) -> None:
    total, wrong, whole, expected = (await cast(**{language: EVERYWHERE[language]})).value
    assert (total, whole) == (24, "p1t2q1t23")
    assert expected.count(",") == 23
    assert wrong == []
