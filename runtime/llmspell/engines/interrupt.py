"""How a worker that computes is asked where it is, once it has used up a limit.

The host sends two signals, a few times (`handle`). `ASK` is heeded wherever Python runs next. An engine that does not
come back to Python meets `FORCE`: its handler runs in the middle of whatever the engine does, so it is given nothing to
do but to set a trap (`Engine.interrupt`). A spell that keeps its limits pays nothing for either. What goes wrong there
goes wrong in a worker whose end is decided: it is killed a moment later, and the person is told the limit without the
line. Knows no language.
"""

from __future__ import annotations

import ctypes
import importlib
from typing import Any, Final, Protocol

#: SIGUSR1 and SIGUSR2. As numbers, and handled by the module below `signal`, which costs a zygote 1.5 ms.
ASK: Final = 10
FORCE: Final = 12


class Interruptible(Protocol):
    def interrupt(self, *, forced: bool) -> None: ...


_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int)
# Loaded and made here, before any fork: a worker can open no library and map no code.
_libc: Final = ctypes.CDLL(None)
_signal: Final[Any] = importlib.import_module("_signal")
_answering: Final[list[Interruptible]] = []


def _asked(_number: int, _frame: object) -> None:
    for engine in _answering:
        engine.interrupt(forced=False)


def _forced(_number: int) -> None:
    for engine in _answering:
        engine.interrupt(forced=True)


_handler: Final = _Handler(_forced)


def listen() -> None:
    """Has this process, and those it forks, take the signals. Its main thread must call it."""
    _signal.signal(ASK, _asked)
    _libc.signal(FORCE, _handler)  # glibc and musl: with SA_RESTART, so that system calls go on


def answer(engine: Interruptible) -> None:
    """The signals are for this engine from now on."""
    _answering[:] = [engine]
