"""An error is uncaught where nothing takes it: neither the script that threw it, nor one that waits for that, nor the
host on the way. The same in both languages."""

from __future__ import annotations

import pytest
from tests.runtime.debugging.spells import LANGUAGES, Spells

_SPELL = {
    "lua": """local function tool(name, word)
  return Tool.new({
    name = name, description = "d", parameters = { type = "object", properties = {} },
    execute = function() error(word) end,
  })
end
local told = Agent.new({ name = "ada", tools = { tool("told", "the model is told") } })
told:chat("hello")
local ok = pcall(function() tool("mine", "its caller takes it"):execute({}) end)
Hooks.register("after_event_emit", function() error("the hook only informs") end)
eventBus.emit("told", {})
Workflow.sequential({ name = "w", steps = {
  { name = "s", on_error = "continue", run = function() error("the step goes on") end },
} }):execute()
tool("nobody", "nobody takes it"):execute({})
""",
    "javascript": """function tool(name, word) {
  return new Tool({
    name, description: "d", parameters: { type: "object", properties: {} },
    execute: async () => { throw new Error(word); },
  });
}
const told = new Agent({ name: "ada", tools: [tool("told", "the model is told")] });
await told.chat("hello");
try { await tool("mine", "its caller takes it").execute({}); } catch { console.log("taken"); }
Hooks.register("after_event_emit", () => { throw new Error("the hook only informs"); });
await eventBus.emit("told", {});
await Workflow.sequential({ name: "w", steps: [
  { name: "s", onError: "continue", run: () => { throw new Error("the step goes on"); } },
] }).execute();
await tool("nobody", "nobody takes it").execute({});
""",
}


#: A script that called what failed is stopped, too: there the host throws it anew.
_TAKEN = [
    "the model is told",
    "its caller takes it",
    "its caller takes it",
    "the hook only informs",
    "the step goes on",
]
_LEFT = ["nobody takes it", "nobody takes it"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["caught"], [(text, "always") for text in _TAKEN]),
        (["uncaught"], [(text, "unhandled") for text in _LEFT]),
        (["caught", "uncaught"], [(text, "always") for text in _TAKEN] + [(text, "unhandled") for text in _LEFT]),
    ],
    ids=["caught", "uncaught", "both"],
)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_error_that_is_taken_outside_of_its_function_is_caught(client, language, filters, expected):
    spell = Spells(language, client)
    await client.launch(spell.write("a", _SPELL[language]), errors=filters, model="offline")
    seen = []
    while (frame := await client.stop_or_end()) is not None:
        assert frame["stop"]["reason"] == "exception"
        found = await client.ask("exceptionInfo", threadId=1)
        seen.append((found["description"].removeprefix(f"a.lua:{frame['line']}: "), found["breakMode"]))
        await client.go()
    assert seen == expected


_LISTENS = {
    "lua": """eventBus.on("told", function(event)
  error("nobody waits for a listener") -- listener
end)
pcall(function() eventBus.emit("told", {}) end)
""",
    "javascript": """eventBus.on("told", (event) => {
  throw new Error("nobody waits for a listener"); // listener
});
try { await eventBus.emit("told", {}); } catch { console.log("no"); }
""",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_a_listener_throws_is_taken_by_nobody(client, language):
    spell, text = Spells(language, client), _LISTENS[language]
    await client.launch(spell.write("a", text), errors=["uncaught"])
    frame = await client.stopped(reason="exception")
    assert frame["line"] == spell.line("listener", text)
    await client.go()
    await client.event("exited", exitCode=1)
