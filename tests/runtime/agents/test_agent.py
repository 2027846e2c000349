"""An agent with a model: how it is made, what it sends, what it remembers."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.testing.answers import Answer

both = pytest.mark.parametrize("language", ["lua", "js"])

MADE = {
    "lua": """
        local positional = Agent.new("You are terse")
        local full = Agent.new{ systemPrompt = "You are kind", provider = "openai", model = "mini", temperature = 0.5,
          top_p = 0.9, max_tokens = 99, stop = { "END" }, seed = 7 }
        full:set_system_prompt(full.system_prompt .. "!")
        local by_call = Agent("called")
        local answers = { positional:chat("one"), full:chat("two") }
        return { positional.system_prompt, full.system_prompt, full.provider, full.model, full:llm_provider(),
          positional.model, by_call.system_prompt, answers }
    """,
    "js": """
        const positional = new Agent("You are terse");
        const full = new Agent({ systemPrompt: "You are kind", provider: "openai", model: "mini", temperature: 0.5,
          topP: 0.9, maxTokens: 99, stop: ["END"], seed: 7 });
        full.setSystemPrompt(full.systemPrompt + "!");
        const byNew = Agent.new("called");
        const answers = [await positional.chat("one"), await full.chat("two")];
        return [positional.systemPrompt, full.systemPrompt, full.provider, full.model, full.llmProvider(),
          positional.model, byNew.systemPrompt, answers];
    """,
}


@both
@pytest.mark.mission(17, 18, 19, 25, 26)
async def test_an_agent_is_made_from_a_text_or_options_and_sends_them(cast: Any, model: Any, language: str) -> None:
    spell = await cast(**{language: MADE[language]}, model=model)
    assert spell.value == [
        *("You are terse", "You are kind!", "openai", "mini", {"provider": "openai", "model": "mini"}),
        *("test", "called", ["You said: one", "You said: two"]),
    ]
    first, second = (request.json for request in model.requests)
    assert first["messages"] == [
        {"role": "system", "content": "You are terse"},
        {"role": "user", "content": "one"},
    ]
    assert {key: second[key] for key in ("model", "temperature", "top_p", "stop", "seed")} == {
        "model": "mini",
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["END"],
        "seed": 7,
    }
    assert 99 in (second.get("max_tokens"), second.get("max_completion_tokens"))


HISTORY = {
    "lua": """
        local agent = Agent.new{ tools = { Calculator.new() } }
        agent:chat("My name is Ada")
        agent:chat("What is 2 + 3?")
        agent:execute("An aside")
        local history = agent:conversation_history()
        local usage = agent.usage
        agent:clear_history()
        agent:chat("And now?")
        return { history, usage, #agent:conversation_history(), agent.usage.total > usage.total }
    """,
    "js": """
        const agent = new Agent({ tools: [new Calculator()] });
        await agent.chat("My name is Ada");
        await agent.chat("What is 2 + 3?");
        await agent.execute("An aside");
        const history = agent.conversationHistory();
        const usage = agent.usage;
        agent.clearHistory();
        await agent.chat("And now?");
        return [history, usage, agent.conversationHistory().length, agent.usage.total > usage.total];
    """,
}


@both
@pytest.mark.mission(22, 23, 24)
async def test_chats_are_remembered_until_the_history_is_cleared(cast: Any, model: Any, language: str) -> None:
    history, usage, left, more = (await cast(**{language: HISTORY[language]}, model=model)).value
    keys = ["user_message", "assistant_response", "tool_calls", "timestamp"]
    if language == "js":
        keys = ["userMessage", "assistantResponse", "toolCalls", "timestamp"]
    assert [sorted(turn) for turn in history] == [sorted(keys)] * 2, "an execution is no turn of the conversation"
    assert history[0][keys[0]] == "My name is Ada"
    assert history[1][keys[1]] == "The answer is 5."
    (call,) = history[1][keys[2]]
    assert (call["name"], call["arguments"], call["result"]) == ("calculator", {"expression": "2 + 3"}, {"result": 5})
    assert history[0]["timestamp"] <= history[1]["timestamp"]
    assert (left, more) == (1, True)
    assert usage["total"] == (usage.get("input_tokens") or usage["inputTokens"]) + (
        usage.get("output_tokens") or usage["outputTokens"]
    )
    sent = [[message["role"] for message in request.json["messages"]] for request in model.requests]
    assert sent[:4] == [
        ["user"],
        ["user", "assistant", "user"],
        ["user", "assistant", "user", "assistant", "tool"],
        ["user", "assistant", "user", "assistant", "tool", "assistant", "user"],
    ], "an execution sees the history, tool calls and all"
    assert sent[4] == ["user"]


CONTEXT = {
    "lua": """
        local agent = Agent.new("Be brief")
        agent:chat_with_context("Summarise", { document = "long text" })
        return agent:chat({ question = "Why?", depth = 2 }, { temperature = 0.1, max_tokens = 5 })
    """,
    "js": """
        const agent = new Agent("Be brief");
        await agent.chatWithContext("Summarise", { document: "long text" });
        return await agent.chat({ question: "Why?", depth: 2 }, { temperature: 0.1, maxTokens: 5 });
    """,
}


@both
@pytest.mark.mission(21)
async def test_a_context_is_known_to_the_model_in_one_turn_only(cast: Any, model: Any, language: str) -> None:
    await cast(**{language: CONTEXT[language]}, model=model)
    first, second = (request.json for request in model.requests)
    assert "Be brief" in first["messages"][0]["content"] and "long text" in first["messages"][0]["content"]
    assert second["messages"][0]["content"] == "Be brief"
    assert second["messages"][-1]["content"] == 'Why?\n\n{"depth": 2}'
    assert second["temperature"] == 0.1


STRUCTURED = {
    "lua": """
        local agent = Agent.new("x")
        local schema = { type = "object", required = { "city" }, properties = {
          city = { type = "string" }, people = { type = "integer" } } }
        local value = agent:chat("Where?", { schema = schema })
        local ok, problem = pcall(agent.chat, agent, "Again?", { schema = schema })
        return { value.city, value.people, ok, ErrorHandler.parse_error(problem).type, tostring(problem),
          #agent:conversation_history() }
    """,
    "js": """
        const agent = new Agent("x");
        const schema = { type: "object", required: ["city"], properties: {
          city: { type: "string" }, people: { type: "integer" } } };
        const value = await agent.chat("Where?", { schema });
        let problem = null;
        try { await agent.chat("Again?", { schema }); } catch (error) { problem = error; }
        return [value.city, value.people, problem === null, ErrorHandler.parseError(problem).type, String(problem),
          agent.conversationHistory().length];
    """,
}


@both
async def test_structured_output_is_repaired_once_then_fails(cast: Any, model: Any, language: str) -> None:
    model.will(
        Answer(text='{"people": "many"}'),
        Answer(text='```json\n{"city": "Bern", "people": 3}\n```'),
        Answer(text="no JSON"),
        Answer(text='{"city": 4}'),
    )
    city, people, ok, kind, problem, turns = (await cast(**{language: STRUCTURED[language]}, model=model)).value
    assert (city, people, ok, kind, turns) == ("Bern", 3, False, "validation", 1)
    assert "does not fit the schema" in problem
    repair = model.requests[1].json["messages"][-1]["content"]
    assert "does not fit the JSON Schema" in repair and "city" in repair
    assert "not JSON" in model.requests[3].json["messages"][-1]["content"]
    assert model.requests[0].json["response_format"]["type"] == "json_schema"


IMAGES = {
    "lua": """
        local agent = Agent.new("x")
        agent:chat("What is it?", { images = { "https://example.org/a.png", "data:image/png;base64,AAAA" } })
        agent:execute{ message = "And this?", images = { "https://example.org/b.png" } }
        return pcall(agent.chat, agent, "x", { images = { "a.png" } })
    """,
    "js": """
        const agent = new Agent("x");
        await agent.chat("What is it?", { images: ["https://example.org/a.png", "data:image/png;base64,AAAA"] });
        await agent.execute({ message: "And this?", images: ["https://example.org/b.png"] });
        try { await agent.chat("x", { images: ["a.png"] }); return true; } catch { return false; }
    """,
}


@both
@pytest.mark.parametrize("images", ["3", '"https://example.org/a.png"', "LIST"])
async def test_images_are_a_list_of_texts(cast: Any, model: Any, language: str, images: str) -> None:
    images = images.replace("LIST", "{ 3 }" if language == "lua" else "[3]")
    text = {
        "lua": f'Agent.new("x"):execute{{ message = "Look", images = {images} }}',
        "js": f'await new Agent("x").execute({{ message: "Look", images: {images} }});',
    }
    error = (await cast(**{language: text[language]}, model=model)).result.error
    assert error.message.startswith("images must be a list of texts, not ")
    assert (error.type, error.source.endswith(f"spell.{language}:1")) == ("invalid_argument", True)
    assert "data: URL" in error.hint


@both
@pytest.mark.parametrize("timeout", ["-5", "0", '"soon"', "true"])
async def test_a_time_that_is_none_is_refused(cast: Any, model: Any, language: str, timeout: str) -> None:
    """Wherever an agent is given one: where it is made, for a chat, in the input of an execution."""
    text = {
        "lua": """
            local tell = function(f, ...) return select(2, pcall(f, ...)).message end
            local agent = Agent.new("x")
            return { tell(Agent.new, { timeout = LIMIT }), tell(agent.chat, agent, "x", { timeout = LIMIT }),
              tell(agent.execute, agent, { message = "x", timeout = LIMIT }), tell(agent.execute, agent, "x", {}) }
        """,
        "js": """
            const tell = async (f) => { try { await f(); } catch (error) { return error.message; } };
            const agent = new Agent("x");
            return [await tell(() => new Agent({ timeout: LIMIT })), await tell(() => agent.chat("x", { timeout: LIMIT })),
              await tell(() => agent.execute({ message: "x", timeout: LIMIT })), await tell(() => agent.execute("x", {}))];
        """,
    }
    said = (await cast(**{language: text[language].replace("LIMIT", timeout)}, model=model)).value
    assert [words for words in said[:3] if " must be " not in words or "timeout" not in words] == []
    assert said[2].startswith("timeout must be a number of milliseconds above 0, not ")
    assert said[3] == "BaseAgent.execute: takes 1, not 2 arguments"
    assert model.requests == []


@both
async def test_images_are_sent(cast: Any, model: Any, language: str) -> None:
    assert (await cast(**{language: IMAGES[language]}, model=model)).value is False
    first = model.requests[0].json["messages"][-1]["content"]
    assert [part["image_url"]["url"] for part in first if part["type"] == "image_url"] == [
        "https://example.org/a.png",
        "data:image/png;base64,AAAA",
    ]
    second = model.requests[1].json["messages"]
    assert second[-1]["content"][0]["text"] == "And this?"


ACTIONS = {
    "lua": """
        local agent = Agent.new{ system_prompt = "x", name = "ed", actions = { shorten = "Make it shorter:", search_web = "Search the web" } }
        local listed = Agent.new{ actions = { "look_up" } }
        local done = {}
        agent:shorten_async("draft", function(answer) done[#done + 1] = answer end)
        while not done[1] do Async.sleep(1) end
        return { agent:shorten("text"), agent:search_web{ query = "tea" }, agent:act("translate it", "hallo"),
          listed:look_up("word"), done[1], pcall(function() return agent:frobnicate("x") end) }
    """,
    "js": """
        const agent = new Agent({ systemPrompt: "x", name: "ed", actions: { shorten: "Make it shorter:", search_web: "Search the web" } });
        const listed = new Agent({ actions: ["look_up"] });
        const done = await agent.shorten("draft");
        let known = true;
        try { await agent.frobnicate("x"); } catch { known = false; }
        return [await agent.shorten("text"), await agent.searchWeb({ query: "tea" }), await agent.act("translate it", "hallo"),
          await listed.lookUp("word"), done, known];
    """,
}


@both
async def test_actions_are_methods(cast: Any, model: Any, language: str) -> None:
    shorten, search, act, look, later, known = (await cast(**{language: ACTIONS[language]}, model=model)).value[:6]
    assert shorten == "You said: Make it shorter:\n\ntext"
    assert search == "You said: Search the web\n\ntea"
    assert act == "You said: translate it\n\nhallo"
    assert look == "You said: look up\n\nword"
    assert later == "You said: Make it shorter:\n\ndraft"
    assert known is False


DIRECTORY = {
    "lua": """
        local first = Agent.new{ name = "researcher", system_prompt = "1" }
        local second = Agent.new{ name = "researcher", system_prompt = "2" }
        local out = Agent.execute("researcher", { query = "tea", timeout = 30000 })
        local same = Agent.execute(first, "again")
        local ok, problem = pcall(Agent.get, "reseacher")
        return { Agent.get("researcher") == second, Agent.list(), tostring(out), tostring(same), ok,
          ErrorHandler.parse_error(problem).type, problem.hint }
    """,
    "js": """
        const first = new Agent({ name: "researcher", systemPrompt: "1" });
        const second = new Agent({ name: "researcher", systemPrompt: "2" });
        const out = await Agent.execute("researcher", { query: "tea", timeout: 30000 });
        const same = await Agent.execute(first, "again");
        let problem = null;
        try { Agent.get("reseacher"); } catch (error) { problem = error; }
        return [Agent.get("researcher") === second, Agent.list(), String(out), String(same), problem === null,
          ErrorHandler.parseError(problem).type, problem.hint];
    """,
}


@both
@pytest.mark.mission(27)
async def test_agents_are_found_and_executed_by_name(cast: Any, model: Any, language: str) -> None:
    spell = await cast(**{language: DIRECTORY[language]}, model=model)
    assert spell.value == [
        *(True, ["researcher"], "You said: tea", "You said: again", False, "invalid_argument"),
        "did you mean 'researcher'?",
    ]
    systems = [request.json["messages"][0]["content"] for request in model.requests]
    assert systems == ["2", "1"], "the newest of a name wins; an instance is itself"
    (warning,) = spell.of("warning")
    assert "second agent is named 'researcher'" in warning.data["message"]


@both
@pytest.mark.mission(28, 55, 63)
async def test_asynchronous_forms(cast: Any, model: Any, language: str) -> None:
    source = {
        "lua": """
            local agent, seen = Agent.new("x"), {}
            coroutine.wrap(function() seen[1] = agent:chat_async("in a coroutine") end)()
            agent:chat_async("with a callback", function(answer, problem) seen[2] = answer end)
            local t = os.time()
            Async.sleep(1)
            local both = Async.all{ function() return agent:chat("a") end, function() return agent:chat("b") end }
            return { seen[1], seen[2], both }
        """,
        "js": """
            const agent = new Agent("x"), seen = [];
            const first = agent.chat("in a coroutine").then((answer) => { seen[0] = answer; });
            const second = agent.chat("with a callback").then((answer) => { seen[1] = answer; });
            await Async.sleep(1);
            await Promise.all([first, second]);
            return [...seen, await Promise.all([agent.chat("a"), agent.chat("b")])];
        """,
    }
    value = (await cast(**{language: source[language]}, model=model)).value
    assert value == [
        "You said: in a coroutine",
        "You said: with a callback",
        ["You said: a", "You said: b"],
    ]
