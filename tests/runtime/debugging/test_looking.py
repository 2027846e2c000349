"""What a person sees of a run that stands, whatever its size, and of one that is stopped by hand."""

from __future__ import annotations

import pytest
from tests.runtime.debugging.spells import LANGUAGES, Spells

from llmspell.engines.debugging.inspected import FRAMES

_WAITING = {
    "lua": """local function f()
  local inner = 5
  Async.sleep(600000) -- wait
  return inner
end
local outer = f() -- call
print(outer)
""",
    "javascript": """const started = 1;
async function f() {
  let inner = 5;
  await Async.sleep(600000); // wait
  return inner;
}
const outer = await f(); // call
""",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_pause_stops_at_once_where_everything_waits(client, language):
    spell = Spells(language, client)
    text = _WAITING[language]
    await client.launch(spell.write("waiting", text))
    await client.event("thread", reason="started")
    for value in ("5", "7"):  # it may have been paused before it came there; a second time it cannot
        await client.ask("pause", threadId=1)
        frame = await client.stopped(reason="pause")
        while frame["line"] != spell.line("wait", text):
            await client.go()
            await client.ask("pause", threadId=1)
            frame = await client.stopped(reason="pause")
        stack = [each for each in await client.stack() if each["line"]]
        assert [each["line"] for each in stack] == [spell.line("wait", text), spell.line("call", text)]
        local = await client.scope(frame, "Locals")
        assert (await client.parts(local))["inner"]["value"] == value
        await client.ask("setVariable", variablesReference=local, name="inner", value="7")
        await client.go()
    await client.ask("terminate")
    assert (await client.event("exited"))["exitCode"] == 130
    told = [event["body"] for event in client.events if event["event"] == "output"]
    assert [each["output"] for each in told if each["category"] == "console"] == ["stopped in the debugger\n"]
    assert not [each for each in told if each["category"] == "stderr"]


_SLOW = {
    "lua": """local slow = Tool.define({ name = "slow", description = "Waits", execute = function(given)
  print("waits")
  Async.sleep(600000)
end })
slow:execute({})
""",
    "javascript": """const slow = Tool.define({ name: "slow", description: "Waits", async execute(given) {
  console.log("waits");
  await Async.sleep(600000);
} });
await slow.execute({});
""",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_a_spell_has_begun_is_paused_and_goes_on(client, language):
    await client.launch(Spells(language, client).write("a", _SLOW[language]))
    await client.event("output", output="waits\n")
    threads = (await client.ask("threads"))["threads"]
    (number,) = [each["id"] for each in threads if each["name"] == "tool slow"]
    for _ in range(2):
        await client.ask("pause", threadId=number)
        stop = await client.event("stopped", threadId=number)
        assert (stop["reason"], stop["allThreadsStopped"]) == ("pause", False)
        lines = {each["name"]: each["line"] for each in await client.stack(number)}
        assert lines["tool slow"] == 5
        await client.go(thread=number)
    await client.ask("terminate")
    assert (await client.event("exited"))["exitCode"] == 130


async def test_a_refusal_is_a_message_only_where_a_person_did_something(client):
    await client.launch(client.write("one.lua", "local a\nprint(a)\n"), (2,))
    frame = await client.stopped()

    async def shown(command: str, **arguments: object) -> bool:
        _, answer = client.send(command, **arguments)
        return (await answer)["body"]["error"]["showUser"]

    assert not await shown("evaluate", expression="a.b", frameId=frame["id"], context="watch")
    assert not await shown("variables", variablesReference=9999)
    assert await shown("launch", program="one.lua")
    assert await shown("setExceptionBreakpoints", filters=["none"])


_LARGE = {
    "lua": """local list, fields = {}, {}
for i = 1, 1200 do list[i], fields["k" .. i] = i, i end
print(#list) -- end
""",
    "javascript": """const list = [], fields = {}, map = new Map();
for (let i = 1; i <= 1200; i++) { list.push(i); fields["k" + i] = i; map.set(i, i); }
console.log(list.length); // end
""",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_all_of_a_large_value_can_be_reached(client, language):
    spell, text = Spells(language, client), _LARGE[language]
    await client.launch(spell.write("large", text), (spell.line("end", text),))
    found = await client.parts_of(await client.stopped(), "Locals")
    assert found["list"]["indexedVariables"] == 1200
    page = await client.ask(
        "variables", variablesReference=found["list"]["variablesReference"], start=1100, count=200, filter="indexed"
    )
    assert [each["value"] for each in page["variables"]] == [str(number) for number in range(1101, 1201)]
    for name in found:
        values = list[str]()
        reference = found[name]["variablesReference"]
        while reference:
            parts = (await client.ask("variables", variablesReference=reference))["variables"]
            assert len(parts) <= 1001
            rest = parts.pop() if parts[-1]["value"] == "more" else None
            values += [each["value"] for each in parts if each["name"] != "[[Prototype]]"]
            reference = rest and rest["variablesReference"]
        assert sorted(values, key=int) == [str(number) for number in range(1, 1201)]
        changed = found[name]["variablesReference"]
        last = {"list": "[1200]" if spell.is_lua else "1199", "fields": "k1200"}.get(name, "1200")
        await client.ask("variables", variablesReference=changed, start=0, count=5000)
        assert (await client.ask("setVariable", variablesReference=changed, name=last, value="-1"))["value"] == "-1"


@pytest.mark.parametrize(("language", "depth"), [("lua", FRAMES + 50), ("javascript", 1000)])
async def test_a_deep_stack_is_shown_whole_or_says_that_it_is_not(client, language, depth):
    spell = Spells(language, client)
    text = {
        "lua": f"local function f(n)\n  if n == 0 then\n    return 0\n  end\n  return 1 + f(n - 1)\nend\nprint(f({depth}))",
        "javascript": f"function f(n) {{\n  if (!n)\n    return 0;\n\n  return 1 + f(n - 1);\n}}\nf({depth});\n",
    }[language]
    await client.launch(spell.write("deep", text), (3,))
    await client.event("stopped")
    page = await client.ask("stackTrace", threadId=1, startFrame=depth // 2, levels=1)
    frames = await client.stack()
    assert page["totalFrames"] == len(frames)
    whole = min(depth + 2, FRAMES)
    assert [frame["line"] for frame in frames[:whole]] == ([3] + [5] * depth + [7])[:whole]
    assert [frame["name"] for frame in frames[whole:]] == (["more calls than can be shown"] if depth > FRAMES else [])


async def test_looking_at_a_class_runs_nothing_of_it_until_it_is_asked_for(client):
    text = """let asked = 0;
class Order {
  #items = [1, 2];
  get total() { asked++; return this.#items.length; }
  set total(given) { this.#items = [given]; }
  get lazy() { asked++; return 1; }
}
const order = new Order();
const watched = new Proxy({}, { get() { asked++; } });
const found = /a/.exec("cab");
console.log(asked);
"""
    await client.launch(client.write("class.js", text), (11,))
    frame = await client.stopped()
    found = await client.parts_of(frame, "Locals")
    prototype = (await client.parts(found["order"]["variablesReference"]))["[[Prototype]]"]["variablesReference"]
    members = await client.parts(prototype)
    assert members["total"]["value"] == "(...)"
    assert members["total"]["presentationHint"]["lazy"]
    assert await client.value("asked", frame) == "0"
    (value,) = (await client.parts(members["total"]["variablesReference"])).values()
    assert value["value"] == "2"  # of the order, not of its class
    await client.ask("setVariable", variablesReference=prototype, name="total", value="9")
    assert await client.value("order.total", frame) == "1"
    assert {"0", "index", "input"} <= (await client.parts(found["found"]["variablesReference"])).keys()
    found = await client.ask("completions", frameId=frame["id"], text="nothing.here.", column=14)
    assert found["targets"] == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_breakpoint_in_a_text_with_a_mistake_says_which(client, language):
    spell = Spells(language, client)
    (point,) = await client.launch(
        spell.write("mistake", "local x = = 1\n" if spell.is_lua else "let x = = 1;\n"), (1,)
    )
    assert not point["verified"]
    assert "has a mistake" in point["message"]
    assert "runs without" not in point["message"]
    assert (await client.event("exited"))["exitCode"] == 1
