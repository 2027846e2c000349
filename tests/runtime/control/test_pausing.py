"""Pause and resume: nothing begins while a run is paused, whatever it waits for; then it goes on as if nothing had been."""

from __future__ import annotations

from typing import Any

MODEL = {
    "lua": """
        local agent = Agent.new{ name = "echo", system_prompt = "You repeat." }
        print("before")
        local first = agent:chat("one")
        print(first)
        return agent:chat("two")""",
    "js": """
        const agent = new Agent({ name: "echo", systemPrompt: "You repeat." });
        console.log("before");
        const first = await agent.chat("one");
        console.log(first);
        return await agent.chat("two");""",
}


async def test_a_call_in_flight_ends_and_is_held(stage: Any, language: str, silent: Any) -> None:
    live = await stage.start(**{language: MODEL[language]})
    await live.event("llm_call_started")
    assert await live.do("pause", by="bob") == {"state": "paused"}
    paused = await live.event("paused")
    assert paused.data == {"reason": "asked for", "by": "bob"}
    status = await live.do("status")
    assert status["state"] == "paused"
    assert status["pause"]["by"] == "bob"
    seq = status["seq"]
    for _ in range(20):  # each takes the loop round several times; the model has long answered
        assert (await live.do("status"))["seq"] == seq
    assert await live.do("resume") == {"state": "running"}
    result = await live.result()
    assert result.value == "You said: two"
    assert live.kinds.index("resumed") == live.kinds.index("paused") + 1
    assert live.of("resumed")[0].data == {"by": "ada", "to": ""}
    await stage.replayed(live)


TIMER = {
    "lua": 'print("a") Async.sleep(30000) print("b") return "done"',
    "js": 'console.log("a"); await Async.sleep(30000); console.log("b"); return "done";',
}


async def test_a_timer_is_not_delivered(stage: Any, language: str, passes: Any) -> None:
    live = await stage.start(**{language: TIMER[language]})
    await live.said("out", "a")
    await passes(1)
    await live.do("pause")
    await passes(60)
    assert live.kinds[-1] == "paused"
    assert "b" not in live.output["out"]
    await live.do("resume")
    while "spell_completed" not in live.kinds:
        await passes(60)
    assert (await live.result()).value == "done"
    await stage.replayed(live)


LIMITED = {
    "lua": """
        local agent = Agent.new{ name = "echo" }
        local ok, problem = pcall(function() return agent:chat("hang on", { timeout = 60000 }) end)
        return problem.type""",
    "js": """
        const agent = new Agent({ name: "echo" });
        try { await agent.chat("hang on", { timeout: 60000 }); } catch (problem) { return problem.type; }""",
}


async def test_time_limits_stand_still(stage: Any, language: str, passes: Any) -> None:
    live = await stage.start(**{language: LIMITED[language]})
    await live.event("llm_call_started")
    await passes(30)
    await live.do("pause")
    await passes(40)
    await live.do("resume")
    await passes(20)
    assert "llm_call_completed" not in live.kinds, "it fired as if the pause had counted"
    await passes(15)
    assert (await live.result()).value == "timeout"
    await stage.replayed(live)


TALKING = {
    "lua": 'for number = 1, 200 do print(number) Async.sleep(1) end return "done"',
    "js": 'for (let number = 1; number <= 200; number++) { console.log(number); await Async.sleep(1); } return "done";',
}


async def test_paused_and_resumed_many_times(stage: Any, language: str) -> None:
    live = await stage.start(**{language: TALKING[language]})
    for number in range(1, 15):
        await live.do("pause")
        assert (await live.do("pause")) == {"state": "paused"}, "a second time it changes nothing"
        await live.do("resume")
        assert len(live.of("paused")) == number
    assert (await live.result()).value == "done"
    assert live.output["out"].split() == [str(number) for number in range(1, 201)]
    await stage.replayed(live)


async def test_a_paused_run_can_be_cancelled(stage: Any, language: str) -> None:
    live = await stage.start(**{language: MODEL[language]})
    await live.event("llm_call_started")
    await live.do("pause")
    assert await live.do("cancel", reason="enough") == {"state": "ended"}
    result = await live.result()
    assert result.status == "cancelled"
    assert live.of("cancelled")[0].data["reason"] == "enough"
    await live.notice("ended")
    await stage.replayed(live)


PARTING = {
    "lua": """
        Hooks.register("on_cancel", function(context) print("parting: " .. context.reason) end)
        print("ready")
        Async.sleep(60000)""",
    "js": """
        Hooks.register("onCancel", (context) => { console.log("parting: " + context.reason); });
        console.log("ready");
        await Async.sleep(60000);""",
}


async def test_handlers_of_on_cancel_are_asked_though_the_run_is_paused(stage: Any, language: str) -> None:
    live = await stage.start(**{language: PARTING[language]})
    await live.said("out", "ready")
    await live.do("pause")
    await live.do("cancel", reason="enough")
    await live.result()
    assert live.output["out"] == "ready\nparting: enough\n"
    await stage.replayed(live)


COMPUTING = {
    "lua": "local sum = 0 for number = 1, 20000000 do sum = sum + number end Async.sleep(1) return sum",
    "js": "let sum = 0; for (let n = 1; n <= 20000000; n++) sum += n; await Async.sleep(1); return sum;",
}


async def test_a_spell_that_computes_is_paused_at_its_next_ask(stage: Any, language: str) -> None:
    live = await stage.start(**{language: COMPUTING[language]})
    await live.do("pause")
    await live.do("resume")
    assert (await live.result()).value == 200000010000000
    await stage.replayed(live)
