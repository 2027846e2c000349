"""Any name, in any spelling, leads to its reference; a wrong one to what was probably meant."""

from __future__ import annotations

import pytest

from llmspell.api.hover import describe, hover
from llmspell.api.lookup import all_names, find, suggestions
from llmspell.api.names import camel
from llmspell.api.registry import Registry

NAMES = [
    ("Agent", "class", "Agent"),
    ("agent", "class", "Agent"),
    ("Agent.new", "class", "Agent"),
    ("Agent.chat", "method", "Agent.chat"),
    ("agent:chat", "method", "Agent.chat"),
    ("agent:chat()", "method", "Agent.chat"),
    ("agent.streamChat", "method", "Agent.stream_chat"),
    ("Agent.stream_chat", "method", "Agent.stream_chat"),
    ("chatAgent.chat", "method", "Agent.chat"),
    ("agent:chat_async", "method", "Agent.chat"),
    ("agent.id", "property", "BaseAgent.id"),
    ("Agent.systemPrompt", "option", "Agent.system_prompt"),
    ("streamChat", "method", "Agent.stream_chat"),
    ("max_turns", "option", "BaseAgent.max_turns"),
    ("maxTurns", "option", "BaseAgent.max_turns"),
    ("Hooks.register", "method", "Hooks.register"),
    ("EventBus", "class", "eventBus"),
    ("eventBus.on", "method", "eventBus.on"),
    ("beforeLLMCall", "hook", "before_llm_call"),
    ("before_llm_call", "hook", "before_llm_call"),
    ("tool:called", "event", "tool_called"),
    ("toolCalled", "event", "tool_called"),
    ("agent:started", "event", "execution_started"),
    ("calculator", "tool", "CalculatorTool"),
    ("Calculator", "tool", "CalculatorTool"),
    ("CalculatorTool", "tool", "CalculatorTool"),
    ("rate_limit", "error", "RateLimitError"),
    ("RateLimitError", "error", "RateLimitError"),
    ("params", "global", "params"),
]


@pytest.mark.parametrize(("asked", "kind", "full_name"), NAMES, ids=[asked for asked, _, _ in NAMES])
def test_a_name_is_found_in_every_spelling(registry: Registry, asked: str, kind: str, full_name: str) -> None:
    found = find(registry, asked)[0]
    assert (found.kind, found.full_name) == (kind, full_name)
    assert hover(asked, registry).startswith("# ")


def test_a_method_that_is_also_static_is_found_twice(registry: Registry) -> None:
    found = find(registry, "BaseAgent.execute")
    assert [entry.described["static"] for entry in found] == [False, True]


@pytest.mark.parametrize("nothing", ["", "nothing_like_it", "Agent.nothing", "a b c", "::", "*"])
def test_a_name_that_means_nothing_finds_nothing(registry: Registry, nothing: str) -> None:
    assert find(registry, nothing) == []
    assert hover(nothing, registry) == ""


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("Agnt", "Agent"),
        ("agent:caht", "Agent.chat"),
        ("beforeLMCall", "beforeLLMCall"),
        ("before_lm_call", "before_llm_call"),
        ("calclator", "calculator"),
        ("RateLimitEror", "RateLimitError"),
        ("toolCaled", "toolCalled"),
    ],
)
def test_a_near_miss_names_what_was_meant_as_it_was_spelled(registry: Registry, wrong: str, meant: str) -> None:
    assert find(registry, wrong) == []
    assert suggestions(registry, wrong)[0] == meant


def test_every_name_has_a_page_in_both_spellings(registry: Registry) -> None:
    for name in all_names(registry):
        for spelling in {name, camel(name)}:
            entries = find(registry, spelling)
            assert entries, spelling
            for entry in entries:
                assert describe(registry, entry).count("```") % 2 == 0
