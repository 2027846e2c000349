"""The beginning of an agent: `before_init` and `after_init`, asked once it has been made, before its first work.

The script's constructor waits for them, in JavaScript too, where it is synchronous (`api.callback.Later`), and throws
what one of them threw: the agent is then as if it had never been made. Whoever else makes an agent waits at its first
work. Knows of an agent its options and what hooks need.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import fields
from typing import Any, Final, Protocol

from llmspell.api.describe import class_mark
from llmspell.api.registry import registry
from llmspell.errors import LlmspellError
from llmspell.events.event import Event
from llmspell.hooks.table import Context, Handler
from llmspell.run import Run
from llmspell.unit import Unit

#: Options that are who it is, or what it holds: other calls and hooks change those.
_SETTLED: Final = frozenset({"id", "name", "tools", "hooks", "state", "transitions", "api_key"})

_beginning: ContextVar[tuple[object, ...]] = ContextVar("llmspell_beginning", default=())


class Beginner(Protocol):
    """What a beginning needs of its agent."""

    run: Run
    hooks: Mapping[str, Handler]

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> Context: ...

    def tell(self, kind: str, name: str, data: dict[str, Any]) -> Event: ...

    def change_options(self, changes: dict[str, Any]) -> None:
        """Works with other options from now on."""
        ...


class Beginning:
    """One agent's. `ready` is waited for by its executions."""

    @classmethod
    def of(cls, agent: Beginner, options: Any, undo: Callable[[], None]) -> Beginning | None:
        """None where nobody wants to be asked. options: a dataclass. undo: called where a handler threw."""
        own = (agent.hooks,)
        wanted = any(agent.run.hooks.wants(point, own) for point in ("before_init", "after_init"))
        return cls(agent, options, undo) if wanted else None

    def __init__(self, agent: Beginner, options: Any, undo: Callable[[], None]) -> None:
        self._agent = agent
        self._options = plain_options(options)
        self._undo = undo
        self._error: LlmspellError | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def under_way(self) -> bool:
        """Whether handlers are still to answer; to a call from inside one of them the agent is there."""
        return (self._task is None or not self._task.done()) and not self._is_inside

    @property
    def _is_inside(self) -> bool:
        return any(self._agent is each for each in _beginning.get())

    async def ready(self) -> None:
        """Has the handlers asked, once, and waits for them. Raises what one threw. A call from inside one does not wait
        for itself."""
        if self._is_inside:
            return
        if self._task is None:  # in the context of who waits first: handlers may enter a worker that waits
            self._task = self._agent.run.spawn(self._perform())
        await asyncio.shield(self._task)
        if self._error is not None:
            raise self._error

    async def _perform(self) -> None:
        agent = self._agent
        _beginning.set((*_beginning.get(), agent))
        unit = Unit(agent.run, "init", {**agent.identity, "input": {}}, agent.tell, agent.name, own=(agent.hooks,))
        try:
            await unit.attempt(self._attempt)
        except LlmspellError as error:
            self._error = error
            self._undo()

    async def _attempt(self) -> None:
        agent, own = self._agent, (self._agent.hooks,)
        before: Context = {**agent.identity, "options": self._options}
        after = await agent.run.hooks.ask("before_init", before, agent=agent.name, own=own)
        asked: Any = after["options"]
        if asked != self._options and isinstance(asked, dict):
            changes = {key: value for key, value in asked.items() if value != self._options.get(key)}
            changes = _checked(agent, changes)
            agent.change_options(changes)
            self._options = {**self._options, **changes}
        await agent.run.hooks.ask("after_init", {**after, "options": self._options}, agent=agent.name, own=own)


def plain_options(options: Any) -> dict[str, Any]:
    """The options that handlers see: plain values, without what an agent is told by other means."""
    found = {entry.name: getattr(options, entry.name) for entry in fields(options) if entry.name not in _SETTLED}
    return {name: value for name, value in found.items() if _is_plain(value)}


def _checked(agent: Beginner, changes: dict[str, Any]) -> dict[str, Any]:
    """Changed options as the agent's constructor would take them. Raises ArgumentError."""
    mark = next(found for base in type(agent).__mro__ if (found := class_mark(base)) is not None)
    checker = registry().options(mark.name)
    return changes if checker is None else checker.take(changes, "before_init: options")


def _is_plain(value: Any) -> bool:
    match value:
        case None | str() | int() | float() | bool():
            return True
        case list() | tuple():
            return all(map(_is_plain, value))
        case dict():
            return all(map(_is_plain, value.values()))
        case _:
            return False
