"""Completion at every construct of both languages: what must be offered at a mark, and what must not.

A cell that is left out of `constructs` fails.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmspell_lsp.features.candidates import Candidate
from llmspell_lsp.features.completion import complete
from llmspell_lsp.workspace.snapshot import Snapshot

from .constructs import AGENT_JS, AGENT_LUA, CONSTRUCTS, Cell, Language

At = Callable[[str, Language], tuple[Snapshot, int, int]]
LANGUAGES: tuple[Language, ...] = ("lua", "javascript")


CASES = [
    pytest.param(cell, language, id=f"{name} [{language}]")
    for name, cells in CONSTRUCTS.items()
    for language, cell in cells.items()
    if cell.text
]


def test_no_cell_is_empty() -> None:
    missing = [f"{name} [{each}]" for name, cells in CONSTRUCTS.items() for each in LANGUAGES if each not in cells]
    assert not missing


@pytest.mark.parametrize(("cell", "language"), CASES)
def test_construct(cell: Cell, language: Language, at: At) -> None:
    found = complete(*at(cell.text, language))
    offered = {each.label.replace(" ", "_"): each for each in found.all()} if found is not None else {}
    if cell.nothing:
        assert not offered
    for word in cell.offered.split(" ") if cell.offered else ():
        label, told, insert = word.partition("=") if not word.startswith(("()", "(i")) else _arrow(word)
        assert label in offered, sorted(offered)[:80]
        if told:
            assert offered[label].insert.replace(" ", "_").replace("\n", "|") == insert
    assert not set(cell.refused.split()) & set(offered)
    if cell.first:
        assert first(list(offered.values())).label == cell.first


def _arrow(word: str) -> tuple[str, str, str]:
    """A label with an equals sign in it."""
    label, told, insert = word.partition("}=")
    return (f"{label}}}", told, insert) if told else (word, "", "")


def first(offered: list[Candidate]) -> Candidate:
    """What an editor shows first before anything is typed."""
    return min(offered, key=lambda each: (each.group, each.rank, each.label))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_dot_becomes_a_colon_where_lua_needs_one(language: Language, at: At) -> None:
    text = f"{AGENT_LUA}writer.▮" if language == "lua" else f"{AGENT_JS}writer.▮"
    found = complete(*at(text, language))
    assert found is not None
    colons = {each.label for each in found.all() if each.colon}
    assert ("chat" in colons) == (language == "lua")
    assert "name" not in colons


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_deprecated_is_marked(language: Language, at: At) -> None:
    cell = CONSTRUCTS["function that is not to be used"][language]
    found = complete(*at(cell.text, language))
    assert found is not None
    assert [each.deprecated for each in found.all() if each.label == "old"] == [True]


def test_a_member_of_a_promise_is_waited_for(at: At) -> None:
    found = complete(*at(CONSTRUCTS["a promise"]["javascript"].text, "javascript"))
    assert found is not None
    result = next(each for each in found.all() if each.label == "result")
    assert result.earlier is not None
    assert result.earlier[1] == "(await p)"


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_hundreds_of_names_the_far_ones_are_offered_too(language: Language, at: At) -> None:
    found = complete(*at(many(250, language) + "▮", language))
    assert found is not None
    offered = [each.label for each in found.all()]
    assert {f"name_{index}" for index in range(250)} <= set(offered)
    assert len(offered) == len(set(offered))
    assert found.complete
    near = next(each for each in found.all() if each.label == "name_249")
    assert near.detail == "249"
    assert near.rank < next(each for each in found.all() if each.label == "name_5").rank


def many(count: int, language: Language, before: str = "") -> str:
    declare = "local name_%d = %d\n" if language == "lua" else "const name_%d = %d;\n"
    return "".join(f"{before}{declare % (index, index)}" for index in range(count))


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_of_thousands_of_names_those_are_offered_that_are_meant(language: Language, inside: bool, at: At) -> None:
    head, tail = "", ""
    if inside:
        head, tail = ("local function main()\n", "\nend") if language == "lua" else ("function main() {\n", "\n}")
    text = head + many(3000, language, "  " if inside else "")
    for typed, meant in {"": "name_2999", "name_7": "name_7", "NAME_299": "name_299", "nm1234": "name_1234"}.items():
        found = complete(*at(f"{text}{typed}▮{tail}", language))
        assert found is not None
        offered = [each.label for each in found.all()]
        assert meant in offered, typed
        assert len(offered) == len(set(offered)) < 1000
        assert not found.complete
        assert "print" in offered or language == "javascript"


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_thousands_of_members_those_are_offered_that_are_meant(language: Language, at: At) -> None:
    mark = " = " if language == "lua" else ": "
    fields = ", ".join(f"field_{index}{mark}{index}" for index in range(2000))
    declare = f"local all = {{ {fields} }}\n" if language == "lua" else f"const all = {{ {fields} }};\n"
    for typed, meant in {"": "field_0", "field_1999": "field_1999", "fd7": "field_7"}.items():
        found = complete(*at(f"{declare}all.{typed}▮", language))
        assert found is not None
        offered = [each.label for each in found.all()]
        assert meant in offered, typed
        assert len(offered) < 500
        assert not found.complete


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_is_offered_once(language: Language, at: At) -> None:
    shadow = "local print = 1\nprin▮" if language == "lua" else "const console = 1;\ncons▮"
    found = complete(*at(shadow, language))
    assert found is not None
    labels = [each.label for each in found.all() if each.kind != "snippet"]
    assert sorted({label for label in labels if labels.count(label) > 1}) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_hook_may_change_says_so(language: Language, at: At) -> None:
    found = complete(*at(CONSTRUCTS["half a member before a keyword"][language].text, language))
    assert found is not None
    notes = {each.label: each.note for each in found.all()}
    assert notes["prompt"] == "writable"
    assert notes["agent_name" if language == "lua" else "agentName"] == ""
