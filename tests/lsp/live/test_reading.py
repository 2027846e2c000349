"""Real runs, as the editor reads them: figures, what lines and steps gave, what ended them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from llmspell.errors import StoreError
from llmspell.traces.reader import RunFile
from llmspell_lsp.live import reading
from llmspell_lsp.live.run import Place

Shared = Callable[[str, str], Any]

LUA = """local a = Agent.new{ name = "writer", model = "offline/auto" }
local x = a:chat("hello")
local w = Workflow.sequential{ name = "flow", steps = {
  { name = "one", agent = a, input = "do it", output = "r1" },
  { name = "two", tool = "calculator", params = { expression = "1+1" } },
} }
local r = w:run("go")
for i = 1, 3 do
  a:chat("again " .. i)
end
error("boom")
"""
JAVASCRIPT = """const a = new Agent({ name: "writer", model: "offline/auto" });
const x = await a.chat("hello");
const w = Workflow.sequential({ name: "flow", steps: [
  { name: "one", agent: a, input: "do it", output: "r1" },
  { name: "two", tool: "calculator", params: { expression: "1+1" } },
] });
const r = await w.run("go");
for (let i = 1; i <= 3; i++) {
  await a.chat(`again ${i}`);
}
throw new Error("boom");
"""
BOTH = [("spell.lua", LUA), ("spell.js", JAVASCRIPT)]


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_the_figures_of_a_run(shared: Shared, name: str, text: str) -> None:
    bench = shared(name, text)
    run = bench.last()
    assert (run.spell, run.status, run.exit) == (bench.path(name), "error", 1)
    assert run.calls == 5
    assert run.tokens == run.input_tokens + run.output_tokens > 0
    assert run.cost == 0
    with RunFile(bench.stored()[-1]) as file:
        assert run.duration == file.spans()[0].duration
    assert run.texts[run.spell] == text
    assert run.file == str(bench.stored()[-1])


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_what_lines_gave(shared: Shared, name: str, text: str) -> None:
    bench = shared(name, text)
    values = {place.line: gave for place, gave in bench.last().values.items()}
    assert {line: (gave.value, gave.times, gave.status) for line, gave in values.items()} == {
        1: ('"(offline model) You said: hello"', 1, "ok"),
        6: ("{result: 2}", 1, "ok"),
        8: ('"(offline model) You said: again 3"', 3, "ok"),
    }
    assert values[1].tokens > 0 and values[1].duration > 0
    assert values[8].tokens > values[1].tokens


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_the_steps_of_a_workflow(shared: Shared, name: str, text: str) -> None:
    bench = shared(name, text)
    # QuickJS tells a call over several lines by one of them.
    ((place, steps),) = bench.last().steps.items()
    assert place.path == bench.path(name) and place.line in (range(2, 6) if name.endswith(".js") else [2])
    assert [(step.path, step.gave.name, step.gave.value) for step in steps] == [
        ("steps[1]", "one", '"(offline model) You said: do it"'),
        ("steps[2]", "two", "{result: 2}"),
    ]
    assert 0 < sum(step.share for step in steps) <= 1
    assert steps[0].gave.tokens > 0 and steps[1].gave.tokens == 0


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_what_ended_it(shared: Shared, name: str, text: str) -> None:
    failure = shared(name, text).last().failure
    assert failure is not None
    assert failure.message == "boom"
    assert failure.place is not None and failure.place.line == 10


def test_an_error_in_a_module(bench: Any) -> None:
    bench.write("lib/m.lua", "return function()\n  error('deep')\nend")
    bench.run("spell.lua", "local f = require('lib.m')\n\nf()\n")
    run = bench.last()
    assert run.failure is not None
    assert run.failure.place == Place(bench.path("lib/m.lua"), 1)
    assert Place(bench.path("spell.lua"), 2) in [place for place, _ in run.failure.stack]
    assert run.texts[bench.path("lib/m.lua")].startswith("return function")


def test_a_run_that_a_limit_stopped(bench: Any) -> None:
    bench.run("spell.lua", "local x = 1\nwhile true do end\n", "--cpu-seconds", "0.2")
    run = bench.last()
    assert (run.status, run.exit) == ("limit", 3)
    assert run.failure is not None and "cpu" in run.failure.message.lower()


def test_secrets_are_shown_as_the_trace_has_them(bench: Any) -> None:
    bench.environ["OPENAI_API_KEY"] = "sk-very-secret-1234567890"
    bench.run(
        "spell.lua",
        'local a = Agent.new{ model = "offline/auto" }\nlocal x = a:chat("sk-very-secret-1234567890")\n',
    )
    run = bench.last()
    assert run.values, "the line has a value"
    assert "very-secret" not in repr(run.values)


def test_a_run_whose_content_was_not_kept(bench: Any) -> None:
    bench.write("llmspell.toml", "[trace]\ncontent = false\n")
    bench.store = bench.folder / ".llmspell"
    bench.run("spell.lua", 'local a = Agent.new{ model = "offline/auto" }\nlocal x = a:chat("hello")\n')
    values = {place.line: gave.value for place, gave in bench.last().values.items()}
    assert 1 in values and "You said" not in values[1]


def test_a_long_run_is_read_in_part(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = shared(*BOTH[0])
    monkeypatch.setattr(reading, "MOST_SPANS", 6)
    values = {place.line for place in bench.last().values}
    assert 8 in values and 1 not in values
    monkeypatch.setattr(reading, "MOST_SPANS", 1000)
    monkeypatch.setattr(reading, "MOST_VALUES", 1)
    assert len(bench.last().values) == 1


@pytest.mark.parametrize(
    "damage", ["UPDATE spans SET started = 'x'", "DROP TABLE spans", "UPDATE meta SET value = 'x'"]
)
def test_a_damaged_run_is_an_error_of_the_store(bench: Any, damage: str) -> None:
    bench.run("spell.lua", 'local a = Agent.new{ model = "offline/auto" }\nlocal x = a:chat("hello")\n')
    with sqlite3.connect(bench.stored()[-1]) as connection:
        connection.execute(damage)
    with pytest.raises(StoreError):
        bench.last()
