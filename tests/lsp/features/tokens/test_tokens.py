"""Semantic tokens: what a name is coloured as, in both languages, and after edits far away."""

from __future__ import annotations

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.features import semantic_tokens as feature
from llmspell_lsp.protocol.requests import tokens as request
from llmspell_lsp.workspace.snapshot import Snapshot

OURS = "defaultLibrary"

#: A line each: the word at `▮` has this kind and these modifiers; "" where it must have no token.
CASES: list[tuple[str, str, str, str]] = [
    ("local", "lua", "local top▮ic = 1", "variable declaration"),
    ("local", "javascript", "let top▮ic = 1;", "variable declaration"),
    ("use of a local", "lua", "local topic = 1\nprint(top▮ic)", "variable"),
    ("constant", "lua", "local top▮ic <const> = 1", "variable declaration readonly"),
    ("constant", "javascript", "const topic = 1;\nf(top▮ic);", "variable readonly"),
    ("parameter", "lua", "local function f(na▮me) end", "parameter declaration"),
    ("parameter", "javascript", "function f(name) { return na▮me; }", "parameter"),
    ("pattern", "javascript", "const { a, b: [na▮me] } = f();", "variable declaration readonly"),
    ("function", "lua", "local function gre▮et() end", "function declaration"),
    ("function", "javascript", "async function greet() {}\ngre▮et();", "function async"),
    ("global function", "lua", "function greet() end\n\n\ngre▮et()", "function"),
    ("function in a variable", "javascript", "const gre▮et = async () => 1;", "function declaration readonly async"),
    ("deprecated", "lua", "---@deprecated\nlocal function greet() end\ngre▮et()", "function deprecated"),
    ("deprecated", "javascript", "/** @deprecated */\nfunction greet() {}\n\ngre▮et();", "function deprecated"),
    ("class of the registry", "lua", "local a = Ag▮ent.new({})", f"class {OURS}"),
    ("class of the registry", "javascript", "const a = new Ag▮ent({});", f"class {OURS}"),
    ("a local of that name", "lua", "local Agent = 1\nprint(Ag▮ent)", "variable"),
    ("maker", "lua", "local a = Agent.n▮ew({})", f"method {OURS}"),
    ("method of the registry", "lua", "local a = Agent.new({})\n\n\na:ch▮at('x')", f"method {OURS}"),
    ("method of the registry", "javascript", "const a = new Agent({});\n\n\nawait a.ch▮at('x');", f"method {OURS}"),
    ("namespace of the registry", "lua", "Ho▮oks.register('before_tool_call', f)", f"namespace {OURS}"),
    ("namespace of the registry", "javascript", "event▮Bus.emit('x', {});", f"namespace {OURS}"),
    ("library of the language", "lua", "str▮ing.upper('x')", f"namespace {OURS}"),
    ("function of the language", "lua", "pri▮nt(1)", f"function {OURS}"),
    ("function of a library", "lua", "string.up▮per('x')", f"method {OURS}"),
    ("library of the language", "javascript", "JS▮ON.parse('1');", f"namespace {OURS}"),
    ("class of the language", "javascript", "new M▮ap();", f"class {OURS}"),
    ("class by extend", "lua", "local R = BaseAgent:extend({})\nlocal r = R▮.new({})", "class"),
    ("class by extends", "javascript", "class R extends BaseAgent {}\nnew R▮({});", "class"),
    ("method of a class", "javascript", "class R { static async d▮ig() {} }", "method declaration static async"),
    ("property of a class", "javascript", "class R { si▮ze = 1; }", "property declaration"),
    ("method that is added", "lua", "local M = {}\nfunction M.lo▮ad() end", "method declaration"),
    ("field", "lua", "local m = { size = 1 }\nprint(m.si▮ze)", "property"),
    ("field", "javascript", "const m = { size: 1 };\nf(m.si▮ze);", "property"),
    ("key of a table", "lua", "local m = { si▮ze = 1 }", "property declaration"),
    ("key that is a function", "javascript", "const m = { lo▮ad() {} };", "method declaration"),
    ("short key", "javascript", "const a = 1;\nconst m = { a▮ };", "variable readonly"),
    ("option", "lua", "Agent.new({ na▮me = 'x' })", f"property {OURS}"),
    ("option", "javascript", "new Agent({ system▮Prompt: 'x' });", f"property {OURS}"),
    ("option of a step", "lua", "Workflow.sequential({ steps = { { out▮put = 'x' } } })", f"property {OURS}"),
    ("hook point", "lua", "Hooks.register('before_▮tool_call', f)", f"event {OURS}"),
    ("hook point", "javascript", "Hooks.register('before▮ToolCall', f);", f"event {OURS}"),
    ("event", "lua", "eventBus.on('order▮:placed', f)", "event"),
    ("event", "javascript", "eventBus.on('order▮:placed', f);", "event"),
    ("text like any other", "lua", "print('before_▮agent_execution')", ""),
    ("reference", "lua", "local t = 'Write on {{pl▮an.title}}'", "variable"),
    ("reference", "javascript", "const t = 'Write on {{ pl▮an }}';", "variable"),
    ("reference on a later line", "lua", "local t = [[\n  on {{pl▮an}}\n]]", "variable"),
    ("braces that are none", "lua", "local t = '{{1 + ▮2}}'", ""),
    ("imported", "javascript", "import { a } from './m.js';\na▮();", "variable readonly"),
    ("self", "lua", "function M:go() return se▮lf end", "parameter"),
    ("nobody knows", "lua", "print(whoe▮ver)", ""),
    ("nobody knows", "javascript", "f(whoe▮ver);", ""),
    ("keyword", "lua", "loc▮al x = 1", ""),
    ("keyword", "javascript", "con▮st x = 1;", ""),
    ("comment", "lua", "-- Ag▮ent", ""),
]  # fmt: skip


def told(snapshot: Snapshot) -> dict[tuple[int, int], tuple[int, str]]:
    found: dict[tuple[int, int], tuple[int, str]] = {}
    for placed, tokens in feature.semantic_tokens(snapshot):
        for token in tokens:
            words = [each for bit, each in enumerate(feature.MODIFIERS) if token.modifiers >> bit & 1]
            place = (token.line + placed.start, token.column)
            assert place not in found
            found[place] = (token.length, " ".join([feature.KINDS[token.kind], *words]))
    return found


def at(found: dict[tuple[int, int], tuple[int, str]], line: int, column: int) -> str:
    covers = [kind for (row, start), (size, kind) in found.items() if row == line and start <= column <= start + size]
    assert len(covers) <= 1
    return covers[0] if covers else ""


@pytest.mark.parametrize(("construct", "language", "text", "expected"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_a_name_is_coloured(construct: str, language: str, text: str, expected: str) -> None:
    before = text.partition("▮")[0]
    document = Document("file:///a", "lua" if language == "lua" else "javascript", 1, text.replace("▮", ""))
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    assert at(told(Snapshot(document)), line, column) == expected


def test_what_a_name_means_far_below_changes_with_its_declaration() -> None:
    document = Document("file:///a.lua", "lua", 1, "local a = Agent.new({})\n\n\nlocal b = a\n\n\nb:chat('x')")
    snapshot = Snapshot(document)
    assert at(told(snapshot), 6, 3) == f"method {OURS}"
    document.edit(0, 10, 0, 15, "other")
    assert at(told(snapshot), 6, 3) == "method"
    document.edit(0, 10, 0, 15, "Agent")
    assert at(told(snapshot), 6, 3) == f"method {OURS}"
    document.edit(2, 0, 2, 0, "local b = 1\n")
    assert at(told(snapshot), 7, 3) == f"method {OURS}"
    document.edit(5, 0, 5, 0, "local b = 1\n")
    assert at(told(snapshot), 8, 3) == "method"


def test_a_part_has_the_tokens_of_its_chunks_alone() -> None:
    text = "\n\n".join(f"local a{n} = {n}" for n in range(50))
    snapshot = Snapshot(Document("file:///a.lua", "lua", 1, text))
    found = [placed.start for placed, _ in feature.semantic_tokens(snapshot, 20, 24)]
    assert found and min(found) >= 17 and max(found) <= 24


def test_the_legend_is_what_the_tokens_are_numbered_by() -> None:
    assert request.TYPES == feature.KINDS
    assert request.MODIFIERS == feature.MODIFIERS
