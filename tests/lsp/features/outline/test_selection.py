"""What a selection grows to, from `▮` on."""

from __future__ import annotations

from itertools import pairwise

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.features.selection import selection
from llmspell_lsp.workspace.snapshot import Snapshot

CASES: list[tuple[str, str, str, list[str]]] = [
    ("argument", "lua", "print(one, tw▮o)", ["two", "one, two", "(one, two)", "print(one, two)"]),
    ("argument", "javascript", "f(one, tw▮o)", ["two", "one, two", "(one, two)", "f(one, two)"]),
    ("text", "lua", 'local a = "on▮e two"', ["one", "one two", '"one two"', 'local a = "one two"']),
    ("text", "javascript", "let a = 'on▮e two'", ["one", "one two", "'one two'", "let a = 'one two'"]),
    ("reference", "lua", 'x = "do {{pl▮an.a}} now"', ["plan", "{{plan.a}}", "do {{plan.a}} now", '"do {{plan.a}} now"', 'x = "do {{plan.a}} now"']),
    ("reference", "javascript", "x = 'do {{pl▮an}} now'", ["plan", "{{plan}}", "do {{plan}} now", "'do {{plan}} now'", "x = 'do {{plan}} now'"]),
    ("option", "lua", "f({ na▮me = 1 })", ["name", "name = 1", " name = 1 ", "{ name = 1 }", "({ name = 1 })", "f({ name = 1 })"]),
    ("option", "javascript", "f({ na▮me: 1 })", ["name", "name: 1", " name: 1 ", "{ name: 1 }", "({ name: 1 })", "f({ name: 1 })"]),
    ("function", "lua", "local function f()\n  go▮()\nend", ["go", "go()", "\n  go()\n", "local function f()\n  go()\nend"]),
    ("function", "javascript", "function f() {\n  go▮();\n}", ["go", "go()", "go();", "{\n  go();\n}", "function f() {\n  go();\n}"]),
    ("member", "lua", "a.b.c▮d = 1", ["cd", "a.b.cd", "a.b.cd = 1"]),
    ("comment", "lua", "x = 1 -- on▮e two", ["one", "-- one two", "x = 1 -- one two"]),
    ("comment", "javascript", "x = 1; // on▮e two", ["one", "// one two", "x = 1; // one two"]),
    ("nothing", "lua", "x = 1\n▮\n\ny = 2", ["", "x = 1\n\n\ny = 2"]),
    ("empty file", "javascript", "▮", [""]),
    ("wide characters", "lua", 'x = "😀 na▮me"', ["name", "😀 name", '"😀 name"', 'x = "😀 name"']),
]  # fmt: skip


@pytest.mark.parametrize(("construct", "language", "text", "expected"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_a_selection_grows(construct: str, language: str, text: str, expected: list[str]) -> None:
    before = text.partition("▮")[0]
    document = Document("file:///a", "lua" if language == "lua" else "javascript", 1, text.replace("▮", ""))
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    spans = selection(Snapshot(document), line, column)
    assert [document.between(*span) for span in spans] == expected
    for inner, outer in pairwise(spans):
        assert outer[:2] <= inner[:2] and inner[2:] <= outer[2:] and inner != outer
