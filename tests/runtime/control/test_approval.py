"""A tool call that waits for somebody: approved, edited, denied; by several, by the terminal, by nobody any more."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.control.wanted import Controls
from llmspell.errors import LlmspellError
from llmspell.person import Answers

SPELL = {
    "lua": """
        local agent = Agent.new{ name = "counter", tools = { Calculator.new() } }
        return agent:chat("What is 15% of 2500?")""",
    "js": """
        const agent = new Agent({ name: "counter", tools: [new Calculator()] });
        return await agent.chat("What is 15% of 2500?");""",
}
ALL = Controls(approve=("tools",), attended=True)


async def asked(live: Any, number: int = 1) -> dict[str, Any]:
    await live.event("approval_asked", number)
    waiting = (await live.do("status"))["waiting"]
    assert waiting[0]["kind"] == "approval"
    return waiting[0]


async def test_approved(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=ALL)
    waiting = await asked(live)
    assert waiting["tool_name"] == "calculator"
    assert waiting["agent_name"] == "counter"
    assert waiting["params"]["expression"] == "2500 * 15 / 100"
    assert "tool_completed" not in live.kinds
    assert await live.do("approve", decision="approve") == {"number": waiting["number"]}
    assert (await live.result()).value == "The answer is 375."
    given = live.of("approval_given")[0].data
    assert (given["decision"], given["by"], given["changes"]) == ("approved", "ada", {})
    await stage.replayed(live)


async def test_edited(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=ALL)
    await asked(live)
    with pytest.raises(LlmspellError, match="expression"):
        await live.do("approve", decision="approve", changes={"expression": 7})
    await live.do("approve", decision="approve", changes={"expression": "40 + 2"}, by="bob")
    assert (await live.result()).value == "The answer is 42."
    given = live.of("approval_given")[0]
    assert given.data["decision"] == "edited"
    assert given.data["by"] == "bob"
    assert given.data["params"]["expression"] == "2500 * 15 / 100"
    assert given.data["changes"]["params"]["expression"] == "40 + 2"
    assert live.of("tool_completed")[0].data["params"]["expression"] == "40 + 2"
    await stage.replayed(live)


async def test_denied(stage: Any, language: str, silent: Any) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=ALL)
    await asked(live)
    await live.do("approve", decision="deny", reason="not today")
    result = await live.result()
    assert "denied by ada: not today" in result.value
    assert live.of("tool_completed")[0].data["status"] == "error"
    assert live.of("approval_given")[0].data["decision"] == "denied"
    await stage.replayed(live)


async def test_only_the_tools_of_the_patterns(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=Controls(approve=("file-*", "shell_command")))
    assert (await live.result()).value == "The answer is 375."
    assert "approval_asked" not in live.kinds


async def test_two_clients_and_the_first_decides(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=ALL)
    number = (await asked(live))["number"]
    async with await live.connect() as other:
        assert await other.do("approve", decision="deny", number=number, by="other") == {"number": number}
        with pytest.raises(LlmspellError, match="no call waits for approval under number"):
            await live.do("approve", decision="approve", number=number)
        await live.notice("settled")
        await live.result()
    assert live.of("approval_given")[0].data["by"] == "other"


async def test_a_client_that_vanishes_leaves_the_call_waiting_and_the_person_told(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]})
    async with await live.connect() as first:
        await first.do("approvals", tools=["*"])
        await live.event("approval_asked")
        await live.notice("waiting")
    said = await live.said("err")
    assert "the call of calculator waits for approval: llmspell trace approve" in said
    await live.do("approve", decision="approve")  # another one
    assert (await live.result()).value == "The answer is 375."
    await stage.replayed(live)


async def test_the_person_at_the_terminal_is_asked_too(stage: Any, language: str) -> None:
    live = await stage.start(
        **{language: SPELL[language]}, control=Controls(approve=("*",)), person=Answers(["no"], "f")
    )
    assert "denied by ada" in (await live.result()).value
    await stage.replayed(live)


async def test_who_waits_for_the_call_runs_out_of_no_time(stage: Any, language: str, passes: Any) -> None:
    source = SPELL[language].replace(
        '2500?"', '2500?", { timeout = 60000 }' if language == "lua" else '2500?", { timeout: 60000 }'
    )
    live = await stage.start(**{language: source}, control=ALL)
    await asked(live)
    await passes(70)
    await live.do("approve", decision="approve")
    assert (await live.result()).value == "The answer is 375."
    await stage.replayed(live)


async def test_a_run_that_waits_can_be_cancelled_and_gone_on_with(stage: Any, language: str) -> None:
    from llmspell.engines import values
    from llmspell.traces.resuming import resumable

    live = await stage.start(**{language: SPELL[language]}, control=ALL)
    await asked(live)
    await live.do("pause")
    await live.do("cancel")
    assert (await live.result()).status == "cancelled"
    await stage.replayed(live)
    again = await stage.again(live, resume=resumable(live.file, values.unpack))
    await again.event("approval_asked")
    await again.event("resumed")
    await again.do("approve", decision="approve", changes={"expression": "1 + 1"})
    assert (await again.result()).value == "The answer is 2."
    await stage.replayed(again)


async def test_what_is_no_decision(stage: Any, language: str) -> None:
    live = await stage.start(**{language: SPELL[language]}, control=ALL)
    await asked(live)
    for wrong in (
        {},
        {"decision": "maybe"},
        {"decision": "approve", "params": [1]},
        {"decision": "deny", "number": 99},
    ):
        with pytest.raises(LlmspellError):
            await live.do("approve", **wrong)
    await live.do("cancel")
    await live.result()
