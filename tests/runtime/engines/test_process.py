"""Workers and their zygote: how they start, what they inherit, and that nothing outlives whom it belongs to."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmspell.engines import protocol, sandbox
from llmspell.engines.process import Zygote
from llmspell.engines.transport import Limits
from llmspell.errors import CancelledByUser, LlmspellError, ScriptError

if TYPE_CHECKING:
    from conftest import StartSpell

pytestmark = pytest.mark.skipif(not sandbox.support().worker, reason="spells have no processes here")

#: Is in the middle of a conversation at any moment.
ASKING = "while true do Async.sleep(1) end"
#: Waits for an answer that does not come.
WAITING = "Async.sleep(3600000)"


def state(pid: int | None) -> str:
    """R running, S asleep, Z waited for, X gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return "X"


def alive(pid: int | None) -> bool:
    return state(pid) not in "ZX"


async def gone(*pids: int | None) -> None:
    async with asyncio.timeout(60):
        while any(alive(pid) for pid in pids):
            await asyncio.sleep(0.005)


async def test_a_spell_runs_and_its_worker_ends_in_order(start_spell: StartSpell) -> None:
    host = start_spell("lua", "print('hello') return 42")
    outcome = await host.finish()
    assert (outcome.value(), outcome.printed) == (42, "hello\n")
    assert outcome.exit.cpu > 0
    assert outcome.exit.peak_mb > 1
    assert not alive(host.transport.pid)
    assert host.transport.last_site == "spell.lua:1"


async def test_a_worker_has_one_descriptor_no_environment_and_every_lock_on(start_spell: StartSpell) -> None:
    os.environ["LLMSPELL_TEST_SECRET"] = "sk-secret"
    host = start_spell("lua", WAITING, limits=Limits(cpu=7.0))
    try:
        await host.first("call")
        proc = Path(f"/proc/{host.transport.pid}")
        assert len(list((proc / "fd").iterdir())) == 1
        assert [line.split("=")[0] for line in (proc / "environ").read_text().split("\0") if line] == ["TZ"]
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
        assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"]) == ("1", "2", "1")
        limits = {line[:26].strip(): line[26:].split()[:2] for line in (proc / "limits").read_text().splitlines()}
        for name in ("Max processes", "Max open files", "Max file size", "Max core file size"):
            assert limits[name] == ["0", "0"]
        assert limits["Max cpu time"] == ["9", "10"]
        assert limits["Max address space"][0] != "unlimited"
        assert b"sk-secret" not in (proc / "cmdline").read_bytes()
    finally:
        del os.environ["LLMSPELL_TEST_SECRET"]
        host.transport.kill()
        await host.finish()


async def test_a_killed_spell_ends_at_once_with_the_verdict_it_was_given(start_spell: StartSpell) -> None:
    hosts = [start_spell("lua", "while true do end") for _ in range(3)]
    hosts[0].transport.kill()  # before it was born
    await hosts[1].first("ready")
    hosts[1].transport.kill(LlmspellError("first"))
    hosts[1].transport.kill(LlmspellError("second"))
    await hosts[2].first("ready")
    hosts[2].transport.kill()
    first, second, third = [(await host.finish()).exit.error for host in hosts]
    assert isinstance(first, CancelledByUser)
    assert str(second) == "first"
    assert isinstance(third, CancelledByUser)
    await gone(*(host.transport.pid for host in hosts))


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
async def test_an_engine_that_crashes_is_one_clear_error(start_spell: StartSpell, number: signal.Signals) -> None:
    host = start_spell("lua", "\n" + WAITING)
    await host.first("call")
    assert host.transport.pid is not None
    os.kill(host.transport.pid, number)
    error = (await host.finish()).exit.error
    assert isinstance(error, ScriptError)
    assert error.type == "crash"
    assert str(error) == f"the engine crashed (signal {number}, {number.name}) (last seen at spell.lua:2)"


async def test_a_worker_killed_from_outside_says_so(start_spell: StartSpell) -> None:
    host = start_spell("lua", WAITING)
    await host.first("call")
    assert host.transport.pid is not None
    os.kill(host.transport.pid, signal.SIGKILL)
    assert "killed from outside" in str((await host.finish()).exit.error)


async def test_when_the_zygote_dies_its_spells_fail_clearly_and_the_next_gets_a_new_one(
    start_spell: StartSpell, zygote: Zygote
) -> None:
    hosts = [start_spell("lua", ASKING, zygote=zygote) for _ in range(3)]
    for host in hosts:
        await host.first("call")
    old = zygote.pid
    assert old is not None
    os.kill(old, signal.SIGKILL)
    for host in hosts:
        error = (await host.finish()).exit.error
        assert "the process that its engine lives under has ended" in str(error)
    await gone(old, *(host.transport.pid for host in hosts))
    assert (await start_spell("lua", "return 'again'", zygote=zygote).finish()).value() == "again"
    assert zygote.pid not in (None, old)


async def test_a_spell_asked_for_right_after_the_zygotes_death_runs(start_spell: StartSpell, zygote: Zygote) -> None:
    assert (await start_spell("lua", "return 1", zygote=zygote).finish()).value() == 1
    assert zygote.pid is not None
    os.kill(zygote.pid, signal.SIGKILL)
    await gone(zygote.pid)  # the loop has not been told yet: nothing read the control socket
    assert (await start_spell("lua", "return 2", zygote=zygote).finish()).value() == 2


async def test_closing_the_zygote_ends_everything(start_spell: StartSpell, zygote: Zygote) -> None:
    host = start_spell("lua", "while true do end", zygote=zygote)
    await host.first("ready")
    pids = (zygote.pid, host.transport.pid)
    zygote.close()
    assert [state(pid) for pid in pids] == ["X", "X"], "both are waited for"
    assert (await host.finish()).exit.error is not None


async def test_a_language_that_cannot_be_made_ready_is_one_error(start_spell: StartSpell, tmp_path: Path) -> None:
    zygote = Zygote.spawn(("lua",), binding=str(tmp_path / "absent.json"))
    try:
        error = (await start_spell("lua", "return 1", zygote=zygote).finish()).exit.error
        assert "absent.json" in str(error)
        error = (await start_spell("cobol", "STOP RUN.", zygote=zygote).finish()).exit.error
        assert error is not None
        assert "could not start" in str(error)
    finally:
        zygote.close()


async def test_a_worker_that_does_not_read_shows_as_bytes_that_wait(start_spell: StartSpell) -> None:
    host = start_spell("lua", "while true do end", limits=Limits(stall=2.0))
    await host.first("ready")
    frame = protocol.encode(["release", [[1, 1]] * 100])
    for _ in range(2000):
        host.transport.send(frame)
    assert host.transport.buffered > 0
    host.transport.kill()
    await host.finish()


async def test_a_host_that_does_not_read_makes_the_worker_wait(start_spell: StartSpell) -> None:
    host = start_spell("lua", "for i = 1, 20000 do print('line') end return 'all'")
    await host.first("tell")
    host.transport.pause_reading()
    assert host.transport.pid is not None
    async with asyncio.timeout(20):
        while state(host.transport.pid) != "S":
            await asyncio.sleep(0.005)
    assert not host.transport.exit.done()
    host.transport.resume_reading()
    outcome = await host.finish()
    assert outcome.value() == "all"
    assert outcome.printed == "line\n" * 20000


async def test_an_error_in_the_hosts_own_handler_ends_the_spell(start_spell: StartSpell) -> None:
    def broken(_: str) -> None:
        raise ZeroDivisionError("ours")

    host = start_spell("lua", "print('x') while true do end", on_print=broken)
    error = (await host.finish()).exit.error
    assert str(error) == "internal error: ZeroDivisionError: ours"
    assert error is not None
    assert error.source == "spell.lua:1"


@pytest.mark.usefixtures("unblocked")
async def test_the_hosts_loop_is_never_blocked(start_spell: StartSpell, zygote: Zygote) -> None:
    hosts = [start_spell("lua", source, zygote=zygote, limits=Limits(stall=0.3)) for source in (ASKING, WAITING)]
    hosts.append(start_spell("lua", "while true do end", zygote=zygote, limits=Limits(stall=0.3)))
    assert (await hosts[2].finish()).limit() == "cpu"
    hosts[0].transport.kill()
    await hosts[0].finish()
    zygote.close()
    assert (await hosts[1].finish()).exit.error is not None


async def test_two_hundred_spells_at_once(start_spell: StartSpell) -> None:
    hosts = [start_spell("lua", f"Async.sleep(1) return {number}") for number in range(200)]
    outcomes = await asyncio.gather(*(host.finish() for host in hosts))
    assert [outcome.value() for outcome in outcomes] == list(range(200))


HOST = """
import asyncio, os, sys
from llmspell.engines.launch import launch
launched = launch(("lua",), binding=sys.argv[1])
from llmspell.engines import protocol
from llmspell.engines.process import Zygote
async def main():
    zygote = Zygote(launched, binding=sys.argv[1])
    def on_frame(frame):
        if frame[0] == "call":
            print(zygote.pid, worker.pid, flush=True)
    worker = zygote.worker("lua", on_frame)
    worker.send(protocol.encode(["run", {
        "language": "lua", "label": "spell.lua", "source": sys.argv[2], "module": False, "params": {}, "config": {},
        "env": {}, "globals": {}, "seed": 1, "clock": None, "memory_mb": 64}]))
    await worker.exit
asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_when_the_host_dies_nothing_is_left(number: signal.Signals, tmp_path: Path) -> None:
    binding = tmp_path / "bindings.json"
    binding.write_text('{"classes": [], "errors": []}')
    command = [sys.executable, "-c", HOST, str(binding), WAITING + " while true do end"]
    host = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert host.stdout is not None
    try:
        zygote, worker = map(int, (await asyncio.wait_for(host.stdout.readline(), 30)).split())
        assert alive(zygote)
        assert alive(worker)
        host.send_signal(number)
        await host.wait()
        await gone(zygote, worker)
    finally:
        if host.returncode is None:
            host.kill()
            await host.wait()


async def test_a_terminals_interrupt_reaches_the_host_alone(start_spell: StartSpell, zygote: Zygote) -> None:
    host = start_spell("lua", WAITING, zygote=zygote)
    await host.first("call")
    assert zygote.pid is not None
    assert host.transport.pid is not None
    for pid in (zygote.pid, host.transport.pid):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)
    assert (await start_spell("lua", "return 1", zygote=zygote).finish()).value() == 1
    assert alive(zygote.pid)
    assert not host.transport.exit.done()
    host.transport.kill()
    await host.finish()
