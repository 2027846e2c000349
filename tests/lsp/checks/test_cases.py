"""More mistakes of each code than its page shows, each between two ▮, in both languages where both have it; and what
looks like one and is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmspell_lsp.checks.finding import Finding

Find = Callable[[str, str], list[Finding]]
MARK = "▮"

#: Code, words of the message, Lua, JavaScript.
WRONG = [
    ("unknown-option", "did you mean 'temperature'?", 'local a = Agent.new{ model = "offline" }\nreturn a:chat("x", { ▮temprature▮ = 1 })', 'const a = new Agent({ model: "offline" });\nreturn a.chat("x", { ▮temprature▮: 1 });'),
    ("unknown-option", "of Workflow.sequential; did you mean 'output'?", 'return Workflow.sequential{ steps = { { agent = "a", ▮ouput▮ = "x" } } }', 'return Workflow.sequential({ steps: [{ agent: "a", ▮ouput▮: "x" }] });'),
    ("wrong-type", "tool_errors must be 'return' or 'fail', not 'fial'; did you mean 'fail'?", 'return Agent.new{ tool_errors = ▮"fial"▮ }', None),
    ("wrong-type", "toolErrors must be 'return' or 'fail', not 'fial'", None, 'return new Agent({ toolErrors: ▮"fial"▮ });'),
    ("wrong-type", "precision must be at most 50, not 60", "return Calculator.new{ precision = ▮60▮ }", "return new Calculator({ precision: ▮60▮ });"),
    ("wrong-type", "must be a", 'return Agent.new{ tools = ▮"calculator"▮ }', 'return new Agent({ tools: ▮"calculator"▮ });'),
    ("wrong-type", "retries must be a whole number, not 1.5", "return Agent.new{ retries = ▮1.5▮ }", "return new Agent({ retries: ▮1.5▮ });"),
    ("missing-option", "missing option 'execute' of Tool.define", 'return Tool.define▮{▮ name = "a", description = "b" }', 'return Tool.define(▮{▮ name: "a", description: "b" });'),
    ("unknown-member", "Hooks has no method 'regster'; did you mean 'register'?", 'Hooks.▮regster▮("before_execute", function() end)', 'Hooks.▮regster▮("beforeExecute", () => {});'),
    ("unknown-member", "a ResearchAgent has no method 'serch'; did you mean 'search'?", 'local r = ResearchAgent.new{ model = "offline" }\nreturn r:▮serch▮("x")', 'const r = new ResearchAgent({ model: "offline" });\nreturn r.▮serch▮("x");'),
    ("wrong-spelling", "spells it", 'local a = Agent.new{ model = "offline" }\nreturn a:▮clearHistory▮()', 'const a = new Agent({ model: "offline" });\nreturn a.▮clear_history▮();'),
    ("wrong-spelling", "JavaScript makes one with 'new Agent(…)'", None, 'const a = Agent.▮new▮("x");\nreturn a.chat("x");'),
    ("method-call", "Agent is a class: write new Agent(…)", None, 'const a = ▮Agent▮("x");\nreturn a;'),
    ("method-call", "Mine is a class: write new Mine(…)", None, 'class Mine extends Agent {}\nreturn ▮Mine▮({ name: "x" });'),
    ("unknown-member", "an Agent has no method 'ask'", 'local a = Agent.new("You are kind")\nreturn a:▮ask▮("x")', 'const a = new Agent("You are kind");\nreturn a.▮ask▮("x");'),
    ("unknown-member", "an Agent has no method 'ask'", 'return Agent.new():▮ask▮("x")', 'return new Agent().▮ask▮("x");'),
    ("wrong-type", 'not \'calculator\'; write Tool.get("calculator")', 'return Agent.new{ tools = { ▮"calculator"▮ } }', 'return new Agent({ tools: [▮"calculator"▮] });'),
    ("tool-arguments", "must be a", 'return Tool.get("calculator"):execute(▮"1 + 1"▮)', 'return Tool.get("calculator").execute(▮"1 + 1"▮);'),
    ("missing-await", "a promise cannot be gone through", None, 'const a = new Agent({ model: "offline" });\nfor (const each of ▮a.chat("x")▮) console.log(each);'),
    ("missing-await", "a promise is taken apart", None, 'const a = new Agent({ model: "offline" });\nconst { length } = ▮a.chat("x")▮;\nreturn length;'),
    ("missing-await", "'length' is read from a promise", None, 'const a = new Agent({ model: "offline" });\nreturn ▮a.chat("x")▮.length;'),
    ("missing-await", "always true", None, 'const a = new Agent({ model: "offline" });\nif (▮a.chat("x")▮) { console.log(1); }'),
    ("unknown-hook-point", "did you mean", 'return Agent.new{ hooks = { ▮before_lm_call▮ = function() end } }', 'return new Agent({ hooks: { ▮beforeLMCall▮: () => {} } });'),
    ("unknown-tool", "there is no tool 'calculatr'", 'return Tool.get("▮calculatr▮")', 'return Tool.get("▮calculatr▮");'),
    ("tool-arguments", "missing option 'expression' of calculator", 'return Workflow.sequential{ steps = { { tool = "calculator", ▮params▮ = { precision = 1 } } } }', 'return Workflow.sequential({ steps: [{ tool: "calculator", ▮params▮: { precision: 1 } }] });'),
    ("tool-arguments", "operation must be", 'return FileSystem.new():execute{ operation = ▮"reed"▮, path = "x" }', 'return new FileSystem().execute({ operation: ▮"reed"▮, path: "x" });'),
    ("tool-arguments", "unknown option 'numbr' of double; did you mean 'number'?", 'local t = Tool.define{ name = "double", description = "d", execute = function(p) return p.number * 2 end,\n  parameters = { type = "object", properties = { number = { type = "number" } }, additionalProperties = false } }\nreturn t:execute{ ▮numbr▮ = 2 }', 'const t = Tool.define({ name: "double", description: "d", execute: (p) => p.number * 2,\n  parameters: { type: "object", properties: { number: { type: "number" } }, additionalProperties: false } });\nreturn t.execute({ ▮numbr▮: 2 });'),
    ("reference-syntax", "is never closed", 'return Workflow.sequential{ steps = { { agent = "a", input = "▮{{notes▮" } } }', 'return Workflow.sequential({ steps: [{ agent: "a", input: "▮{{notes▮" }] });'),
    ("reference-early", "which a later step gives", 'local w = Workflow.sequential{ steps = { { agent = "a", input = "{{▮late▮}}" }, { agent = "b", output = "late" } } }\nreturn w:run{}', 'const w = Workflow.sequential({ steps: [{ agent: "a", input: "{{▮late▮}}" }, { agent: "b", output: "late" }] });\nreturn w.run({});'),
    ("reference-unknown", "did you mean 'notes'?", 'return Workflow.sequential{ steps = { { agent = "a", output = "notes" }, { agent = "b", input = "{{▮nots▮}}" } } }', 'return Workflow.sequential({ steps: [{ agent: "a", output: "notes" }, { agent: "b", input: "{{▮nots▮}}" }] });'),
    ("step-cycle", "(through b)", 'local a = Workflow.sequential{ name = "a", steps = { { workflow = "▮b▮" } } }\nreturn a', 'const a = Workflow.sequential({ name: "a", steps: [{ workflow: "▮b▮" }] });\nreturn a;'),
    ("step-fields", "a step does one thing", 'return Workflow.sequential{ steps = { { agent = "a", ▮tool▮ = "calculator" } } }', 'return Workflow.sequential({ steps: [{ agent: "a", ▮tool▮: "calculator" }] });'),
    ("step-fields", "is a loop without an end", 'return Workflow.loop▮{▮ body = { agent = "a" } }', 'return Workflow.loop(▮{▮ body: { agent: "a" } });'),
    ("step-fields", "is a step without work", 'return Workflow.sequential{ steps = { ▮{▮ input = "x" } } }', 'return Workflow.sequential({ steps: [▮{▮ input: "x" }] });'),
    ("step-fields", "has a branch but no condition", 'return Workflow.conditional▮{▮ true_branch = { agent = "a" } }', 'return Workflow.conditional(▮{▮ trueBranch: { agent: "a" } });'),
    ("secret-in-source", "a key of GitHub", 'return { token = "▮ghp_Zk41uQp8sVx72LmNw0Tb93RcYe65HjKa1dFg▮" }', 'return { token: "▮ghp_Zk41uQp8sVx72LmNw0Tb93RcYe65HjKa1dFg▮" };'),
    ("permission-needed", "[permissions] exec in llmspell.toml needs 'git'", 'return ShellCommand.new():execute{ command = "▮git status▮" }', 'return new ShellCommand().execute({ command: "▮git status▮" });'),
    ("unused-local", "the function 'helper' is never used", "local function ▮helper▮() return 1 end\nreturn 2", "function ▮helper▮() { return 1; }\nreturn 2;"),
]  # fmt: skip
#: What nobody may complain about.
RIGHT = [
    ("an agent's own actions are methods", 'local a = Agent.new{ model = "offline", actions = { "polish" } }\nreturn a:polish("x")', 'const a = new Agent({ model: "offline", actions: ["polish"] });\nreturn a.polish("x");'),
    ("what may be an agent's own action is no mistake", 'local a = Agent.new(params)\nreturn a:polish("x")', "const a = new Agent(params);\nreturn a.polish('x');"),
    ("a field that is set can be read", 'local a = Agent.new{ model = "offline" }\na.mood = 1\nreturn a.mood', 'const a = new Agent({ model: "offline" });\na.mood = 1;\nreturn a.mood;'),
    ("a method in a variable takes its object first", 'local a = Agent.new{ model = "offline" }\nlocal chat = a.chat\nreturn chat(a, "x", { temperature = 1 }), a.chat(a, "x")', 'const a = new Agent({ model: "offline" });\nconst chat = a.chat;\nreturn [chat.call(a, "x", { temperature: 1 }), a.chat("x")];'),
    ("what is called without new", "local Counter = setmetatable({}, { __call = function(_, n) return n end })\nreturn Counter(1), Agent('x')", 'return [String(1), Number("1"), Boolean(1), Array(3), Error("x"), Symbol("x"), Date(), Object({})];'),
    ("a subclass keeps options of its own", 'local R = BaseAgent:extend{ init = function(self, o) self.depth = o.depth end }\nreturn R.new{ depth = 3 }', 'class R extends BaseAgent { constructor(o) { super(o); this.depth = o.depth; } }\nreturn new R({ depth: 3 });'),
    ("nil leaves an option out", "return Agent.new{ model = nil, max_tokens = nil }", "return new Agent({ model: null, maxTokens: undefined });"),
    ("a run's input may have any name", 'local w = Workflow.sequential{ steps = { { agent = "a", input = "{{topic}}" } } }\nreturn w:run(params)', 'const w = Workflow.sequential({ steps: [{ agent: "a", input: "{{topic}}" }] });\nreturn w.run(params);'),
    ("a function may set any name", 'local w = Workflow.sequential{ steps = { { run = function(_, c) c.topic = 1 end }, { agent = "a", input = "{{topic}}" } } }\nreturn w:run{}', 'const w = Workflow.sequential({ steps: [{ run: (_, c) => { c.topic = 1; } }, { agent: "a", input: "{{topic}}" }] });\nreturn w.run({});'),
    ("a spell's own tool can be named", 'local t = Tool.define{ name = "double", description = "d", execute = function(p) return p end }\nreturn Workflow.create{ tools = { t }, steps = { { tool = "double", params = { anything = 1 } } } }', 'const t = Tool.define({ name: "double", description: "d", execute: (p) => p });\nreturn Workflow.create({ tools: [t], steps: [{ tool: "double", params: { anything: 1 } }] });'),
    ("a spell's own events can be called anything", 'eventBus.emit("tool_caled", {})\neventBus.on("tool_caled", function(e) print(e) end)', 'eventBus.emit("toolCaled", {});\neventBus.on("toolCaled", (e) => { console.log(e); });'),
    ("patterns of hook points", 'Hooks.register("before_*", function() end)', 'Hooks.register("before_*", () => {});'),
    ("a step's action says a tool's operation", 'return Workflow.sequential{ steps = { { tool = "file_system", action = "read", params = { path = "a" } } } }', 'return Workflow.sequential({ steps: [{ tool: "file_system", action: "read", params: { path: "a" } }] });'),
    ("references stand for any type", 'return Workflow.sequential{ steps = { { tool = "calculator", params = { expression = "{{input}}", precision = "{{params.digits}}" } } } }', 'return Workflow.sequential({ steps: [{ tool: "calculator", params: { expression: "{{input}}", precision: "{{params.digits}}" } }] });'),
    ("an example is no secret", 'return { key = "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" }', 'return { key: "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };'),
    ("a method with its object before the text", 'local a = Agent.new{ model = "offline" }\nreturn a.chat(a, "x")', 'const a = new Agent({ model: "offline" });\nreturn a.chat("x");'),
    ("what is spread may hold the rest", "local rest = params\nreturn Tool.define(rest)", 'return Tool.define({ name: "a", ...params });'),
    ("a prefix of methods", 'return Cache.get_cached_notes("k")', 'return Cache.getCachedNotes("k");'),
    ("a promise that is handed on", 'return 1', 'const a = new Agent({ model: "offline" });\nconst all = Promise.all([a.chat("x"), a.chat("y")]);\nreturn (await all).length;'),
]  # fmt: skip


def cases() -> list[object]:
    return [
        pytest.param(code, words, language, text, id=f"{code}-{number}-{language}")
        for number, (code, words, lua, javascript) in enumerate(WRONG)
        for language, text in (("lua", lua), ("javascript", javascript))
        if text is not None
    ]


@pytest.mark.parametrize(("code", "words", "language", "text"), cases())
def test_the_mistake_is_found_and_nothing_else(code: str, words: str, language: str, text: str, find: Find) -> None:
    before, wrong, after = text.split(MARK)
    extra = ""
    if code == "step-cycle":
        b = 'Workflow.sequential{ name = "b", steps = { { workflow = "a" } } }'
        extra = f"\n{b}" if language == "lua" else '\nWorkflow.sequential({ name: "b", steps: [{ workflow: "a" }] });'
    found = find(before + wrong + after + extra, language)
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    assert [(each.code, each.span) for each in found][:1] == [(code, (line, column, line, column + len(wrong)))]
    assert words in found[0].message
    assert {each.code for each in found} == {code}


@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize(("name", "lua", "javascript"), RIGHT, ids=[name for name, _, _ in RIGHT])
def test_what_is_right_is_left_alone(name: str, lua: str, javascript: str, language: str, find: Find) -> None:
    text = lua if language == "lua" else javascript
    assert [(each.code, each.message) for each in find(text, language)] == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "lua",
            'return Agent.new{ model = "groq/meta-llama/llama-prompt-guard-2-22m", api_key = params.key, system_prompt = "%s" }',
        ),
        (
            "javascript",
            'return new Agent({ model: "groq/meta-llama/llama-prompt-guard-2-22m", apiKey: params.key, systemPrompt: "%s" });',
        ),
    ],
)
def test_a_prompt_that_no_window_holds(language: str, text: str, find: Find) -> None:
    assert [each.code for each in find(text % ("long " * 20_000), language)] == ["prompt-size"]
    assert find(text % ("long " * 200), language) == []
