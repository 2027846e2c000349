"""Answers in pieces: in order, left early, broken off, retried only while nothing has been given out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmspell.testing.answers import Answer

both = pytest.mark.parametrize("language", ["lua", "js"])

WHOLE = {
    "lua": """
        local agent, pieces = Agent.new("x"), {}
        for chunk in agent:stream_chat("Tell me") do pieces[#pieces + 1] = chunk end
        local after = agent:chat("More")
        return { pieces, after, #agent:conversation_history(), agent:conversation_history()[1].assistant_response }
    """,
    "js": """
        const agent = new Agent("x"), pieces = [];
        for await (const chunk of agent.streamChat("Tell me")) pieces.push(chunk);
        const after = await agent.chat("More");
        return [pieces, after, agent.conversationHistory().length, agent.conversationHistory()[0].assistantResponse];
    """,
}


@both
@pytest.mark.mission(20)
async def test_pieces_come_in_order_and_make_one_turn(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(text="One two three.", chunks=("One ", "two ", "three."), split=7))
    spell = await cast(**{language: WHOLE[language]}, model=model)
    assert spell.value == [["One ", "two ", "three."], "You said: More", 2, "One two three."]
    assert [event.data["text"] for event in spell.of("llm_chunk")] == ["One ", "two ", "three."]
    assert model.requests[0].json["stream"] is True


EARLY = {
    "lua": """
        local agent, heard = Agent.new("x"), {}
        local stream <close> = agent:stream_chat("Go on for ever")
        for chunk in stream do heard[#heard + 1] = chunk; break end
        stream:close()
        for chunk in agent:stream_chat("Again") do heard[#heard + 1] = chunk; break end
        return { heard, agent:chat("Still there?"), #agent:conversation_history() }
    """,
    "js": """
        const agent = new Agent("x"), heard = [];
        for await (const chunk of agent.streamChat("Go on for ever")) { heard.push(chunk); break; }
        for await (const chunk of agent.streamChat("Again")) { heard.push(chunk); break; }
        return [heard, await agent.chat("Still there?"), agent.conversationHistory().length];
    """,
}


@both
@pytest.mark.mission(20)
async def test_a_stream_left_early_frees_the_agent(cast: Any, model: Any, language: str) -> None:
    """A reader that leaves cancels the request: the agent's queue moves on, and half a turn is no history."""
    model.will(Answer(text="first rest", chunks=("first ",), fault="stall"))
    model.will(Answer(text="second rest", chunks=("second ",), fault="stall"))
    spell = await asyncio.wait_for(cast(**{language: EARLY[language]}, model=model), 20)
    heard, after, turns = spell.value
    assert (after, turns) == ("You said: Still there?", 1)
    assert [piece.split()[0] for piece in heard] == ["first", "second"]
    statuses = [event.data["status"] for event in spell.of("llm_call_completed")]
    assert statuses == ["cancelled", "cancelled", "ok"]


BROKEN = {
    "lua": """
        local hooked = 0
        local agent = Agent.new{ system_prompt = "x", hooks = { on_error = function(c) hooked = hooked + 1; c.retry = true end } }
        local heard = {}
        local ok, problem = pcall(function()
          for chunk in agent:stream_chat("Go") do heard[#heard + 1] = chunk end
        end)
        return { #heard > 0, ok, ErrorHandler.parse_error(problem).type, hooked, #agent:conversation_history() }
    """,
    "js": """
        let hooked = 0, problem = null;
        const agent = new Agent({ systemPrompt: "x", hooks: { onError: (c) => { hooked += 1; c.retry = true; } } });
        const heard = [];
        try { for await (const chunk of agent.streamChat("Go")) heard.push(chunk); } catch (error) { problem = error; }
        return [heard.length > 0, problem === null, ErrorHandler.parseError(problem).type, hooked,
          agent.conversationHistory().length];
    """,
}


@both
async def test_an_error_in_the_middle_reaches_the_loop_and_the_hook(cast: Any, model: Any, language: str) -> None:
    """What was given out cannot be taken back, so neither the runtime nor `retry` asks again."""
    model.will(Answer(text="one two three four five six", fault="cut"))
    spell = await cast(**{language: BROKEN[language]}, model=model)
    assert spell.value == [True, False, "network", 2, 0]
    assert [event.data["unit"] for event in spell.of("error")] == ["llm_call", "execute"]
    assert len(model.requests) == 1 and not spell.of("retry")


@both
async def test_a_stream_that_has_given_nothing_is_retried(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(status=503, message="down", headers=(("retry-after-ms", "5"),)))
    model.will(Answer(text="One two three.", chunks=("One ", "two ", "three.")))
    spell = await cast(**{language: WHOLE[language]}, model=model)
    assert spell.value[0] == ["One ", "two ", "three."]
    (retry,) = spell.of("retry")
    assert (retry.data["unit"], retry.data["retry_count"], retry.data["retry_delay"]) == ("llm_call", 1, 5)


@both
async def test_streams_call_tools_on_the_way(cast: Any, model: Any, language: str) -> None:
    source = {
        "lua": """
            local agent, text = Agent.new{ tools = { Calculator.new() } }, ""
            for chunk in agent:stream_chat("What is 6 * 7?") do text = text .. chunk end
            return text
        """,
        "js": """
            const agent = new Agent({ tools: [new Calculator()] });
            let text = "";
            for await (const chunk of agent.streamChat("What is 6 * 7?")) text += chunk;
            return text;
        """,
    }
    spell = await cast(**{language: source[language]}, model=model)
    assert spell.value == "The answer is 42."
    assert [event.name for event in spell.of("tool_called")] == ["calculator"]


ABANDONED = {
    "lua": 'local s = Agent.new("x"):stream_chat("Go"); return s()',
    "js": 'const s = new Agent("x").streamChat("Go"); return (await s.next()).value;',
}


@both
async def test_a_stream_nobody_ends_does_not_keep_the_run_alive(cast: Any, model: Any, language: str) -> None:
    model.will(Answer(text="first rest", chunks=("first ",), fault="stall"))
    before = asyncio.all_tasks()
    spell = await asyncio.wait_for(cast(**{language: ABANDONED[language]}, model=model), 20)
    assert spell.value.startswith("first")
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks() - before]  # type: ignore[union-attr]
    assert all(name.startswith("ModelServer.") for name in names), names
