"""What is being typed at `▮`."""

from __future__ import annotations

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.syntax.chunks import Chunks
from llmspell_lsp.syntax.context import Context, context
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.syntax.skeleton import ScriptLanguage

AGENT = 'local a = Agent.new {\n  name = "x",\n  '


def at(language: ScriptLanguage, marked: str) -> tuple[Context, Document]:
    before, _, after = marked.partition("▮")
    document = Document("u", language, 1, before + after)
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    return context(Chunks(document), line, column), document


def told(language: ScriptLanguage, marked: str) -> str:
    """`kind prefix<after receiver | frames`: as short as a table of cases needs it."""
    found, document = at(language, marked)

    def text(span: Span | None) -> str:
        return "" if span is None else document.between(*span).replace("\n", "⏎")

    words = ["key" if found.at_key else found.kind]
    if found.prefix:
        words.append(found.prefix)
    if found.text is not None:
        words.append(f"{found.text.quote}{found.text.before}".replace("\n", "⏎"))
    if found.kind == "member":
        words.append(text(found.receiver) + found.mark)
    elif found.after:
        words.append(f"<{found.after}")
    for frame in found.frames:
        name = {"call": text(frame.callee), "table": frame.key or "", "names": "", "pattern": ""}.get(frame.kind, "")
        new = "new " if frame.constructs else ""
        words.append(f"| {frame.kind} {new}{name} {frame.argument}".replace("  ", " "))
    return " ".join(words)


LUA = [
    (AGENT + "mo▮\n", "key mo <, | table 1 | call Agent.new 0"),
    (AGENT + "model = ▮\n}\n", "code <= | table model 1 | call Agent.new 0"),
    ('Agent.new { name = "▮" }', 'text " <= | table name 0 | call Agent.new 0'),
    ("a.b:c(1, { x = 2 }, ▮)", "code <, | call a.b:c 2"),
    ("agent:▮\nprint(1)", "member agent:"),
    ("agent:ch▮at(1)", "member ch agent:"),
    ('x = foo("a").b[1].▮', 'member foo("a").b[1].'),
    ('x = f { a = 1 }\n  :g("x"):▮', 'member f { a = 1 }⏎  :g("x"):'),
    ("f { hooks = { before = function(c) c.▮ end } }", "member c."),
    ('Hooks.on("▮"', 'text " <( | call Hooks.on 0'),
    ('t = { ["k"] = ▮ }', "code <= | table k 0"),
    ("-- abc▮", "comment"),
    ("--[[ x\n ▮ ]]", "comment"),
    ("local x▮", "code x <local"),
    ("local function f▮", "code f <function"),
    ("goto d▮", "code d <goto"),
    ('print("a" .. ▮)', "code <.. | call print 0"),
    ("x = [[\nabc {{▮}}\n]]", "text [[⏎abc {{ <="),
    ('("x"):r▮', 'member r ("x"):'),
    ("f(function() end, ▮", "code <, | call f 1"),
    ("f(function() return ▮ end)", "code <return"),
    ('Agent.new { tools = { Tool.get("a"), ▮', "key <, | table 1 | table tools 0 | call Agent.new 0"),
    ('f "a▮"', 'text "a <name | call f 0'),
    ("x = {\n\n a = 1, b = g{ c = ▮ },", "code <= | table c 0 | call g 0 | table b 1"),
    ("x = {\n a = f(1,\n▮", "code <, | call f 1 | table a 0"),
    ("x = 12▮", "number <="),
    ("local a = {\n  b = {\n\nlocal c = ▮", "code <="),
    ("local function f(a, ▮)", "code <, | group 1"),
    ("t[▮]", "code <[ | index 0"),
    ("if a == ▮ then", "code <=="),
    ("", "code"),
    ('x = "😀" .. a.b▮', "member b a."),
]
JAVASCRIPT = [
    ('const a = new Agent({ name: "x", ▮ })', "key <, | table 1 | call new Agent 0"),
    ("new Agent({ model: ▮", "code <: | table model 0 | call new Agent 0"),
    ("a?.b(1, ▮)", "code <, | call a?.b 1"),
    ("a?.▮", "member a?."),
    ("a?.[0].▮", "member a?.[0]."),
    ("f?.(▮", "code <( | call f 0"),
    ("foo(() => { const q = ▮ })", "code <="),
    ("foo((a) => ▮)", "code <=> | call foo 0"),
    ("`a ${b.▮} c`", "member b. | insert 0"),
    ("`a ${b} {{▮", "text `a ${b} {{"),
    ("f(`a ${g({ h: `${i}` })}\n{{▮`)", "text `a ${g({ h: `${i}` })}⏎{{ <( | call f 0"),
    ('import { A▮ } from "x"', "code A <{ | names 0"),
    ('import x from "▮"', 'text " <from'),
    ('import("▮")', 'text " <( | call import 0'),
    ("const { a, ▮ } = x", "code <, | pattern 1"),
    ("new ▮", "code <new"),
    ("if (x) { y.▮", "member y."),
    ("await agent.ch▮", "member ch agent."),
    ("new Agent({}).▮", "member new Agent({})."),
    ("(await x).▮", "member (await x)."),
    ("x ? y : z.▮", "member z."),
    ("[1, ▮]", "code <, | array 1"),
    ("f({ async a(x) { x.▮ } })", "member x."),
    ("class A extends B { m() { this.▮", "member this."),
    ('f({ "a": ▮', "code <: | table a 0 | call f 0"),
    ("agent.chat(`\nhello\n{{▮", "text `⏎hello⏎{{ <( | call agent.chat 0"),
    ("x = { a, b▮", "key b <, | table 1"),
    ("/* a▮ */ b", "comment"),
    ("// a▮", "comment"),
    ("a // b\n▮", "code <name"),
    ("f(/x{/, ▮", "code <, | call f 1"),
    ("const t = { a: 1 };\nt.▮", "member t."),
]


@pytest.mark.parametrize(("marked", "expected"), LUA)
def test_what_is_typed_in_lua(marked: str, expected: str) -> None:
    assert told("lua", marked) == expected


@pytest.mark.parametrize(("marked", "expected"), JAVASCRIPT)
def test_what_is_typed_in_javascript(marked: str, expected: str) -> None:
    assert told("javascript", marked) == expected


def test_a_key_is_where_it_stands() -> None:
    found, document = at("lua", 'a = {\n  ["the key"] = ▮\n}')
    assert found.frames[0].key == "the key"
    assert found.frames[0].key_span is not None
    assert document.between(*found.frames[0].key_span) == '"the key"'


def test_the_word_is_all_of_the_name() -> None:
    found, document = at("lua", "print(na▮me)")
    assert (document.between(*found.word), found.prefix, found.line_start) == ("name", "na", False)
    assert at("lua", "  na▮me")[0].line_start


def test_a_table_of_ten_thousand_lines_is_given_up_and_not_hung_on() -> None:
    found, _ = at("lua", "x = {\n" + "  { a = f(1), b = { 2 } },\n" * 10_000 + "  ▮")
    assert found.frames == ()
