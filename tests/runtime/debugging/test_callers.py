"""A run that its control has stopped shows the scripts that wait for it, as if they stood: frames, values, evaluation."""

from __future__ import annotations

import pytest
from tests.runtime.debugging.spells import LANGUAGES, Spells

_CHAIN = {
    "lua": """local shout = Tool.new({
  name = "shout", description = "d", parameters = { type = "object", properties = {} },
  execute = function(args)
    local inner = Agent.new({ name = "inner" })
    local said = inner:chat("in the tool")
    return { said = #said }
  end,
})
local function ask(what)
  local count = 1
  local answer = shout:execute({ what = what })
  return count, answer.said
end
print((ask("hi")))
""",
    "javascript": """const shout = new Tool({
  name: "shout", description: "d", parameters: { type: "object", properties: {} },
  execute: async (args) => {
    const inner = new Agent({ name: "inner" });
    const said = await inner.chat("in the tool");
    return { said: said.length };
  },
});
async function ask(what) {
  let count = 1;
  const answer = await shout.execute({ what });
  return count;
}
console.log(await ask("hi"));
""",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_stack_goes_through_agents_and_tools_to_the_scripts_that_wait(client, refusal, language):
    spell = Spells(language, client)
    await client.launch(spell.write("chain", _CHAIN[language]), model="offline", functions=["model:*"])
    frame = await client.stopped(reason="function breakpoint")
    thread = frame["stop"]["threadId"]
    stack = await client.stack(thread)
    execute = "function <chain.lua:3>" if spell.is_lua else "execute"
    shown = [(each["name"], each["line"]) for each in stack if each.get("presentationHint") != "label"]
    assert shown == [
        ("before model offline", 5), ("model offline", 5), ("agent inner", 5), (execute, 5),
        ("tool shout", 11), ("ask", 11), ("main chunk", 14),
    ]  # fmt: skip
    tool, asking = (next(each for each in stack if each["name"] == name) for name in (execute, "ask"))
    assert {"args", "inner"} <= (await client.parts_of(tool, "Locals")).keys()
    assert await client.value('what.."!"' if spell.is_lua else "what + '!'", asking) in ('"hi!"', "'hi!'")
    # what is evaluated at what the host does is evaluated where the script waits for it
    assert "chat" in await client.value("inner.chat", stack[0]) or spell.is_lua
    assert await client.value("1 + 1") == "2"
    reference = await client.scope(asking, "Locals")
    found = await client.ask("setVariable", variablesReference=reference, name="count", value="41 + 1")
    assert found["value"] == "42"
    await client.go(thread=thread)
    assert "no longer there" in await refusal(client.ask("variables", variablesReference=reference))
    await client.event("terminated")
    assert "42\n" in client.output()


_WAITING = {
    "lua": """Hooks.register("before_init", function(context)
  local seen = context.name -- handler
  return context
end)
local function make(name)
  local agent = Agent.new({ name = name })
  return agent
end
return make("ada").name
""",
    "javascript": """Hooks.register("before_init", (context) => {
  const seen = context.name; // handler
  return context;
});
function make(name) {
  const agent = new Agent({ name });
  return agent;
}
return make("ada").name;
""",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_question_that_waits_is_seen_from_the_hook_that_it_asks(client, language):
    spell = Spells(language, client)
    text = _WAITING[language]
    functions = ["hook:before_init"]
    await client.launch(spell.write("wait", text), (2,), functions=functions, model="offline")
    frame = await client.stopped(reason="function breakpoint")
    thread = frame["stop"]["threadId"]
    for reason, first in (("", "before hook before_init"), ("breakpoint", "")):
        if reason:
            await client.go(thread=thread)
            frame = await client.stopped(reason=reason)
        names = [each["name"] for each in await client.stack(thread)]
        assert not first or names[0] == first
        assert names[-2:] == ["make", "main chunk"]
        make = (await client.stack(thread))[-2]
        assert await client.value("name", make) in ('"ada"', "'ada'")
    assert spell.line("handler", text) == frame["line"]
    await client.go(thread=thread)
    await client.event("terminated")
