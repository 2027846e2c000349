"""Chats on one agent queue; executions run at once on a snapshot; nothing of a run outlasts it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell.agents.texts import AgentOutput, text_of, with_words
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer

both = pytest.mark.parametrize("language", ["lua", "js"])

QUEUED = {
    "lua": """
        local agent = Agent.new("x")
        Async.all{ function() agent:chat("one") end, function() agent:chat("two") end, function() agent:chat("three") end }
        local turns = {}
        for i, turn in ipairs(agent:conversation_history()) do turns[i] = turn.user_message end
        return turns
    """,
    "js": """
        const agent = new Agent("x");
        await Promise.all([agent.chat("one"), agent.chat("two"), agent.chat("three")]);
        return agent.conversationHistory().map((turn) => turn.userMessage);
    """,
}


@both
async def test_chats_on_one_agent_wait_for_each_other(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(text="slow", delay=30), Answer(text="quick"))
    spell = await cast(**{language: QUEUED[language]}, model=model)
    assert spell.value == ["one", "two", "three"]
    assert [len(request.json["messages"]) for request in model.requests] == [2, 4, 6]


AT_ONCE = {
    "lua": """
        local agent = Agent.new("x")
        agent:chat("before")
        local works = {}
        for i = 1, 3 do works[i] = function() return agent:execute("job " .. i).content end end
        return { Async.all(works), #agent:conversation_history(), agent.usage.total > 0 }
    """,
    "js": """
        const agent = new Agent("x");
        await agent.chat("before");
        const works = [1, 2, 3].map((i) => agent.execute("job " + i));
        return [(await Promise.all(works)).map(String), agent.conversationHistory().length, agent.usage.total > 0];
    """,
}


@both
@pytest.mark.mission(5, 9)
async def test_executions_run_at_once_on_a_snapshot_of_the_history(cast: Any, language: str) -> None:
    async with ModelServer(latency=60) as model:
        spell = await cast(**{language: AT_ONCE[language]}, model=model)
        assert spell.value == [[f"You said: job {i}" for i in (1, 2, 3)], 1, True]
        assert [len(request.json["messages"]) for request in model.requests] == [2, 4, 4, 4]
    started = [event.seq for event in spell.of("llm_call_started")][1:]
    ended = [event.seq for event in spell.of("llm_call_completed")][1:]
    assert max(started) < min(ended), "all three were asked before one was answered"


LEFT = {
    "lua": """
        local agent = Agent.new("x")
        local ok = pcall(Async.timeout, 20, function() agent:chat("hang") end)
        return { ok, agent:chat("next"), #agent:conversation_history() }
    """,
    "js": """
        const agent = new Agent("x");
        let ok = true;
        try { await Async.timeout(20, () => agent.chat("hang")); } catch { ok = false; }
        return [ok, await agent.chat("next"), agent.conversationHistory().length];
    """,
}


@both
async def test_a_cancelled_chat_lets_the_queue_move_on(cast: Any, silent: Any, language: str) -> None:
    spell = await asyncio.wait_for(cast(**{language: LEFT[language]}, model=silent), 20)
    assert spell.value == [False, "You said: next", 1]


LEAVING = {
    "lua": """
        local begun = false
        local slow = Tool.define{ name = "slow", description = "d", execute = function() begun = true Async.sleep(60000) end }
        local agent = Agent.new{ tools = { slow } }
        agent:chat_async("call slow", function() end)
        while not begun do Async.sleep(1) end
        error("enough")
    """,
    "js": """
        let begun = false;
        const slow = Tool.define({ name: "slow", description: "d", execute: () => { begun = true; return Async.sleep(60000); } });
        const agent = new Agent({ tools: [slow] });
        agent.chat("call slow").catch(() => {});
        while (!begun) await Async.sleep(1);
        throw new Error("enough");
    """,
}


@both
async def test_a_failed_run_leaves_no_task_behind(cast: Any, model: Any, language: str) -> None:
    before = asyncio.all_tasks()
    spell = await asyncio.wait_for(cast(**{language: LEAVING[language]}, model=model), 20)
    assert "enough" in spell.result.error.message
    left = [task.get_coro().__qualname__ for task in asyncio.all_tasks() - before]  # type: ignore[union-attr]
    assert all(name.startswith("ModelServer.") for name in left), left
    ended = {event.kind: event.data["status"] for event in spell.events if event.phase == "end"}
    assert ended["tool_completed"] == ended["execution_completed"] == "cancelled"


WORDS = st.text(max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN, WORDS)
@settings(max_examples=200, deadline=None)
def test_any_input_has_a_text_and_takes_other_words(value: Any, words: str) -> None:
    assert isinstance(text_of(value), str)
    changed = with_words(value, words)
    assert text_of(changed).startswith(words)
    if isinstance(value, dict):
        assert {key: changed[key] for key in value if changed[key] == value[key]}.keys() >= value.keys() - {
            *("message", "prompt", "query", "question", "text", "task", "topic")
        }


@given(WORDS, st.none() | st.dictionaries(WORDS, st.integers(), min_size=1, max_size=3))
def test_an_output_reads_as_its_text_whatever_data_it_has(text: str, data: dict[str, int] | None) -> None:
    output = AgentOutput(text, data)
    assert text_of(output) == text
    assert output.value == (text if data is None else data)
