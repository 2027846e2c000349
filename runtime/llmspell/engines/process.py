"""Worker processes as their host sees them, and the zygote that forks them. Knows no language and no spell."""

from __future__ import annotations

import asyncio
import math
import os
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from llmspell.engines import endings, values
from llmspell.engines.handle import WorkerHandle
from llmspell.engines.launch import Launched, launch
from llmspell.engines.transport import Limits, OnFrame
from llmspell.engines.watchdog import process_clock
from llmspell.errors import LlmspellError

_MESSAGE: Final = 65536  # longest message of a zygote
_GONE: Final = 5.0  # seconds for which killed workers are waited for, and a zygote that waits for them


class WorkerProcess(WorkerHandle):
    """One spell's process (`transport.Transport`). Made by `Zygote.worker`."""

    def __init__(self, connection: socket.socket, limits: Limits, on_frame: OnFrame) -> None:
        super().__init__(connection, limits, on_frame)
        # Until `spawned`: its first frames may overtake the zygote's word, and nobody watches it yet.
        self._channel.pause()
        self._pid: int | None = None
        self._pidfd = -1

    @property
    def pid(self) -> int | None:
        return self._pid

    @property
    def memory_mb(self) -> int:
        return self._limits.memory_mb

    @property
    def cpu_seconds(self) -> int | None:
        """When the kernel itself stops it: whole seconds, and later than the watchdog."""
        return None if self._limits.cpu is None else math.ceil(self._limits.cpu) + 2

    # -- what the zygote tells of it -----------------------------------------------------------------------------

    def spawned(self, pid: int, pidfd: int) -> None:
        """pidfd: -1 when there was no descriptor left for it."""
        self._pid = pid
        self._pidfd = pidfd
        if self._verdict is not None:  # killed before it was born
            self._stop()
        else:
            self._watch(process_clock(pid), f"/proc/{pid}/stat")
            self._channel.resume()
        if self._exit.done():  # and nobody waited so long
            self._end(None)

    def refused(self, reason: str) -> None:
        """There is no process and will be none."""
        self._end(endings.refused(reason))

    def exited(self, status: int, cpu: float, peak_mb: float) -> None:
        """The process has ended. What it had sent is delivered first. peak_mb: the zygote's share included."""
        self._channel.drain()
        self._end(endings.ended(status, peak_mb, self._limits, self._site), cpu, peak_mb)

    def lost(self) -> None:
        """The zygote is gone: nobody will tell how this worker ended, but the kernel ends it."""
        self._stop()
        self._channel.drain()
        self._end(endings.zygote_lost(self._site))

    # -- for the handle ------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        self._signal(signal.SIGKILL)

    def _interrupt(self, *, forced: bool) -> None:
        from llmspell.engines import interrupt  # ctypes, 1.6 ms, only for spells over a limit

        self._signal(interrupt.ASK)
        if forced:
            self._signal(interrupt.FORCE)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, number)
            elif self._pid is not None and not self._exit.done():
                os.kill(self._pid, number)

    def _end(self, error: LlmspellError | None, cpu: float = 0.0, peak_mb: float = 0.0) -> None:
        super()._end(error, cpu, peak_mb)
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


class Zygote:
    """The process that forks workers, started again when it has died. Used from one event loop at a time."""

    def __init__(self, launched: Launched, *, binding: str = "", languages: Sequence[str] = ()) -> None:
        """launched: from `launch(languages, binding=binding)`, started before anything heavy was imported."""
        self._languages = tuple(languages)
        self._binding = binding
        self._workers: dict[int, WorkerProcess] = {}
        self._numbers = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._requests: deque[tuple[bytes, socket.socket]] = deque()
        self._take(launched)

    @classmethod
    def spawn(cls, languages: Sequence[str] = (), *, binding: str = "", stderr: bool = False) -> Zygote:
        """Returns at once; needs no event loop. The arguments are those of `launch`."""
        return cls(launch(languages, binding=binding, stderr=stderr), binding=binding, languages=languages)

    @property
    def pid(self) -> int | None:
        """None once it has died or was closed."""
        return self._pid

    def worker(
        self, language: str, on_frame: OnFrame, limits: Limits | None = None, *, debugged: bool = False
    ) -> WorkerProcess:
        """A worker for one spell, without waiting for it: the `run` frame can be sent at once. debugged: it serves a
        debugger, and its spell is slower.

        Raises OSError when no zygote can be started or descriptors have run out.
        """
        self._attach()
        ours, theirs = socket.socketpair()
        self._numbers += 1
        number = self._numbers
        worker = WorkerProcess(ours, limits or Limits(), on_frame)
        self._workers[number] = worker
        request = values.pack(["spawn", number, language, worker.memory_mb, worker.cpu_seconds, debugged])
        self._requests.append((request, theirs))
        self._send_requests()
        return worker

    def close(self) -> None:
        """Ends the zygote and with it every worker. Their `exit` resolves."""
        if self._pid is not None:
            self._end_workers()
            self._lose()

    def _end_workers(self) -> None:
        """The zygote waits for its workers while it is there: a system's first process may wait for nobody's children,
        and who looks after this would find them."""
        alive = {number for number, worker in self._workers.items() if worker.pid is not None}
        for worker in self._workers.values():
            worker.lost()
        poll, until = select.poll(), time.monotonic() + _GONE
        poll.register(self._control, select.POLLIN)
        while alive & self._workers.keys() and poll.poll(max(0.0, until - time.monotonic()) * 1000):
            self._read()

    # -- the control socket --------------------------------------------------------------------------------------

    def _take(self, launched: Launched) -> None:
        self._pid: int | None = launched.pid
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, launched.control)
        self._control.setblocking(False)

    def _attach(self) -> None:
        """Makes sure that there is a zygote and that the running loop hears it."""
        if self._pid is None:
            self._take(launch(self._languages, binding=self._binding))
            self._loop = None
        elif self._loop is not None and self._has_died():
            self._lose()
            self._attach()
            return
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            loop.add_reader(self._control.fileno(), self._read)

    def _has_died(self) -> bool:
        """Reads what is there, so that a death already told is known before the next worker is asked for."""
        self._read()
        return self._pid is None

    def _send_requests(self) -> None:
        loop = self._loop
        while self._requests:
            request, channel = self._requests[0]
            try:
                socket.send_fds(self._control, [request], [channel.fileno()])
            except (BlockingIOError, InterruptedError):
                if loop is not None:
                    loop.add_writer(self._control.fileno(), self._send_requests)
                return
            except OSError:
                self._lose()
                return
            self._requests.popleft()
            channel.close()
        if loop is not None and self._pid is not None:
            loop.remove_writer(self._control.fileno())

    def _read(self) -> None:
        while self._pid is not None:
            try:
                message, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE, 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                message, descriptors = b"", []
            if not message:
                self._lose()
                return
            self._heed(values.unpack(message), descriptors)

    def _heed(self, message: Any, descriptors: list[int]) -> None:
        match message:
            case ["spawned", int(number), int(pid)]:
                self._workers[number].spawned(pid, descriptors[0] if descriptors else -1)
            case ["refused", int(number), str(reason)]:
                self._workers.pop(number).refused(reason)
            case ["exit", int(number), int(status), float(cpu), int(peak_kb)]:
                self._workers.pop(number).exited(status, cpu, peak_kb / 1024)
            case _:
                self._lose()

    def _lose(self) -> None:
        if self._pid is None:
            return
        pid, self._pid = self._pid, None
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._control.fileno())
            self._loop.remove_writer(self._control.fileno())
        self._control.close()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # our child, not yet waited for: the number is still its own
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        while self._requests:
            self._requests.popleft()[1].close()
        workers = list(self._workers.values())
        self._workers.clear()
        for worker in workers:
            worker.lost()
