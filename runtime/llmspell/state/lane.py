"""A thread of its own for something that blocks: what is asked for happens there in the order of asking.

The thing is opened in the thread at the first job, and closed there. What has gathered while the thread was busy is
done together (`Blocking.together`): one transaction for many. Knows nothing of what is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

T = TypeVar("T")

#: Jobs done together at most: nobody should wait long for those behind.
_TOGETHER: Final = 128
#: Seconds between two looks for what others have changed, while somebody listens.
LOOK: Final = 0.02


class Blocking(Protocol):
    """What a lane owns."""

    def together(self) -> AbstractContextManager[object]:
        """Around several jobs; they count as done when it has ended well."""
        ...

    def changed(self) -> bool:
        """Whether anything was written since the last time it was asked, by whichever process."""
        ...

    def close(self) -> None: ...


B = TypeVar("B", bound=Blocking)


@dataclass(slots=True)
class _Job(Generic[B]):
    work: Callable[[B], Any]
    future: asyncio.Future[Any]
    writes: bool

    def settle(self, value: Any, error: Exception | None) -> None:
        if self.future.done():  # whoever waited was cancelled
            return
        if error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)


class Lane(Generic[B]):
    """open: makes the thing, in the thread; where that fails, so does every job until it works."""

    def __init__(self, open: Callable[[], B], name: str) -> None:
        self._open = open
        self._jobs: queue.SimpleQueue[_Job[B] | None] = queue.SimpleQueue()
        self._listeners: dict[object, tuple[asyncio.AbstractEventLoop, Callable[[], None]]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._name = name
        self._target: B | None = None

    async def do(self, work: Callable[[B], T], *, writes: bool = False) -> T:
        """What the work gives. A cancelled caller goes on at once; the work may still be done."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._thread is None:
            self._start()
        self._jobs.put(_Job(work, future, writes))
        return await future

    def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Calls `wake` in the running loop soon after each change; the result ends that."""
        key = object()
        self._listeners[key] = (asyncio.get_running_loop(), wake)
        self._start()
        if len(self._listeners) == 1:  # it may wait for a job without end
            self._jobs.put(_Job(lambda target: target.changed(), asyncio.get_running_loop().create_future(), False))
        return lambda: self._listeners.pop(key, None) and None

    async def close(self) -> None:
        """Waits for what was asked for, then ends the thread."""
        thread = self._thread
        if thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)
            self._thread = None

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def _work(self) -> None:
        last = False
        while not last:
            try:
                first = self._jobs.get(timeout=LOOK if self._listeners else None)
            except queue.Empty:
                self._look()
                continue
            jobs: list[_Job[B]] = []
            while first is not None and len(jobs) < _TOGETHER:
                jobs.append(first)
                try:
                    first = self._jobs.get_nowait()
                except queue.Empty:
                    break
            else:
                last = first is None
                if first is not None:
                    jobs.append(first)
            if jobs:
                self._do(jobs)
                self._look()
        if self._target is not None:
            self._target.close()

    def _do(self, jobs: list[_Job[B]]) -> None:
        """Sets the results once all is durable: those who wait were told nothing until then."""
        if len(jobs) == 1 and self._target is not None:  # nearly always, and 4 us less
            job, (value, error) = jobs[0], _done(self._target, jobs[0].work)
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits
                job.future.get_loop().call_soon_threadsafe(job.settle, value, error)
            return
        results: list[tuple[Any, Exception | None]] = []
        failure: Exception | None = None
        try:
            target = self._target = self._target or self._open()
            many = sum(job.writes for job in jobs) > 1
            with target.together() if many else contextlib.nullcontext():
                results.extend(_done(target, job.work) for job in jobs)
        except Exception as error:
            failure = error
        told: dict[asyncio.AbstractEventLoop, list[tuple[_Job[B], Any, Exception | None]]] = {}
        for at, job in enumerate(jobs):
            value, error = (None, failure) if failure is not None else results[at]
            told.setdefault(job.future.get_loop(), []).append((job, value, error))
        for loop, settled in told.items():
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits
                loop.call_soon_threadsafe(_settle, settled)

    def _look(self) -> None:
        if not self._listeners or self._target is None:
            return
        try:
            news = self._target.changed()
        except Exception:  # whoever asks next is told why
            news = True
        if news:
            for loop, wake in list(self._listeners.values()):
                with contextlib.suppress(RuntimeError):  # the loop has closed
                    loop.call_soon_threadsafe(wake)


def _done(target: B, work: Callable[[B], T]) -> tuple[T | None, Exception | None]:
    try:
        return work(target), None
    except Exception as error:
        return None, error


def _settle(settled: list[tuple[_Job[Any], Any, Exception | None]]) -> None:
    for job, value, error in settled:
        job.settle(value, error)
