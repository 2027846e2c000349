"""However a run ends, the number of its events on the screen is that of the lines that `llmspell trace export` writes."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench, Terminal

#: It says which of its runs it is, sets state, and goes on as it is told.
LUA = """
for i = 1, 300 do State.set("k" .. i % 7, i) end
print("{0} is here")
{1}
"""
JS = """
for (let i = 1; i <= 300; i++) await State.set("k" + (i % 7), i);
console.log("{0} is here");
{1}
"""
WAYS = {
    "lua": {
        "waiting": "Async.sleep(600000)",
        "cancelled": "Async.sleep(600000)",
        "failed": 'error("too bad")',
        "flooding": 'for i = 1, 5000 do print("line " .. i) end print("flooding is over")',
        "killed": "Async.sleep(600000)",
    },
    "js": {
        "waiting": "await new Promise((done) => setTimeout(done, 600000));",
        "cancelled": "await new Promise((done) => setTimeout(done, 600000));",
        "failed": 'throw new Error("too bad");',
        "flooding": 'for (let i = 1; i <= 5000; i++) console.log("line " + i); console.log("flooding is over");',
        "killed": "await new Promise((done) => setTimeout(done, 600000));",
    },
}


@pytest.mark.mission(144, 160)
@pytest.mark.parametrize("language", ["lua", "js"])
def test_the_number_of_events_is_that_of_the_stored_run(bench: Bench, language: str) -> None:
    name, ways = f"spell.{language}", WAYS[language]

    def save(way: str) -> None:
        bench.write(name, {"lua": LUA, "js": JS}[language].replace("{0}", way).replace("{1}", ways[way]))

    save("waiting")
    terminal = bench.on_terminal("dev", name)
    terminal.until(says("running", "waiting is here"))
    alike(bench, terminal, 300)  # while it runs
    save("cancelled")
    terminal.until(says("running", "cancelled is here"))
    terminal.press("x")
    terminal.until(says("cancelled", "cancelled is here"))
    alike(bench, terminal, 300)
    save("failed")
    terminal.until(says("✗ error", "too bad"))
    alike(bench, terminal, 300)
    save("flooding")
    terminal.until(says("✓ ok", "flooding is over"))
    alike(bench, terminal, 5300)
    save("killed")
    terminal.until(says("running", "killed is here"))
    os.kill(bench.processes("llmspell host")[0], signal.SIGKILL)
    terminal.until(says("lost", "killed is here"))
    alike(bench, terminal, 300)
    terminal.press("q")
    assert terminal.ended() == 0
    bench.left_alone()


def says(status: str, printed: str) -> Callable[[str], bool]:
    return lambda seen: status in seen.splitlines()[0] and printed in seen


def alike(bench: Bench, terminal: Terminal, least: int) -> None:
    """The last run's events are as many on the screen as in its file."""
    stored = len(bench.llmspell("trace", "export", bench.runs()[-1].stem).splitlines())
    seen = terminal.until(f" {stored:,} events")
    found = re.search(r" ([\d,]+) events", seen.splitlines()[0])
    assert found is not None and int(found[1].replace(",", "")) == stored > least, seen
