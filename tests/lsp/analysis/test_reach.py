"""The numbers of `reach` are those of a fresh reading, as far as equality goes: chunks that see the same have the same."""

from __future__ import annotations

import random

from llmspell_lsp.analysis.reach import Reach
from llmspell_lsp.analysis.scope import Analysis
from llmspell_lsp.documents.document import Document

LINES = ["local a = 1", "local b = a", "b.x = a", "print(b)", "function go() return stop() end", "function stop() go() end", "c = 1", "print(c, a)", "-- d", "local m = require('m')", "m.f()"]  # fmt: skip


def numbers(document: Document, world: object = None) -> list[int]:
    reach = Reach.of(Analysis.of(document), world)
    return [reach.number(index) for index in range(len(reach.placed))]


def at(document: Document, line: int, world: object = None) -> int:
    reach = Reach.of(Analysis.of(document), world)
    return next(reach.number(index) for index, place in enumerate(reach.placed) if place.start <= line < place.end)


def test_a_change_is_seen_by_those_that_use_it_and_no_others() -> None:
    document = Document("file:///a.lua", "lua", 1, "local a = 1\nlocal b = 2\nlocal c = a\nprint(c)\nprint(b)")
    before = [at(document, line) for line in range(5)]
    document.edit(0, 10, 0, 11, "3")
    after = [at(document, line) for line in range(5)]
    assert [was == now for was, now in zip(before, after, strict=True)] == [False, True, False, False, True]
    document.edit(0, 10, 0, 11, "1")
    assert [at(document, line) for line in range(5)] == before


def test_a_declaration_between_changes_what_is_below_it() -> None:
    document = Document("file:///a.lua", "lua", 1, "local a = 1\nprint(a)\n\nprint(a, 2)")
    before = at(document, 3)
    document.edit(2, 0, 2, 0, "local a = 2")
    assert at(document, 3) != before


def test_another_file_is_seen_by_what_imports_it() -> None:
    document = Document("file:///a.lua", "lua", 1, "local m = require('m')\nlocal x = 1\nm.go()\nprint(x)")
    before = [at(document, line, "one") for line in range(4)]
    after = [at(document, line, "two") for line in range(4)]
    assert [was == now for was, now in zip(before, after, strict=True)] == [False, True, False, True]


def test_followed_and_fresh_tell_the_same_chunks_apart() -> None:
    dice = random.Random(3)
    document = Document("file:///a.lua", "lua", 1, "\n".join(dice.choices(LINES, k=12)))
    seen: dict[str, dict[int, int]] = {}
    for _ in range(300):
        row = dice.randrange(len(document.lines))
        if dice.random() < 0.5:
            document.edit(row, 0, row, 0, dice.choice(LINES) + "\n")
        else:
            document.edit(row, 0, row + 1, 0, "")
        followed = numbers(document)
        fresh = Document("file:///a.lua", "lua", 1, document.text)
        # Chunks of the fresh document are other objects: what must agree is which of them are equal in what they see.
        ours = [followed.index(number) for number in followed]
        theirs = numbers(fresh)
        assert ours == [theirs.index(number) for number in theirs]
        again = seen.setdefault(document.text, dict(enumerate(followed)))
        assert again == dict(enumerate(followed))
