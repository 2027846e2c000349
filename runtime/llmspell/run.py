"""A run: one spell under way. Its identity, limits, events, hooks, effects and cancellation.

Everything that reaches a run from outside passes its `effects` or its `sequencer`; everything that happens is an
event of its log. Knows no engine, no agent and no provider; parts that live as long as the run find each other
through `service`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from llmspell.effects import Effects, Journal, Source
from llmspell.errors import CancelledByUser, LimitError, LlmspellError, ReplayError, ScriptError
from llmspell.events.bus import Bus
from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.hooks.table import HookTable
from llmspell.security.permissions import Permissions
from llmspell.settings import Settings
from llmspell.traces.log import RUN_SPAN, EventLog
from llmspell.traces.sequencer import Sequencer

T = TypeVar("T")


@dataclass(slots=True)
class Span:
    """A stretch of the run. started, ended: the times of its events. `data` is what its end event will say; `status` is
    set at the end unless it is there."""

    number: int
    parent: int
    name: str
    site: str
    started: float = 0.0
    ended: float = 0.0
    data: dict[str, Any] = field(default_factory=dict[str, Any])


_ROOT = Span(RUN_SPAN, 0, "", "")
_current: ContextVar[Span] = ContextVar("llmspell_span", default=_ROOT)
_site: ContextVar[str] = ContextVar("llmspell_site", default="")
_held: ContextVar[tuple[object, ...]] = ContextVar("llmspell_held", default=())


@frozen
class Identity:
    """Who a run is. label: the spell's path as the person knows it. folder: where the spell lies; project: the folder
    that relative paths start from; scratch: the run's own temporary folder."""

    run_id: str
    label: str
    language: str
    folder: Path
    project: Path
    scratch: Path
    user: str = ""
    session: str = ""


class Run:
    """One spell under way. `say` shows the person a text: a stream's name, `out` or `err`, and the text."""

    def __init__(
        self,
        identity: Identity,
        *,
        settings: Settings,
        permissions: Permissions,
        log: EventLog,
        journal: Journal,
        environ: Mapping[str, str],
        source: Source | None = None,
        order: list[str] | None = None,
    ) -> None:
        """source, order: the recording to answer from, and the order of its inputs.

        To be made, and used, in an `own_context`.
        """
        self.identity = identity
        self.settings = settings
        self.permissions = permissions
        self.log = log
        self.journal = journal
        self.environ = environ
        self.bus = Bus()
        self.hooks = HookTable(self, on_error=settings.hooks.on_error)
        over = self._recording_over if source is not None and source.cut_short else None
        self.sequencer = Sequencer(journal.order, order, over=over)
        self.effects = Effects(journal, self.sequencer, source, where=_where, missed=self.fail, spawn=self.spawn)
        self.replaying = source is not None
        self.ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._services: dict[type, Any] = {}
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in the order they were made: so they are cancelled
        self._warned: set[str] = set()
        self._last_acts: list[Callable[[], Awaitable[None]]] = []
        self.say: Callable[[str, str], None] = lambda stream, text: None
        self.calls = 0
        self.cost = 0.0
        self.tokens = 0

    # -- parts ---------------------------------------------------------------------------------------------------

    def service(self, kind: type[T], make: Callable[[Run], T] | None = None) -> T:
        """The run's one object of a class, made at its first use."""
        found = self._services.get(kind)
        if found is None:
            if make is None:
                raise LookupError(f"the run has no {kind.__name__}")
            found = self._services[kind] = make(self)
        return found

    def provide(self, kind: type[T], value: T) -> None:
        self._services[kind] = value

    # -- events --------------------------------------------------------------------------------------------------

    @property
    def span(self) -> Span:
        """The span that the running task is in."""
        return _current.get()

    @property
    def site(self) -> str:
        """The script's position that the running task was called from."""
        return _site.get()

    @contextmanager
    def at(self, site: str) -> Generator[None]:
        """Inside, events carry this position of the script."""
        token = _site.set(site)
        try:
            yield
        finally:
            _site.reset(token)

    @contextmanager
    def holding(self, thing: object, what: str) -> Generator[None]:
        """Inside, the running task has `thing` to itself. Raises ScriptError where it is inside already: it would wait
        for itself for ever."""
        if any(thing is each for each in _held.get()):
            raise ScriptError(
                f"{what} is asked from inside its own turn, which waits for the answer",
                type="deadlock",
                source=_site.get(),
                hint="ask another one there, or ask it when its turn is over",
            )
        token = _held.set((*_held.get(), thing))
        try:
            yield
        finally:
            _held.reset(token)

    def note(self, kind: str, name: str, data: dict[str, Any]) -> Event:
        """A point inside the current span, told to nobody yet."""
        span = _current.get()
        return self.log.emit(
            kind, phase="point", span=span.number, parent=span.parent, name=name, site=_site.get(), data=data
        )

    def emit(self, kind: str, name: str, data: dict[str, Any]) -> Event:
        """A point inside the current span; bus listeners hear it."""
        event = self.note(kind, name, data)
        self.deliver(event)
        return event

    def deliver(self, event: Event) -> None:
        """Tells the bus. A custom event is heard under its own name."""
        name = event.name if event.kind == "custom" else event.kind
        if self.bus.listens(name):
            self.bus.publish(name, self.payload(event))

    def payload(self, event: Event) -> dict[str, Any]:
        """What listeners get of an event: its data, and whose it is."""
        return {
            "event": event.name if event.kind == "custom" else event.kind,
            "timestamp": event.time,
            "source": event.site,
            **event.data,
        }

    def warn(self, message: str, *, once: str = "") -> None:
        """A warning event; with `once`, only the first of that key."""
        if once:
            if once in self._warned:
                return
            self._warned.add(once)
        self.emit("warning", "", {"message": message})

    @contextmanager
    def spanned(
        self,
        start: str,
        end: str,
        name: str,
        data: dict[str, Any],
        deliver: Callable[[Event], None] | None = None,
    ) -> Generator[Span]:
        """A span around the body: a start event, and an end event with the status and what the body put into `data`.

        The end event tells `duration` in milliseconds, from the two events' times.
        """
        tell = deliver or self.deliver
        parent = _current.get()
        span = Span(self.log.new_span(), parent.number, name, _site.get())
        started = self.log.emit(
            start, phase="start", span=span.number, parent=span.parent, name=name, site=span.site, data=data
        )
        span.started = started.time
        token = _current.set(span)
        try:
            tell(started)
            yield span
        except BaseException as error:
            span.data.setdefault("status", "cancelled" if isinstance(error, asyncio.CancelledError) else "error")
            if isinstance(error, LlmspellError):
                span.data.setdefault("error", error.to_value())
            raise
        finally:
            _current.reset(token)
            span.data.setdefault("status", "ok")
            tell(self._close(end, span, started))

    def _close(self, kind: str, span: Span, started: Event) -> Event:
        now = span.ended = self.log.now()
        data = {**span.data, "duration": round(now - started.time, 3)}
        return self.log.emit(
            kind, phase="end", span=span.number, parent=span.parent, name=span.name, site=span.site, data=data, time=now
        )

    @contextmanager
    def hooked(self, point: str, handler: str) -> Generator[Span]:
        """The span of one hook handler."""
        with self.spanned("hook_called", "hook_completed", point, {"point": point, "handler": handler}) as span:
            span.data.update(point=point, handler=handler)
            yield span

    # -- time ----------------------------------------------------------------------------------------------------

    async def within(self, milliseconds: float | None, work: Awaitable[T], what: str) -> T:
        """The work's result, or TimeoutError once the time is over; the work is then cancelled."""
        async with self.effects.deadline(milliseconds, what):
            return await work

    # -- limits and the end --------------------------------------------------------------------------------------

    def count_call(self) -> None:
        """One more request to a model. Raises LimitError past `--max-calls` and `--max-cost`."""
        limits = self.settings.limits
        if limits.max_calls is not None and self.calls >= limits.max_calls:
            self.stop(
                LimitError(
                    f"the run has asked models {self.calls} times, its limit",
                    limit="calls",
                    source=_site.get(),
                    hint="raise --max-calls or [limits] max_calls",
                )
            )
        if limits.max_cost is not None and self.cost >= limits.max_cost:
            self.stop(
                LimitError(
                    f"the run has spent ${self.cost:.4f}, its limit is ${limits.max_cost:g}",
                    limit="cost",
                    source=_site.get(),
                    hint="raise --max-cost or [limits] max_cost",
                )
            )
        self.calls += 1

    def count_usage(self, tokens: int, cost: float | None) -> None:
        self.tokens += tokens
        self.cost += cost or 0.0

    def stop(self, error: LlmspellError) -> None:
        """Ends the run with an error that no script can catch. Raises it as well."""
        self.fail(error)
        raise error

    def fail(self, error: LlmspellError) -> None:
        """Ends the run; the first reason wins."""
        if not self.ended.done():
            self.ended.set_exception(error)

    def finish(self, value: Any) -> None:
        if not self.ended.done():
            self.ended.set_result(value)

    def interrupt(self, error: LlmspellError) -> None:
        """Ends the run for a reason outside of it, in turn; a replay ends there in the same way."""
        if self.replaying:
            self._interrupted(error)
        else:
            self.effects.end(error, lambda: self._interrupted(error))

    def interrupt_again(self) -> bool:
        """In a replay, whether the recorded run was interrupted: this one then will be."""
        return self.effects.end_again(self._interrupted)

    def _interrupted(self, error: LlmspellError) -> None:
        if self.ended.done():
            return
        if isinstance(error, CancelledByUser):
            self.emit("cancelled", "", {"reason": error.message})
        self.fail(error)

    def _recording_over(self) -> None:
        self.fail(
            ReplayError(
                "the recording ends here: its run was lost before it had ended",
                hint="whatever that run did was played again; run the spell itself to go on",
            )
        )

    def spawn(self, work: Coroutine[Any, Any, T], context: Context | None = None) -> asyncio.Task[T]:
        """A task that belongs to the run: it ends with it at the latest. context: the caller's unless given."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    async def close(self) -> None:
        """Cancels what is still under way and waits for it. Raises the first error of the last acts, when all are
        done."""
        self.sequencer.close()
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        failure: Exception | None = None
        for act in self._last_acts:
            try:
                await act()
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def at_end(self, act: Callable[[], Awaitable[None]]) -> None:
        """Does something when the run is over, such as closing what lives as long as it."""
        self._last_acts.append(act)


def unawaited_context() -> Context:
    """The caller's context for work that it will not wait for."""
    context = copy_context()
    context.run(_held.set, ())
    return context


def own_context() -> Context:
    """The caller's context variables without those of a run that it may be part of."""
    context = Context()
    for variable, value in copy_context().items():
        if not variable.name.startswith("llmspell_"):
            context.run(variable.set, value)
    return context


def _where() -> tuple[int, str]:
    return _current.get().number, _site.get()


def inherited_environment(allowed: tuple[str, ...], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of the host that a spell may read."""
    found = os.environ if environ is None else environ
    return {name: found[name] for name in allowed if name in found}
