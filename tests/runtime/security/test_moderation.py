"""What lists of words find, however it is spelt, and what they leave alone."""

from __future__ import annotations

import pytest

from llmspell.errors import ArgumentError
from llmspell.security.moderation import BUILT_IN, Lists


def found(text: str, words: list[str] | None = None, patterns: list[str] | None = None) -> list[str]:
    return [each.text for each in Lists({"w": words or []}, {"p": patterns or []}).find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "the secret plan",
        "SECRET PLAN!",
        "secret\n\tplan",
        "ｓｅｃｒｅｔ plan",
        "se\u200bcret pl\u00adan",
        "(secret plan)",
    ],
)
def test_a_phrase_is_found_however_it_is_spelt(text: str) -> None:
    assert found(text, ["Secret Plan"]) == ["secret plan"]


@pytest.mark.parametrize("text", ["secretplan", "secret planet", "topsecret plan", "plan secret", ""])
def test_only_whole_words_are_found(text: str) -> None:
    assert found(text, ["secret plan"]) == []


def test_words_are_words_and_patterns_are_patterns() -> None:
    assert found("a+b and aab", ["a+b"]) == ["a+b"]
    assert found("order 4711", patterns=[r"order \d{4}"]) == ["order 4711"]
    with pytest.raises(ArgumentError, match="no pattern"):
        Lists({}, {"p": ["(unclosed"]})


def test_a_pattern_cannot_run_for_ever() -> None:
    assert found("a" * 50_000 + "!", patterns=["(a+)+$"]) == []


@pytest.mark.parametrize("category", BUILT_IN)
def test_each_built_in_phrase_is_found_in_its_category(category: str) -> None:
    lists = Lists(BUILT_IN, {})
    for phrase in BUILT_IN[category]:
        assert [each.category for each in lists.find(f"He said: {phrase.upper()}.")] == [category]
