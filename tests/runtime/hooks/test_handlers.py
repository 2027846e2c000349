"""Who is asked, in which order, for how long, and what a failing handler does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.errors import CancelledByUser
from llmspell.providers.base import ToolCall
from llmspell.run import Run
from llmspell.testing.answers import Answer
from llmspell.traces.recording import Recording

both = pytest.mark.parametrize("language", ["lua", "js"])

ORDER = {
    "lua": """
        local seen = {}
        local function note(name) return function(c) seen[#seen + 1] = name end end
        Hooks.register("before_llm_call", note("last"), { priority = -5 })
        Hooks.register("beforeLLMCall", note("first"), { priority = 10 })
        Hooks.register("before:llm_call", note("global"))
        Hooks.register("before-llm-call", note("once"), { once = true })
        Hooks.register("before_llm_call", note("ada only"), { agent = "ada" })
        local ada = Agent.new{ name = "ada", hooks = { before_llm_call = note("own") } }
        local bob = Agent.new{ name = "bob" }
        ada:chat("x")
        bob:chat("y")
        local points = {}
        for i, hook in ipairs(Hooks.list()) do points[i] = { hook.point, hook.priority, hook.agent } end
        return { seen, points }
    """,
    "js": """
        const seen = [], note = (name) => (c) => { seen.push(name); };
        Hooks.register("before_llm_call", note("last"), { priority: -5 });
        Hooks.register("beforeLLMCall", note("first"), { priority: 10 });
        Hooks.register("before:llm_call", note("global"));
        Hooks.register("before-llm-call", note("once"), { once: true });
        Hooks.register("before_llm_call", note("ada only"), { agent: "ada" });
        const ada = new Agent({ name: "ada", hooks: { beforeLLMCall: note("own") } });
        const bob = new Agent({ name: "bob" });
        await ada.chat("x");
        await bob.chat("y");
        return [seen, Hooks.list().map((hook) => [hook.point, hook.priority, hook.agent])];
    """,
}


@both
@pytest.mark.mission(74, 81)
async def test_handlers_are_asked_by_priority_for_those_they_are_for(cast: Any, language: str) -> None:
    seen, listed = (await cast(**{language: ORDER[language]})).value
    ada = ["first", "global", "once", "ada only", "own", "last"]
    assert seen == [*ada, "first", "global", "last"]
    assert [(point, priority) for point, priority, *_ in listed] == [
        ("before_llm_call", 10),
        ("before_llm_call", 0),
        ("before_llm_call", 0),
        ("before_llm_call", -5),
    ]


HANDLE = {
    "lua": """
        local count = 0
        local handle = Hooks.register("before_tool_call", function() count = count + 1 end)
        local function use() Calculator.new():execute{ expression = "1" } return count end
        local seen = { handle.point, handle.enabled, use() }
        handle:disable() seen[4] = handle.enabled seen[5] = use()
        handle:enable() seen[6] = use()
        handle:unregister() seen[7] = use() seen[8] = #Hooks.list()
        return seen
    """,
    "js": """
        let count = 0;
        const handle = Hooks.register("beforeToolCall", () => { count += 1; });
        const use = async () => { await new Calculator().execute({ expression: "1" }); return count; };
        const seen = [handle.point, handle.enabled, await use()];
        handle.disable(); seen.push(handle.enabled, await use());
        handle.enable(); seen.push(await use());
        handle.unregister(); seen.push(await use(), Hooks.list().length);
        return seen;
    """,
}


@both
@pytest.mark.mission(74)
async def test_a_handle_switches_its_handler(cast: Any, language: str) -> None:
    assert (await cast(**{language: HANDLE[language]})).value == ["before_tool_call", True, 1, False, 1, 2, 2, 0]


LIMIT = {
    "lua": """
        local agent = Agent.new{ name = "ada" }
        Hooks.register(params.point, function(c) Async.sleep(60000) end, { timeout = 20 })
        local ok, problem = pcall(agent.chat, agent, "Hi")
        return { ok, ok and problem or ErrorHandler.parse_error(problem).type, tostring(problem) }
    """,
    "js": """
        const agent = new Agent({ name: "ada" });
        Hooks.register(params.point, () => Async.sleep(60000), { timeout: 20 });
        try { const answer = await agent.chat("Hi"); return [true, answer, answer]; }
        catch (problem) { return [false, ErrorHandler.parseError(problem).type, String(problem)]; }
    """,
}


@both
@pytest.mark.parametrize("point", ["before_llm_call", "after_execute"])
@pytest.mark.parametrize("on_error", ["fail", "ignore"])
async def test_a_slow_handler_is_cut_off(cast: Any, model: Any, language: str, point: str, on_error: str) -> None:
    run = cast(**{language: LIMIT[language]}, model=model, params={"point": point}, flags={"hooks.on_error": on_error})
    spell = await asyncio.wait_for(run, 20)
    ok, kind, text = spell.value
    (asked,) = spell.of("hook_completed")
    assert asked.data["error"]["type"] == "timeout"
    if on_error == "ignore":
        assert (ok, kind, asked.data["status"]) == (True, "You said: Hi", "ignored")
    else:
        assert (ok, kind, asked.data["status"]) == (False, "timeout", "error")
        assert f"the {point} hook of" in text and "20 ms" in text


IGNORED = {
    "lua": """
        Hooks.register(params.point, function(c) error("bad handler") end)
        local ok, answer = pcall(function() return Agent.new{ name = "ada" }:chat("Hi") end)
        return { ok, tostring(answer) }
    """,
    "js": """
        Hooks.register(params.point, () => { throw new Error("bad handler"); });
        try { return [true, await new Agent({ name: "ada" }).chat("Hi")]; } catch (error) { return [false, String(error)]; }
    """,
}


@both
async def test_on_hook_error_spares_the_run_a_failing_handler_but_never_undoes_a_veto(
    cast: Any, model: Any, language: str
) -> None:
    async def run(point: str) -> list[Any]:
        flags = {"hooks.on_error": "ignore"}
        return (await cast(**{language: IGNORED[language]}, model=model, params={"point": point}, flags=flags)).value

    assert await run("after_llm_call") == [True, "You said: Hi"]
    ok, text = await run("before_llm_call")
    assert not ok and "bad handler" in text


TOOL_HOOKS = {
    "lua": """
        local log = {}
        local files = FileSystem.new{ hooks = { before_execute = function(c)
          log[#log + 1] = c.params.operation .. " " .. c.tool_name
          if c.params.path:find("secret") then error(SecurityError("Invalid path detected")) end
        end, after_tool_call = function(c) log[#log + 1] = "after " .. type(c.result) end } }
        Hooks.register("before_execute", function(c) log[#log + 1] = "registered " .. c.tool_name end, { tool = "file_system" })
        Hooks.register("before_execute", function(c) log[#log + 1] = "agents only " .. c.agent_name end)
        files:execute{ operation = "exists", path = "a.txt" }
        local ok, problem = pcall(files.execute, files, { operation = "read", path = "secret.txt" })
        local text = Agent.new{ name = "ada", tools = { files } }:chat("please")
        return { log, ok, problem.type, text }
    """,
    "js": """
        const log = [];
        const files = new FileSystem({ hooks: { beforeExecute: (context) => {
          log.push(context.params.operation + " " + context.toolName);
          if (context.params.path.includes("secret")) throw new SecurityError("Invalid path detected");
        }, afterToolCall: (c) => { log.push("after " + (typeof c.result === "object" ? "table" : typeof c.result)); } } });
        Hooks.register("beforeExecute", (c) => { log.push("registered " + c.toolName); }, { tool: "file_system" });
        Hooks.register("beforeExecute", (c) => { log.push("agents only " + c.agentName); });
        await files.execute({ operation: "exists", path: "a.txt" });
        let problem = null;
        try { await files.execute({ operation: "read", path: "secret.txt" }); } catch (error) { problem = error; }
        const text = await new Agent({ name: "ada", tools: [files] }).chat("please");
        return [log, problem === null, problem.type, text];
    """,
}


@both
@pytest.mark.mission(37, 74, 77)
async def test_tools_have_hooks_of_their_own_and_a_veto_is_told_to_the_model(
    cast: Any, model: Any, language: str
) -> None:
    model.will(Answer(tool_calls=(ToolCall("c1", "file_system", {"operation": "read", "path": "secret.txt"}),)))
    log, ok, kind, text = (await cast(**{language: TOOL_HOOKS[language]}, model=model)).value
    assert log == [
        *("registered file_system", "exists file_system", "after table"),
        *("registered file_system", "read file_system"),
        *("agents only ada", "registered file_system", "read file_system"),
    ]
    assert (ok, kind) == (False, "security")
    assert "Error (security): Invalid path detected" in text


@both
@pytest.mark.parametrize(
    ("name", "hint"),
    [("before_lm_call", "before_llm_call"), ("before_spell", "give it to the runtime")],
)
async def test_a_point_that_does_not_fit_is_refused(cast: Any, language: str, name: str, hint: str) -> None:
    source = {
        "lua": f'Hooks.register("{name}", function() end)',
        "js": f'Hooks.register("{name}", () => {{}})',
    }
    error = (await cast(**{language: source[language]})).result.error
    assert error.type == "invalid_argument" and hint in error.hint and error.source.endswith(":1")
    own = {
        "lua": f"Agent.new{{ hooks = {{ {name} = function() end }} }}",
        "js": f"new Agent({{ hooks: {{ {name}: () => {{}} }} }})",
    }
    assert (await cast(**{language: own[language]})).result.error.type == "invalid_argument"


async def test_a_python_handler_that_breaks_is_an_error_of_one_line(cast: Any, model: Any) -> None:
    def handle(context: dict[str, Any]) -> None:
        context["prompt"] = 1 / 0

    async def wait(context: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {**context, "prompt": "waited"}

    spell = await cast(lua="return Agent.new('x'):chat('Hi')", model=model, hooks={"before_llm_call": wait})
    assert spell.value == "You said: waited"
    spell = await cast(lua="return Agent.new('x'):chat('Hi')", model=model, hooks={"before_llm_call": handle})
    assert spell.result.error.message == "division by zero" and spell.result.error.script_name == "ZeroDivisionError"


LOOPING = {
    "lua": """Hooks.register("before_llm_call", function(c)
          while true do end
        end, { timeout = 50 })
        Hooks.register("before_execute", function(c) c.quick = true end)
        Agent.new("x"):chat("Hi")
    """,
    "js": """Hooks.register("beforeLLMCall", (c) => {
          for (;;);
        }, { timeout: 50 });
        Hooks.register("beforeExecute", (c) => { c.quick = true; });
        await new Agent("x").chat("Hi");
    """,
}


@both
async def test_a_handler_that_computes_without_end_ends_the_run_and_is_named(
    cast: Any, model: Any, language: str
) -> None:
    run = cast(**{language: LOOPING[language]}, model=model, flags={"limits.cpu_seconds": 0.5})
    result = (await asyncio.wait_for(run, 20)).result
    assert (result.status, result.error.limit) == ("limit", "cpu")
    assert "the before_llm_call hook of" in result.error.hint and ":1 has not answered" in result.error.hint


INSIDE = {
    "lua": """
        local seen = {}
        local function note(name) return function(c) seen[#seen + 1] = name .. " " .. c.agent_name end end
        Hooks.register("before_llm_call", note("flow"), { workflow = "flow" })
        Hooks.register("before_llm_call", note("other"), { workflow = "other" })
        local ada, bob = Agent.new{ name = "ada" }, Agent.new{ name = "bob" }
        Workflow.sequential{ name = "flow", steps = { ada, { name = "own", run = function(v) return bob:chat(v) end } } }:run("x")
        ada:chat("outside")
        return seen
    """,
    "js": """
        const seen = [], note = (name) => (c) => { seen.push(`${name} ${c.agentName}`); };
        Hooks.register("beforeLLMCall", note("flow"), { workflow: "flow" });
        Hooks.register("beforeLLMCall", note("other"), { workflow: "other" });
        const ada = new Agent({ name: "ada" }), bob = new Agent({ name: "bob" });
        await Workflow.sequential({ name: "flow", steps: [ada, { name: "own", run: (v) => bob.chat(v) }] }).run("x");
        await ada.chat("outside");
        return seen;
    """,
}


@both
@pytest.mark.mission(74)
async def test_a_handler_for_a_workflow_serves_everything_inside_it(cast: Any, language: str) -> None:
    assert (await cast(**{language: INSIDE[language]})).value == ["flow ada", "flow bob"]


ENDING = {
    "lua": """
        Hooks.register("on_cancel", function(c) if params.slow then Async.sleep(60000) end eventBus.emit("tidied") end)
        local agent = Agent.new{ name = "ada" }
        print("began")
        while true do pcall(agent.chat, agent, "x") Async.sleep(1) end
    """,
    "js": """
        Hooks.register("onCancel", async (c) => { if (params.slow) await Async.sleep(60000); eventBus.emit("tidied"); });
        const agent = new Agent({ name: "ada" });
        console.log("began");
        for (;;) { try { await agent.chat("x"); } catch {} await Async.sleep(1); }
    """,
}


@both
@pytest.mark.mission(73)
@pytest.mark.parametrize("slow", [False, True])
async def test_who_cancels_waits_for_handlers_but_not_for_long(
    cast: Any, tmp_path: Path, language: str, slow: bool
) -> None:
    runs: list[Run] = []

    def stop(event: Any) -> None:
        runs[0].interrupt(CancelledByUser("enough"))

    spell = await asyncio.wait_for(
        cast(
            **{language: ENDING[language]},
            params={"slow": slow},
            prepare=runs.append,
            on_output=stop,
        ),
        20,
    )
    assert (spell.result.status, spell.result.error.message) == ("cancelled", "enough")
    assert len([event for event in spell.of("custom") if event.name == "tidied"]) == (0 if slow else 1)
    if slow:
        assert any("on_cancel was not asked to the end" in event.data["message"] for event in spell.of("warning"))
    (found,) = (tmp_path / ".llmspell" / "runs").glob("*.db")
    again = await asyncio.wait_for(
        cast(**{language: ENDING[language]}, replay=Recording.load(found, values.unpack)), 20
    )
    assert [(e.kind, e.span, e.data) for e in again.events] == [(e.kind, e.span, e.data) for e in spell.events]


@both
async def test_a_limit_that_ended_the_worker_is_told_to_others_than_its_handlers(
    cast: Any, tmp_path: Path, language: str
) -> None:
    """The spell's own worker is gone: its handler fails at once, that of a hook file is asked."""
    (tmp_path / "last.js").write_text('Hooks.register("onLimit", (c) => { console.log(c.limit); });', encoding="utf-8")
    source = {
        "lua": 'Hooks.register("on_limit", function(c) print("never") end) while true do end',
        "js": 'Hooks.register("onLimit", () => { console.log("never"); }); for (;;);',
    }
    flags = {"hooks.files": [str(tmp_path / "last.js")], "limits.cpu_seconds": 0.3}
    spell = await asyncio.wait_for(cast(**{language: source[language]}, flags=flags), 20)
    assert (spell.result.error.limit, spell.output["out"]) == ("cpu", "cpu\n")
    assert sorted(event.data["status"] for event in spell.of("hook_completed")) == ["ignored", "ok"]


BEGUN = {
    "lua": """
        local seen = {}
        local agent = Agent.new{ name = "ada", system_prompt = "old", capabilities = { "a" }, hooks = {
          before_init = function(c)
            seen[1] = c.options.system_prompt
            Async.sleep(1)
            c.options.system_prompt = "new" c.options.capabilities = { "b" }
          end,
          after_init = function(c) seen[2] = c.options.system_prompt end,
        } }
        seen[3] = agent.system_prompt
        local older = Agent.new{ name = "bad" }
        local ok, problem = pcall(Agent.new, { name = "bad", hooks = {
          before_init = function(c) c.options.temprature = 1 end } })
        return { seen, agent:capabilities(), ok, problem.type, problem.message, Agent.get("bad").id == older.id }
    """,
    "js": """
        const seen = [];
        const agent = new Agent({ name: "ada", systemPrompt: "old", capabilities: ["a"], hooks: {
          beforeInit: async (c) => {
            seen.push(c.options.system_prompt);
            await Async.sleep(1);
            c.options.system_prompt = "new"; c.options.capabilities = ["b"];
          },
          afterInit: (c) => { seen.push(c.options.system_prompt); },
        } });
        seen.push(agent.systemPrompt);
        const older = new Agent({ name: "bad" });
        let problem = null;
        try { new Agent({ name: "bad", hooks: { beforeInit: (c) => { c.options.temprature = 1; } } }); } catch (error) {
          problem = error;
        }
        return [seen, agent.capabilities(), problem === null, problem.type, problem.message, Agent.get("bad").id === older.id];
    """,
}


@both
@pytest.mark.mission(67)
async def test_a_constructor_waits_for_what_makes_an_agent_ready_and_throws_what_a_handler_threw(
    cast: Any, language: str
) -> None:
    spell = await cast(**{language: BEGUN[language]})
    seen, capabilities, ok, kind, message, older = spell.value
    assert (seen, capabilities) == (["old", "new", "new"], ["b"])
    assert (ok, kind, older) == (False, "invalid_argument", True) and "temprature" in message
    replayed = await cast(**{language: BEGUN[language]}, replay=spell.recording)
    assert [(e.kind, e.time, e.data) for e in replayed.events] == [(e.kind, e.time, e.data) for e in spell.events]


REFUSED = {
    "lua": """
        local told, made = {}, {}
        Hooks.register("before_init", function(c)
          if c.agent_name:sub(1, 3) == "spy" then
            Agent.new{ name = "clerk" }:chat("a spy: " .. c.agent_name)
            error(SecurityError("no spies"))
          end
        end)
        Hooks.register("on_error", function(c) told[#told + 1] = c.unit .. " " .. c.agent_name end)
        local Spy = Agent:extend("Spy")
        local function try(name, make)
          local ok, problem = pcall(make)
          made[#made + 1] = { name, ok, not ok and problem.message or "" }
        end
        try("agent", function() return Agent.new{ name = "spy 1" } end)
        try("class", function() return Spy.new{ name = "spy 2" } end)
        try("template", function() return WriterAgent.new{ name = "spy 3" } end)
        try("workflow", function() return Workflow.sequential{ name = "spy 4", steps = {} } end)
        try("team", function() return SupervisorAgent.new{ name = "spy 5" } end)
        try("honest", function() return Agent.new{ name = "ada" } end)
        local found = pcall(Agent.get, "spy 1")
        return { made, told, found, Agent.list() }
    """,
    "js": """
        const told = [], made = [];
        Hooks.register("beforeInit", async (c) => {
          if (c.agentName.startsWith("spy")) {
            await new Agent({ name: "clerk" }).chat("a spy: " + c.agentName);
            throw new SecurityError("no spies");
          }
        });
        Hooks.register("onError", (c) => { told.push(`${c.unit} ${c.agentName}`); });
        class Spy extends Agent { constructor(options) { super(options); made.push(["never", true, ""]); } }
        const attempt = (name, make) => {
          try { make(); made.push([name, true, ""]); } catch (error) { made.push([name, false, error.message]); }
        };
        attempt("agent", () => new Agent({ name: "spy 1" }));
        attempt("class", () => new Spy({ name: "spy 2" }));
        attempt("template", () => new WriterAgent({ name: "spy 3" }));
        attempt("workflow", () => Workflow.sequential({ name: "spy 4", steps: [] }));
        attempt("team", () => new SupervisorAgent({ name: "spy 5" }));
        attempt("honest", () => new Agent({ name: "ada" }));
        let found = true;
        try { Agent.get("spy 1"); } catch { found = false; }
        return [made, told, found, Agent.list()];
    """,
}


@both
@pytest.mark.mission(67, 77)
async def test_a_veto_of_before_init_is_the_constructors_error_whatever_is_made(cast: Any, language: str) -> None:
    spell = await cast(**{language: REFUSED[language]})
    made, told, found, names = spell.value
    refused = ["agent", "class", "template", "workflow", "team"]
    assert made == [*([name, False, "no spies"] for name in refused), ["honest", True, ""]]
    assert told == [f"init spy {number}" for number in range(1, 6)]
    assert (found, sorted(names)) == (False, ["ada", "clerk"])
    assert len(spell.of("llm_call_completed")) == 5, "a handler may wait for a model"
    replayed = await cast(**{language: REFUSED[language]}, replay=spell.recording)
    assert [(e.kind, e.time, e.data) for e in replayed.events] == [(e.kind, e.time, e.data) for e in spell.events]


HASTY = {
    "lua": """
        local names = {}
        Hooks.register("before_init", function(c) Async.sleep(2) c.options.system_prompt = c.agent_name end)
        local makers = {}
        for i = 1, 20 do makers[i] = function() return Agent.new{ name = "a" .. i }.system_prompt end end
        return Async.all(makers)
    """,
    "js": """
        Hooks.register("beforeInit", async (c) => { await Async.sleep(2); c.options.system_prompt = c.agentName; });
        const makers = [];
        for (let i = 1; i <= 20; i++) makers.push(async () => { await null; return new Agent({ name: "a" + i }).systemPrompt; });
        return await Async.all(makers);
    """,
}


@both
async def test_agents_may_be_made_at_once_while_their_handlers_wait(cast: Any, language: str) -> None:
    assert (await cast(**{language: HASTY[language]})).value == [f"a{number}" for number in range(1, 21)]


VETOED_STATE = {
    "lua": """
        local told = {}
        Hooks.register("before_state_change", function(c) if c.value == "bad" then error("not this") end end)
        Hooks.register("on_error", function(c) told[#told + 1] = c.unit .. " " .. c.scope .. " " .. c.key end)
        local made = {
          pcall(State.set, "mood", "bad"), pcall(State.compare_and_set, "mood", nil, "bad"),
          pcall(State.update, "mood", function() return "bad" end), pcall(State.set, "mood", "good") }
        return { { made[1], made[2], made[3], made[4] }, told, State.get("mood") }
    """,
    "js": """
        const told = [];
        Hooks.register("beforeStateChange", (c) => { if (c.value === "bad") throw new Error("not this"); });
        Hooks.register("onError", (c) => { told.push(`${c.unit} ${c.scope} ${c.key}`); });
        const made = [];
        for (const change of [() => State.set("mood", "bad"), () => State.compareAndSet("mood", null, "bad"),
          () => State.update("mood", () => "bad"), () => State.set("mood", "good")]) {
          made.push(await change().then(() => true, () => false));
        }
        return [made, told, await State.get("mood")];
    """,
}


@both
@pytest.mark.mission(69, 77)
async def test_a_veto_of_a_change_of_the_global_state_reaches_on_error_once(cast: Any, language: str) -> None:
    made, told, mood = (await cast(**{language: VETOED_STATE[language]})).value
    assert (made, told, mood) == ([False, False, False, True], ["state_change global mood"] * 3, "good")
