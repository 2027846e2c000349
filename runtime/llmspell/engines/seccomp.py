"""The system calls a worker may still make, as a classic BPF program for seccomp. Pure: it installs nothing.

A worker computes, talks over one connected socket and gives memory back; that is about thirty calls. Everything
else is refused with EPERM, which no engine minds, and the few calls that only an attack would make kill the worker
at once, so that the person learns of it. Numbers are those of the kernel's tables for x86_64 and aarch64.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

_INSTRUCTION: Final = struct.Struct("<HBBI")  # struct sock_filter: code, jump if true, jump if false, operand

# Classic BPF, linux/filter.h: what the program needs of it.
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K

ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050000 | 1  # SECCOMP_RET_ERRNO, EPERM
KILL: Final = 0x80000000  # SECCOMP_RET_KILL_PROCESS

# Offsets into struct seccomp_data; the low halves of the arguments, both machines being little-endian.
_NUMBER: Final = 0
_MACHINE: Final = 4
_FIRST: Final = 16
_THIRD: Final = 32

_PROT_EXEC: Final = 4
_SIGABRT: Final = 6
_X32: Final = 0x40000000  # x86_64's second table: the same machine word, other numbers


class Table(NamedTuple):
    """One machine's numbers. `audit` is its AUDIT_ARCH value."""

    audit: int
    allowed: dict[str, int]
    deadly: dict[str, int]
    mmap: int
    mprotect: int
    tgkill: int


TABLES: Final[dict[str, Table]] = {
    "x86_64": Table(
        audit=0xC000003E,
        allowed={
            # the channel
            "recvfrom": 45,
            "sendto": 44,
            "close": 3,
            # memory (mmap and mprotect: never executable)
            "munmap": 11,
            "mremap": 25,
            "brk": 12,
            "madvise": 28,
            # time and chance
            "clock_gettime": 228,
            "clock_getres": 229,
            "gettimeofday": 96,
            "time": 201,
            "times": 100,
            "getrusage": 98,
            "getrandom": 318,
            # the C library's own housekeeping
            "futex": 202,
            "sched_yield": 24,
            "getpid": 39,
            "gettid": 186,
            "rt_sigaction": 13,
            "rt_sigprocmask": 14,
            "rt_sigreturn": 15,
            "sigaltstack": 131,
            "restart_syscall": 219,
            "exit": 60,
            "exit_group": 231,
        },
        deadly={
            "execve": 59,
            "execveat": 322,
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "bpf": 321,
            "perf_event_open": 298,
            "userfaultfd": 323,
            "io_uring_setup": 425,
        },
        mmap=9,
        mprotect=10,
        tgkill=234,
    ),
    "aarch64": Table(
        audit=0xC00000B7,
        allowed={
            "recvfrom": 207,
            "sendto": 206,
            "close": 57,
            "munmap": 215,
            "mremap": 216,
            "brk": 214,
            "madvise": 233,
            "clock_gettime": 113,
            "clock_getres": 114,
            "gettimeofday": 169,
            "times": 153,
            "getrusage": 165,
            "getrandom": 278,
            "futex": 98,
            "sched_yield": 124,
            "getpid": 172,
            "gettid": 178,
            "rt_sigaction": 134,
            "rt_sigprocmask": 135,
            "rt_sigreturn": 139,
            "sigaltstack": 132,
            "restart_syscall": 128,
            "exit": 93,
            "exit_group": 94,
        },
        deadly={
            "execve": 221,
            "execveat": 281,
            "ptrace": 117,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "bpf": 280,
            "perf_event_open": 241,
            "userfaultfd": 282,
            "io_uring_setup": 425,
        },
        mmap=222,
        mprotect=226,
        tgkill=131,
    ),
}


def program(machine: str, pid: int) -> bytes:
    """The filter of the worker `pid` on `machine` (a key of `TABLES`), as an array of struct sock_filter.

    Each rule is self-contained, "this number? then that verdict", so no jump leaves its rule.
    """
    table = TABLES[machine]
    lines: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, table.audit),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        lines += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, KILL)]
    for number in table.allowed.values():
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, ALLOW)]
    for number in (table.mmap, table.mprotect):
        lines += [
            (_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, _THIRD),
            (_ANY_BIT, 0, 1, _PROT_EXEC),
            (_RETURN, 0, 0, REFUSE),
            (_RETURN, 0, 0, ALLOW),
        ]
    # abort() may end the worker itself, so that a crash says SIGABRT; no other signal and no other process
    lines += [
        (_EQUAL, 0, 6, table.tgkill),
        (_LOAD, 0, 0, _FIRST),
        (_EQUAL, 0, 3, pid),
        (_LOAD, 0, 0, _THIRD),
        (_EQUAL, 0, 1, _SIGABRT),
        (_RETURN, 0, 0, ALLOW),
        (_RETURN, 0, 0, REFUSE),
    ]
    for number in table.deadly.values():
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, KILL)]
    lines.append((_RETURN, 0, 0, REFUSE))
    return b"".join(_INSTRUCTION.pack(*line) for line in lines)
