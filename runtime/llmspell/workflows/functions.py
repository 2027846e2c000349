"""The functions in a workflow's holes, whoever wrote them, and what their values mean.

A script's is called back through the bridge; a Python program's is called as it is, waiting where it is `async`.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from llmspell.agents.execution import value_of
from llmspell.api.callback import Callback
from llmspell.errors import ArgumentError, LlmspellError, ScriptError


async def called(function: Any, *args: Any) -> Any:
    """The function's value. Raises what it threw."""
    if isinstance(function, Callback):
        return value_of(await function(*args))
    try:
        given = function(*args[: _arity(function, len(args))])
        return value_of(await given if inspect.isawaitable(given) else given)
    except LlmspellError:
        raise
    except Exception as error:
        raise ScriptError(str(error) or type(error).__name__, name=type(error).__name__) from error


def _arity(function: Any, given: int) -> int:
    """How many of the arguments a Python function takes: scripts' functions may leave out the last ones, so may it."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return given
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return given
    return sum(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in parameters)


def truthy(value: Any) -> bool:
    """Whether a condition's value holds, alike in both languages: nil, false, 0, "", "false", empty tables do not."""
    return bool(value) and not (isinstance(value, str) and value.strip().lower() in ("", "false"))


def listed(value: Any, what: str) -> list[Any]:
    """A value as the items that it holds; a text may be the JSON of a list. Raises ArgumentError."""
    match value:
        case list():
            return value
        case {"items": list(items)}:
            return items
        case {}:  # Lua knows one empty table
            if not value:
                return []
        case str() if value.lstrip().startswith("["):
            try:
                found = json.loads(value)
            except (ValueError, RecursionError):
                found = None
            if isinstance(found, list):
                return found
        case _:
            pass
    kind = "nothing" if value is None else "text" if isinstance(value, str) else f"{value!r:.60}"
    raise ArgumentError(
        f"{what} must be a list, and it is {kind}", hint="give a list, a reference to one or a function"
    )
