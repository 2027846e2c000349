"""What folds: line numbers from 1, both languages."""

from __future__ import annotations

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.features.folding import folds
from llmspell_lsp.workspace.snapshot import Snapshot

CASES: list[tuple[str, str, str, list[str]]] = [
    ("function", "lua", "function f(a)\n  x()\nend", ["1-2"]),
    ("function", "javascript", "const f = async (a) => {\n  x();\n};", ["1-2"]),
    ("function with its parameters on lines", "lua", "function f(a,\n  b)\n  x()\nend", ["2-3"]),
    ("if", "lua", "if a then\n  x()\nelseif b then\n  y()\nelse\n  z()\nend", ["1-2", "3-4", "5-6"]),
    ("if", "javascript", "if (a) {\n  x();\n} else if (b) {\n  y();\n} else {\n  z();\n}", ["1-2", "3-4", "5-6"]),
    ("loops", "lua", "for i = 1, 2 do\n  x()\nend\nrepeat\n  x()\nuntil a\nwhile b do\n  y()\nend", ["1-2", "4-5", "7-8"]),
    ("loops", "javascript", "for (const a of b) {\n  x();\n}\nwhile (a) {\n  y();\n}", ["1-2", "4-5"]),
    ("try", "javascript", "try {\n  x();\n} catch (e) {\n  y();\n} finally {\n  z();\n}", ["1-2", "3-4", "5-6"]),
    ("switch", "javascript", "switch (a) {\n  case 1:\n    x();\n}", ["1-3"]),
    ("table", "lua", "local t = {\n  a = {\n    1,\n  },\n}", ["1-4", "2-3"]),
    ("table", "javascript", "const t = {\n  a: [\n    1,\n  ],\n};", ["1-4", "2-3"]),
    ("call", "lua", "local a = Agent.new({\n  name = 'x',\n})", ["1-2"]),
    ("call", "javascript", "const a = new Agent({\n  name: 'x',\n});", ["1-2"]),
    ("class", "javascript", "class A {\n  m() {\n    x();\n  }\n}", ["1-4", "2-3"]),
    ("class", "lua", "local R = BaseAgent:extend({\n  m = function()\n    x()\n  end,\n})", ["1-4", "2-3"]),
    ("long text", "lua", "local s = [[\n  a\n  b\n]]", ["1-3"]),
    ("long text", "javascript", "const s = `\n  a\n  b\n`;", ["1-3"]),
    ("text in a call", "javascript", "f(`a\n  b`);", ["1-2"]),
    ("comments", "lua", "-- a\n-- b\nlocal x = 1\n--[[ c\nd ]]", ["1-2 comment", "4-5 comment"]),
    ("comments", "javascript", "// a\n// b\nlet x = 1;\n/* c\nd */", ["1-2 comment", "4-5 comment"]),
    ("comments apart", "lua", "-- a\n\n-- b\nlocal x = 1", []),
    ("imports", "lua", "local a = require('a')\nlocal b = require('b').c\nlocal d = 1", ["1-2 imports"]),
    ("imports", "javascript", "import a from 'a';\nimport { b } from 'b';\nlet c;", ["1-2 imports"]),
    ("region", "lua", "--#region one\nx()\n-- #region two\ny()\n--#endregion\n--#endregion", ["1-6 region", "3-5 region"]),
    ("region", "javascript", "//#region one\nx();\n//#endregion\n//#endregion", ["1-3 region"]),
    ("region without an end", "lua", "--#region one\nx()", []),
    ("half typed", "lua", "local t = {\n  a = 1,\n\nlocal function f()\n  x()\nend", ["1-2", "4-5"]),
    ("one line", "lua", "local t = { 1, 2 }", []),
    ("workflow", "lua", "local w = Workflow.sequential({ steps = {\n  { agent = a },\n  {\n    agent = b,\n  },\n} })", ["1-5", "3-4"]),
    ("workflow", "javascript", "const w = Workflow.sequential({ steps: [\n  { agent: a },\n  {\n    agent: b,\n  },\n] });", ["1-5", "3-4"]),
]  # fmt: skip


def snapshot(language: str, text: str) -> Snapshot:
    return Snapshot(Document("file:///a", "lua" if language == "lua" else "javascript", 1, text))


@pytest.mark.parametrize(("construct", "language", "text", "expected"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_folds(construct: str, language: str, text: str, expected: list[str]) -> None:
    found = folds(snapshot(language, text))
    assert [f"{each.line + 1}-{each.end + 1} {each.kind}".strip() for each in found] == expected
    lines = text.split("\n")
    for each in found:
        assert each.line < each.end <= each.close < len(lines)
        assert 0 <= each.column <= len(lines[each.close])


def test_a_client_with_a_limit_gets_the_largest() -> None:
    text = "local t = {\n  a = {\n    1,\n  },\n}\nlocal u = {\n  1,\n}"
    assert [(each.line, each.end) for each in folds(snapshot("lua", text), 1)] == [(0, 3)]
    assert folds(snapshot("lua", text), 0) == []
