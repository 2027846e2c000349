"""The spell before, `▮` on what is renamed, and after. What is refused, and why. Nothing comes to mean something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell_lsp.analysis.scope import Analysis
from llmspell_lsp.documents.document import Document
from llmspell_lsp.features.renaming import CannotRename, rename, renameable
from llmspell_lsp.syntax.lookup import walk
from llmspell_lsp.syntax.nodes import Name
from llmspell_lsp.workspace.snapshot import Snapshot

Spell = Callable[..., Any]


def after(snapshot: Snapshot, line: int, column: int, new: str) -> dict[str, str]:
    """The texts of the changed files by their names."""
    changed = rename(snapshot, line, column, new)
    assert changed is not None
    texts: dict[str, str] = {}
    for each in changed:
        copy = Document(each.document.uri, each.document.language, 1, each.document.text)
        for span, text in each.edits:
            copy.edit(*span, text)
        texts[each.document.uri.rpartition("/")[2]] = copy.text
    return texts


CASES: list[tuple[str, str, str, str]] = [
    ("local", "lua", "local a▮ = 1\nprint(a, o.a)", "local fresh = 1\nprint(fresh, o.a)"),
    ("local", "javascript", "let a▮ = 1;\nconsole.log(a, o.a);", "let new_ = 1;\nconsole.log(new_, o.a);"),
    ("short key", "javascript", "const a = 1;\nconst o = { a▮, b: a };\nconsole.log(o.a);", "const new_ = 1;\nconst o = { a: new_, b: new_ };\nconsole.log(o.a);"),
    ("short pattern", "javascript", "const { a▮, b = 1 } = o;\nconsole.log(a, b);", "const { a: new_, b = 1 } = o;\nconsole.log(new_, b);"),
    ("pattern with a default", "javascript", "const { a▮ = 2 } = o;\nconsole.log(a);", "const { a: new_ = 2 } = o;\nconsole.log(new_);"),
    ("long pattern", "javascript", "const { k: a▮ } = o;\nconsole.log(a);", "const { k: new_ } = o;\nconsole.log(new_);"),
    ("list pattern", "javascript", "const [a▮, ...rest] = o;\nconsole.log(a, rest);", "const [new_, ...rest] = o;\nconsole.log(new_, rest);"),
    ("rest", "javascript", "const f = (x, ...a▮) => a.length;", "const f = (x, ...new_) => new_.length;"),
    ("parameter's pattern", "javascript", "const f = ({ a▮ }) => a;", "const f = ({ a: new_ }) => new_;"),
    ("parameter with its remark", "lua", "---@param a string about a\n---@param b string\nlocal function f(a▮, b) return a .. b end", "---@param fresh string about a\n---@param b string\nlocal function f(fresh, b) return fresh .. b end"),
    ("parameter with its remark", "javascript", "/**\n * @param {string} a - about a\n */\nfunction f(a▮) { return a; }", "/**\n * @param {string} new_ - about a\n */\nfunction f(new_) { return new_; }"),
    ("import", "javascript", 'import { a▮ } from "./lib.js";\na();', 'import { a as new_ } from "./lib.js";\nnew_();'),
    ("aliased import", "javascript", 'import { a as b▮ } from "./lib.js";\nb();', 'import { a as new_ } from "./lib.js";\nnew_();'),
    ("default import", "javascript", 'import a▮ from "./lib.js";\na();', 'import new_ from "./lib.js";\nnew_();'),
    ("namespace import", "javascript", 'import * as a▮ from "./lib.js";\na.b();', 'import * as new_ from "./lib.js";\nnew_.b();'),
    ("export list", "javascript", "const a▮ = 1;\nexport { a, a as b };", "const new_ = 1;\nexport { new_ as a, new_ as b };"),
    ("function", "lua", "local function f▮(n) return n and f(n - 1) end\nf(1)", "local function fresh(n) return n and fresh(n - 1) end\nfresh(1)"),
    ("class", "javascript", "class R▮ extends BaseAgent {}\nnew R({});", "class new_ extends BaseAgent {}\nnew new_({});"),
    ("field", "lua", "local M = { n = 1 }\nM.n▮ = 2\nprint(M.n, M[\"x\"])", "local M = { fresh = 1 }\nM.fresh = 2\nprint(M.fresh, M[\"x\"])"),
    ("field in brackets", "lua", "local M = { [\"n\"] = 1 }\nprint(M.n▮, M[\"n\"])", "local M = { [\"fresh\"] = 1 }\nprint(M.fresh, M[\"fresh\"])"),
    ("short field", "javascript", "const n = 1;\nconst m = { n };\nconsole.log(m.n▮, n);", "const n = 1;\nconst m = { new_: n };\nconsole.log(m.new_, n);"),
    ("field in a pattern", "javascript", "const m = { n: 1 };\nconst { n } = m;\nconsole.log(m.n▮, n);", "const m = { new_: 1 };\nconst { new_: n } = m;\nconsole.log(m.new_, n);"),
    ("method", "lua", "local R = BaseAgent:extend({\n  dig▮ = function(self) return self:dig() end,\n})\nR.new({}):dig()", "local R = BaseAgent:extend({\n  fresh = function(self) return self:fresh() end,\n})\nR.new({}):fresh()"),
    ("method", "javascript", "class R extends BaseAgent {\n  dig▮() { return this.dig(); }\n}\nnew R({}).dig();", "class R extends BaseAgent {\n  new_() { return this.new_(); }\n}\nnew R({}).new_();"),
    ("function of a table", "lua", "local M = {}\nfunction M.load▮() end\n\nfunction M:go() self.load() end\n\nM.load()", "local M = {}\nfunction M.fresh() end\n\nfunction M:go() self.fresh() end\n\nM.fresh()"),
    ("workflow's variable", "lua", 'Workflow.sequential({ steps = {\n  { agent = "a", output = "p▮" },\n  { agent = "b", input = "\\"{{p.x[0]}}\\" {{ p }}" },\n  { run = function(v, c) return c.p end },\n} })', 'Workflow.sequential({ steps = {\n  { agent = "a", output = "fresh" },\n  { agent = "b", input = "\\"{{fresh.x[0]}}\\" {{ fresh }}" },\n  { run = function(v, c) return c.fresh end },\n} })'),
    ("workflow's variable", "javascript", 'Workflow.sequential({ steps: [\n  { name: "p", agent: "a" },\n  { agent: "b", input: `😀 {{p▮}}` },\n] });', 'Workflow.sequential({ steps: [\n  { name: "new_", agent: "a" },\n  { agent: "b", input: `😀 {{new_}}` },\n] });'),
    ("workflow's input", "lua", 'local w = Workflow.sequential({ steps = { { agent = "a", input = "{{t▮}}" } } })\nw:run({ t = "x", u = 1 })', 'local w = Workflow.sequential({ steps = { { agent = "a", input = "{{fresh}}" } } })\nw:run({ fresh = "x", u = 1 })'),
    ("state key", "lua", "State.set('k▮', 1)\nprint(State.get(\"k\"), State.get([[k]]))", "State.set('fresh', 1)\nprint(State.get(\"fresh\"), State.get([[fresh]]))"),
    ("state key", "javascript", "await State.set('k▮', 1);\nawait State.get(`k`);", "await State.set('new_', 1);\nawait State.get(`new_`);"),
    ("agent", "lua", 'Agent.new({ name = "a b" })\nAgent.execute("a b▮", 1)\nWorkflow.sequential({ steps = { { agent = "local://a b" } } })', 'Agent.new({ name = "fresh" })\nAgent.execute("fresh", 1)\nWorkflow.sequential({ steps = { { agent = "local://fresh" } } })'),
    ("tool", "lua", 'Tool.define({ name = "w▮", description = "", execute = print })\nWorkflow.sequential({ steps = { { tool = "w" } } })', 'Tool.define({ name = "fresh", description = "", execute = print })\nWorkflow.sequential({ steps = { { tool = "fresh" } } })'),
    ("workflow", "javascript", 'Workflow.sequential({ name: "w▮", steps: [{ agent: "a" }] });\nWorkflow.get("w");\nWorkflow.sequential({ steps: [{ workflow: "w" }] });', 'Workflow.sequential({ name: "new_", steps: [{ agent: "a" }] });\nWorkflow.get("new_");\nWorkflow.sequential({ steps: [{ workflow: "new_" }] });'),
    ("what a function reads", "lua", 'Workflow.sequential({ steps = {\n  { agent = "a", output = "p" },\n  { run = function(v, c) return c.p▮ .. c:get("p") end },\n} })', 'Workflow.sequential({ steps = {\n  { agent = "a", output = "fresh" },\n  { run = function(v, c) return c.fresh .. c:get("fresh") end },\n} })'),
    ("what a function reads", "javascript", 'Workflow.sequential({ steps: [\n  { agent: "a", output: "p" },\n  { run: (v, c) => c.p + c.get("p▮") },\n] });', 'Workflow.sequential({ steps: [\n  { agent: "a", output: "new_" },\n  { run: (v, c) => c.new_ + c.get("new_") },\n] });'),
    ("variable that a loop sets again", "lua", 'Workflow.sequential({ steps = {\n  { agent = "a", output = "p" },\n  { type = "loop", condition = function(c) return #c.p > 9 end, body = { agent = "b", input = "{{p▮}}", output = "p" } },\n} })', 'Workflow.sequential({ steps = {\n  { agent = "a", output = "fresh" },\n  { type = "loop", condition = function(c) return #c.fresh > 9 end, body = { agent = "b", input = "{{fresh}}", output = "fresh" } },\n} })'),
    ("event", "lua", 'eventBus.on("order:placed", print)\neventBus.emit("order:placed▮", {})', 'eventBus.on("fresh", print)\neventBus.emit("fresh", {})'),
]  # fmt: skip


@pytest.mark.parametrize(("construct", "language", "before", "expected"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_a_rename(spell: Spell, construct: str, language: str, before: str, expected: str) -> None:
    here = spell(language, before, lib="")
    at = renameable(*here.at)
    assert at is not None and at.span.holds(here.line, here.column)
    texts = after(*here.at, "fresh" if language == "lua" else "new_")
    assert texts == {here.name(here.snapshot.document.uri): expected}, construct


ELSEWHERE: list[tuple[str, str, str, str, str]] = [
    ("lua", 'local m = require("lib")\nm.load▮()', "local M = {}\nfunction M.load() end\nreturn M", 'local m = require("lib")\nm.new_()', "local M = {}\nfunction M.new_() end\nreturn M"),
    ("lua", 'Agent.execute("w▮", 1)', 'Agent.new({ name = "w" })', 'Agent.execute("new_", 1)', 'Agent.new({ name = "new_" })'),
    ("javascript", "export function load▮() {}\nload();", 'import { load } from "./spell.js";\nload();', "export function new_() {}\nnew_();", 'import { new_ as load } from "./spell.js";\nload();'),
    ("javascript", "export function load▮() {}", 'import { load as l } from "./spell.js";\nl();', "export function new_() {}", 'import { new_ as l } from "./spell.js";\nl();'),
    ("javascript", 'import * as lib from "./lib.js";\nlib.load▮();', "export const load = () => 1;\nload();", 'import * as lib from "./lib.js";\nlib.new_();', "export const new_ = () => 1;\nnew_();"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "lib", "expected", "expected_lib"), ELSEWHERE)
def test_a_rename_reaches_other_files(
    spell: Spell, language: str, text: str, lib: str, expected: str, expected_lib: str
) -> None:
    here = spell(language, text, lib=lib)
    ending = ".lua" if language == "lua" else ".js"
    assert after(*here.at, "new_") == {f"spell{ending}": expected, f"lib{ending}": expected_lib}


@pytest.mark.parametrize(
    ("language", "text", "new", "expected"),
    [
        ("lua", 'State.set("k▮", 1)', 'say "hi" \\o/', 'State.set("say \\"hi\\" \\\\o/", 1)'),
        ("lua", "State.set('k▮', 1)", "it's", "State.set('it\\'s', 1)"),
        ("javascript", "await State.set(`k▮`, 1);", "a${b}`", "await State.set(`a\\${b}\\``, 1);"),
        ("lua", 'State.set("a\\tb▮", 1)\nState.get("a\\tb")', "é😀", 'State.set("é😀", 1)\nState.get("é😀")'),
    ],
)
def test_texts_keep_their_quotes(spell: Spell, language: str, text: str, new: str, expected: str) -> None:
    assert list(after(*spell(language, text).at, new).values()) == [expected]


REFUSED: list[tuple[str, str, str, str]] = [
    ("lua", "Agen▮t.new({})", "x", "'Agent' is a name of llmspell"),
    ("lua", "local a = Agent.new({})\na:ch▮at('x')", "x", "'chat' is a name of llmspell"),
    ("javascript", "new Agent({ system▮Prompt: '' });", "x", "'system_prompt' is a name of llmspell"),
    ("lua", "prin▮t(1)", "x", "'print' is a name of llmspell or of the language"),
    ("lua", 'Hooks.register("before_llm▮_call", print)', "x", "'before_llm_call' is a name of llmspell"),
    ("lua", 'eventBus.on("tool:ca▮lled", print)', "x", "'tool_called' is an event of llmspell"),
    ("lua", 'Workflow.sequential({ steps = { { tool = "calcul▮ator" } } })', "x", "'calculator' is a tool of llmspell"),
    ("lua", 'Workflow.sequential({ steps = { { agent = "a", input = "{{inp▮ut}}" } } })', "x", "{{input}} is there in every workflow"),
    ("lua", 'Workflow.sequential({ steps = { { agent = "a", input = "{{other▮}}" } } })', "x", "{{other}} comes from the run's input"),
    ("lua", 'Workflow.sequential({ steps = { { agent = "a" }, { agent = "b", input = "{{step_▮1}}" } } })', "x", "step_N counts the steps"),
    ("lua", 'Workflow.sequential({ steps = { { agent = "a", output = "p" }, { agent = "b", input = "{{p.tit▮le}}" } } })', "x", "of this reference only 'p' is a name"),
    ("javascript", "class A extends BaseAgent {\n  go() { return th▮is; }\n}", "x", "'this' is a word of the language"),
    ("lua", "local M = {}\nfunction M:go() return sel▮f end", "x", "'self' is a name of the language"),
    ("lua", "local a▮ = 1", "2x", "'2x' is no name"),
    ("lua", "local a▮ = 1", "", "'' is no name"),
    ("lua", "local a▮ = 1", "end", "'end' is a word of the language"),
    ("javascript", "let a▮ = 1;", "await", "'await' is a word of the language"),
    ("lua", "local a▮ = 1\nlocal b = 2", "b", "'b' is declared in line 2"),
    ("lua", "local a▮ = 1\ndo\n  local b = 2\n  print(a)\nend", "b", "'b' is declared in line 3"),
    ("lua", "local b = 1\ndo\n  local a▮ = 2\n  print(b)\nend", "b", "'b' is used where it would then mean this variable"),
    ("javascript", "let a▮ = 1;\nfunction f(b) { return a + b; }", "b", "'b' is declared in line 2"),
    ("lua", "local a▮ = 1\nprint(a)", "print", "'print' is used"),
    ("lua", "local M = { a = 1, b = 2 }\nprint(M.a▮)", "b", "'b' is there already, beside 'a'"),
    ("javascript", "class A extends BaseAgent {\n  go▮() {}\n}", "execute", "'execute' is there already, beside 'go'"),
    ("javascript", "class A extends BaseAgent {\n  exec▮ute() {}\n}", "x", "'execute' is a name of llmspell"),
    ("javascript", "class A {\n  #go▮() { return this.#go(); }\n}", "x", "a private field begins with #"),
    ("javascript", "const a = { b▮: 1 };", "#b", "cannot begin with #"),
    ("lua", 'State.set("k", { ci▮ty = 1 })', "x", "set reads 'city' from this table"),
    ("lua", 'Tool.define({ name = "t", description = "", execute = print, parameters = { properties = { ci▮ty = {} } } })', "x", "define reads 'city' from this table"),
    ("lua", 'Workflow.sequential({ steps = { { agent = "a", output = "p▮" } } })', "a b", "'a b' cannot stand in {{ }}"),
    ("lua", 'Workflow.sequential({ steps = { { agent = "a", output = "p▮" } } })', "item", "'item' means something of its own"),
    ("lua", 'Workflow.sequential({ steps = { { agent = "a", output = "p▮" }, { agent = "b", output = "q" } } })', "q", "'q' is taken in this workflow"),
    ("lua", 'Workflow.sequential({ steps = {\n  { agent = "a", output = "p▮" },\n  { run = function(v, c) return c.p end },\n} })', "a-b", "a function reads it as a field"),
    ("lua", 'State.set("k▮", 1)\nState.set("l", 1)', "l", "there is a state key 'l' already"),
    ("lua", 'Agent.new({ name = "k▮" })\nAgent.new({ name = "l" })', "l", "there is an agent 'l' already"),
    ("lua", 'Agent.new({ name = "k▮" })', " ", "a name needs at least one character"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "new", "reason"), REFUSED)
def test_what_is_refused_and_why(spell: Spell, language: str, text: str, new: str, reason: str) -> None:
    with pytest.raises(CannotRename) as refused:
        rename(*spell(language, text).at, new)
    assert reason in str(refused.value)


def test_where_no_name_is_there_is_nothing_to_rename(spell: Spell) -> None:
    assert renameable(*spell("lua", "local a = ▮ 1").at) is None
    assert rename(*spell("lua", "-- a▮").at, "b") is None


# Nothing comes to mean something else

EXAMPLES = sorted(Path(__file__).parents[4].glob("examples/*/spell.*"))
SCRIPTS = [path for path in EXAMPLES if path.suffix in {".lua", ".js"}]


def resolved(document: Document) -> list[tuple[int | None, bool]]:
    """Of each name in order: which of the names in order declares it."""
    analysis = Analysis.of(document)
    names = [
        (place, node) for place in analysis.placed for node in walk(place.chunk.tree.block) if isinstance(node, Name)
    ]
    found: list[tuple[Any, bool]] = []
    order: dict[Any, int] = {}
    for place, node in names:
        binding = analysis.resolve(place, node)
        key = None if binding is None else (binding.kind, binding.span.line, _among(analysis, binding))
        found.append((None if key is None else order.setdefault(key, len(order)), binding is None))
    return found


def _among(analysis: Analysis, binding: Any) -> int:
    """Which of a line's declarations it is."""
    spans = [
        each.span
        for each in (
            analysis.binding_at(binding.span.line, column)
            for column in range(len(analysis.document.lines[binding.span.line]) + 1)
        )
        if each
    ]
    ordered = sorted({span for span in spans if span.line == binding.span.line})
    return ordered.index(binding.span) if binding.span in ordered else -1


def test_there_are_examples_to_rename_in() -> None:
    assert len(SCRIPTS) > 30


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(SCRIPTS), st.data())
def test_after_a_rename_every_name_means_what_it_meant(path: Path, data: st.DataObject) -> None:
    language = "lua" if path.suffix == ".lua" else "javascript"
    text = path.read_text(encoding="utf-8")
    document = Document("file:///spell", language, 1, text)
    analysis = Analysis.of(document)
    names = [
        (place, node) for place in analysis.placed for node in walk(place.chunk.tree.block) if isinstance(node, Name)
    ]
    place, node = data.draw(st.sampled_from(names))
    others = [*sorted({each.text for _, each in names if each.text}), "fresh_name"]
    new = data.draw(st.sampled_from(others) | st.just("fresh_name"))
    before = resolved(document)
    snapshot = Snapshot(document)
    try:
        changed = rename(snapshot, place.start + node.span.line, node.span.column, new)
    except CannotRename:
        binding = analysis.resolve(place, node)
        assert new != "fresh_name" or binding is None or binding.kind == "self"
        return
    if not changed:
        return
    (edits,) = changed
    copy = Document("file:///spell", language, 1, text)
    for span, written in edits.edits:
        copy.edit(*span, written)
    assert resolved(copy) == before
    assert copy.text != text
