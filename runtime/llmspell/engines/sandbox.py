"""What a worker gives up before it runs a spell, and whether this machine can take it away.

`enter` is called once, in a freshly forked process that has one socket and no secrets, and cannot be undone. It
knows no engine. Linux only: elsewhere `support` says what is lacking and spells run in the host's process.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Final, NamedTuple

from llmspell.engines import seccomp

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_SIGKILL: Final = 9
_EFAULT: Final = 14

_MEGABYTE: Final = 1024 * 1024
#: Address space beyond the engine's heap: frames being encoded, Python's own objects, allocator slack.
_HEADROOM_MB: Final = 96


class _FilterProgram(ctypes.Structure):  # struct sock_fprog
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


# Loaded here, before any fork: a worker can open no library.
_libc: Final = ctypes.CDLL(None, use_errno=True)


class Support(NamedTuple):
    """Whether spells can have workers here. `missing` names, for a person, each protection that is lacking."""

    worker: bool
    missing: tuple[str, ...]


def support() -> Support:
    """What this machine can do. Cheap (a few system calls), changes nothing."""
    if not sys.platform.startswith("linux"):
        return Support(False, ("a process of its own for each spell (needs Linux)",))
    if not hasattr(os, "pidfd_open") or not _has_pidfd():
        return Support(False, ("a process of its own for each spell (needs Linux 5.3 or newer)",))
    missing: list[str] = []
    if os.uname().machine not in seccomp.TABLES:
        missing.append(f"the system call filter (there is no table for {os.uname().machine})")
    elif not _has_seccomp():
        missing.append("the system call filter (this kernel or container has no seccomp)")
    return Support(True, tuple(missing))


def enter(channel: int, parent: int, memory_mb: int, cpu_seconds: int | None) -> None:
    """Makes this process a worker: it dies with `parent`, keeps only the descriptor `channel`, and can do nothing
    but compute and talk over it.

    memory_mb: the engine's heap; the address space gets as much on top as converting values takes.
    cpu_seconds: when the kernel ends it by SIGXCPU; the host's watchdog is earlier and says more.
    Raises OSError when a protection that this machine has cannot be put on; the caller must then not go on.
    """
    die_with(parent)
    _prefer_for_oom()
    space = _address_space() + (memory_mb + memory_mb // 2 + _HEADROOM_MB) * _MEGABYTE
    os.closerange(0, channel)
    os.closerange(channel + 1, highest_descriptor())
    for limit, value in (
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    if cpu_seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    machine = os.uname().machine
    if machine in seccomp.TABLES and _has_seccomp():
        _filter(seccomp.program(machine, os.getpid()))


def die_with(parent: int) -> None:
    """The kernel kills this process when `parent` (strictly: its thread that forked us) ends, however it ends."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:  # it died before the line above: no signal will come
        os._exit(0)


def name_process(name: str) -> None:
    """What `ps` shows as the command, up to 15 characters."""
    _libc.prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    if _libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")


def _filter(program: bytes) -> None:
    header = _FilterProgram(len(program) // 8, program)
    mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    if _libc.prctl(_PR_SET_SECCOMP, mode, ctypes.byref(header), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def _has_seccomp() -> bool:
    """A filter at address 0 is EFAULT where filters exist, EINVAL where they do not."""
    zero = ctypes.c_ulong(0)
    _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), zero, zero, zero)
    return ctypes.get_errno() == _EFAULT


def _has_pidfd() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def _prefer_for_oom() -> None:
    """Out of memory, the kernel should end a worker and not its host. Asking for it needs no privilege."""
    try:
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:
        return
    try:
        os.write(descriptor, b"800")
    except OSError:
        return
    finally:
        os.close(descriptor)


def _address_space() -> int:
    """Bytes mapped so far: what the zygote had before the spell asked for anything."""
    descriptor = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        return int(os.read(descriptor, 64).split()[0]) * resource.getpagesize()
    finally:
        os.close(descriptor)


def highest_descriptor() -> int:
    """One more than the largest descriptor this process can have."""
    return min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 1 << 20)
