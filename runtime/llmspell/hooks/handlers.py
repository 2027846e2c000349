"""A hook handler from whatever a person wrote: a script's function, or a Python function that changes a dict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from llmspell.api.callback import Callback
from llmspell.api.hook_points import CONTEXT_SCHEMA
from llmspell.errors import ArgumentError, LlmspellError, ScriptError
from llmspell.hooks.ready import Hook
from llmspell.hooks.table import Context, Handler, Several, point_named


def handler_of(function: Callable[..., Any]) -> Handler:
    """An async callable that gives back the context as the function left it."""
    if isinstance(function, Callback):
        return _ScriptHandler(function)
    return _python_handler(function)


def handlers_of(hooks: Mapping[Any, Any] | list[Any] | None) -> dict[str, Handler]:
    """The `hooks` option of an agent or a tool, by canonical hook point: a table of handlers, a list of built-in hooks
    and such tables, or in Lua both in one table. Raises ArgumentError for an unknown point."""
    found: dict[str, list[tuple[int, Handler]]] = {}
    for point, handler, priority in _each(hooks or {}):
        found.setdefault(point, []).append((priority, handler))
    return {point: _one(handlers) for point, handlers in found.items()}


def _each(hooks: Any) -> Iterator[tuple[str, Handler, int]]:
    match hooks:
        case Hook():
            for point, (handler, priority) in hooks.handlers().items():
                yield point, handler, priority
        case list():
            for item in hooks:
                yield from _each(item)
        case _:
            for point, function in hooks.items():
                if isinstance(function, Hook):
                    yield from _each(function)
                else:
                    yield own_point(str(point)), handler_of(function), 0


def _one(handlers: list[tuple[int, Handler]]) -> Handler:
    if len(handlers) == 1:
        return handlers[0][1]
    return Several([handler for _, handler in sorted(handlers, key=lambda pair: -pair[0])])


def own_point(name: str, *, for_any_spell: bool = False) -> str:
    """The canonical name of a point that a spell's own handlers may serve. Raises ArgumentError for any other.

    for_any_spell: whether they are those of a hook file, which may serve every point.
    """
    point = point_named(name)
    if point.name == "before_spell" and not for_any_spell:
        raise ArgumentError(
            f"{point.name} is not for a spell's own hooks: it fires before the first line",
            hint="put it into a hook file (--hooks FILE), or give it to the runtime from Python",
        )
    return point.name


class _ScriptHandler:
    """A script's function as a handler; `site` is where the script handed it over."""

    def __init__(self, function: Callback) -> None:
        self._function = function
        self.site = function.site

    async def __call__(self, context: Context) -> Any:
        return await self._function.changed(context, CONTEXT_SCHEMA)


def _python_handler(function: Callable[..., Any]) -> Handler:
    async def handle(context: Context) -> Any:
        try:
            given = function(context)
            if inspect.isawaitable(given):
                given = await given
        except LlmspellError:
            raise
        except Exception as error:
            raise ScriptError(str(error) or type(error).__name__, name=type(error).__name__) from error
        return context if given is None else given

    return handle
