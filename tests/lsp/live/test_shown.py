"""What the editor shows of a run: at ends of lines, above them, and as a diagnostic; on a text that has moved since."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from llmspell_lsp.checks.last_run import check
from llmspell_lsp.features.last_values import last_values
from llmspell_lsp.features.lenses import lenses
from llmspell_lsp.live import figures

Shared = Callable[[str, str], Any]

LUA = """local a = Agent.new{ name = "writer", model = "offline/auto" }
local x = a:chat("hello")
local w = Workflow.sequential{ name = "flow", steps = {
  { name = "one", agent = a, input = "do it", output = "r1" },
  { tool = "calculator", params = { expression = "1+1" } },
  { type = "parallel", steps = {
    { name = "left", agent = a, input = "l" },
    { name = "right", agent = a, input = "r" },
  } },
  { name = "again", type = "loop", max_iterations = 2, body = {
    agent = a, input = "i",
  } },
} }
local r = w:run("go")
error("boom")
"""
JAVASCRIPT = """const a = new Agent({ name: "writer", model: "offline/auto" });
const x = await a.chat("hello");
const w = Workflow.sequential({ name: "flow", steps: [
  { name: "one", agent: a, input: "do it", output: "r1" },
  { tool: "calculator", params: { expression: "1+1" } },
  { type: "parallel", steps: [
    { name: "left", agent: a, input: "l" },
    { name: "right", agent: a, input: "r" },
  ] },
  { name: "again", type: "loop", maxIterations: 2, body: {
    agent: a, input: "i",
  } },
] });
const r = await w.run("go");
throw new Error("boom");
"""
BOTH = [("spell.lua", LUA), ("spell.js", JAVASCRIPT)]
SAID = '"(offline model) You said: '


def shown(bench: Any, name: str, text: str | None = None) -> dict[int, str]:
    return {hint.line: hint.text for hint in last_values(bench.snapshot(name, text), 0, 1000)}


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_values_at_the_ends_of_lines(shared: Shared, name: str, text: str) -> None:
    found = shown(shared(name, text), name)
    assert found[1] == f'= {SAID}hello"'
    assert found[3] == f'= {SAID}do it"'
    assert found[4] == "= {result: 2}"
    assert found[6] == f'= {SAID}l"' and found[7] == f'= {SAID}r"'
    assert found[9] == f'= {SAID}i"' == found[13]
    assert 0 not in found and 2 not in found and 14 not in found


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_only_the_lines_asked_for(shared: Shared, name: str, text: str) -> None:
    snapshot = shared(name, text).snapshot(name)
    (hint,) = last_values(snapshot, 1, 2)
    assert (hint.line, hint.column) == (1, len(text.splitlines()[1]))
    assert hint.tooltip.startswith("Last run: **writer** · ") and "hello" in hint.tooltip and "tokens" in hint.tooltip


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_lenses(shared: Shared, name: str, text: str) -> None:
    bench = shared(name, text)
    found = lenses(bench.snapshot(name))
    assert [(each.line, each.text, each.act, each.subject) for each in found[:2]] == [
        (0, "▶ Run", "run", bench.path(name)),
        (0, "Debug", "debug", bench.path(name)),
    ]
    assert (found[2].act, found[2].subject) == ("trace", str(bench.stored()[-1]))
    assert re.fullmatch(r"last run failed after [\d.]+ m?s · \d+ tokens · \$0 · 6 model calls", found[2].text)
    steps = {each.line: each.text for each in found[3:]}
    assert [*steps] == [3, 4, 5, 6, 7, 9]
    assert re.fullmatch(r"(< 1|\d+) % · [\d.]+ m?s · \d+ tokens", steps[3])
    assert re.fullmatch(r"(< 1|\d+) % · [\d.]+ m?s", steps[4])
    assert steps[9].endswith("tokens"), "of both times through its body"


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_the_error_at_its_line(shared: Shared, name: str, text: str) -> None:
    (found,) = check(shared(name, text).snapshot(name))
    last = len(text.splitlines()) - 1
    assert found.span == (last, 0, last, len(text.splitlines()[last]))
    assert (found.code, found.message) == ("last-run-error", "last run: boom")


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_a_text_that_has_moved(shared: Shared, name: str, text: str) -> None:
    bench = shared(name, text)
    rows = text.splitlines(keepends=True)
    before = shown(bench, name)
    below = "".join(["\n\n", *rows])
    assert shown(bench, name, below) == {line + 2: value for line, value in before.items()}
    (found,) = check(bench.snapshot(name, below))
    assert found.span.line == len(rows) + 1
    typed = "".join([*rows[:1], "x = 1\n", rows[1].replace("hello", "other"), *rows[2:]])
    assert shown(bench, name, typed) == {line + 1: value for line, value in before.items() if line > 1}
    mended = "".join(rows[:-1]) + "-- mended\n"
    assert list(check(bench.snapshot(name, mended))) == []
    assert shown(bench, name, "") == {}
    assert list(check(bench.snapshot(name, ""))) == []


def test_a_step_that_was_renamed_is_not_taken_for_the_old_one(shared: Shared) -> None:
    bench = shared(*BOTH[0])
    found = shown(bench, "spell.lua", LUA.replace('name = "one"', 'name = "first"'))
    assert 3 not in found and 4 in found


@pytest.mark.parametrize(
    ("name", "text"), [("spell.lua", "error('boom')\n"), ("spell.js", "throw new Error('boom');\n")]
)
def test_a_newer_run_that_succeeds_clears_the_error(bench: Any, name: str, text: str) -> None:
    bench.run(name, text)
    assert len(list(check(bench.snapshot(name)))) == 1
    bench.run(name, "return 1\n" if name.endswith("lua") else "1;\n")
    assert list(check(bench.snapshot(name, text))) == []


def test_an_error_of_a_module_is_shown_in_both_files(bench: Any) -> None:
    bench.write("m.lua", "return function()\n  error('deep')\nend")
    bench.run("spell.lua", "local f = require('m')\n\nf()\n")
    (inside,) = check(bench.snapshot("m.lua"))
    assert inside.span == (1, 2, 1, 15)
    (outside,) = check(bench.snapshot("spell.lua"))
    assert outside.span.line == 2 and "deep" in outside.message
    assert [each.text for each in lenses(bench.snapshot("m.lua")) if each.act == "trace"] == []


@pytest.mark.parametrize(("name", "text"), [("spell.lua", "local a = = 3\n"), ("spell.js", "const = 1;\n")])
def test_what_the_compiler_says_is_not_said_of_the_last_run_too(bench: Any, name: str, text: str) -> None:
    bench.run(name, text)
    assert list(check(bench.snapshot(name))) == []


def test_a_module_that_could_not_be_compiled_is_told_where_it_was_asked_for(bench: Any) -> None:
    bench.write("m.lua", "return = 1\n")
    bench.run("spell.lua", "local f = require('m')\n")
    assert list(check(bench.snapshot("m.lua"))) == []
    (asked,) = check(bench.snapshot("spell.lua"))
    assert asked.span.line == 0 and "unexpected symbol" in asked.message


@pytest.mark.parametrize("name", ["new.lua", "new.js"])
def test_a_spell_that_was_never_run(bench: Any, name: str) -> None:
    bench.write(name, "")
    snapshot = bench.snapshot(name)
    assert last_values(snapshot, 0, 10) == [] and list(check(snapshot)) == []
    assert [each.act for each in lenses(snapshot)] == ["run", "debug"]


def test_a_module_is_not_to_be_run(bench: Any) -> None:
    bench.write("m.js", "export const x = 1;")
    assert lenses(bench.snapshot("m.js")) == []


def test_a_long_value_is_cut(bench: Any) -> None:
    bench.run("spell.lua", f'local a = Agent.new{{ model = "offline/auto" }}\nlocal x = a:chat("{"long ``` " * 50}")\n')
    (hint,) = last_values(bench.snapshot("spell.lua"), 0, 9)
    assert len(hint.text) < 60 and hint.text.endswith("…")
    assert "````\n" in hint.tooltip, "a fence that the value does not close"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (figures.duration(0.04), "0.0 ms"),
        (figures.duration(12.6), "13 ms"),
        (figures.duration(1234), "1.23 s"),
        (figures.duration(61_000), "1m 01s"),
        (figures.duration(3_700_000), "1h 02m"),
        (figures.tokens(1), "1 token"),
        (figures.tokens(340), "340 tokens"),
        (figures.tokens(12_345), "12.3k tokens"),
        (figures.tokens(2_000_000), "2.0M tokens"),
        (figures.cost(None), ""),
        (figures.cost(0), "$0"),
        (figures.cost(0.0004), "$0.0004"),
        (figures.cost(0.00001), "< $0.0001"),
        (figures.cost(12.345), "$12.35"),
        (figures.share(0.001), "< 1 %"),
        (figures.share(0.456), "46 %"),
    ],
)
def test_figures(given: str, expected: str) -> None:
    assert given == expected
