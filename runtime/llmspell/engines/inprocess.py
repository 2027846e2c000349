"""A spell in a thread of the host: for tests, for spells its user trusts, and where there are no worker processes.

Same protocol, same engines, same interface as a worker process. What is lacking: nothing can stop a thread. A spell
over its limit is made to stop by its engine (`Engine.interrupt`); inside a C function that does not end it is reported
and left behind, computing (a daemon thread: it does not keep the program from ending). Memory is limited by the engine
alone; an engine that crashes takes the host with it; no system call is filtered.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from llmspell.engines import endings, languages, session
from llmspell.engines.handle import WorkerHandle
from llmspell.engines.languages import WarmEngine
from llmspell.engines.transport import Limits, OnFrame
from llmspell.errors import LlmspellError


class InProcess(WorkerHandle):
    """One spell's thread (`transport.Transport`)."""

    kill_grace = 0.25
    looks = 0  # they would keep the thread from the interpreter's lock

    def __init__(
        self,
        language: str,
        on_frame: OnFrame,
        limits: Limits | None = None,
        *,
        binding: str = "",
        debugged: bool = False,
    ) -> None:
        """binding: the file that says what scripts can see, in place of the registry's own. debugged: it serves a
        debugger."""
        ours, theirs = socket.socketpair()
        super().__init__(ours, limits or Limits(), on_frame)
        self._binding = binding or languages.BINDING
        self._debugged = debugged
        self._engine: WarmEngine | None = None
        self._thread = threading.Thread(target=self._run, args=(theirs, language), name="llmspell-worker", daemon=True)
        self._thread.start()

    # -- in the thread -------------------------------------------------------------------------------------------

    def _run(self, connection: socket.socket, language: str) -> None:
        failure: LlmspellError | None = None
        try:
            with connection:
                # An engine belongs to the thread that made it.
                warm = languages.warm_debugged if self._debugged else languages.warm
                engine = warm(language, languages.read_binding(self._binding))
                clock = time.pthread_getcpuclockid(threading.get_ident())
                self._engine = engine
                self._tell(self._watch, clock, f"/proc/self/task/{threading.get_native_id()}/stat")
                session.serve(connection, engine, self._limits.memory_mb, looks=0, debugged=self._debugged)
        except Exception as error:
            failure = LlmspellError(f"the spell could not start: {type(error).__name__}: {error}")
        self._tell(self._ended, failure, time.thread_time())

    def _tell(self, callback: Callable[..., None], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know
            self._loop.call_soon_threadsafe(callback, *args)

    # -- in the loop ---------------------------------------------------------------------------------------------

    def _interrupt(self, *, forced: bool) -> None:
        if self._engine is not None:
            self._engine.interrupt(forced=False)

    def _ended(self, failure: LlmspellError | None, cpu: float) -> None:
        self._channel.drain()
        self._end(failure or endings.vanished(self._site), cpu)
