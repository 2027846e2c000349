"""What cannot be debugged runs all the same, and both its breakpoints and the console say why it does not stop."""

from __future__ import annotations

import pytest

from llmspell.engines.javascript import instrumentation
from llmspell.engines.javascript.instrumentation import layout

#: The engine takes `yield` for a name here, the parser does not.
_TEXT = "const twice = yield => yield * 2;\nconsole.log(twice(21));\n"


async def test_a_text_that_the_parser_does_not_understand(client):
    program = client.write("a.js", _TEXT)
    (point,) = await client.launch(program, (2,))
    why = "it has syntax at line 1 that the debugger cannot read, so that it runs without a stop"
    assert (point["verified"], point["message"]) == (False, f"a.js is not debugged: {why}")
    await client.event("output", category="important", output=f"a.js is not debugged: {why}\n")
    changed = await client.event("breakpoint", reason="changed")
    assert changed["breakpoint"] == {"id": point["id"], "verified": False, "message": why}
    await client.event("exited", exitCode=0)
    assert "42\n" in client.output()
    later = await client.ask("setBreakpoints", source={"path": program}, breakpoints=[{"line": 1}])
    assert not later["breakpoints"][0]["verified"]


async def test_a_module_that_is_too_large(client, monkeypatch):
    program = client.write("a.js", 'import { one } from "./one.js";\nconsole.log(one);\n')
    module = client.write("one.js", f"export const one = 41 + 1; // {'-' * 2000}\n")
    monkeypatch.setattr(instrumentation, "_MOST", 2000)
    points = await client.launch(program, (2,))
    found = await client.ask("setBreakpoints", source={"path": module}, breakpoints=[{"line": 1}])
    assert "too large" in found["breakpoints"][0]["message"]
    frame = await client.stopped(reason="breakpoint", hitBreakpointIds=[points[0]["id"]])
    assert await client.value("one", frame) == "42"
    assert "one.js is not debugged: it is too large" in client.output()


def test_tests_that_the_engine_refuses_are_left_out_and_told_of(debug, monkeypatch):
    told = []
    spell = debug("const a = 1;\nreturn a + 1;\n")
    monkeypatch.setattr(spell, "unseen", lambda label, why: told.append((label, why)), raising=False)
    text, tables = layout.split(spell._start["source"])
    spell._start["source"] = layout.join(text + ")", {**tables, "inserted": [*tables["inserted"], (len(text), 1)]})
    assert spell.run(2).value() == 2
    assert spell.stops == []
    assert told[0][0] == "spell.js"
    assert "the engine refuses it with the debugger's tests: SyntaxError" in told[0][1]


@pytest.mark.parametrize("text", ["{}", "[1, 2]"])
async def test_a_json_module_is_no_matter_for_a_debugger(client, text):
    client.write("data.json", text)
    program = client.write("a.js", 'import data from "./data.json";\nconsole.log(JSON.stringify(data));\n')
    await client.launch(program)
    await client.event("exited", exitCode=0)
    assert "not debugged" not in client.output()
