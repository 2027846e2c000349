"""A run: one spell under way. Its identity, limits, events, hooks, effects and cancellation.

Everything that reaches a run from outside passes its `effects` or its `sequencer`; everything that happens is an
event of its log. Knows no engine, no agent and no provider; parts that live as long as the run find each other
through `service`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar

from llmspell import place
from llmspell.answers import Journal, Source
from llmspell.edits import Edit
from llmspell.effects import Effects
from llmspell.errors import CancelledByUser, LimitError, LlmspellError, ReplayError
from llmspell.events.bus import Bus
from llmspell.events.event import Event
from llmspell.events.listeners import Audience
from llmspell.gate import Gate
from llmspell.hooks.table import HookTable
from llmspell.identity import Guest, Identity, guest_here
from llmspell.place import At, Holding, Span, Spanned, Taking
from llmspell.security.permissions import Permissions
from llmspell.settings import Settings
from llmspell.traces.log import EventLog
from llmspell.traces.sequencer import Sequencer

T = TypeVar("T")

#: Milliseconds that handlers of `on_cancel` and `on_limit` have: who cancels does not wait for long.
_PARTING: Final = 2000.0

#: Around what is nobody's to take.
_NOTHING: Final = nullcontext()


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
        resumes: bool = False,
        effects: type[Effects] = Effects,
        asks_as: str = "",
    ) -> None:
        """source, order: the recording to answer from, and the order of its inputs. resumes: whether the run goes on
        where they end. asks_as: the run's id to services, where that is not the one that the spell knows.

        To be made, and used, in an `own_context`.
        """
        self.identity = identity
        self.settings = settings
        self._permissions = permissions
        self.log = log
        self.journal = journal
        self.environ = environ
        self.bus = Bus()
        self.audience = Audience(self._missed)
        self.hooks = HookTable(self, timeout=settings.hooks.timeout, on_error=settings.hooks.on_error)
        over = self._recording_over if source is not None and source.cut_short and not resumes else None
        self.sequencer = Sequencer(journal.order, order, over=over, opens=self._open if resumes else None)
        self.effects = effects(
            journal,
            self.sequencer,
            source,
            where=_where,
            missed=self.fail,
            spawn=self.spawn,
            room=self._room,
            resumes=resumes,
            identity=asks_as or identity.run_id,
        )
        self.edit: Edit | None = None  # of one call of a forked run
        self.control: Gate | None = None  # once somebody controls the run
        self.replaying = source is not None
        self.opened: Callable[[], None] = lambda: None  # told when the recording has ended that a run resumes
        self.ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._services: dict[type, Any] = {}
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in the order they were made: so they are cancelled
        self._warned: set[str] = set()
        self._last_acts: list[Callable[[], Awaitable[None]]] = []
        self._home = copy_context()
        self.parting = False
        self.worker_ended = False
        self.debugged = False  # its scripts are under a debugger
        self.say: Callable[[str, str], None] = lambda stream, text: None
        self.seed = 0
        self.began = 0.0  # when its first event was
        self.params: Any = None  # the spell's, as hooks left them
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
        return place.span.get()

    @property
    def actor(self) -> str:
        """Who acts in the running task: `spell`, an agent or workflow (`agent:researcher`), a hook file."""
        guest = guest_here.get()
        return (place.span.get().actor or "spell") if guest is None else f"hooks:{guest.label}"

    @property
    def principal(self) -> str:
        """The same for what outlasts the run: a spell is known by its path in the project, and what it makes with it
        (`reports/nightly.lua agent:bookkeeper`)."""
        guest, own = guest_here.get(), place.span.get().actor
        if guest is not None:
            return guest.label
        return f"{self.identity.spell} {own}" if own else self.identity.spell

    @property
    def site(self) -> str:
        """The script's position that the running task was called from."""
        return place.site.get()

    @property
    def guest(self) -> Guest | None:
        """The hook file that the running task works for; None for the spell."""
        return guest_here.get()

    @property
    def permissions(self) -> Permissions:
        """What the running task may do: the spell's grants, or those of the hook file it works for."""
        guest = guest_here.get()
        return self._permissions if guest is None else guest.permissions

    def at(self, site: str) -> At:
        """Inside, events carry this position of the script."""
        return At(site)

    def takes(self, whether: bool) -> AbstractContextManager[None]:
        """Inside, what fails is no failure for who waits: a debugger need not stop there."""
        return Taking() if whether and self.debugged else _NOTHING

    def holding(self, thing: object, what: str) -> Holding:
        """Inside, the running task has `thing` to itself. Raises ScriptError where it is inside already: it would wait
        for itself for ever."""
        return Holding(thing, what)

    def note(self, kind: str, name: str, data: dict[str, Any], time: float | None = None) -> Event:
        """A point inside the current span, told to nobody yet. time: the reading of the log's `now` that the data was
        made with."""
        span = place.span.get()
        return self.log.emit(
            kind,
            phase="point",
            span=span.number,
            parent=span.parent,
            name=name,
            site=place.site.get(),
            data=data,
            time=time,
        )

    def emit(self, kind: str, name: str, data: dict[str, Any], time: float | None = None) -> Event:
        """A point inside the current span; bus listeners hear it."""
        event = self.note(kind, name, data, time)
        self.deliver(event)
        return event

    def deliver(self, event: Event) -> None:
        """Tells the bus. A custom event is heard under its own name."""
        name = event.name if event.kind == "custom" else event.kind
        if self.bus.listens(name):
            self.bus.publish(name, self.payload(event))

    def _missed(self, data: dict[str, Any]) -> None:
        self.emit("events_dropped", data["pattern"], data)

    def _room(self) -> Awaitable[None] | None:
        """For who is about to ask something of the outside: what it emits next, a listener must have room for. A run
        that is paused asks nothing."""
        if self.control is not None and (held := self.control.held()) is not None:
            return held
        listener = self.audience.behind
        if listener is None:
            return None
        what = f"the listener of {listener.pattern!r} ({listener.function.site})"
        self.warn(f"the run waits for {what}, which is {listener.limit} events behind", once=f"behind {what}")
        return self.audience.room()

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

    def spanned(
        self, start: str, end: str, name: str, data: dict[str, Any], deliver: Callable[[Event], None] | None = None
    ) -> Spanned:
        """A span around the body: a start event, and an end event with the status and what the body put into `data`."""
        return Spanned(self.log, deliver or self.deliver, start, end, name, data)

    def hooked(self, point: str, handler: str) -> Spanned:
        """The span of one hook handler."""
        data = {"point": point, "handler": handler}
        return Spanned(self.log, self.deliver, "hook_called", "hook_completed", point, data, data)

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
                    source=place.site.get(),
                    hint="raise --max-calls or [limits] max_calls",
                )
            )
        if limits.max_cost is not None and self.cost >= limits.max_cost:
            self.stop(
                LimitError(
                    f"the run has spent ${self.cost:.4f}, its limit is ${limits.max_cost:g}",
                    limit="cost",
                    source=place.site.get(),
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
        """Ends the run; the first reason wins. Handlers of `on_limit` and `on_cancel` are asked before."""
        if self.ended.done() or self.parting:
            return
        self.effects.over(error)
        if self.control is not None:
            self.control.over()
        match error:
            case LimitError():
                point, context = "on_limit", {"limit": error.limit, "error": error}
            case CancelledByUser():
                point, context = "on_cancel", {"reason": error.message}
            case _:
                point, context = "", {}
        if point and self.hooks.wants(point):
            self.parting = True
            self.spawn_apart(self._part(point, context, error))
        else:
            self.ended.set_exception(error)

    async def _part(self, point: str, context: dict[str, Any], error: LlmspellError) -> None:
        """Asks the last handlers; whatever they do, the run ends."""
        try:
            await self.within(_PARTING, self.hooks.ask(point, context), point)
        except LlmspellError as problem:
            self.note("warning", point, {"message": f"{point} was not asked to the end: {problem.message}"})
        finally:
            if not self.ended.done():
                self.ended.set_exception(error)

    def finish(self, value: Any) -> None:
        if not self.ended.done() and not self.parting:
            self.ended.set_result(value)

    def interrupt(self, error: LlmspellError) -> None:
        """Ends the run for a reason outside of it, in turn; a replay ends there in the same way. A second time it does
        not wait for handlers."""
        if self.parting:
            if not self.ended.done():
                self.ended.set_exception(error)
        elif self.replaying:
            self._interrupted(error)
        else:
            self.effects.end(error, lambda: self._interrupted(error))

    def interrupt_again(self) -> bool:
        """In a replay, whether the recorded run was interrupted: this one then will be."""
        return self.effects.end_again(self._interrupted)

    def _interrupted(self, error: LlmspellError) -> None:
        if self.ended.done():
            return
        self.worker_ended = self.worker_ended or error.data.get("worker") == "ended"
        if isinstance(error, CancelledByUser):
            self.emit("cancelled", "", {"reason": error.message})
        self.fail(error)

    def _open(self) -> None:
        """The recording has ended: once it is stored as this run's own, the run is live."""
        self.opened()
        self.spawn_apart(self._go_on())

    async def _go_on(self) -> None:
        self.effects.opens()
        await self.journal.flush()
        self.replaying = False
        self.effects.open()
        self.sequencer.open()

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

    def spawn_apart(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of the run that belongs to none of its spans, whoever makes it."""
        return self.spawn(work, self._home.copy())

    async def close(self) -> None:
        """Cancels what is still under way and waits for it. Raises the first error of the last acts, when all are
        done."""
        self.sequencer.close()
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.audience.tell_all_missed()
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


def _where() -> tuple[int, str]:
    return place.span.get().number, place.site.get()
