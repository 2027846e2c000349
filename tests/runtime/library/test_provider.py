"""The namespace `Provider`: scripted replies for work without a model, and what there is to ask."""

from __future__ import annotations

from typing import Any

import pytest

both = pytest.mark.parametrize("language", ["lua", "js"])

SCRIPTED = {
    "lua": """
        Provider.scripted{ { match = "weather", text = "Sunny." }, { text = "I do not know." } }
        local agent = Agent.new{ provider = "offline" }
        return { agent:chat("What is the weather?"), agent:chat("And tomorrow?"), agent:llm_provider().provider }
    """,
    "js": """
        Provider.scripted([{ match: "weather", text: "Sunny." }, { text: "I do not know." }]);
        const agent = new Agent({ provider: "offline" });
        return [await agent.chat("What is the weather?"), await agent.chat("And tomorrow?"), agent.llmProvider().provider];
    """,
}


@both
async def test_scripted_replies_answer_the_offline_model(cast: Any, language: str) -> None:
    assert (await cast(**{language: SCRIPTED[language]})).value == ["Sunny.", "I do not know.", "offline"]


@both
async def test_a_script_may_use_every_field_of_a_reply(cast: Any, language: str) -> None:
    from llmspell.providers.replies import FIELDS

    values = {
        "match": "x",
        "pattern": "x",
        "agent": "a",
        "call": 9,
        "text": "t",
        "data": 1,
        "chunks": ["t"],
        "delay": 1,
        "tool_calls": [{"name": "n", "arguments": {}}],
        "error": {"type": "timeout", "message": "m"},
    }
    assert set(values) == set(FIELDS)
    source = {"lua": "Provider.scripted(params)", "js": "Provider.scripted(params)"}
    for name, value in values.items():
        spell = await cast(**{language: source[language]}, params=[{name: value}])
        assert spell.result.error is None, (name, spell.result.error)


@both
async def test_providers_are_listed_with_what_they_need(cast: Any, language: str) -> None:
    source = {"lua": "return Provider.list()", "js": "return Provider.list()"}
    listed = (await cast(**{language: source[language]}, environ={"OPENAI_API_KEY": "x"})).value
    found = {each["name"]: each for each in listed}
    variable = "key_variable" if language == "lua" else "keyVariable"
    assert found["openai"][variable] == "OPENAI_API_KEY" and found["openai"]["ready"] is True
    assert found["anthropic"]["ready"] is False
