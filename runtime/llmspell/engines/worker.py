"""The loop inside a worker: frames in, one engine step, frames out. Blocking, single-threaded, no asyncio.

Runs unchanged in a forked, sandboxed process and, for trusted spells, in a thread of the host: only the socket's
other end differs. Knows no language and no name of the registry.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from llmspell.engines import protocol
from llmspell.engines.engine import Ended, Engine, HostError
from llmspell.engines.protocol import Frame

_READINGS_A_FRAME = 512

# Below the allocator's threshold for mapping memory anew, which would cost more than the read.
_CHUNK = 65536

# The host answers most questions in 10 us, while to sleep and be woken on another processor costs 20-40 us: so an ask
# looks for its answer a few times, about 1 us each, before it sleeps. Not in a thread: it would keep the host from its
# own interpreter lock.
LOOKS = 40 if sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1 else 0
# What was answered so soon (in seconds) is looked for the next time, too, before sleeping; what takes longer is not.
_QUICK = 0.0001


class Worker:
    """One spell's host as its engine sees it (`engine.Host`), over a connected stream socket."""

    def __init__(
        self, channel: socket.socket, make_engine: Callable[[Worker, str], Engine], pid: int, looks: int = LOOKS
    ) -> None:
        """make_engine: gives the engine of a language, bound to this worker.
        looks: how often to look for an answer before sleeping."""
        self._channel = channel
        self._looks = looks
        self._decoder = protocol.Decoder()
        self._frames: deque[Frame] = deque()
        self._deferred: deque[Frame] = deque()
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._asking: set[int] = set()
        self._answers: dict[int, tuple[bool, Any]] = {}
        self._calls = 0
        self._cancelled: set[int] = set()
        self._callback = 0
        self._callback_told = 0
        self._readings: list[float] = []
        self._recorded: deque[float] | None = None
        self._ahead = 0.0  # what a recording's clock was past this machine's when the recording ended
        self._cpu_ahead = 0.0
        self._random = random.Random()
        self._farewell = False
        self._ended = False
        self._unfinished = False
        self._quick = False
        self._ask_quick = True
        self._send(["ready", pid])

    def run(self) -> None:
        """Serves one spell until it ends or the host closes the channel."""
        try:
            while not self._ended:
                if self._unfinished and not self._frame_is_there():
                    self._pump()
                else:
                    self._handle(self._receive())
        except (Ended, BrokenPipeError, ConnectionResetError):
            return

    # -- frames --------------------------------------------------------------------------------------------------

    def _handle(self, frame: Frame) -> None:
        match frame:
            case ["run", start]:
                self._random.seed(start["seed"])
                self._farewell = start.get("farewell", False)
                if start["clock"] is not None:
                    self._recorded = deque(item[0] for item in struct.iter_unpack("<d", start["clock"]))
                self._engine = self._make_engine(self, start["language"])
                self._engine.start(start)
            case ["check", start]:
                self._make_engine(self, start["language"]).start(start)
                self.done(None)
                return
            case ["ret", call, ok, value]:
                if call in self._cancelled:
                    self._cancelled.discard(call)
                    return
                self._running.settle(call, ok, value)
            case ["callback", callback, function, args, echo, *_]:
                self._running.invoke(callback, function, args, echo)
            case ["cancel", callback]:
                self._running.cancel(callback)
            case ["release", functions]:
                self._running.release([(number, count) for number, count in functions])
                return
            case ["live"]:
                self._recorded = None
                return
            case _:
                raise Ended
        self._pump()

    def _pump(self) -> None:
        self._unfinished = False
        self._unfinished = bool(self._running.pump())

    @property
    def _running(self) -> Engine:
        if self._engine is None:
            raise Ended
        return self._engine

    def _receive(self) -> Frame:
        if self._deferred:
            return self._deferred.popleft()
        return self._read()

    def _read(self) -> Frame:
        if not self._frames:
            began = time.perf_counter()
            if self._quick:
                self._look(self._looks)
            while not self._frames:
                data = self._channel.recv(_CHUNK)
                if not data:
                    raise Ended
                self._frames.extend(self._decoder.feed(data))
            self._quick = time.perf_counter() - began < _QUICK
        return self._frames.popleft()

    def _frame_is_there(self) -> bool:
        if not self._deferred and not self._frames:
            self._look(1)
        return bool(self._deferred or self._frames)

    def _look(self, times: int) -> None:
        """Waits a moment for an answer without sleeping."""
        for _ in range(times):
            try:
                data = self._channel.recv(_CHUNK, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            if not data:
                raise Ended
            self._frames.extend(self._decoder.feed(data))
            return

    def _send(self, frame: Frame) -> None:
        if self._readings:
            self._flush_readings()
        self._channel.sendall(protocol.encode(frame))

    # -- what an engine asks -------------------------------------------------------------------------------------

    def call(self, name: str, receiver: int | None, args: list[Any], site: str) -> int:
        self._calls += 1
        self._tell_callback()
        self._send(["call", self._calls, name, receiver, args, site])
        return self._calls

    def within(self, callback: int) -> None:
        self._callback = callback

    def _tell_callback(self) -> None:
        if self._callback != self._callback_told:
            self._callback_told = self._callback
            self._send(["within", self._callback])

    def ask(self, name: str, receiver: int | None, args: list[Any], site: str) -> Any:
        self._calls += 1
        call = self._calls
        self._tell_callback()
        self._asking.add(call)
        began = time.perf_counter()
        self._send(["ask", call, name, receiver, args, site])
        while call not in self._answers:
            if not self._frames and self._ask_quick:
                self._look(self._looks)
            if self._unfinished and not self._frames:
                self._pump()
                continue
            frame = self._read()
            match frame:
                case ["ret", number, ok, value] if number in self._asking:
                    self._answers[number] = (ok, value)
                case ["callback", _, _, _, _, True] if name != "spell.end":
                    self._deferred.append(frame)
                case ["callback", *_]:
                    self._handle_deferred()
                    self._handle(frame)
                case ["live"]:
                    self._handle(frame)
                case ["release", *_] if not self._deferred:
                    self._handle(frame)
                case ["ret", number, *_] if (
                    number > call
                ):  # of a call made by a callback that the host may be waiting for
                    self._handle_deferred()
                    self._handle(frame)
                case _:  # answers to earlier calls wait: what a spell sees depends on frames alone, not on their timing
                    self._deferred.append(frame)
        self._ask_quick = time.perf_counter() - began < _QUICK
        self._asking.discard(call)
        ok, value = self._answers.pop(call)
        if not ok:
            raise HostError(value)
        return value

    def _handle_deferred(self) -> None:
        """Callbacks reach the script in the order they were sent, and before the functions they call are forgotten."""
        frames = [frame for frame in self._deferred if frame[0] in ("callback", "release")]
        self._deferred = deque(frame for frame in self._deferred if frame[0] not in ("callback", "release"))
        for frame in frames:
            self._handle(frame)

    def _deferred_since(self, call: int) -> Frame | None:
        """An answer that a question within this one has put aside, though it belongs to a call made since this one."""
        for frame in self._deferred:
            if frame[0] == "ret" and frame[1] > call:
                self._deferred.remove(frame)
                return frame
        return None

    def tell(self, name: str, args: list[Any], site: str) -> None:
        self._tell_callback()
        self._send(["tell", name, args, site])

    def cancel(self, calls: list[int]) -> None:
        self._cancelled.update(calls)
        self._send(["cancel", calls])

    def result(self, callback: int, ok: bool, value: Any) -> None:
        self._send(["result", callback, ok, value])

    def at(self, source: str, stack: list[str]) -> None:
        self._send(["at", source, stack])

    def done(self, value: Any) -> None:
        if self._farewell:
            try:
                value = self.ask("spell.end", None, [value], "")
            except HostError as error:
                self.fail(error.fields)
                return
        self._end(["done", value])

    def fail(self, error: dict[str, Any]) -> None:
        self._end(["fail", error])

    def _end(self, frame: Frame) -> None:
        if not self._ended:
            self._send(frame)
            self._ended = True

    # -- time and chance -----------------------------------------------------------------------------------------

    def clock(self) -> float:
        value = self._next_recorded()
        if value is None:
            return self._read_out(time.time() * 1000.0 + self._ahead)
        self._ahead = max(0.0, value - time.time() * 1000.0)
        return self._read_out(value)

    def cpu_clock(self) -> float:
        value = self._next_recorded()
        if value is None:
            return self._read_out(time.process_time() + self._cpu_ahead)
        self._cpu_ahead = max(0.0, value - time.process_time())
        return self._read_out(value)

    def _next_recorded(self) -> float | None:
        return self._recorded.popleft() if self._recorded else None

    def _read_out(self, value: float) -> float:
        self._readings.append(value)
        if len(self._readings) >= _READINGS_A_FRAME:
            self._flush_readings()
        return value

    def _flush_readings(self) -> None:
        packed = struct.pack(f"<{len(self._readings)}d", *self._readings)
        self._readings.clear()
        self._channel.sendall(protocol.encode(["clock", packed]))

    def random(self) -> float:
        return self._random.random()

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)
