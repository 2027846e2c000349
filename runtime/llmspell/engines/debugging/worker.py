"""The worker of a script that is debugged: a `Worker` that takes the debugger's commands between all other frames.

While the script stands, commands are answered and every other frame waits where it is, in order. What is evaluated for
a person is kept apart from what the script does: its clock readings are not recorded, its random numbers are not the
script's, its questions are no inputs of the run and wait for nothing but their own answer.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from llmspell.engines.debugging.debugger import Debugger
from llmspell.engines.debugging.inspected import Debuggable
from llmspell.engines.engine import Ended, Engine, HostError
from llmspell.engines.protocol import Frame, Start
from llmspell.engines.worker import LOOKS, Worker

_CHUNK = 65536
# Seconds between looks for an answer. A worker may neither poll nor sleep; it may wait for a lock that nobody opens.
_NAP = 0.0005


class DebuggedWorker(Worker):
    """One spell's host, and its debugger's `Wire`."""

    def __init__(
        self, channel: socket.socket, make_engine: Callable[[Worker, str], Engine], pid: int, looks: int = LOOKS
    ) -> None:
        self._debugger = Debugger(self)
        self._deadline: float | None = None
        self._chance = random.Random()
        self._asides = 0
        self._questions: list[int] = []
        self._outstanding: dict[int, None] = {}  # calls without an answer so far, in their order
        self._idle = False
        self._nap = threading.Lock()
        self._nap.acquire()
        super().__init__(channel, make_engine, pid, looks)

    # -- commands among the frames -------------------------------------------------------------------------------

    def _handle(self, frame: Frame) -> None:
        if frame[0] == "run":
            made = self._make_engine

            def make(worker: Worker, language: str) -> Engine:
                engine = made(worker, language)
                self._debugger.begin(cast(Debuggable, engine), frame[1]["debug"])
                return engine

            self._make_engine = make
        if frame[0] == "check":
            self._measure(frame[1])
        else:
            super()._handle(frame)

    def _measure(self, start: Start) -> None:
        engine: Any = self._make_engine(self, start["language"])
        engine.start(start)
        self.done(engine.code_lines(start["source"]))

    def _read(self) -> Frame:
        while True:
            self._idle = not self._unfinished
            try:
                frame = super()._read()
                if frame[0] != "debug":
                    self._debugger.moves()
                    if frame[0] == "ret":
                        self._outstanding.pop(frame[1], None)
                    return frame
                self._debugger.take(frame)
            finally:
                self._idle = False
            if self._unfinished and not self._frames:
                return ["release", []]  # nothing has come, and there is something to go on with

    def _look(self, times: int) -> None:
        super()._look(times)
        if self._frames and not self._debugger.evaluating:
            for frame in self._taken():
                self._debugger.take(frame)

    def _taken(self) -> list[Frame]:
        found = [frame for frame in self._frames if frame[0] == "debug"]
        if found:
            self._frames = deque(frame for frame in self._frames if frame[0] != "debug")
        return found

    # -- debugger.Wire -------------------------------------------------------------------------------------------

    def tell_host(self, frame: Frame) -> None:
        if frame[0] == "stopped":
            frame[1].setdefault("callback", self._callback)
        self._send(frame)

    def commands(self) -> list[Frame]:
        super()._look(1)
        return self._taken()

    def next_command(self) -> Frame:
        while True:
            for at, frame in enumerate(self._frames):
                if frame[0] == "debug":
                    del self._frames[at]
                    return frame
            self._receive_some()

    def question(self, call: int) -> int:
        return self._questions.index(call) + 1 if call in self._questions else 0

    def waiting(self) -> list[int]:
        if not self._idle:
            return []
        return [*range(-len(self._questions), 0), *self._outstanding]

    def apart(self, deadline: float | None) -> None:
        self._deadline = deadline

    def _has_more(self) -> bool:
        before = len(self._frames)
        super()._look(1)
        return len(self._frames) > before

    def _receive_some(self) -> None:
        data = self._channel.recv(_CHUNK)
        if not data:
            raise Ended
        self._frames.extend(self._decoder.feed(data))

    # -- what an engine asks -------------------------------------------------------------------------------------

    def call(self, name: str, receiver: int | None, args: list[Any], site: str) -> int:
        if self._deadline is not None:
            raise HostError(_refused("script", f"{name} waits, which cannot be done while the script stands still"))
        number = super().call(name, receiver, args, site)
        self._outstanding[number] = None
        return number

    def cancel(self, calls: list[int]) -> None:
        for call in calls:
            self._outstanding.pop(call, None)
        super().cancel(calls)

    def ask(self, name: str, receiver: int | None, args: list[Any], site: str) -> Any:
        if self._deadline is None:
            self._questions.append(self._calls + 1)
            try:
                return super().ask(name, receiver, args, site)
            finally:
                self._questions.pop()
        self._asides -= 1  # numbers of their own: the script's go on as if nothing had been asked
        call = self._asides
        self._send(["aside", ["ask", call, name, receiver, args, site]])
        while True:
            for at, frame in enumerate(self._frames):
                if frame[0] == "ret" and frame[1] == call:
                    del self._frames[at]
                    if not frame[2]:
                        raise HostError(frame[3])
                    return frame[3]
            if time.monotonic() > self._deadline:
                self._cancelled.add(call)
                raise HostError(_refused("timeout", f"{name} was not answered within a second"))
            if not self._has_more():
                self._nap.acquire(timeout=_NAP)

    def clock(self) -> float:
        return super().clock() if self._deadline is None else time.time() * 1000.0 + self._ahead

    def cpu_clock(self) -> float:
        return super().cpu_clock() if self._deadline is None else time.process_time() + self._cpu_ahead

    def random(self) -> float:
        return super().random() if self._deadline is None else self._chance.random()

    def random_bytes(self, count: int) -> bytes:
        return super().random_bytes(count) if self._deadline is None else self._chance.randbytes(count)


def _refused(kind: str, message: str) -> dict[str, Any]:
    name = "TimeoutError" if kind == "timeout" else "Error"
    empty = {"hint": "", "source": "", "stack": [], "retry_after": None, "retryable": False, "cause": None, "data": {}}
    return {"type": kind, "name": name, "message": message, **empty}
