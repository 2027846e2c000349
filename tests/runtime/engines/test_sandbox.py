"""Nothing leaves the sandbox, even with full control of the process inside it."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from llmspell.engines import sandbox, seccomp

PROBE = Path(__file__).with_name("sandbox_probe.py")
DEADLY = {
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "the x32 table",
}
OTHERS = {"2 GB of memory": "MemoryError", "ordinary work": "done"}


@pytest.mark.mission(139)
@pytest.mark.skipif(sandbox.support().missing != (), reason="this machine lacks the sandbox")
def test_every_way_out_is_refused_and_work_goes_on() -> None:
    probe = subprocess.run([sys.executable, PROBE], capture_output=True, text=True, timeout=60, check=True)
    outcome: dict[str, str] = json.loads(probe.stdout)
    expected = {name: OTHERS.get(name, "SIGSYS" if name in DEADLY else "EPERM") for name in outcome}
    assert outcome == expected
    assert len(outcome) > 60


def run_filter(program: bytes, number: int, machine: int, args: tuple[int, ...] = (0, 0, 0, 0, 0, 0)) -> int:
    """What the kernel would answer: the few instructions of classic BPF that the program uses."""
    data = struct.pack("<iIQ6Q", number, machine, 0, *args)
    lines = list(struct.iter_unpack("<HBBI", program))
    position, accumulator = 0, 0
    while True:
        code, jump_if, jump_else, operand = lines[position]
        position += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, operand)
            case 0x15:
                position += jump_if if accumulator == operand else jump_else
            case 0x35:
                position += jump_if if accumulator >= operand else jump_else
            case 0x45:
                position += jump_if if accumulator & operand else jump_else
            case 0x06:
                return operand
            case _:
                raise AssertionError(f"instruction {code:#x}")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_allows_its_table_and_nothing_else(machine: str) -> None:
    table = seccomp.TABLES[machine]
    program = seccomp.program(machine, pid=4711)
    allowed = set(table.allowed.values()) | {table.mmap, table.mprotect}
    for number in range(600):
        verdict = run_filter(program, number, table.audit)
        if number in allowed:
            assert verdict == seccomp.ALLOW
        elif number in table.deadly.values():
            assert verdict == seccomp.KILL
        else:
            assert verdict == seccomp.REFUSE


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_looks_at_arguments_and_machine(machine: str) -> None:
    table = seccomp.TABLES[machine]
    program = seccomp.program(machine, pid=4711)

    def verdict(number: int, *args: int) -> int:
        return run_filter(program, number, table.audit, (*args, 0, 0, 0, 0, 0, 0)[:6])

    read_write, execute = 3, 4
    for number in (table.mmap, table.mprotect):
        assert verdict(number, 0, 4096, read_write) == seccomp.ALLOW
        assert verdict(number, 0, 4096, read_write | execute) == seccomp.REFUSE
    assert verdict(table.tgkill, 4711, 4711, 6) == seccomp.ALLOW
    assert verdict(table.tgkill, 4711, 4711, 9) == seccomp.REFUSE
    assert verdict(table.tgkill, 1, 1, 6) == seccomp.REFUSE
    for other in (0x40000003, 0xC000003E if machine == "aarch64" else 0xC00000B7):  # 32 bits; the other machine
        assert run_filter(program, table.allowed["getpid"], other) == seccomp.KILL


def test_support_names_what_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sandbox.support().worker
    fields = list(os.uname())
    monkeypatch.setattr(os, "uname", lambda: os.uname_result([*fields[:4], "riscv64"]))
    assert sandbox.support().missing == ("the system call filter (there is no table for riscv64)",)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not sandbox.support().worker
