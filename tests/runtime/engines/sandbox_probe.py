"""Run as a program: a process with full control of Python that enters the sandbox and then tries to break out.

Each attempt has a child of its own. Prints a JSON map: attempt -> "EPERM" (or another error's name), "SIGSYS" (killed),
or "done" (it worked). Uses raw system calls, so that no library stands between the attempt and the kernel.
"""

import ctypes
import errno
import json
import mmap
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable

from llmspell.engines import sandbox

# x86_64, aarch64; None where the machine has no such call.
NUMBERS = {
    "open": (2, None),
    "openat": (257, 56),
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "accept": (43, 202),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "socketpair": (53, 199),
    "pipe2": (293, 59),
    "dup": (32, 23),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "kill": (62, 129),
    "tkill": (200, 130),
    "fork": (57, None),
    "vfork": (58, None),
    "clone": (56, 220),
    "clone3": (435, 435),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "prctl": (157, 167),
    "seccomp": (317, 277),
    "prlimit64": (302, 261),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "chroot": (161, 51),
    "shmget": (29, 194),
    "inotify_init1": (294, 26),
    "epoll_create1": (291, 20),
    "setuid": (105, 146),
    "setsid": (112, 157),
    "capset": (126, 91),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "clock_settime": (227, 112),
    "sched_setaffinity": (203, 122),
    "nanosleep": (35, 101),
    "init_module": (175, 105),
    "open_by_handle_at": (304, 265),
    "unlinkat": (263, 35),
    "renameat2": (316, 276),
    "personality": (135, 92),
    "getppid": (110, 173),
    "uname": (63, 160),
    "wait4": (61, 260),
    "rt_tgsigqueueinfo": (297, 240),
    "splice": (275, 76),
    "pkey_mprotect": (329, 288),
}

COLUMN = 0 if os.uname().machine == "x86_64" else 1
PARENT = os.getpid()
libc = ctypes.CDLL(None, use_errno=True)
PAGE = ctypes.create_string_buffer(4096)


def call(number: int, *args: int) -> str:
    if libc.syscall(ctypes.c_long(number), *(ctypes.c_long(arg) for arg in args)) == -1:
        return errno.errorcode[ctypes.get_errno()]
    return "done"


def arguments(name: str) -> tuple[int, ...]:
    """Such as would do harm, were the call let through; for the rest any will do."""
    path = ctypes.addressof(PAGE)
    ctypes.memmove(path, b"/etc/passwd\0", 12)
    match name:
        case "open" | "chroot":
            return (path, 0)
        case "openat":
            return (-100, path, 0)
        case "socket" | "socketpair":
            return (socket.AF_INET, socket.SOCK_STREAM, 0, path)
        case "kill" | "tkill" | "ptrace":
            return (PARENT, signal.SIGKILL) if name != "ptrace" else (16, PARENT)
        case "clone":
            return (signal.SIGCHLD, 0, 0, 0, 0)
        case "memfd_create":
            return (path, 0)
        case "prlimit64":
            return (PARENT, 7, 0, path + 64)
        case "prctl":
            return (1, 0, 0, 0, 0)  # no more death with the parent
        case "nanosleep":
            return (path + 512, 0)
        case _:
            return (0, 0, 0, 0, 0)


def by_number(name: str) -> Callable[[socket.socket], str]:
    number = NUMBERS[name][COLUMN]
    return lambda _: "EPERM" if number is None else call(number, *arguments(name))


def executable_memory(_: socket.socket) -> str:
    try:
        mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def make_executable(_: socket.socket) -> str:
    area = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    return "done" if libc.mprotect(ctypes.c_void_p(address), 4096, 5) == 0 else errno.errorcode[ctypes.get_errno()]


def signal_the_parent(_: socket.socket) -> str:
    return call((234, 131)[COLUMN], PARENT, PARENT, signal.SIGABRT)


def signal_itself(_: socket.socket) -> str:
    return call((234, 131)[COLUMN], os.getpid(), os.getpid(), signal.SIGUSR1)


def other_table(_: socket.socket) -> str:
    """x86_64 has a second table of numbers, which a filter can forget."""
    return call(0x40000000 + 41, 2, 1, 0) if COLUMN == 0 else "SIGSYS"


def spend_memory(_: socket.socket) -> str:
    try:
        bytearray(2 << 30)
    except MemoryError:
        return "MemoryError"
    return "done"


def work(channel: socket.socket) -> str:
    """What an engine does: it must all go on working."""
    blocks = [bytearray(1 << 20) for _ in range(20)]
    del blocks
    os.urandom(16)
    random.Random()
    time.time(), time.process_time(), time.thread_time(), time.localtime(), time.mktime(time.localtime())
    channel.sendall(b"")
    return "done"


ATTEMPTS: dict[str, Callable[[socket.socket], str]] = {name: by_number(name) for name in NUMBERS} | {
    "executable memory": executable_memory,
    "memory made executable": make_executable,
    "a signal to the parent": signal_the_parent,
    "another signal to itself": signal_itself,
    "the x32 table": other_table,
    "2 GB of memory": spend_memory,
    "ordinary work": work,
}


def attempt(action: Callable[[socket.socket], str]) -> str:
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            sandbox.enter(theirs.fileno(), PARENT, 64, 5)
            theirs.sendall(action(theirs).encode())
        finally:
            os._exit(0)
    theirs.close()
    said = ours.recv(64).decode()
    ours.close()
    _, status = os.waitpid(pid, 0)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else said


if __name__ == "__main__":
    time.localtime()
    json.dump({name: attempt(action) for name, action in ATTEMPTS.items()}, sys.stdout)
