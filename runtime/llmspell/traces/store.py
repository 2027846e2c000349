"""Where a run's events, answers and audit records go: into its SQLite file, by the one writer thread of the host.

The run's side only appends to a queue; encoding and SQL happen in the thread. Nothing here raises because of a disk:
when the file cannot be written the run goes on, `on_trouble` says so once, and `lost` counts what was not stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmspell.events.event import Event
from llmspell.traces.jobs import Admitted, Answer, Audited, Clocked, Finish, Flush, Job
from llmspell.traces.meta import RunMeta

if TYPE_CHECKING:
    from llmspell.traces.audit import AuditRecord
    from llmspell.traces.writing import RunWriting

#: Seconds that events gather before they are committed together: what a kill -9 can take.
GATHER: Final = 0.02
#: Events that may wait for the writer's thread; beyond, the run waits for it.
BACKLOG: Final = 100_000
#: Events that are worth a commit without gathering more.
_AT_ONCE: Final = 1000
#: Seconds a closing host waits for the thread.
_CLOSE: Final = 15.0


class Writer:
    """The writer thread of a host. It starts with the first run and sleeps while no run has anything to store."""

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._urgent = threading.Event()
        self._hurry = False
        self._runs: list[RunStore] = []
        self._thread: threading.Thread | None = None
        self._closing = False
        self.asleep = True

    def add(self, run: RunStore) -> None:
        self._runs = [*self._runs, run]
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="llmspell-traces", daemon=True)
            self._thread.start()
        self.wake()

    @property
    def running(self) -> bool:
        return self._thread is not None and not self._closing

    def wake(self, *, urgent: bool = False) -> None:
        self.asleep = False
        if urgent:
            self._hurry = True
            self._urgent.set()
        self._wake.set()

    def wake_for_audits(self) -> None:
        """Audit records are to be committed at once, without what else there is."""
        self.asleep = False
        self._urgent.set()
        self._wake.set()

    def close(self) -> None:
        """Store what is queued and end the thread. Blocks; for the very end of a host."""
        if self._thread is not None:
            self._closing = True
            self.wake(urgent=True)
            self._thread.join(_CLOSE)
            self._thread = None

    def _loop(self) -> None:

        while not (self._closing and not self._runs):
            self._wake.wait()
            self._wake.clear()
            hurry = self._gather()
            self.asleep = True
            for run in self._runs:
                run.write(hurry=hurry, last=self._closing)
            self._runs = [run for run in self._runs if not (run.closed or self._closing)]
            if any(run.failing for run in self._runs):
                self._wake.set()

    def _gather(self) -> bool:
        """Lets events come together; whether somebody waits for them. Audit records do not wait for events: theirs is
        one page to commit, not a page of each table, and after each tool call a worker stands still until that is done.
        """
        until = time.monotonic() + GATHER
        while not self._hurry and (left := until - time.monotonic()) > 0 and self._urgent.wait(left):
            self._urgent.clear()
            for run in self._runs:
                run.write_audits()
        if self._hurry:
            self._hurry = False
            return True
        return False


class RunStore:
    """A run's place in the store. `append` is a sink of its EventLog.

    content: False keeps texts out of events and records no answers' outputs (such a run cannot be replayed).
    mask: hides secrets in a text. pack: turns a recorded output into bytes (msgpack unless given).
    on_trouble: called once, on the loop, with one sentence, when the file cannot be written.
    Made on the event loop.
    """

    def __init__(
        self,
        writer: Writer,
        data_dir: Path,
        meta: RunMeta,
        *,
        content: bool = True,
        mask: Callable[[str], str] | None = None,
        pack: Callable[[Any], bytes] | None = None,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        self.id = meta.id
        self.path = data_dir / "runs" / f"{meta.id}.db"
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Event | Job] = deque()
        self._audits: deque[Audited] = deque()
        self._ended = False
        self._on_trouble = on_trouble
        self._writing: RunWriting | None = None
        self._make = lambda: _writing(data_dir, meta, self._queue, self._audits, content, mask, pack, self._tell)
        self._put = self._queue.append
        writer.add(self)

    # -- the run's side ------------------------------------------------------------------------------------------

    def append(self, event: Event) -> None:
        """Queue an event."""
        if self._ended:
            return
        self._put(event)
        if self._writer.asleep:
            self._writer.wake()
        if len(self._queue) > BACKLOG:
            self._relieve()

    def answer(self, answer: Answer) -> None:
        """Record what the world answered, for a replay."""
        self._post(answer)

    def admit(self, key: str) -> None:
        """Record that the input `key` was let in now."""
        self._post(Admitted(key))

    def clock(self, readings: bytes) -> None:
        """Record the worker's clock readings."""
        self._post(Clocked(readings))

    async def audit(self, record: AuditRecord) -> bool:
        """Whether the record is committed. Await it before the action's result is released."""
        if self.closed or not self._writer.running:
            return False
        future: asyncio.Future[bool] = self._loop.create_future()
        self._audits.append(Audited(self._loop, future, record))
        self._writer.wake_for_audits()
        return await future

    async def flush(self) -> bool:
        """Whether everything queued so far is committed."""
        return await self._wait(lambda future: Flush(self._loop, future))

    async def finish(
        self, status: str, exit_code: int, *, ended: float | None = None, modules: dict[str, str] | None = None
    ) -> bool:
        """End the run: `ok`, `error`, `limit` or `cancelled`. Whether its file is complete and closed.

        modules: texts that the spell loaded on its way, by path.
        """
        if self._ended:
            return False
        self._ended = True
        moment = time.time() * 1000 if ended is None else ended
        return await self._wait(
            lambda future: Finish(
                self._loop, future, status=status, exit_code=exit_code, ended=moment, modules=modules or {}
            )
        )

    @property
    def lost(self) -> int:
        """Events that could not be stored."""
        return self._writing.lost if self._writing else 0

    def _post(self, job: Job) -> None:
        self._put(job)
        if self._writer.asleep:
            self._writer.wake()

    async def _wait(self, job: Callable[[asyncio.Future[bool]], Job]) -> bool:
        if self.closed or not self._writer.running:
            return False
        future: asyncio.Future[bool] = self._loop.create_future()
        self._put(job(future))
        self._writer.wake(urgent=True)
        return await future

    def _relieve(self) -> None:
        """The writer is behind: let it work."""
        self._writer.wake(urgent=True)
        time.sleep(0.002)

    # -- the writer thread's side --------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        return self._writing is not None and self._writing.closed

    @property
    def failing(self) -> bool:
        """Whether the last try to write failed and another will be made."""
        return self._writing is not None and self._writing.trouble is not None and not self._writing.dead

    def write_audits(self) -> None:
        """Store the audit records that wait, and nothing else."""
        if self._audits:
            writing = self._writing = self._writing or self._make()
            writing.step(hurry=True, only_audits=True)

    def write(self, *, hurry: bool, last: bool) -> None:
        """Store what is queued. last: the thread ends after this."""
        writing = self._writing = self._writing or self._make()
        while writing.step(hurry=hurry) and (last or len(self._queue) >= _AT_ONCE):
            pass  # fewer have come meanwhile: they gather for the next commit, which costs 0.3 ms however small it is
        if last:
            writing.leave()

    def _tell(self, message: str) -> None:
        if self._on_trouble is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is left to be told
                self._loop.call_soon_threadsafe(self._on_trouble, message)


def _writing(
    data_dir: Path,
    meta: RunMeta,
    queue: deque[Event | Job],
    audits: deque[Audited],
    content: bool,
    mask: Callable[[str], str] | None,
    pack: Callable[[Any], bytes] | None,
    tell: Callable[[str], None],
) -> RunWriting:
    from llmspell.traces.writing import RunWriting  # sqlite3 and json, 9 ms, in the writer thread

    return RunWriting(data_dir, meta, queue, audits, content=content, mask=mask, pack=pack, tell=tell)
