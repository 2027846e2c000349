"""Runs that somebody controlled, gone on from: a fork repeats what was decided, a run with a prefix is attended anew."""

from __future__ import annotations

from typing import Any

from llmspell.control.wanted import Controls
from llmspell.engines import values
from llmspell.traces.forking import forked
from llmspell.traces.prefix import Prefix

TURNS = {
    "lua": """
        local agent = Agent.new{ name = "echo", tools = { Calculator.new() } }
        local first = agent:chat("What is 15% of 2500?")
        return { first, agent:chat("two") }""",
    "js": """
        const agent = new Agent({ name: "echo", tools: [new Calculator()] });
        const first = await agent.chat("What is 15% of 2500?");
        return [first, await agent.chat("two")];""",
}
ASKING = {
    "lua": 'return { Human.ask{ question = "Which city?" }, Human.approve("Go on?") }',
    "js": 'return [await Human.ask({ question: "Which city?" }), await Human.approve("Go on?")];',
}
WORDS = ["The answer is 375.", "You said: two"]


async def fork_at(stage: Any, live: Any, kind: str, number: int = 1, **asking: Any) -> Any:
    """A fork of an ended run at its event of a kind, up to which it is the same, but for when."""
    seq = live.of(kind)[number - 1].seq
    fork = await stage.again(live, fork=forked(live.file, seq, values.unpack), **asking)

    def has_come(live: Any) -> bool:
        return len(live.events) >= seq

    await fork.until(has_come)
    free = ("usage", "recorded_usage", "from_recording", "duration")
    for one, other in zip(live.events[:seq], fork.events[:seq], strict=True):
        assert (one.kind, one.span, one.name) == (other.kind, other.span, other.name)
        assert {key: value for key, value in one.data.items() if key not in free} == {
            key: value for key, value in other.data.items() if key not in free
        }
    return fork


async def asks(live: Any) -> None:
    """Returns once it waits for a decision or an answer."""
    while not (await live.do("status"))["waiting"]:
        pass


async def test_a_pause_is_repeated_and_holds_nothing(stage: Any, language: str) -> None:
    live = await stage.start(**{language: TURNS[language]})
    await live.event("llm_call_started")
    await live.do("pause", by="bob")
    await live.do("resume")
    assert (await live.result()).value == WORDS
    for kind, number in (("llm_call_started", 3), ("resumed", 1), ("paused", 1)):
        fork = await fork_at(stage, live, kind, number)
        assert (await fork.result()).value == WORDS
        assert len(fork.of("paused")) == len(fork.of("resumed")) == 1
        await stage.replayed(fork)


async def test_a_decision_is_repeated_and_one_to_come_is_asked_for(stage: Any, language: str, silent: Any) -> None:
    live = await stage.start(**{language: TURNS[language]}, control=Controls(approve=("tools",), attended=True))
    await live.event("approval_asked")
    await live.do("approve", decision="approve", changes={"expression": "40 + 2"}, by="bob")
    assert (await live.result()).value == ["The answer is 42.", WORDS[1]]
    silent.requests.clear()
    after = await fork_at(stage, live, "llm_call_started", 3)
    assert (await after.result()).value == ["The answer is 42.", WORDS[1]]
    assert after.of("approval_given")[0].data == live.of("approval_given")[0].data
    assert len(silent.requests) == 1
    before = await fork_at(stage, live, "approval_asked")
    await asks(before)
    await before.do("approve", decision="approve", changes={"expression": "1 + 1"})
    assert (await before.result()).value[0] == "The answer is 2."
    for fork in (after, before):
        await stage.replayed(fork)


async def test_breakpoints_of_then_hold_nobody_up(stage: Any, language: str) -> None:
    """Who set them may be away; whoever wants some in the fork says so."""
    live = await stage.start(**{language: TURNS[language]}, control=Controls(("model",)))
    for number in (1, 2, 3):
        await live.event("paused", number)
        await live.do("resume")
    assert (await live.result()).value == WORDS
    fork = await fork_at(stage, live, "paused", 2)
    assert (await fork.result()).value == WORDS
    assert len(fork.of("paused")) == 2
    attended = await fork_at(stage, live, "paused", 2, control=Controls(("end",)))
    await attended.event("paused", 3)
    await attended.do("resume")
    assert (await attended.result()).value == WORDS
    assert attended.of("breakpoint_hit")[-1].data["breakpoint"] == "end"
    for each in (fork, attended):
        await stage.replayed(each)


async def test_a_chat_is_repeated(stage: Any, language: str, silent: Any) -> None:
    live = await stage.start(**{language: TURNS[language]}, control=Controls(("end",)))
    await live.event("paused")
    await live.do("chat", agent="echo", text="hello")
    await live.do("resume")
    assert (await live.result()).value == WORDS
    silent.requests.clear()
    fork = await fork_at(stage, live, "chat_completed")
    assert (await fork.result()).value == WORDS
    assert fork.of("chat_completed")[0].data["answer"] == "You said: hello"
    assert not silent.requests
    await stage.replayed(fork)


async def test_an_answer_is_repeated_and_the_next_question_asked(stage: Any, language: str) -> None:
    live = await stage.start(**{language: ASKING[language]}, control=Controls(attended=True))
    for number, text in ((1, "Oslo"), (2, "y")):
        await live.event("input_requested", number)
        await live.do("answer", text=text)
    assert (await live.result()).value == ["Oslo", True]
    fork = await fork_at(stage, live, "input_requested", 2, control=Controls(attended=True))
    await asks(fork)
    await fork.do("answer", text="n")
    assert (await fork.result()).value == ["Oslo", False]
    await stage.replayed(fork)


async def test_a_run_with_a_prefix_is_attended_anew(stage: Any, language: str, silent: Any) -> None:
    """By nobody, or by who wants to: what is free stops at breakpoints too, and asks nobody."""
    live = await stage.start(**{language: TURNS[language]}, control=Controls(("agent",), ("tools",), attended=True))
    await live.event("paused")
    await live.do("chat", agent="echo", text="hello")
    await live.do("breakpoints", set=[])
    await live.do("resume")
    await live.event("approval_asked")
    await live.do("approve", decision="approve")
    assert (await live.result()).value == WORDS
    silent.requests.clear()
    alone = await stage.again(live, prefix=Prefix.load(live.file, values.unpack))
    assert (await alone.result()).value[1] == WORDS[1]
    assert not {"paused", "approval_asked", "chat_started"} & {*alone.kinds}
    plain = await stage.start(**{language: TURNS[language]})
    assert (await plain.result()).value == WORDS
    silent.requests.clear()
    attended = await stage.again(
        plain, prefix=Prefix.load(plain.file, values.unpack), control=Controls(("model",), ("tools",), attended=True)
    )
    for number in (1, 2, 3):
        await attended.event("paused", number)
        for _ in range(20):  # nothing gives way while it is paused
            assert (await attended.do("status"))["state"] == "paused"
        await attended.do("resume")
        if number == 1:
            await attended.event("approval_asked")
            await attended.do("approve", decision="approve")
    assert (await attended.result()).value == WORDS
    assert not silent.requests
    for each in (alone, attended):
        await stage.replayed(each)
