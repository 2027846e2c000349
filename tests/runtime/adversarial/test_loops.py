"""Spells that wait for themselves, call themselves or call back for ever: each ends with one line that says so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

SELF = 'Provider.scripted{ { tool_calls = { { name = "a", arguments = { message = "x" } } } } }'


@dataclass(frozen=True)
class Loop:
    """words: what the spell ends with. status: of the run."""

    name: str
    words: str
    status: str
    lua: str
    js: str


LOOPS = [
    Loop(
        "an agent that is its own tool",
        "still wants tools after 10 requests",
        "error",
        f'{SELF} local a = Agent.new{{ name = "a" }} a:add_tool(AgentTool.wrap(a)) return a:chat("hi")',
        'Provider.scripted([{ toolCalls: [{ name: "a", arguments: { message: "x" } }] }]); '
        'const a = new Agent({ name: "a" }); a.addTool(AgentTool.wrap(a)); return await a.chat("hi")',
    ),
    Loop(
        "two agents that are each other's tools",
        "still wants tools after 10 requests",
        "error",
        'Provider.scripted{ { agent = "a", tool_calls = { { name = "b", arguments = { message = "x" } } } }, '
        '{ agent = "b", tool_calls = { { name = "a", arguments = { message = "x" } } } } } '
        'local a, b = Agent.new{ name = "a" }, Agent.new{ name = "b" } '
        'a:add_tool(AgentTool.wrap(b)) b:add_tool(AgentTool.wrap(a)) return a:chat("hi")',
        'Provider.scripted([{ agent: "a", toolCalls: [{ name: "b", arguments: { message: "x" } }] }, '
        '{ agent: "b", toolCalls: [{ name: "a", arguments: { message: "x" } }] }]); '
        'const a = new Agent({ name: "a" }), b = new Agent({ name: "b" }); '
        'a.addTool(AgentTool.wrap(b)); b.addTool(AgentTool.wrap(a)); return await a.chat("hi")',
    ),
    Loop(
        "a hook that chats with the agent it serves",
        "'a' is asked from inside its own turn",
        "error",
        'local a = Agent.new{ name = "a" } Hooks.register("before_llm_call", function() a:chat("again") end) return a:chat("hi")',
        'const a = new Agent({ name: "a" }); Hooks.register("before_llm_call", async () => { await a.chat("again") }); return await a.chat("hi")',
    ),
    Loop(
        "an agent that executes itself",
        "under way at once",
        "limit",
        'local A = BaseAgent:extend() function A:execute(i) return self:execute(i) end return A.new{}:execute("x")',
        'class A extends BaseAgent { async execute(i) { return await this.execute(i) } } return await new A({}).execute("x")',
    ),
    Loop(
        "a tool that calls itself",
        "under way at once",
        "limit",
        'local t t = Tool.define{ name = "t", description = "d", execute = function(p) return t:execute(p) end } return t:execute{}',
        'const t = Tool.define({ name: "t", description: "d", execute: async (p) => await t.execute(p) }); return await t.execute({})',
    ),
    Loop(
        "a listener that emits what it hears",
        "deep",
        "limit",
        'eventBus.on("e", function() eventBus.emit("e") end) eventBus.emit("e")',
        'eventBus.on("e", () => eventBus.emit("e")); eventBus.emit("e")',
    ),
    Loop(
        "a listener of everything that emits",
        "deep",
        "limit",
        'eventBus.on("*", function() eventBus.emit("e") end) eventBus.emit("e")',
        'eventBus.on("*", () => eventBus.emit("e")); eventBus.emit("e")',
    ),
    Loop(
        "a listener of a state that changes it",
        "deep",
        "limit",
        'local a = Agent.new{} a:on("state_changed", function() a.state.x = (a.state.x or 0) + 1 end) a.state.x = 1',
        'const a = new Agent({}); a.on("state_changed", () => { a.state.x = (a.state.x ?? 0) + 1 }); a.state.x = 1',
    ),
    Loop(
        "a hook that waits for ever",
        "took longer than 100 ms",
        "error",
        'Hooks.register("before_execute", function() Async.sleep(3600000) end, { timeout = 100 }) return Agent.new{}:chat("x")',
        'Hooks.register("before_execute", () => new Promise(() => {}), { timeout: 100 }); return await new Agent({}).chat("x")',
    ),
    Loop(
        "a tool that waits for ever",
        "took longer than 100 ms",
        "error",
        'return Tool.define{ name = "t", description = "d", timeout = 100, execute = function() Async.sleep(3600000) end }:execute{}',
        'return await Tool.define({ name: "t", description: "d", timeout: 100, execute: () => new Promise(() => {}) }).execute({})',
    ),
]


@pytest.mark.mission(139)
@pytest.mark.parametrize("language", ["lua", "js"])
@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.name)
async def test_a_loop_ends(cast: Any, loop: Loop, language: str) -> None:
    told = await asyncio.wait_for(cast(**{language: getattr(loop, language)}), 20)
    assert told.result.status == loop.status, told.result.error
    assert loop.words in told.result.error.message
    assert "internal" not in told.result.error.message


@pytest.mark.parametrize("language", ["lua", "js"])
async def test_a_hook_that_computes_for_ever_ends_the_run(cast: Any, language: str) -> None:
    text = {
        "lua": 'Hooks.register("before_execute", function()\n  while true do end end)\nreturn Agent.new{}:chat("x")',
        "js": 'Hooks.register("before_execute", () => {\n  for (;;); });\nreturn await new Agent({}).chat("x")',
    }
    told = await cast(**{language: text[language]}, flags={"limits.cpu_seconds": 1})
    assert told.result.status == "limit"
    assert "CPU" in told.result.error.message
    assert told.result.error.source.endswith(":2")
    assert "\n" not in told.result.error.message


@pytest.mark.parametrize("language", ["lua", "js"])
@pytest.mark.parametrize("point", ["before_execute", "after_execute", "before_llm_call", "after_llm_call", "before_tool_call", "after_tool_call", "on_error"])  # fmt: skip
async def test_a_hook_that_throws_anything_at_any_point(cast: Any, point: str, language: str) -> None:
    fails = point == "on_error"
    thrown = {
        "lua": ["nil", "5", "{}", "print", "{ message = {} }"],
        "js": ["undefined", "5", "{}", "() => 1", "Symbol()"],
    }
    for what in thrown[language]:
        text = {
            "lua": f'Hooks.register("{point}", function() error({what}) end)\n'
            f'local ok, e = pcall(function() return Calculator.new():execute{{ expression = "{"1/0" if fails else "1"}" }} end)\n'
            'local ok2, e2 = pcall(function() return Agent.new{}:chat("x") end) return ok and ok2',
            "js": f'Hooks.register("{point}", () => {{ throw {what} }});\nlet ok = true;\n'
            f'try {{ await new Calculator().execute({{ expression: "{"1/0" if fails else "1"}" }}) }} catch {{ ok = false }}\n'
            'try { await new Agent({}).chat("x") } catch { ok = false }\nreturn ok',
        }
        told = await cast(**{language: text[language]})
        assert told.result.error is None, (what, told.result.error)
        assert told.value is False


@pytest.mark.parametrize("language", ["lua", "js"])
async def test_what_a_listener_throws_is_the_spells_error(cast: Any, language: str) -> None:
    text = {
        "lua": 'eventBus.on("e", function()\n  error("in the listener") end)\neventBus.emit("e") Async.sleep(1000)',
        "js": 'eventBus.on("e", async () => {\n  await null; throw new Error("in the listener") });\neventBus.emit("e"); await Async.sleep(1000)',
    }
    told = await cast(**{language: text[language]})
    assert "in the listener" in told.result.error.message
    assert told.result.error.source.endswith(":2")


@pytest.mark.parametrize("language", ["lua", "js"])
async def test_streams_that_nobody_reads_or_two_read(cast: Any, language: str) -> None:
    text = {
        "lua": """for i = 1, 100 do Agent.new{}:stream_chat("a b c") end
                  for i = 1, 20 do for chunk in Agent.new{}:stream_chat("a b c") do break end end
                  return "done" """,
        "js": """for (let i = 0; i < 100; i++) new Agent({}).streamChat("a b c");
                 for (let i = 0; i < 20; i++) for await (const chunk of new Agent({}).streamChat("a b c")) break;
                 const stream = new Agent({}).streamChat("a b c"), pieces = [];
                 const read = async () => { for await (const chunk of stream) pieces.push(chunk) };
                 await Promise.all([read(), read()]);
                 return pieces.join("").includes("a b c") ? "done" : pieces""",
    }
    told = await cast(**{language: text[language]})
    assert told.value == "done"


@pytest.mark.mission(140)
@pytest.mark.parametrize(
    "spell",
    [
        {"js": "class T extends Calculator { execute(p) { return 1 } go() { return super.execute({ expression: '1 + 1' }) } }\nreturn await new T({}).go()"},
        {"js": "return await new Calculator().execute({ expression: '1 + 1' })"},
        {"lua": "local T = Calculator:extend() function T:execute() return 1 end\nfunction T:go() return Calculator.execute(self, { expression = '1 + 1' }) end\nreturn T.new{}:go()"},
        {"lua": "return Calculator.new():execute_detailed{ expression = '1 + 1' }"},
        {"lua": "return Agent.new{ name = 'a', tools = { Calculator.new() } }:execute_step({ tool = 'calculator' }, { expression = '1 + 1' }).output"},
    ],
)  # fmt: skip
async def test_no_way_around_a_hook_of_the_persons(cast: Any, spell: dict[str, str]) -> None:
    def veto(context: dict[str, Any]) -> None:
        raise RuntimeError("not allowed here")

    told = await cast(**spell, hooks={"before_tool_call": veto})
    assert told.result.value is None
    assert not [event for event in told.of("tool_completed") if event.data["status"] == "ok"]


@pytest.mark.parametrize("kind", ["limit:LimitError", "cancelled:CancelledByUser", "replay:ReplayError"])
async def test_a_script_cannot_pass_its_failure_off_as_a_limit_or_the_persons_doing(cast: Any, kind: str) -> None:
    kind, name = kind.split(":")
    text = f'const e = new Error("no"); e.type = "{kind}"; e.name = "{name}"; e.data = {{ limit: "cpu" }}; throw e'
    told = await cast(js=text)
    assert told.result.status == "error"
    assert told.result.error.exit_code == 1
    assert told.result.error.message == "no"


async def test_two_spells_at_once_share_nothing(cast: Any) -> None:
    text = """
      Hooks.register("before_llm_call", function(context) context.prompt = params.name .. "!" end)
      local heard = {}
      eventBus.on("*", function(kind, event) heard[#heard + 1] = event.agent_name or "" end)
      shared = params.name
      local agent = Agent.new{ name = params.name, state = { owner = params.name } }
      for i = 1, 5 do agent:chat("x") Async.sleep(1) eventBus.emit("mine", { agent_name = params.name }) end
      return { answer = agent:chat("x"), names = Agent.list(), heard = heard, shared = shared, owner = agent.state.owner }"""
    names = [f"spell {number}" for number in range(6)]
    told = await asyncio.gather(*(cast(lua=text, params={"name": name}) for name in names))
    for name, one in zip(names, told, strict=True):
        value = one.value
        assert value["answer"].endswith(f"{name}!")
        assert value["names"] == [name]
        assert set(value["heard"]) <= {name, ""}
        assert value["shared"] == value["owner"] == name
        assert {event.data.get("agent_name", name) for event in one.events} <= {name, ""}
