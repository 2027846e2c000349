"""A hook handler from whatever a person wrote: a script's function, or a Python function that changes a dict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from llmspell.api.callback import Callback
from llmspell.api.hook_points import CONTEXT_SCHEMA
from llmspell.hooks.table import Context, Handler, point_named


def handler_of(function: Callable[..., Any]) -> Handler:
    """An async callable that gives back the context as the function left it."""
    if isinstance(function, Callback):
        return _ScriptHandler(function)
    return _python_handler(function)


def handlers_of(hooks: Mapping[str, Any] | None) -> dict[str, Handler]:
    """The `hooks` option of an agent or a tool, by canonical hook point. Raises ArgumentError for an unknown one."""
    return {point_named(point).name: handler_of(function) for point, function in (hooks or {}).items()}


class _ScriptHandler:
    """A script's function as a handler; `site` is where the script handed it over."""

    def __init__(self, function: Callback) -> None:
        self._function = function
        self.site = function.site

    async def __call__(self, context: Context) -> Any:
        return await self._function.changed(context, CONTEXT_SCHEMA)


def _python_handler(function: Callable[..., Any]) -> Handler:
    async def handle(context: Context) -> Any:
        given = function(context)
        if inspect.isawaitable(given):
            given = await given
        return context if given is None else given

    return handle
