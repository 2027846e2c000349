"""Lua under the debugger: where it stops, what is seen there, what can be changed."""

from __future__ import annotations

import pytest

SPELL = """local function fib(n)
  if n < 2 then
    return n
  end
  local a = fib(n - 1)
  return a + fib(n - 2)
end

local list = { 1, 2, { x = "y" } }
local total = 0
for i = 1, 5 do
  total = total + i
end
counted = 12
print(fib(5), total)
return total
"""


async def test_a_breakpoint_shows_where_it_stands_and_lets_it_be_changed(client):
    program = client.write("a.lua", SPELL)
    points = await client.launch(program, (8, {"line": 12, "condition": "i == 3"}))
    assert [(point["verified"], point["line"]) for point in points] == [(True, 9), (True, 12)]
    frame = await client.stopped(reason="breakpoint")
    assert (frame["line"], frame["source"]["path"]) == (9, program)
    await client.go()
    frame = await client.stopped(reason="breakpoint")
    assert (frame["line"], frame["stop"]["hitBreakpointIds"]) == (12, [points[1]["id"]])
    local = await client.parts_of(frame, "Locals")
    assert {name: each["value"] for name, each in local.items()} == {
        "fib": "function <a.lua:1>", "list": '{1, 2, {x = "y"}}', "total": "3", "i": "3",
    }  # fmt: skip
    assert await client.value("total + i", frame) == "6"
    await client.value("total = 100", frame, "repl")
    await client.go()
    await client.event("terminated")
    assert "5\t112\n" in client.output()


STEPS = """local function double(x)
  local y = x * 2
  return y
end
local a = double(1)
local b = double(a)
local co = coroutine.wrap(function()
  local inner = 1
  coroutine.yield(inner)
  return 2
end)
local c = co()
local d = co()
local ok, problem = pcall(function()
  local z = 5
  error("boom")
end)
local t = Async.all({ function() local p = 1; return p end })
return a + b
"""


async def test_steps_go_over_into_and_out_of_calls_and_coroutines(client):
    program = client.write("a.lua", STEPS)
    await client.launch(program, stopOnEntry=True)
    frame = await client.stopped(reason="entry")
    seen = [frame["line"]]
    for how in (
        "next",
        "stepIn",
        "next",
        "stepOut",
        "next",
        "next",
        "next",
        "next",
        "stepIn",
        "stepOut",
        "next",
        "next",
    ):
        await client.go(how)
        seen.append((await client.stopped(reason="step"))["line"])
    # the statement at 7 begins again once its function, which ends at 11, is made
    assert seen == [4, 5, 2, 3, 6, 7, 11, 7, 12, 8, 13, 14, 17]
    await client.go()
    await client.event("terminated")


FAILS = """local function inner(n)
  error({ code = n })
end
local ok = pcall(inner, 1)
local co = coroutine.create(function() inner(2) end)
coroutine.resume(co)
local w = coroutine.wrap(function() local deep = 3; inner(deep) end)
w()
"""


async def test_errors_stop_it_where_they_are_thrown(client):
    program = client.write("a.lua", FAILS)
    await client.launch(program, errors=["caught", "uncaught"])
    for caught, lines in ((True, [2, 4]), (True, [2, 5, 6]), (False, [2, 7, 8])):
        await client.stopped(reason="exception")
        found = await client.ask("exceptionInfo", threadId=1)
        assert found["breakMode"] == ("always" if caught else "unhandled")
        stack = await client.stack()
        assert await client.value("n", stack[0])
        assert [each["line"] for each in stack] == lines
        await client.go()
    await client.event("terminated")


WAITS = """local list = {}
for i = 1, 250 do list[i] = i * i end
local function deep(x, ...)
  Async.sleep(1)
  return x, ...
end
local function both()
  return (Async.all({ function() local v = deep(1, "a", "b"); return v end, function() return 2 end }))
end
local agent = Agent.new({ name = "ada", model = "offline" })
local found = both()
return found
"""


async def test_the_stack_goes_on_with_those_that_await_and_lists_come_in_pages(client):
    program = client.write("a.lua", WAITS)
    await client.launch(program, (5,))
    await client.stopped(reason="breakpoint")
    stack = await client.stack()
    assert [(each["name"], each["line"]) for each in stack] == [
        ("deep", 5), ("function <a.lua:8>", 8), ("awaited by", 0), ("both", 8), ("main chunk", 11),
    ]  # fmt: skip
    assert {name: each["value"] for name, each in (await client.parts_of(stack[0], "Locals")).items()} == {
        "x": "1", "...1": '"a"', "...2": '"b"',
    }  # fmt: skip
    assert await client.value("select('#', ...), ...", stack[0]) == '{2, "a", "b"}'
    local = await client.parts_of(stack[4], "Locals")
    assert local["agent"]["value"] == 'Agent "ada"'
    assert (await client.parts(local["agent"]["variablesReference"]))["model"]["value"] == '"offline"'
    reference, count = local["list"]["variablesReference"], local["list"]["indexedVariables"]
    page = await client.ask("variables", variablesReference=reference, filter="indexed", start=200, count=2)
    assert (count, [(each["name"], each["value"]) for each in page["variables"]]) == (
        250, [("[201]", "40401"), ("[202]", "40804")],
    )  # fmt: skip
    upvalues = await client.parts_of(stack[1], "Upvalues")
    assert upvalues["deep"]["value"] == "function <a.lua:3>"


@pytest.mark.parametrize("loop", ["while true do end", "repeat local a = 1 until false"])
async def test_the_tightest_loop_is_paused(client, loop):
    """Instructions count in the hook, too: of a loop of so many each count ended there, and no command was heard."""
    await client.launch(client.write("a.lua", f"print('on')\n{loop}\n"))
    await client.event("output", output="on\n")
    await client.go("pause")
    assert (await client.stopped(reason="pause"))["line"] == 2


CONSTANTS = """local A <const>, b, C < const > = 1, 2, "c" -- local d <const> = 1
local text = "local e <const> = 1" .. [[
local f <const> = 1]]
local function g() local h <const> = A + 1
  return h
end
local i <close> = setmetatable({}, { __close = function() print("closed") end })
print(g(), A <b and b > A, C, text)
"""


async def test_constants_are_seen_as_other_locals_are(client):
    program = client.write("a.lua", CONSTANTS)
    await client.launch(program, (5, 8))
    frame = await client.stopped(reason="breakpoint")
    assert frame["line"] == 8
    local = await client.parts_of(frame, "Locals")
    assert {name: local[name]["value"] for name in ("A", "b", "C")} == {"A": "1", "b": "2", "C": '"c"'}
    await client.go()
    frame = await client.stopped(reason="breakpoint")
    assert (await client.value("h + A", frame), frame["line"]) == ("3", 5)
    await client.ask("setBreakpoints", source={"path": program}, breakpoints=[])
    await client.go()
    await client.event("exited", exitCode=0)
    assert client.output() == "2\ttrue\tc\tlocal e <const> = 1local f <const> = 1\nclosed\n"


async def test_an_assignment_to_a_constant_is_refused_as_ever(client):
    (point,) = await client.launch(client.write("a.lua", "local a <const> = 1\na = 2\n"), (1,))
    assert "attempt to assign to const variable 'a'" in point["message"]
    await client.event("exited", exitCode=1)


async def test_a_table_is_logged_and_copied_with_what_is_in_it(client):
    program = client.write("a.lua", "local t = { a = { b = { c = { 1, 2 } } } }\nt.self = t\nlocal n = 1\n")
    await client.launch(program, ({"line": 3, "logMessage": "t={t.a.b.c} {n} {'text'}"}, {"line": 3}))
    frame = await client.stopped(reason="breakpoint")
    assert "t={1, 2} nil text\n" in client.output()
    assert await client.value("t", frame) == "{a = {b = {…}}, self = {…}}"
    assert await client.value("t", frame, "clipboard") == "{a = {b = {c = {1, 2}}}, self = {…}}"
    found = await client.parts_of(frame, "Locals")
    inner = (await client.parts(found["t"]["variablesReference"]))["a"]["variablesReference"]
    # without having asked what is in it
    await client.ask("setVariable", variablesReference=inner, name="b", value="7")
    assert await client.value("t.a.b", frame) == "7"
