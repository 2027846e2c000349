"""A run under the debugger: paused while it computes or waits, in tools and hook files, at errors; and its clocks."""

from __future__ import annotations

import asyncio
import sys

import pytest

LANGUAGES = ("lua", "js")

_COUNTS = {
    "lua": "local count, done = 0, false; print('on')\nwhile not done do\n  count = count + 1\nend\nlocal waits = true\n"
    "while waits do\n  Async.sleep(1)\nend\nprint('over')\n",
    "js": "let count = 0, done = false; console.log('on');\nwhile (!done) {\n  count += 1;\n}\nlet waits = true;\n"
    "while (waits) {\n  await Async.sleep(1);\n}\nconsole.log('over');\n",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_is_paused_while_it_computes_and_while_it_waits(client, language):
    await client.launch(client.write(f"a.{language}", _COUNTS[language]))
    await client.event("output", output="on\n")
    await client.go("pause")
    frame = await client.stopped(reason="pause")
    assert frame["line"] in (2, 3)
    await client.value("done = true", frame, "repl")
    await client.ask("setBreakpoints", source=frame["source"], breakpoints=[{"line": 5}])
    await client.go()
    frame = await client.stopped(reason="breakpoint")
    assert frame["line"] == 5
    await client.go()
    await client.go("pause")
    frame = await client.stopped(reason="pause")
    assert frame["line"] in (6, 7)
    await client.value("waits = false", frame, "repl")
    await client.go()
    await client.event("exited", exitCode=0)
    assert "over" in client.output()


async def test_limits_stand_still_with_it_and_an_evaluation_ends_after_a_second(client, refusal):
    program = client.write("a.lua", "local n = 1\nAsync.sleep(1)\nreturn n\n")
    await client.launch(program, (1,), settings={"limits.wall_seconds": 1.0})
    frame = await client.stopped(reason="breakpoint")
    assert "second" in await refusal(client.value("(function() while true do pcall(error) end end)()", frame))
    assert "wait" in await refusal(client.value("Async.sleep(1)", frame))
    await client.go()
    await client.event("exited", exitCode=0)


_TOOL = {
    "lua": """local clerk = Tool.define({ name = "greet", description = "Greets", execute = function(given)
  local who = given.name
  return { text = "Hi " .. who }
end })
print(clerk:execute({ name = "Ada" }).text)
for i = 1, 6 do
  local square = i * i
end
Agent.new({ name = "gone", model = "offline" })
local ok = pcall(function() return Tool.get("nowhere"):execute({}) end)
error("enough")
""",
    "js": """const clerk = Tool.define({ name: "greet", description: "Greets", execute(given) {
  const who = given.name;
  return { text: "Hi " + who };
} });
console.log((await clerk.execute({ name: "Ada" })).text);
for (let i = 1; i <= 6; i++) {
  const square = i * i;
}
new Agent({ name: "gone", model: "offline" });
try { await Tool.get("nowhere").execute({}); } catch (error) { }
throw new Error("enough");
""",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_breakpoints_in_a_tool_with_hit_counts_log_points_and_at_errors(client, language):
    program = client.write(f"a.{language}", _TOOL[language])
    wanted = (
        {"line": 2},
        {"line": 7, "hitCondition": "% 3", "condition": "i < 6"},
        {"line": 3, "logMessage": "for {who}"},
    )
    await client.launch(program, wanted, errors=["uncaught"], functions=["tool:greet"], args=["x=1"])
    frame = await client.stopped(reason="function breakpoint")
    assert (frame["name"], frame["line"]) == ("before tool greet", 5)
    await client.go(thread=frame["stop"]["threadId"])
    frame = await client.stopped(reason="breakpoint")
    assert (frame["line"], await client.value("given.name", frame)) in ((2, '"Ada"'), (2, "'Ada'"))
    stack = await client.stack()
    assert any(each["name"] == "tool greet" and each["line"] == 5 for each in stack)
    await client.go()
    frame = await client.stopped(reason="breakpoint")
    assert (frame["line"], await client.value("i", frame)) == (7, "3")
    await client.go()
    frame = await client.stopped(reason="exception")
    assert frame["line"] == 11
    found = await client.ask("exceptionInfo", threadId=1)
    assert (found["breakMode"], "enough" in found["description"]) == ("unhandled", True)
    await client.go()
    await client.event("exited", exitCode=1)
    assert "for Ada\n" in client.output()


_VISITS = {
    "lua": """local clerk = Tool.define({ name = "greet", description = "Greets", execute = function(given)
  return { text = given.name }
end })
local function visit(i)
  clerk:execute({ name = "Ada" })
end
for at = 1, 6 do
  visit(at)
end
""",
    "js": """const clerk = Tool.define({ name: "greet", description: "Greets", execute(given) {
  return { text: given.name };
} });
async function visit(i) {
  return await clerk.execute({ name: "Ada" });
}
for (let at = 1; at <= 6; at++) {
  await visit(at);
}
""",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_conditions_and_hit_counts_of_what_is_about_to_happen(client, language):
    """Asked of the script that waits for it; where two stop the run at one place, each counts for itself."""
    wanted = [
        {"name": "tool:gr*", "condition": "i > 2", "hitCondition": "2"},
        {"name": "tool:greet", "condition": "i == 1"},
        {"name": "tool:greet", "hitCondition": "== 6"},
    ]
    await client.launch(client.write(f"a.{language}", _VISITS[language]), functions=wanted)
    points = await client.ask("setFunctionBreakpoints", breakpoints=wanted)
    numbers = [each["id"] for each in points["breakpoints"]]
    seen = []
    while (frame := await client.stop_or_end()) is not None:
        assert frame["stop"]["reason"] == "function breakpoint"
        waits = (await client.stack(frame["stop"]["threadId"]))[1]
        seen.append(
            (await client.value("i", waits), [numbers.index(each) for each in frame["stop"]["hitBreakpointIds"]])
        )
        await client.go(thread=frame["stop"]["threadId"])
    assert seen == [("1", [1]), ("4", [0]), ("5", [0]), ("6", [0, 2])]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_condition_that_cannot_be_evaluated_stops_and_says_why(client, language):
    wanted = [{"name": "tool:greet", "condition": "nothing.there"}]
    await client.launch(client.write(f"a.{language}", _VISITS[language]), functions=wanted)
    frame = await client.stopped(reason="function breakpoint")
    assert frame["stop"]["text"].startswith("the condition 'nothing.there' cannot be evaluated: ")
    assert "nothing" in frame["stop"]["text"].partition(": ")[2]


_HOOKS = {
    "lua": 'Hooks.register("before_tool_call", function(context)\n  local tool = context.tool_name\nend)\n',
    "js": 'Hooks.register("beforeToolCall", (context) => {\n  const tool = context.toolName;\n});\n',
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_hook_file_has_a_thread_of_its_own(client, language):
    hooks = client.write(f"hooks.{language}", _HOOKS[language])
    program = client.write(f"a.{language}", _TOOL[language])
    await client.ask("initialize")
    await client.ask("launch", program=program, cwd=str(client.folder), hooks=["hooks." + language], record="run.db")
    await client.event("initialized")
    await client.ask("setBreakpoints", source={"path": hooks}, breakpoints=[{"line": 2}])
    await client.ask("configurationDone")
    frame = await client.stopped(reason="breakpoint")
    assert (frame["source"]["path"], frame["line"], frame["stop"]["threadId"]) == (hooks, 2, 2)
    threads = {each["id"]: each["name"] for each in (await client.ask("threads"))["threads"]}
    assert (threads[1], threads[2]) == (f"a.{language}", f"hooks.{language}")
    waits = (await client.stack(2))[-1]  # the spell's own script, in its worker
    assert (waits["name"], waits["source"]["path"]) == ("main chunk", program)
    assert await client.parts_of(waits, "Locals")
    await client.go(thread=2)
    await client.event("exited", exitCode=1)
    assert (client.folder / "run.db").stat().st_size


_LOOKED = {
    "lua": 'local a = Agent.new({ name = "ada", model = "offline" })\nlocal n = math.random()\nlocal b = a:chat("x")\n'
    "print(n == math.random(), os.time() > 0, b)\n",
    "js": 'const a = new Agent({ name: "ada", model: "offline" });\nconst n = Math.random();\n'
    'const b = await a.chat("x");\nconsole.log(n === Math.random(), Date.now() > 0, String(b));\n',
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_is_looked_at_is_no_part_of_the_recording(client, language):
    program = client.write(f"a.{language}", _LOOKED[language])
    await client.launch(program, (3, 4), record="run.db")
    clock = "os.time()" if language == "lua" else "Date.now()"
    chance = "math.random()" if language == "lua" else "Math.random()"
    for _ in range(2):
        frame = await client.stopped(reason="breakpoint")
        assert "ada" in await client.value("a.name", frame)
        assert float(await client.value(f"{clock} + {chance}", frame)) > 0
        await client.go()
    await client.event("exited", exitCode=0)
    command = (sys.executable, "-m", "llmspell", "run", "--replay", "run.db", program)
    pipe = asyncio.subprocess.PIPE
    again = await asyncio.create_subprocess_exec(*command, cwd=client.folder, stdout=pipe, stderr=pipe)
    printed, problem = await again.communicate()
    assert (printed.decode(), problem.decode()) == (client.output(), "")


_CALLS = {
    "lua": "local function f(n)\n  local m = n\n  return m\nend\nlocal a = f(1)\nlocal b = f(2)\nprint(a + b)\n",
    "js": "function f(n) {\n  const m = n;\n  return m;\n}\nconst a = f(1);\nconst b = f(2);\nconsole.log(a + b);\n",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_step_passes_log_points_and_conditions_that_do_not_hold(client, language):
    program = client.write(f"a.{language}", _CALLS[language])
    inside = ({"line": 2, "logMessage": "n is {n}"}, {"line": 3, "condition": "n == 2"})
    await client.launch(program, (5, *inside))
    await client.stopped(reason="breakpoint")
    await client.go("next")
    assert (await client.stopped(reason="step"))["line"] == 6
    await client.go("next")
    assert (await client.stopped(reason="breakpoint"))["line"] == 3
    await client.go("stepOut")
    assert (await client.stopped(reason="step"))["line"] in (6, 7)  # JavaScript comes back to the line of the call
    assert "n is 1\nn is 2\n" in client.output()


async def test_without_debugging_it_runs_as_it_is(client):
    await client.launch(client.write("a.lua", "print(params.x)\nreturn { 1 }\n"), (1,), noDebug=True, args=["x=12"])
    await client.event("exited", exitCode=0)
    assert "12\n" in client.output()


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.lua", 'print("on")\nAsync.sleep(60000)\n'), ("a.js", 'console.log("on");\nawait Async.sleep(60000);\n')],
)
async def test_without_debugging_it_cannot_be_paused_and_says_so(client, refusal, name, text):
    await client.launch(client.write(name, text), noDebug=True)
    await client.event("output", output="on\n")
    assert await refusal(client.ask("pause", threadId=1)) == "the spell runs without debugging and cannot be paused"
    await client.ask("terminate")
    await client.event("exited")


async def test_what_cannot_be_launched_says_why(client, refusal):
    await client.ask("initialize")
    text = client.write("a.txt", "x")
    for given in ({"program": "gone.lua"}, {"program": text}, {"program": "a.lua", "cwd": "/nowhere"}, {"program": 3}):
        assert await refusal(client.ask("launch", **{"cwd": str(client.folder), **given}))
    await client.launch(client.write("b.lua", "local = 1\n"))
    await client.event("exited", exitCode=1)
    assert "b.lua:1" in client.output()


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ({"settings": {"limits.memory": 5}}, 2, "unknown setting limits.memory = 5\nhint: did you mean 'memory_mb'?"),
        ({"record": "gone/r.db"}, 0, "cannot be written to"),
    ],
    ids=["setting", "record"],
)
async def test_a_wrong_value_ends_the_session_with_its_sentence(client, given, code, said):
    await client.launch(client.write("a.lua", "print(1)\n"), **given)
    assert (await client.event("exited"))["exitCode"] == code
    await client.event("terminated")
    assert said in client.output()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_can_be_given_up_while_it_stands(over_streams, language):
    client = over_streams
    program = client.write(f"a.{language}", _COUNTS[language])
    await client.launch(program, (3,))
    await client.stopped(reason="breakpoint")
    await client.ask("restart")
    frame = await client.stopped(reason="breakpoint")
    assert await client.value("count", frame) == "0"
    await client.ask("terminate")
    await client.event("terminated")
    await client.ask("restart")
    await client.stopped(reason="breakpoint")
    await client.ask("disconnect")
    assert await client.exit_code() == 0


_WHERE = {
    "lua": 'local where = require("where")\nprint(where.text())\n',
    "js": 'import { text } from "./where.js";\nconsole.log(text());\n',
}
_WHERE_TEXT = {
    "lua": 'return {\n  text = function()\n    return os.getenv("WHO") .. " at " .. params.at\n  end,\n}\n',
    "js": "export function text() {\n  // who\n  return `${process.env.WHO} at ${params.at}`;\n}\n",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_restarts_in_the_folder_and_environment_that_are_wanted_now(client, language):
    program, where = (
        client.write(f"a.{language}", _WHERE[language]),
        client.write(f"where.{language}", _WHERE_TEXT[language]),
    )
    (elsewhere := client.folder / "elsewhere").mkdir()
    wanted = {"program": program, "settings": {"permissions.env": ["WHO"]}}
    await client.ask("initialize")
    await client.ask("launch", **wanted, cwd=str(client.folder), env={"WHO": "ada"}, params={"at": "home"})
    await client.ask("setBreakpoints", source={"path": where}, breakpoints=[{"line": 3}])
    await client.ask("configurationDone")
    await client.stopped(reason="breakpoint", hitBreakpointIds=[1])
    again = {**wanted, "cwd": str(elsewhere), "env": {"WHO": "bob"}, "params": {"at": "work"}}
    await client.ask("restart", arguments=again)
    for _ in range(2):  # the second time as it was the first
        frame = await client.stopped(reason="breakpoint", hitBreakpointIds=[1])
        assert (frame["source"]["path"], frame["line"]) == (where, 3)
        await client.go()
        await client.event("output", output="bob at work\n")
        await client.event("terminated")
        await client.ask("restart")


async def test_what_is_asked_before_its_first_line_holds(client):
    program = client.write("a.lua", "local a = 1\nlocal b = 2\nlocal c = 3\n")
    await client.launch(program, functions=["start"])
    await client.stopped(reason="function breakpoint", description="before start")
    await client.go("pause")
    await client.ask("setBreakpoints", source={"path": program}, breakpoints=[{"line": 3}])
    await client.go()
    assert (await client.stopped(reason="pause"))["line"] == 1
    await client.go()
    assert (await client.stopped(reason="breakpoint"))["line"] == 3


async def test_a_line_is_asked_for_again_and_goes_on_counting_its_hits(client):
    program = client.write("a.lua", "for i = 1, 5 do\n  local n = i\n  local m = n\nend\n")
    counted = {"line": 2, "hitCondition": "4"}
    first, _ = await client.launch(program, (counted, {"line": 3, "condition": "i == 2"}))
    assert (await client.stopped(reason="breakpoint"))["line"] == 3
    found = await client.ask("setBreakpoints", source={"path": program}, breakpoints=[counted])
    assert found["breakpoints"][0]["id"] == first["id"]
    await client.go()
    frame = await client.stopped(reason="breakpoint")
    assert (frame["line"], await client.value("i", frame)) == (2, "4")


async def test_the_debug_console_answers_what_the_spell_asks(client):
    text = 'local city = Human.ask{ question = "Which city?", choices = { "Rome", "Oslo" } }\nprint("to", city)\n'
    await client.launch(client.write("a.lua", text))
    for choice in ("  1. Rome\n", "  2. Oslo\n"):
        await client.event("output", output=choice, category="console")
    for typed in ("Paris", "2"):  # what is important pops up: only what is asked does
        await client.event("output", output="Which city? (answer in the debug console)\n", category="important")
        assert await client.value(typed, context="repl") == ""
    await client.event("exited", exitCode=0)
    assert "to\tOslo\n" in client.output()
