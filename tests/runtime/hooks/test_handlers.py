"""Who is asked, in which order, for how long, and what a handler may leave behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmspell.providers.base import ToolCall
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer

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


ADDED = {
    "lua": """
        local log = {}
        local agent = Agent.new{ name = "ada", tools = { Calculator.new() }, hooks = {
          before_execute = function(c) c.request_id = "r1"; c.profile = { name = "Zoë", tags = {} } end,
          before_llm_call = function(c) c.start_time = c.turn; log[#log + 1] = "llm " .. c.request_id .. c.profile.name end,
          after_llm_call = function(c) log[#log + 1] = "llm done " .. c.request_id .. " " .. math.tointeger(c.start_time) end,
          before_tool_call = function(c) log[#log + 1] = "tool " .. c.request_id .. " " .. c.agent_name; c.mine = 1 end,
          after_tool_call = function(c) log[#log + 1] = "tool done " .. c.request_id .. " " .. math.tointeger(c.mine) end,
          after_execute = function(c) log[#log + 1] = "done " .. c.request_id .. " " .. #c.tool_calls .. " " .. tostring(c.mine) end,
        } }
        agent:chat("What is 1 + 1?")
        return log
    """,
    "js": """
        const log = [];
        const agent = new Agent({ name: "ada", tools: [new Calculator()], hooks: {
          beforeExecute: (c) => { c.request_id = "r1"; c.profile = { name: "Zoë", tags: [] }; },
          beforeLLMCall: (c) => { c.start_time = c.turn; log.push("llm " + c.request_id + c.profile.name); },
          afterLLMCall: (c) => { log.push("llm done " + c.request_id + " " + c.start_time); },
          beforeToolCall: (c) => { log.push("tool " + c.request_id + " " + c.agentName); c.mine = 1; },
          afterToolCall: (c) => { log.push("tool done " + c.request_id + " " + c.mine); },
          afterExecute: (c) => { log.push("done " + c.request_id + " " + c.toolCalls.length + " " + (c.mine ?? "nil")); },
        } });
        await agent.chat("What is 1 + 1?");
        return log;
    """,
}


@both
@pytest.mark.mission(76)
async def test_added_fields_live_from_before_to_after_and_in_child_contexts(
    cast: Any, model: Any, language: str
) -> None:
    spell = await cast(**{language: ADDED[language]}, model=model)
    assert spell.value == [
        *("llm r1Zoë", "llm done r1 1", "tool r1 ada", "tool done r1 1", "llm r1Zoë", "llm done r1 2", "done r1 1 nil"),
    ]


FAILED = {
    "lua": """
        local seen = {}
        Hooks.register("before_llm_call", function(c) c.request_id = "r1" end)
        Hooks.register("on_error", function(c)
          seen[#seen + 1] = { c.unit, c.request_id or "none", c.error.type, c.error.message, c.retry_count, c.agent_name,
            c.input.message or c.input, c.sanitized_context.agent_name }
          if c.unit == "execute" then c.user_message = "Sorry." end
        end)
        local ok, problem = pcall(function() return Agent.new{ name = "ada", retries = 0 }:chat("Hi") end)
        local info = ErrorHandler.parse_error(problem)
        return { seen, info.message, info.type, info.cause.message }
    """,
    "js": """
        const seen = [];
        Hooks.register("beforeLLMCall", (c) => { c.request_id = "r1"; });
        Hooks.register("onError", (c) => {
          seen.push([c.unit, c.request_id ?? "none", c.error.type, c.error.message, c.retryCount, c.agentName,
            c.input.message ?? c.input, c.sanitizedContext.agent_name]);
          if (c.unit === "execute") c.userMessage = "Sorry.";
        });
        try { await new Agent({ name: "ada", retries: 0 }).chat("Hi"); } catch (problem) {
          const info = ErrorHandler.parseError(problem);
          return [seen, info.message, info.type, info.cause.message];
        }
    """,
}


@both
@pytest.mark.mission(79, 80)
async def test_on_error_is_asked_once_for_each_failed_unit(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(status=500, message="down"))
    seen, message, kind, cause = (await cast(**{language: FAILED[language]}, model=model)).value
    text = seen[0][3]
    assert "down" in text
    assert seen == [
        ["llm_call", "r1", "overloaded", text, 0, "ada", "Hi", "ada"],
        ["execute", "none", "overloaded", text, 0, "ada", "Hi", "ada"],
    ]
    assert (message, kind, cause) == ("Sorry.", "overloaded", text)


DOCUMENTED = {
    "lua": """
        local tries = {}
        Hooks.register("on_error", function(context)
          if (context.retry_count or 0) < 3 then
            context.retry = true
            context.retry_count = (context.retry_count or 0) + 1
            context.retry_delay = math.pow(2, context.retry_count)
            tries[#tries + 1] = context.retry_delay
          end
        end)
        local ok = pcall(function() return Agent.new{ retries = 0 }:chat("Hi") end)
        return { ok, tries }
    """,
    "js": """
        const tries = [];
        Hooks.register("onError", (context) => {
          if ((context.retryCount || 0) < 3) {
            context.retry = true;
            context.retryCount = (context.retryCount || 0) + 1;
            context.retryDelay = Math.pow(2, context.retryCount);
            tries.push(context.retryDelay);
          }
        });
        let ok = true;
        try { await new Agent({ retries: 0 }).chat("Hi"); } catch { ok = false; }
        return [ok, tries];
    """,
}


@both
@pytest.mark.mission(78)
async def test_a_handler_that_retries_three_times_does_so_once_for_a_failure(
    cast: Any, model: Any, language: str
) -> None:
    """The execution around a call that was given up goes on counting: 4 requests, not 16."""
    model.will(*(Answer(status=500) for _ in range(20)))
    spell = await cast(**{language: DOCUMENTED[language]}, model=model)
    assert spell.value == [False, [2, 4, 8]]
    assert len(model.requests) == 4
    assert [event.data["retry_delay"] for event in spell.of("retry")] == [2, 4, 8]


NESTED = {
    "lua": """
        local llm, execute, inner = 0, 0, {}
        local helper = Agent.new{ name = "helper" }
        Hooks.register("before_execute", function(c) execute = execute + 1 end)
        Hooks.register("before_llm_call", function(c)
          llm = llm + 1
          Async.sleep(1)
          inner[1] = helper:chat("nested")
          Async.sleep(1)
          inner[2] = Async.all{ function() return helper:execute("again").content end }[1]
        end)
        Agent.new{ name = "ada" }:chat("outer")
        return { llm, execute, inner }
    """,
    "js": """
        let llm = 0, execute = 0;
        const helper = new Agent({ name: "helper" }), inner = [];
        Hooks.register("beforeExecute", () => { execute += 1; });
        Hooks.register("beforeLLMCall", async () => {
          llm += 1;
          await Async.sleep(1);
          inner.push(await helper.chat("nested"));
          await new Promise((done) => setTimeout(done, 1));
          inner.push(String((await Promise.all([helper.execute("again")]))[0]));
        });
        await new Agent({ name: "ada" }).chat("outer");
        return [llm, execute, inner];
    """,
}


@both
@pytest.mark.mission(75)
async def test_a_call_inside_a_handler_asks_no_handler_of_the_same_point(
    cast: Any, model: Any, language: str
) -> None:
    spell = await cast(**{language: NESTED[language]}, model=model)
    assert spell.value == [1, 3, ["You said: nested", "You said: again"]], "other points are asked as ever"
    hook = next(event.span for event in spell.of("hook_called") if event.name == "before_llm_call")
    nested = [event for event in spell.of("execution_started") if event.name == "helper"]
    assert [event.parent for event in nested] == [hook, hook], "what a handler calls is in its span"


BESIDE = {
    "lua": """
        local asked, works = {}, {}
        Hooks.register("before_llm_call", function(c)
          asked[#asked + 1] = c.agent_name
          Async.sleep(#asked % 4)
          local inner = Agent.new{ name = "inner" .. #asked }
          inner:chat("from a handler")
          Async.all{ function() inner:execute("and") end, function() Agent.new{ name = "inner" }:execute("another") end }
        end)
        for i = 1, 12 do
          works[i] = function()
            local agent = Agent.new{ name = "outer" .. i }
            for n = 1, 2 do agent:chat("x") end
          end
        end
        Async.all(works)
        table.sort(asked)
        return asked
    """,
    "js": """
        const asked = [];
        Hooks.register("beforeLLMCall", async (c) => {
          asked.push(c.agentName);
          await Async.sleep(asked.length % 4);
          const inner = new Agent({ name: "inner" + asked.length });
          await inner.chat("from a handler");
          await Promise.all([inner.execute("and"), new Agent({ name: "inner" }).execute("another")]);
        });
        await Promise.all(Array.from({ length: 12 }, async (_, i) => {
          await null;
          const agent = new Agent({ name: "outer" + (i + 1) });
          for (let n = 0; n < 2; n++) await agent.chat("x");
        }));
        return asked.sort();
    """,
}


@both
async def test_only_what_a_handler_itself_calls_is_left_out(cast: Any, language: str) -> None:
    """Chats that run beside it are hooked, however the two are interleaved."""
    async with ModelServer(latency=(0, 4), seed=1) as model:
        spell = await cast(**{language: BESIDE[language]}, model=model)
    assert spell.value == sorted(f"outer{i}" for i in range(1, 13) for _ in range(2))


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
    run = cast(
        **{language: LIMIT[language]}, model=model, params={"point": point}, flags={"hooks.on_error": on_error}
    )
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


async def test_a_field_that_was_not_touched_stays_what_it_was(cast: Any, model: Any) -> None:
    """Lua has one empty table and no nil in a table: a handler that only looks changes nothing."""
    spell = await cast(
        lua="""
        local given
        local tool = Tool.define{ name = "t", description = "d", execute = function(p) given = p return { list = {}, n = 1 } end }
        for _, point in ipairs{ "before_tool_call", "after_tool_call", "before_execute", "after_execute", "before_llm_call", "after_llm_call" } do
          Hooks.register(point, function(c) local seen = c.params end)
        end
        local agent = Agent.new{ tools = { tool } }
        return { agent:chat("go"), agent:execute("plain").content }
        """,
        model=_told(model),
    )
    assert not spell.of("warning") and spell.value == ["done", "You said: plain"]
    (called,) = spell.of("tool_completed")
    assert called.data["params"] == {"filter": {}, "items": [], "none": None}
    assert all(not event.data["changes"] for event in spell.of("hook_completed"))


def _told(model: Any) -> Any:
    model.will(
        Answer(tool_calls=(ToolCall("c1", "t", {"filter": {}, "items": [], "none": None}),)), Answer(text="done")
    )
    return model
