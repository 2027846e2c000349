"""Trees: what each construct of both languages is lowered to, where, and what is left of it half typed."""

from __future__ import annotations

import time
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell_lsp.syntax import nodes as n
from llmspell_lsp.syntax.lookup import parts, path, path_to, walk
from llmspell_lsp.syntax.parsing import expression, parse
from llmspell_lsp.syntax.skeleton import ScriptLanguage

EXAMPLES = sorted(Path(__file__).parents[3].glob("examples/*/spell.*"))
SCRIPTS: list[tuple[ScriptLanguage, str]] = [
    ("lua" if path.suffix == ".lua" else "javascript", path.read_text(encoding="utf-8"))
    for path in EXAMPLES
    if path.suffix in {".lua", ".js"}
]


def tree(language: ScriptLanguage, text: str) -> n.Tree:
    return parse(language, tuple(text.split("\n")))


def shown(value: object) -> str:
    """A node as `Kind(field=…)`, its places and what is empty left out."""
    if isinstance(value, list | tuple):
        return "[" + " ".join(shown(one) for one in value) + "]"
    if isinstance(value, n.Name):
        return value.text
    if isinstance(value, n.Text):
        return repr(value.value) if value.value is not None else f"`{value.raw}`{shown(value.inserts)}"
    if isinstance(value, n.Literal_):
        return str(value.value) if value.kind != "regex" else "regex"
    if isinstance(value, n.Member):
        return f"{shown(value.object)}{':' if value.method else '.'}{value.name}"
    if isinstance(value, n.Block):
        return shown(value.statements)
    if isinstance(value, n.Evaluate):
        return shown(value.value)
    if is_dataclass(value):
        told = [
            f"{field.name}={shown(getattr(value, field.name))}"
            for field in fields(value)
            if field.name not in {"span", "content", "raw", "commas"}
            and not field.name.endswith("_span")
            and getattr(value, field.name) not in ([], (), "", None, False)
        ]
        return f"{type(value).__name__}({', '.join(told)})"
    return repr(value) if not isinstance(value, str) else value


LUA = [
    ("local a <const>, b = 1, f()", "Declare(kind=local, targets=[Target(name=a, attribute=const) Target(name=b)], "
     "values=[1 Call(callee=f)])"),
    ("a, b.c = 1, nil", "Assign(targets=[a b.c], values=[1 None])"),
    ("local x", "Declare(kind=local, targets=[Target(name=x)])"),
    ("function a.b:c(x, ...) return x, ... end", "Assign(targets=[a.b:c], values=[Function(parameters=[Parameter(name=x) "
     "Parameter(name=..., rest=True)], body=[Return(values=[x ...], operator=return)], name=c, receiver=True)])"),
    ("local function f() end", "Declare(kind=function, targets=[Target(name=f)], values=[Function(body=[], name=f)])"),
    ("for i = 1, 10, 2 do f(i) end", "Branch(kind=for, bodies=[[Declare(kind=loop, targets=[Target(name=i)], "
     "values=[1 10 2], each=numbers) Call(callee=f, arguments=[i])]])"),
    ("for k, v in pairs(t) do end", "Branch(kind=for, bodies=[[Declare(kind=loop, targets=[Target(name=k) "
     "Target(name=v)], values=[Call(callee=pairs, arguments=[t])], each=in)]])"),
    ("if a then b() elseif c then d() else e() end", "Branch(kind=if, heads=[a c], bodies=[[Call(callee=b)] "
     "[Call(callee=d)] [Call(callee=e)]])"),
    ("repeat local x = f() until x", "Branch(kind=repeat, bodies=[[Declare(kind=local, targets=[Target(name=x)], "
     "values=[Call(callee=f)]) x]])"),
    ("while a do b() end", "Branch(kind=while, heads=[a], bodies=[[Call(callee=b)]])"),
    ("do local a end goto x ::x::", "Branch(kind=do, bodies=[[Declare(kind=local, targets=[Target(name=a)])]])"),
    ('t = { 1, a = 2, ["b"] = 3, [c] = 4; f }', "Assign(targets=[t], values=[Table(entries=[Entry(value=1) Entry(key=a, "
     "value=2) Entry(key=b, value=3) Entry(value=4, computed=c) Entry(value=f)], shape=table)])"),
    ('f{1} f"x" f[[y]]', "Call(callee=f, arguments=[Table(entries=[Entry(value=1)], shape=table)]) "
     "Call(callee=f, arguments=['x']) Call(callee=f, arguments=['y'])"),
    ('x = a["b"][c]', "Assign(targets=[x], values=[Index(object=a.b, key=c)])"),
    ("x = -a // 2 ~ 3 .. (b or not c)", "Assign(targets=[x], values=[Operation(operator=~, operands=[Operation("
     "operator=//, operands=[Operation(operator=-, operands=[a]) 2]) Operation(operator=.., operands=[3 "
     "Operation(operator=or, operands=[b Operation(operator=not, operands=[c])])])])])"),
    ("x = 0xFF + 1.5", "Assign(targets=[x], values=[Operation(operator=+, operands=[255 1.5])])"),
]  # fmt: skip
JAVASCRIPT = [
    ("const { a: { b = 1 }, c, ...d } = x, [e, , [f]] = y", "Declare(kind=const, targets=[Target(name=b, path=[a b], "
     "default=1) Target(name=c, path=[c]) Target(name=d, rest=True)], values=[x]) Declare(kind=const, "
     "targets=[Target(name=e, path=[0]) Target(name=f, path=[2 0])], values=[y])"),
    ("async function* f(x = 1, { y: z }, ...r) { yield x }", "Declare(kind=function, targets=[Target(name=f)], "
     "values=[Function(parameters=[Parameter(name=x, default=1) Parameter(pattern=Pattern(targets=[Target(name=z, "
     "path=[y])])) Parameter(name=r, rest=True)], body=[Operation(operator=yield, operands=[x])], name=f, is_async=True, "
     "is_generator=True)])"),
    ("class A extends B { static s = 1; #p; get g() {} async m(a) {} static { x } }", "Declare(kind=class, "
     "targets=[Target(name=A)], values=[Class(name=A, base=B, members=[ClassMember(name=s, value=1, static=True) "
     "ClassMember(name=#p) ClassMember(name=g, value=Function(body=[], name=g, receiver=True), accessor=get) "
     "ClassMember(name=m, value=Function(parameters=[Parameter(name=a)], body=[], name=m, is_async=True, receiver=True)) "
     "ClassMember(value=Function(body=[x], receiver=True), static=True)])])"),
    ('import a, { b as c } from "./m.js"', "Import(module='./m.js', targets=[Target(name=a, path=[default]) "
     "Target(name=c, path=[b])])"),
    ('import * as e from "x"', "Import(module='x', targets=[Target(name=e)])"),
    ("export const q = 1", "Export(declaration=Declare(kind=const, targets=[Target(name=q)], values=[1]))"),
    ("export default x", "Export(default=x)"),
    ("export { x as y }", "Export(names=[[x y]])"),
    ("for (const [k] of xs) f(k)", "Branch(kind=for, bodies=[[Declare(kind=loop, targets=[Target(name=k, path=[0])], "
     "values=[xs], each=of) Call(callee=f, arguments=[k])]])"),
    ("for (let i = 0; i < 1; i++) {}", "Branch(kind=for, bodies=[[Declare(kind=let, targets=[Target(name=i)], values=[0]) "
     "Operation(operator=<, operands=[i 1]) Operation(operator=++, operands=[i])]])"),
    ("try { a } catch ({ message }) { b } finally { c }", "Branch(kind=try, bodies=[[a] [Declare(kind=catch, "
     "targets=[Target(name=message, path=[message])]) b] [c]])"),
    ("if (a) b; else if (c) d; else { e }", "Branch(kind=if, heads=[a c], bodies=[[b] [d] [e]])"),
    ("switch (x) { case 1: y(); break; default: z() }", "Branch(kind=switch, heads=[x], bodies=[[1 Call(callee=y) "
     "Call(callee=z)]])"),
    ('f = async x => ({ a, "b": 1, [c]: 2, d() {}, ...e })', "Assign(targets=[f], values=[Function(parameters=[Parameter("
     "name=x)], body=[], is_async=True, arrow=True, arrow_value=Table(entries=[Entry(key=a, value=a) Entry(key=b, "
     "value=1) Entry(value=2, computed=c) Entry(key=d, value=Function(body=[], name=d, receiver=True)) Entry(value=e, "
     "spread=True)], shape=object))])"),
    ("a?.b?.[c]?.(d)", "Call(callee=Index(object=a.b, key=c), arguments=[d])"),
    ("new X(1); new Y", "Call(callee=X, arguments=[1], constructs=True) Call(callee=Y, constructs=True)"),
    ("`a ${b} c`; tag`x`; /re/g", "`a ${b} c`[b] Call(callee=tag, arguments=['x']) regex"),
    ("throw await x", "Return(values=[Await(value=x)], operator=throw)"),
    ("x ||= a ? typeof b : undefined", "Assign(targets=[x], values=[Operation(operator=?:, operands=[a Operation("
     "operator=typeof, operands=[b]) None])], operator=||=)"),
    ("[a, { b: c }] = d", "Assign(targets=[Table(entries=[Entry(value=a) Entry(value=Table(entries=[Entry(key=b, "
     "value=c)], shape=object))], shape=array)], values=[d])"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LUA)
def test_lua_is_lowered(text: str, expected: str) -> None:
    found = tree("lua", text)
    assert " ".join(map(shown, found.block.statements)) == expected
    assert found.problems == []


@pytest.mark.parametrize(("text", "expected"), JAVASCRIPT)
def test_javascript_is_lowered(text: str, expected: str) -> None:
    found = tree("javascript", text)
    assert " ".join(map(shown, found.block.statements)) == expected
    assert found.problems == []


@pytest.mark.parametrize("script", range(len(SCRIPTS)))
def test_names_stand_where_they_are_written(script: int) -> None:
    language, text = SCRIPTS[script]
    text = text.replace("e", "é").replace("--", "--😀", 1) if language == "javascript" else text.replace(" a ", " 😀 ")
    lines = text.split("\n")
    block = tree(language, text).block
    found = 0
    for node in walk(block):
        if isinstance(node, n.Name | n.Target):
            span, name = node.span, node.text if isinstance(node, n.Name) else node.name
        elif isinstance(node, n.Member):
            span, name = node.name_span, node.name
        else:
            continue
        assert lines[span.line][span.column : span.end_column].strip("\"'") == name
        found += 1
    assert found > 5


@pytest.mark.parametrize("script", range(len(SCRIPTS)))
def test_what_is_below_a_node_stands_within_it(script: int) -> None:
    language, text = SCRIPTS[script]
    block = tree(language, text).block
    for node in walk(block):
        for part in parts(node):
            assert node.span[:2] <= part.span[:2] <= part.span[2:] <= node.span[2:], (shown(node), shown(part))


HALF = [
    ("lua", "local function f(a)\n  local b = a.\n  local c = 1\n  return c\nend", ["f", "a", "b", "c"]),
    ("lua", "f(function(x)\n  if x.\n  local c = 1\nend)", ["x", "c"]),
    ("lua", "local a = {\n  b = function(c)\n    local d = {\n  end,\n  e = 1,\n}", ["a", "c", "d"]),
    ("lua", "local function f()\n  for k, v in pairs(t\n    local w = v\n  end\nend", ["f", "k", "v", "w"]),
    ("lua", 'local a = f("x\nlocal b = 1', ["a", "b"]),
    ("lua", "local", [""]),
    ("lua", "local function f()\n  local x = {\n    a = 1\n  }\n  x.\nend", ["f", "x"]),
    (
        "lua",
        "local function f()\n  local x = 1\n  x.y\n  local z\n  x.y:\n  x.y:z\n  local w\nend",
        ["f", "x", "z", "w"],
    ),
    ("lua", "if a then\n  local b\n  c.\nelse\n  local d\nend", ["b", "d"]),
    ("javascript", "function f(a) {\n  const b = a.\n  const c = 1;\n}", ["f", "a", "b", "c"]),
    ("javascript", "on('x', (a) => {\n  const b = `${a\n  const c = 1;\n});", ["a", "b", "c"]),
    ("javascript", "const a = {\n  b: 1,\n  c:\n};\nlet d = 1", ["a", "d"]),
    ("lua", "f(function(a) a. end)\nf(function(b) b:c end)\nf(a, function(c) c.d end, )", ["a", "b", "c"]),
    ("lua", "local a = { b = , c = f(d., ) }\nlocal e", ["a", "e"]),
    ("lua", "local function f(a)\n  if then\n  local b\n  end\nend", ["f", "a", "b"]),
    ("javascript", "f((a) => )", ["a"]),
    ("javascript", "f(({ a }, b) => a.);\nconst c = { d: , e: `${}` };\nlet g", ["", "a", "b", "c", "g"]),
    ("javascript", "if (a.b\n  const c = 1;\n}\nlet d = 1", ["c", "d"]),
]


@pytest.mark.parametrize(("language", "text", "expected"), HALF)
def test_a_half_typed_line_does_not_cost_the_names_around_it(
    language: ScriptLanguage, text: str, expected: list[str]
) -> None:
    found = tree(language, text)
    assert found.problems
    names = [node.name for node in walk(found.block) if isinstance(node, n.Target | n.Parameter)]
    assert names == expected


def test_what_waits_for_a_name_is_a_member_without_one() -> None:
    found = tree("lua", "local a = f(b.\nprint(c)\nlocal d = e:\n")
    members = [node for node in walk(found.block) if isinstance(node, n.Member)]
    assert [(shown(node.object), node.name, node.name_span) for node in members] == [
        ("b", "", n.Span(0, 14, 0, 14)),
        ("e", "", n.Span(2, 12, 2, 12)),
    ]


@pytest.mark.parametrize(
    ("language", "text", "missing"),
    [("lua", "f(1", ")"), ("javascript", "if (a) { b", "}")],
)
def test_problems_say_what_is_missing(language: ScriptLanguage, text: str, missing: str) -> None:
    assert missing in [problem.missing for problem in tree(language, text).problems]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(range(len(SCRIPTS))), st.floats(0, 1), st.floats(0, 1), st.text(max_size=4))
def test_any_cut_and_any_text_gives_a_tree(script: int, first: float, last: float, new: str) -> None:
    language, text = SCRIPTS[script]
    start, end = sorted((int(first * len(text)), int(last * len(text))))
    for cut in (text[:start], text[:start] + new + text[end:], new + text[start:end]):
        lines = cut.split("\n")
        for node in walk(tree(language, cut).block):
            line, column, end_line, end_column = node.span
            assert 0 <= line <= end_line < len(lines)
            assert column <= len(lines[line])
            assert end_column <= len(lines[end_line])


@given(st.text(max_size=40), st.sampled_from(["lua", "javascript"]))
def test_any_bytes_give_a_tree(text: str, language: ScriptLanguage) -> None:
    assert tree(language, text.replace("\r", "")).block.span.line == 0


@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize("opener", ["(", "{", "[", "f(", "a.", "-", "x = {", "if a then ", "`${", "() => {", "!"])
def test_depth_is_no_danger(language: ScriptLanguage, opener: str) -> None:
    start = time.monotonic()
    tree(language, opener * 3000)
    assert time.monotonic() - start < 5


def test_comments_and_docs() -> None:
    found = tree("lua", "---@param a string\n--- what it does\nlocal function f(a) end -- after\n--[[ block ]]")
    assert [comment.text for comment in found.comments] == ["@param a string", "what it does", "after", "block"]
    match found.block.statements:
        case [n.Declare(doc=doc)]:
            assert doc == "@param a string\nwhat it does"
        case other:
            raise AssertionError(other)
    found = tree("javascript", "/**\n * @param {string} a\n */\nexport function f(a) {}\n// plain\nconst b = 1")
    docs = [node.doc for node in walk(found.block) if isinstance(node, n.Declare)]
    assert docs == ["@param {string} a", "plain"]


def test_paths() -> None:
    block = tree("lua", "f({ a = b.c })").block
    assert [type(node).__name__ for node in path(block, 0, 8)] == [
        *["Block", "Evaluate", "Call", "Table", "Entry", "Member", "Name"]
    ]


def test_the_path_to_a_node() -> None:
    from llmspell_lsp.syntax.chunks import Chunk

    chunk = Chunk("javascript", ("f(() => ({ a: b }))",))
    name = next(node for node in walk(chunk.tree.block) if isinstance(node, n.Name) and node.text == "b")
    assert [type(node).__name__ for node in path_to(chunk, name)] == [
        *["Block", "Evaluate", "Call", "Function", "Table", "Entry", "Name"]
    ]


def test_an_expression_by_itself_has_places_of_the_file() -> None:
    found = expression("lua", 'a:b("x",\n  c)', 7, 5)
    assert found is not None
    names = {node.text: node.span for node in walk(found) if isinstance(node, n.Name)}
    assert names == {"a": n.Span(7, 5, 7, 6), "c": n.Span(8, 2, 8, 3)}
    assert isinstance(expression("javascript", "{ a: 1 }", 0, 0), n.Table)
    assert expression("lua", "", 0, 0) is None
