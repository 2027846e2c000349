"""kill -9 of worker, zygote or host while `llmspell run` works: no orphan, no damaged store, a trace that can be read."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

from llmspell.engines import sandbox
from llmspell.traces.reader import RunFile
from llmspell.traces.runs import Runs

pytestmark = pytest.mark.skipif(not sandbox.support().worker, reason="spells have no processes here")

Victim = Literal["worker", "zygote", "host"]
VICTIMS: tuple[Victim, ...] = ("worker", "zygote", "host")
ROUNDS = [2, pytest.param(67, marks=pytest.mark.soak)]
SPELLS = {
    "spell.lua": """
      local agent = Agent.new{ name = "a", tools = { Calculator.new() } }
      for i = 1, 1e9 do print("line", i) agent:chat("What is " .. i .. " + 1?") Cache.set("k" .. i % 10, i) end""",
    "spell.js": """
      const agent = new Agent({ name: "a", tools: [new Calculator()] });
      for (let i = 1; ; i++) { console.log("line\\t" + i); await agent.chat(`What is ${i} + 1?`); await Cache.set("k" + i % 10, i); }""",
}


def below(process: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def processes_in(folder: Path) -> list[int]:
    """Every living process that runs in a folder: host, zygote and worker of a run."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                state = (process / "stat").read_text().rpartition(") ")[2][:1]
                found += [int(process.name)] if state not in "ZX" else []
        except OSError:  # it has just ended
            continue
    return found


def strike(victim: Victim, host: int) -> bool:
    """Whether there was one to kill."""
    zygotes = below(host)
    workers = [worker for zygote in zygotes for worker in below(zygote)]
    chosen = {"worker": workers, "zygote": zygotes, "host": [host]}[victim]
    for pid in chosen[:1]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True
    return False


def sound(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("victim", VICTIMS)
def test_whoever_is_killed(tmp_path: Path, victim: Victim, rounds: int) -> None:
    chance = random.Random(f"{victim} {rounds}")
    (tmp_path / "llmspell.toml").touch()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "LLMSPELL_DEFAULT_MODEL": "offline/automatic",
    }
    struck = 0
    for number in range(rounds):
        name = list(SPELLS)[number % 2]
        (tmp_path / name).write_text(SPELLS[name])
        before = {meta.id for meta in Runs(tmp_path / ".llmspell").list()}
        with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
            running = subprocess.Popen(
                [sys.executable, "-m", "llmspell", "run", name], cwd=tmp_path, env=environ, stdout=out, stderr=err
            )
            if number % 4:  # in full work; else at any moment of its start
                while not (tmp_path / "out").stat().st_size and running.poll() is None:
                    time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.2))
            while not strike(victim, running.pid) and running.poll() is None:
                time.sleep(0.002)
            struck += 1
            code = running.wait(30)
        deadline = time.monotonic() + 10
        while processes_in(tmp_path):
            assert time.monotonic() < deadline, "an orphan"
            time.sleep(0.005)
        assert "Traceback" not in (tmp_path / "err").read_text()
        assert code == (-signal.SIGKILL if victim == "host" else 1)
        examine(tmp_path, before, victim)
    assert struck == rounds


def examine(folder: Path, before: set[str], victim: Victim) -> None:
    """The run that was struck, if it came so far as to be stored, and everything stored before it."""
    runs = Runs(folder / ".llmspell")
    new = [meta for meta in runs.list() if meta.id not in before]
    if victim != "host":
        assert len(new) == 1
    for path in (folder / ".llmspell").rglob("*.db"):
        sound(path)
    printed = (folder / "out").read_text().splitlines()
    for meta in new:
        with RunFile(runs.path(meta.id)) as file:
            events = list(file.events())
            found = file.meta()
        assert meta.status == found.current_status == ("lost" if victim == "host" else "error")
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        told = [event.data["text"].rstrip("\n") for event in events if event.kind == "output"]
        assert told == printed[: len(told)]
        if victim != "host":
            assert len(told) == len(printed)
            assert events[-1].kind == "spell_completed"
        elif len(printed) > 400:  # so many lines are more than what gathers between two commits
            assert told
