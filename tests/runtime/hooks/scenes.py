"""The scenes in which the table's hook points are tried, and handlers written in each language from one description."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from llmspell.api.names import camel
from llmspell.errors import SecurityError

#: Who writes the handler. A Python handler serves the Lua scene.
LANGUAGES = ("lua", "js", "python")


@dataclass(frozen=True)
class Does:
    """What a handler does: notes the context's keys, then sets fields or throws. first: only at the first failure.
    only: for the agent of this name alone; the scene makes others too, which a Python handler sees."""

    set: dict[str, Any] = field(default_factory=dict[str, Any])
    throws: bool = False
    first: bool = False
    only: str = ""

    def lua(self) -> str:
        lines = ["for key in pairs(c) do seen[#seen + 1] = key end"]
        lines += [f"c.{name} = {lua_literal(value)}" for name, value in self.set.items() if not self.first]
        if self.first:
            inside = " ".join(f"c.{name} = {lua_literal(value)}" for name, value in self.set.items())
            lines.append(f"if c.retry_count == 0 then {inside} end")
        if self.throws:
            lines.append('error(SecurityError("not allowed"))')
        return " ".join(lines)

    def js(self) -> str:
        sets = "; ".join(f"c.{camel(name)} = {json.dumps(value)}" for name, value in self.set.items())
        lines = ["seen.push(...Object.keys(c))", "await null"]
        lines.append(f"if (c.retryCount === 0) {{ {sets} }}" if self.first else sets)
        if self.throws:
            lines.append('throw new SecurityError("not allowed")')
        return "; ".join(line for line in lines if line)

    def python(self, seen: list[str]) -> Callable[[dict[str, Any]], None]:
        def handle(context: dict[str, Any]) -> None:
            seen.extend(context)
            if self.only not in ("", context.get("agent_name")):
                return
            if not self.first or context["retry_count"] == 0:
                context.update(self.set)
            if self.throws:
                raise SecurityError("not allowed")

        return handle


ACTIONS = {
    "lua": {
        "execute": 'agent:execute("hello").content',
        "llm_call": 'agent:chat("hello")',
        "tool_call": 'echo:execute{ text = "hello" }',
        "failing_tool": 'echo:execute{ text = "fail once" }',
        "failing_execute": 'worker:execute("hello")',
        "init": 'agent:execute("hello").content',
        "state": '(function() agent.state.mood = "hello" return agent.state.mood end)()',
        "workflow": 'flow:run("hello")',
        "step": 'flow:run("hello")',
        "handoff": "StateHandoff.new{ from = sender, to = agent }:execute().values",
        "delegation": 'team:execute("hello").content',
        "event": '(function() eventBus.emit("hello", { text = "hello" }) return heard end)()',
    },
    "js": {
        "execute": '(await agent.execute("hello")).content',
        "llm_call": 'await agent.chat("hello")',
        "tool_call": 'await echo.execute({ text: "hello" })',
        "failing_tool": 'await echo.execute({ text: "fail once" })',
        "failing_execute": 'await worker.execute("hello")',
        "init": '(await agent.execute("hello")).content',
        "state": '(() => { agent.state.mood = "hello"; return agent.state.mood; })()',
        "workflow": 'await flow.run("hello")',
        "step": 'await flow.run("hello")',
        "handoff": "(await new StateHandoff({ from: sender, to: agent }).execute()).values",
        "delegation": '(await team.execute("hello")).content',
        "event": '(await (async () => { eventBus.emit("hello", { text: "hello" }); await Async.sleep(1); return heard; })())',
    },
}

_LUA = """
local seen, ran = {}, 0
local echo = Tool.define{ name = "echo", description = "Echoes",
  parameters = { type = "object", properties = { text = { type = "string" } } },
  execute = function(p)
    ran = ran + 1
    if p.text == "fail once" and ran == 1 then error("failed once") end
    return p.text
  end }
local Worker = BaseAgent:extend("Worker")
function Worker:execute(input)
  ran = ran + 1
  if ran == 1 then error("failed once") end
  return input
end
local worker = Worker.new{ name = "worker" }
local heard = {}
eventBus.on("hello", function(e) heard[#heard + 1] = e.text end)
local sender = Agent.new{ name = "sender", state = { mood = "hello" } }
local flow = Workflow.sequential{ name = "flow", steps = { { name = "first", run = function(v) ran = ran + 1 return v end } } }
local team = SupervisorAgent.new{ name = "team", workers = { ben = Agent.new{ name = "ben" } } }
%(register)s
local agent
local ok, value = pcall(function()
  agent = Agent.new{ name = "ada", system_prompt = "sys", tools = { echo }, retries = %(retries)d }
  return %(action)s
end)
if not ok then
  local info = ErrorHandler.parse_error(value)
  value = { type = info.type, message = info.message, cause = info.cause and info.cause.message }
end
return { ok, value, seen, ran }
"""

_JS = """
const seen = [];
let ran = 0;
const echo = Tool.define({ name: "echo", description: "Echoes",
  parameters: { type: "object", properties: { text: { type: "string" } } },
  execute: (p) => {
    ran += 1;
    if (p.text === "fail once" && ran === 1) throw new Error("failed once");
    return p.text;
  } });
class Worker extends BaseAgent {
  async execute(input) {
    ran += 1;
    if (ran === 1) throw new Error("failed once");
    return input;
  }
}
const worker = new Worker({ name: "worker" });
const heard = [];
eventBus.on("hello", (e) => { heard.push(e.text); });
const sender = new Agent({ name: "sender", state: { mood: "hello" } });
const flow = Workflow.sequential({ name: "flow", steps: [{ name: "first", run: (v) => { ran += 1; return v; } }] });
const team = new SupervisorAgent({ name: "team", workers: { ben: new Agent({ name: "ben" }) } });
%(register)s
let ok = true, value;
try {
  const agent = new Agent({ name: "ada", systemPrompt: "sys", tools: [echo], retries: %(retries)d });
  value = %(action)s;
} catch (error) {
  const info = ErrorHandler.parseError(error);
  ok = false;
  value = { type: info.type, message: info.message, cause: info.cause && info.cause.message };
}
return [ok, value, seen, ran];
"""


def scene(language: str, point: str, does: Does, action: str, *, retries: int = 0, tool: str = "") -> dict[str, Any]:
    """The arguments of `cast`. tool: the handler is registered for this tool only."""
    written = "lua" if language == "python" else language
    register = ""
    if language == "lua":
        options = f', {{ tool = "{tool}" }}' if tool else ""
        register = f'Hooks.register("{point}", function(c) {does.lua()} end{options})'
    elif language == "js":
        options = f', {{ tool: "{tool}" }}' if tool else ""
        register = f'Hooks.register("{camel(point)}", async (c) => {{ {does.js()} }}{options});'
    source = (_LUA if written == "lua" else _JS) % {
        "register": register,
        "retries": retries,
        "action": ACTIONS[written][action],
    }
    return {written: source}


def spell_scene(language: str, does: Does) -> dict[str, str]:
    """The arguments of `cast` for the points around the spell itself; what its own handler saw is an event."""
    end = "print('began') return params"
    match language:
        case "lua":
            work = f"local ok, problem = pcall(function() {does.lua()} end)"
            told = f'{work} eventBus.emit("seen", {{ keys = seen }}) if not ok then error(problem, 0) end'
            return {"lua": f'local seen = {{}}\nHooks.register("after_spell", function(c) {told} end)\n{end}'}
        case "js":
            told = f'try {{ {does.js()} }} finally {{ eventBus.emit("seen", {{ keys: seen }}); }}'
            register = f'Hooks.register("afterSpell", async (c) => {{ {told} }});'
            return {"js": f"const seen = [];\n{register}\nconsole.log('began'); return params;"}
        case _:
            return {"lua": end}


def ending_scene(language: str, point: str, does: Does) -> dict[str, str]:
    """The arguments of `cast` for the points at which a run is ended: it asks a model, then waits."""
    lua = 'print("began") Agent.new{ name = "ada" }:chat("hello") Async.sleep(60000)'
    match language:
        case "lua":
            told = f'{does.lua()} eventBus.emit("seen", {{ keys = seen }})'
            return {"lua": f'local seen = {{}}\nHooks.register("{point}", function(c) {told} end)\n{lua}'}
        case "js":
            told = f'{does.js()}; eventBus.emit("seen", {{ keys: seen }});'
            work = 'console.log("began"); await new Agent({ name: "ada" }).chat("hello"); await Async.sleep(60000);'
            return {"js": f'const seen = [];\nHooks.register("{camel(point)}", async (c) => {{ {told} }});\n{work}'}
        case _:
            return {"lua": lua}


def lua_literal(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "{ " + ", ".join(f"{key} = {lua_literal(item)}" for key, item in value.items()) + " }"
        case list():
            return "{ " + ", ".join(map(lua_literal, value)) + " }"
        case _:
            return json.dumps(value)
