"""A spell, edited, begins with the recording of the run before: what has not changed costs nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.runtime.branching.recorded import asked, free, prefix

from llmspell.errors import ReplayError
from llmspell.events.event import Event
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer

if TYPE_CHECKING:
    from conftest import Cast, Caster


THREE = {
    "lua": """
        local clerk = Agent.new{{ name = "clerk" }}
        State.set("count", (State.get("count") or 0) + 1)
        local said = {{ clerk:execute("one").content, clerk:execute("{second}").content,
          clerk:execute("three").content, uuid.generate() }}
        return {{ said, State.get("count"), os.time() }}
    """,
    "js": """
        const clerk = new Agent({{ name: "clerk" }});
        await State.set("count", ((await State.get("count")) ?? 0) + 1);
        const said = [(await clerk.execute("one")).content, (await clerk.execute("{second}")).content,
          (await clerk.execute("three")).content, uuid.generate()];
        return [said, await State.get("count"), Date.now()];
    """,
}
#: The answers come in the order three, two, one; each is followed by a request of its own.
RACE = {
    "lua": """
        local order = {{}}
        local function ask(word)
          local clerk = Agent.new{{ name = word }}
          clerk:execute(word)
          order[#order + 1] = word
          clerk:execute(word .. " after " .. table.concat(order, " "))
        end
        Async.all{{ function() ask("one") end, function() ask("{second}") end, function() ask("three") end }}
        return order
    """,
    "js": """
        const order = [];
        async function ask(word) {{
          const clerk = new Agent({{ name: word }});
          await clerk.execute(word);
          order.push(word);
          await clerk.execute(word + " after " + order.join(" "));
        }}
        await Promise.all([ask("one"), ask("{second}"), ask("three")]);
        return order;
    """,
}


def calls(done: Cast) -> list[Event]:
    return done.of("llm_call_completed")


async def test_the_same_spell_asks_nobody(cast: Caster, model: ModelServer, language: str) -> None:
    text = THREE[language].format(second="two")
    first = await cast(**{language: text}, model=model)
    again = await cast(**{language: text}, model=model, prefix=prefix(first))
    assert asked(model) == ["one", "two", "three"]
    assert again.value == first.value  # the clock's reading and the name by chance too
    assert free(first) == [False] * 3 and free(again) == [True] * 3
    assert first.result.usage["calls"] == 3 and first.result.usage["tokens"] > 0
    assert again.result.usage == {"tokens": 0, "cost": 0.0, "calls": 0}
    assert all("usage" not in event.data and event.data["recorded_usage"]["total"] for event in calls(again))


async def test_live_calls_begin_at_the_first_change(cast: Caster, model: ModelServer, language: str) -> None:
    """Other lines, another comment: what counts is what is asked. After the change the same request is asked again."""
    first = await cast(**{language: THREE[language].format(second="two")}, model=model)
    edited = "\n\n\n" + THREE[language].format(second="two, please")
    again = await cast(**{language: edited}, model=model, prefix=prefix(first))
    assert asked(model) == ["one", "two", "three", "two, please", "three"]
    assert free(again) == [True, False, False]
    assert again.result.usage["calls"] == 2
    assert again.value[0][1].endswith("two, please")
    assert again.value[2] > first.value[2] if language == "js" else again.value[2] >= first.value[2]


async def test_what_the_prefix_wrote_is_not_written_again(cast: Caster, model: ModelServer, language: str) -> None:
    first = await cast(**{language: THREE[language].format(second="two")}, model=model)
    again = await cast(**{language: THREE[language].format(second="zwei")}, model=model, prefix=prefix(first))
    assert first.value[1] == again.value[1] == 1  # it is read live, and stands as the recorded run left it
    anew = await cast(**{language: THREE[language].format(second="two")}, model=model)
    assert anew.value[1] == 2


@pytest.mark.parametrize(("state", "then"), [("reset", 1), ("fork", 2)])
async def test_a_state_of_its_own(cast: Caster, language: str, state: str, then: int) -> None:
    """The run before has counted to 1 in the project's state, which stays as it is; in its own the run goes on, also
    behind a prefix whose writes were made elsewhere."""
    text = THREE[language].format(second="two")
    await cast(**{language: text})
    first = await cast(**{language: text}, state=state)
    assert first.value[1] == then
    edited = await cast(**{language: THREE[language].format(second="zwei")}, state=state, prefix=prefix(first))
    assert free(edited) == [True, False, False]
    assert edited.value[1] == then
    assert (await cast(**{language: text})).value[1] == 2


async def test_answers_come_in_the_recorded_order(cast: Caster, language: str) -> None:
    """Each second request says who was first: one that came otherwise would be another request."""
    began: list[float] = []

    def late(request: Any, number: int) -> Answer:
        """Told by the clock since the first request, so that it does not matter how long the others take to come."""
        began.append(time.monotonic())
        word = request.messages[-1].content
        due = began[0] + {"one": 1.2, "two": 0.8, "three": 0.4}.get(word, 0)
        return Answer(word, delay=max(1, round((due - time.monotonic()) * 1000)))

    text = RACE[language].format(second="two")
    async with ModelServer(answer=late) as model:
        first = await cast(**{language: text}, model=model)
        count = len(model.requests)
        again = await cast(**{language: text}, model=model, prefix=prefix(first))
        assert len(model.requests) == count == 6
    assert first.value == ["three", "two", "one"]
    assert again.value == first.value
    assert free(again) == [True] * 6


async def test_beside_a_changed_call_others_stay_free(cast: Caster, language: str) -> None:
    """Three ask at once, one of them something else: the two others had not heard of it."""

    def late(request: Any, number: int) -> Answer:
        word = request.messages[-1].content
        return Answer(word, delay=300 if word == "zwei" else 1)

    async with ModelServer(answer=late) as model:
        first = await cast(**{language: RACE[language].format(second="two")}, model=model)
        model.requests.clear()
        again = await cast(**{language: RACE[language].format(second="zwei")}, model=model, prefix=prefix(first))
        assert "zwei" in asked(model) and not {"one", "two", "three"} & {*asked(model)}
    unpaid = [event.data["agent_name"] for event in calls(again) if event.data.get("from_recording")]
    assert {"one", "three"} <= {*unpaid} and "zwei" not in unpaid


async def test_what_failed_is_asked_again(cast: Caster, model: ModelServer, language: str) -> None:
    model.will(Answer("fine"), Answer(status=400, message="not today"))
    text = THREE[language].format(second="two")
    first = await cast(**{language: text}, model=model)
    assert first.result.status == "error"
    again = await cast(**{language: text}, model=model, prefix=prefix(first))
    assert again.result.status == "ok", again.result.error
    assert free(again) == [True, False, False]


async def test_a_run_with_a_prefix_replays(cast: Caster, model: ModelServer, language: str) -> None:
    """Event by event, with the calls that were free told as such."""
    first = await cast(**{language: THREE[language].format(second="two")}, model=model)
    edited = await cast(**{language: THREE[language].format(second="zwei")}, model=model, prefix=prefix(first))
    count = len(model.requests)
    replay = await cast(**{language: THREE[language].format(second="zwei")}, model=model, replay=edited.recording)
    assert len(model.requests) == count
    assert replay.events == edited.events


async def test_limits_count_what_is_paid_for(cast: Caster, model: ModelServer, language: str) -> None:
    first = await cast(**{language: THREE[language].format(second="two")}, model=model)
    flags = {"limits.max_calls": 2}
    again = await cast(
        **{language: THREE[language].format(second="zwei")}, model=model, flags=flags, prefix=prefix(first)
    )
    assert again.result.status == "ok"
    alone = await cast(**{language: THREE[language].format(second="zwei")}, model=model, flags=flags)
    assert alone.result.status == "limit"


async def test_streams_tools_and_sleeps(cast: Caster, model: ModelServer, language: str) -> None:
    """A stream in its pieces, a tool with its work undone, a sleep that takes no time."""
    text = {
        "lua": """
            local clerk, heard = Agent.new{ name = "clerk" }, {}
            for piece in clerk:stream_chat("tell me") do heard[#heard + 1] = piece end
            Tool.get("file_writer"):execute{ path = "output/a.txt", content = "written" }
            Async.sleep(60000)
            return table.concat(heard)
        """,
        "js": """
            const clerk = new Agent({ name: "clerk" }), heard = [];
            for await (const piece of clerk.streamChat("tell me")) heard.push(piece);
            await Tool.get("file_writer").execute({ path: "output/a.txt", content: "written" });
            await new Promise((resolve) => setTimeout(resolve, 60000));
            return heard.join("");
        """,
    }[language]
    first = await cast(**{language: text.replace("60000", "1")}, model=model)
    assert first.result.status == "ok", first.result.error
    again = await cast(**{language: text.replace("60000", "1")}, model=model, prefix=prefix(first))
    assert again.value == first.value != ""
    assert len(model.requests) == 1
    assert [event.data.get("from_recording") for event in again.of("tool_completed")] == [True]


async def test_a_run_without_contents_is_no_prefix(cast: Caster, language: str) -> None:
    first = await cast(**{language: "return 1"}, flags={"trace.content": False})
    kept = await cast(**{language: THREE[language].format(second="two")}, flags={"trace.content": False})
    assert first.result.status == kept.result.status == "ok"
    with pytest.raises(ReplayError, match="kept no content"):
        prefix(kept)
