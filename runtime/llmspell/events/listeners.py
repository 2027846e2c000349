"""A bus listener from a script's function: posted, never waited for, its payload named in the script's language.

Each listener has a queue of its own: the events whose handler has not finished. A handler that does not wait is done
before the emitter goes on, so its queue is empty; one that waits may fall behind. At its limit nothing is lost
silently: whoever emits waits (`Audience`), or, where the listener opted for `overflow = "drop"`, it misses events and
is told how many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final, Literal, TypedDict

from llmspell.api.callback import Callback
from llmspell.api.check import present
from llmspell.api.event_kinds import BY_NAME, PAYLOAD_SCHEMA

#: What the runtime adds to a script's own event; its other keys are the emitter's.
_CUSTOM_SCHEMA: Final[dict[str, Any]] = {"type": "object", "properties": {"agent_id": {}, "agent_name": {}}}

#: Events that may be unfinished before emitters wait, unless a listener says otherwise.
LIMIT: Final = 1_000

#: What a handler does by telling something. It does not hear that itself: it would tell it again, without end.
_TELLING: Final = frozenset(
    {"output", "log", "metric_recorded", "timer_started", "events_dropped", "warning", "hook_called", "hook_completed"}
)

#: The functions that what runs is the doing of.
_hearing: ContextVar[frozenset[Callback]] = ContextVar("llmspell_hearing", default=frozenset())
_heard_by: ContextVar[Hearing | None] = ContextVar("llmspell_heard_by", default=None)

Misses = Callable[[dict[str, Any]], object]


class ListenerOptions(TypedDict, total=False):
    """How a listener copes with more events than it can handle."""

    concurrency: int
    """Handlers at work at once; the other events wait their turn. No limit unless given."""
    limit: int
    """Events that may wait or be at work; 1,000 unless given."""
    overflow: Literal["wait", "drop"]
    """At the limit: emitters wait (`wait`), or the listener misses what comes, counted in `events_dropped`."""


class Audience:
    """The scripts' listeners of a run, and whether one of them is behind: then who emits is to wait for `room`."""

    def __init__(self, misses: Misses) -> None:
        """misses: told, as the data of an `events_dropped` event, what a listener has missed."""
        self._misses = misses
        self._behind: dict[ScriptListener, None] = {}
        self._missing: dict[ScriptListener, None] = {}
        self._room: asyncio.Future[None] | None = None

    @property
    def behind(self) -> ScriptListener | None:
        """A listener that has reached its limit; None while all of them keep up, and for whoever works for one that
        is: it would wait for itself."""
        if not self._behind or _hearing.get():
            return None
        return next(iter(self._behind))

    async def room(self) -> None:
        """Returns once no listener is at its limit."""
        while self.behind is not None:
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)

    def falls_behind(self, listener: ScriptListener) -> None:
        self._behind[listener] = None

    def catches_up(self, listener: ScriptListener) -> None:
        self._behind.pop(listener, None)
        if not self._behind and self._room is not None:
            room, self._room = self._room, None
            room.set_result(None)

    def misses(self, listener: ScriptListener) -> None:
        self._missing[listener] = None

    def tell_missed(self, listener: ScriptListener) -> None:
        """Tells how many events a listener has missed since the last one it heard."""
        if self._missing.pop(listener, self) is self:
            return
        told = {"pattern": listener.pattern, "handler": listener.function.site, "count": listener.missed}
        listener.missed = 0
        with _as_hearing(listener):
            self._misses(told)

    def tell_all_missed(self) -> None:
        for listener in list(self._missing):
            self.tell_missed(listener)


class Hearing:
    """The handlers that one event has set going: `done` returns when they have finished."""

    def __init__(self) -> None:
        self.count = 0
        self._unfinished = 0
        self._over: asyncio.Future[None] | None = None

    def begin(self) -> None:
        self.count += 1
        self._unfinished += 1

    def end(self) -> None:
        self._unfinished -= 1
        if not self._unfinished and self._over is not None and not self._over.done():
            self._over.set_result(None)

    async def done(self) -> None:
        if self._unfinished:
            self._over = asyncio.get_running_loop().create_future()
            await self._over

    def __enter__(self) -> Hearing:
        self._token = _heard_by.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        _heard_by.reset(self._token)


class ScriptListener:
    """pattern: what it listens to. missed: events since the last one it heard; dropped: those in all."""

    __slots__ = (
        *("_audience", "_concurrency", "_drops", "_unfinished", "_waiting", "_working"),
        *("dropped", "function", "limit", "missed", "pattern"),
    )

    def __init__(self, function: Callback, pattern: str, audience: Audience, options: ListenerOptions) -> None:
        self.function = function
        self.pattern = pattern
        self.limit = max(1, options.get("limit") or LIMIT)
        self._concurrency = max(0, options.get("concurrency") or 0)
        self._drops = options.get("overflow") == "drop"
        self._audience = audience
        self._waiting: deque[tuple[Context, tuple[Any, ...], Hearing | None]] = deque()
        self._working = 0
        self._unfinished = 0
        self.missed = 0
        self.dropped = 0

    @property
    def full(self) -> bool:
        """Whether emitters are to wait for it."""
        return self._unfinished >= self.limit and not self._drops

    def __call__(self, *args: Any) -> None:
        payload = args[-1]
        if isinstance(payload, dict) and payload.get("event") in _TELLING and self.function in _hearing.get():
            return
        if self._drops and self._unfinished >= self.limit:
            self.missed += 1
            self.dropped += 1
            self._audience.misses(self)
            return
        hearing = _heard_by.get()
        if hearing is not None:
            hearing.begin()
        self._unfinished += 1
        if self.full:
            self._audience.falls_behind(self)
        if self._concurrency and self._working >= self._concurrency:
            self._waiting.append((copy_context(), args, hearing))
        else:
            self._work(args, hearing)
        if self.missed:
            self._audience.tell_missed(self)

    def _work(self, args: tuple[Any, ...], hearing: Hearing | None) -> None:
        self._working += 1

        def done() -> None:
            self._working -= 1
            self._unfinished -= 1
            if hearing is not None:
                hearing.end()
            if self._waiting:
                context, following, heard_by = self._waiting.popleft()
                context.run(self._work, following, heard_by)
            if not self.full:
                self._audience.catches_up(self)

        with _as_hearing(self):
            self.function.post(*args, schema=_schema(args[-1]), done=done)


class _as_hearing:
    """Inside, what happens is the doing of this listener's handler, and no part of the event it was told."""

    __slots__ = ("_heard_by", "_hearing", "_listener")

    def __init__(self, listener: ScriptListener) -> None:
        self._listener = listener

    def __enter__(self) -> None:
        self._hearing = _hearing.set(_hearing.get() | {self._listener.function})
        self._heard_by = _heard_by.set(None)

    def __exit__(self, *error: object) -> None:
        _heard_by.reset(self._heard_by)
        _hearing.reset(self._hearing)


def listener_of(function: Any, pattern: str, audience: Audience, options: ListenerOptions | None = None) -> Any:
    """A script's function as a listener; any other callable is one already."""
    return ScriptListener(function, pattern, audience, options or {}) if isinstance(function, Callback) else function


def named(payload: Any, language: str) -> Any:
    """A payload with the runtime's own keys as the language writes them."""
    return present(payload, _schema(payload), language)


def _schema(payload: Any) -> dict[str, Any]:
    known = isinstance(payload, dict) and payload.get("event") in BY_NAME
    return PAYLOAD_SCHEMA if known else _CUSTOM_SCHEMA
