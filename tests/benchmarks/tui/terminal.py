"""A program on a terminal of its own, 120 columns by 36 rows, whose output is thrown away and whose keys are pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence

#: Seconds after which a program counts as stuck.
_PATIENCE = 120


def on_terminal(
    command: Sequence[str], env: Mapping[str, str], *, keys: str = "", every: float = 0.1, first: float = 1.5
) -> float:
    """Runs it to its end; CPU seconds that it used. keys: pressed again and again, `every` so many seconds, beginning
    `first` seconds after its start. Raises RuntimeError where it fails or is stuck."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    env = {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=env, start_new_session=True
    )
    os.close(slave)
    said = threading.Thread(target=_drain, args=(master,), daemon=True)
    said.start()
    stuck = threading.Timer(_PATIENCE, process.kill)
    stuck.start()
    over = threading.Event()
    presser = threading.Thread(target=_press, args=(master, keys, every, first, over), daemon=True)
    presser.start()
    assert process.stderr is not None
    errors = process.stderr.read().decode("utf-8", "replace")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    stuck.cancel()
    over.set()
    presser.join()
    said.join(1)
    os.close(master)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {errors[-2000:]}")
    return used.ru_utime + used.ru_stime


def _drain(master: int) -> None:
    try:
        while os.read(master, 1 << 16):
            pass
    except OSError:  # the other side is closed
        pass


def _press(master: int, keys: str, every: float, first: float, over: threading.Event) -> None:
    if not keys or over.wait(first):
        return
    at = 0
    try:
        while not over.wait(every):
            os.write(master, keys[at % len(keys)].encode())
            at += 1
    except OSError:
        time.sleep(0)
