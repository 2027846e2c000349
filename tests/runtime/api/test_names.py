"""One spelling in the registry, one in JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.api import error_classes, event_kinds, fields, hook_points
from llmspell.api.names import camel, language_name, pascal, snake

# Single letters in a row would read as an acronym (`HTTPRequest`); the registry has none.
WORD = st.from_regex(r"[a-z]{2}[a-z0-9]{0,5}", fullmatch=True)
NAME = st.lists(WORD, min_size=1, max_size=4).map("_".join)

PAIRS = [
    ("before_llm_call", "beforeLLMCall"),
    ("llm_call_completed", "llmCallCompleted"),
    ("agent_id", "agentId"),
    ("on_error", "onError"),
    ("base_url", "baseUrl"),
    ("chat", "chat"),
    ("llm", "llm"),
    ("use_llm", "useLLM"),
]


@pytest.mark.parametrize(("registry_name", "shown"), PAIRS)
def test_javascript_shows_camel_case_with_one_acronym(registry_name: str, shown: str) -> None:
    assert camel(registry_name) == shown
    assert snake(shown) == registry_name
    assert language_name(registry_name, "javascript") == shown
    assert language_name(registry_name, "lua") == registry_name


@given(NAME)
def test_every_name_comes_back(name: str) -> None:
    assert snake(camel(name)) == name
    assert snake(name) == name


@given(NAME)
def test_spelling_twice_changes_nothing(name: str) -> None:
    assert camel(camel(name)) == camel(name)
    assert snake(snake(camel(name))) == name


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("tool:called", "tool_called"),
        ("tool:*", "tool_*"),
        ("toolCalled", "tool_called"),
        ("file-system", "file_system"),
        ("baseURL", "base_url"),
        ("HTTPRequest", "http_request"),
        ("llm:callCompleted", "llm_call_completed"),
        ("*", "*"),
        ("", ""),
        ("_private", "_private"),
    ],
)
def test_every_spelling_of_a_name_is_understood(written: str, meant: str) -> None:
    assert snake(written) == meant


def test_a_type_is_called_in_pascal_case() -> None:
    assert pascal("before_llm_call") == "BeforeLLMCall"
    assert pascal("llm_chunk") == "LLMChunk"
    assert pascal("error") == "Error"


def test_every_name_of_the_tables_comes_back() -> None:
    names = {point.name for point in hook_points.POINTS} | {kind.name for kind in event_kinds.KINDS}
    names |= {error.type for error in error_classes.CLASSES} | {name.rpartition(".")[2] for name in fields.FIELDS}
    assert {snake(camel(name)) for name in names} == names


def test_every_member_and_option_comes_back(described: dict[str, Any]) -> None:
    for owner in described["classes"].values():
        names = [*owner["methods"], *owner["statics"], *owner["properties"]]
        names += (owner["options"] or {}).get("properties", {})
        assert [snake(camel(name)) for name in names] == names
