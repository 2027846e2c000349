"""The context is live in functions: reads and writes of its fields take effect at once, at every depth."""

from __future__ import annotations

from typing import Any

import pytest

both = pytest.mark.parametrize("language", ["lua", "js"])

LIVE = {
    "lua": """
        local seen = {}
        local flow = Workflow.sequential{ name = "live", steps = {
          { run = function(v, context)
              context.notes = { list = { 1 }, deep = { a = 1 } }
              context.notes.list[2] = 2
              context.notes.deep.b = "two"
              context:set("word", "set")
              return "one" end, output = "first" },
          { run = function(v, context)
              local names = {}
              for name in pairs(context) do names[#names + 1] = name end
              seen = { context.first, context.word, context.notes.list[2], context.notes.deep.b, context.topic,
                context.input.topic, context.params.who, context:get("missing", "default"), context.missing == nil,
                context:get("step_1"), context.step_1, context:get_final_output(), #context:metadata().steps,
                context:metadata().name, names, context.iteration == nil }
              context.word = nil
              return JSON.stringify(context.notes) end },
          { run = function(v, context) return { v, context.word == nil } end, condition = "{{notes.deep.a}}" },
        } }
        return { flow:run{ topic = "tea" }, seen }
    """,
    "js": """
        let seen = [];
        const flow = Workflow.sequential({ name: "live", steps: [
          { run: (v, context) => {
              context.notes = { list: [1], deep: { a: 1 } };
              context.notes.list.push(2);
              context.notes.deep.b = "two";
              context.set("word", "set");
              return "one"; }, output: "first" },
          { run: (v, context) => {
              seen = [context.first, context.word, context.notes.list[1], context.notes.deep.b, context.topic,
                context.input.topic, context.params.who, context.get("missing", "default"), context.missing === undefined,
                context.get("step_1"), context.step_1, context.getFinalOutput(), context.metadata().steps.length,
                context.metadata().name, Object.keys(context).sort(), context.iteration === null];
              delete context.word;
              return JSON.stringify(context.notes); } },
          { run: (v, context) => [v, !("word" in context)], condition: "{{notes.deep.a}}" },
        ] });
        return [await flow.run({ topic: "tea" }), seen];
    """,
}


@both
@pytest.mark.mission(42)
async def test_fields_of_the_context_are_read_and_written_where_they_are(cast: Any, language: str) -> None:
    spell = await cast(**{language: LIVE[language]}, params={"who": "Ada"})
    (text, gone), seen = spell.value
    assert text == (
        '{"deep":{"a":1,"b":"two"},"list":[1,2]}' if language == "lua" else '{"list":[1,2],"deep":{"a":1,"b":"two"}}'
    )
    assert gone is True
    assert seen == [
        *("one", "set", 2, "two", "tea", "tea", "Ada", "default", True, "one", "one", "one", 1, "live"),
        *(["first", "notes", "word"], True),
    ]
    assert [event.name for event in spell.of("context_changed")][:4] == ["notes", "notes", "notes", "word"]
    assert spell.of("context_changed")[2].data["value"] == {"list": [1, 2], "deep": {"a": 1, "b": "two"}}


REFUSED = {
    "lua": """
        local said = {}
        Workflow.loop{ max_iterations = 1, body = function(v, context)
          for _, work in ipairs{ function() context.iteration = 5 end, function() context:set("step_1", 1) end,
            function() context.input = 1 end, function() context.fields = {} end } do
            local ok, problem = pcall(work)
            said[#said + 1] = not ok and problem.message or "allowed"
          end end }:run()
        return said
    """,
    "js": """
        const said = [];
        await Workflow.loop({ maxIterations: 1, body: (v, context) => {
          for (const work of [() => { context.iteration = 5; }, () => context.set("step_1", 1),
            () => { context.input = 1; }, () => { context.fields = {}; }]) {
            try { work(); said.push("allowed"); } catch (error) { said.push(error.message); }
          } } }).run();
        return said;
    """,
}


@both
async def test_what_is_the_workflow_s_own_cannot_be_set(cast: Any, language: str) -> None:
    said = (await cast(**{language: REFUSED[language]})).value
    assert len(said) == 4 and "allowed" not in said
    assert said[1] == "context.step_1 cannot be set: it is the workflow's own"


LOOPS = {
    "lua": """
        local seen = {}
        Workflow.loop{ max_iterations = 2, body = {
          { run = function(v, context) context.shared = (context.shared or 0) + 1 return context.iteration end },
          { type = "loop", max_iterations = 2, body = function(v, context)
              seen[#seen + 1] = { context.iteration, context.confidence_score, context.shared }
              context.confidence_score = 0.5 end },
          { run = function(v, context) seen[#seen + 1] = { context.iteration, context.confidence_score } end },
        } }:run()
        return seen
    """,
    "js": """
        const seen = [];
        await Workflow.loop({ maxIterations: 2, body: [
          { run: (v, context) => { context.shared = (context.shared ?? 0) + 1; return context.iteration; } },
          { type: "loop", maxIterations: 2, body: (v, context) => {
              seen.push([context.iteration, context.confidenceScore, context.shared]);
              context.confidenceScore = 0.5; } },
          { run: (v, context) => { seen.push([context.iteration, context.confidenceScore]); } },
        ] }).run();
        return seen;
    """,
}


@both
@pytest.mark.mission(42, 118)
async def test_each_loop_counts_for_itself_and_values_are_shared(cast: Any, language: str) -> None:
    spell = await cast(**{language: LOOPS[language]})
    assert spell.value == [
        *([0, 0, 1], [1, 0.5, 1], [0, 0]),
        *([0, 0, 2], [1, 0.5, 2], [1, 0]),
    ]
    begun = [event for event in spell.of("workflow_step_started") if event.data["step_type"] == "function"]
    assert [event.data["iteration"] for event in begun] == [0, 0, 1, 0, 1, 0, 1, 1]


ITEMS = {
    "lua": """
        return Workflow.map_reduce{ items = { "a", "b", "c" }, concurrency = 3, map = {
          { run = function(v, context) Async.sleep(5) return v .. context.index end, output = "own" },
          { run = function(v, context) Async.sleep(5) return { v, context.item, context.index } end,
            input = "{{own}}{{index}}" } } }:run()
    """,
    "js": """
        return await Workflow.mapReduce({ items: ["a", "b", "c"], concurrency: 3, map: [
          { run: async (v, context) => { await Async.sleep(5); return v + context.index; }, output: "own" },
          { run: async (v, context) => { await Async.sleep(5); return [v, context.item, context.index]; },
            input: "{{own}}{{index}}" }] }).run();
    """,
}


@both
@pytest.mark.mission(42)
async def test_items_at_once_do_not_see_each_other_s_outputs(cast: Any, language: str) -> None:
    assert (await cast(**{language: ITEMS[language]})).value == [["a00", "a", 0], ["b11", "b", 1], ["c22", "c", 2]]


async def test_a_map_of_functions_makes_one_context_however_many_items(cast: Any) -> None:
    spell = await cast(
        lua="""
        local items, contexts, count = {}, {}, 0
        for i = 1, 50 do items[i] = i end
        Workflow.map_reduce{ items = items, map = function(v, context)
          if not contexts[context] then contexts[context], count = true, count + 1 end end }:run()
        return count
        """
    )
    assert spell.value == 1


GIVEN = {
    "lua": """
        return Workflow.sequential{ steps = { function(v, context) context.notes = { list = { 1, 2 } }
          return { given = context.notes, list = context.notes.list } end } }:run()
    """,
    "js": """
        return await Workflow.sequential({ steps: [(v, context) => { context.notes = { list: [1, 2] };
          return { given: context.notes, list: context.notes.list }; }] }).run();
    """,
}


@both
async def test_a_live_table_in_a_function_s_value_is_the_plain_one(cast: Any, language: str) -> None:
    assert (await cast(**{language: GIVEN[language]})).value == {"given": {"list": [1, 2]}, "list": [1, 2]}
