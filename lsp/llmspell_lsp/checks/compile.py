"""What the engines' own compilers say of a text: whether it is right, and in what words it is not. Runs nothing.

The compilers live in a process of their own (`compiling`): no text can hang or crash the server. Asking costs the asker
nothing; the answer comes to a function, in another thread. Of one document only the newest text is compiled.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from llmspell_lsp.checks.compiling import CHANNEL, PREFIX

BUDGET: Final = 10.0
"""Seconds a text may take. 10,000 lines take Lua 20 ms, JavaScript 10 ms to 1.3 s: names cost it their square."""

_START: Final = "from llmspell_lsp.checks.compiling import main; main()"


class Refusal(NamedTuple):
    """line, column: from 0; column -1 where the engine does not say it. stray: what is refused is an import or export
    that could not be read."""

    line: int
    column: int
    message: str
    stray: bool = False


Answer = Callable[[Refusal | None], None]


class Compiler:
    """A queue of texts before one process, which is started at the first and again when it has been lost."""

    def __init__(self, report: Callable[[str], None], budget: float = BUDGET) -> None:
        """report: is told why a text got no verdict."""
        self._report = report
        self._budget = budget
        self._waiting: dict[str, tuple[str, str, Answer]] = {}
        self._ready = threading.Condition()
        self._thread: threading.Thread | None = None
        self._process: _Process | None = None
        self._closed = False

    def start(self) -> None:
        """Starts the process ahead of the first text. From the main thread: the kernel then ends both together."""
        with self._ready, suppress(OSError):  # where there can be no process now, the first text asks again
            if self._process is None:
                self._process = _Process()

    def compile(self, key: str, language: str, text: str, answer: Answer) -> None:
        """Asks for a verdict. A text of the same key that still waits is forgotten: its `answer` is never called."""
        with self._ready:
            self._waiting[key] = (language, text, answer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="compiler", daemon=True)
                self._thread.start()
            self._ready.notify()

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._waiting.clear()
            if self._process is not None:
                self._process.end()
            self._ready.notify()

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self._waiting and not self._closed:
                    self._ready.wait()
                if self._closed:
                    return
                key = next(iter(self._waiting))
                language, text, answer = self._waiting.pop(key)
            try:
                verdict = self._running().compile(language, text, self._budget)
            except (OSError, EOFError, ValueError) as error:
                verdict = None
                if self._lost():
                    return
                slow = "took too long" if isinstance(error, TimeoutError) else "ended the compiler"
                self._report(f"{key}: compiling the text {slow}; nothing is said of its syntax")
            answer(verdict)
            del text, answer  # while nothing is asked, no closed document is held

    def _running(self) -> _Process:
        with self._ready:
            if self._closed:
                raise EOFError
            self._process = self._process or _Process()
            return self._process

    def _lost(self) -> bool:
        """Ends what is left of the process. Whether that was because the compiler is closed."""
        with self._ready:
            process, self._process = self._process, None
            if process is not None:
                process.end()
            return self._closed


class _Process:
    """The process while it lives. Used by one thread at a time; `end` by any."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        # One descriptor would not do: dup2 of a descriptor onto itself leaves it to be closed by exec.
        spare = os.dup(theirs.fileno()) if theirs.fileno() == CHANNEL else -1
        program = f"import sys; sys.path[:] = {_search_path()!r}; {_START}"
        try:
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", "-c", program],
                {},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, spare if spare >= 0 else theirs.fileno(), CHANNEL),
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
            )
        finally:
            theirs.close()
            if spare >= 0:
                os.close(spare)
        self._socket = ours
        self._ended = threading.Lock()

    def compile(self, language: str, text: str, budget: float) -> Refusal | None:
        """Raises OSError (TimeoutError), EOFError, ValueError: the process is then of no more use."""
        end = time.monotonic() + budget
        body = json.dumps([language, text]).encode()
        self._socket.settimeout(budget)
        self._socket.sendall(PREFIX.pack(len(body)) + body)
        size = PREFIX.unpack(self._read(PREFIX.size, end))[0]
        verdict = json.loads(self._read(size, end))
        return None if verdict is None else Refusal(*verdict)

    def _read(self, size: int, end: float) -> bytes:
        data = b""
        while len(data) < size:
            self._socket.settimeout(max(0.001, end - time.monotonic()))
            part = self._socket.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def end(self) -> None:
        if not self._ended.acquire(blocking=False):
            return
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads
        with suppress(ProcessLookupError):
            os.kill(self._pid, 9)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _search_path() -> list[str]:
    """Absolute entries only: where the server is started from must not matter."""
    return [entry for entry in sys.path if entry.startswith("/")]
