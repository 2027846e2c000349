"""A Python file of hook handlers: run, and its handlers found. Trusted code, outside the sandbox.

    from llmspell.hooks import hook

    def before_llm_call(context):               # a function named after a point serves it
        context["prompt"] += " Be brief."

    @hook("after_tool_call", priority=10, tool="calculator")
    async def note(context): ...

Knows no run: what a handler changed is a plain value, to be recorded.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final, TypeVar

from llmspell.api.hook_points import BY_NAME
from llmspell.api.names import snake
from llmspell.errors import ArgumentError, LlmspellError, ScriptError, UsageError
from llmspell.frozen import frozen
from llmspell.hooks.table import Context, point_named
from llmspell.security import touched

F = TypeVar("F", bound=Callable[..., Any])

_MARK: Final = "__llmspell_hook__"


@frozen
class Served:
    """How a function serves a point: the options of `Hooks.register`."""

    point: str
    priority: int = 0
    agent: str | None = None
    tool: str | None = None
    workflow: str | None = None
    once: bool = False
    timeout: float | None = None

    def to_value(self) -> dict[str, Any]:
        return asdict(self)


def hook(point: str, **options: Any) -> Callable[[F], F]:
    """Marks a function as a handler. options: priority, agent, tool, workflow, once, timeout. Raises ArgumentError."""
    found = point_named(point).name
    try:
        served = Served(found, **options)
    except TypeError as error:
        raise ArgumentError(
            f"hook({point!r}): {error}", hint="priority, agent, tool, workflow, once, timeout"
        ) from None

    def mark(function: F) -> F:
        setattr(function, _MARK, (*getattr(function, _MARK, ()), served))
        return function

    return mark


@frozen
class PythonHandler:
    """One function at one point."""

    name: str
    function: Callable[..., Any]
    served: Served

    async def changes(self, context: Context) -> dict[str, Any]:
        """The fields that it changed or added. Raises what it raised, as a ScriptError of one line.

        A plain function runs in a thread of its own: one that never ends is left behind when the process ends.
        """
        own = _copied(context)
        try:
            if inspect.iscoroutinefunction(self.function):
                with touched.opening():
                    given = await self.function(own)
            else:
                given = await _in_thread(self._called, own)
        except LlmspellError:
            raise
        except Exception as error:
            raise ScriptError(str(error) or type(error).__name__, name=type(error).__name__) from error
        after: dict[str, Any] = given if isinstance(given, dict) else own
        found = {key: value for key, value in after.items() if key not in context or value != context[key]}
        for key, value in found.items():
            if not _is_plain(value):
                raise ScriptError(
                    f"{self.name} set {key!r} to a {type(value).__name__}",
                    hint="texts, numbers, lists and dicts of them can cross to a spell",
                )
        return found

    def _called(self, context: Context) -> Any:
        with touched.opening():
            return self.function(context)


def load(source: str, label: str) -> list[PythonHandler]:
    """Runs the file and finds its handlers, in the order in which they stand. Raises UsageError that names the line."""
    names: dict[str, Any] = {"__name__": "llmspell_hook_file", "__file__": label}
    try:
        with touched.opening():
            exec(compile(source, label, "exec"), names)
    except LlmspellError as error:
        raise UsageError(error.message, hint=error.hint, source=_place(label, error)) from error
    except SyntaxError as error:
        raise UsageError(f"the hook file is not Python: {error.msg}", source=f"{label}:{error.lineno or 1}") from None
    except BaseException as error:  # SystemExit too: a hook file does not end its host
        if isinstance(error, KeyboardInterrupt):
            raise
        text = f"the hook file failed: {type(error).__name__}: {error}"
        raise UsageError(text, source=_place(label, error)) from error
    found = [
        PythonHandler(name, value, served)
        for name, value in names.items()
        if inspect.isfunction(value) and value.__module__ == "llmspell_hook_file"
        for served in getattr(value, _MARK, _by_name(name))
    ]
    if not found:
        raise UsageError(
            "the hook file serves no hook point",
            hint="name a function after one, such as before_llm_call, or mark it with @hook(…)",
            source=label,
        )
    return found


def _by_name(name: str) -> tuple[Served, ...]:
    return (Served(name),) if snake(name) == name and name in BY_NAME else ()


def _place(label: str, error: BaseException) -> str:
    """The file's own line in an error's stack."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == label:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{label}:{line}"


async def _in_thread(function: Callable[..., Any], context: Context) -> Any:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def work() -> None:
        try:
            outcome = (function(context), None)
        except Exception as error:
            outcome = (None, error)
        except BaseException as error:
            outcome = (None, ScriptError(f"{type(error).__name__} in a hook", name=type(error).__name__))
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=work, daemon=True, name="llmspell-hook").start()
    return await future


def _copied(value: Any) -> Any:
    match value:
        case dict():
            return {key: _copied(item) for key, item in value.items()}
        case list() | tuple():
            return [_copied(item) for item in value]
        case _:
            return value


def _is_plain(value: Any) -> bool:
    match value:
        case None | str() | int() | float() | bool() | bytes():
            return True
        case list():
            return all(map(_is_plain, value))
        case dict():
            return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
        case _:
            return False
