"""What a handler finds and leaves behind: fields that live on, failures to mend, calls of its own."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.providers.base import ToolCall
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer

both = pytest.mark.parametrize("language", ["lua", "js"])

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
async def test_a_call_inside_a_handler_asks_no_handler_of_the_same_point(cast: Any, model: Any, language: str) -> None:
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
