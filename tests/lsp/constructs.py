"""What can stand in a spell, each with a cursor `▮`, in both languages: the rows of the table of cells."""

from __future__ import annotations

from typing import Final, NamedTuple


class Construct(NamedTuple):
    lua: str
    javascript: str


_LUA_FLOW = 'Agent.new({ name = "a" })\nlocal w = Workflow.sequential({ steps = {\n  { name = "plan", agent = "a", output = "text" },\n  { agent = "a", input = "On %s" },\n} })\n'
_JS_FLOW = 'new Agent({ name: "a" });\nconst w = Workflow.sequential({ steps: [\n  { name: "plan", agent: "a", output: "text" },\n  { agent: "a", input: "On %s" },\n] });\n'

CONSTRUCTS: Final[dict[str, Construct]] = {
    "local": Construct("local topic = 1\nprint(top▮ic)", "const topic = 1;\nconsole.log(top▮ic);"),
    "parameter": Construct(
        "local function f(topic)\n  return top▮ic\nend\nf(1)", "function f(topic) {\n  return top▮ic;\n}\nf(1);"
    ),
    "function": Construct(
        "local function greet(name)\n  return name\nend\nprint(gree▮t(1))",
        "function greet(name) {\n  return name;\n}\nconsole.log(gree▮t(1));",
    ),
    "field": Construct("local m = {\n  size = 1,\n}\nprint(m.si▮ze)", "const m = {\n  size: 1,\n};\nconsole.log(m.si▮ze);"),
    "class": Construct(
        "local Reader = BaseAgent:extend({\n  dig = function(self) end,\n})\nlocal r = Read▮er.new({})\nr:dig()",
        "class Reader extends BaseAgent {\n  dig() {}\n}\nconst r = new Read▮er({});\nr.dig();",
    ),
    "method of a class": Construct(
        "local Reader = BaseAgent:extend({\n  dig = function(self) end,\n})\nlocal r = Reader.new({})\nr:di▮g()",
        "class Reader extends BaseAgent {\n  dig() {}\n}\nconst r = new Reader({});\nr.di▮g();",
    ),
    "class of the registry": Construct('local a = Age▮nt.new({\n  name = "x",\n})', 'const a = new Age▮nt({\n  name: "x",\n});'),
    "method of the registry": Construct(
        'local a = Agent.new({ name = "x" })\nlocal r = a:ch▮at("hi")', 'const a = new Agent({ name: "x" });\nconst r = await a.ch▮at("hi");'
    ),
    "option": Construct(
        'local a = Agent.new({\n  system_pro▮mpt = "x",\n})', 'const a = new Agent({\n  systemPro▮mpt: "x",\n});'
    ),
    "hook point": Construct(
        'Hooks.register("before_tool▮_call", function(context)\n  print(context.tool_name)\nend)',
        'Hooks.register("beforeTool▮Call", (context) => {\n  console.log(context.toolName);\n});',
    ),
    "event": Construct(
        'eventBus.on("order▮_placed", function(event)\n  print(event)\nend)\neventBus.emit("order_placed", {})',
        'eventBus.on("order▮_placed", (event) => {\n  console.log(event);\n});\neventBus.emit("order_placed", {});',
    ),
    "reference": Construct(_LUA_FLOW % "{{te▮xt}}", _JS_FLOW % "{{te▮xt}}"),
    "step": Construct((_LUA_FLOW % "{{plan}}").replace('"plan"', '"pl▮an"'), (_JS_FLOW % "{{plan}}").replace('"plan"', '"pl▮an"')),
    "agent by name": Construct(
        (_LUA_FLOW % "x").replace('agent = "a", input', 'agent = "a▮", input'),
        (_JS_FLOW % "x").replace('agent: "a", input', 'agent: "a▮", input'),
    ),
    "state key": Construct(
        'State.set("draft", 1)\nprint(State.get("dra▮ft"))', 'await State.set("draft", 1);\nconsole.log(await State.get("dra▮ft"));'
    ),
    "tool by name": Construct(
        'local t = Tool.get("calc▮ulator")\nt:execute({ expression = "1" })', 'const t = Tool.get("calc▮ulator");\nawait t.execute({ expression: "1" });'
    ),
    "library of the language": Construct('print(string.up▮per("x"))', 'console.log(JSON.par▮se("1"));'),
    "imported": Construct('local m = require("part")\nm.sh▮ow(1)', 'import { show } from "./part.js";\nsh▮ow(1);'),
    "caught error": Construct(
        "local ok, problem = pcall(error)\nprint(prob▮lem)", "try {\n  f();\n} catch (problem) {\n  console.log(prob▮lem);\n}\nfunction f() {}"
    ),
    "field of a context": Construct(
        'Hooks.register("before_tool_call", function(context)\n  print(context.tool_▮name)\nend)',
        'Hooks.register("beforeToolCall", (context) => {\n  console.log(context.tool▮Name);\n});',
    ),
    "field of an event": Construct(
        'eventBus.on("tool_called", function(event)\n  print(event.tool_▮name)\nend)',
        'eventBus.on("toolCalled", (event) => {\n  console.log(event.tool▮Name);\n});',
    ),
    "field of a result": Construct(
        'local r = Tool.get("http_request"):execute({ url = params.url })\nprint(r.sta▮tus)',
        'const r = await Tool.get("http_request").execute({ url: params.url });\nconsole.log(r.sta▮tus);',
    ),
    "field of an error": Construct(
        "local ok, problem = pcall(error)\nprint(ok, problem.retry▮able)",
        "try {\n  f();\n} catch (problem) {\n  console.log(problem.retry▮able);\n}\nfunction f() {}",
    ),
    "the object itself": Construct(
        "local Reader = BaseAgent:extend({\n  depth = 1,\n  dig = function(self) return self.de▮pth end,\n})\nReader.new({}):dig()",
        "class Reader extends BaseAgent {\n  depth = 1;\n  dig() { return this.de▮pth; }\n}\nnew Reader({}).dig();",
    ),
    "taken apart": Construct(
        "local topic, other = 1, 2\nprint(top▮ic, other)", "const { topic, other } = { topic: 1, other: 2 };\nconsole.log(top▮ic, other);"
    ),
    "loop variable": Construct(
        "for _, topic in ipairs({ 1 }) do\n  print(top▮ic)\nend", "for (const topic of [1]) {\n  console.log(top▮ic);\n}"
    ),
    "described parameter": Construct(
        "---@param topic string what it is about\nlocal function f(topic)\n  return top▮ic\nend\nf('x')",
        "/** @param {string} topic what it is about */\nfunction f(topic) {\n  return top▮ic;\n}\nf('x');",
    ),
    "workflow by name": Construct(
        'Workflow.sequential({ name = "inner", steps = { { agent = Agent.get("a") } } })\nWorkflow.sequential({ steps = { { workflow = "inn▮er" } } })',
        'Workflow.sequential({ name: "inner", steps: [{ agent: await Agent.get("a") }] });\nWorkflow.sequential({ steps: [{ workflow: "inn▮er" }] });',
    ),
    "model": Construct(
        'local a = Agent.new({ model = "openai/gpt-4o-m▮ini", api_key = os.getenv("KEY") })\nprint(a)',
        'const a = new Agent({ model: "openai/gpt-4o-m▮ini", apiKey: process.env.KEY });\nconsole.log(a);',
    ),
    "mistake": Construct('print(Agent.new({ sistem_pro▮mpt = "x" }))', 'console.log(new Agent({ sistemPro▮mpt: "x" }));'),
}  # fmt: skip

#: The file that "imported" imports.
PARTS: Final = {
    "part.lua": "local M = {}\nfunction M.show(size) return size end\nreturn M\n",
    "part.js": "export function show(size) { return size; }\n",
}
