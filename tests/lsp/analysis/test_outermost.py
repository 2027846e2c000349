"""Names over all chunks, followed from version to version, are those of a fresh reading."""

from __future__ import annotations

import random

import pytest

from llmspell_lsp.analysis.outermost import Outermost
from llmspell_lsp.analysis.scope import Analysis
from llmspell_lsp.documents.document import Document, Language

LINES: dict[Language, list[str]] = {
    "lua": [
        "local a = 1",
        "local a, b = a",
        "b.x = a",
        "print(b)",
        "function go() return stop() end",
        "c = 1",
        "return c",
        "function b.f()",
        "end",
        "c, d = d, c",
        "-- e",
    ],
    "javascript": [
        "const a = 1",
        "let b = a",
        "b.x = a",
        "print(b)",
        "function go() { return stop(); }",
        "c = 1",
        "export { a }",
        "import d from 'd'",
        "class C {",
        "}",
        "d.x = c",
    ],
}


@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_followed_and_fresh_are_the_same(language: Language) -> None:
    dice = random.Random(7)
    lines = LINES[language]
    document = Document("file:///a", language, 1, "\n".join(dice.choices(lines, k=14)))
    outer = Analysis.of(document).outer
    for _ in range(400):
        for _ in range(dice.choice([1, 1, 1, 3])):
            row = dice.randrange(len(document.lines))
            if dice.random() < 0.5:
                document.edit(row, 0, row, 0, dice.choice(lines) + "\n")
            else:
                document.edit(row, 0, row + dice.choice([1, 2]), 0, "")
        analysis = Analysis.of(document)
        fresh = Outermost.read(analysis.placed)
        for part in ("declared", "assigned", "grown", "used", "apart"):
            assert getattr(analysis.outer, part) == getattr(fresh, part), part
        assert outer is not analysis.outer
        outer = analysis.outer


def test_an_older_version_stays_as_it_was() -> None:
    document = Document("file:///a.lua", "lua", 1, "local a = 1\nprint(a)\nprint(a)")
    older = Analysis.of(document).outer
    document.edit(0, 0, 0, 0, "local a = 2\n")
    assert [index for index, _ in Analysis.of(document).outer.declared["a"]] == [0, 1]
    assert [index for index, _ in older.declared["a"]] == [0]
    assert older.used["a"] == [1, 2]
