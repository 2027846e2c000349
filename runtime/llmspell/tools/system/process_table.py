"""The system's processes, as /proc tells of them, and which of them a run has started. Linux only. Blocks.

A command of a run lives under a supervisor (`supervisor.py`), a child of this process. What lies below it belongs to
the run, the supervisor itself does not. Which supervisors are a run's, whoever asks must know.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.frozen import frozen

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_STATES: Final = {
    "R": "running",
    "S": "sleeping",
    "D": "waiting for a disk",
    "T": "stopped",
    "t": "stopped",
    "Z": "ended",
    "I": "idle",
}
_SIGNALS: Final = {"term": signal.SIGTERM, "int": signal.SIGINT, "kill": signal.SIGKILL, "hup": signal.SIGHUP}


@frozen
class Entry:
    """One process. began: ticks since the machine started: with the number it names a process for good."""

    pid: int
    parent: int
    name: str
    state: str
    cpu: float
    memory: int
    threads: int
    began: int


def all_of() -> list[Entry]:
    """Every process that can be seen."""
    found: list[Entry] = []
    with os.scandir("/proc") as folders:
        for folder in folders:
            if folder.name.isdigit() and (entry := _read(int(folder.name))) is not None:
                found.append(entry)
    return sorted(found, key=lambda entry: entry.pid)


def started_by(supervisors: frozenset[int], table: list[Entry]) -> list[Entry]:
    """The processes below these children of this process."""
    children: dict[int, list[Entry]] = {}
    for entry in table:
        children.setdefault(entry.parent, []).append(entry)
    found: list[Entry] = []
    todo = [child.pid for child in children.get(os.getpid(), []) if child.pid in supervisors]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += [entry.pid for entry in below]
    return sorted(found, key=lambda entry: entry.pid)


def described(entry: Entry, *, own: bool) -> dict[str, Any]:
    """As the tool gives it. own: with its command line, which of others may hold secrets."""
    found = {
        "pid": entry.pid,
        "parent": entry.parent,
        "name": entry.name,
        "state": _STATES.get(entry.state, entry.state),
        "cpu_seconds": round(entry.cpu, 2),
        "memory_mb": round(entry.memory / 1_048_576, 1),
        "threads": entry.threads,
        "age_seconds": max(0.0, round(time.clock_gettime(time.CLOCK_BOOTTIME) - entry.began / _TICKS, 2)),
    }
    return {**found, "command": _words(entry.pid)} if own else found


def send(entry: Entry, name: str, supervisors: frozenset[int]) -> None:
    """Sends a signal to a process of the run. Raises ToolError where it is gone."""
    try:
        opened = os.pidfd_open(entry.pid)
    except OSError:
        raise _gone(entry.pid) from None
    try:
        # The number may be another's by now: it is the run's only if it still is after it was opened.
        if not any(
            found.began == entry.began and found.pid == entry.pid for found in started_by(supervisors, all_of())
        ):
            raise _gone(entry.pid)
        signal.pidfd_send_signal(opened, _SIGNALS[name])
    except ProcessLookupError:
        raise _gone(entry.pid) from None
    finally:
        os.close(opened)


def _gone(pid: int) -> ToolError:
    return ToolError(f"the process {pid} has ended", hint="list shows those that run")


def _read(pid: int) -> Entry | None:
    try:
        line = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:  # it has ended meanwhile
        return None
    before, _, after = line.rpartition(")")
    fields = after.split()
    return Entry(
        pid=pid,
        parent=int(fields[1]),
        name=before.partition("(")[2],
        state=fields[0],
        cpu=(int(fields[11]) + int(fields[12])) / _TICKS,
        memory=int(fields[21]) * _PAGE,
        threads=int(fields[17]),
        began=int(fields[19]),
    )


def _words(pid: int) -> list[str]:
    try:
        data = Path(f"/proc/{pid}/cmdline").read_bytes()[:10_000]
    except OSError:
        return []
    return [word.decode("utf-8", "replace") for word in data.split(b"\0")[:-1]]
