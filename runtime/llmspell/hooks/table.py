"""Which handlers are asked at a hook point, in which order, and what becomes of what they answer.

A handler is an async callable that takes the context (a dict, snake_case) and gives back the context as it left it.
Only fields that the point declares writable take effect, together with fields the handler adds: those live on from
`before_…` to `after_…`. A throw is a veto. Handlers run one after the other, highest priority first, until one answers
in place of the unit; a call made inside a handler asks no handler of the same point.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Literal, Protocol

from llmspell.api.callback import Gone
from llmspell.api.hook_points import BY_NAME, HookPoint
from llmspell.api.names import near, snake
from llmspell.errors import (
    ArgumentError,
    CancelledByUser,
    LimitError,
    LlmspellError,
    ReplayError,
    TimeoutError,  # noqa: A004
)
from llmspell.frozen import frozen

Context = dict[str, Any]
Handler = Callable[[Context], Awaitable[Any]]
Own = tuple[Mapping[str, Handler], ...]
"""The handlers of an agent or a tool themselves, by point; a tool call has those of both."""
OnHookError = Literal["fail", "ignore"]

#: Handlers inside handlers inside handlers: deeper than this is a loop.
DEPTH_LIMIT: Final = 16

#: What no handler may repeat, soften or ignore.
FINAL: Final = (LimitError, CancelledByUser, ReplayError)

_active: ContextVar[tuple[str, ...]] = ContextVar("llmspell_active_hook_points", default=())
_workflows: ContextVar[tuple[str, ...]] = ContextVar("llmspell_workflows", default=())


@frozen
class Since:
    """A context value that a handler sees as the milliseconds from `start` (an event's time) to when it is asked."""

    start: float


@dataclass(slots=True, eq=False)
class Registration:
    """One handler at one point. agent, tool, workflow: the name it is limited to, None for all; a workflow's handlers
    serve everything inside it. timeout: milliseconds it may take, None for the table's. site: where it was registered.
    source: whose it is, to take away together what one hook file registered. cut_off: told when it took too long."""

    point: str
    handler: Handler
    priority: int
    order: int
    agent: str | None = None
    tool: str | None = None
    workflow: str | None = None
    once: bool = False
    timeout: float | None = None
    site: str = ""
    source: object = None
    cut_off: Callable[[], None] | None = None
    enabled: bool = True


class Several:
    """Handlers of one point that an agent or tool has, asked in turn."""

    __slots__ = ("each",)

    def __init__(self, each: list[Handler]) -> None:
        self.each = each

    async def __call__(self, context: Context) -> Any:
        for handler in self.each:
            context = await handler(context)
        return context


class Filter(Protocol):
    """Sees one text in pieces, before its reader does, and gives what is given out; raises where nothing more is."""

    def feed(self, text: str) -> str:
        """What of the text so far can be given out now."""
        ...

    def end(self) -> str:
        """The rest of it."""
        ...


class HookHost(Protocol):
    """What the table needs of the run it serves."""

    def emit(self, kind: str, name: str, data: dict[str, Any]) -> object: ...

    def hooked(self, point: str, handler: str) -> Any:
        """A context manager: the span of one handler's work. Its `changes` and `status` are told by `span.data`."""
        ...

    async def within(self, milliseconds: float | None, work: Awaitable[Any], what: str) -> Any:
        """The work's result, or a TimeoutError."""
        ...


@dataclass(slots=True)
class HookTable:
    """The handlers of a run. timeout: milliseconds a handler may take; on_error: what a failing after-handler does;
    unanswered: the handler that was asked last, if it has not answered (it was cut off, perhaps, and computes on);
    pause: waited for before handlers are asked, while a hook file that has to serve is being started; reached: waited
    for before each handler is asked, given the point, its position and the context, where somebody controls the run."""

    host: HookHost
    timeout: float = 30_000
    on_error: OnHookError = "fail"
    unanswered: str = ""
    pause: Callable[[], Awaitable[None]] | None = None
    reached: Callable[[str, str, Context], Awaitable[None]] | None = None
    _by_point: dict[str, list[Registration]] = field(default_factory=dict[str, list[Registration]])
    _order: Iterator[int] = field(default_factory=count)

    def register(
        self,
        point: str,
        handler: Handler,
        *,
        priority: int = 0,
        agent: str | None = None,
        tool: str | None = None,
        workflow: str | None = None,
        once: bool = False,
        timeout: float | None = None,
        site: str = "",
        source: object = None,
        cut_off: Callable[[], None] | None = None,
    ) -> Registration:
        """Adds a handler. Raises ArgumentError for a point that does not exist."""
        name = point_named(point).name
        order = next(self._order)
        limited = (agent, tool, workflow, once, timeout)
        found = Registration(name, handler, priority, order, *limited, site, source, cut_off)
        handlers = self._by_point.setdefault(name, [])
        handlers.append(found)
        handlers.sort(key=lambda each: (-each.priority, each.order))
        return found

    def unregister(self, registration: Registration) -> None:
        handlers = self._by_point.get(registration.point, [])
        if registration in handlers:
            handlers.remove(registration)

    def unregister_all(self, source: object) -> None:
        """Takes away what one source registered."""
        for found in self.listed():
            if found.source is source:
                self.unregister(found)

    def listed(self) -> list[Registration]:
        return [found for handlers in self._by_point.values() for found in handlers]

    def wants(self, point: str, own: Own = ()) -> bool:
        """Whether anybody might be asked: lets a caller skip making the context."""
        if self._by_point.get(point) or self.pause is not None:
            return True
        for handlers in own:  # noqa: SIM110  six times a model call, and `any` takes twice as long
            if point in handlers:
                return True
        return False

    def filters(self, point: str, agent: str | None, own: Own) -> list[Filter]:
        """What a text goes through that is given out in pieces before handlers of the point are asked about it."""
        if point in _active.get() or not self.wants(point, own):
            return []
        made = [getattr(each.handler, "filter", None) for each in self._matching(point, agent, None, own)]
        return [make() for make in made if make is not None]

    async def ask(
        self,
        point: str,
        context: Context,
        *,
        agent: str | None = None,
        tool: str | None = None,
        own: Own = (),
        only_tool: bool = False,
    ) -> Context:
        """The context as the handlers left it. Raises what a handler threw.

        own: asked after global handlers of priority 0 and above. only_tool: ask only those and the ones registered
        for this tool (`before_execute` of a tool is not that of an agent).
        """
        active = _active.get()
        if point in active:
            return context
        if self.pause is not None:
            await self.pause()
        handlers = self._matching(point, agent, tool, own)
        if only_tool:
            handlers = [each for each in handlers if each.tool == tool]
        if not handlers:
            return context
        if len(active) >= DEPTH_LIMIT:
            raise LimitError(f"hooks call each other {DEPTH_LIMIT} deep at {point}", limit="depth")
        answer = BY_NAME[point].answer
        with _inside(point):
            for registration in handlers:
                if registration.once:
                    self.unregister(registration)
                if self.reached is not None:
                    await self.reached(point, registration.site, context)
                context = await self._ask_one(BY_NAME[point], registration, context)
                if answer and context.get(answer) is not None:
                    break
        return context

    async def _ask_one(self, point: HookPoint, registration: Registration, context: Context) -> Context:
        with self.host.hooked(point.name, registration.site) as span:
            asked = {
                key: round(span.started - value.start, 3) if isinstance(value, Since) else value
                for key, value in context.items()
            }
            limit = registration.timeout or getattr(registration.handler, "timeout", self.timeout)
            thrown: list[LlmspellError] = []
            self.unanswered = what = _what(registration)
            try:
                given = await self.host.within(limit, _told(registration.handler(dict(asked)), thrown), what)
            except FINAL:
                raise
            except LlmspellError as error:
                if thrown:
                    self._answered(what)
                elif isinstance(error, TimeoutError) and registration.cut_off is not None:
                    registration.cut_off()
                span.data["error"] = error.to_value()
                is_veto = point.name.startswith("before_") and bool(thrown)
                if not point.veto or (self.on_error == "ignore" and not is_veto):
                    span.data["status"] = "ignored"
                    return context
                span.data["status"] = "veto" if is_veto else "error"
                raise
            self._answered(what)
            changed, refused = merge(point, asked, given)
            changes = {key: value for key, value in changed.items() if asked.get(key) != value}
            span.data["changes"] = changes
            if changes:
                span.data["before"] = {key: asked.get(key) for key in changes}
            if refused:
                names = ", ".join(sorted(refused))
                self.host.emit(
                    "warning", point.name, {"message": f"{point.name} cannot change {names}: it is read-only"}
                )
            return changed

    def _answered(self, what: str) -> None:
        if self.unanswered == what:
            self.unanswered = ""

    def _matching(self, point: str, agent: str | None, tool: str | None, own: Own) -> list[Registration]:
        workflows = _workflows.get()
        found = [
            each
            for each in self._by_point.get(point, ())
            if each.enabled
            and each.agent in (None, agent)
            and each.tool in (None, tool)
            and (each.workflow is None or each.workflow in workflows)
        ]
        place = next((i for i, each in enumerate(found) if each.priority < 0), len(found))
        found[place:place] = [
            Registration(point, handler, 0, 0, agent, tool, site=getattr(handler, "site", ""))
            for handlers in own
            if (given := handlers.get(point)) is not None
            for handler in (given.each if isinstance(given, Several) else (given,))
        ]
        return found


@contextmanager
def in_workflow(name: str) -> Generator[None]:
    """Inside, handlers that were registered for this workflow are asked too, at whatever point."""
    token = _workflows.set((*_workflows.get(), name))
    try:
        yield
    finally:
        _workflows.reset(token)


def point_named(name: str) -> HookPoint:
    """The hook point of a name in any spelling. Raises ArgumentError with a suggestion."""
    found = BY_NAME.get(snake(name))
    if found is None:
        close = near(snake(name), BY_NAME)
        hint = f"did you mean {close[0]!r}?" if close else f"hook points: {', '.join(BY_NAME)}"
        raise ArgumentError(f"there is no hook point {name!r}", hint=hint)
    return found


def merge(point: HookPoint, before: Context, after: Any) -> tuple[Context, set[str]]:
    """What takes effect of a handler's context, and the read-only fields it tried to change."""
    if not isinstance(after, dict):
        return before, set()
    changed = {
        key: value
        for key, value in after.items()
        if key not in before
        or not (value is before[key] or (value == before[key] if type(value) is str else _same(value, before[key])))
    }
    refused = {key for key in changed if key in before and key in point.readable}
    return {**before, **{key: value for key, value in changed.items() if key not in refused}}, refused


def _same(after: Any, before: Any) -> bool:
    """Whether a value came back from a handler as it went: Lua knows no nil in a table and one empty table, errors and
    objects come back as what they are to a script."""
    match before:
        case dict():
            if not isinstance(after, dict):
                return after == [] and not _without_none(before)
            left, right = _without_none(after), _without_none(before)
            if left.keys() != right.keys():
                return False
            for key, item in left.items():
                if not (item == right[key] if type(item) is str else _same(item, right[key])):
                    return False
            return True
        case list():
            if not isinstance(after, list):
                return after == {} and not before
            return len(after) == len(before) and all(map(_same, after, before))
        case str() | int() | float() | None:
            return after == before and isinstance(after, bool) is isinstance(before, bool)
        case LlmspellError():
            return isinstance(after, LlmspellError) and after.message == before.message
        case _:
            return after is before or after == before


def _without_none(table: dict[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in table.items() if value is not None}


async def _told(work: Awaitable[Any], thrown: list[LlmspellError]) -> Any:
    """What the handler gives; notes what it throws itself, as against being cut off or gone."""
    try:
        return await work
    except Gone:
        raise
    except LlmspellError as error:
        thrown.append(error)
        raise


def _what(registration: Registration) -> str:
    return f"the {registration.point} hook" + (f" of {registration.site}" if registration.site else "")


@contextmanager
def _inside(point: str) -> Generator[None]:
    token = _active.set((*_active.get(), point))
    try:
        yield
    finally:
        _active.reset(token)
