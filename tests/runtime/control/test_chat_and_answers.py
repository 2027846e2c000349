"""Texts from outside: to an agent of the run, and as answers to what the spell asks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmspell.control.wanted import Controls
from llmspell.errors import LlmspellError
from llmspell.person import Question

SPELL = {
    "lua": """
        local agent = Agent.new{ name = "echo", tools = { Calculator.new() },
          hooks = { before_llm_call = function(context)
            print("asked: " .. context.prompt)
            context.prompt = context.prompt .. "!"
          end } }
        print(agent:chat("one"))
        print(agent:chat("two"))
        local turns = agent:conversation_history()
        local said = {}
        for place, turn in ipairs(turns) do said[place] = turn.user_message end
        return said""",
    "js": """
        const agent = new Agent({ name: "echo", tools: [new Calculator()], hooks: {
          beforeLLMCall: (context) => {
            console.log("asked: " + context.prompt);
            context.prompt += "!";
          } } });
        console.log(await agent.chat("one"));
        console.log(await agent.chat("two"));
        return agent.conversationHistory().map((turn) => turn.userMessage);""",
}


async def test_chat_while_paused_goes_through_hooks_history_and_recording(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=Controls(("agent", "end")))
    await live.event("paused")
    assert (await live.do("status"))["agents"] == ["echo"]
    assert await live.do("chat", agent="echo", text="hello") == {"answer": "You said: hello!"}
    assert await live.do("chat", agent="echo", text="What is 15% of 2500?") == {"answer": "The answer is 375."}
    assert (await live.do("status"))["state"] == "paused"
    assert "You said: one!" not in live.output["out"]
    await live.do("breakpoints", set=["end"])
    await live.do("resume")
    await live.event("paused", 2)
    assert await live.do("chat", agent="echo", text="bye") == {"answer": "You said: bye!"}
    await live.do("resume")
    assert (await live.result()).value == ["hello!", "What is 15% of 2500?!", "one!", "two!"]
    started, ended = live.of("chat_started")[0], live.of("chat_completed")[0]
    assert started.data == {"agent_name": "echo", "message": "hello", "by": "ada"}
    assert ended.data["answer"] == "You said: hello!"
    assert started.span == ended.span
    assert any(event.parent == started.span for event in live.of("execution_started"))
    await stage.replayed(live)


async def test_chat_while_the_run_goes_on(stage: Any, language: str) -> None:
    idle = {
        "lua": """
            Agent.new{ name = "echo" } print("ready")
            while #eventBus.history("chat_completed").events == 0 do Async.sleep(5) end
            return 1""",
        "js": """
            new Agent({ name: "echo" }); console.log("ready");
            while (!eventBus.history("chat_completed").events.length) await Async.sleep(5);
            return 1;""",
    }
    live = await stage.start(**{language: idle[language]})
    await live.said("out")
    assert await live.do("chat", agent="echo", text="hi") == {"answer": "You said: hi"}
    assert (await live.result()).value == 1
    await stage.replayed(live)


async def test_an_agent_in_the_middle_of_its_turn_is_not_chatted_with(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=Controls(("model",)))
    await live.event("paused")
    with pytest.raises(LlmspellError, match="in the middle of a turn"):
        await live.do("chat", agent="echo", text="hello")
    with pytest.raises(LlmspellError, match="no agent named 'eko'"):
        await live.do("chat", agent="eko", text="hello")
    await live.do("breakpoints", set=[])
    await live.do("resume")
    assert (await live.result()).value == ["one!", "two!"]
    await stage.replayed(live)


async def test_a_chat_ends_with_its_run(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=Controls(("agent",)))
    await live.event("paused")
    chatting = asyncio.ensure_future(live.do("chat", agent="echo", text="hang on"))
    await live.event("llm_call_started")
    await live.do("cancel")
    with pytest.raises(LlmspellError, match="has ended"):
        await chatting
    await live.result()
    await stage.replayed(live)


ASKING = {
    "lua": """
        local city = Human.ask{ question = "Which city?", choices = { "Rome", "Oslo" } }
        return { city, Human.approve("Go on?") }""",
    "js": """
        const city = await Human.ask({ question: "Which city?", choices: ["Rome", "Oslo"] });
        return [city, await Human.approve("Go on?")];""",
}


class Silent:
    """A person who never answers."""

    async def answer(self, question: Question) -> str:
        await asyncio.get_running_loop().create_future()
        raise AssertionError


@pytest.mark.parametrize("person", [None, Silent()], ids=["nobody", "somebody silent"])
async def test_questions_are_answered_over_the_socket(stage: Any, language: str, person: Any) -> None:
    live = await stage.start(**{language: ASKING[language]}, control=Controls(attended=True), person=person)
    await live.event("input_requested")
    waiting = (await live.do("status"))["waiting"]
    assert waiting == [
        {"number": 1, "kind": "question", "question": "Which city?", "choices": ["Rome", "Oslo"], "default": None}
    ]
    with pytest.raises(LlmspellError, match="no answer to"):
        await live.do("answer", text="Paris")
    assert await live.do("answer", text="oslo") == {"number": 1}
    await live.event("input_requested", 2)
    async with await live.connect() as other:
        await other.do("answer", text="y")
        await live.notice("settled", 2)
        with pytest.raises(LlmspellError):
            await live.do("answer", text="n", number=2)
    assert (await live.result()).value == ["Oslo", True]
    await stage.replayed(live)


async def test_with_nobody_there_a_question_fails_as_ever(stage: Any, language: str) -> None:
    live = await stage.start(**{language: ASKING[language]})
    result = await live.result()
    assert result.error is not None
    assert result.error.type == "no_answer"


async def test_a_question_whose_client_vanishes_waits_on_and_says_so(stage: Any, language: str) -> None:
    waits = {
        "lua": 'while #eventBus.history("resumed").events == 0 do Async.sleep(5) end',
        "js": 'while (!eventBus.history("resumed").events.length) await Async.sleep(5);',
    }
    live = await stage.start(**{language: waits[language] + ASKING[language]})
    async with await live.connect() as first:
        await first.do("pause")
        await first.do("resume")
        await live.notice("waiting")
    said = await live.said("err")
    assert "the spell asks 'Which city?' and waits: llmspell trace answer" in said
    await live.do("answer", text="Rome")
    await live.notice("waiting", 2)
    await live.do("answer", text="no")
    assert (await live.result()).value == ["Rome", False]
    await stage.replayed(live)
