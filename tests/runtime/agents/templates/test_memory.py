"""A ChatAgent's memory: what its model is shown of a long conversation, while the history keeps all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.testing.answers import Answer
from llmspell.traces.recording import Recording

both = pytest.mark.parametrize("language", ["lua", "js"])

pytestmark = pytest.mark.mission(113)


def spell(language: str, memory: str, turns: int) -> dict[str, str]:
    if language == "lua":
        return {
            "lua": f"""
            local friend = ChatAgent.new{{ name = "friend", memory = {memory} }}
            for i = 1, {turns} do friend:chat("turn " .. i) end
            return {{ #friend:conversation_history(), friend.summary, friend:conversation_history()[1].user_message }}
            """
        }
    return {
        "js": f"""
        const friend = new ChatAgent({{ name: "friend", memory: {memory.replace("=", ":")} }});
        for (let i = 1; i <= {turns}; i++) await friend.chat("turn " + i);
        const history = friend.conversationHistory();
        return [history.length, friend.summary, history[0].userMessage];
        """
    }


def said(request: Any) -> list[str]:
    """The user's messages of a request."""
    return [message["content"] for message in request.json["messages"] if message["role"] == "user"]


@both
async def test_all_turns_are_shown_unless_it_is_said_otherwise(cast: Any, model: Any, language: str) -> None:
    result = await cast(**spell(language, '"full"', 4), model=model)
    assert result.value == [4, "", "turn 1"]
    assert said(model.requests[-1]) == ["turn 1", "turn 2", "turn 3", "turn 4"]


@both
async def test_a_window_shows_the_newest_turns(cast: Any, model: Any, language: str) -> None:
    result = await cast(**spell(language, '{ kind = "window", turns = 2 }', 5), model=model)
    assert result.value == [5, "", "turn 1"]
    assert said(model.requests[-1]) == ["turn 3", "turn 4", "turn 5"]
    assert len(model.requests) == 5


@both
async def test_a_window_of_tokens_shows_what_fits_and_one_turn_at_least(cast: Any, model: Any, language: str) -> None:
    await cast(**spell(language, '{ kind = "window", tokens = 14 }', 5), model=model)
    assert said(model.requests[-1]) == ["turn 3", "turn 4", "turn 5"]  # a turn and its echo are 2 + 5 tokens
    await cast(**spell(language, '{ kind = "window", tokens = 1 }', 3), model=model)
    assert said(model.requests[-1]) == ["turn 2", "turn 3"]


@both
async def test_older_turns_are_summed_up_by_the_model_where_everybody_can_see_it(
    cast: Any, model: Any, language: str, tmp_path: Path
) -> None:
    answers = [Answer(text=f"answer {n}") for n in range(1, 4)]
    model.will(*answers, Answer(text="They counted to two."), *(Answer(text=f"answer {n}") for n in (4, 5)))
    memory = '{ kind = "summary", turns = 2 }'
    result = await cast(**spell(language, memory, 4), model=model)
    assert result.value == [4, "They counted to two.", "turn 1"]
    folding, last = model.requests[3], model.requests[4]
    [asked] = said(folding)
    assert "user: turn 1\n\nassistant: answer 1\n\nuser: turn 2\n\nassistant: answer 2" in asked
    assert "turn 3" not in asked and "tools" not in folding.json
    assert said(last) == ["turn 3", "turn 4"]
    assert last.json["messages"][0]["content"].endswith("The conversation so far, summed up:\nThey counted to two.")
    [told] = result.of("memory_summarized")
    assert (told.data["turns"], told.data["summary"]) == (2, "They counted to two.")
    assert len(result.of("llm_call_completed")) == 5
    [path] = (tmp_path / ".llmspell/runs").glob("*.db")
    replayed = await cast(**spell(language, memory, 4), replay=Recording.load(path, values.unpack))
    assert [(e.kind, e.time, e.data) for e in replayed.events] == [(e.kind, e.time, e.data) for e in result.events]


async def test_a_new_summary_holds_the_one_before_it_and_forgetting_forgets_it(cast: Any, model: Any) -> None:
    model.will(*(Answer(text=f"a{n}") for n in (1, 2)), Answer(text="S1"), Answer(text="a3"), Answer(text="S2"))
    result = await cast(
        lua="""
        local friend = ChatAgent.new{ memory = { kind = "summary", turns = 1 } }
        for i = 1, 4 do friend:chat("turn " .. i) end
        local before = friend.summary
        friend:clear_history()
        friend:chat("hello")
        return { before, friend.summary }
        """,
        model=model,
    )
    assert result.value == ["S2", ""]
    assert "What was summed up before: S1" in said(model.requests[4])[0]
    assert model.requests[-1].json["messages"][0]["content"].endswith("when you do not know something.")


async def test_the_summary_counts_for_the_agents_tokens_and_passes_the_hooks(cast: Any, model: Any) -> None:
    result = await cast(
        lua="""
        local asked = 0
        local friend = ChatAgent.new{ memory = { kind = "summary", turns = 1 },
          hooks = { before_llm_call = function() asked = asked + 1 end } }
        for i = 1, 3 do friend:chat("turn " .. i) end
        return { asked, friend.usage.total }
        """,
        model=model,
    )
    used = [event.data["usage"]["total"] for event in result.of("llm_call_completed")]
    assert result.value == [4, sum(used)]


async def test_a_conversation_can_be_summed_up_by_hand(cast: Any, model: Any) -> None:
    await cast(lua='local a = ChatAgent.new(); a:chat("I like tea"); a:summarize()', model=model)
    assert "user: I like tea\n\nassistant: You said: I like tea" in said(model.requests[-1])[-1]
