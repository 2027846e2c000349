"""Names: what is visible at `▮`, what a name means, who uses a declaration."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell_lsp.analysis.scope import Analysis, Binding
from llmspell_lsp.analysis.unread import unread
from llmspell_lsp.documents.document import Document
from llmspell_lsp.syntax import nodes as n
from llmspell_lsp.syntax.lookup import walk
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.syntax.skeleton import ScriptLanguage

EXAMPLES = sorted(Path(__file__).parents[3].glob("examples/*/spell.*"))
SCRIPTS: list[tuple[ScriptLanguage, str]] = [
    ("lua" if path.suffix == ".lua" else "javascript", path.read_text(encoding="utf-8"))
    for path in EXAMPLES
    if path.suffix in {".lua", ".js"}
]


def analysis(language: ScriptLanguage, text: str) -> Analysis:
    return Analysis.of(Document("file:///spell", language, 1, text))


def marked(language: ScriptLanguage, text: str) -> tuple[Analysis, int, int]:
    before, _, after = text.partition("▮")
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    return analysis(language, before + after), line, column


def visible(language: ScriptLanguage, text: str) -> str:
    found, line, column = marked(language, text)
    return " ".join(sorted(f"{name}:{binding.kind}" for name, binding in found.visible(line, column).items()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("local a = ▮", ""),
        ("local function f()\n  local x = {\n    a = 1\n  }\n  x.▮\nend", "f:function x:local"),
        ("f(function(a)\n  local x = g {\n  }\n  print(x.▮)\nend)", "a:parameter x:local"),
        ("local a = 1\n▮", "a:local"),
        ("▮\nlocal a = 1", ""),
        ("local function f() ▮ end", "f:function"),
        ("local f = function() ▮ end", ""),
        ("local function f(a, ...)\n  do local b end\n  ▮\nend", "...:parameter a:parameter f:function"),
        ("for i = 1, 2 do ▮ end", "i:loop"),
        ("for k, v in pairs({}) do end\n▮", ""),
        ("function M:go() ▮ end", "self:self"),
        ("g = 1\nfunction h() end\n▮", "g:global h:global"),
        ("if a then local b = 1 ▮ else local c end", "b:local"),
        ("if a then local b = 1 else local c = 2 ▮ end", "c:local"),
        ("repeat local a = 1 until ▮", "a:local"),
        ("local function f()\n  return x▮\nend\nlocal x = 1", "f:function"),
    ],
)
def test_what_lua_sees(text: str, expected: str) -> None:
    assert visible("lua", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("▮\nfunction f() {}\nvar v = 1;\nlet l = 2;", "f:function v:var"),
        ("function f() { ▮ }\nlet l = 2;", "f:function l:let"),
        ("{ let a = 1; ▮ }\nlet b", "a:let"),
        ("{ let a = 1; var b }\n▮", "b:var"),
        ("const { a, b: { c }, ...d } = x;\n▮", "a:const c:const d:const"),
        ("f(({ a }, b = 1, ...c) => ▮)", "a:parameter b:parameter c:parameter"),
        ('import a, { b as c } from "m";\n▮', "a:import c:import"),
        ("try {} catch (e) { ▮ }", "e:catch"),
        ("for (const a of b) { ▮ }", "a:loop"),
        ("for (let i = 0; ▮; ) {}", "i:let"),
        ("const f = function g() { ▮ };", "f:const g:function"),
        ("class A { m(x) { ▮ } }", "A:class x:parameter"),
    ],
)
def test_what_javascript_sees(text: str, expected: str) -> None:
    # A name that is declared below is seen by functions alone: they run later.
    assert visible("javascript", text) == expected


def uses(language: ScriptLanguage, text: str) -> str:
    """The text, each place of the name at the mark in brackets; `=` before those that are written to."""
    found, line, column = marked(language, text)
    binding = found.binding_at(line, column)
    assert binding is not None
    lines = text.replace("▮", "").split("\n")
    for span, write, _ in sorted(found.references(binding), reverse=True):
        row = lines[span.line]
        sign = "=" if write else ""
        lines[span.line] = f"{row[: span.column]}{sign}[{row[span.column : span.end_column]}]{row[span.end_column :]}"
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("lua", "local ▮a = 1\nprint(a)\n\nf(function() return a end)", "local =[a] = 1\nprint([a])\n\nf(function() return [a] end)"),
        ("lua", "local a = 1\nlocal a = ▮a + 1\nprint(a)", "local =[a] = 1\nlocal a = [a] + 1\nprint(a)"),
        ("lua", "local ▮a = 1\na = 2", "local =[a] = 1\n=[a] = 2"),
        ("lua", "print(g)\ng = 1\n\nprint(▮g)", "print([g])\n=[g] = 1\n\nprint([g])"),
        ("lua", "local function f(▮a) local a = a end", "local function f(=[a]) local a = [a] end"),
        ("javascript", "f();\nfunction ▮f() { f }", "[f]();\nfunction =[f]() { [f] }"),
        ("javascript", "const { ▮a = 1 } = b;\na.a", "const { =[a] = 1 } = b;\n[a].a"),
        ("javascript", "let ▮a; { let a; a } a = 1", "let =[a]; { let a; a } =[a] = 1"),
        ("javascript", "({ b: ▮a } = {});\nlet a;\nx = { a }", "({ b: [a] } = {});\nlet =[a];\nx = { [a] }"),
        ("javascript", "f((...▮a) => a)", "f((...=[a]) => [a])"),
        ("javascript", "class ▮A { static m() { return A } }\nexport default A", "class =[A] { static m() { return [A] } }\nexport default [A]"),
    ],
)  # fmt: skip
def test_references(language: ScriptLanguage, text: str, expected: str) -> None:
    assert uses(language, text) == expected


def test_what_nothing_declares() -> None:
    found = analysis("lua", "local a = b\nfunction f(self) return self, c end\nd = d\n")
    assert [(name, span.line) for name, span, _ in found.unresolved()] == [("b", 0), ("c", 1)]
    found = analysis("javascript", "f(a, this, arguments);\nconst a = undefined;\n")
    assert [one.name for one in found.unresolved()] == ["f"]


def test_what_nothing_reads() -> None:
    found = analysis("lua", "local a = 1\nlocal b = 2\nb = 3\nlocal _c = 1\nlocal d = 1\nlocal function e(x) e(d) end")
    assert [binding.name for binding in unread(found)] == ["a", "b"]
    found = analysis("javascript", "export const a = 1;\nconst b = 2;\nconst c = 3, d = c;\nexport { d };\nlet e = (")
    assert [binding.name for binding in unread(found)] == ["b"]


def test_modules() -> None:
    found = analysis(
        "javascript", "const a = 1;\nexport { a as b };\nexport function f() {}\nexport default class C {}\n"
    )
    assert {name: binding and binding.name for name, (_, binding, _) in found.exports().items()} == {
        "b": "a",
        "f": "f",
        "default": "C",
    }
    found = analysis("lua", "local M = {}\nfunction M.a() return 1 end\n\nM.b = 2\nreturn M")
    module = found.binding_at(0, 6)
    assert module is not None
    assert [target.name for _, target, _, _ in found.assigned(module)] == ["a", "b"]
    assert [one.span.line for _, one in found.module_returns()] == [0]
    assert found.placed[-1].start == 4


def test_around_nodes() -> None:
    text = (
        "class A {\n  m() { f(() => this.x); function g() { this.y } }\n  static s() { this.z }\n}\nconst B = make({});"
    )
    found = analysis("javascript", text)
    told: dict[str, str | None] = {}
    for place in found.placed:
        for node in walk(place.chunk.tree.block):
            if isinstance(node, n.Member):
                around = found.enclosing_class(place, node.object)
                told[node.name] = around.name if around is not None else None
            if isinstance(node, n.Call) and isinstance(node.callee, n.Name) and node.callee.text == "make":
                assert found.named(place, node) == "B"
    assert told == {"x": "A", "y": None, "z": None}


def test_an_expression_before_a_dot_has_the_names_of_its_place() -> None:
    found = analysis("lua", "local a = 1\n\nlocal function f(b)\n  b.c(a).\nend")
    read = found.expression_at(Span(3, 2, 3, 8))
    assert read is not None
    place, node = read
    means = {one.text: found.resolve(place, one) for one in walk(node) if isinstance(one, n.Name)}
    assert {name: binding and binding.kind for name, binding in means.items()} == {"b": "parameter", "a": "local"}


def test_a_broken_chunk_keeps_the_names_it_had() -> None:
    document = Document("u", "javascript", 1, "function f() {\n  const { a, b } = g();\n  a\n}\n")
    assert set(Analysis.of(document).visible(2, 3)) == {"f", "a", "b"}
    document.edit(1, 10, 1, 23, "( {")
    broken = Analysis.of(document)
    assert {name: binding.former for name, binding in broken.visible(2, 3).items()} == {
        "f": False,
        "a": True,
        "b": True,
    }
    document.edit(1, 0, 1, 99, "")
    assert set(Analysis.of(document).visible(2, 3)) == {"f"}


def test_the_same_version_is_read_once() -> None:
    document = Document("u", "lua", 1, "local a = 1")
    first = Analysis.of(document)
    assert Analysis.of(document) is first
    document.edit(0, 0, 0, 0, " ")
    assert Analysis.of(document) is not first


def facts(found: Analysis) -> object:
    lines = range(0, len(found.document.lines), 3)
    return (
        [(one.name, one.span) for one in found.unresolved()],
        [(one.name, one.span) for one in unread(found)],
        [
            {name: (one.kind, one.span) for name, one in found.visible(line, 3).items() if not one.former}
            for line in lines
        ],
    )


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(range(len(SCRIPTS))), st.randoms(use_true_random=False))
def test_edits_leave_the_names_of_a_fresh_reading(script: int, rng: object) -> None:
    import random

    assert isinstance(rng, random.Random)
    language, text = SCRIPTS[script]
    document = Document("u", language, 1, text)
    Analysis.of(document)
    for _ in range(4):
        line = rng.randrange(len(document.lines))
        column = rng.randrange(len(document.lines[line]) + 1)
        document.edit(
            line, column, line, column + rng.choice([0, 0, 2]), rng.choice(["x", ".", "\n", "{", "end", "`", "]]"])
        )
        fresh = analysis(language, document.text)
        assert facts(Analysis.of(document)) == facts(fresh)


@pytest.mark.parametrize("script", range(len(SCRIPTS)))
def test_every_name_of_an_example_is_declared_once_and_found_from_each_use(script: int) -> None:
    language, text = SCRIPTS[script]
    found = analysis(language, text)
    for place in found.placed:
        for node in walk(place.chunk.tree.block):
            if not isinstance(node, n.Name):
                continue
            binding: Binding | None = found.resolve(place, node)
            if binding is None:
                continue
            here = node.span._replace(line=node.span.line + place.start, end_line=node.span.end_line + place.start)
            references = [one.span for one in found.references(binding)]
            assert here in references
            assert len(references) == len(set(references))
            assert found.binding_at(here.line, here.column) == binding
