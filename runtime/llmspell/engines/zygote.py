"""The process that forks workers. It runs no spell, holds no secret and tells of each worker only how it ended.

One thread, one blocking loop over one control socket (sequenced packets, msgpack) and the workers' pidfds.

Host to zygote
    spawn   [number, language, memory_mb, cpu_seconds, debugged]   + the worker's end of its channel

Zygote to host
    spawned [number, pid]                    + the worker's pidfd
    refused [number, reason]                 no worker was made
    exit    [number, status, cpu, peak_kb]   a worker has ended: wait status, seconds of CPU, most memory

It ends when the control socket closes or the host dies, and its workers with it.
"""

from __future__ import annotations

import gc
import os
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, NoReturn

from llmspell.engines import interrupt, languages, launch, sandbox, session, values
from llmspell.engines.languages import WarmEngine

_MESSAGE: Final = 65536  # longest control message


class Zygote:
    """Serves one host."""

    def __init__(self, control: socket.socket, binding: str) -> None:
        self._control = control
        self._binding = binding
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._workers: dict[int, tuple[int, int]] = {}  # pidfd -> (number, pid)
        self._warm: dict[str, WarmEngine] = {}

    def warm(self, language: str) -> WarmEngine:
        """The engine that every worker of this language starts as. Raises what reading or making it raises."""
        if language not in self._warm:
            binding = languages.read_binding(self._binding) if self._binding else languages.read_binding()
            self._warm[language] = languages.warm(language, binding)
            gc.freeze()  # a collection in a worker would touch, and so copy, every page
        return self._warm[language]

    def serve(self) -> None:
        """Returns when the host is gone."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._workers:
                    self._reap(descriptor)
                elif not self._take_request():
                    return

    def _take_request(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE, 1)
        match values.unpack(message) if message else None:
            case ["spawn", int(number), str(language), int(memory_mb), cpu_seconds, bool(debugged)]:
                self._spawn(number, language, memory_mb, cpu_seconds, debugged, descriptors[0])
            case _:
                return False
        return True

    def _spawn(
        self, number: int, language: str, memory_mb: int, cpu_seconds: int | None, debugged: bool, channel: int
    ) -> None:
        try:
            make = partial(self._debugged, language) if debugged else partial(_same, self.warm(language))
            parent = os.getpid()
            pid = os.fork()
        except Exception as error:
            self._tell(["refused", number, f"{type(error).__name__}: {error}"])
            return
        else:
            if pid == 0:
                _work(channel, make, parent, memory_mb, cpu_seconds, debugged=debugged)
            pidfd = os.pidfd_open(pid)
            self._workers[pidfd] = (number, pid)
            self._poll.register(pidfd, select.POLLIN)
            self._tell(["spawned", number, pid], pidfd)
        finally:
            os.close(channel)

    def _debugged(self, language: str) -> WarmEngine:
        """An engine of a worker's own, made while it can still read files: 10 to 30 ms."""
        binding = languages.read_binding(self._binding) if self._binding else languages.read_binding()
        return languages.warm_debugged(language, binding)

    def _reap(self, pidfd: int) -> None:
        number, pid = self._workers.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        _, status, used = os.wait4(pid, 0)
        self._tell(["exit", number, status, used.ru_utime + used.ru_stime, used.ru_maxrss])

    def _tell(self, message: list[Any], *descriptors: int) -> None:
        socket.send_fds(self._control, [values.pack(message)], descriptors)


def _same(engine: WarmEngine) -> WarmEngine:
    return engine


def _work(
    channel: int,
    make_engine: Callable[[], WarmEngine],
    parent: int,
    memory_mb: int,
    cpu_seconds: int | None,
    *,
    debugged: bool,
) -> NoReturn:
    """The life of a worker, from the fork to its end. Returning would make it a second zygote."""
    status = launch.EXIT_INTERNAL
    try:
        sandbox.name_process("llmspell-worker")
        engine = make_engine()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, channel)
        sandbox.enter(channel, parent, memory_mb, cpu_seconds)
        gc.enable()
        interrupt.answer(engine)
        status = session.serve(connection, engine, memory_mb, debugged=debugged)
    finally:
        os._exit(status)


def main(host: str, warm: str, binding: str) -> NoReturn:
    """The arguments `launch` passes. host: the process to die with, or "0" to heed the control socket alone.
    warm: languages, comma-separated. binding: a file, or "" for the registry's own."""
    sandbox.name_process("llmspell-zygote")
    if host != "0":
        sandbox.die_with(int(host))
    os.closerange(launch.CONTROL + 1, sandbox.highest_descriptor())
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, launch.CONTROL)
    zygote = Zygote(control, binding)
    interrupt.listen()
    try:
        with suppress(Exception):  # the spawn that needs the language meets the same failure and can tell
            for language in filter(None, warm.split(",")):
                zygote.warm(language)
        zygote.serve()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the host is gone
    finally:
        os._exit(0)
