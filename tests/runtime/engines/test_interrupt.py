"""A spell that computes without end is told where: the line it was in, whatever it catches and whoever called it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pytest

from llmspell.engines import sandbox
from llmspell.engines.transport import Limits
from llmspell.errors import LimitError

if TYPE_CHECKING:
    from conftest import StartSpell, Way

pytestmark = pytest.mark.skipif(not sandbox.support().worker, reason="spells have no processes here")

LIMITS: Final = Limits(stall=0.15, cpu=20.0, memory_mb=128)

#: `both`: made to stop in a thread, too. `worker`: a thread is told from, and left behind. `process`: only a process.
Reach = Literal["both", "worker", "process"]


@dataclass(frozen=True)
class Endless:
    """HERE marks the line of the verdict. frames: how the lines of the stack end, innermost first."""

    name: str
    source: str
    frames: tuple[str, ...] = ("in main chunk",)
    reach: Reach = "both"

    @property
    def language(self) -> str:
        return "lua" if "-- HERE" in self.source else "javascript"

    @property
    def site(self) -> str:
        lines = self.source.split("\n")
        number = next(number for number, text in enumerate(lines, 1) if "HERE" in text)
        return f"{'spell.lua' if self.language == 'lua' else 'spell.js'}:{number}"


LUA = [
    Endless("nothing but a loop", "while true do end -- HERE"),
    Endless("a loop after a call", "print('x')\nlocal x = 0\nwhile true do x = x + 1 end -- HERE"),
    Endless("a function called later", "local function f()\n  while true do end -- HERE\nend\nAsync.sleep(1)\nf()",
            ("in function 'f'", "in main chunk")),
    Endless("a coroutine in a coroutine",
            "local outer = coroutine.wrap(function()\n  local inner = coroutine.create(function()\n"
            "    while true do end -- HERE\n  end)\n  coroutine.resume(inner)\nend)\nouter()",
            ("in function <spell.lua:2>", "in function <spell.lua:1>", "in main chunk")),
    Endless("a storm of pcall", "\nwhile true do pcall(function() error('x') end) end -- HERE"),
    Endless("pcall around the loop", "while true do pcall(function()\n  while true do end -- HERE\nend) end",
            ("in function <spell.lua:1>", "in main chunk")),
    Endless("a handler of xpcall", "xpcall(error, function()\n  while true do end -- HERE\nend)",
            ("in function <spell.lua:1>", "in main chunk")),
    Endless("a sort comparator", "table.sort({3, 2, 1}, function()\n  while true do end -- HERE\nend)",
            ("in function <spell.lua:1>", "in main chunk")),
    Endless("a callback of gsub", "string.gsub('xyz', '.', function()\n  while true do end -- HERE\nend)",
            ("in function <spell.lua:1>", "in main chunk")),
    Endless("a metamethod that a C function calls",
            "tostring(setmetatable({}, {__tostring = function()\n  while true do end -- HERE\nend}))",
            ("in function <spell.lua:1>", "in main chunk")),
    Endless("a __close", "local x <close> = setmetatable({}, {__close = function()\n  while true do end -- HERE\nend})",
            ("in function 'close'", "in main chunk")),
    Endless("a __gc", "setmetatable({}, {__gc = function()\n  while true do end -- HERE\nend}) while true do local t = {} end",
            ("in function '__gc'", "in main chunk"), "worker"),
    Endless("a task of its own", "Async.spawn(function()\n  while true do end -- HERE\nend) Async.sleep(100000)",
            ("in function <spell.lua:1>",)),
    Endless("a pattern", "local a = string.rep('a', 40000)\nstring.find(a, string.rep('.-', 40) .. 'b') -- HERE",
            reach="worker"),
    Endless("a move of a quadrillion", "\ntable.move({}, 1, 1000000000000000, 2) -- HERE", reach="worker"),
    Endless("a clock", "while true do\n  os.time() -- HERE\nend"),
]  # fmt: skip

JAVASCRIPT = [
    Endless("nothing but a loop", "for (;;) {} // HERE"),
    Endless("a loop after a call", "console.log('x');\nlet x = 0;\nwhile (true) x = x + 1 // HERE"),
    Endless("a function called later",
            "function f() {\n  let x = 0;\n  do { x += 1 } while (x > 0) // HERE\n}\nsetTimeout(f, 1); await Async.sleep(100000)",
            ("in function 'f'",)),
    Endless("try, catch and finally", "\nfor (;;) try { null.x } catch {} finally {} // HERE"),
    Endless("an async function that waited",
            "const f = async () => { try { await null;\n\n  for (;;) {} // HERE\n} catch {} };\nawait f()", ("in function 'f'",)),
    Endless("the function of a promise", "await new Promise(() => {\n  for (;;); // HERE\n}).catch(() => {})",
            ("in an anonymous function", "in main chunk")),
    Endless("what follows a promise", "await Promise.resolve(1).then(() => {\n  for (;;); // HERE\n})",
            ("in an anonymous function",)),
    Endless("a flood of promises", "for (;;)\n  await null // HERE"),
    Endless("microtasks that breed", "const f = () =>\n  queueMicrotask(f); // HERE\nf(); await new Promise(() => {})",
            ("in function 'f'",)),
    Endless("a regular expression", "\n/^(a+)+$/.test('a'.repeat(40) + 'b') // HERE"),
    Endless("a sort comparator", "[3, 2, 1].sort(() => {\n  for (;;); // HERE\n})", ("in an anonymous function", "in main chunk")),
    Endless("a generator", "function* g() {\n  for (;;); // HERE\n}\nfor (const x of g()) {}", ("in function 'g'", "in main chunk")),
    Endless("a getter", "const o = { get x() {\n  for (;;); // HERE\n} }; o.x", ("in function 'get x'", "in main chunk")),
    Endless("a method", "class A {\n  run() {\n    const f = () => { for (const x of []) {} };\n    while (f) {} // HERE\n  }\n}\nnew A().run()",
            ("in function 'run'", "in main chunk")),
    Endless("a function inside of the engine", "\nnew Array(2 ** 32 - 1).join('') // HERE", reach="process"),
    Endless("a clock", "for (;;)\n  Date.now() // HERE"),
]  # fmt: skip

CASES = LUA + JAVASCRIPT
STOPPABLE = [case for case in CASES if case.reach == "both"]


def name_of(case: Endless) -> str:
    return f"{case.language}: {case.name}"


@pytest.mark.mission(139)
@pytest.mark.parametrize("case", CASES, ids=name_of)
async def test_a_worker_is_stopped_with_its_line(case: Endless, start_spell: StartSpell) -> None:
    await assert_stopped(case, "worker", start_spell)


@pytest.mark.parametrize("case", STOPPABLE, ids=name_of)
async def test_a_thread_is_stopped_with_its_line(case: Endless, start_spell: StartSpell) -> None:
    others = set(threading.enumerate())
    await assert_stopped(case, "in_process", start_spell)
    for thread in set(threading.enumerate()) - others:
        await asyncio.to_thread(thread.join, 60)
        assert not thread.is_alive()


async def assert_stopped(case: Endless, way: Way, start_spell: StartSpell) -> None:
    outcome = await asyncio.wait_for(start_spell(case.language, case.source, way=way, limits=LIMITS).finish(), 30)
    error = outcome.exit.error
    assert isinstance(error, LimitError), outcome.message()
    assert (error.limit, error.source) == ("cpu", case.site)
    assert str(error) == "the spell was stopped: it computed for 0.15 s without a call"
    assert error.stack[0].startswith(f"{case.site}: ")
    assert tuple(line.partition(": ")[2] for line in error.stack)[-len(case.frames) :] == case.frames


@pytest.mark.parametrize("language", ["lua", "javascript"])
async def test_the_limit_of_all_cpu_names_the_line_too(start_spell: StartSpell, language: str) -> None:
    source = {
        "lua": "while true do\n  for i = 1, 30000 do end\n  print('.')\nend",
        "javascript": "for (;;) {\n  console.log('.')\n  for (let i = 0; i < 3000; i++) {}\n}",
    }[language]
    outcome = await start_spell(language, source, limits=Limits(stall=5.0, cpu=0.3)).finish()
    error = outcome.exit.error
    assert isinstance(error, LimitError)
    assert "used 0.3 s of CPU" in str(error)
    assert error.source in ("spell.lua:2", "spell.lua:3", "spell.js:2", "spell.js:3")


@pytest.mark.parametrize("language", ["lua", "javascript"])
async def test_what_a_spell_still_says_after_its_limit_is_not_done(start_spell: StartSpell, language: str) -> None:
    source = {
        "lua": "pcall(function() while true do end end)\nprint('alive')\nreturn 'alive'",
        "javascript": "try { for (;;); } catch {} finally { console.log('alive') }\nconsole.log('alive'); return 'alive'",
    }[language]
    for way in ("worker", "in_process"):
        outcome = await start_spell(language, source, way=way, limits=LIMITS).finish()
        assert outcome.limit() == "cpu"
        assert outcome.printed == ""
        assert outcome.result is None
