"""Every `«use»` of what is at `▮`, and no other; which of them write; what may be typed at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmspell_lsp.features.references_to import highlights, linked, references_to

Spell = Callable[..., Any]

CASES: list[tuple[str, str, str]] = [
    ("local", "lua", "local «a▮» = 1\nprint(«a»)\n«a» = 2\ndo\n  local a = 3\n  print(a)\nend"),
    ("local", "javascript", "let «a▮» = 1;\nconsole.log(«a»);\n«a» = 2;\n{\n  let a = 3;\n  console.log(a);\n}"),
    ("parameter", "lua", "local function f(«x▮»)\n  return «x» + x2\nend\nx = 1"),
    ("parameter", "javascript", "const f = («x▮») => «x» + x2;\nlet x = 1;"),
    ("short key", "javascript", "const «a▮» = 1;\nconst o = { «a» };\nconsole.log(o.a);"),
    ("global", "lua", "«g» = 1\nlocal function f() return «g▮» end"),
    ("field", "lua", "local M = { «n» = 1 }\nM.«n▮» = 2\nprint(M.«n»)\nlocal O = { n = 1 }\nprint(O.n)"),
    ("field", "javascript", "const m = { «n»: 1 };\nm.«n▮» = 2;\nconst { «n»: k } = m;\nconst o = { n: 1 };\nconsole.log(o.n, k);"),
    ("method", "lua", "local R = BaseAgent:extend({ «dig» = function() end })\nlocal S = R:extend({ «dig» = function() end })\nR.new({}):«dig▮»()\nS.new({}):«dig»()\nlocal o = { dig = 1 }"),
    ("method", "javascript", "class R extends BaseAgent { «dig»() {} }\nclass S extends R { «dig»() { super.«dig»(); } }\nnew S({}).«dig▮»();\nconst o = { dig: 1 };"),
    ("variable of a workflow", "lua", 'Workflow.sequential({ steps = {\n  { agent = "a", output = "«p»" },\n  { agent = "b", input = "{{«p▮».x}} and {{«p»}} {{q}}", output = "q" },\n  { run = function(v, context) return context.«p» .. context.q end },\n} })'),
    ("variable of a workflow", "javascript", 'Workflow.sequential({ steps: [\n  { agent: "a", output: "«p▮»" },\n  { agent: "b", input: "{{«p».x}} and {{«p»}}", output: "q" },\n  { run: (v, context) => context.«p» + context.q },\n] });'),
    ("output of a detailed run", "lua", 'local w = Workflow.sequential({ steps = { { agent = "a", output = "«p▮»" } } })\nlocal r = w:run_detailed("x")\nprint(r.outputs.«p»)'),
    ("output of a detailed run", "javascript", 'const w = Workflow.sequential({ steps: [{ agent: "a", output: "«p▮»" }] });\nconst r = await w.runDetailed("x");\nconsole.log(r.outputs.«p»);'),
    ("two workflows", "lua", 'Workflow.sequential({ steps = { { agent = "a", output = "«p»" }, { agent = "b", input = "{{«p▮»}}" } } })\nWorkflow.sequential({ steps = { { agent = "a", output = "p" }, { agent = "b", input = "{{p}}" } } })'),
    ("state key", "lua", 'State.set("«k»", 1)\nState.get("«k▮»")\nState.scope("k")\nlocal s = State.scope("s")\ns:get("k")\nAgent.get("k")'),
    ("state key", "javascript", 'await State.set("«k»", 1);\nawait State.get("«k▮»");\nconst s = await State.scope("s");\nawait s.get("k");'),
    ("agent", "lua", 'Agent.new({ name = "«w»" })\nAgent.get("«w▮»")\nWorkflow.sequential({ steps = { { agent = "«w»" }, { agent = "local://«w»" }, { tool = "w" } } })'),
    ("agent", "javascript", 'new Agent({ name: "«w»" });\nAgent.get("«w▮»");\nWorkflow.sequential({ steps: [{ agent: "«w»" }, { tool: "w" }] });'),
    ("event in every spelling", "lua", 'eventBus.on("«tool_called▮»", print)\neventBus.on("«tool:called»", print)\neventBus.on("«toolCalled»", print)\neventBus.on("tool_completed", print)'),
    ("event in every spelling", "javascript", 'eventBus.on("«tool_called»", f);\neventBus.on("«tool:called▮»", f);\neventBus.on("«toolCalled»", f);'),
    ("hook point", "lua", 'Hooks.register("«before_llm_call▮»", print)\nAgent.new({ hooks = { «before_llm_call» = print, on_error = print } })\nHooks.register("«beforeLLMCall»", print)'),
    ("registry's method", "lua", 'local a, b = Agent.new({}), ChatAgent.new({})\na:«chat▮»("x")\nb:«chat»("y")\nlocal o = { chat = 1 }\nprint(o.chat)'),
    ("a handler's field", "lua", "Hooks.register('before_llm_call', function(c) print(c.«prompt▮», c.«prompt») end)\nlocal o = { prompt = 1 }\nprint(o.prompt)"),
    ("registry's class", "javascript", "const a = new «Agent▮»({});\nclass X extends «Agent» {}\nconst o = { Agent: 1 };"),
    ("option", "lua", 'Agent.new({ «name▮» = "a" })\nAgent.new({ «name» = "b" })\nTool.define({ name = "c" })'),
]  # fmt: skip


@pytest.mark.parametrize(("construct", "language", "text"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_every_use_and_no_other(spell: Spell, construct: str, language: str, text: str) -> None:
    here = spell(language, text)
    found = references_to(*here.at)
    assert found is not None, construct
    ((document, places),) = found
    assert document is here.snapshot.document
    (marked,) = here.marks.values()
    assert [tuple(each.span) for each in places] == sorted(marked)
    shown = highlights(*here.at)
    assert shown == places


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("lua", "local a▮ = 1\nprint(a)\na = 2", "write read write"),
        ("javascript", "let a▮ = 1;\nconsole.log(a);\na = 2;\na += 1;", "write read write read"),
        ("lua", "local M = {}\nM.n▮ = 1\nprint(M.n)", "write read"),
        (
            "lua",
            'Workflow.sequential({ steps = { { agent = "a", output = "p▮" }, { agent = "b", input = "{{p}}" } } })',
            "write read",
        ),
        ("lua", 'State.set("k▮", 1)\nState.get("k")', "write text"),
    ],
)
def test_highlights_say_which_places_write(spell: Spell, language: str, text: str, expected: str) -> None:
    found = highlights(*spell(language, text).at)
    assert found is not None
    assert " ".join(each.access for each in found) == expected


@pytest.mark.parametrize(
    ("language", "text", "lib"),
    [
        ("lua", 'local m = require("lib")\nm.«lo▮ad»()', "local M = {}\nfunction M.«load»() end\nM.«load»()\nreturn M"),
        ("lua", 'Agent.execute("«wri▮ter»", "x")', 'Agent.new({ name = "«writer»" })'),
        ("javascript", 'import { «load» } from "./lib.js";\n«lo▮ad»();', "export function «load»() {}\n«load»();"),
        ("javascript", 'import { «load» as l } from "./lib.js";\nl();\nimport * as lib from "./lib.js";\nlib.«lo▮ad»();', "export function «load»() {}"),
        ("javascript", "export const «k▮ey» = 1;", 'import { «key» } from "./spell.js";\nconsole.log(key);'),
    ],
)  # fmt: skip
def test_uses_in_other_files(spell: Spell, language: str, text: str, lib: str) -> None:
    here = spell(language, text, lib=lib)
    found = references_to(*here.at)
    assert found is not None
    places = {here.name(document.uri): [tuple(each.span) for each in each_] for document, each_ in found}
    assert places == here.marks


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("lua", 'Workflow.sequential({ steps = {\n  { agent = "a", output = "«p»" },\n  { agent = "b", input = "{{«p▮»}} {{ «p».x }}" },\n} })'),
        ("javascript", 'Workflow.sequential({ steps: [\n  { agent: "a", output: "«p▮»" },\n  { agent: "b", input: `{{«p»}}` },\n] });'),
        ("lua", "local a▮ = 1"),
        ("lua", 'Workflow.sequential({ steps = { { agent = "b", input = "{{p▮}}" } } })'),
    ],
)  # fmt: skip
def test_a_workflows_variable_is_typed_at_once(spell: Spell, language: str, text: str) -> None:
    here = spell(language, text)
    (marked,) = here.marks.values()
    found = linked(*here.at)
    assert [tuple(each) for each in found or []] == sorted(marked)
