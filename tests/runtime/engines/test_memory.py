"""A spell that needs more memory than it may ends, with the limit and the line, whatever it catches on the way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from llmspell.engines import sandbox
from llmspell.engines.transport import Limits

if TYPE_CHECKING:
    from conftest import StartSpell, Way

pytestmark = pytest.mark.skipif(not sandbox.support().worker, reason="spells have no processes here")

LIMITS: Final = Limits(stall=20.0, memory_mb=40)


@dataclass(frozen=True)
class Hungry:
    """HERE marks the line of the verdict: in Lua, where a failure is caught, that of the pcall."""

    name: str
    source: str

    @property
    def language(self) -> str:
        return "lua" if "-- HERE" in self.source else "javascript"

    @property
    def site(self) -> str:
        lines = self.source.split("\n")
        number = next(number for number, text in enumerate(lines, 1) if "HERE" in text)
        return f"{'spell.lua' if self.language == 'lua' else 'spell.js'}:{number}"


CASES = [
    Hungry("tables", "local t = {}\nwhile true do\n  t[#t + 1] = {} -- HERE\nend"),
    Hungry("caught at once", "local t = {}\nlocal function more() while true do t[#t + 1] = {} end end\nwhile true do pcall(more) end -- HERE"),
    Hungry("one string, caught", "\nlocal ok, e = pcall(function() return ('x'):rep(1 << 30) end) -- HERE\nprint('went on')"),
    Hungry("objects", "const a = [];\nfor (;;) a.push({}); // HERE"),
    Hungry("a loop without a call", "let a = null;\nfor (;;) a = { a } // HERE"),
    Hungry("in a function", "const a = [];\nfunction more() {\n  for (;;) a.push([1]) // HERE\n}\nmore()"),
    Hungry("caught at once", "const a = [];\nfor (;;) try { a.push({}) } catch { console.log('went on') } // HERE"),
    Hungry("caught and given back", "for (;;) try { let a = null; for (;;) a = { a } } catch { console.log('went on') } // HERE"),
    Hungry("one array, caught", "let a;\ntry {\n  a = new Array(3e7).fill(1) // HERE\n} catch (e) { console.log('went on') }"),
    Hungry("arrays, caught", "const a = [];\nfor (;;) try { a.push(new Array(9999).fill(1)) } catch { console.log('went on') } // HERE"),
    Hungry("one array, between two looks", "const a = new Array(3.5e6).fill(1);\nconsole.log('went on') // HERE"),
    Hungry("one text, caught", "try {\n  'é€'.repeat(2e8) // HERE\n} catch { console.log('went on') }"),
    Hungry("JSON.parse, caught", "const t = '[' + '{},'.repeat(1000000) + '1]';\ntry {\n  JSON.parse(t) // HERE\n} catch { console.log('went on') }"),
    Hungry("caught by an async function",
           "const f = async () => { await null; const a = []; try {\n  for (;;) a.push({}) // HERE\n"
           "} catch { console.log('went on') } finally { console.log('went on') } };\nawait f()"),
    Hungry("caught by a promise", "await new Promise(() => { const a = [];\n  for (;;) a.push({}) // HERE\n}).catch(() => console.log('went on'))"),
    Hungry("in the background", "(async () => { await Async.sleep(1); const a = [];\n  for (;;) a.push({}) // HERE\n})().catch(() => {});\nawait Async.sleep(100000)"),
    Hungry("microtasks", "const a = [];\nconst f = () => { a.push([1, 2, 3].concat(a.length)); queueMicrotask(f) } // HERE\nf(); await new Promise(() => {})"),
]  # fmt: skip


@pytest.mark.mission(139)
@pytest.mark.parametrize("way", ["worker", "in_process"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.language}: {case.name}")
async def test_lack_of_memory_ends_the_spell_with_its_line(case: Hungry, way: Way, start_spell: StartSpell) -> None:
    outcome = await asyncio.wait_for(start_spell(case.language, case.source, way=way, limits=LIMITS).finish(), 60)
    assert outcome.exit.error is None
    assert outcome.error is not None
    assert outcome.error["message"] == "the spell needs more than its 40 MB of memory"
    assert (outcome.error["type"], outcome.error["data"]) == ("limit", {"limit": "memory"})
    assert outcome.error["source"] == case.site
    assert "memory limit" in outcome.error["hint"]
    assert outcome.printed == ""
    assert outcome.frames[-1][0] == "fail"


async def test_what_only_waits_to_be_collected_is_no_lack(start_spell: StartSpell) -> None:
    """200 MB in rings of objects, 2 MB of them alive at a time."""
    source = """
      const alive = new Array(1e5).fill(0).map((_, i) => ({ i }));
      for (let i = 0; i < 100; i++) { const ring = []; ring.push(ring); for (let j = 0; j < 20000; j++) ring.push({ ring }) }
      return alive.length"""
    assert (await start_spell("javascript", source, limits=LIMITS).finish()).value() == 100_000
