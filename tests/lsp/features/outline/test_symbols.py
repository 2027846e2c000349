"""The outline of a spell: what is listed, under what, in both languages."""

from __future__ import annotations

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.features.symbols import Symbol, symbols
from llmspell_lsp.workspace.snapshot import Snapshot

CASES: list[tuple[str, str, str, list[str]]] = [
    ("function", "lua", "local function f(a, ...) end", ["f function (a, ...)"]),
    ("function", "javascript", "function f(a, ...b) {}", ["f function (a, ...b)"]),
    ("function in a variable", "lua", "local f = function(a) end", ["f function (a)"]),
    ("function in a variable", "javascript", "const f = async (a, { b }) => a;", ["f function (a, {…})"]),
    ("global function", "lua", "function go() end", ["go function ()"]),
    ("function of a table", "lua", "local M = {}\n\nfunction M.load(x) end", ["M table ", "M.load function (x)"]),
    ("method of a table", "lua", "function M:load() end", ["M:load method ()"]),
    ("function in a function", "lua", "local function f()\n  local g = function() end\n  local x = 1\nend", ["f function ()", "  g function ()"]),
    ("function in a function", "javascript", "function f() {\n  const g = () => 1;\n  let x = 1;\n}", ["f function ()", "  g function ()"]),
    ("function in a block", "lua", "if x then\n  function go() end\nend", ["go function ()"]),
    ("class", "lua", "local R = BaseAgent:extend({\n  name = 'r',\n  dig = function(self, x) end,\n})", ["R class extends BaseAgent", "  dig method (self, x)"]),
    ("class", "javascript", "class R extends BaseAgent {\n  n = 1;\n  constructor(a) { super(a); }\n  async dig(x) {}\n  get size() { return 1; }\n}", ["R class extends BaseAgent", "  n property ", "  constructor constructor (a)", "  dig method (x)", "  size property get"]),
    ("class in a variable", "javascript", "const R = class extends Agent { m() {} };", ["R class extends Agent", "  m method ()"]),
    ("exported class", "javascript", "export default class R extends Agent {}", ["R class extends Agent"]),
    ("agent", "lua", "local a = Agent.new({ name = 'x' })", ["a agent Agent"]),
    ("agent", "javascript", "const a = new Agent({ name: 'x' });", ["a agent Agent"]),
    ("agent without a variable", "lua", "list[1] = Agent.new({ name = 'x' })", ["x agent Agent"]),
    ("agent without a variable", "javascript", "list.push(new Agent({ name: 'x' }));", ["x agent Agent"]),
    ("tool", "lua", "Tool.define({ name = 't', execute = function(p) end })", ["t tool Tool", "  execute method (p)"]),
    ("tool", "javascript", "const t = Tool.define({ name: 't', execute: (p) => p });", ["t tool Tool", "  execute method (p)"]),
    ("workflow", "lua", "local w = Workflow.sequential({ steps = {\n  { name = 'plan', agent = a },\n  { agent = b, output = 'text' },\n  { tool = 'calculator' },\n} })", ["w workflow Workflow", "  plan step agent", "  text step agent", "  step_3 step tool"]),
    ("workflow", "javascript", "const w = Workflow.sequential({ steps: [\n  { name: 'plan', agent: a },\n  { name: 'both', type: 'parallel', steps: [{ agent: b, output: 'text' }] },\n] });", ["w workflow Workflow", "  plan step agent", "  both step parallel", "    text step agent"]),
    ("workflow without a name", "lua", "Workflow.parallel({ steps = { { agent = a } } }):run()", ["parallel workflow Workflow", "  step_1 step agent"]),
    ("hook", "lua", "Hooks.register('before_tool_call', function(c) end)", ["before_tool_call hook on"]),
    ("hook", "javascript", "Hooks.register('beforeToolCall', (c) => { function deep() {} });", ["beforeToolCall hook on", "  deep function ()"]),
    ("event", "lua", "eventBus.on('order:placed', function(e) end)\neventBus.emit('order:placed', {})", ["order:placed event on"]),
    ("event", "javascript", "eventBus.on('order:placed', (e) => {});", ["order:placed event on"]),
    ("state", "lua", "State.set('draft', 1)", ["draft state "]),
    ("state", "javascript", "await State.set('draft', 1);", ["draft state "]),
    ("table", "lua", "local M = { a = 1, f = function() end, g = { h = function() end } }", ["M table ", "  a property ", "  f method ()", "  g property ", "    h method ()"]),
    ("table", "javascript", "const m = { a: 1, f() {}, g: { h: () => 1 } };", ["m table ", "  a property ", "  f method ()", "  g property ", "    h method ()"]),
    ("variables", "lua", "local a <const>, b = 1, 2\nc = 3", ["a constant ", "b variable ", "c variable "]),
    ("variables", "javascript", "const a = 1, { b, c: [d] } = f();\nlet e;", ["a constant ", "b constant ", "d constant ", "e variable "]),
    ("deprecated", "lua", "---@deprecated\nlocal function f() end", ["f function () deprecated"]),
    ("deprecated", "javascript", "/** @deprecated */\nfunction f() {}", ["f function () deprecated"]),
    ("half typed", "lua", "local a = 1\nlocal b = Agent.new({ name = ", ["a variable ", "b agent Agent"]),
    ("half typed", "javascript", "const a = 1;\nconst b = new Agent({ name: ", ["a constant ", "b agent Agent"]),
    ("nothing", "lua", "print(1)\n-- local x", []),
    ("nothing", "javascript", "console.log(1); // const x", []),
]  # fmt: skip


def told(outer: list[Symbol], indent: str = "") -> list[str]:
    found: list[str] = []
    for each in outer:
        found.append(f"{indent}{each.name} {each.kind} {each.detail}{' deprecated' if each.deprecated else ''}")
        found += told(each.children, indent + "  ")
    return found


@pytest.mark.parametrize(("construct", "language", "text", "expected"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_the_outline_lists(construct: str, language: str, text: str, expected: list[str]) -> None:
    snapshot = Snapshot(Document(f"file:///{construct}", "lua" if language == "lua" else "javascript", 1, text))
    found = [symbol for chunk in symbols(snapshot) for symbol in chunk.symbols]
    assert told(found) == expected
    for chunk in symbols(snapshot):
        for symbol in chunk.symbols:
            _check(symbol, snapshot.document.lines, chunk.placed.start)


def _check(symbol: Symbol, lines: list[str], start: int) -> None:
    """The name's place is in the symbol's, and is where a name stands."""
    assert symbol.span[:2] <= symbol.selection[:2] <= symbol.selection[2:] <= symbol.span[2:]
    assert symbol.selection.line == symbol.selection.end_line
    assert symbol.span.end_line + start < len(lines)
    for child in symbol.children:
        _check(child, lines, start)


def test_the_same_chunk_twice_is_listed_in_both_places() -> None:
    text = "function go() end\n\nlocal x = 1\nfunction go() end"
    snapshot = Snapshot(Document("file:///a.lua", "lua", 1, text))
    places = [(chunk.placed.start, symbol.name) for chunk in symbols(snapshot) for symbol in chunk.symbols]
    assert [name for _, name in places] == ["go", "x", "go"]
    assert len({start for start, name in places if name == "go"}) == 2


def test_a_class_is_one_again_when_its_base_is_mended_far_above() -> None:
    document = Document("file:///a.lua", "lua", 1, "local Base = BaseAgent\n\n\nlocal R = Base:extend({})")
    snapshot = Snapshot(document)

    def kinds() -> list[str]:
        return [symbol.kind for chunk in symbols(snapshot) for symbol in chunk.symbols]

    assert kinds() == ["variable", "class"]
    document.edit(0, 13, 0, 22, "nothing")
    assert kinds() == ["variable", "variable"]
    document.edit(0, 13, 0, 20, "BaseAgent")
    assert kinds() == ["variable", "class"]
