"""The adapter from `initialize` to `disconnect` through each of its requests, in both languages, none left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtime.debugging.spells import LANGUAGES, Spells

from llmspell.serve.dap.adapter import REQUESTS
from llmspell.serve.dap.capabilities import CAPABILITIES


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_request_from_the_first_to_the_last(over_streams, refusal, language):
    client = over_streams
    spell = Spells(language, client)
    program, helper = spell.two_agents(), spell.helper
    # -- before anything is there
    assert await client.ask("initialize", adapterID="llmspell") == CAPABILITIES
    assert "launch" in await refusal(client.ask("threads"))
    assert "no request 'brake'" in await refusal(client.ask("brake"))
    assert "beginning" in await refusal(client.ask("attach"))
    assert "which spell" in await refusal(client.ask("launch"))
    await client.ask("launch", program=program, cwd=str(client.folder), model="offline")
    await client.event("initialized")
    assert "already" in await refusal(client.ask("launch", program=program))

    # -- what it is to stop at
    found = await client.ask("setBreakpoints", source={"path": program}, breakpoints=[
        {"line": spell.line("hook")}, {"line": spell.line("answer"), "logMessage": "asked {" + spell.counted + "}"},
        {"line": 900}, {"line": spell.line("end"), "hitCondition": "often"},
    ])  # fmt: skip
    points = found["breakpoints"]
    assert [point["verified"] for point in points] == [True, True, False, False]
    assert all(point.get("message") for point in points[2:])
    line = spell.line("helper", spell.text(helper))
    in_helper = await client.ask("setBreakpoints", source={"path": helper}, breakpoints=[{"line": line}])
    assert in_helper["breakpoints"][0]["verified"]
    places = await client.ask("breakpointLocations", source={"path": program}, line=1, endLine=spell.line("hook"))
    assert {"line": spell.line("hook")} in places["breakpoints"]
    named = await client.ask("setFunctionBreakpoints", breakpoints=[{"name": "agent:ada"}, {"name": "brake:now"}])
    assert [each["verified"] for each in named["breakpoints"]] == [True, False]
    often = {"name": "agent:ada", "hitCondition": "often"}
    (counted,) = (await client.ask("setFunctionBreakpoints", breakpoints=[often]))["breakpoints"]
    assert (counted["verified"], counted["message"].split(",")[0]) == (False, "a hit count is a number")
    named = await client.ask("setFunctionBreakpoints", breakpoints=[{"name": "agent:ada"}, {"name": "brake:now"}])
    assert "no filter" in await refusal(client.ask("setExceptionBreakpoints", filters=["some"]))
    await client.ask("setExceptionBreakpoints", filters=["uncaught", "caught"], filterOptions=[{"filterId": "failed"}])
    await client.ask("configurationDone")
    assert "begun" in await refusal(client.ask("configurationDone"))

    # -- before agent ada works: the run stands between two things it does
    frame = await client.stopped(reason="function breakpoint")
    assert frame["stop"]["hitBreakpointIds"] == [named["breakpoints"][0]["id"]]
    assert (await client.parts_of(frame, "About"))["agent_name"]["value"] == '"ada"'
    assert "bob" in await client.parts_of(frame, "Agents")
    assert await client.value("1 + 1") == "2"
    thread = frame["stop"]["threadId"]
    assert {each["id"]: each["name"] for each in (await client.ask("threads"))["threads"]}[thread] == Path(program).name
    assert (frame["name"], frame["line"]) == ("before agent ada", spell.line("answer"))
    await client.go(thread=thread)

    # -- in the hook of one of two agents
    frame = await client.stopped(reason="breakpoint")
    assert (frame["line"], frame["source"]["path"]) == (spell.line("hook"), program)
    assert frame["stop"]["threadId"] == 1
    threads = (await client.ask("threads"))["threads"]
    assert sorted(thread["name"] for thread in threads) == sorted(["agent ada", "agent bob", Path(program).name])
    stack = await client.stack()
    labels = [each["name"] for each in stack if each.get("presentationHint") == "label"]
    assert (labels[0], stack[-1]["name"]) == ("called by", "main chunk")
    assert any("agent" in each["name"] and each["line"] == spell.line("answer") for each in stack)
    agents = await client.parts_of(frame, "Agents")
    assert {"ada", "bob"} <= agents.keys()
    assert "seen" in str(await client.deep(frame, "State"))
    assert (await client.parts_of(frame, "Run"))["calls"]["value"] == "0"
    assert "hello" in str(await client.deep(frame, "Messages"))
    await client.go("next")
    frame = await client.stopped(reason="step")
    name = (await client.parts_of(frame, "Locals"))["name"]["value"].strip("\"'")
    assert name in agents
    assert await client.value("name", frame, "hover") == await client.value("name", frame, "clipboard")

    # -- looking at and changing what is there
    local = await client.scope(frame, "Locals")
    changed = await client.ask("setVariable", variablesReference=local, name="name", value='"eve"')
    assert changed["value"].strip("\"'") == "eve"
    await client.ask("setExpression", frameId=frame["id"], expression=spell.counted, value="40")
    assert await client.value(spell.counted, frame) == "40"
    assert await client.value(spell.assignment("name", '"zoe"'), frame, "repl")
    assert (await client.value("name", frame)).strip("\"'") == "zoe"
    for wrong in ("name +", "nothing_here.x.y"):
        assert await refusal(client.value(wrong, frame))
    found = await client.ask("completions", frameId=frame["id"], text="nam", column=4)
    assert "name" in [each["label"] for each in found["targets"]]
    assert await refusal(client.ask("exceptionInfo", threadId=1))
    assert await refusal(client.ask("stackTrace", threadId=77))
    assert await refusal(client.ask("scopes", frameId=99999))
    assert await refusal(client.ask("pause", threadId=1))

    # -- files
    loaded = (await client.ask("loadedSources"))["sources"]
    assert [source["path"] for source in loaded] == [program, helper]
    assert [each["path"] for each in (await client.ask("modules"))["modules"]] == [program, helper]
    assert (await client.ask("source", source={"path": helper}, sourceReference=0))["content"] == spell.text(helper)
    assert await refusal(client.ask("source", source={"path": "/etc/passwd"}, sourceReference=0))

    # -- going on
    await client.go()
    frame = await client.stopped(reason="breakpoint")
    assert frame["line"] == spell.line("hook")
    await client.ask("setBreakpoints", source={"path": program}, breakpoints=[])
    await client.go()
    frame = await client.stopped(reason="breakpoint")
    assert frame["source"]["path"] == helper
    await client.go("stepOut")
    frame = await client.stopped(reason="step")
    assert frame["source"]["path"] == program
    await client.go("stepIn")
    await client.stopped(reason="step")
    await client.go()
    await client.event("terminated")
    assert f"{spell.printed(84)}\n" in client.output()
    assert client.output().count("asked ") == 2
    assert "no thread" in await refusal(client.stack())

    # -- again, and given up
    await client.ask("restart")
    frame = await client.stopped(reason="function breakpoint")
    number, slow = client.send("evaluate", expression=spell.endless, context="repl")
    await client.ask("cancel", requestId=number)
    assert not (await slow)["success"]
    await client.ask("terminate")
    await client.event("terminated")
    await client.ask("disconnect")
    assert client.asked >= set(REQUESTS)


_NONSENSE = (
    {},
    {
        "threadId": "x",
        "frameId": -3,
        "variablesReference": 10**9,
        "expression": 5,
        "source": {"path": 4},
        "lines": ["x"],
    },
    {
        "threadId": None,
        "source": {"path": "/dev/null"},
        "breakpoints": [{"line": "x"}],
        "filters": 3,
        "text": "a",
        "line": 9,
    },
    {"threadId": [1], "source": "a", "breakpoints": 7, "filterOptions": {"a": 1}, "program": [], "requestId": {}},
    {
        "expression": "a" * 100_000,
        "frameId": 1,
        "value": "(",
        "name": "",
        "text": "\ud800",
        "column": -5,
        "startFrame": "z",
    },
)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_nonsense_is_answered_and_harms_nothing(client, refusal, language):
    wanted = [name for name in REQUESTS if name not in ("disconnect", "terminate", "restart", "configurationDone")]

    async def ask_all():
        answers = [client.send(command, **given)[1] for command in wanted for given in _NONSENSE]
        for answer in answers:
            found = await answer
            assert found["success"] or found["message"]

    await ask_all()
    program = Spells(language, client).two_agents()
    await client.launch(program, (2,), model="offline")
    frame = await client.stopped(reason="breakpoint")
    await ask_all()
    assert await client.value("1 + 1", frame) == "2"
    await client.ask("setBreakpoints", source={"path": program}, breakpoints=[])
    await client.ask("setFunctionBreakpoints", breakpoints=[])
    await client.go()
    await client.event("exited", exitCode=0)
