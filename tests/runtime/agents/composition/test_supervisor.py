"""SupervisorAgent: who is given a task, what is reviewed and sent back, and what hooks and the trace see of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.testing.answers import Answer
from llmspell.traces.layout import Look
from llmspell.traces.reader import RunFile
from llmspell.traces.recording import Recording
from llmspell.traces.tree import tree

both = pytest.mark.parametrize("language", ["lua", "js"])


def team(language: str, options: str, calls: list[str], members: str = "") -> dict[str, str]:
    """Three workers with skills, and tasks given to them; gives who did each."""
    if language == "lua":
        members = (
            members
            or """{
            Agent.new{ name = "coder", capabilities = { "programming", "lua" } },
            Agent.new{ name = "poet", capabilities = { "poems", "songs" } },
            Agent.new{ name = "cook", capabilities = { "recipes" } } }"""
        )
        tasks = ", ".join(f"team:delegate_task({json.dumps(call)}).worker" for call in calls)
        return {
            "lua": f"local team = SupervisorAgent.new{{ name = 'team', workers = {members}, {options} }}\nreturn {{ {tasks} }}"
        }
    members = (
        members
        or """[
        new Agent({ name: "coder", capabilities: ["programming", "lua"] }),
        new Agent({ name: "poet", capabilities: ["poems", "songs"] }),
        new Agent({ name: "cook", capabilities: ["recipes"] })]"""
    )
    tasks = ", ".join(f"(await team.delegateTask({json.dumps(call)})).worker" for call in calls)
    return {
        "js": f"const team = new SupervisorAgent({{ name: 'team', workers: {members}, {options} }});\nreturn [{tasks}];"
    }


def option(language: str, name: str, value: str) -> str:
    return f"{name} {'=' if language == 'lua' else ':'} {value}"


@both
@pytest.mark.mission(50)
async def test_tasks_go_round_by_skill_or_to_the_least_busy(cast: Any, model: Any, language: str) -> None:
    expected = {
        "round_robin": ["coder", "poet", "cook", "coder"],
        "skill_based": ["poet", "coder", "cook", "coder"],
        "least_busy": ["coder", "poet", "cook", "coder"],
    }
    tasks = ["write a poem about rain", "program a loop in Lua", "a recipe for bread", "lua again"]
    for strategy, workers in expected.items():
        result = await cast(**team(language, option(language, "strategy", f'"{strategy}"'), tasks), model=model)
        assert result.value == workers, strategy
        started = result.of("delegation_started")
        assert [event.data["worker"] for event in started] == workers
        assert {event.data["strategy"] for event in started} == {strategy}


async def test_the_least_busy_is_who_has_the_fewest_tasks_under_way(cast: Any, model: Any) -> None:
    source = """
        local team = SupervisorAgent.new{ strategy = "least_busy", workers = { a = Agent.new(), b = Agent.new() } }
        local works = {}
        for i = 1, 4 do works[i] = function() return team:delegate_task("task " .. i).worker end end
        local state
        Hooks.register("before_llm_call", function() state = state or team:coordination_state() end)
        return { Async.all(works), state, team:coordination_state() }
    """
    who, during, after = (await cast(lua=source, model=model)).value
    assert sorted(who) == ["a", "a", "b", "b"]
    assert sum(worker["busy"] for worker in during["workers"]) > 1
    assert [(worker["busy"], worker["done"]) for worker in after["workers"]] == [(0, 2), (0, 2)]
    assert (after["strategy"], after["delegations"]) == ("least_busy", 4)


@both
@pytest.mark.mission(50)
async def test_the_supervisors_model_chooses(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(text='{"worker": "cook", "reason": "bread"}'), Answer(text="Knead."))
    result = await cast(**team(language, option(language, "strategy", '"model"'), ["make bread"]), model=model)
    assert result.value == ["cook"]
    asked = model.requests[0].json
    assert "- poet: poems, songs" in asked["messages"][-1]["content"]
    assert "make bread" in asked["messages"][-1]["content"]
    shape = asked["response_format"]["json_schema"]
    assert shape["strict"] is True
    assert shape["schema"]["properties"]["worker"]["enum"] == ["coder", "poet", "cook"]
    assert model.requests[1].json["messages"][-1]["content"] == "make bread"


FUNCTION = {
    "lua": """strategy = function(task, workers)
        for _, each in ipairs(workers) do if each.done == 0 and each.name ~= "coder" then return each.name end end
        return "nobody" end""",
    "js": """strategy: (task, workers) =>
        workers.find((each) => each.done === 0 && each.name !== "coder")?.name ?? "nobody" """,
}


@both
@pytest.mark.mission(50)
async def test_a_function_chooses(cast: Any, model: Any, language: str) -> None:
    assert (await cast(**team(language, FUNCTION[language], ["x", "y"]), model=model)).value == ["poet", "cook"]
    failed = await cast(**team(language, FUNCTION[language], ["x", "y", "z"]), model=model)
    assert "team has no worker 'nobody'" in failed.result.error.message
    assert "coder, poet, cook" in failed.result.error.hint


REVIEWED = {
    "lua": """
        local boss = Agent.new{ name = "boss", system_prompt = "You are strict" }
        local team = SupervisorAgent.new{ name = "team", supervisor = boss, workers = { poet = Agent.new{ name = "poet" } },
          review = true, max_revisions = 1 }
        local first = team:delegate_task("A poem")
        return { first, tostring(team:execute("Another")), boss:conversation_history() }
    """,
    "js": """
        const boss = new Agent({ name: "boss", systemPrompt: "You are strict" });
        const team = new SupervisorAgent({ name: "team", supervisor: boss, workers: { poet: new Agent({ name: "poet" }) },
          review: true, maxRevisions: 1 });
        const first = await team.delegateTask("A poem");
        return [first, `${await team.execute("Another")}`, boss.conversationHistory()];
    """,
}


@both
@pytest.mark.mission(50)
async def test_the_supervisor_reviews_and_sends_back_with_notes(
    cast: Any, model: Any, language: str, tmp_path: Path
) -> None:
    bad, good = '{"approved": false, "notes": "It must rhyme."}', '{"approved": true, "notes": ""}'
    model.will(*(Answer(text=text) for text in ("Roses", bad, "Roses, noses", good, "Ode", bad, "Ode two", bad)))
    result = await cast(**{language: REVIEWED[language]}, model=model)
    first, second, history = result.value
    assert first == {"worker": "poet", "result": "Roses, noses", "approved": True, "attempts": 2, "notes": ""}
    assert second == "Ode two"
    assert history == [] or history == {}, "reviewing is no part of the supervisor's own conversation"
    asked = [request.json["messages"] for request in model.requests]
    assert asked[1][0]["content"] == "You are strict"
    assert "Review this result from poet." in asked[1][-1]["content"] and "Roses" in asked[1][-1]["content"]
    again = asked[2][-1]["content"]
    assert again.startswith("A poem") and "Roses" in again and again.endswith("It must rhyme.")
    reviewed = [(event.data["attempt"], event.data["approved"]) for event in result.of("delegation_reviewed")]
    assert reviewed == [(1, False), (2, True), (1, False), (2, False)]
    assert len(result.of("delegation_completed")) == 4
    [warning] = result.of("warning")
    assert warning.data["message"] == "team did not approve what poet made of its task in 2 attempts"
    [path] = (tmp_path / ".llmspell/runs").glob("*.db")
    replayed = await cast(**{language: REVIEWED[language]}, replay=Recording.load(path, values.unpack))
    assert [(e.kind, e.time, e.data) for e in replayed.events] == [(e.kind, e.time, e.data) for e in result.events]


async def test_a_task_that_is_a_table_goes_back_with_its_fields(cast: Any, model: Any) -> None:
    source = """
        local given = {}
        local Worker = BaseAgent:extend()
        function Worker:execute(input) given[#given + 1] = input; return "v" .. #given end
        local team = SupervisorAgent.new{ workers = { Worker.new{ name = "w" } }, review = true }
        team:execute{ topic = "tea", length = 3 }
        return given
    """
    model.will(Answer(text='{"approved": false, "notes": "More."}'), Answer(text='{"approved": true, "notes": ""}'))
    first, second = (await cast(lua=source, model=model)).value
    assert first == {"topic": "tea", "length": 3}
    assert second == {**first, "previous": "v1", "notes": "More."}


HOOKED = {
    "lua": """
        local seen = {}
        local team = SupervisorAgent.new{ name = "team", workers = { poet = Agent.new{ name = "poet" } }, hooks = {
          before_delegation = function(c)
            seen[#seen + 1] = c.supervisor .. ">" .. c.worker
            if c.task == "forbidden" then error("not this one") end
            c.task = c.task .. "!"
            c.mine = "kept"
          end } }
        Hooks.register("after_delegation", function(c) c.output = c.output .. " (" .. c.mine .. ")" end)
        return { tostring(team:execute("A poem")), pcall(team.execute, team, "forbidden") }, seen
    """,
    "js": """
        const seen = [];
        const team = new SupervisorAgent({ name: "team", workers: { poet: new Agent({ name: "poet" }) }, hooks: {
          beforeDelegation: (c) => {
            seen.push(`${c.supervisor}>${c.worker}`);
            if (c.task === "forbidden") throw new Error("not this one");
            c.task += "!";
            c.mine = "kept";
          } } });
        Hooks.register("afterDelegation", (c) => { c.output += ` (${c.mine})`; });
        const first = `${await team.execute("A poem")}`;
        return [first, await team.execute("forbidden").then(() => true, () => false)];
    """,
}


@both
@pytest.mark.mission(50)
async def test_hooks_change_and_veto_a_delegation(cast: Any, model: Any, language: str) -> None:
    result = await cast(**{language: HOOKED[language]}, model=model)
    assert result.value[:2] == ["You said: A poem! (kept)", False]
    assert len(model.requests) == 1, "what was vetoed reached nobody"
    vetoed = result.of("delegation_completed")[-1]
    assert vetoed.data["status"] == "error" and "not this one" in vetoed.data["error"]["message"]
    started, model_call = result.of("delegation_started")[0], result.of("llm_call_started")[0]
    parents = {event.span: event.parent for event in result.events if event.phase == "start"}
    assert started.span in (parents[model_call.parent], parents[parents[model_call.parent]])


@both
@pytest.mark.mission(50, 52)
async def test_workers_may_be_added_and_be_anything(cast: Any, model: Any, language: str) -> None:
    source = {
        "lua": """
            local team = HierarchicalAgent.new{}
            team:add_worker("sums", Calculator.new())
            team:add_worker("inner", SupervisorAgent.new{ name = "inner", workers = { Agent.new{ name = "deep" } } })
            local ok, err = pcall(team.add_worker, team, "sums", Calculator.new())
            return { team.workers, team:delegate_task({ expression = "6 * 7" }, "sums").result.result,
              team:delegate_task("hi", "inner").result, team:select_worker("x"), ok }
        """,
        "js": """
            const team = new HierarchicalAgent();
            team.addWorker("sums", new Calculator());
            team.addWorker("inner", new SupervisorAgent({ name: "inner", workers: [new Agent({ name: "deep" })] }));
            let ok = true;
            try { team.addWorker("sums", new Calculator()); } catch { ok = false; }
            return [team.workers, (await team.delegateTask({ expression: "6 * 7" }, "sums")).result.result,
              (await team.delegateTask("hi", "inner")).result, await team.selectWorker("x"), ok];
        """,
    }
    result = await cast(**{language: source[language]}, model=model)
    assert result.value == [["sums", "inner"], 42, "You said: hi", "sums", False]


@pytest.mark.parametrize(
    ("source", "option"),
    [
        ('SupervisorAgent.new{ name = "team" }:execute("x")', "'workers'"),
        ('OrchestratorAgent.new{ name = "team" }:delegate("x")', "'agents'"),
    ],
)
async def test_a_team_without_workers_says_so_and_how_it_is_given_some(cast: Any, source: str, option: str) -> None:
    result = await cast(lua=source)
    assert "team has no workers" in result.result.error.message
    assert option in result.result.error.hint


async def test_a_worker_that_fails_is_counted_and_its_error_told(cast: Any) -> None:
    source = """
        local Bad = BaseAgent:extend()
        function Bad:execute() error("no luck") end
        local team = SupervisorAgent.new{ workers = { bad = Bad.new() } }
        local ok, err = pcall(team.execute, team, "x")
        return { ok, err.message, team:coordination_state().workers[1] }
    """
    ok, message, state = (await cast(lua=source)).value
    assert ok is False and "no luck" in message
    assert (state["failed"], state["done"], state["busy"]) == (1, 0, 0)


@both
async def test_a_supervisor_works_with_the_offline_model(cast: Any, language: str) -> None:
    options = f"{option(language, 'strategy', chr(34) + 'model' + chr(34))}, {option(language, 'review', 'true')}"
    result = await cast(**team(language, options, ["x", "y"]))
    assert result.value == ["coder", "coder"]
    assert all(event.data["approved"] for event in result.of("delegation_reviewed"))


async def test_the_tree_of_a_run_shows_actions_delegations_and_verdicts(cast: Any, model: Any, tmp_path: Path) -> None:
    bad, good = '{"approved": false, "notes": "It must rhyme."}', '{"approved": true, "notes": ""}'
    model.will(*(Answer(text=text) for text in ("Roses", bad, "Roses, noses", good)))
    await cast(
        lua="""
        local poet = WriterAgent.new{ name = "poet" }
        local line = PipelineAgent.new{ stages = { { agent = poet, action = "draft", name = "drafting" } } }
        SupervisorAgent.new{ name = "team", workers = { line = line }, review = true }:execute("A poem")
        """,
        model=model,
    )
    [path] = (tmp_path / ".llmspell/runs").glob("*.db")
    with RunFile(path) as file:
        printed = "\n".join(tree(file.events(), Look(width=200)))
    assert 'delegation line  "A poem"' in printed
    assert "agent poet.draft" in printed
    assert "agent team_supervisor.review" in printed
    assert 'sent back "It must rhyme."' in printed
    assert "approved" in printed
    assert 'stage drafting  "Roses"' in printed


async def test_a_hook_may_answer_for_the_supervisor_in_words_of_its_own(cast: Any, model: Any) -> None:
    source = """
        local boss = Agent.new{ name = "boss", hooks = { after_execute = function(c) c.output = "%s" end } }
        local team = SupervisorAgent.new{ name = "team", supervisor = boss, strategy = "model", max_revisions = 0,
          workers = { poet = Agent.new{ name = "poet" }, cook = Agent.new{ name = "cook" } }, review = true }
        local done = team:delegate_task("x")
        return { done.worker, done.approved, done.notes }
    """
    assert (await cast(lua=source % "cook", model=model)).value == ["cook", False, "cook"]
    assert "no worker 'nobody'" in (await cast(lua=source % "nobody", model=model)).result.error.message


FAILING = {
    "lua": """
        local seen = {}
        local function worker(name, skills, fails)
          local Worker = BaseAgent:extend(name)
          function Worker:execute(input)
            seen[#seen + 1] = name
            if fails then error(name .. " broke down") end
            return name .. " did it"
          end
          return Worker.new{ name = name, capabilities = { skills } }
        end
        local team = SupervisorAgent.new{ name = "team", strategy = STRATEGY, workers = {
          worker("a", "poems of the sea", true), worker("b", "poems", true), worker("c", "bread", LAST) } }
        local ok, found = pcall(team.delegate_task, team, "poems of the sea")
        if not ok then local info = ErrorHandler.parse_error(found); found = { info.message, info.type, info.cause.message } end
        return { seen, ok, found, team:coordination_state().workers }
    """,
    "js": """
        const seen = [];
        const worker = (name, skills, fails) => new (class extends BaseAgent {
          async execute(input) {
            seen.push(name);
            if (fails) throw new Error(`${name} broke down`);
            return `${name} did it`;
          }
        })({ name, capabilities: [skills] });
        const team = new SupervisorAgent({ name: "team", strategy: STRATEGY, workers: [
          worker("a", "poems of the sea", true), worker("b", "poems", true), worker("c", "bread", LAST)] });
        let ok = true, found;
        try { found = await team.delegateTask("poems of the sea"); } catch (error) {
          const info = ErrorHandler.parseError(error);
          ok = false;
          found = [info.message, info.type, info.cause.message];
        }
        return [seen, ok, found, team.coordinationState().workers];
    """,
}
#: The order in which each strategy has the three try.
ORDER = {
    '"round_robin"': "abc",
    '"least_busy"': "abc",
    '"skill_based"': "abc",
    '"model"': "bac",
    "function": "cba",
}
LAST_FIRST = {
    "lua": "function(task, workers) return workers[#workers].name end",
    "js": "(task, workers) => workers.at(-1).name",
}


@both
@pytest.mark.mission(50)
@pytest.mark.parametrize("strategy", ORDER)
async def test_when_a_worker_fails_the_strategy_picks_another_who_has_not_tried(
    cast: Any, model: Any, language: str, strategy: str
) -> None:
    model.will(Answer(text='{"worker": "b", "reason": ""}'), Answer(text='{"worker": "a", "reason": ""}'))
    written = FAILING[language].replace("STRATEGY", LAST_FIRST[language] if strategy == "function" else strategy)
    order = ORDER[strategy]
    spell = await cast(**{language: written.replace("LAST", "true")}, model=model)
    seen, ok, (message, kind, cause), workers = spell.value
    assert ("".join(seen), ok, kind) == (order, False, "script")
    assert message.startswith(f"team has tried {', '.join(order)}, and all failed; the last said:")
    assert f"{order[-1]} broke down" in message and f"{order[-1]} broke down" in cause
    assert [(each["failed"], each["done"], each["busy"]) for each in workers] == [(1, 0, 0)] * 3
    passed = [(event.data["worker"], event.data["to"]) for event in spell.of("delegation_passed_on")]
    assert passed == [(order[0], order[1]), (order[1], order[2])]
    assert [event.data["worker"] for event in spell.of("delegation_started")] == [*order]
    if strategy == '"model"':
        offered = [r.json["response_format"]["json_schema"]["schema"]["properties"] for r in model.requests]
        assert [each["worker"]["enum"] for each in offered] == [["a", "b", "c"], ["a", "c"]]
    replayed = await cast(**{language: written.replace("LAST", "true")}, replay=spell.recording)
    assert [(e.kind, e.time, e.data) for e in replayed.events] == [(e.kind, e.time, e.data) for e in spell.events]


@both
@pytest.mark.mission(50)
async def test_the_one_who_can_does_it_and_a_named_worker_alone_tries(cast: Any, language: str) -> None:
    written = FAILING[language].replace("STRATEGY", '"skill_based"').replace("LAST", "false")
    seen, ok, done, _ = (await cast(**{language: written})).value
    assert (seen, ok, done["worker"], done["result"], done["attempts"]) == (["a", "b", "c"], True, "c", "c did it", 1)
    named = written.replace('"poems of the sea")\n', '"poems of the sea", "a")\n').replace(
        'delegateTask("poems of the sea")', 'delegateTask("poems of the sea", "a")'
    )
    named = named.replace("info.cause.message", '"none"')
    seen, ok, (message, *_), _ = (await cast(**{language: named})).value
    assert (seen, ok) == (["a"], False)
    assert message.endswith("a broke down")


@both
async def test_a_function_that_names_nobody_new_ends_the_task(cast: Any, language: str) -> None:
    always = {"lua": 'function() return "b" end', "js": '() => "b"'}
    written = FAILING[language].replace("STRATEGY", always[language]).replace("LAST", "false")
    seen, ok, found, _ = (await cast(**{language: written.replace("info.cause.message", '"none"')})).value
    assert (seen, ok) == (["b"], False)
    assert found[0].endswith("b broke down")
