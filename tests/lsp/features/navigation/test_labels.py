"""Labels: `▮` asks, «every» place of the same label, the declaration first to be found by definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmspell_lsp.features.definition import definition
from llmspell_lsp.features.labels import label
from llmspell_lsp.features.references_to import highlights, references_to
from llmspell_lsp.features.renaming import CannotRename, rename, renameable

Spell = Callable[..., Any]

#: Which of the marks is the declaration, and the spell.
CASES = [
    ("lua", 1, "for i = 1, 3 do\n  if i == 2 then goto «continue▮» end\n  ::«continue»::\nend\nfor i = 1, 3 do goto continue ::continue:: end"),
    ("lua", 1, "for i = 1, 3 do goto continue ::continue:: end\nfor i = 1, 3 do goto «continue» ::«continue▮»:: end"),
    ("lua", 0, "local function f()\n  ::«again»::\n  local function g() goto again ::again:: end\n  while true do goto «again▮» end\nend"),
    ("lua", 1, "goto «out▮»\ndo\n  print('goto out ::out::')\nend\n-- goto out\n::«out»::"),
    ("lua", 2, "while true do\n  goto «next»\n  do goto «next▮» end\n  ::«next»::\nend"),
    ("javascript", 0, "«outer»: for (const a of [1]) {\n  for (;;) { if (a) continue «outer▮»; break «outer»; }\n}\nconst o = { outer: {} };"),
    ("javascript", 0, "function f() { «again▮»: while (true) { break «again»; } }\nfunction g() { again: while (true) { break again; } }"),
    ("javascript", 0, "«x»: for (;;) { break «x▮»; }\nx: for (;;) { break x; }"),
    ("javascript", 0, "«done»: {\n  if (params.a) break «done▮»;\n}"),
    ("javascript", 0, "«spin»:\nfor (;;) {\n  const f = () => { spin: for (;;) { break spin; } };\n  continue «spin▮»;\n}"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "declared", "text"), CASES)
def test_a_label_and_every_jump_to_it(spell: Spell, language: str, declared: int, text: str) -> None:
    here = spell(language, text)
    (marked,) = here.marks.values()
    found = label(*here.at)
    assert found is not None
    assert [tuple(each) for each in found.places] == sorted(marked)
    made = definition(*here.at)
    assert made is not None
    assert [tuple(each.span) for each in made.places] == [marked[declared]]
    ((_, places),) = references_to(*here.at) or []
    assert [tuple(each.span) for each in places] == sorted(marked)
    assert [tuple(each.span) for each in places if each.declares] == [marked[declared]]
    assert highlights(*here.at) == places
    assert renameable(*here.at) is not None
    ((file, *more),) = [rename(here.snapshot, here.line, here.column, "fresh") or []]
    assert not more
    assert sorted(tuple(span) for span, _ in file.edits) == sorted(marked)
    assert {new for _, new in file.edits} == {"fresh"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("lua", "goto nowhe▮re"),
        ("lua", "do goto ou▮t end\nlocal function f() ::out:: end"),
        ("lua", "local a = '::tex▮t::'"),
        ("javascript", "const o = { ke▮y: {} };"),
        ("javascript", "for (;;) { break nowhe▮re; }"),
    ],
)
def test_what_is_no_label_has_no_places(spell: Spell, language: str, text: str) -> None:
    here = spell(language, text)
    assert label(*here.at) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [("lua", "::taken::\n::me▮::\ngoto me"), ("javascript", "taken: for (;;) break taken;\nme▮: for (;;) break me;")],
)
def test_a_label_is_not_renamed_to_one_that_is_there_or_to_no_name(spell: Spell, language: str, text: str) -> None:
    here = spell(language, text)
    with pytest.raises(CannotRename, match="there is a label 'taken' already"):
        rename(here.snapshot, here.line, here.column, "taken")
    with pytest.raises(CannotRename, match="is no name"):
        rename(here.snapshot, here.line, here.column, "a b")
