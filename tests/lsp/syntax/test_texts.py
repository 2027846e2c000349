"""Texts: what their escapes say, and that a value's indexes and the file's columns lead to each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell_lsp.syntax import texts
from llmspell_lsp.syntax.nodes import Assign, Evaluate, Text
from llmspell_lsp.syntax.parsing import parse
from llmspell_lsp.syntax.skeleton import ScriptLanguage


def text_of(language: ScriptLanguage, literal: str) -> Text:
    match parse(language, tuple(f"x = {literal}".split("\n"))).block.statements:
        case [Assign(values=[Text() as text])] | [Evaluate(value=Text() as text)]:
            return text
        case other:
            raise AssertionError(other)


@pytest.mark.parametrize(
    ("language", "literal", "value"),
    [
        ("lua", r'"a\n\t\\\"\65\x42\u{1F600}"', 'a\n\t\\"AB😀'),
        ("lua", '"a\\z\n   b"', "ab"),
        ("lua", '"a\\\nb"', "a\nb"),
        ("lua", "[[\na\\n\n]]", "a\\n\n"),
        ("lua", "[==[a]]b]==]", "a]]b"),
        ("lua", "''", ""),
        ("javascript", r'"a\n\x41\u0042\u{1F600}\q"', "a\nAB😀q"),
        ("javascript", "'a\\\nb'", "ab"),
        ("javascript", "`a\n\\`b`", "a\n`b"),
        ("javascript", "`a${b}`", None),
    ],
)
def test_escapes_are_read(language: ScriptLanguage, literal: str, value: str | None) -> None:
    assert text_of(language, literal).value == value


ESCAPES = st.lists(
    st.sampled_from(["a", "é", "😀", r"\n", r"\x41", r"\u{1F600}", "{{", "}}", "\\\n", r"\z   "]), max_size=8
)


@given(ESCAPES)
def test_an_index_of_the_value_leads_to_its_place_and_back(parts: list[str]) -> None:
    text = text_of("lua", '"' + "".join(parts) + '"')
    assert text.value is not None
    for index in range(len(text.value) + 1):
        line, column = texts.where(text, index)
        assert texts.index_at(text, line, column) == index


def test_a_reference_is_found_where_it_stands() -> None:
    text = text_of("lua", '"\\u{1F600} \\"{{topic}}\\""')
    assert text.value is not None
    line, column = texts.where(text, text.value.index("topic"))
    assert (line, 'x = "\\u{1F600} \\"{{topic}}\\""'[column : column + 5]) == (0, "topic")


def test_places_in_a_text_of_many_lines() -> None:
    text = text_of("lua", "[[\nfirst\n  {{a}}\n]]")
    assert text.value is not None
    assert texts.where(text, text.value.index("a}}")) == (2, 4)
    assert text.value[texts.index_at(text, 2, 4)] == "a"
    assert texts.index_at(text, 0, 0) == 0
    assert texts.index_at(text, 9, 9) == len(text.value)
