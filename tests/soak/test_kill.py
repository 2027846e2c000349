"""kill -9 of worker, zygote and host at random moments: no orphan, no descriptor lost, one clear error."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from llmspell.engines import protocol, sandbox
from llmspell.engines.process import WorkerProcess, Zygote
from llmspell.engines.protocol import Frame
from llmspell.engines.transport import Exit

pytestmark = pytest.mark.skipif(not sandbox.support().worker, reason="spells have no processes here")

HOST = Path(__file__).with_name("killed_host.py")
ROUNDS = [4, pytest.param(200, marks=pytest.mark.soak)]
#: The only endings that a spell may report when something of ours was killed under it.
CLEAR = (
    "the spell was killed from outside (signal 9)",
    "the spell was stopped: the process that its engine lives under has ended",
)


@pytest.fixture
def binding(tmp_path: Path) -> str:
    path = tmp_path / "bindings.json"
    path.write_text('{"classes": [], "errors": []}')
    return str(path)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return False
    return state not in "ZX"


async def gone(pids: list[int]) -> None:
    async with asyncio.timeout(10):
        while any(alive(pid) for pid in pids):
            await asyncio.sleep(0.005)


def kill(pid: int | None) -> None:
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def spell(zygote: Zygote, source: str, *, answer: bool) -> tuple[WorkerProcess, list[Frame]]:
    """answer: whether its calls are answered, at once."""
    frames: list[Frame] = []

    def on_frame(frame: Frame) -> None:
        frames.append(frame)
        if answer and frame[0] == "call":
            worker.send(protocol.encode(["ret", frame[1], True, None]))

    worker = zygote.worker("lua", on_frame)
    start = {"language": "lua", "label": "spell.lua", "source": source, "module": False, "params": {}, "config": {}}
    start |= {"env": {}, "globals": {}, "seed": 1, "clock": None, "memory_mb": 64}
    worker.send(protocol.encode(["run", start]))
    return worker, frames


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("victim", ["worker", "zygote"])
async def test_workers_and_zygotes_may_be_killed_at_any_moment(victim: str, rounds: int, binding: str) -> None:
    chance = random.Random(rounds)
    zygote = Zygote.spawn(("lua",), binding=binding)
    try:
        before = descriptors()
        for _ in range(rounds):
            # one asks all the time, one computes, one waits
            spells = [
                spell(zygote, "while true do Async.sleep(0) end", answer=True)[0],
                spell(zygote, "while true do end", answer=True)[0],
                spell(zygote, "Async.sleep(0)", answer=False)[0],
            ]
            await asyncio.sleep(chance.uniform(0, 0.03))
            pids = [worker.pid for worker in spells if worker.pid is not None]
            if victim == "zygote":
                pids.append(zygote.pid or 0)
                kill(zygote.pid)
            else:
                kill(chance.choice(pids) if pids else None)
                for worker in spells:
                    if worker.pid is None or alive(worker.pid):
                        worker.kill()
            ends: list[Exit] = await asyncio.gather(*(worker.exit for worker in spells))
            for end in ends:
                assert str(end.error).startswith((*CLEAR, "the spell was cancelled"))
            await gone(pids)
            worker, frames = spell(zygote, "return 'well'", answer=True)
            assert (await worker.exit).error is None
            assert frames[-1] == ["done", "well"]
            # "at most": what earlier tests left for the garbage collector may go meanwhile
            assert descriptors() <= before
    finally:
        zygote.close()


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_a_host_may_be_killed_at_any_moment(rounds: int, binding: str) -> None:
    chance = random.Random(rounds)
    for number in range(rounds):
        host = await asyncio.create_subprocess_exec(sys.executable, HOST, binding, stdout=subprocess.PIPE)
        assert host.stdout is not None
        try:
            if number % 2:  # in full conversation
                pids = [int(word) for word in (await asyncio.wait_for(host.stdout.readline(), 30)).split()]
                assert set(pids) <= set(processes_of(binding))
            await asyncio.sleep(chance.uniform(0, 0.2))  # else: at any moment of its start
        finally:
            host.kill()
            await host.wait()
        async with asyncio.timeout(10):
            while processes_of(binding):
                await asyncio.sleep(0.005)


def processes_of(binding: str) -> list[int]:
    """Every living process that was started with this file: hosts, zygotes and, forked from them, workers."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if binding.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:  # it has just ended
            continue
    return found
