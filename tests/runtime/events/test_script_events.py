"""Events as scripts hear and emit them, in both languages: of one agent, of the whole run, and their own."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.testing.answers import Answer

both = pytest.mark.parametrize("language", ["lua", "js"])

HEARD = {
    "lua": """
        local heard = {}
        local agent = Agent.new{ name = "ada", tools = { Calculator.new() } }
        local other = Agent.new{ name = "bob" }
        agent:on("tool_called", function(event) heard[#heard + 1] = { "called", event.tool_name, event.agent_name, event.params.expression } end)
        agent:on("toolCompleted", function(event) heard[#heard + 1] = { "completed", event.result.result, event.duration >= 0 } end)
        agent:on("tool:*", function(event) heard[#heard + 1] = { "wild", event.event, event.agent_id == agent.id } end)
        eventBus.on("agent:started", function(event) heard[#heard + 1] = { "bus", event.agent_name, event.input.message } end)
        eventBus:on("llm_call_completed", function(event) heard[#heard + 1] = { "llm", event.usage.total > 0 } end)
        agent:chat("What is 2 + 2?")
        other:chat("Hi")
        return heard
    """,
    "js": """
        const heard = [];
        const agent = new Agent({ name: "ada", tools: [new Calculator()] });
        const other = new Agent({ name: "bob" });
        agent.on("tool_called", (event) => heard.push(["called", event.toolName, event.agentName, event.params.expression]));
        agent.on("toolCompleted", (event) => heard.push(["completed", event.result.result, event.duration >= 0]));
        agent.on("tool:*", (event) => heard.push(["wild", event.event, event.agentId === agent.id]));
        eventBus.on("agent:started", (event) => heard.push(["bus", event.agentName, event.input.message]));
        eventBus.on("llmCallCompleted", (event) => heard.push(["llm", event.usage.total > 0]));
        await agent.chat("What is 2 + 2?");
        await other.chat("Hi");
        return heard;
    """,
}


@both
@pytest.mark.mission(58, 83, 84, 85, 86)
async def test_events_are_heard_in_every_spelling_with_the_languages_keys(cast: Any, model: Any, language: str) -> None:
    assert (await cast(**{language: HEARD[language]}, model=model)).value == [
        ["bus", "ada", "What is 2 + 2?"],
        ["llm", True],
        ["called", "calculator", "ada", "2 + 2"],
        ["wild", "tool_called", True],
        ["completed", 4, True],
        ["wild", "tool_completed", True],
        ["llm", True],
        ["bus", "bob", "Hi"],
        ["llm", True],
    ]


EVERYTHING = {
    "lua": """
        local types, all, agent = {}, {}, Agent.new{ name = "ada", tools = { Calculator.new() }, retries = 0 }
        agent:on("*", function(event_type, data) types[#types + 1] = event_type; all[#all + 1] = data.agent_name end)
        agent:chat("What is 2 + 2?")
        agent:set_state("tired")
        agent:emit("reportReady", { pages = 3, toolName = "mine" })
        return { types, all }
    """,
    "js": """
        const types = [], all = [], agent = new Agent({ name: "ada", tools: [new Calculator()], retries: 0 });
        agent.on("*", (eventType, data) => { types.push(eventType); all.push(data.agentName); });
        await agent.chat("What is 2 + 2?");
        agent.setState("tired");
        agent.emit("reportReady", { pages: 3, toolName: "mine" });
        return [types, all];
    """,
}


@both
@pytest.mark.mission(84, 86)
async def test_a_star_hears_every_event_of_the_agent_by_its_name(cast: Any, model: Any, language: str) -> None:
    types, names = (await cast(**{language: EVERYTHING[language]}, model=model)).value
    assert types == [
        *("execution_started", "llm_call_started", "llm_call_completed", "tool_called", "tool_completed"),
        *("llm_call_started", "llm_call_completed", "execution_completed", "state_changed", "reportReady"),
    ]
    assert set(names) == {"ada"}


FAILURES = {
    "lua": """
        local heard, agent = {}, Agent.new{ name = "ada", retries = 0 }
        agent:on("error", function(data) heard[#heard + 1] = { data.unit, data.error.name, data.error.type, data.agent_name } end)
        pcall(agent.chat, agent, "Hi")
        return heard
    """,
    "js": """
        const heard = [], agent = new Agent({ name: "ada", retries: 0 });
        agent.on("error", (data) => heard.push([data.unit, data.error.name, data.error.type, data.agentName]));
        try { await agent.chat("Hi"); } catch {}
        return heard;
    """,
}


@both
@pytest.mark.mission(85, 86)
async def test_a_failure_is_an_event_that_names_its_error(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(fault="close"))
    spell = await cast(**{language: FAILURES[language]}, model=model)
    assert spell.value == [
        ["llm_call", "ProviderError", "network", "ada"],
        ["execute", "ProviderError", "network", "ada"],
    ]


CUSTOM = {
    "lua": """
        local heard, agent = {}, Agent.new{ name = "ada" }
        local function note(event) heard[#heard + 1] = event end
        eventBus.on("report:ready", note)
        agent:on("reportReady", function(event) heard[#heard + 1] = { "agent", event.pages, event.agent_name } end)
        eventBus.emit("report_ready", { pages = 1, toolName = "kept", tool_name = "kept too", source = "mine" })
        agent:emit("reportReady", { pages = 2 })
        eventBus.emit("report_ready")
        return heard
    """,
    "js": """
        const heard = [], agent = new Agent({ name: "ada" });
        eventBus.on("report:ready", (event) => heard.push(event));
        agent.on("reportReady", (event) => heard.push(["agent", event.pages, event.agentName]));
        eventBus.emit("report_ready", { pages: 1, toolName: "kept", tool_name: "kept too", source: "mine" });
        agent.emit("reportReady", { pages: 2 });
        eventBus.emit("report_ready");
        return heard;
    """,
}


@both
@pytest.mark.mission(83, 84)
async def test_scripts_emit_events_of_their_own_and_their_keys_stay(cast: Any, language: str) -> None:
    spell = await cast(**{language: CUSTOM[language]})
    first, of_agent, second, empty = spell.value
    assert {key: first[key] for key in ("pages", "toolName", "tool_name", "source")} == {
        "pages": 1,
        "toolName": "kept",
        "tool_name": "kept too",
        "source": "mine",
    }
    assert of_agent == ["agent", 2, "ada"] and second["pages"] == 2
    assert second["agent_name" if language == "lua" else "agentName"] == "ada"
    assert "pages" not in empty
    assert [event.name for event in spell.of("custom")] == ["report_ready", "reportReady", "report_ready"]
    assert spell.of("custom")[0].site.endswith(":6" if language == "lua" else ":5")


ENDED = {
    "lua": """
        local n, agent = { a = 0, b = 0, once = 0, stopped = 0 }, Agent.new{ name = "ada" }
        local function a() n.a = n.a + 1 end
        agent:on("ping", a)
        agent:on("ping", function() n.b = n.b + 1 end)
        agent:once("ping", function() n.once = n.once + 1 end)
        local subscription = eventBus.on("ping", function() n.stopped = n.stopped + 1 end)
        agent:emit("ping")
        local active = subscription.active
        subscription:stop()
        local off = agent:off("ping", a)
        agent:emit("ping")
        local rest = agent:off("ping")
        agent:emit("ping")
        eventBus.once("pong", function(e) n.pong = (n.pong or 0) + e.by end)
        eventBus.emit("pong", { by = 2 }) eventBus.emit("pong", { by = 2 })
        return { n.a, n.b, n.once, n.stopped, active, subscription.active, off, rest, n.pong, eventBus.off("pong") }
    """,
    "js": """
        const n = { a: 0, b: 0, once: 0, stopped: 0, pong: 0 }, agent = new Agent({ name: "ada" });
        const a = () => { n.a += 1; };
        agent.on("ping", a);
        agent.on("ping", () => { n.b += 1; });
        agent.once("ping", () => { n.once += 1; });
        const subscription = eventBus.on("ping", () => { n.stopped += 1; });
        agent.emit("ping");
        const active = subscription.active;
        subscription.stop();
        const off = agent.off("ping", a);
        agent.emit("ping");
        const rest = agent.off("ping");
        agent.emit("ping");
        eventBus.once("pong", (e) => { n.pong += e.by; });
        eventBus.emit("pong", { by: 2 }); eventBus.emit("pong", { by: 2 });
        return [n.a, n.b, n.once, n.stopped, active, subscription.active, off, rest, n.pong, eventBus.off("pong")];
    """,
}


@both
@pytest.mark.mission(83, 84)
async def test_listeners_end(cast: Any, language: str) -> None:
    """A call returns only after its events have reached their listeners: no waiting is needed to see them."""
    assert (await cast(**{language: ENDED[language]})).value == [1, 2, 1, 1, True, False, 1, 1, 2, 0]


BROKEN = {
    "lua": "local agent = Agent.new('x')\nagent:on('tool_called', function(event)\n  error('bad listener')\nend)\nagent:emit('tool_called')\nAsync.sleep(50)\nreturn 'went on'",
    "js": "const agent = new Agent('x');\nagent.on('tool_called', (event) => {\n  throw new Error('bad listener');\n});\nagent.emit('tool_called');\nawait Async.sleep(50);\nreturn 'went on'",
}


@both
async def test_a_listener_that_fails_fails_the_spell_with_its_line(cast: Any, language: str) -> None:
    result = (await cast(**{language: BROKEN[language]})).result
    assert result.status == "error"
    assert "bad listener" in result.error.message and result.error.source.endswith(":3")


WAITING = {
    "lua": """
        local log, agent = {}, Agent.new{ name = "ada" }
        eventBus.on("execution_completed", function(event)
          if event.agent_name == "ada" then log[#log + 1] = Agent.new{ name = "scribe" }:chat("note") end
        end)
        agent:chat("Hi")
        while not log[1] do Async.sleep(1) end
        return log
    """,
    "js": """
        const log = [], agent = new Agent({ name: "ada" });
        let noted;
        const done = new Promise((resolve) => { noted = resolve; });
        eventBus.on("executionCompleted", async (event) => {
          if (event.agentName === "ada") { log.push(await new Agent({ name: "scribe" }).chat("note")); noted(); }
        });
        await agent.chat("Hi");
        await done;
        return log;
    """,
}


@both
async def test_listeners_may_call_what_waits(cast: Any, model: Any, language: str) -> None:
    assert (await cast(**{language: WAITING[language]}, model=model)).value == ["You said: note"]


@both
async def test_a_listener_is_a_function_and_says_so(cast: Any, language: str) -> None:
    source = {"lua": "Agent.new('x'):on('error', 'oops')", "js": "new Agent('x').on('error', 'oops')"}
    error = (await cast(**{language: source[language]})).result.error
    assert error.type == "invalid_argument" and "function" in error.message and error.source.endswith(":1")


EMITTER = {
    "lua": """
        local emitter, seen = EventEmitter.new(), {}
        local function one(data) seen[#seen + 1] = "one " .. data.n end
        emitter:on("x", one)
        emitter:once("x", function(data) seen[#seen + 1] = "once " .. data.n end)
        local first, second = emitter:emit("x", { n = 1 }), emitter:emit("x", { n = 2 })
        emitter:off("x", one)
        return { seen, first, second, emitter:emit("x", { n = 3 }) }
    """,
    "js": """
        const emitter = new EventEmitter(), seen = [];
        const one = (data) => seen.push("one " + data.n);
        emitter.on("x", one);
        emitter.once("x", (data) => seen.push("once " + data.n));
        const first = emitter.emit("x", { n: 1 }), second = emitter.emit("x", { n: 2 });
        emitter.off("x", one);
        return [seen, first, second, emitter.emit("x", { n: 3 })];
    """,
}


@both
@pytest.mark.mission(88)
async def test_an_emitter_of_the_scripts_own(cast: Any, language: str) -> None:
    spell = await cast(**{language: EMITTER[language]})
    assert spell.value == [["one 1", "once 1", "one 2"], True, True, False]
    assert not spell.of("custom"), "it stays inside the spell"
