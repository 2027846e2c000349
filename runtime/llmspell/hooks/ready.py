"""Built-in hooks as the table sees them: an object with handlers for several points; and the `hooks` option that takes
them beside a script's functions. Knows none of them by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from llmspell.api.describe import exposed
from llmspell.api.kinds import HookHandler, HookHandlers, HookPointName
from llmspell.hooks.table import Context, Filter

Served = Mapping[str, tuple[Callable[[Context], Awaitable[Any]], int]]
"""By point: the handler, and its priority."""


@exposed(name="Hook", constructible=False)
class Hook:
    """A built-in hook: LoggingHook, CacheHook, GuardHook, … `Hooks.use(hook)` sets it to work for the whole spell;
    `hooks = { hook }` of an agent or tool for that one."""

    #: Where the script made it.
    site: str = ""
    #: Whether it may wait for as long as it takes: for its turn, for a person.
    waits: bool = False

    def served(self) -> Served:
        """What it does at which point."""
        raise LookupError(type(self).__name__)

    def filtered(self) -> Mapping[str, Callable[[], Filter]]:
        """By point: what makes a filter for one text that is given out before the handler is asked about the whole."""
        return {}

    def handlers(self) -> dict[str, tuple[Placed, int]]:
        """The same, each told apart in the trace."""
        site, filters = f"{type(self).__name__} {self.site}".rstrip(), self.filtered()
        made = _Waiting if self.waits else Placed
        served = self.served().items()
        return {point: (made(function, site, filters.get(point)), priority) for point, (function, priority) in served}


class Placed:
    """A handler and where it comes from. filter: makes what texts go through that are given out piece by piece."""

    __slots__ = ("_function", "filter", "site")

    def __init__(
        self, function: Callable[[Context], Awaitable[Any]], site: str, filter: Callable[[], Filter] | None = None
    ) -> None:
        self._function = function
        self.site = site
        self.filter = filter

    async def __call__(self, context: Context) -> Any:
        return await self._function(context)


class _Waiting(Placed):
    """One without a time limit."""

    __slots__ = ()

    timeout: Final = None


HookOption = dict[HookPointName, HookHandler | Hook] | list[Hook | HookHandlers]
"""`hooks = {…}` of an agent or a tool: handlers by hook point, or a list of built-in hooks and such tables. A Lua table
may have both: its list's keys are numbers, and no hook points."""
