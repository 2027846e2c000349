"""The code interpreter computes in the sandbox of spells, with nothing of the host behind it."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines.process import Zygote
from llmspell.errors import LlmspellError, TimeoutError, ToolError
from llmspell.run import Run
from llmspell.tools.ai import interpreter
from llmspell.tools.ai.code_interpreter import CodeInterpreterTool


def code(language: str, text: str, **more: Any) -> interpreter.Code:
    given: dict[str, Any] = {"input": None, "seed": 1, "milliseconds": 5000, "memory_mb": 64, "keep": 1000, **more}
    return interpreter.Code(language=language, text=text, label="code", **given)


@pytest.mark.parametrize(
    ("language", "text", "input", "value", "output"),
    [
        ("lua", "return 6 * 7", None, 42, ""),
        ("lua", "print(input.a, #input.b) return input", {"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 2]}, "1\t2\n"),
        ("lua", "Async.sleep(5) return 'slept'", None, "slept", ""),
        ("lua", "local x = 1", None, None, ""),
        ("javascript", "return input.map(x => x * 2)", [1, 2], [2, 4], ""),
        ("javascript", "console.log('a', 1); await Async.sleep(5); return new Map([['k', 1]]).get('k')", None, 1, "a 1\n"),
        ("javascript", "return JSON.stringify({ä: 'ö'})", None, '{"ä":"ö"}', ""),
    ],
)  # fmt: skip
async def test_programs(zygote: Zygote, language: str, text: str, input: Any, value: Any, output: str) -> None:
    found = await interpreter.run(code(language, text, input=input), zygote)
    assert (found.value, found.output, found.truncated) == (value, output, False)


HOSTILE = [
    ("lua", "return Agent.new{ name = 'a' }"),
    ("lua", "return CalculatorTool.new{}"),
    ("lua", "return Provider.list()"),
    ("lua", "return State.get('a')"),
    ("lua", "return io.open('/etc/passwd')"),
    ("lua", "return os.execute('id')"),
    ("lua", "return os.getenv('HOME').x"),
    ("lua", "return require('socket')"),
    ("lua", "return loadfile('/etc/passwd')()"),
    ("lua", "return load(string.dump(function() end), 'x', 'b')()"),
    ("lua", "return python.eval('1')"),
    ("lua", "return print"),
    ("lua", "local t = {} t.t = t return t"),
    ("lua", "local function f() return f() + 1 end return f()"),
    ("lua", "error({ code = 1 })"),
    ("lua", "retur 1"),
    ("lua", "eventBus.emit('x', {}) error('reached')"),
    ("javascript", "await new FileSystemTool().execute({ operation: 'list', path: '.' })"),
    ("javascript", "return require('fs')"),
    ("javascript", "return await import('fs')"),
    ("javascript", "return await fetch('http://localhost')"),
    ("javascript", "await new Promise(() => {})"),
    ("javascript", "return () => 1"),
    ("javascript", "throw new Error('no')"),
    ("javascript", "Promise.reject(new Error('no')); await Async.sleep(10)"),
]


@pytest.mark.parametrize(("language", "text"), HOSTILE, ids=[text[:30] for _, text in HOSTILE])
async def test_nothing_of_the_host_is_there(zygote: Zygote, language: str, text: str) -> None:
    started = time.monotonic()
    with pytest.raises(ToolError) as caught:
        await interpreter.run(code(language, text), zygote)
    assert time.monotonic() - started < 10
    assert "Traceback" not in caught.value.message


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("lua", "while true do end"),
        ("lua", "while true do pcall(error) end"),
        ("lua", "Async.sleep(600000)"),
        ("lua", "return ('a'):rep(30):find(('.-'):rep(30) .. 'b')"),
        ("javascript", "while (true) {}"),
        ("javascript", "for (;;) console.log('x')"),
        ("javascript", "await Async.sleep(600000)"),
    ],
)
async def test_what_takes_too_long_is_ended(zygote: Zygote, language: str, text: str) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        await interpreter.run(code(language, text, milliseconds=300), zygote)
    assert time.monotonic() - started < 10


async def test_memory_and_output_are_bounded(zygote: Zygote) -> None:
    with pytest.raises(ToolError, match="memory"):
        await interpreter.run(code("lua", "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end"), zygote)
    found = await interpreter.run(code("lua", "print(('x'):rep(1e6)) return 1"), zygote)
    assert (len(found.output), found.truncated) == (1000, True)


async def test_the_worker_is_locked_and_ends_with_its_call(zygote: Zygote) -> None:
    task = asyncio.create_task(interpreter.run(code("lua", "Async.sleep(600000)"), zygote))
    async with asyncio.timeout(20):
        while not (found := _workers(zygote)):
            await asyncio.sleep(0.01)
    assert "NoNewPrivs:\t1" in _status(found[0])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _workers(zygote) == []


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def _workers(zygote: Zygote) -> list[int]:
    """The zygote's children that live."""
    found: list[int] = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                state, parent = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == zygote.pid and state not in "ZX":
                found.append(int(name))
    return found


async def test_an_input_that_is_no_plain_data(call: Any) -> None:
    with pytest.raises(LlmspellError):
        await call(CodeInterpreterTool, {"code": "return 1", "input": "x" * 20_000_000})


LUA = """
local c = CodeInterpreter.new{}
local ok, problem = pcall(function() return c:execute{ code = "error('broken')" } end)
return {
    c:execute{ code = "return input * 2", input = 21 }.result,
    c:execute{ code = "return math.random()" }.result,
    c:execute{ language = "javascript", code = "console.log(1); return Math.random()" },
    ok, problem.message,
}
"""
JS = """
const c = new CodeInterpreter();
let problem;
try { await c.execute({ code: "error('broken')" }) } catch (error) { problem = error }
return [
    (await c.execute({ code: "return input * 2", input: 21 })).result,
    (await c.execute({ code: "return math.random()" })).result,
    await c.execute({ language: "javascript", code: "console.log(1); return Math.random()" }),
    false, problem.message,
];
"""


@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
@pytest.mark.parametrize("spell", [{"lua": LUA}, {"js": JS}], ids=["lua", "javascript"])
async def test_a_spell_runs_programs(cast: Any, zygote: Zygote, spell: dict[str, str], shared: bool) -> None:
    def share(run: Run) -> None:
        run.provide(Zygote, zygote)

    asking = {"prepare": share} if shared else {}
    done = await cast(**spell, **asking)
    assert done.value[0] == 42
    assert 0 <= done.value[1] < 1
    assert (done.value[2]["output"], done.value[3]) == ("1\n", False)
    assert "broken" in done.value[4]
    assert (await cast(**spell, replay=done.recording)).value == done.value
