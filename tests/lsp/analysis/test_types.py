"""What expressions hold: the name under `▮`, shown as hover shows its type."""

from __future__ import annotations

import pytest

from llmspell_lsp.analysis.infer import Inference
from llmspell_lsp.analysis.scope import Analysis
from llmspell_lsp.analysis.shown import shown
from llmspell_lsp.documents.document import Document, Language


def type_at(source: str, language: Language) -> str:
    before, _, after = source.partition("▮")
    document = Document("file:///spell", language, 1, before + after)
    binding = Analysis.of(document).binding_at(before.count("\n"), len(before) - before.rfind("\n") - 1)
    assert binding is not None, "no name under the mark"
    types = Inference.of(document)
    return shown(types.of_binding(binding), types.words)


LUA = [
    ("class made", "local ▮a = Agent.new{ model = 'm' }", "Agent"),
    ("class called", "local ▮a = Agent('You are …')", "Agent"),
    ("alias of a tool's class", "local ▮c = Calculator.new()", "CalculatorTool"),
    ("result of a method", "local a = Agent.new{}\nlocal ▮t = a:metadata()", "AgentMetadata"),
    ("answer", "local a = Agent.new{}\nlocal ▮t = a:chat('x')", "string"),
    ("answer by a schema", "local a = Agent.new{}\nlocal ▮t = a:chat('x', { schema = {} })", ""),
    ("result of a tool", "local c = CalculatorTool.new()\nlocal ▮r = c:execute{ expression = '1' }", "CalculatorResult"),
    ("field of a result", "local c = CalculatorTool.new()\nlocal ▮r = c:execute{}.result", "number | boolean"),
    ("static that makes", "local ▮w = Workflow.parallel{ steps = {} }", "Workflow"),
    ("text", "local ▮t = 'x' .. 1", "string"),
    ("number", "local ▮n = #{} + 1", "number"),
    ("either", "local ▮n = params.n or 3", ""),
    ("either, both known", "local a = nil\nlocal ▮n = a or 3", "3"),
    ("table", "local ▮t = { a = 1, b = 'x' }", "{ a: number, b: string }"),
    ("list", "local ▮t = { 'a', 'b' }", "string[]"),
    ("item of a list", "for _, ▮x in ipairs({ 'a', 'b' }) do end", '"a" | "b"'),
    ("stream's piece", "local a = Agent.new{}\nfor ▮piece in a:stream_chat('x') do end", "string"),
    ("function", "local function ▮f(a, b) return 1 end", "fun(a, b)"),
    ("what a function gives", "local function f() return Agent.new{} end\nlocal ▮a = f()", "Agent"),
    ("recursion", "local function f(n) return f(n - 1) end\nlocal ▮a = f(1)", ""),
    ("error of pcall", "local ok, ▮problem = pcall(print)", "LlmspellError"),
    ("hook's context", "Hooks.register('before_llm_call', function(▮context) end)", "HookContext"),
    ("handler in a table", "Agent.new{ hooks = { before_tool_call = function(▮c) end } }", "HookContext"),
    ("event's data", "eventBus.on('tool_called', function(▮event) end)", "EventData"),
    ("listener of all", "eventBus.on('*', function(▮name, data) end)", "string"),
    ("step's context", "Workflow.sequential{ steps = { { run = function(value, ▮context) end } } }", "WorkflowContext"),
    ("extended class", "local ▮R = BaseAgent:extend()", "class R"),
    ("its object", "local R = BaseAgent:extend()\nlocal ▮r = R.new{}", "R"),
    ("self of a method", "local R = BaseAgent:extend()\nfunction R:go() local ▮me = self end", "R"),
    ("self in the table", "local R = BaseAgent:extend{ go = function(self) local ▮me = self end }", "R"),
    ("inherited method", "local R = BaseAgent:extend()\nlocal ▮m = R.new{}:metadata()", "AgentMetadata"),
    ("field given later", "local M = {}\nM.count = 1\nlocal ▮n = M.count", "1"),
    ("function given later", "local M = {}\nfunction M.load() return Agent.new{} end\nlocal ▮a = M.load()", "Agent"),
    ("tool's arguments", "Tool.define{ parameters = { type = 'object', properties = { n = { type = 'number' } } },"
     " execute = function(given) local ▮n = given.n end }", "number"),
    ("param of LuaCATS", "---@param agent Agent\nlocal function f(▮agent) end", "Agent"),
    ("return of LuaCATS", "---@return string[]\nlocal function f() end\nlocal ▮x = f()", "string[]"),
    ("type of LuaCATS", "---@type Agent?\nlocal ▮a", "Agent | nil"),
    ("method of a text", "local ▮t = ('x'):upper()", "string"),
    ("nothing", "local ▮x = nobody_knows()", ""),
]  # fmt: skip

JAVASCRIPT = [
    ("class made", "const ▮a = new Agent({ model: 'm' })", "Agent"),
    ("answer", "const a = new Agent();\nconst ▮t = await a.chat('x')", "string"),
    ("promise", "const a = new Agent({});\nconst ▮t = a.execute('x')", "Promise<any>"),
    ("awaited", "const c = new Calculator();\nconst ▮r = await c.execute({})", "CalculatorResult"),
    ("destructured", "const c = new Calculator();\nconst { ▮result } = await c.execute({})", "number | boolean"),
    ("field of a class", "const ▮w = Workflow.parallel({ steps: [] })", "Workflow"),
    ("template", "const ▮t = `a ${1}`", "string"),
    ("object", "const ▮t = { a: 1, b: 'x' }", "{ a: number, b: string }"),
    ("list", "const ▮t = ['a', 'b']", "string[]"),
    ("item of a list", "for (const ▮x of ['a', 'b']) {}", '"a" | "b"'),
    ("stream's piece", "const a = new Agent({});\nfor await (const ▮piece of a.streamChat('x')) {}", "string"),
    ("function", "const ▮f = async (a, b) => 1", "async (a, b) => …"),
    ("what a function gives", "function f() { return new Agent({}) }\nconst ▮a = f()", "Agent"),
    ("what an async function gives", "async function f() { return new Agent({}) }\nconst ▮a = await f()", "Agent"),
    ("caught error", "try {} catch (▮problem) {}", "LlmspellError"),
    ("hook's context", "Hooks.register('beforeLLMCall', (▮context) => {})", "HookContext"),
    ("handler in a table", "new Agent({ hooks: { beforeToolCall(▮c) {} } })", "HookContext"),
    ("event's data", "eventBus.on('toolCalled', (▮event) => {})", "EventData"),
    ("step's context", "Workflow.sequential({ steps: [{ run: (value, ▮context) => 1 }] })", "WorkflowContext"),
    ("class", "class ▮R extends BaseAgent {}", "class R"),
    ("its object", "class R extends BaseAgent {}\nconst ▮r = new R({})", "R"),
    ("this of a method", "class R extends BaseAgent { go() { const ▮me = this } }", "R"),
    ("getter", "class R extends BaseAgent { get n() { return 1 } }\nconst ▮n = new R().n", "1"),
    ("tool's arguments", "Tool.define({ parameters: { type: 'object', properties: { n: { type: 'number' } } },"
     " execute: (given) => { const ▮n = given.n } })", "number"),
    ("param of JSDoc", "/** @param {Agent} agent */\nfunction f(▮agent) {}", "Agent"),
    ("return of JSDoc", "/** @returns {string[]} */\nfunction f() {}\nconst ▮x = f()", "string[]"),
    ("callback of map", "['a'].map((▮x) => x)", '"a"'),
    ("find", "const ▮x = ['a'].find(x => x)", '"a" | null'),
    ("class of the language", "const ▮m = new Map()", "Map"),
    ("nothing", "const ▮x = nobodyKnows()", ""),
]  # fmt: skip


@pytest.mark.parametrize(("source", "told"), [case[1:] for case in LUA], ids=[case[0] for case in LUA])
def test_in_lua(source: str, told: str) -> None:
    assert type_at(source, "lua") == told


@pytest.mark.parametrize(("source", "told"), [case[1:] for case in JAVASCRIPT], ids=[case[0] for case in JAVASCRIPT])
def test_in_javascript(source: str, told: str) -> None:
    assert type_at(source, "javascript") == told
