"""What a JavaScript error says: those that waited for the function that failed, and the name that is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from javascript_host import BINDING, Desk

from llmspell.engines.javascript import prelude

if TYPE_CHECKING:
    from conftest import Outcome, StartSpell, Way

Run = Callable[[str], Awaitable["Outcome"]]


@pytest.fixture(params=["worker", "in_process"])
def run(request: pytest.FixtureRequest, start_spell: StartSpell) -> Run:
    way: Way = request.param

    async def run(source: str) -> Outcome:
        desk = Desk()
        desk.host = start_spell("javascript", source, way=way, answers=desk.answers, binding=BINDING)
        return await asyncio.wait_for(desk.host.finish(), 20)

    return run


# -- those that wait -------------------------------------------------------------------------------------------------


async def stack(run: Run, source: str) -> list[str]:
    error = (await run(source)).error
    assert error is not None
    return [line.removeprefix("spell.js:") for line in error["stack"]]


async def test_a_refused_call_names_those_that_wait_for_it(run: Run) -> None:
    source = """const inner = async () => {
  await host.later(1);
  await host.later('refuse')
};
const outer = async () => {
  await host.later(2);
  await inner()
};
await outer()"""
    assert await stack(run, source) == ["3: in function 'inner'", "7: in function 'outer'", "9: in main chunk"]


async def test_an_error_after_many_calls_names_them_too(run: Run) -> None:
    source = """async function inner() {
  for (let i = 0; i < 100; i++) await host.later(i);
  null.x
}
class Runner { async run() {
  await inner()
} }
for (let i = 0; i < 2; i++)
  await new Runner().run()"""
    assert await stack(run, source) == ["3: in function 'inner'", "6: in function 'run'", "9: in main chunk"]


async def test_a_function_that_waits_for_itself(run: Run) -> None:
    source = """const down = async (n) => { await host.later(1);
  if (n === 0) throw new Error('deep');
  await down(n - 1) };
await down(2)"""
    assert await stack(run, source) == ["2: in function 'down'", "3: in function 'down'", "3: in function 'down'", "4: in main chunk"]  # fmt: skip


async def test_a_caught_error_has_them_in_its_text(run: Run) -> None:
    outcome = await run(
        "const f = async () => { await host.later(1);\n  throw new Error('x') };\ntry { await f() } catch (e) { return e.stack }"
    )
    assert outcome.value() == "    at f (spell.js:2:13)\n    at <main> (spell.js:3:13)\n"


async def test_what_runs_at_the_same_time_is_not_mixed_up(run: Run) -> None:
    source = """const one = async () => { await host.later(1, 2); await two() };
const two = async () => { await host.later(1, 4); await host.later('refuse') };
const other = async () => { for (let i = 0; i < 20; i++) await host.later(1) };
const others = [other(), other()];
await one()"""
    assert await stack(run, source) == ["2: in function 'two'", "1: in function 'one'", "5: in main chunk"]


async def test_a_timer_and_a_callback_begin_anew(run: Run) -> None:
    source = "await host.later(1);\nsetTimeout(async () => {\n  await host.later(1);\n  null.x }, 1);\nawait host.later(1, 1000)"
    assert await stack(run, source) == ["4: in an anonymous function"]
    source = "await host.later(1);\nawait host2.run(async () => { await host.later(1);\n  throw new Error('inside') })"
    outcome = await run(source)
    results = [frame for frame in outcome.frames if frame[0] == "result"]
    assert results[0][3]["stack"] == ["spell.js:3: in an anonymous function"]


# -- the name that is wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("new Agent({}).name.x.y", "cannot read property 'y' of undefined"),
        ("const agent = new Agent({}); agent.chatt('x')", "agent.chatt is not a function: did you mean chat?"),
        ("const agent = new Agent({}); await agent.strem_chat('x')", "agent.strem_chat is not a function: did you mean streamChat?"),
        ("const agent = new Agent({}); agent\n  .addTol(1)", "agent.addTol is not a function: did you mean addTool?"),
        ("const agent = new Agent({}); agent?.chatt('x')", "agent.chatt is not a function: did you mean chat?"),
        ("const it = { agent: new Agent({}) }; it.agent.chatt`x`", "it.agent.chatt is not a function: did you mean chat?"),
        ("new Agent({}).chatt()", "chatt is not a function: did you mean chat?"),
        ("Agent.lst()", "Agent.lst is not a function: did you mean list?"),
        ("Agent.chat()", "Agent.chat is not a function"),
        ("eventBus.emitt('x')", "eventBus.emitt is not a function: did you mean emit?"),
        ("eventBus.nothingLikeIt('x')", "eventBus.nothingLikeIt is not a function"),
        ("new Agnt({})", "Agnt is not defined: did you mean Agent?"),
        ("Async.slep(1)", "Async.slep is not a function: did you mean sleep?"),
        ("Math.rond(1)", "Math.rond is not a function: did you mean round?"),
        ("consol.log(1)", "consol is not defined: did you mean console?"),
        ("somethingElse()", "somethingElse is not defined"),
        ("const f = undefined; f()", "f is not a function"),
        ("const agent = new Agent({}); agent['chatt']()", "not a function"),
        ("(1)()", "not a function"),
        ("[2, 1].sort({})", "not a function"),
        ("throw new TypeError('not a function, I say')", "not a function, I say"),
    ],
)  # fmt: skip
async def test_an_error_names_what_is_not_there(run: Run, source: str, message: str) -> None:
    outcome = await run(source)
    assert outcome.error is not None
    assert outcome.error["message"] == message
    caught = await run(f"try {{ {source} }} catch (e) {{ return e.message }}")
    assert caught.value() == message


# -- texts that are no spell's ---------------------------------------------------------------------------------------


async def test_a_text_that_is_not_json_tells_the_line_and_column_in_it(run: Run) -> None:
    """The engine counts every line break twice in some of its messages, and says nothing of the place in others."""
    source = r"""const said = (text) => { try { JSON.parse(text) } catch (error) { return error.name + ": " + error.message } };
return ["{\n\n,}", "[1,\n\n2 3]", "nul", "", "[\n01]"].map(said)"""
    assert (await run(source)).value() == [
        "SyntaxError: this is not JSON: Expected property name or '}' at line 3 column 1",
        "SyntaxError: this is not JSON: Expected ',' or ']' after array element at line 3 column 3",
        "SyntaxError: this is not JSON: unexpected token: 'nul' at line 1 column 1",
        "SyntaxError: this is not JSON: Unexpected end of JSON input at line 1 column 1",
        "SyntaxError: this is not JSON: Unexpected number at line 2 column 1",
    ]


@pytest.mark.parametrize("read", ["JSON.parse(text)", "(0, eval)(text)", "eval(text)"])
async def test_lines_of_a_text_that_is_read_are_no_lines_of_the_spell(run: Run, read: str) -> None:
    """The engine numbers them as if they were: the spell's own come after those of the prelude."""
    before = prelude.source().count("\n")
    source = f"function inner(text) {{\n  return {read}\n}}\n\n\n\ninner('\\n'.repeat({before} + 3) + '[,')"
    assert await stack(run, source) == ["2: in function 'inner'", "7: in main chunk"]
