"""What is evaluated where a script stands harms it by nothing, whatever a person types; and where a step ends."""

from __future__ import annotations

import pytest
from tests.runtime.debugging.spells import LANGUAGES, Spells

from llmspell.engines.debugging import session

_TWO_LINES = {"lua": "local a = 1\nprint(a + 1)\n", "javascript": "const a = 1;\nconsole.log(a + 1);\n"}
_TOO_LARGE = {
    "lua": ['string.rep("x", 1e9)', "(function() local s = 'x'; while true do s = s .. s end end)()"],
    "javascript": ['"x".repeat(2 ** 29)', "[1e8].map((n) => 'x'.repeat(n)).map((s) => s.split(''))"],
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_needs_too_much_memory_is_refused_and_the_spell_goes_on(client, refusal, language):
    program = Spells(language, client).write("a", _TWO_LINES[language])
    await client.launch(program, (2,), settings={"limits.memory_mb": 64})
    frame = await client.stopped(reason="breakpoint")
    for text in _TOO_LARGE[language]:
        assert "it needs more memory than the spell has left" in await refusal(client.value(text, frame, "repl"))
        assert await client.value("a", frame) == "1"
    await client.go()
    await client.event("exited", exitCode=0)
    assert client.output() == "2\n"


async def test_a_function_that_cannot_be_broken_off_is_waited_for_no_longer_than_a_while(client, refusal, monkeypatch):
    await client.launch(client.write("a.js", _TWO_LINES["javascript"]), (2,))
    frame = await client.stopped(reason="breakpoint")
    monkeypatch.setattr(session, "_PATIENCE", 0.3)
    assert await client.value("a", frame) == "1"  # from the answer on
    text = "new Array(2 ** 32 - 1).join('')"
    assert "cannot be broken off" in await refusal(client.value(text, frame))
    assert "cannot be broken off" in await refusal(client.stack())
    await client.ask("terminate")
    await client.event("terminated")


async def test_an_import_would_fail_the_spell_later(client, refusal):
    await client.launch(client.write("a.js", _TWO_LINES["javascript"]), (2,))
    frame = await client.stopped(reason="breakpoint")
    for text in ("import('./b.js')", "1, import ('x')"):
        assert "import() waits" in await refusal(client.value(text, frame))
    assert await client.value("'import(1)'.length + ({ import: (n) => n }).import(2)", frame)
    await client.go()
    await client.event("exited", exitCode=0)


_TOOL = {
    "lua": """local tool = Tool.new({
  name = "t", description = "d", parameters = { type = "object", properties = {} },
  execute = function()
    return { one = 1 } -- in
  end,
})
local result = tool:execute({})
local after = result.one -- after
""",
    "javascript": """const tool = new Tool({
  name: "t", description: "d", parameters: { type: "object", properties: {} },
  execute: async () => {
    return { one: 1 }; // in
  },
});
const result = await tool.execute({});
const after = result.one; // after
""",
}


@pytest.mark.parametrize("how", ["next", "stepOut"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_step_out_of_what_the_host_called_ends_where_the_script_goes_on(client, language, how):
    spell, text = Spells(language, client), _TOOL[language]
    await client.launch(spell.write("a", text), (spell.line("in", text),))
    await client.stopped(reason="breakpoint")
    await client.go(how)
    assert (await client.stopped(reason="step"))["line"] == spell.line("after", text)
    await client.go()
    await client.event("exited", exitCode=0)


async def test_a_column_is_that_of_the_text_as_it_was_written(client):
    client.write(
        "b.js", '  export const größe = 1; "é😀"; export function twice(n) {\n    /* é😀 */ return n * 2;\n}\n'
    )
    text = 'import { twice } from "./b.js";\nconst name = "é😀"; twice(1);\n'
    program = client.write("a.js", text)
    await client.launch(program, (2,), stopOnEntry=True)
    frame = await client.stopped(reason="entry")
    assert (frame["line"], frame["column"]) == (1, 3)
    await client.go()
    frame = await client.stopped(reason="breakpoint")
    assert (frame["line"], frame["column"]) == (2, 1)
    await client.go("stepIn")
    frame = await client.stopped(reason="step")
    assert (frame["line"], frame["column"]) == (2, 15)
    assert [each["column"] for each in await client.stack()] == [15, 21]
