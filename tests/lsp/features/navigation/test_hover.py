"""What is shown of the thing at `▮`: each construct in both languages, in the reader's language and only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmspell.api.registry import registry
from llmspell_lsp.analysis.vocabulary import vocabulary
from llmspell_lsp.documents.document import Document
from llmspell_lsp.features.hover import hover
from llmspell_lsp.workspace.snapshot import Snapshot

Spell = Callable[..., Any]

CASES: list[tuple[str, str, str, list[str]]] = [
    ("local", "lua", "local a▮ = 1", ["local a: 1"]),
    ("constant", "javascript", "const a▮ = 'x';", ['const a: "x"']),
    ("its remark", "lua", "-- How many.\nlocal count▮ = 1", ["How many."]),
    ("parameter's remark", "lua", "---@param topic string what it is about\nlocal function f(top▮ic) end", ["parameter topic: string", "what it is about"]),
    ("parameter's remark", "javascript", "/** @param {string} topic - what it is about */\nfunction f(top▮ic) {}", ["parameter topic: string", "what it is about"]),
    ("instance", "lua", "local a▮ = Agent.new({})", ["local a: Agent"]),
    ("instance", "javascript", "const a▮ = new Agent({});", ["const a: Agent"]),
    ("result of a call", "javascript", "const s▮ = await State.scope('x');", ["const s: StateScope"]),
    ("hook's context", "lua", "Hooks.register('before_llm_call', function(con▮text) end)", ["parameter context: "]),
    ("hook's field", "lua", "Hooks.register('before_llm_call', function(c) print(c.pro▮mpt) end)", ["prompt: string", "The new user turn."]),
    ("hook's field", "javascript", "Hooks.register('beforeLLMCall', (c) => c.system▮Prompt);", ["systemPrompt: string"]),
    ("own field", "lua", "local M = { size = 1 }\nprint(M.si▮ze)", ["size: 1"]),
    ("own method", "javascript", "class R extends BaseAgent {\n  /** Digs. */\n  dig() {}\n}\nnew R({}).di▮g();", ["dig: () => …", "Digs."]),
    ("this", "javascript", "class R extends BaseAgent {\n  dig() { return th▮is; }\n}", ["this: R"]),
    ("class", "lua", "Age▮nt.new({})", ["# Agent", "Agent.new(options?: AgentOptions)", "llmspell help Agent"]),
    ("class", "javascript", "new Age▮nt({});", ["# Agent", "new Agent(options?: AgentOptions | string)", "`systemPrompt`"]),
    ("class in a comment", "lua", "---@param a Chat▮Agent\nlocal function f(a) end", ["# ChatAgent"]),
    ("class in a comment", "javascript", "/** @type {Chat▮Agent} */\nlet a;", ["# ChatAgent"]),
    ("maker", "lua", "Agent.ne▮w({})", ["# Agent"]),
    ("method", "lua", "local a = Agent.new({})\na:ch▮at('x')", ["# Agent.chat", "agent:chat(message"]),
    ("method", "javascript", "const a = new Agent({});\na.clear▮History();", ["# Agent.clearHistory", "agent.clearHistory(): void"]),
    ("waiting method", "lua", "local a = Agent.new({})\na:chat_a▮sync('x')", ["# Agent.chat"]),
    ("namespace's method", "javascript", "State.compareAnd▮Set('a', 1, 2);", ["# State.compareAndSet"]),
    ("global", "lua", "print(para▮ms)", ["params"]),
    ("error class", "lua", "print(Timeout▮Error)", ["# TimeoutError"]),
    ("native", "lua", "string.for▮mat('%d', 1)", ["string.format("]),
    ("native", "javascript", "JSON.par▮se('1');", ["JSON.parse("]),
    ("option", "lua", "Agent.new({ system_▮prompt = 'x' })", ["system_prompt: string", "What the model is told"]),
    ("option", "javascript", "new Agent({ system▮Prompt: 'x' });", ["systemPrompt: string", "What the model is told"]),
    ("default of an option", "lua", "Agent.new({ max_tur▮ns = 3 })", ["default 10"]),
    ("step's key", "lua", "Workflow.sequential({ steps = { { agent = 'a', inp▮ut = 'x' } } })", ["input"]),
    ("value of a list", "lua", "Workflow.sequential({ steps = { { type = 'para▮llel', steps = {} } } })", ["What kind of step it is"]),
    ("value of a list", "javascript", "new Agent({ toolErrors: 'retu▮rn' });", ["toolErrors"]),
    ("hook point", "lua", "Hooks.register('before_llm▮_call', print)", ["# `before_llm_call`, a hook point", "Before each request to a model."]),
    ("hook point", "javascript", "Hooks.register('before▮LLMCall', f);", ["# `beforeLLMCall`, a hook point", "`systemPrompt`"]),
    ("hook point as a key", "lua", "Agent.new({ hooks = { before_llm▮_call = print } })", ["# `before_llm_call`, a hook point"]),
    ("event", "lua", "eventBus.on('tool:ca▮lled', print)", ["# `tool_called`, an event"]),
    ("event", "javascript", "eventBus.on('toolCa▮lled', f);", ["# `toolCalled`, an event", "`toolName`"]),
    ("tool in a text", "lua", "Workflow.sequential({ steps = { { tool = 'calcul▮ator' } } })", ["# CalculatorTool"]),
    ("model", "lua", "Agent.new({ provider = 'openai', model = 'gpt-4▮o-mini' })", ["model `gpt-4o-mini`", "tokens", "$"]),
    ("model with its provider", "javascript", "new Agent({ model: 'openai/gpt-4▮o-mini' });", ["model `openai/gpt-4o-mini`", "$"]),
    ("provider", "lua", "Agent.new({ provider = 'open▮ai' })", ["provider `openai`", "`OPENAI_API_KEY`"]),
    ("agent by name", "lua", "Agent.new({ name = 'w', system_prompt = 'You write.' })\nAgent.execute('w▮', 1)", ["agent `w`", "> You write.", "line 1"]),
    ("state key", "javascript", "await State.set('k▮', 1);", ["state key `k`", "set in line 1"]),
    ("variable of a workflow", "lua", "Workflow.sequential({ steps = { { tool = 'calculator', output = 'sum' }, { agent = 'b', input = '{{su▮m}}' } } })", ["`{{sum}}`: what step 1 (tool) gives", "tool `calculator`", "CalculatorResult"]),
    ("variable of a workflow", "javascript", "Workflow.sequential({ steps: [{ agent: 'a', action: 'plan', output: 'p' }, { agent: 'b', input: '{{p▮}}' }] });", ["`{{p}}`: what step 1 (agent) gives", "agent `a` · “plan”"]),
    ("the output itself", "lua", "Workflow.sequential({ steps = { { agent = 'a', output = 'p▮' } } })", ["`p`: what step 1 (agent) gives"]),
    ("the run's input", "lua", "Workflow.sequential({ steps = { { agent = 'a', input = '{{inp▮ut}}' } } })", ["what the workflow was run with"]),
    ("step by number", "lua", "Workflow.sequential({ steps = { { tool = 'calculator' }, { agent = 'b', input = '{{step▮_1}}' } } })", ["what step 1 (tool) gives"]),
]  # fmt: skip


@pytest.mark.parametrize(("construct", "language", "text", "parts"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_hover(spell: Spell, construct: str, language: str, text: str, parts: list[str]) -> None:
    here = spell(language, text)
    found = hover(*here.at)
    assert found is not None, construct
    for part in parts:
        assert part in found.markdown
    assert found.span.holds(here.line, here.column)
    other = "```js" if language == "lua" else "```lua\n"
    assert other not in found.markdown


def test_names_of_other_files(spell: Spell) -> None:
    here = spell("lua", 'Agent.execute("w▮", 1)', lib='\nAgent.new({ name = "w" })')
    found = hover(*here.at)
    assert found is not None and "agent `w`\n\nin lib.lua, line 2" in found.markdown
    here = spell("javascript", 'import { a } from "./li▮b.js";', lib="export const a = 1, b = 2;")
    found = hover(*here.at)
    assert found is not None and found.markdown == "`lib.js`\n\nexports `a`, `b`"


@pytest.mark.parametrize(
    ("language", "text"),
    [("lua", "print(unknown▮)"), ("lua", "x.y▮()"), ("lua", "local t = 'te▮xt'"), ("lua", "-- com▮ment"), ("lua", "▮"),
     ("lua", "Agent.new({ model = 'no-such-▮model-at-all' })"), ("javascript", "new Agent({ nonsense▮: 1 }).other;")],
)  # fmt: skip
def test_what_is_not_known_shows_nothing(spell: Spell, language: str, text: str) -> None:
    found = hover(*spell(language, text).at)
    assert found is None or "nonsense: 1" in found.markdown


MEMBERS = [
    (name, kind, member)
    for name, described in registry().classes.items()
    for kind in ("methods", "statics", "properties")
    for member in described[kind].values()
    if "name" in member or kind == "properties"
]


@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_every_class_and_member_of_the_registry_hovers(language: Any) -> None:
    words = vocabulary(language)
    missing: list[str] = []
    seen = 0
    for name, found in words.globals.items():
        snapshot = Snapshot(Document("file:///spell", language, 1, f"print({name})"))
        shown = hover(snapshot, 0, 7)
        seen += 1
        if shown is None or len(shown.markdown.split("\n")) > 140:
            missing.append(name)
        for member in words.members(found.type):
            text = f"print({name}.{member.name})"
            snapshot = Snapshot(Document("file:///spell", language, 1, text))
            shown = hover(snapshot, 0, len(f"print({name}.") + 1)
            seen += 1
            if shown is None or not shown.markdown.strip():
                missing.append(f"{name}.{member.name}")
    assert missing == []
    assert seen > 300
