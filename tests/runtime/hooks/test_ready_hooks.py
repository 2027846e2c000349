"""The built-in hooks, from scripts of both languages: what they change, tell, answer and refuse; the same in a replay."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.person import Answers
from llmspell.providers.base import ToolCall
from llmspell.testing.answers import Answer
from llmspell.traces.recording import Recording

both = pytest.mark.parametrize("language", ["lua", "js"])
DOWN = Answer(status=500, message="down", headers=(("retry-after-ms", "1"),))


def _shown(spell: Any) -> list[tuple[Any, ...]]:
    return [(e.kind, e.phase, e.span, e.parent, e.name, e.site, e.time, e.data) for e in spell.events]


async def _replayed(cast: Any, tmp_path: Path, spell: Any, params: Any = None, **source: str) -> None:
    """Replays the newest run and finds the same events. params: where the recording has them masked."""
    newest = max((tmp_path / ".llmspell" / "runs").glob("*.db"), key=lambda path: path.stat().st_mtime_ns)
    again = await asyncio.wait_for(cast(**source, params=params, replay=Recording.load(newest, values.unpack)), 30)
    assert _shown(again) == _shown(spell)


CACHED = {
    "lua": """
        local cache = CacheHook.new{ ttl = 60000, keep = params.keep }
        Hooks.use(cache, { agent = "ada" })
        local ada, bob = Agent.new{ name = "ada", tools = { Calculator.new() } }, Agent.new{ name = "bob" }
        local said = { ada:execute("one").content, ada:execute("one").content, ada:execute("two").content, bob:execute("one").content }
        return { said = said, stats = cache:stats(), usage = ada.usage.total > 0 }
    """,
    "js": """
        const cache = new CacheHook({ ttl: 60000, keep: params.keep });
        Hooks.use(cache, { agent: "ada" });
        const ada = new Agent({ name: "ada", tools: [new Calculator()] }), bob = new Agent({ name: "bob" });
        const said = [];
        for (const [agent, text] of [[ada, "one"], [ada, "one"], [ada, "two"], [bob, "one"]])
          said.push((await agent.execute(text)).content);
        return { said, stats: cache.stats(), usage: ada.usage.total > 0 };
    """,
}


@both
@pytest.mark.mission(82)
@pytest.mark.parametrize("keep", ["run", "project"])
async def test_cache_hook_answers_what_was_answered_before(
    cast: Any, model: Any, tmp_path: Path, language: str, keep: str
) -> None:
    spell = await cast(**{language: CACHED[language]}, model=model, params={"keep": keep})
    calls = len(model.requests)
    assert spell.value["said"][0] == spell.value["said"][1]
    hits = [event.data["hit"] for event in spell.of("cache_checked")]
    assert hits.count(True) == spell.value["stats"]["hits"] > 0
    answered = [event for event in spell.of("llm_call_completed") if event.data.get("answered")]
    assert len(answered) == hits.count(True) and all(event.data["usage"]["total"] == 0 for event in answered)
    assert calls == len(spell.of("llm_call_completed")) - len(answered)
    await _replayed(cast, tmp_path, spell, **{language: CACHED[language]})

    again = await cast(**{language: CACHED[language]}, model=model, params={"keep": keep})
    assert len(model.requests) - calls == (calls if keep == "run" else 1), "only bob's, where the project remembers"
    assert again.value["said"] == spell.value["said"]


UNCACHED = {
    "lua": """
        local agent = Agent.new{ name = "ada", retries = 0, hooks = { CacheHook.new{ ttl = params.ttl }, { after_llm_call = function(c) c.response = c.response .. "!" end } } }
        local first = pcall(agent.execute, agent, "one")
        local second = agent:execute("one").content
        Async.sleep(30)
        return { first, second, agent:execute("one").content }
    """,
    "js": """
        const agent = new Agent({ name: "ada", retries: 0, hooks: [new CacheHook({ ttl: params.ttl }), { afterLLMCall: (c) => { c.response += "!"; } }] });
        let first = true;
        try { await agent.execute("one"); } catch { first = false; }
        const second = (await agent.execute("one")).content;
        await Async.sleep(30);
        return [first, second, (await agent.execute("one")).content];
    """,
}


@both
@pytest.mark.parametrize(("ttl", "calls"), [(20, 3), (60_000, 2)])
async def test_cache_hook_keeps_no_error_and_nothing_past_its_time(
    cast: Any, model: Any, language: str, ttl: float, calls: int
) -> None:
    """As an agent's own hook, beside a handler that changes each answer, once."""
    model.will(Answer(status=500, message="down"))
    spell = await cast(**{language: UNCACHED[language]}, model=model, params={"ttl": ttl})
    assert spell.value == [False, "You said: one!", "You said: one!"]
    assert len(model.requests) == calls


RETRIED = {
    "lua": """
        local count = 0
        local tool = Tool.define{ name = "flaky", description = "d", execute = function(p) count = count + 1 if count < 3 then error("no") end return count end }
        Hooks.use(RetryHook.new{ attempts = 2, delay = 4, errors = { "overloaded" } })
        Hooks.use(RetryHook.new{ attempts = 5, delay = 4, errors = { "*" }, units = { "tool_call" }, jitter = 0 })
        local agent = Agent.new{ retries = 0 }
        local ok, problem = pcall(agent.chat, agent, "one")
        return { ok, agent:chat("two"), tool:execute{} }
    """,
    "js": """
        let count = 0;
        const tool = Tool.define({ name: "flaky", description: "d", execute: (p) => { count += 1; if (count < 3) throw new Error("no"); return count; } });
        Hooks.use(new RetryHook({ attempts: 2, delay: 4, errors: ["overloaded"] }));
        Hooks.use(new RetryHook({ attempts: 5, delay: 4, errors: ["*"], units: ["tool_call"], jitter: 0 }));
        const agent = new Agent({ retries: 0 });
        let ok = true;
        try { await agent.chat("one"); } catch { ok = false; }
        return [ok, await agent.chat("two"), await tool.execute({})];
    """,
}


@both
@pytest.mark.mission(82)
async def test_retry_hook_tries_again_with_growing_pauses(cast: Any, model: Any, tmp_path: Path, language: str) -> None:
    down = Answer(status=500, message="down")
    model.will(down, down, down, down)
    spell = await cast(**{language: RETRIED[language]}, model=model)
    assert spell.value == [False, "You said: two", 3]
    first, second, third, *tools = [event.data["retry_delay"] for event in spell.of("retry")]
    assert 4 <= first <= 4.8 and 8 <= second <= 9.6 and 4 <= third <= 4.8 and tools == [4, 8]
    assert len(model.requests) == 5
    await _replayed(cast, tmp_path, spell, **{language: RETRIED[language]})


LIMITED = {
    "lua": """
        local hook = { requests = params.requests, tokens = params.tokens, per = params.per, on_exceed = params.on_exceed, key = "agent" }
        Hooks.use(RateLimitHook.new(hook))
        local ada, bob = Agent.new{ name = "ada" }, Agent.new{ name = "bob" }
        local function try(agent) local ok, text = pcall(agent.chat, agent, "x") return ok or text.type end
        return { try(ada), try(bob), try(ada) }
    """,
    "js": """
        Hooks.use(new RateLimitHook({ requests: params.requests, tokens: params.tokens, per: params.per, onExceed: params.on_exceed, key: "agent" }));
        const ada = new Agent({ name: "ada" }), bob = new Agent({ name: "bob" });
        const attempt = async (agent) => { try { await agent.chat("x"); return true; } catch (error) { return error.type; } };
        return [await attempt(ada), await attempt(bob), await attempt(ada)];
    """,
}


@both
@pytest.mark.mission(82)
@pytest.mark.parametrize("limit", ["requests", "tokens"])
@pytest.mark.parametrize("on_exceed", ["wait", "fail"])
async def test_rate_limit_hook_lets_wait_or_fails(
    cast: Any, model: Any, tmp_path: Path, language: str, limit: str, on_exceed: str
) -> None:
    per = 1000 if on_exceed == "wait" else 60_000
    params = {limit: 1, "on_exceed": on_exceed, "per": per}
    spell = await cast(**{language: LIMITED[language]}, model=model, params=params)
    assert spell.value == [True, True, True if on_exceed == "wait" else "rate_limit"]
    waits = [event.data["wait"] for event in spell.of("rate_limit_checked")]
    assert waits[:2] == [0, 0] and 0 < waits[2] <= per
    if on_exceed == "wait":
        first, _, third = [event.time for event in spell.of("llm_call_completed")]
        assert waits[-1] == 0 and third - first >= waits[2]
    await _replayed(cast, tmp_path, spell, **{language: LIMITED[language]})


MEASURED = {
    "lua": """
        Hooks.use(MetricsHook.new{ prefix = "shop_", labels = { team = "a" } })
        local agent = Agent.new{ name = "ada", tools = { Calculator.new() }, retries = 1 }
        agent:chat("What is 1 + 1?")
        local snapshot = metrics:snapshot()
        return { snapshot.counters, snapshot.histograms.shop_llm_call_duration.count, snapshot.histograms.shop_llm_call_tokens.sum == agent.usage.total }
    """,
    "js": """
        Hooks.use(new MetricsHook({ prefix: "shop_", labels: { team: "a" } }));
        const agent = new Agent({ name: "ada", tools: [new Calculator()], retries: 1 });
        await agent.chat("What is 1 + 1?");
        const snapshot = metrics.snapshot();
        return [snapshot.counters, snapshot.histograms.shop_llm_call_duration.count, snapshot.histograms.shop_llm_call_tokens.sum === agent.usage.total];
    """,
}


@both
@pytest.mark.mission(82)
async def test_metrics_hook_counts_and_measures(cast: Any, model: Any, tmp_path: Path, language: str) -> None:
    model.will(DOWN)
    spell = await cast(**{language: MEASURED[language]}, model=model)
    counters, calls, tokens = spell.value
    own = {name: value for name, value in counters.items() if name.startswith("shop_")}
    assert own == {"shop_executions": 1, "shop_llm_calls": 2, "shop_tool_calls": 1, "shop_retries": 1}
    assert calls == 2 and tokens
    recorded = [event.data for event in spell.of("metric_recorded")]
    assert {data["labels"]["team"] for data in recorded} == {"a"}
    await _replayed(cast, tmp_path, spell, **{language: MEASURED[language]})


LOGGED = {
    "lua": """
        Hooks.use(LoggingHook.new{ level = "warn", content = true })
        Hooks.use(LoggingHook.new{ points = { "before_tool_call" } })
        local agent = Agent.new{ name = "ada", tools = { Calculator.new() } }
        agent:chat("What is 1 + 1?")
        pcall(function() Calculator.new():execute{ expression = "(" } end)
    """,
    "js": """
        Hooks.use(new LoggingHook({ level: "warn", content: true }));
        Hooks.use(new LoggingHook({ points: ["beforeToolCall"] }));
        const agent = new Agent({ name: "ada", tools: [new Calculator()] });
        await agent.chat("What is 1 + 1?");
        try { await new Calculator().execute({ expression: "(" }); } catch {}
    """,
}


@both
@pytest.mark.mission(82)
async def test_logging_hook_says_what_happens(cast: Any, model: Any, language: str) -> None:
    spell = await cast(**{language: LOGGED[language]}, model=model)
    assert spell.result.status == "ok"
    said = [(event.data["level"], event.data["message"]) for event in spell.of("log")]
    assert said == [
        *(("warn", "after_llm_call"), ("info", "before_tool_call"), ("warn", "after_tool_call")),
        *(("warn", "after_llm_call"), ("warn", "after_execute")),
        *(("info", "before_tool_call"), ("error", "on_error")),
    ]
    fields = spell.of("log")[0].data["fields"]
    assert fields["agent_name"] == "ada" and fields["tokens"] > 0 and "prompt" in fields
    assert "warn: after_llm_call agent_name=ada" in spell.output["err"]


TRACED = {
    "lua": """
        Hooks.register("before_execute", function(c) c.request_id = "r1" end, { priority = 2000 })
        Hooks.use(TracingHook.new{ attributes = { team = "a" }, fields = { "request_id" } })
        local agent = Agent.new{ name = "ada", retries = 0 }
        agent:chat("x")
        pcall(agent.chat, agent, "y")
    """,
    "js": """
        Hooks.register("beforeExecute", (c) => { c.request_id = "r1"; }, { priority: 2000 });
        Hooks.use(new TracingHook({ attributes: { team: "a" }, fields: ["request_id"] }));
        const agent = new Agent({ name: "ada", retries: 0 });
        await agent.chat("x");
        try { await agent.chat("y"); } catch {}
    """,
}


@both
@pytest.mark.mission(82)
async def test_tracing_hook_makes_spans_of_its_own(cast: Any, model: Any, tmp_path: Path, language: str) -> None:
    model.will(Answer(text="fine"), Answer(status=500, message="down"))
    spell = await cast(**{language: TRACED[language]}, model=model)
    began = spell.of("traced_started")
    assert [event.name for event in began] == ["ada execute", "ada llm_call"] * 2
    assert all(event.data["attributes"] == {"team": "a", "request_id": "r1"} for event in began)
    ended = {event.span: event.data["status"] for event in spell.of("traced_completed")}
    assert [ended[event.span] for event in began] == ["ok", "ok", "error", "error"]
    units = [event.span for event in spell.events if event.kind in ("execution_started", "llm_call_started")]
    assert [event.parent for event in began] == units, "each is inside the unit that it measures"
    await _replayed(cast, tmp_path, spell, **{language: TRACED[language]})


SPENT = {
    "lua": """
        local budget = CostHook.new{ calls = params.calls, tokens = params.tokens, time = params.time, on_exceed = params.on_exceed or "stop" }
        Hooks.use(budget)
        local agent = Agent.new{ name = "ada" }
        for i = 1, 4 do pcall(agent.execute, agent, "x") end
        return budget:spent().calls
    """,
    "js": """
        const budget = new CostHook({ calls: params.calls, tokens: params.tokens, time: params.time, onExceed: params.on_exceed ?? "stop" });
        Hooks.use(budget);
        const agent = new Agent({ name: "ada" });
        for (let i = 0; i < 4; i++) { try { await agent.execute("x"); } catch {} }
        return budget.spent().calls;
    """,
}


@both
@pytest.mark.parametrize(("budget", "made"), [({"calls": 3}, 3), ({"tokens": 1}, 1), ({"time": 0.001}, 0)])
async def test_cost_hook_stops_the_run_before_the_call_that_would_pass_it(
    cast: Any, model: Any, tmp_path: Path, language: str, budget: dict[str, Any], made: int
) -> None:
    spell = await cast(**{language: SPENT[language]}, model=model, params=budget)
    (name,) = budget
    assert (spell.result.status, spell.result.error.limit) == ("limit", name), "and no pcall or catch goes on"
    assert len(model.requests) == made
    assert [event.data["budget"] for event in spell.of("budget_exceeded")] == [name]
    assert ("hook" in spell.result.error.hint.lower()) and spell.result.error.exit_code == 3
    await _replayed(cast, tmp_path, spell, **{language: SPENT[language]})


@both
@pytest.mark.parametrize(("answer", "status", "calls"), [("yes", "ok", 4), ("no", "limit", 2)])
async def test_cost_hook_asks_the_person_for_more(
    cast: Any, model: Any, language: str, answer: str, status: str, calls: int
) -> None:
    person = Answers({"*": answer}, "answers")
    params = {"calls": 2, "on_exceed": "ask"}
    spell = await cast(**{language: SPENT[language]}, model=model, params=params, person=person)
    assert spell.result.status == status and len(model.requests) == calls
    (asked,) = spell.of("input_requested")
    assert "the run has used 2 calls, its budget is 2 calls" in asked.data["question"]


SECRET = (
    "Write to ada@example.org or +49 30 901820, card 4111 1111 1111 1111, account DE89 3704 0044 0532 0130 00, "
    "key sk-abcdefghijklmnopqrstuv. Order 4111 1111 1111 1112 of 2026-10-05, 12345678 pieces."
)
MASKED = (
    "Write to [email] or [phone], card [card], account [iban], "
    "key ***. Order 4111 1111 1111 1112 of 2026-10-05, 12345678 pieces."
)
GUARDED = {
    "lua": """
        Hooks.use(GuardHook.new{ action = params.action, patterns = { "top\\\\s+secret" }, max_input = 400, max_output = params.max_output })
        local agent = Agent.new{ name = "ada" }
        local function try(text) local ok, value = pcall(agent.chat, agent, text) return ok and value or value.type end
        return { try(params.text), try("this is Top  Secret"), try(("x"):rep(401)), try("again") }
    """,
    "js": """
        Hooks.use(new GuardHook({ action: params.action, patterns: ["top\\\\s+secret"], maxInput: 400, maxOutput: params.max_output }));
        const agent = new Agent({ name: "ada" });
        const attempt = async (text) => { try { return await agent.chat(text); } catch (error) { return error.type; } };
        return [await attempt(params.text), await attempt("this is Top  Secret"), await attempt("x".repeat(401)), await attempt("again")];
    """,
}


@both
@pytest.mark.parametrize("action", ["mask", "block"])
async def test_guard_hook_masks_or_refuses(cast: Any, model: Any, tmp_path: Path, language: str, action: str) -> None:
    params = {"action": action, "text": SECRET}
    spell = await cast(**{language: GUARDED[language]}, model=model, params=params)
    first = f"You said: {MASKED}" if action == "mask" else "content_violation"
    assert spell.value == [first, "content_violation", "content_violation", "You said: again"]
    sent = b"".join(request.body for request in model.requests)
    assert b"ada@example.org" not in sent and b"4111 1111 1111 1111" not in sent and b"sk-abc" not in sent
    found = spell.of("guarded")[0].data
    assert found == {
        "point": "before_llm_call",
        "found": {"key": 1, "iban": 1, "card": 1, "email": 1, "phone": 1},
        "action": action,
    }
    await _replayed(cast, tmp_path, spell, params, **{language: GUARDED[language]})


@both
async def test_guard_hook_guards_answers_and_the_results_of_tools(cast: Any, model: Any, language: str) -> None:
    model.will(
        Answer(tool_calls=(ToolCall("c1", "look", {}),)),
        Answer(text="It is bob@example.org, and that is a long answer"),
    )
    source = {
        "lua": """
            local look = Tool.define{ name = "look", description = "d", execute = function(p) return { mail = "eve@example.org", n = 1 } end }
            local seen
            Hooks.register("before_llm_call", function(c) if c.turn == 2 then seen = c.messages[#c.messages].content end end, { priority = -20 })
            local agent = Agent.new{ name = "ada", tools = { look }, hooks = { GuardHook.new{ max_output = 20 } } }
            return { agent:chat("x"), seen }
        """,
        "js": """
            const look = Tool.define({ name: "look", description: "d", execute: (p) => ({ mail: "eve@example.org", n: 1 }) });
            let seen;
            Hooks.register("beforeLLMCall", (c) => { if (c.turn === 2) seen = c.messages.at(-1).content; }, { priority: -20 });
            const agent = new Agent({ name: "ada", tools: [look], hooks: [new GuardHook({ maxOutput: 20 })] });
            return [await agent.chat("x"), seen];
        """,
    }
    spell = await cast(**{language: source[language]}, model=model)
    said, seen = spell.value
    assert said == "It is [email], and t" and "[email]" in seen and "eve@" not in seen
    assert b"eve@example.org" not in model.requests[1].body
    assert spell.of("guarded")[-1].data["found"] == {"email": 1, "characters": 20}


MIXED = {
    "lua": """
        local agent = Agent.new{ name = "ada", hooks = { GuardHook.new{}, before_llm_call = function(c) c.prompt = c.prompt .. "!" end } }
        local tool = Calculator.new{ hooks = { LoggingHook.new{ points = { "after_tool_call" } } } }
        tool:execute{ expression = "1" }
        return { agent:chat("a@b.org"), #Hooks.list() }
    """,
    "js": """
        const agent = new Agent({ name: "ada", hooks: [new GuardHook(), { beforeLLMCall: (c) => { c.prompt += "!"; } }] });
        const tool = new Calculator({ hooks: [new LoggingHook({ points: ["afterToolCall"] })] });
        await tool.execute({ expression: "1" });
        return [await agent.chat("a@b.org"), Hooks.list().length];
    """,
}


@both
@pytest.mark.mission(82)
async def test_agents_and_tools_take_built_in_hooks_beside_functions(cast: Any, model: Any, language: str) -> None:
    spell = await cast(**{language: MIXED[language]}, model=model)
    assert spell.value == ["You said: [email]!", 0]
    handlers = [event.data["handler"] for event in spell.of("hook_called")]
    assert handlers[0].startswith("LoggingHook ") and any(each.startswith("GuardHook ") for each in handlers)


@both
async def test_a_used_hook_is_switched_as_one(cast: Any, model: Any, language: str) -> None:
    source = {
        "lua": """
            local handle = Hooks.use(GuardHook.new{})
            local agent = Agent.new("x")
            local said = { agent:execute("a@b.org").content }
            handle:disable() said[2] = agent:execute("a@b.org").content
            handle:enable() said[3] = agent:execute("a@b.org").content
            handle:unregister() said[4] = agent:execute("a@b.org").content said[5] = #Hooks.list()
            return said
        """,
        "js": """
            const handle = Hooks.use(new GuardHook()), agent = new Agent("x"), said = [];
            const ask = async () => { said.push((await agent.execute("a@b.org")).content); };
            await ask(); handle.disable(); await ask(); handle.enable(); await ask(); handle.unregister(); await ask();
            return [...said, Hooks.list().length];
        """,
    }
    spell = await cast(**{language: source[language]}, model=model)
    masked, plain = "You said: [email]", "You said: a@b.org"
    assert spell.value == [masked, plain, masked, plain, 0]


@both
@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("RateLimitHook", "", "nothing is limited"),
        ("CostHook", "", "limits nothing"),
        ("CacheHook", "ttl = 0", "ttl"),
        ("RetryHook", "attemps = 3", "attempts"),
        ("GuardHook", 'patterns = { "(" }', "is no pattern"),
        ("LoggingHook", 'points = { "before_lm_call" }', "before_llm_call"),
    ],
)
async def test_options_are_checked(cast: Any, language: str, name: str, options: str, says: str) -> None:
    inner = options.replace(" =", ":").replace("{ ", "[").replace(" }", "]")
    source = {"lua": f"{name}.new{{ {options} }}", "js": f"new {name}({{ {inner} }})"}
    error = (await cast(**{language: source[language]})).result.error
    assert error.type == "invalid_argument" and says in f"{error.message} {error.hint}", (error.message, error.hint)
