"""Whole statements to begin with: control flow, and the pieces that spells are made of. Knows no place.

Each is `name: what it is` and its lines; stops are the protocol's (`$1`, `${1:text}`, `$0`).
"""

from __future__ import annotations

from functools import cache
from typing import Final

from llmspell_lsp.analysis.vocabulary import Language
from llmspell_lsp.features.candidates import LIKELY, Block, Candidate

_LUA: Final = {
    "if … end": ("if ${1:condition} then", "\t$0", "end"),
    "if … else … end": ("if ${1:condition} then", "\t$2", "else", "\t$0", "end"),
    "for … ipairs": ("for ${1:_}, ${2:item} in ipairs(${3:list}) do", "\t$0", "end"),
    "for … pairs": ("for ${1:key}, ${2:value} in pairs(${3:map}) do", "\t$0", "end"),
    "for … number": ("for ${1:i} = ${2:1}, ${3:10} do", "\t$0", "end"),
    "while … end": ("while ${1:condition} do", "\t$0", "end"),
    "repeat … until": ("repeat", "\t$0", "until ${1:condition}"),
    "function … end": ("local function ${1:name}(${2})", "\t$0", "end"),
    "pcall … error": ("local ok, ${1:result} = pcall(function()", "\t$0", "end)", "if not ok then", "\t", "end"),
    "agent": ("local ${1:agent} = Agent.new{", '\tname = "${1:agent}",', '\tsystem_prompt = "$0",', "}"),
    "tool": (
        "local ${1:tool} = Tool.define{",
        '\tname = "${1:tool}",',
        '\tdescription = "${2:what it does and when to use it}",',
        "\tparameters = {",
        '\t\ttype = "object",',
        '\t\tproperties = { ${3:input} = { type = "string" } },',
        '\t\trequired = { "${3:input}" },',
        "\t},",
        "\texecute = function(params)",
        "\t\t$0",
        "\tend,",
        "}",
    ),
    "workflow": (
        "local ${1:workflow} = Workflow.sequential{",
        '\tname = "${1:workflow}",',
        "\tsteps = {",
        '\t\t{ name = "${2:first}", agent = ${3:agent}, input = "$0" },',
        "\t},",
        "}",
        "local result = ${1:workflow}:run()",
    ),
    "hook": ('Hooks.register("${1:before_llm_call}", function(context)', "\t$0", "end)"),
    "class … extends": (
        "local ${1:Name} = BaseAgent:extend({",
        "\texecute = function(self, input)",
        "\t\t$0",
        "\tend,",
        "})",
    ),
    "chat": ('local ${1:answer} = ${2:agent}:chat("$0")',),
}
_JAVASCRIPT: Final = {
    "if { … }": ("if (${1:condition}) {", "\t$0", "}"),
    "if { … } else { … }": ("if (${1:condition}) {", "\t$2", "} else {", "\t$0", "}"),
    "for … of": ("for (const ${1:item} of ${2:list}) {", "\t$0", "}"),
    "for await … of": ("for await (const ${1:chunk} of ${2:stream}) {", "\t$0", "}"),
    "for … number": ("for (let ${1:i} = 0; ${1:i} < ${2:10}; ${1:i}++) {", "\t$0", "}"),
    "while { … }": ("while (${1:condition}) {", "\t$0", "}"),
    "function { … }": ("function ${1:name}(${2}) {", "\t$0", "}"),
    "async function { … }": ("async function ${1:name}(${2}) {", "\t$0", "}"),
    "try … catch": ("try {", "\t$0", "} catch (${1:error}) {", "\t$2", "}"),
    "agent": ("const ${1:agent} = new Agent({", '\tname: "${1:agent}",', '\tsystemPrompt: "$0",', "});"),
    "tool": (
        "const ${1:tool} = Tool.define({",
        '\tname: "${1:tool}",',
        '\tdescription: "${2:what it does and when to use it}",',
        '\tparameters: { type: "object", properties: { ${3:input}: { type: "string" } }, required: ["${3:input}"] },',
        "\texecute: async (params) => {",
        "\t\t$0",
        "\t},",
        "});",
    ),
    "workflow": (
        "const ${1:workflow} = Workflow.sequential({",
        '\tname: "${1:workflow}",',
        "\tsteps: [",
        '\t\t{ name: "${2:first}", agent: ${3:agent}, input: "$0" },',
        "\t],",
        "});",
        "const result = await ${1:workflow}.run();",
    ),
    "hook": ('Hooks.register("${1:beforeLLMCall}", (context) => {', "\t$0", "});"),
    "class … extends": ("class ${1:Name} extends BaseAgent {", "\tasync execute(input) {", "\t\t$0", "\t}", "}"),
    "chat": ('const ${1:answer} = await ${2:agent}.chat("$0");',),
}
_BODIES: Final[dict[Language, dict[str, tuple[str, ...]]]] = {"lua": _LUA, "javascript": _JAVASCRIPT}


@cache
def block(language: Language) -> Block:
    fence = "lua" if language == "lua" else "javascript"
    return Block(
        language,
        tuple(
            Candidate(
                label,
                "snippet",
                lines[0].replace("${1:", "").replace("}", "") if len(lines) == 1 else "",
                f"text ```{fence}\n" + "\n".join(lines) + "\n```",
                "\n".join(lines),
                LIKELY,
                rank=rank,
                filter=label.partition(" …")[0],
            )
            for rank, (label, lines) in enumerate(_BODIES[language].items())
        ),
    )


#: Steps of a workflow, for `steps = { ▮ }`.
_STEPS: Final[dict[Language, tuple[tuple[str, str], ...]]] = {
    "lua": (
        ("{ agent step }", '{ name = "${1:step}", agent = ${2:agent}, input = "$0" },'),
        ("{ tool step }", '{ name = "${1:step}", tool = "${2:calculator}", params = { $0 } },'),
        ("{ function step }", '{ name = "${1:step}", run = function(value, context)\n\t$0\nend },'),
    ),
    "javascript": (
        ("{ agent step }", '{ name: "${1:step}", agent: ${2:agent}, input: "$0" },'),
        ("{ tool step }", '{ name: "${1:step}", tool: "${2:calculator}", params: { $0 } },'),
        ("{ function step }", '{ name: "${1:step}", run: (value, context) => {\n\t$0\n} },'),
    ),
}


@cache
def steps(language: Language) -> tuple[Candidate, ...]:
    """Steps of a workflow to begin with."""
    return tuple(
        Candidate(label, "snippet", "a step", "", body, 0, rank=rank, filter=label.strip("{ "))
        for rank, (label, body) in enumerate(_STEPS[language])
    )
