"""A stored run is made again up to one of its events, and goes its own way from there; one call may be edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmspell.edits import checked
from llmspell.engines import values
from llmspell.errors import ReplayError, UsageError
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer
from llmspell.traces.forking import Forked, forked, parted
from llmspell.traces.reader import RunFile
from llmspell.traces.state_at import state_at

if TYPE_CHECKING:
    from conftest import Cast, Caster

SPELL = {
    "lua": """
        local clerk = Agent.new{ name = "clerk", system_prompt = "Be brief." }
        State.set("notes", "first")
        local one = clerk:execute("one").content
        State.set("notes", "second")
        local two = clerk:execute("two after " .. one).content
        local sum = Tool.get("calculator"):execute{ expression = "1 + 2" }
        State.set("notes", "third")
        return { one, two, clerk:execute("three after " .. two).content, sum, State.get("notes"), os.time() }
    """,
    "js": """
        const clerk = new Agent({ name: "clerk", systemPrompt: "Be brief." });
        await State.set("notes", "first");
        const one = (await clerk.execute("one")).content;
        await State.set("notes", "second");
        const two = (await clerk.execute("two after " + one)).content;
        const sum = await Tool.get("calculator").execute({ expression: "1 + 2" });
        await State.set("notes", "third");
        return [one, two, (await clerk.execute("three after " + two)).content, sum, await State.get("notes"), Date.now()];
    """,
}


def told(request: Any, number: int) -> Answer:
    return Answer(f"{number}: {request.messages[-1].content}")


def at(done: Cast, seq: int, edit: dict[str, Any] | None = None) -> dict[str, Any]:
    fork: Forked = forked(done.file, seq, values.unpack, edits=edit is not None)
    if edit is None:
        return {"fork": fork, "state": "fork"}
    assert fork.call is not None
    return {"fork": fork, "edit": checked(edit, fork.call.kind, fork.call.name), "state": "fork"}


def start_of(done: Cast, kind: str, number: int) -> int:
    return done.of(kind)[number].seq


def line(event: Any) -> tuple[Any, ...]:
    data = {key: value for key, value in event.data.items() if key not in ("usage", "recorded_usage", "from_recording")}
    return (event.seq, event.kind, event.span, event.parent, event.name, event.site, data)


async def test_it_is_live_from_the_event_on(cast: Caster, language: str) -> None:
    async with ModelServer(answer=told) as model:
        first = await cast(**{language: SPELL[language]}, model=model)
        seq = start_of(first, "llm_call_started", 1)
        again = await cast(**{language: SPELL[language]}, model=model, **at(first, seq))
        assert len(model.requests) == 5
    assert [line(event) for event in again.events[:seq]] == [line(event) for event in first.events[:seq]]
    free = [event.data.get("from_recording", False) for event in again.of("llm_call_completed")]
    assert free == [True, False, False]
    assert again.value[0] == first.value[0] and again.value[1].startswith("4:")
    assert again.result.usage["calls"] == 2
    times = [event.time for event in again.events]
    assert times == sorted(times)
    assert times[seq] - times[seq - 1] < 5_000 < 60_000  # no gap as long as the time since the recording
    with RunFile(again.file) as file:
        assert (file.meta().parent, file.meta().forked, file.meta().replayed) == (first.result.run_id, seq, False)


@pytest.mark.parametrize(
    ("edit", "then"),
    [
        ({"prompt": "another"}, {"last": "another", "model": "test", "system": "Be brief."}),
        ({"system": "Be long."}, {"last": "two after 1: one", "model": "test", "system": "Be long."}),
        ({"model": "openai/other"}, {"last": "two after 1: one", "model": "other", "system": "Be brief."}),
        ({"messages": [{"role": "user", "content": "anew"}]}, {"last": "anew", "model": "test", "system": "Be brief."}),
    ],
)
async def test_a_model_call_is_edited(cast: Caster, language: str, edit: dict[str, Any], then: dict[str, str]) -> None:
    """By any event of the call: its start, its end, or that of the agent around it."""
    async with ModelServer(answer=told) as model:
        first = await cast(**{language: SPELL[language]}, model=model)
        for kind in ("llm_call_started", "llm_call_completed", "execution_started"):
            model.requests.clear()
            again = await cast(**{language: SPELL[language]}, model=model, **at(first, start_of(first, kind, 1), edit))
            assert again.result.status == "ok", again.result.error
            sent = model.requests[0].json
            assert sent["messages"][-1]["content"] == then["last"] and sent["model"] == then["model"]
            assert sent["messages"][0] == {"role": "system", "content": then["system"]}
            assert len(model.requests) == 2
            edited = [event.data.get("edited") for event in again.of("llm_call_completed")]
            assert edited == [None, sorted(edit), None]


async def test_an_answer_is_given_in_the_models_place(cast: Caster, language: str) -> None:
    async with ModelServer(answer=told) as model:
        first = await cast(**{language: SPELL[language]}, model=model)
        model.requests.clear()
        seq = start_of(first, "llm_call_started", 1)
        again = await cast(**{language: SPELL[language]}, model=model, **at(first, seq, {"answer": "forty"}))
        assert [sent.json["messages"][-1]["content"] for sent in model.requests] == ["three after forty"]
    assert again.value[1] == "forty"


@pytest.mark.parametrize(
    ("edit", "gives"), [({"arguments": {"expression": "2 * 50"}}, 100), ({"answer": {"result": 7}}, 7)]
)
async def test_a_tool_call_is_edited(cast: Caster, language: str, edit: dict[str, Any], gives: int) -> None:
    async with ModelServer(answer=told) as model:
        first = await cast(**{language: SPELL[language]}, model=model)
        again = await cast(
            **{language: SPELL[language]}, model=model, **at(first, start_of(first, "tool_called", 0), edit)
        )
    assert first.value[3]["result"] == 3
    assert again.value[3]["result"] == gives
    [called] = again.of("tool_completed")
    assert called.data["edited"] == sorted(edit)


async def test_its_replay_is_the_same_run(cast: Caster, language: str) -> None:
    """With the edit, and with what was free told as such, though nobody names them again."""
    async with ModelServer(answer=told) as model:
        first = await cast(**{language: SPELL[language]}, model=model)
        edit = {"prompt": "another", "model": "openai/other"}
        fork = await cast(
            **{language: SPELL[language]}, model=model, **at(first, start_of(first, "llm_call_started", 1), edit)
        )
        count = len(model.requests)
        replay = await cast(**{language: SPELL[language]}, replay=fork.recording)
        assert len(model.requests) == count
    assert replay.events == fork.events


async def test_a_fork_is_forked(cast: Caster, language: str) -> None:
    async with ModelServer(answer=told) as model:
        first = await cast(**{language: SPELL[language]}, model=model)
        fork = await cast(
            **{language: SPELL[language]}, model=model, **at(first, start_of(first, "llm_call_started", 1))
        )
        again = await cast(
            **{language: SPELL[language]}, model=model, **at(fork, start_of(fork, "llm_call_started", 2))
        )
    free = [event.data.get("from_recording", False) for event in again.of("llm_call_completed")]
    assert free == [True, True, False]
    assert again.value[1] == fork.value[1]


@pytest.mark.parametrize(
    ("state", "was", "project"), [("fork", "second", "by another"), ("keep", "by another", "third")]
)
async def test_the_state_it_goes_on_with(cast: Caster, language: str, state: str, was: str, project: str) -> None:
    """Forked before the second answer, with what somebody has written since in the project's state."""
    read = {
        "lua": 'print("notes: " .. State.get("notes"))',
        "js": 'console.log("notes: " + (await State.get("notes")));',
    }[language]
    place = {"lua": "local sum = Tool", "js": "const sum = await Tool"}[language]
    text = SPELL[language].replace(place, f"{read}\n{place}")
    write = {"lua": 'State.set("notes", "by another")', "js": 'await State.set("notes", "by another")'}[language]
    async with ModelServer(answer=told) as model:
        first = await cast(**{language: text}, model=model)
        await cast(**{language: write})
        wanted = {**at(first, start_of(first, "llm_call_started", 1)), "state": state}
        again = await cast(**{language: text}, model=model, **wanted)
        assert again.result.status == "ok", again.result.error
        assert again.output["out"] == f"notes: {was}\n"
        assert again.value[4] == "third"
    then = await cast(
        **{language: {"lua": 'return State.get("notes")', "js": 'return await State.get("notes")'}[language]}
    )
    assert then.value == project
    with RunFile(again.file) as file:
        assert state_at(file)["global"]["notes"] == "third"


async def test_what_cannot_be_forked(cast: Caster, language: str) -> None:
    async with ModelServer(answer=told) as model:
        first = await cast(**{language: SPELL[language]}, model=model)
        with pytest.raises(ReplayError, match="has no event 999"):
            forked(first.file, 999, values.unpack)
        with pytest.raises(UsageError, match=r"has changed since run .*: it cannot be forked"):
            await cast(**{language: SPELL[language] + "\n"}, model=model, **at(first, 5))
        with pytest.raises(UsageError, match="is in no model or tool call"):
            at(first, first.events[-1].seq, {"prompt": "x"})
        with pytest.raises(UsageError, match="has no 'promt'"):
            at(first, start_of(first, "llm_call_started", 0), {"promt": "x"})
        with pytest.raises(UsageError, match="'arguments' cannot be 'x'"):
            at(first, start_of(first, "tool_called", 0), {"arguments": "x"})
        kept = await cast(**{language: SPELL[language]}, model=model, flags={"trace.content": False})
        with pytest.raises(ReplayError, match="kept no content"):
            forked(kept.file, 3, values.unpack)


@pytest.mark.parametrize("name", ["last", "last@", "@3", "last@0", "last@x"])
def test_a_place_that_is_none(name: str) -> None:
    with pytest.raises(UsageError, match="names no event"):
        parted(name)
