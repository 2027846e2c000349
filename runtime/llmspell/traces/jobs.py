"""What a run queues for the writer thread beside its events.

Plain classes where nobody else looks at them: defining a frozen dataclass costs 0.5 ms on the way to a first line.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from llmspell.frozen import frozen

if TYPE_CHECKING:
    import asyncio

    from llmspell.traces.audit import AuditRecord


@frozen
class Answer:
    """What the world answered to one request of a run: the unit of replay.

    seq: the event that completed it. kind: `llm`, `tool`, `timer`, `module`, … key: `keys.key(kind, name, input)`,
    or "" to let the writer's thread make it.
    span: the span around it; occurrence: how many equal requests that span had before, from 0.
    ok: False where `output` is an error map.
    text, packed: input and output as the recording that is replayed holds them, to be kept as they are.
    number: of the request in the run, which the keys of its admissions have; 0 for what was not asked for.
    """

    seq: int
    kind: str
    name: str
    key: str
    span: int
    occurrence: int
    input: Any
    output: Any
    ok: bool = True
    text: str = ""
    packed: bytes = b""
    number: int = 0


class Admitted:
    """An input was let in: its key in the order of inputs."""

    __slots__ = ("key",)

    def __init__(self, key: str) -> None:
        self.key = key


class Clocked:
    """Clock readings of the worker: packed little-endian doubles."""

    __slots__ = ("readings",)

    def __init__(self, readings: bytes) -> None:
        self.readings = readings


class Flush:
    """Everything queued before this is to be committed. `settle` is called in the writer thread."""

    __slots__ = ("_future", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[bool]) -> None:
        self._loop = loop
        self._future = future

    def settle(self, stored: bool) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._set, stored)

    def _set(self, stored: bool) -> None:
        if not self._future.done():
            self._future.set_result(stored)


class Audited(Flush):
    """An audit record, and who waits for it to be committed."""

    __slots__ = ("record",)

    def __init__(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[bool], record: AuditRecord) -> None:
        super().__init__(loop, future)
        self.record = record


class Finish(Flush):
    """The run has ended."""

    __slots__ = ("ended", "exit", "modules", "status")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[bool],
        *,
        status: str,
        exit_code: int,
        ended: float,
        modules: dict[str, str],
    ) -> None:
        super().__init__(loop, future)
        self.status = status
        self.exit = exit_code
        self.ended = ended
        self.modules = modules


Job = Answer | Admitted | Clocked | Flush
