"""Where the running task is in its run: the span it is in, the script's position, what it has to itself.

Context variables and what sets them for a `with`; plain classes, for a generator with `@contextmanager` takes three
times as long and a model call needs five to nine of them. Knows no run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

from llmspell.errors import LlmspellError, ScriptError
from llmspell.events.event import Event
from llmspell.traces.log import RUN_SPAN, EventLog


@dataclass(slots=True)
class Span:
    """A stretch of the run. started, ended: the times of its events. `data` is what its end event will say; `status` is
    set at the end unless it is there. actor: who acts in it, such as `agent:researcher`; "" is the spell itself."""

    number: int
    parent: int
    name: str
    site: str
    started: float = 0.0
    ended: float = 0.0
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    actor: str = ""


_ROOT: Final = Span(RUN_SPAN, 0, "", "")
span: Final[ContextVar[Span]] = ContextVar("llmspell_span", default=_ROOT)
site: Final[ContextVar[str]] = ContextVar("llmspell_site", default="")
held: Final[ContextVar[tuple[object, ...]]] = ContextVar("llmspell_held", default=())
taken: Final[ContextVar[bool | None]] = ContextVar("llmspell_taken", default=None)
"""In runs that are debugged: True where what waits for the running task goes on when that fails; False where nothing
waits for it."""


class At:
    """Inside, events carry a position of the script."""

    __slots__ = ("_site", "_token")

    def __init__(self, where: str) -> None:
        self._site = where

    def __enter__(self) -> None:
        self._token = site.set(self._site)

    def __exit__(self, *error: object) -> None:
        site.reset(self._token)


class Holding:
    """Inside, the running task has a thing to itself. Raises ScriptError where it is inside already: it would wait for
    itself for ever."""

    __slots__ = ("_thing", "_token", "_what")

    def __init__(self, thing: object, what: str) -> None:
        self._thing = thing
        self._what = what

    def __enter__(self) -> None:
        things = held.get()
        for each in things:
            if each is self._thing:
                raise ScriptError(
                    f"{self._what} is asked from inside its own turn, which waits for the answer",
                    type="deadlock",
                    source=site.get(),
                    hint="ask another one there, or ask it when its turn is over",
                )
        self._token = held.set((*things, self._thing))

    def __exit__(self, *error: object) -> None:
        held.reset(self._token)


class Taking:
    """Inside, what fails is taken by whoever entered."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = taken.set(True)

    def __exit__(self, *error: object) -> None:
        taken.reset(self._token)


class Spanned:
    """A span around the body: a start event, and an end event with the status and what the body put into `data`.

    The end event tells `duration` in milliseconds, from the two events' times. known: what it tells in any case.
    """

    __slots__ = ("_data", "_deliver", "_end", "_known", "_log", "_name", "_span", "_start", "_started", "_token")
    _token: Token[Span]
    _started: Event
    _span: Span

    def __init__(
        self,
        log: EventLog,
        deliver: Callable[[Event], None],
        start: str,
        end: str,
        name: str,
        data: dict[str, Any],
        known: dict[str, Any] | None = None,
    ) -> None:
        self._log = log
        self._deliver = deliver
        self._start = start
        self._end = end
        self._name = name
        self._data = data
        self._known = known

    def __enter__(self) -> Span:
        parent, log, where = span.get(), self._log, site.get()
        number = log.new_span()
        started = self._started = log.emit(
            self._start, phase="start", span=number, parent=parent.number, name=self._name, site=where, data=self._data
        )
        told = dict(self._known) if self._known else {}
        opened = self._span = Span(number, parent.number, self._name, where, started.time, 0.0, told, parent.actor)
        self._token = span.set(opened)
        try:
            self._deliver(started)
        except BaseException as error:
            self._leave(error)
            raise
        return opened

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        span.reset(self._token)
        opened, log = self._span, self._log
        data = opened.data
        if error is None:
            data.setdefault("status", "ok")
        else:
            data.setdefault("status", "cancelled" if isinstance(error, asyncio.CancelledError) else "error")
            if isinstance(error, LlmspellError):
                data.setdefault("error", error.to_value())
        now = opened.ended = log.now()
        ended = log.emit(
            self._end,
            phase="end",
            span=opened.number,
            parent=opened.parent,
            name=opened.name,
            site=opened.site,
            data={**data, "duration": round(now - opened.started, 3)},
            time=now,
        )
        self._deliver(ended)
