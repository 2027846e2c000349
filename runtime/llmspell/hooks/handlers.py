"""A hook handler from whatever a person wrote: a script's function, or a Python function that changes a dict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from llmspell.api.callback import Callback
from llmspell.api.hook_points import CONTEXT_SCHEMA
from llmspell.errors import ArgumentError, LlmspellError, ScriptError
from llmspell.hooks.table import Context, Handler, point_named


def handler_of(function: Callable[..., Any]) -> Handler:
    """An async callable that gives back the context as the function left it."""
    if isinstance(function, Callback):
        return _ScriptHandler(function)
    return _python_handler(function)


def handlers_of(hooks: Mapping[str, Any] | None) -> dict[str, Handler]:
    """The `hooks` option of an agent or a tool, by canonical hook point. Raises ArgumentError for an unknown one."""
    return {own_point(point): handler_of(function) for point, function in (hooks or {}).items()}


def own_point(name: str) -> str:
    """The canonical name of a point that a spell's own handlers may serve. Raises ArgumentError for any other."""
    point = point_named(name)
    if point.name == "before_spell":
        raise ArgumentError(
            f"{point.name} is not for a spell's own hooks: it fires before the first line",
            hint="give it to the runtime from Python",
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
