"""The seam between a run and whatever runs its spell: a worker process (`process`) or a thread here (`inprocess`).

Both speak `protocol` over a socket; a run sees frames, a verdict and nothing of the difference.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import Protocol

from llmspell.engines import protocol
from llmspell.engines.protocol import Frame
from llmspell.errors import LlmspellError
from llmspell.frozen import frozen

OnFrame = Callable[[Frame], None]


@frozen
class Limits:
    """What a spell may use before it is stopped. None: no limit.

    stall: seconds of CPU since the worker's last frame; this is what stops an endless loop.
    cpu: seconds of CPU in all.
    wall: seconds on the clock, pauses not counted.
    memory_mb: the engine's heap.
    frame_bytes: one frame, so one value that crosses.
    """

    stall: float | None = 10.0
    cpu: float | None = 300.0
    wall: float | None = None
    memory_mb: int = 256
    frame_bytes: int = protocol.FRAME_LIMIT


@frozen
class Exit:
    """How a worker ended.

    error: None when the spell ended by its own `done` or `fail` frame; else what stopped it, ready to be shown.
    cpu: seconds of CPU it used, 0.0 where that is not known. peak_mb: most memory it held, zygote's share included.
    """

    error: LlmspellError | None
    cpu: float = 0.0
    peak_mb: float = 0.0


class Transport(Protocol):
    """A worker as its run sees it. Everything is called, and calls back, in one event loop's thread."""

    @property
    def exit(self) -> Future[Exit]:
        """Resolves once, after the last frame was delivered. Never raises, never cancelled by us."""
        ...

    @property
    def pid(self) -> int | None:
        """The worker's process: known when its first frame is delivered; None for a thread."""
        ...

    @property
    def last_site(self) -> str:
        """`file:line` of the latest frame that carried one, or ""."""
        ...

    @property
    def buffered(self) -> int:
        """Bytes sent but not yet taken by the socket: a worker that does not read."""
        ...

    def idle(self) -> bool:
        """Whether the worker waits for a frame, or is gone: it has done nothing since this was last asked."""
        ...

    @property
    def received(self) -> int:
        """Bytes that have come from the worker so far."""
        ...

    def send(self, frame: bytes) -> None:
        """Sends an encoded frame (`protocol.encode`). Never waits; after the end it does nothing."""
        ...

    def kill(self, error: LlmspellError | None = None) -> None:
        """Ends the spell now, with `error` as the verdict (default: cancelled). The first verdict stands."""
        ...

    def pause_reading(self) -> None:
        """Frames stay in the socket until `resume_reading`: a worker that floods waits in its turn. Calls
        nest; what was read already is still delivered."""
        ...

    def resume_reading(self) -> None: ...

    def pause_watchdog(self) -> None:
        """The clocks of the limits stand still: the run is paused or being debugged. Calls nest."""
        ...

    def resume_watchdog(self) -> None: ...
