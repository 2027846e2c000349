"""A program on a terminal of its own, 120 columns by 36 rows, whose keys are pressed and whose pictures are counted.

The terminal says that it takes whole pictures (synchronized output), as today's do: the end of each is a moment at
which a person sees something new. What the status line of such a picture says is read from it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: Seconds after which a program counts as stuck.
_PATIENCE = 120
_ASKED, _SAID = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_END = b"\x1b[?2026l"
_EVENTS = re.compile(rb"([\d,]+) events?\b")


@dataclass
class Session:
    """What came of it. cpu: seconds that the program used. Times are `time.monotonic()`'s: of each picture's end, of
    each key; shown: (time, events said) of the pictures that say another number than the one before."""

    cpu: float = 0.0
    frames: list[float] = field(default_factory=list[float])
    shown: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    pressed: list[float] = field(default_factory=list[float])
    written: int = 0


def on_terminal(
    command: Sequence[str], env: Mapping[str, str], *, keys: str = "", every: float = 0.1, first: float = 1.5
) -> Session:
    """Runs it to its end. keys: pressed again and again, `every` so many seconds, beginning `first` seconds after its
    start. Raises RuntimeError where it fails or is stuck."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    env = {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    session, tail = Session(), bytearray()
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
    os.close(slave)
    watching = threading.Thread(target=_watch, args=(master, session, tail), daemon=True)
    watching.start()
    stuck = threading.Timer(_PATIENCE, process.kill)
    stuck.start()
    over = threading.Event()
    presser = threading.Thread(target=_press, args=(master, session, keys, every, first, over), daemon=True)
    presser.start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    stuck.cancel()
    over.set()
    presser.join()
    watching.join(1)
    os.close(master)
    if process.returncode:
        said = tail[-2000:].decode("utf-8", "replace")
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said}")
    session.cpu = used.ru_utime + used.ru_stime
    return session


def _watch(master: int, session: Session, tail: bytearray) -> None:
    rest = b""
    try:
        while piece := os.read(master, 1 << 16):
            now = time.monotonic()
            session.written += len(piece)
            tail += piece
            del tail[:-4000]
            if _ASKED in piece:
                os.write(master, _SAID)
            *whole, rest = (rest + piece).split(_END)
            for picture in whole:
                session.frames.append(now)
                if found := _EVENTS.search(picture):
                    count = int(found[1].replace(b",", b""))
                    if not session.shown or session.shown[-1][1] != count:
                        session.shown.append((now, count))
    except OSError:  # the other side is closed
        pass


def _press(master: int, session: Session, keys: str, every: float, first: float, over: threading.Event) -> None:
    if not keys or over.wait(first):
        return
    try:
        while not over.wait(every):
            session.pressed.append(time.monotonic())
            os.write(master, keys[len(session.pressed) % len(keys)].encode())
    except OSError:
        session.pressed.pop()
