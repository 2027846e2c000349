"""A spell's worker on one side, the library on the other: takes the worker's frames, one at a time and in turn.

Asynchronous calls become tasks of the run, synchronous ones are answered at once. Everything the worker can do wrong
ends as one clear error. Knows no member of the library by name.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import partial
from itertools import count
from typing import Any

from llmspell.api.check import form, present
from llmspell.bridge.crossing import Crossing
from llmspell.bridge.dispatch import Dispatch
from llmspell.bridge.modules import Modules
from llmspell.effects import revived
from llmspell.engines import protocol
from llmspell.engines.protocol import Frame
from llmspell.engines.transport import Transport
from llmspell.errors import ArgumentError, LimitError, LlmspellError, ScriptError
from llmspell.run import Run

#: Names that the engines themselves ask for.
_MODULE = "module.load"


class Bridge:
    """One spell. say: shows what it prints, `(stream, text)`."""

    def __init__(self, run: Run, say: Callable[[str, str], None]) -> None:
        self._run = run
        self._say = say
        self._transport: Transport | None = None
        self._crossing = Crossing(self, run.identity.language, self._forgotten)
        self._dispatch = Dispatch(run)
        self.modules = Modules(run)
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._callbacks: dict[int, asyncio.Future[Any] | None] = {}
        self._main = copy_context()
        self._contexts: dict[int, Context] = {}
        self._callback = 0
        self._numbers = count(1)
        self._printed = 0
        self._output_limit = int(run.settings.limits.output_mb * 1024 * 1024)

    def connect(self, transport: Transport) -> None:
        self._transport = transport

    def receive(self, frame: Frame) -> None:
        """A frame has come: it is handled when it is its turn."""
        if frame[0] == "ready":
            return
        self._run.sequencer.admit("w", partial(self._handle, frame))

    # -- frames --------------------------------------------------------------------------------------------------

    def _handle(self, frame: Frame) -> None:
        match frame:
            case ["ask", int(call), str(name), receiver, list(args), str(site)]:
                self._context().run(self._ask, call, name, receiver, args, site)
            case ["call", int(call), str(name), receiver, list(args), str(site)]:
                self._begin(call, name, receiver, args, site)
            case ["within", int(callback)]:
                self._callback = callback
            case ["tell", str(name), list(args), str(site)]:
                self._told(name, args, site)
            case ["result", int(callback), bool(ok), value]:
                self._result(callback, ok, value)
            case ["cancel", list(calls)]:
                for call in calls:
                    if call in self._calls:
                        self._calls[call].cancel()
            case ["clock", bytes(readings)]:
                self._run.journal.clock(readings)
            case ["done", value]:
                self._run.finish(self._crossing.inward(value, ""))
            case ["fail", dict(error)]:
                self._run.fail(script_error(error, self._run))
            case _:
                self._run.fail(LlmspellError(f"the worker sent a frame that nobody knows: {frame[:1]!r}"))

    def _context(self) -> Context:
        """What a call is made within: a handler's own calls are in its span and fire no hook of its point. Whoever
        happened to hand the frame on has no say in it."""
        return self._contexts.get(self._callback, self._main).copy()

    def _ask(self, call: int, name: str, receiver: int | None, args: list[Any], site: str) -> None:
        try:
            with self._run.at(site):
                value = self._answer(name, receiver, args, site)
                if inspect.isawaitable(value):
                    raise ArgumentError(f"{name} must be waited for", source=site)
                frame = ["ret", call, True, self._crossing.outward(value)]
        except LlmspellError as error:
            frame = ["ret", call, False, self._shown(error, site)]
        except Exception as error:
            frame = ["ret", call, False, self._shown(internal(error, name), site)]
        self._send(frame)

    def _answer(self, name: str, receiver: int | None, args: list[Any], site: str) -> Any:
        if name == _MODULE:
            return self.modules.load(str(args[0]), str(args[1]))
        target = None if receiver is None else self._crossing.object(receiver)
        return self._dispatch.call(name, target, [self._crossing.inward(value, site) for value in args])

    def _begin(self, call: int, name: str, receiver: int | None, args: list[Any], site: str) -> None:
        limit = self._run.settings.limits.in_flight
        if len(self._calls) >= limit:
            message = f"{limit} calls are under way at once, the limit"
            self._run.fail(LimitError(message, limit="in_flight", source=site, hint="wait for some of them first"))
            return
        task = self._run.spawn(self._call(call, name, receiver, args, site), self._context())
        self._calls[call] = task

    async def _call(self, call: int, name: str, receiver: int | None, args: list[Any], site: str) -> None:
        try:
            with self._run.at(site):
                value = self._answer(name, receiver, args, site)
                if inspect.isawaitable(value):
                    value = await value
                frame = ["ret", call, True, self._crossing.outward(value)]
        except asyncio.CancelledError:
            if not self._run.ended.done():
                self._send(["ret", call, False, self._shown(ScriptError("cancelled", type="cancelled"), site)])
            raise
        except LlmspellError as error:
            frame = ["ret", call, False, self._shown(error, site)]
        except Exception as error:
            frame = ["ret", call, False, self._shown(internal(error, name), site)]
        finally:
            self._calls.pop(call, None)
        self._send(frame)

    def _told(self, name: str, args: list[Any], site: str) -> None:
        if name != "print" or len(args) != 2:
            self._run.warn(f"{name}: {args!r}")
            return
        stream, text = str(args[0]), str(args[1])
        self._printed += len(text)
        if self._printed > self._output_limit:
            limit = self._run.settings.limits.output_mb
            self._run.fail(
                LimitError(
                    f"the spell printed more than {limit:g} MB",
                    limit="output",
                    source=site,
                    hint="print less, or raise [limits] output_mb",
                )
            )
            return
        with self._run.at(site):
            self._run.emit("output", stream, {"stream": stream, "text": text})
        self._say(stream, text)

    def _send(self, frame: Frame) -> None:
        assert self._transport is not None
        self._transport.send(protocol.encode(frame))

    def _shown(self, error: LlmspellError, site: str) -> dict[str, Any]:
        if not error.source:
            error.source = site
        return self._crossing.outward(error.to_value())

    # -- functions of the script (`functions.Caller`) ----------------------------------------------------------

    async def invoke(self, function: int, args: tuple[Any, ...]) -> Any:
        return await self._invoke(function, [self._crossing.outward(value) for value in args], echo=False)

    async def changed(self, function: int, context: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        shown = present(context, schema, self._run.identity.language)
        after = await self._invoke(function, [self._crossing.outward(shown)], echo=True)
        return form(after, schema) if isinstance(after, dict) else context

    def post(self, function: int, args: tuple[Any, ...], schema: dict[str, Any] | None) -> None:
        if self._run.ended.done():
            return
        *first, last = args
        shown = last if schema is None else present(last, schema, self._run.identity.language)
        callback = next(self._numbers)
        self._callbacks[callback] = None
        self._contexts[callback] = copy_context()
        self._send(
            ["callback", callback, function, [self._crossing.outward(value) for value in (*first, shown)], False]
        )

    async def _invoke(self, function: int, args: list[Any], *, echo: bool) -> Any:
        callback = next(self._numbers)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._callbacks[callback] = future
        self._contexts[callback] = copy_context()
        self._send(["callback", callback, function, args, echo])
        try:
            return await future
        except asyncio.CancelledError:
            if not self._run.ended.done():
                self._send(["cancel", callback])
            raise
        finally:
            self._callbacks.pop(callback, None)
            self._contexts.pop(callback, None)

    def _result(self, callback: int, ok: bool, value: Any) -> None:
        self._contexts.pop(callback, None)
        future = self._callbacks.pop(callback, None)
        if future is None:  # posted, or no longer wanted
            if not ok:
                self._run.fail(script_error(value, self._run))
        elif not future.done():
            if ok:
                future.set_result(self._crossing.inward(value, ""))
            else:
                future.set_exception(script_error(value, self._run))

    def _forgotten(self, function: int, times: int) -> None:
        if not self._run.ended.done():
            self._send(["release", [[function, times]]])


def script_error(fields: dict[str, Any], run: Run) -> LlmspellError:
    """What a script threw, as the host's own error: a library error stays what it was."""
    kind = fields.get("type", "script")
    data: dict[str, Any] = fields.get("data") or {}
    if kind == "limit":
        return LimitError(
            str(fields.get("message")),
            limit=str(data.get("limit", "memory")),
            source=str(fields.get("source") or ""),
            hint=str(fields.get("hint") or ""),
        )
    if kind in ("script", "syntax", "unhandled_rejection", "deadlock", "error"):
        return ScriptError(
            str(fields.get("message") or "the script threw an error"),
            type=kind,
            name=str(fields.get("name") or "Error"),
            value=fields.get("value"),
            source=str(fields.get("source") or ""),
            stack=tuple(fields.get("stack") or ()),
            hint=str(fields.get("hint") or ""),
            data=data,
        )
    return revived({**fields, "message": str(fields.get("message") or kind)})


def internal(error: Exception, where: str) -> LlmspellError:
    """A fault of llmspell itself, as one line; `--debug` shows the rest."""
    found = LlmspellError(
        f"internal error in {where}: {type(error).__name__}: {error}",
        hint="this is a fault of llmspell, not of the spell; --debug shows where",
        data={"traceback": "".join(traceback.format_exception(error))},
    )
    found.__cause__ = None
    return found
