"""The call around a mark: its label, and the part that the mark is in. A cell that is left out fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest

from llmspell_lsp.features.signatures import Signatures, signatures
from llmspell_lsp.workspace.snapshot import Snapshot

Language = Literal["lua", "javascript"]
At = Callable[[str, Language], tuple[Snapshot, int, int]]
LANGUAGES: tuple[Language, ...] = ("lua", "javascript")

AGENT: dict[Language, str] = {"lua": "local writer = Agent.new{}\n", "javascript": "const writer = new Agent({});\n"}

Cell = tuple[str, str, str] | None
"""A text, what the label begins with, and the active part ("": none); None: the language has no such call."""

CALLS: dict[str, dict[Language, Cell]] = {
    "method": {
        "lua": (f"{AGENT['lua']}writer:chat(▮", "writer:chat(message: ", "message: string | table<string, any>"),
        "javascript": (f"{AGENT['javascript']}writer.chat(▮", "writer.chat(message: ", "message: string | Record"),
    },
    "second argument": {
        "lua": ("State.set('k', ▮", "State.set(key: string, value?, options?: ", "value?"),
        "javascript": ("State.set('k', ▮", "State.set(key: string, value?, options?: ", "value?"),
    },
    "commas inside": {
        "lua": ("State.set('k', f(1, {2, 3}), ▮)", "State.set(", "options?: StateOptions | nil"),
        "javascript": ("State.set('k', f(1, [2, 3]), ▮)", "State.set(", "options?: StateOptions | null"),
    },
    "inner call": {
        "lua": ("State.set('k', string.rep('x', ▮))", "string.rep(text: string, count: ", "count: integer"),
        "javascript": ("State.set('k', Math.max(▮))", "Math.max(", "..."),
    },
    "inside a text": {
        "lua": ('State.get("ke▮y")', "State.get(key: string, ", "key: string"),
        "javascript": ('State.get("ke▮y")', "State.get(key: string, ", "key: string"),
    },
    "constructor": {
        "lua": ("Agent.new(▮", "Agent.new(options?: AgentOptions): Agent", "options?: AgentOptions"),
        "javascript": ("new Agent(▮", "new Agent(options?: AgentOptions)", "options?: AgentOptions"),
    },
    "positional form": {
        "lua": ("Agent.new('You▮", "Agent.new(system_prompt?: string): Agent", "system_prompt?: string"),
        "javascript": ("new Agent('You▮", "new Agent(systemPrompt?: string)", "systemPrompt?: string"),
    },
    "option being valued": {
        "lua": ("Agent.new{ temperature = ▮", "Agent.new{ id?, name?", "temperature?: number | nil"),
        "javascript": ("new Agent({ temperature: ▮", "Agent({ id?, name?", "temperature?: number | null"),
    },
    "option being typed": {
        "lua": ("Agent.new{ temp▮", "Agent.new{ id?, name?", "temperature?: number | nil"),
        "javascript": ("new Agent({ temp▮ })", "Agent({ id?, name?", "temperature?: number | null"),
    },
    "needed option first": {
        "lua": ("CalculatorTool.new():execute{ ▮ }", "CalculatorTool.execute{ expression", "expression: string"),
        "javascript": (
            "new CalculatorTool().execute({ ▮ })",
            "CalculatorTool.execute({ expression",
            "expression: string",
        ),
    },
    "step of a workflow": {
        "lua": ("Workflow.sequential{ steps = { { output = ▮", "steps{ name?", "output?: string"),
        "javascript": ("Workflow.sequential({ steps: [{ output: ▮", "steps: { name?", "output?: string"),
    },
    "table of one's own in a known call": {
        "lua": ("State.set('k', { a = ▮ })", "State.set(", "value?"),
        "javascript": ("State.set('k', { a: ▮ })", "State.set(", "value?"),
    },
    "handler of a hook": {
        "lua": ("Hooks.register('before_llm_call', ▮)", "Hooks.register(point: ", "handler: fun(context: HookContext)"),
        "javascript": ("Hooks.register('beforeLLMCall', ▮)", "Hooks.register(point: ", "handler: "),
    },
    "parameters of a handler": {
        "lua": (
            "Hooks.register('before_llm_call', function(▮",
            "function(context: HookContext)",
            "context: HookContext",
        ),
        "javascript": ("Hooks.register('beforeLLMCall', (▮) => 1)", "function(context: ", "context: HookContext"),
    },
    "function of the spell": {
        "lua": (
            "---@param a number the first\n---@return number\nlocal function add(a, b) end\nadd(1, ▮)",
            "add(a: number, b): number",
            "b",
        ),
        "javascript": (
            "/** @param {number} a the first\n * @returns {number} */\nfunction add(a, b = 1) {}\nadd(1, ▮)",
            "add(a: number, b?): number",
            "b?",
        ),
    },
    "class of the spell": {
        "lua": ("local W = BaseAgent:extend({ init = function(self, o) end })\nW.new(▮", "W.new(o): W", "o"),
        "javascript": ("class W extends Agent { constructor(a, b) { super(); } }\nnew W(1, ▮", "new W(a, b)", "b"),
    },
    "super": {
        "lua": None,
        "javascript": (
            "class W extends Agent { constructor() { super(▮) } }",
            "super(options?: ",
            "options?: AgentOptions",
        ),
    },
    "object given by hand": {
        "lua": (
            f"{AGENT['lua']}writer.chat(writer, ▮)",
            "writer.chat(message: ",
            "message: string | table<string, any>",
        ),
        "javascript": None,
    },
    "method of a text": {
        "lua": ("('x'):rep(▮)", "('x'):rep(count: integer", "count: integer"),
        "javascript": ("'x'.repeat(▮)", "'x'.repeat(count: number", "count: number"),
    },
    "one argument too many": {
        "lua": (f"{AGENT['lua']}writer:set_state('a', ▮)", "writer:set_state(status", ""),
        "javascript": (f"{AGENT['javascript']}writer.setState('a', ▮)", "writer.setState(status", ""),
    },
}


def test_no_cell_is_empty() -> None:
    assert not [f"{name} [{each}]" for name, cells in CALLS.items() for each in LANGUAGES if each not in cells]


@pytest.mark.parametrize(
    ("cell", "language"),
    [
        pytest.param(cell, language, id=f"{name} [{language}]")
        for name, cells in CALLS.items()
        for language, cell in cells.items()
        if cell is not None
    ],
)
def test_call(cell: tuple[str, str, str], language: Language, at: At) -> None:
    text, label, active = cell
    found = signatures(*at(text, language))
    assert found is not None
    form = found.forms[found.active]
    assert form.label.startswith(label)
    assert part(found).startswith(active) if active else part(found) == ""


def part(found: Signatures) -> str:
    """The active part of the active form."""
    form = found.forms[found.active]
    if form.active >= len(form.parts):
        return ""
    shown = form.parts[form.active]
    return form.label[shown.start : shown.end]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("▮f()", "lua"),
        ("unknown(▮)", "lua"),
        ("unknown(▮)", "javascript"),
        ("print(1) ▮", "lua"),
        ("-- print(▮)", "lua"),
        ("State.set('k', function() ▮ end)", "lua"),
        ("State.set('k', () => { ▮ })", "javascript"),
        ("`${▮}`", "javascript"),
    ],
)
def test_outside_of_every_known_call_there_is_none(text: str, language: Language, at: At) -> None:
    assert signatures(*at(text, language)) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_handler_says_what_it_may_change(language: Language, at: At) -> None:
    point = "before_llm_call" if language == "lua" else "beforeLLMCall"
    found = signatures(*at(f"Hooks.register('{point}', ▮)", language))
    assert found is not None
    assert "It may change `prompt`" in found.forms[0].parts[1].doc
