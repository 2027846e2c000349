"""The constructs of both languages with what completion must offer in them, and what it must not.

A construct has a cell for each language. An empty text says that a language has no such thing.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["lua", "javascript"]


class Cell(NamedTuple):
    text: str
    offered: str
    """Labels, a blank between them; `label=insert` also says what is put in, with `_` for blanks and `|` for line
    ends."""
    refused: str = ""
    nothing: bool = False
    first: str = ""
    """The label that comes before all others."""


AGENT_LUA = 'local writer = Agent.new{ name = "writer", state = { drafts = 3 } }\n'
AGENT_JS = 'const writer = new Agent({ name: "writer", state: { drafts: 3 } });\n'
FLOW_LUA = (
    'Workflow.sequential{ steps = { { name = "sum", tool = "calculator", output = "total" }, '
    '{ name = "tell", agent = "writer", input = "REF" } } }\n'
)
FLOW_JS = (
    'Workflow.sequential({ steps: [{ name: "sum", tool: "calculator", output: "total" }, '
    '{ name: "tell", agent: "writer", input: "REF" }] });\n'
)

CONSTRUCTS: dict[str, dict[Language, Cell]] = {
    "statement": {
        "lua": Cell("▮", "Agent Workflow print string local if params agent workflow tool hook", "const await"),
        "javascript": Cell("▮", "Agent Workflow console JSON const await params agent workflow", "local elseif"),
    },
    "local before its line": {
        "lua": Cell("▮\nlocal later = 1\n", "print", "later"),
        "javascript": Cell("▮\nconst later = 1;\n", "console", "later"),
    },
    "nearest local first": {
        "lua": Cell("local far = 1\nlocal near = 2\nprint(▮)\n", "far near", first="near"),
        "javascript": Cell("const far = 1;\nconst near = 2;\nconsole.log(▮);\n", "far near", first="near"),
    },
    "parameter": {
        "lua": Cell("local function f(one, two) return ▮ end\n", "one two f"),
        "javascript": Cell("function f(one, two) { return ▮ }\n", "one two f"),
    },
    "loop variable": {
        "lua": Cell("for index, item in ipairs({}) do print(▮) end\n", "index item"),
        "javascript": Cell("for (const item of []) { console.log(▮) }\n", "item"),
    },
    "upper scope after the block": {
        "lua": Cell("do local inner = 1 end\nprint(▮)\n", "print", "inner"),
        "javascript": Cell("{ const inner = 1; }\nconsole.log(▮);\n", "console", "inner"),
    },
    "new name": {
        "lua": Cell("local ▮", "", nothing=True),
        "javascript": Cell("const ▮", "", nothing=True),
    },
    "second new name": {
        "lua": Cell("local a, ▮ = 1, 2\n", "", nothing=True),
        "javascript": Cell("let a, ▮\n", "", nothing=True),
    },
    "name of a parameter": {
        "lua": Cell("local function f(a, ▮) end\n", "", nothing=True),
        "javascript": Cell("function f(a, ▮) {}\n", "", nothing=True),
    },
    "number": {"lua": Cell("local a = 12▮", "", nothing=True), "javascript": Cell("const a = 12▮", "", nothing=True)},
    "plain text": {
        "lua": Cell('local a = "some ▮"', "", nothing=True),
        "javascript": Cell('const a = "some ▮";', "", nothing=True),
    },
    "plain comment": {
        "lua": Cell("-- some ▮", "", nothing=True),
        "javascript": Cell("// some ▮", "", nothing=True),
    },
    "member of an object": {
        "lua": Cell(f"{AGENT_LUA}writer:▮", "chat=chat($0) clear_history=clear_history()$0 chat_async", "name new"),
        "javascript": Cell(f"{AGENT_JS}writer.▮", "chat=chat($0) clearHistory=clearHistory()$0 name", "clear_history"),
    },
    "dot that becomes a colon": {
        "lua": Cell(f"{AGENT_LUA}writer.▮", "name chat state"),
        "javascript": Cell(f"{AGENT_JS}writer?.▮", "name chat state"),
    },
    "half a member before a keyword": {
        "lua": Cell(
            "Agent.new{ hooks = { before_llm_call = function(context) context.▮ end } }\n", "prompt agent_name"
        ),
        "javascript": Cell("new Agent({ hooks: { beforeLLMCall(context) { context.▮ } } });\n", "prompt agentName"),
    },
    "member of a class": {
        "lua": Cell("Agent.▮", "new=new{_$0_} extend get list execute"),
        "javascript": Cell("Agent.▮", "get list execute", "new extend"),
    },
    "member of a text": {
        "lua": Cell("('x'):▮", "upper rep=rep($0) format"),
        "javascript": Cell("'x'.▮", "toUpperCase=toUpperCase()$0 length split"),
    },
    "member of a list": {
        "lua": Cell("table.▮", "insert concat sort"),
        "javascript": Cell("[1, 2].▮", "map filter length push"),
    },
    "member of a library": {
        "lua": Cell("string.▮", "format upper"),
        "javascript": Cell("JSON.▮", "parse stringify"),
    },
    "field of a table": {
        "lua": Cell("local box = { width = 1, depth = 2 }\nprint(box.▮)\n", "width depth"),
        "javascript": Cell("const box = { width: 1, depth: 2 };\nconsole.log(box.▮);\n", "width depth"),
    },
    "field that was put there": {
        "lua": Cell("local M = {}\nfunction M.load() end\nM.count = 1\nM.▮\n", "load=load()$0 count"),
        "javascript": Cell("class M { load() {} count = 1 }\nnew M().▮\n", "load=load()$0 count"),
    },
    "state that was given": {
        "lua": Cell(f"{AGENT_LUA}print(writer.state.▮)\n", "drafts"),
        "javascript": Cell(f"{AGENT_JS}console.log(writer.state.▮);\n", "drafts"),
    },
    "result of a call": {
        "lua": Cell('local r = CalculatorTool.new():execute{ expression = "1" }\nprint(r.▮)\n', "result"),
        "javascript": Cell(
            'const r = await new CalculatorTool().execute({ expression: "1" });\nconsole.log(r.▮);\n', "result"
        ),
    },
    "a promise": {
        "lua": Cell("", ""),
        "javascript": Cell("const p = new CalculatorTool().execute({});\nconsole.log(p.▮);\n", "then result"),
    },
    "await that is missing": {
        "lua": Cell("", ""),
        "javascript": Cell(f"{AGENT_JS}const r = writer.▮\n", "chat await_chat=chat($0)"),
    },
    "await that is there": {
        "lua": Cell("", ""),
        "javascript": Cell(f"{AGENT_JS}const r = await writer.▮\n", "chat", "await_chat"),
    },
    "brackets that are there": {
        "lua": Cell(f"{AGENT_LUA}writer:ch▮(1)\n", "chat="),
        "javascript": Cell(f"{AGENT_JS}writer.ch▮(1);\n", "chat="),
    },
    "self and this": {
        "lua": Cell("local W = BaseAgent:extend({ go = function(self) self:▮ end })\n", "go emit execute"),
        "javascript": Cell("class W extends BaseAgent { go() { this.▮ } }\n", "go emit execute"),
    },
    "super": {
        "lua": Cell("", ""),
        "javascript": Cell("class W extends BaseAgent { go() { super.▮ } }\n", "emit execute", "go"),
    },
    "methods to take over": {
        "lua": Cell("local W = BaseAgent:extend({ ▮ })\n", "execute init", "Agent print"),
        "javascript": Cell("class W extends BaseAgent { ▮ }\n", "execute constructor", "Agent console"),
    },
    "method declared apart": {
        "lua": Cell("local W = BaseAgent:extend({})\nfunction W:▮\n", "execute=execute(input)|\t$0|end init", "emit"),
        "javascript": Cell("", ""),
    },
    "keys of options": {
        "lua": Cell('Agent.new{ name = "x", ▮ }\n', "system_prompt tools hooks model", "name print systemPrompt"),
        "javascript": Cell('new Agent({ name: "x", ▮ });\n', "systemPrompt tools hooks model", "name console"),
    },
    "what a key's value looks like": {
        "lua": Cell("Tool.define{ ▮ }\n", 'name=name_=_"$0" parameters permissions=permissions_=_{_$0_}'),
        "javascript": Cell("Tool.define({ ▮ });\n", 'name=name:_"$0" permissions=permissions:_[$0]'),
    },
    "key that has its value": {
        "lua": Cell("Agent.new{ temp▮ = 1 }\n", "temperature="),
        "javascript": Cell("new Agent({ temp▮: 1 });\n", "temperature="),
    },
    "key that is a keyword": {
        "lua": Cell('Tool.get("csv"):execute{ aggregates = { { ▮ } } }\n', 'function=["function"]_=_"$0"'),
        "javascript": Cell('Tool.get("csv").execute({ aggregates: [{ ▮ }] });\n', 'function=function:_"$0"'),
    },
    "needed key first": {
        "lua": Cell("CalculatorTool.new():execute{ ▮ }\n", "precision", first="expression"),
        "javascript": Cell("new CalculatorTool().execute({ ▮ });\n", "precision", first="expression"),
    },
    "keys of options in second place": {
        "lua": Cell(f'{AGENT_LUA}writer:chat("x", {{ ▮ }})\n', "schema temperature"),
        "javascript": Cell(f'{AGENT_JS}writer.chat("x", {{ ▮ }});\n', "schema temperature"),
    },
    "keys of a table that is given on": {
        "lua": Cell("local options = { ▮ }\nAgent.new(options)\n", "system_prompt model"),
        "javascript": Cell("const options = { ▮ };\nnew Agent(options);\n", "systemPrompt model"),
    },
    "keys of a step": {
        "lua": Cell("Workflow.sequential{ steps = { { ▮ } } }\n", "agent tool input output run"),
        "javascript": Cell("Workflow.sequential({ steps: [{ ▮ }] });\n", "agent tool input output run"),
    },
    "a step": {
        "lua": Cell(f"{AGENT_LUA}Workflow.sequential{{ steps = {{ ▮ }} }}\n", "{_agent_step_} {_tool_step_}"),
        "javascript": Cell(f"{AGENT_JS}Workflow.sequential({{ steps: [▮] }});\n", "{_agent_step_} {_tool_step_}"),
    },
    "hooks by point": {
        "lua": Cell("Agent.new{ hooks = { ▮ } }\n", "before_llm_call=before_llm_call_=_function(context)|\t$0|end,"),
        "javascript": Cell("new Agent({ hooks: { ▮ } });\n", "beforeLLMCall=beforeLLMCall(context)_{|\t$0|},"),
    },
    "value of a list of texts": {
        "lua": Cell("Agent.new{ tool_errors = ▮ }\n", '"return" "fail"'),
        "javascript": Cell("new Agent({ toolErrors: ▮ });\n", '"return" "fail"'),
    },
    "text of a list of texts": {
        "lua": Cell('Agent.new{ tool_errors = "▮" }\n', "return fail", "print"),
        "javascript": Cell('new Agent({ toolErrors: "▮" });\n', "return fail", "console"),
    },
    "boolean": {
        "lua": Cell("CsvReaderTool.new():execute{ header = ▮ }\n", "true false"),
        "javascript": Cell("new CsvReaderTool().execute({ header: ▮ });\n", "true false"),
    },
    "object of a class": {
        "lua": Cell("local calc = CalculatorTool.new()\nAgent.new{ tools = { ▮ } }\n", "CsvTool.new", first="calc"),
        "javascript": Cell(
            "const calc = new CalculatorTool();\nnew Agent({ tools: [▮] });\n", "new_CsvTool", first="calc"
        ),
    },
    "function of a hook": {
        "lua": Cell('Hooks.register("before_llm_call", ▮)\n', "function_…_end=function(context)|\t$0|end"),
        "javascript": Cell('Hooks.register("beforeLLMCall", ▮);\n', "()_=>_{_…_}=(context)_=>_{|\t$0|}"),
    },
    "function of the spell as a value": {
        "lua": Cell(
            'local function mine(c) end\nHooks.register("before_llm_call", ▮)\n', "mine=", first="function … end"
        ),
        "javascript": Cell('function mine(c) {}\nHooks.register("beforeLLMCall", ▮);\n', "mine="),
    },
    "hook point": {
        "lua": Cell('Hooks.register("▮", function() end)\n', "before_llm_call on_error", "tool_called"),
        "javascript": Cell('Hooks.register("▮", () => {});\n', "beforeLLMCall onError", "toolCalled"),
    },
    "event": {
        "lua": Cell(f'{AGENT_LUA}writer:on("▮", function() end)\n', "tool_called", "before_llm_call"),
        "javascript": Cell(f'{AGENT_JS}writer.on("▮", () => {{}});\n', "toolCalled", "beforeLLMCall"),
    },
    "event of one's own": {
        "lua": Cell(f'{AGENT_LUA}writer:emit("done")\nwriter:on("▮", function() end)\n', "done tool_called"),
        "javascript": Cell(f'{AGENT_JS}writer.emit("done");\nwriter.on("▮", () => {{}});\n', "done toolCalled"),
    },
    "context of a hook": {
        "lua": Cell('Hooks.register("before_tool_call", function(c) c.▮ end)\n', "tool_name params"),
        "javascript": Cell('Hooks.register("beforeToolCall", (c) => { c.▮ });\n', "toolName params"),
    },
    "data of an event": {
        "lua": Cell('eventBus.on("tool_called", function(e) e.▮ end)\n', "tool_name timestamp"),
        "javascript": Cell('eventBus.on("toolCalled", (e) => { e.▮ });\n', "toolName timestamp"),
    },
    "tool by name": {
        "lua": Cell('Tool.get("▮")\n', "calculator web_search"),
        "javascript": Cell('Tool.get("▮");\n', "calculator web_search"),
    },
    "tool of the spell by name": {
        "lua": Cell(
            'Tool.define{ name = "mine", description = "", execute = print }\nTool.get("▮")\n', "mine calculator"
        ),
        "javascript": Cell('Tool.define({ name: "mine", execute: f });\nTool.get("▮");\n', "mine calculator"),
    },
    "arguments of a tool by name": {
        "lua": Cell('Tool.get("web-search"):execute{ ▮ }\n', "query"),
        "javascript": Cell('Tool.get("web-search").execute({ ▮ });\n', "query"),
    },
    "agent by name": {
        "lua": Cell(f'{AGENT_LUA}Agent.get("▮")\n', "writer"),
        "javascript": Cell(f'{AGENT_JS}Agent.get("▮");\n', "writer"),
    },
    "state key": {
        "lua": Cell('State.set("draft", 1)\nState.get("▮")\n', "draft"),
        "javascript": Cell('State.set("draft", 1);\nState.get("▮");\n', "draft"),
    },
    "permission": {
        "lua": Cell('Tool.define{ permissions = { "▮" } }\n', "read write net exec env"),
        "javascript": Cell('Tool.define({ permissions: ["▮"] });\n', "read write net exec env"),
    },
    "compared with a list of texts": {
        "lua": Cell(
            'Hooks.register("before_tool_call", function(c) if c.tool_name == "▮" then end end)\n', "calculator"
        ),
        "javascript": Cell('Hooks.register("beforeToolCall", (c) => { if (c.toolName === "▮") {} });\n', "calculator"),
    },
    "field that is assigned": {
        "lua": Cell('Hooks.register("before_tool_call", function(c) c.tool_name = "▮" end)\n', "calculator"),
        "javascript": Cell('Hooks.register("beforeToolCall", (c) => { c.toolName = "▮"; });\n', "calculator"),
    },
    "reference": {
        "lua": Cell(FLOW_LUA.replace("REF", "{{▮"), "total=total}} sum step_1 input params", "tell step_2"),
        "javascript": Cell(FLOW_JS.replace("REF", "{{▮"), "total=total}} sum step_1 input params", "tell step_2"),
    },
    "reference that is closed": {
        "lua": Cell(FLOW_LUA.replace("REF", "{{ to▮ }}"), "total="),
        "javascript": Cell(FLOW_JS.replace("REF", "{{ to▮ }}"), "total="),
    },
    "field of a reference": {
        "lua": Cell(FLOW_LUA.replace("REF", "{{total.▮}}"), "total.result"),
        "javascript": Cell(FLOW_JS.replace("REF", "{{total.▮}}"), "total.result"),
    },
    "field of a numbered reference": {
        "lua": Cell(FLOW_LUA.replace("REF", "{{step_1.▮}}"), "step_1.result"),
        "javascript": Cell(FLOW_JS.replace("REF", "{{step_1.▮}}"), "step_1.result"),
    },
    "reference outside a workflow": {
        "lua": Cell('local a = "{{▮"\n', "", nothing=True),
        "javascript": Cell('const a = "{{▮";\n', "", nothing=True),
    },
    "error that was caught": {
        "lua": Cell("local ok, e = pcall(print)\nprint(e.▮)\n", "message retryable"),
        "javascript": Cell("try { f(); } catch (e) { console.log(e.▮); }\n", "message retryable"),
    },
    "class after new": {
        "lua": Cell("", ""),
        "javascript": Cell("const a = new ▮\n", "Agent=Agent({_$0_}) Map CalculatorTool", "eventBus if params"),
    },
    "class after extends": {
        "lua": Cell("", ""),
        "javascript": Cell("class A extends ▮ {}\n", "Agent BaseAgent Tool", "eventBus if"),
    },
    "class of the spell after new": {
        "lua": Cell("local W = BaseAgent:extend({})\nlocal w = W.▮\n", "new extend"),
        "javascript": Cell("class W extends BaseAgent {}\nconst w = new ▮\n", "W=W({_$0_})"),
    },
    "pattern": {
        "lua": Cell("", ""),
        "javascript": Cell(f"{AGENT_JS}const {{ ▮ }} = writer;\n", "name chat=", "console"),
    },
    "callback of a list": {
        "lua": Cell("table.sort({}, ▮)\n", "function_…_end"),
        "javascript": Cell("[1].map(▮);\n", "(item,_index)_=>_…"),
    },
    "JSON Schema": {
        "lua": Cell("Tool.define{ parameters = { properties = { city = { ▮ } } } }\n", "type description enum", "name"),
        "javascript": Cell(
            "Tool.define({ parameters: { properties: { city: { ▮ } } } });\n", "type description", "name"
        ),
    },
    "type of a JSON Schema": {
        "lua": Cell('Tool.define{ parameters = { type = "▮" } }\n', "object string array"),
        "javascript": Cell('Tool.define({ parameters: { type: "▮" } });\n', "object string array"),
    },
    "keys of a table of no kind": {
        "lua": Cell("local width = 1\nlocal box = { ▮ }\n", "width"),
        "javascript": Cell("const width = 1;\nconst box = { ▮ };\n", "width", "Agent"),
    },
    "names of a module": {
        "lua": Cell("", ""),
        "javascript": Cell('import { ▮ } from "./unknown.js";\n', "", nothing=True),
    },
    "label": {
        "lua": Cell("::top::\nlocal function f() end\ngoto ▮\n", "top", "print"),
        "javascript": Cell("", ""),
    },
    "tag of a doc comment": {
        "lua": Cell("---@▮\nlocal function f(a) end\n", "param return type"),
        "javascript": Cell("/** @▮ */\nfunction f(a) {}\n", "param returns type"),
    },
    "parameter of a doc comment": {
        "lua": Cell("---@param ▮\nlocal function f(one, two) end\n", "one two", "f"),
        "javascript": Cell("/**\n * @param {string} ▮\n */\nfunction f(one, two) {}\n", "one two", "f"),
    },
    "type of a doc comment": {
        "lua": Cell("---@param one ▮\nlocal function f(one) end\n", "string Agent Tool", "print"),
        "javascript": Cell("/** @param {▮} one */\nfunction f(one) {}\n", "string Agent Tool", "console"),
    },
    "type that a comment told": {
        "lua": Cell("---@param who Agent\nlocal function f(who) who:▮ end\n", "chat"),
        "javascript": Cell("/** @param {Agent} who */\nfunction f(who) { who.▮ }\n", "chat"),
    },
    "code to ignore": {
        "lua": Cell("-- llmspell: ignore ▮\n", "deprecated"),
        "javascript": Cell("// llmspell: ignore ▮\n", "deprecated"),
    },
    "function that is not to be used": {
        "lua": Cell("--- @deprecated\nlocal function old() end\nol▮\n", "old"),
        "javascript": Cell("/** @deprecated */\nfunction old() {}\nol▮\n", "old"),
    },
}
