"""What goes wrong reaches scripts in one form, and is tried again where that may help and everybody can see it."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.testing.answers import Answer

both = pytest.mark.parametrize("language", ["lua", "js"])

CAUGHT = {
    "lua": """
        local agent = Agent.new{ name = "a", retries = params.retries }
        local ok, problem = pcall(agent.chat, agent, "Hi")
        if ok then return { answer = problem } end
        local info = ErrorHandler.parse_error(problem)
        return { type = info.type, message = info.message, retry_after = info.retry_after, retryable = info.retryable,
          source = info.source, text = tostring(problem) }
    """,
    "js": """
        const agent = new Agent({ name: "a", retries: params.retries });
        try { return { answer: await agent.chat("Hi") }; } catch (problem) {
          const info = ErrorHandler.parseError(problem);
          return { type: info.type, message: info.message, retry_after: info.retryAfter, retryable: info.retryable,
            source: info.source, text: String(problem) };
        }
    """,
}


@both
@pytest.mark.mission(61)
@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, "auth", False),
        (404, "not_found", False),
        (400, "invalid_request", False),
        (429, "rate_limit", True),
        (503, "overloaded", True),
    ],
)
async def test_errors_of_a_service_have_one_form(
    cast: Any, model: Any, language: str, status: int, kind: str, retryable: bool
) -> None:
    model.will(Answer(status=status, message="No way.", headers=(("retry-after", "2"),)))
    value = (await cast(**{language: CAUGHT[language]}, model=model, params={"retries": 0})).value
    assert (value["type"], value["retryable"]) == (kind, retryable)
    assert "No way." in value["message"]
    assert value["source"].endswith(":3")
    if retryable:
        assert value["retry_after"] == 2000
    assert len(model.requests) == 1


RETRIED = {
    "lua": """
        local seen = {}
        Hooks.register("on_retry", function(c)
          seen[#seen + 1] = { c.unit, c.retry_count, c.retry_delay, c.error.type, c.agent_name, c.model }
          if c.retry_count == 2 then c.retry_delay = 2 end
        end)
        Hooks.register("on_error", function(c) seen[#seen + 1] = "error" end)
        return { Agent.new{ name = "a" }:chat("Hi"), seen }
    """,
    "js": """
        const seen = [];
        Hooks.register("onRetry", (c) => {
          seen.push([c.unit, c.retryCount, c.retryDelay, c.error.type, c.agentName, c.model]);
          if (c.retryCount === 2) c.retryDelay = 2;
        });
        Hooks.register("onError", (c) => { seen.push("error"); });
        return [await new Agent({ name: "a" }).chat("Hi"), seen];
    """,
}


@both
@pytest.mark.mission(61)
async def test_retries_honour_retry_after_and_are_events_and_hooks(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(status=429, headers=(("retry-after-ms", "7"),)), Answer(status=500))
    spell = await cast(**{language: RETRIED[language]}, model=model)
    assert spell.value == [
        "You said: Hi",
        [
            ["llm_call", 1, 7, "rate_limit", "a", "test"],
            ["llm_call", 2, 1000, "overloaded", "a", "test"],
        ],
    ], "the runtime's own retries come before on_error"
    assert [(event.data["retry_count"], event.data["retry_delay"]) for event in spell.of("retry")] == [(1, 7), (2, 2)]
    assert not spell.of("error") and len(model.requests) == 3


@both
async def test_what_cannot_help_is_not_tried_again(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(status=400, message="bad"))
    spell = await cast(**{language: RETRIED[language]}, model=model)
    assert spell.result.error.type == "invalid_request" and not spell.of("retry")


SLOW = {
    "lua": """
        Agent.new{ name = "slow" }
        local function kind(ok, problem) return ok or ErrorHandler.parse_error(problem).type end
        return {
          kind(pcall(Agent.execute, "slow", { query = "hang", timeout = 30 })),
          kind(pcall(function() return Agent.get("slow"):chat("hang", { timeout = 30 }) end)),
          kind(pcall(function() return Agent.new{ timeout = 30 }:chat("hang") end)),
          kind(pcall(function() for _ in Agent.get("slow"):stream_chat("hang", { timeout = 30 }) do end end)),
          Agent.get("slow"):chat("y") }
    """,
    "js": """
        new Agent({ name: "slow" });
        const kind = async (work) => { try { return await work(); } catch (e) { return ErrorHandler.parseError(e).type; } };
        return [
          await kind(() => Agent.execute("slow", { query: "hang", timeout: 30 })),
          await kind(() => Agent.get("slow").chat("hang", { timeout: 30 })),
          await kind(() => new Agent({ timeout: 30 }).chat("hang")),
          await kind(async () => { for await (const _ of Agent.get("slow").streamChat("hang", { timeout: 30 })); }),
          await Agent.get("slow").chat("y")];
    """,
}


@both
@pytest.mark.mission(27, 61)
async def test_time_limits_are_timeouts_and_are_not_retried(cast: Any, silent: Any, language: str) -> None:
    spell = await cast(**{language: SLOW[language]}, model=silent)
    assert spell.value == ["timeout"] * 4 + ["You said: y"]
    assert not spell.of("retry")


FALLBACK = {
    "lua": """
        local ok, result = pcall(function() return Agent.new{ retries = 0 }:chat("Hi") end)
        if not ok then
          local info = ErrorHandler.parse_error(result)
          if info.type == "rate_limit" then
            Async.sleep(info.retry_after)
            result = Agent.new("fallback"):chat("Hi again")
          else error("Unhandled error: " .. info.message) end
        end
        return result
    """,
    "js": """
        try { return await new Agent({ retries: 0 }).chat("Hi"); } catch (error) {
          const info = ErrorHandler.parseError(error);
          switch (info.type) {
            case "rate_limit":
              await Async.sleep(info.retryAfter);
              return await new Agent("fallback").chat("Hi again");
            default: throw new Error(`Unhandled error: ${info.message}`);
          }
        }
    """,
}


@both
@pytest.mark.mission(61, 63)
async def test_a_script_waits_and_falls_back(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(status=429, headers=(("retry-after-ms", "5"),)))
    spell = await cast(**{language: FALLBACK[language]}, model=model)
    assert spell.value == "You said: Hi again"


UNHANDLED = {
    "lua": "local agent = Agent.new{ retries = 0 }\n\nagent:chat('Hi')",
    "js": "const agent = new Agent({ retries: 0 });\n\nawait agent.chat('Hi');",
}


@both
@pytest.mark.mission(54)
async def test_an_uncaught_error_names_the_scripts_line(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(status=401, message="wrong key"))
    error = (await cast(**{language: UNHANDLED[language]}, model=model)).result.error
    assert (error.type, error.source.rpartition(":")[2]) == ("auth", "3")
    assert "Traceback" not in str(error)


@both
async def test_a_call_limit_ends_the_run_and_cannot_be_caught(cast: Any, model: Any, language: str) -> None:
    source = {
        "lua": "local a = Agent.new('x'); a:chat('1'); pcall(a.chat, a, '2'); return 'went on'",
        "js": "const a = new Agent('x'); await a.chat('1'); try { await a.chat('2'); } catch {} return 'went on'",
    }
    spell = await cast(**{language: source[language]}, model=model, flags={"limits.max_calls": 1})
    assert (spell.result.status, spell.result.error.limit, len(model.requests)) == ("limit", "calls", 1)
    assert not spell.of("error"), "a limit is no failure that hooks may repeat or soften"
