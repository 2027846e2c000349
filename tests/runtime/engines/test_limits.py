"""Limits: what each stops, what it is called, and what it leaves alone."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmspell.engines import sandbox
from llmspell.engines.transport import Limits
from llmspell.errors import LimitError

if TYPE_CHECKING:
    from conftest import StartSpell, Way

pytestmark = pytest.mark.skipif(not sandbox.support().worker, reason="spells have no processes here")


async def test_a_loop_is_stopped_by_its_own_cpu_and_named_with_its_line(start_spell: StartSpell) -> None:
    host = start_spell("lua", "local x = 1\nprint('here')\nwhile true do end", limits=Limits(stall=0.3))
    outcome = await host.finish()
    error = outcome.exit.error
    assert isinstance(error, LimitError)
    assert (error.limit, error.source, error.exit_code) == ("cpu", "spell.lua:3", 3)
    assert error.stack == ("spell.lua:3: in main chunk",)
    assert str(error) == "the spell was stopped: it computed for 0.3 s without a call"
    assert 0.3 <= outcome.exit.cpu < 1.0


async def test_calls_are_progress_and_total_cpu_still_counts(start_spell: StartSpell) -> None:
    source = "while true do for i = 1, 100000 do end print('.') end"
    outcome = await start_spell("lua", source, limits=Limits(stall=0.3, cpu=0.8)).finish()
    assert "used 0.8 s of CPU" in str(outcome.exit.error)
    assert 0.8 <= outcome.exit.cpu < 1.5


async def test_waiting_is_free(start_spell: StartSpell) -> None:
    limits = Limits(stall=0.2, cpu=0.2)
    outcome = await start_spell("lua", "Async.sleep(700) return 'rested'", limits=limits).finish()
    assert outcome.value() == "rested"


async def test_wall_time(start_spell: StartSpell) -> None:
    began = time.monotonic()
    outcome = await start_spell("lua", "Async.sleep(3600000)", limits=Limits(wall=0.3)).finish()
    assert isinstance(outcome.exit.error, LimitError)
    assert outcome.exit.error.limit == "wall"
    assert 0.3 <= time.monotonic() - began < 5


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far (proc(5): fields 14 and 15, in ticks)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_clocks_stand_still_while_paused(start_spell: StartSpell) -> None:
    host = start_spell("lua", "while true do end", limits=Limits(stall=0.2, cpu=0.3, wall=0.5))
    await host.first("ready")
    host.transport.pause_watchdog()
    host.transport.pause_watchdog()
    assert host.transport.pid is not None
    while cpu_seconds(host.transport.pid) < 0.5:  # well past its limits
        await asyncio.sleep(0.02)
    assert not host.transport.exit.done()
    host.transport.resume_watchdog()
    assert not host.transport.exit.done()
    host.transport.resume_watchdog()
    outcome = await host.finish()
    assert isinstance(outcome.exit.error, LimitError)
    assert outcome.exit.cpu > 0.4  # more than the limit: what it used meanwhile is forgiven


@pytest.mark.parametrize("language", ["lua", "javascript"])
async def test_memory(start_spell: StartSpell, language: str) -> None:
    source = {"lua": "local t = {} while true do t[#t + 1] = {} end", "javascript": "const a = []; for (;;) a.push({})"}
    outcome = await start_spell(language, source[language], limits=Limits(memory_mb=32)).finish()
    assert outcome.limit() == "memory", outcome.message()
    assert outcome.exit.peak_mb < 32 * 2 + 64


async def test_a_value_too_large_to_cross(start_spell: StartSpell) -> None:
    source = "print('small')\nprint(('x'):rep(200000))"
    outcome = await start_spell("lua", source, limits=Limits(frame_bytes=100_000)).finish()
    assert isinstance(outcome.exit.error, LimitError)
    assert outcome.exit.error.limit == "frame"
    assert outcome.printed == "small\n"


@pytest.mark.parametrize("way", ["worker", "in_process"])
async def test_a_spell_within_its_limits_is_the_same_either_way(start_spell: StartSpell, way: Way) -> None:
    source = "local sum = 0 for i = 1, 10 do Async.sleep(1) sum = sum + i end print(sum) return sum"
    outcome = await start_spell("lua", source, way=way).finish()
    assert (outcome.value(), outcome.printed) == (55, "55\n")


async def test_a_thread_inside_a_c_function_is_reported_and_left_behind(start_spell: StartSpell) -> None:
    source = "local none = {}\ntable.move(none, 1, 50000000, 2)"  # about a second
    error = (await start_spell("lua", source, way="in_process", limits=Limits(stall=0.1)).finish()).exit.error
    assert isinstance(error, LimitError)
    assert (error.limit, error.source) == ("cpu", "spell.lua:2")
