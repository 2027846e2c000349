"""Breakpoints of each kind, and steps: the run stops before the thing happens, and says why and where."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.control.breakpoints import KINDS, Breakpoint
from llmspell.control.wanted import Controls
from llmspell.errors import ArgumentError

SPELL = {
    "lua": """
        local agent = Agent.new{ name = "counter", tools = { Calculator.new() },
          hooks = { before_llm_call = function(context) return context end } }
        print("begins")
        agent:emit("progress", { done = 1 })
        print(agent:chat("What is 15% of 2500?"))
        local ok, problem = pcall(function() return Calculator.new():execute{ expression = "1 / 0" } end)
        return problem.type""",
    "js": """
        const agent = new Agent({ name: "counter", tools: [new Calculator()],
          hooks: { beforeLLMCall: (context) => context } });
        console.log("begins");
        agent.emit("progress", { done: 1 });
        console.log(await agent.chat("What is 15% of 2500?"));
        try { await new Calculator().execute({ expression: "1 / 0" }); } catch (problem) { return problem.type; }""",
}
TOOL_SITE = {"lua": ":6", "js": ":6"}

#: A breakpoint, the events that have not happened when it is hit, and what it says the run was about to do.
HITS: dict[str, tuple[set[str], dict[str, Any]]] = {
    "start": ({"output", "agent_created"}, {}),
    "agent:count*": ({"execution_started"}, {"agent_name": "counter"}),
    "model:openai/*": ({"llm_call_completed"}, {"agent_name": "counter", "provider": "openai", "model": "test"}),
    "model:te[s-t]t": ({"llm_call_completed"}, {"model": "test"}),
    "tool:calc*": (
        {"tool_completed"},
        {"tool_name": "calculator", "params": {"expression": "2500 * 15 / 100", "precision": None}},
    ),
    "hook:beforeLLMCall": ({"hook_called"}, {"point": "before_llm_call"}),
    "event:progress": ({"execution_started"}, {"event": "custom", "name": "progress"}),
    "event:tool:called": ({"tool_completed"}, {"event": "tool_called", "name": "calculator"}),
    "error:tool_call": (set(), {"unit": "tool_call"}),
    "cost:0": ({"llm_call_completed"}, {"agent_name": "counter"}),
    "end": ({"spell_completed"}, {}),
}


@pytest.mark.parametrize("point", HITS)
async def test_the_run_stops_before_it(stage: Any, language: str, point: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=Controls((point,), attended=True))
    hit = await live.event("breakpoint_hit")
    paused = await live.event("paused")
    not_yet, about = HITS[point]
    assert not_yet.isdisjoint(live.kinds)
    assert hit.data["breakpoint"] == hit.name == str(Breakpoint.parse(point))
    assert about.items() <= hit.data["about"].items()
    assert paused.data == {"reason": f"breakpoint {hit.name}", "by": ""}
    status = await live.do("status")
    assert status["state"] == "paused"
    assert status["pause"]["stop"] == hit.data["stop"]
    assert hit.data["stop"] == ("model" if point == "cost:0" else point.partition(":")[0])
    assert (status["pause"]["span"], status["pause"]["site"]) == (hit.span, hit.site)
    await live.do("breakpoints", set=[])
    await live.do("resume")
    result = await live.result()
    assert result.value == "tool"
    assert len(live.of("breakpoint_hit")) == 1
    await stage.replayed(live)


async def test_a_hit_says_the_span_and_the_line(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=Controls(("tool",)))
    hit = await live.event("breakpoint_hit")
    called = live.of("tool_called")[0]
    assert hit.span == called.span
    assert hit.site.endswith(TOOL_SITE[language])
    await live.do("cancel")
    await live.result()


async def test_steps(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=Controls(("start",)))
    await live.event("paused")
    stops: list[tuple[str, str]] = []
    for number, to in enumerate(("either", "either", "model", "tool"), 2):
        assert await live.do("step", to=to) == {"state": "running"}
        hit = await live.event("breakpoint_hit", number)
        await live.event("paused", number)
        stops.append((hit.name, hit.data["stop"]))
    assert stops == [
        ("step:either", "model"),
        ("step:either", "tool"),
        ("step:model", "model"),
        ("step:tool", "tool"),
    ]
    await live.do("resume")
    await live.result()
    assert len(live.of("breakpoint_hit")) == 5
    await stage.replayed(live)


MANY = {
    "lua": """
        local agents = {}
        for number = 1, 3 do agents[number] = Agent.new{ name = "agent" .. number } end
        local work = {}
        for number = 1, 3 do work[number] = function() return agents[number]:chat("hello " .. number) end end
        return Async.all(work)""",
    "js": """
        const agents = [1, 2, 3].map((number) => new Agent({ name: `agent${number}` }));
        return await Promise.all(agents.map((agent, place) => agent.chat(`hello ${place + 1}`)));""",
}


async def test_calls_at_once_stop_one_by_one(stage: Any, language: str) -> None:
    live = await stage.start(**{language: MANY[language]}, control=Controls(("model",)))
    names: list[str] = []
    for number in range(1, 4):
        hit = await live.event("breakpoint_hit", number)
        await live.event("paused", number)
        names.append(hit.data["about"]["agent_name"])
        if number < 3:
            await live.do("resume")
    await live.do("breakpoints", set=[])
    await live.do("resume")
    assert (await live.result()).value == [f"You said: hello {number}" for number in (1, 2, 3)]
    assert sorted(names) == ["agent1", "agent2", "agent3"]
    for place, kind in enumerate(live.kinds):
        if kind == "paused":
            assert live.kinds[place + 1] == "resumed", "something was let in meanwhile"
    await stage.replayed(live)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tol:x", "did you mean 'tool'"),
        ("tool:", "a pattern"),
        ("start:now", "has no pattern"),
        ("cost:much", "US dollars"),
        ("cost:-1", "US dollars"),
        ("hook:before_lm_call", "before_llm_call"),
        ("event:tool_caled", "tool_called"),
        (7, "a pattern"),
        ("", "a pattern"),
    ],
)
def test_what_is_no_breakpoint(text: Any, says: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Breakpoint.parse(text)
    assert says in f"{caught.value.message} {caught.value.hint}"


def test_every_kind_of_breakpoint_is_tried() -> None:
    assert {point.partition(":")[0] for point in HITS} == set(KINDS)
