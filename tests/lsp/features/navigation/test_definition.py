"""From `▮` to where it is made, `«…»`: every construct in both languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from llmspell_lsp.features.definition import definition, type_definition

Spell = Callable[..., Any]

CASES: list[tuple[str, str, str]] = [
    ("local", "lua", "local «topic» = 1\nprint(top▮ic)"),
    ("local", "javascript", "const «topic» = 1;\nconsole.log(top▮ic);"),
    ("the innermost", "lua", "local a = 1\ndo\n  local «a» = 2\n  print(a▮)\nend"),
    ("the innermost", "javascript", "const a = 1;\n{\n  const «a» = 2;\n  console.log(a▮);\n}"),
    ("parameter", "lua", "local function f(«x», y)\n  return x▮ + y\nend"),
    ("parameter", "javascript", "function f(«x», y = 2) {\n  return x▮ + y;\n}"),
    ("parameter with a default", "javascript", "function f(x, «y» = 2) {\n  return x + y▮;\n}"),
    ("function", "lua", "local function «greet»(name) return name end\nprint(gre▮et('a'))"),
    ("function", "javascript", "function «greet»(name) { return name; }\nconsole.log(gre▮et('a'));"),
    ("function below", "javascript", "gre▮et();\nfunction «greet»() {}"),
    ("global", "lua", "«shared» = 1\nprint(sha▮red)"),
    ("loop", "lua", "for _, «each» in ipairs({}) do print(ea▮ch) end"),
    ("loop", "javascript", "for (const «each» of []) { console.log(ea▮ch); }"),
    ("caught error", "javascript", "try { x(); } catch («problem») { console.log(prob▮lem); }"),
    ("field of a table", "lua", "local M = { «size» = 1 }\nprint(M.si▮ze)"),
    ("field of an object", "javascript", "const m = { «size»: 1 };\nconsole.log(m.si▮ze);"),
    ("field added later", "lua", "local M = {}\nM.«size» = 1\nprint(M.si▮ze)"),
    ("function of a table", "lua", "local M = {}\nfunction M.«load»(a) end\n\nM.lo▮ad(1)"),
    ("method of a table", "lua", "local M = {}\nfunction M:«load»() end\n\nM:lo▮ad()"),
    ("method of a class", "lua", "local R = BaseAgent:extend({ «dig» = function(self) end })\nlocal r = R.new({})\nr:d▮ig()"),
    ("method of a class", "javascript", "class R extends BaseAgent {\n  «dig»() {}\n}\nconst r = new R({});\nr.d▮ig();"),
    ("method through this", "javascript", "class R extends BaseAgent {\n  «dig»() {}\n  go() { this.d▮ig(); }\n}"),
    ("method through self", "lua", "local R = BaseAgent:extend({\n  «dig» = function(self) end,\n  go = function(self) self:d▮ig() end,\n})"),
    ("field that only code gives", "lua", "local R = BaseAgent:extend({\n  init = function(self) self.«count» = 0 end,\n  go = function(self) return self.co▮unt end,\n})"),
    ("field that only code gives", "javascript", "class R extends BaseAgent {\n  constructor() { super({}); this.«count» = 0; }\n  go() { return this.co▮unt; }\n}"),
    ("class", "javascript", "class «R» extends BaseAgent {}\nconst r = new R▮({});"),
    ("this", "javascript", "class «R» extends BaseAgent {\n  go() { return th▮is; }\n}"),
    ("pattern", "javascript", "const { «a», b: { c } } = { a: 1, b: { c: 2 } };\nconsole.log(a▮);"),
    ("variable in a workflow", "lua", 'local w = Workflow.sequential({ steps = {\n  { agent = "a", output = "«plan»" },\n  { agent = "b", input = "On {{pl▮an}}" },\n} })'),
    ("variable in a workflow", "javascript", 'const w = Workflow.sequential({ steps: [\n  { agent: "a", output: "«plan»" },\n  { agent: "b", input: `On {{pl▮an}}` },\n] });'),
    ("step by name", "lua", 'Workflow.sequential({ steps = {\n  { name = "«plan»", agent = "a" },\n  { agent = "b", input = "{{plan▮.parts[0]}}" },\n} })'),
    ("step by number", "lua", 'Workflow.sequential({ steps = {\n  { name = "«first»", agent = "a" },\n  { agent = "b", input = "{{step_▮1}}" },\n} })'),
    ("step by number", "javascript", 'Workflow.sequential({ steps: [\n  { name: "«first»", agent: "a" },\n  { agent: "b", input: "{{step_▮1.title}}" },\n] });'),
    ("the run's input", "lua", 'local w = Workflow.sequential({ steps = { { agent = "a", input = "{{top▮ic}}" } } })\nw:run({ «topic» = "x" })'),
    ("the run's input", "javascript", 'const w = Workflow.sequential({ steps: [{ agent: "a", input: "{{top▮ic}}" }] });\nawait w.run({ «topic»: "x" });'),
    ("agent by name", "lua", 'Agent.new({ name = "«writer»" })\nAgent.execute("wri▮ter", "x")'),
    ("agent by name", "javascript", 'new Agent({ name: "«writer»" });\nawait Agent.execute("wri▮ter", "x");'),
    ("agent of a step", "lua", 'Agent.new({ name = "«writer»" })\nWorkflow.sequential({ steps = { { agent = "wri▮ter" } } })'),
    ("agent of a step", "javascript", 'new Agent({ name: "«writer»" });\nWorkflow.sequential({ steps: [{ agent: "local://wri▮ter" }] });'),
    ("tool by name", "lua", 'Tool.define({ name = "«weather»", description = "", execute = function() end })\nWorkflow.sequential({ steps = { { tool = "weat▮her" } } })'),
    ("tool by name", "javascript", 'Tool.define({ name: "«weather»", description: "", execute: () => 1 });\nWorkflow.sequential({ steps: [{ tool: "weat▮her" }] });'),
    ("state key", "lua", 'State.set("«draft»", 1)\nprint(State.get("dra▮ft"))'),
    ("state key", "javascript", 'await State.set("«draft»", 1);\nconsole.log(await State.get("dra▮ft"));'),
    ("state key of a scope", "lua", 'local s = State.scope("a")\nState.set("draft", 1)\ns:set("«draft»", 2)\nprint(s:get("dra▮ft"))'),
    ("event of one's own", "lua", 'eventBus.on("order▮:placed", function() end)\neventBus.emit("«order:placed»", {})'),
    ("event of one's own", "javascript", 'eventBus.on("order▮Placed", () => {});\neventBus.emit("«order:placed»", {});'),
    ("variable read by a function", "lua", 'Workflow.sequential({ steps = {\n  { agent = "a", output = "«plan»" },\n  { run = function(v, c) return c.pl▮an end },\n} })'),
    ("variable read by a function", "javascript", 'Workflow.sequential({ steps: [\n  { agent: "a", output: "«plan»" },\n  { run: (v, c) => c.get("pl▮an") },\n] });'),
    ("output of a detailed run", "lua", 'local w = Workflow.sequential({ steps = { { agent = "a", output = "«plan»" } } })\nprint(w:run_detailed(1).outputs.pl▮an)'),
    ("many bytes before it", "lua", 'local «名» = 1'.replace("名", "topic") + '\nprint("😀é", top▮ic)'),
]  # fmt: skip


@pytest.mark.parametrize(("construct", "language", "text"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_a_name_leads_to_where_it_is_made(spell: Spell, construct: str, language: str, text: str) -> None:
    here = spell(language, text)
    found = definition(*here.at)
    assert found is not None, construct
    (marked,) = here.marks.values()
    assert [tuple(each.span) for each in found.places] == marked
    assert {each.uri for each in found.places} == {here.snapshot.document.uri}
    assert found.origin.holds(here.line, here.column)


ELSEWHERE: list[tuple[str, str, str, str]] = [
    ("module's function", "lua", 'local m = require("lib")\nm.lo▮ad()', "local M = {}\nfunction M.«load»() end\nreturn M"),
    ("import", "javascript", 'import { load } from "./lib.js";\nlo▮ad();', "export function «load»() {}"),
    ("import where it stands", "javascript", 'import { lo▮ad as l } from "./lib.js";\nl();', "export const «load» = () => 1;"),
    ("import under another name", "javascript", 'import { load as l } from "./lib.js";\nl▮();', "export const «load» = () => 1;"),
    ("namespace's member", "javascript", 'import * as lib from "./lib.js";\nlib.lo▮ad();', "export function «load»() {}"),
    ("agent", "lua", 'Agent.execute("wri▮ter", "x")', 'Agent.new({ name = "«writer»" })'),
    ("agent", "javascript", 'await Agent.execute("wri▮ter", "x");', 'new Agent({ name: "«writer»" });'),
    ("state key", "lua", 'print(State.get("dra▮ft"))', 'State.set("«draft»", 1)'),
]  # fmt: skip


@pytest.mark.parametrize(("construct", "language", "text", "lib"), ELSEWHERE, ids=[f"{c[0]}-{c[1]}" for c in ELSEWHERE])
def test_a_name_leads_to_another_file(spell: Spell, construct: str, language: str, text: str, lib: str) -> None:
    here = spell(language, text, lib=lib)
    found = definition(*here.at)
    assert found is not None, construct
    (place,) = found.places
    name = here.name(place.uri)
    assert name.startswith("lib.")
    assert [tuple(place.span)] == here.marks[name]
    assert place.lines is not None


@pytest.mark.parametrize(
    ("language", "text"), [("lua", 'local m = require("li▮b")'), ("javascript", 'import { a } from "./li▮b.js";')]
)
def test_a_modules_name_leads_to_its_file(spell: Spell, language: str, text: str) -> None:
    found = definition(*spell(language, text, lib="").at)
    assert found is not None
    assert [(each.uri.rpartition("/")[2][:4], tuple(each.span)) for each in found.places] == [("lib.", (0, 0, 0, 0))]


STUBS: list[tuple[str, str, str]] = [
    ("lua", 'local a = Agent.new({})\na:ch▮at("x")', "function Agent:chat("),
    ("javascript", 'const a = new Agent({});\nawait a.ch▮at("x");', "  chat("),
    ("lua", "Age▮nt.new({})", "---@class Agent : BaseAgent"),
    ("javascript", "new Age▮nt({});", "declare class Agent extends BaseAgent"),
    ("lua", "Agent.ne▮w({})", "function Agent.new("),
    ("lua", 'State.se▮t("a", 1)', "function State.set("),
    ("javascript", 'await State.se▮t("a", 1);', "  set(key"),
    ("lua", "Hooks.register('before_llm_call', function(c) print(c.pro▮mpt) end)", "---@field prompt string"),
    ("javascript", "eventBus.on('toolCalled', (e) => e.tool▮Name);", "  toolName"),
    ("lua", "Calcul▮ator.new()", "---@class CalculatorTool"),
    ("javascript", "new Calcul▮ator();", "declare class CalculatorTool"),
    ("lua", 'Agent.new({ system_▮prompt = "x" })', "---@field system_prompt?"),
    ("javascript", 'new Agent({ system▮Prompt: "x" });', "  systemPrompt?"),
    ("lua", 'Hooks.register("before_llm▮_call", function() end)', '---| "before_llm_call"'),
    ("javascript", 'Hooks.register("before▮LLMCall", () => {});', "  beforeLLMCall: BeforeLLMCallContext"),
    ("lua", 'eventBus.on("tool:ca▮lled", function() end)', '---| "tool_called"'),
    ("lua", 'Workflow.sequential({ steps = { { tool = "calcul▮ator" } } })', "---@class CalculatorTool"),
    ("lua", "---@param a Age▮nt\nlocal function f(a) end", "---@class Agent : BaseAgent"),
    ("javascript", "/** @param {Age▮nt} a */\nfunction f(a) {}", "declare class Agent extends BaseAgent"),
    ("lua", "local R = BaseAgent:extend({})\nR.new({}):o▮n('x', print)", "function BaseAgent:on("),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "line"), STUBS, ids=[each[1] for each in STUBS])
def test_a_registry_name_leads_to_its_line_of_the_stub(spell: Spell, language: str, text: str, line: str) -> None:
    found = definition(*spell(language, text).at)
    assert found is not None
    (place,) = found.places
    stub = Path(unquote(place.uri.removeprefix("file://"))).read_text(encoding="utf-8").split("\n")
    assert stub[place.span.line].startswith(line)
    assert stub[place.span.line][place.span.column : place.span.end_column].isidentifier()


TYPES: list[tuple[str, str, str]] = [
    ("lua", "local R = «BaseAgent:extend({})»\nlocal r = R.new({})\nprint(r▮)", ""),
    ("javascript", "class «R» extends BaseAgent {}\nconst r = new R({});\nconsole.log(r▮);", ""),
    ("lua", "local t = «{ a = 1 }»\nprint(t▮)", ""),
    ("lua", "local a = Agent.new({})\nprint(a▮)", "---@class Agent : BaseAgent"),
    ("javascript", "const a = new Agent({});\nconsole.log(a▮);", "declare class Agent extends BaseAgent"),
    ("javascript", "const w = await State.scope('x');\nconsole.log(w▮);", "interface StateScope"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "line"), TYPES, ids=[each[1] for each in TYPES])
def test_the_type_leads_to_its_class(spell: Spell, language: str, text: str, line: str) -> None:
    here = spell(language, text)
    found = type_definition(*here.at)
    assert found is not None
    (place,) = found.places
    if line:
        stub = Path(unquote(place.uri.removeprefix("file://"))).read_text(encoding="utf-8").split("\n")
        assert stub[place.span.line].startswith(line)
    else:
        assert [tuple(place.span)] == next(iter(here.marks.values()))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("lua", "pri▮nt(nothing)"),
        ("lua", "-- a comm▮ent"),
        ("lua", "local x = unknown.fie▮ld"),
        ("javascript", "const x = unknown.fie▮ld;"),
        ("lua", 'local x = "te▮xt"'),
        ("lua", "▮"),
        ("lua", 'Agent.execute("nob▮ody", 1)'),
        ("lua", 'Workflow.sequential({ steps = { { agent = "a", input = "{{nothing▮}}" } } })'),
        ("javascript", "const m = { a: 1 };\nconsole.log(m.b▮);"),
    ],
)
def test_what_is_not_known_leads_nowhere(spell: Spell, language: str, text: str) -> None:
    assert definition(*spell(language, text).at) is None
