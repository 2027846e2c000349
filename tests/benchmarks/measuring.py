"""Runs a program and measures it from outside: wall time, CPU of every process it started, memory of them all.

CPU is read from the kernel's own process clocks and from what `wait4` tells of the dead; orphans come to this process
(it is a subreaper), so nobody's work is lost. A program marks moments by printing lines. Knows no llmspell.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from resource import struct_rusage
from typing import IO, Final

_PR_SET_CHILD_SUBREAPER: Final = 36
#: Seconds after which a program counts as stuck.
_PATIENCE: Final = 120

#: Children that outlive measurements: servers.
_kept: set[int] = set()


@dataclass(frozen=True, slots=True)
class Mark:
    """A line that was printed. wall, cpu: seconds since the start, CPU of the whole tree of processes."""

    line: str
    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A program from start to exit. cpu: seconds, of all its processes. peak_mb: of the largest of them."""

    wall: float
    cpu: float
    peak_mb: float
    status: int
    marks: tuple[Mark, ...]

    @property
    def lines(self) -> list[str]:
        return [mark.line for mark in self.marks]

    def at(self, line: str) -> Mark:
        return next(mark for mark in self.marks if mark.line == line)

    def between(self, start: str, end: str, settled: str = "") -> tuple[float, float]:
        """Seconds of wall and of CPU from one line to another. settled: the line up to which CPU counts, when what was
        asked for before `end` is still being done (a trace being written)."""
        return self.at(end).wall - self.at(start).wall, self.at(settled or end).cpu - self.at(start).cpu


def become_subreaper() -> None:
    """Orphaned grandchildren become children of this process. Linux only."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot become a subreaper")


def measure(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, fails: bool = False
) -> Measured:
    """Runs a program to its end. Raises RuntimeError where it fails, unless it is to."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    marks: list[Mark] = []
    stuck = threading.Timer(_PATIENCE, process.kill)
    stuck.start()
    for raw in process.stdout:
        wall = time.perf_counter() - start
        marks.append(Mark(raw.decode("utf-8", "replace").rstrip("\n"), wall, tree_cpu(process.pid)))
    stuck.cancel()
    said = process.stderr.read().decode("utf-8", "replace")
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss
    for orphan in _reap_orphans():
        cpu += orphan.ru_utime + orphan.ru_stime
    _close(process.stdout, process.stderr)
    if process.returncode != 0 and not fails:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said.strip()[-2000:]}")
    return Measured(wall, cpu, peak / 1024, process.returncode, tuple(marks))


@contextmanager
def running(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    ready: Callable[[str], bool] = bool,
    keep: bool = False,
) -> Iterator[tuple[int, str]]:
    """A program from the first line that is `ready` on, stopped at the end: its process id and that line.

    keep: other measurements happen meanwhile and must not wait for it.
    """
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    if keep:
        _kept.add(process.pid)
    try:
        line = next((text for raw in process.stdout if ready(text := raw.decode().strip())), None)
        if line is None:
            said = process.stderr.read().decode("utf-8", "replace").strip()
            raise RuntimeError(f"{' '.join(command)} ended with {process.wait()} before it was ready: {said}")
        yield process.pid, line
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _kept.discard(process.pid)
        _close(process.stdout, process.stderr)
        if not keep:
            list(_reap_orphans())


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                found += tree(int(child))
    except OSError:
        pass  # it has ended meanwhile
    return found


def cpu_clock(pid: int) -> int:
    """The clock of a process's CPU time, for `time.clock_gettime` (the encoding is Linux's, of clock_getcpuclockid)."""
    return (~pid << 3) | 2


def tree_cpu(pid: int) -> float:
    """Seconds of CPU that a process and all living ones below it have used."""
    used = 0.0
    for each in tree(pid):
        try:
            used += time.clock_gettime(cpu_clock(each))
        except OSError:
            continue
    return used


def rss_mb(pid: int) -> float:
    """Resident memory of one process."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") / 1024


def tree_pss_mb(pid: int) -> float:
    """Memory of a process and all below it, each shared page counted once."""
    return sum(_kilobytes(Path(f"/proc/{each}/smaps_rollup"), "Pss:") for each in tree(pid)) / 1024


def machine_busy() -> tuple[float, float]:
    """Seconds of CPU that the machine has given to anybody, and that it has had, since it was started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    ticks = os.sysconf("SC_CLK_TCK")
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / ticks, sum(fields) / ticks


def _kilobytes(file: Path, name: str) -> float:
    for line in file.read_text().splitlines():
        if line.startswith(name):
            return float(line.split()[1])
    raise LookupError(f"{file} has no {name}")


def _reap_orphans() -> Iterator[struct_rusage]:
    """What the orphans used; waits for their end, which their parent's death has brought about."""
    deadline = time.monotonic() + 5
    while True:
        orphans = [pid for pid in tree(os.getpid())[1:] if pid not in _kept and _parent(pid) == os.getpid()]
        if not orphans:
            return
        for pid in orphans:
            try:
                done, _, used = os.wait4(pid, os.WNOHANG)
            except ChildProcessError:
                continue
            if done:
                yield used
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes {orphans} outlived the program that started them")
        time.sleep(0.002)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def _close(*files: IO[bytes]) -> None:
    for file in files:
        file.close()
