"""A spell's worker on one side, the library on the other: takes the worker's frames, one at a time and in turn.

Asynchronous calls become tasks of the run, synchronous ones are answered at once. Everything the worker can do wrong
ends as one clear error. Knows no member of the library by name.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextvars import Context, ContextVar, copy_context
from functools import partial
from itertools import count
from typing import Any, Final

from llmspell.api.callback import Callback, Gone, Later
from llmspell.api.check import form, present
from llmspell.bridge.crossing import Crossing
from llmspell.bridge.dispatch import Dispatch
from llmspell.bridge.modules import Modules
from llmspell.bridge.speaker import Speaker
from llmspell.engines import protocol
from llmspell.engines.protocol import Frame
from llmspell.engines.transport import Transport
from llmspell.errors import ArgumentError, LimitError, LlmspellError, ScriptError, SecurityError, fault, revived
from llmspell.hooks.table import FINAL
from llmspell.identity import context_for, unawaited_context
from llmspell.run import Run

#: What the engines themselves ask for: a module's text, and whether the spell may end with the value it has.
_MODULE: Final = "module.load"
_END: Final = "spell.end"

#: Events on their way to listeners, and bytes that the worker has not taken yet: without a limit a spell that emits
#: one large event to thousands of listeners would fill its host's memory.
_MOST_POSTED: Final = 10_000
_MOST_UNREAD: Final = 64 * 1024 * 1024

#: Bytes from the worker that events of the run may hold in memory; then they are stored before more is read.
_HELD: Final = 16 * 1024 * 1024
#: Bytes from the worker in all: they are stored, and a spell must not fill the disk.
_MOST_RECEIVED: Final = 4 * 1024 * 1024 * 1024
#: Limits that an engine itself notices.
_THE_ENGINES_LIMITS: Final = ("memory", "depth")

Farewell = Callable[[Any], Awaitable[Any]]

#: The bridges whose workers wait in an ask until the running task has an answer: what it calls may enter meanwhile.
_asked: ContextVar[tuple[object, ...]] = ContextVar("llmspell_asked", default=())


class Bridge:
    """One worker. say: shows what it prints, `(stream, text)`. farewell: asked, while the script can still be called,
    what becomes of its result. speaker: whose worker it is, the spell's unless given."""

    def __init__(
        self,
        run: Run,
        say: Callable[[str, str], None],
        farewell: Farewell,
        relieve: Callable[[], Awaitable[object]],
        speaker: Speaker | None = None,
    ) -> None:
        """relieve: waited for after each few megabytes from the worker: lets go of what the run keeps of them."""
        self._run = run
        self._relieve = relieve
        self._relieved = 0
        self._say = say
        self._farewell = farewell
        self._transport: Transport | None = None
        self._speaker = speaker = speaker or Speaker.spell(run)
        self._crossing = Crossing(self, speaker.language)
        self._dispatch = Dispatch(run, speaker.language)
        self.modules = Modules(run, speaker.folder, speaker.language)
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._posted: dict[int, tuple[int, Callable[[], None] | None]] = {}  # bytes of each, who is told of its end
        self._posted_bytes = 0
        self._main = context_for(speaker.guest)
        self.contexts: dict[int, Context] = {}  # of the callbacks under way
        self._callback = 0
        self._answering = False
        self._numbers = count(1)
        self._printed = 0
        self._output_limit = int(run.settings.limits.output_mb * 1024 * 1024)
        self._faults: dict[str, BaseException | None] = {}
        self._closed = False

    @property
    def run(self) -> Run:
        return self._run

    def connect(self, transport: Transport) -> None:
        self._transport = transport

    def close(self) -> None:
        """The worker is gone, or soon will be, and the run goes on: its functions fail, what comes is not heard."""
        self._closed = True
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Gone())

    def receive(self, frame: Frame) -> None:
        """A frame has come: it is handled when it is its turn."""
        if frame[0] != "ready":
            self._run.sequencer.admit(self._speaker.key, partial(self.handle, frame), frame[0])
        transport = self._transport
        if transport is not None and transport.received - self._relieved > _HELD:
            self._relieved = transport.received
            transport.pause_reading()
            self._run.spawn(self._rest(transport), self._main.copy())

    async def _rest(self, transport: Transport) -> None:
        """The worker waits until what it has sent is stored: it cannot send faster than that for long."""
        try:
            if transport.received > _MOST_RECEIVED:
                message = f"the spell has passed {_MOST_RECEIVED // 1073741824} GB to its host, the limit"
                self._run.fail(LimitError(message, limit="traffic", hint="pass large data by a file's path"))
            await self._relieve()
        finally:
            transport.resume_reading()

    # -- frames --------------------------------------------------------------------------------------------------

    def handle(self, frame: Frame) -> None:
        if self._run.ended.done() or self._closed:  # what a script does between its end and the worker's
            return
        try:
            self._take(frame)
        except LlmspellError as error:
            self._run.fail(error)
        except Exception as error:
            self._run.fail(fault(error, "the bridge"))

    def _take(self, frame: Frame) -> None:
        match frame:
            case ["ask", int(call), "spell.end", None, [value], str()]:
                self._run.spawn(self._end(call, value), self._main.copy())
            case ["ask", int(call), str(name), (int() | None) as receiver, list(args), str(site)]:
                self._context().run(self._ask, call, name, receiver, args, site)
            case ["call", int(call), str(name), (int() | None) as receiver, list(args), str(site)]:
                self._begin(call, name, receiver, args, site)
            case ["within", int(callback)]:
                self._callback = callback
            case ["tell", str(name), list(args), str(site)]:
                self._context().run(self._told, name, args, site)
            case ["result", int(callback), True, value] | ["result", int(callback), False, dict(value)]:
                self._result(callback, frame[2], value)
            case ["cancel", list(calls)]:
                for call in calls:
                    if isinstance(call, int) and call in self._calls:
                        self._calls[call].cancel()
            case ["clock", bytes(readings)]:
                self._speaker.clock(readings)
            case ["done", value]:
                self._speaker.finish(self._crossing.inward(value, ""))
            case ["fail", dict(error)]:
                self._closed = True
                self._speaker.fail(self._thrown(error))
            case _:
                raise SecurityError(
                    f"the spell was stopped: its engine sent a frame that nobody knows: {repr(frame[:1])[:80]}",
                    hint="an engine does that only when a script has broken into it: do not trust this spell",
                )

    def _context(self) -> Context:
        """What a call is made within: a handler's own calls are in its span and fire no hook of its point. Whoever
        happened to hand the frame on has no say in it."""
        return self.contexts.get(self._callback, self._main).copy()

    def _ask(self, call: int, name: str, receiver: int | None, args: list[Any], site: str) -> None:
        self._answering = True
        try:
            with self._run.at(site):
                value = self._answer(name, receiver, args, site)
                if isinstance(value, Later):
                    self._answer_later(call, name, value, site)
                    return
                if _is_work(value):
                    value.close()
                    raise ArgumentError(f"{name} must be waited for", source=site)
                value = self._crossing.outward(value)
        except LlmspellError as error:
            self._reply_error(call, error, site)
        except Exception as error:
            self._reply_error(call, self._fault(error, name), site)
        else:
            self._reply(call, value, site)
        finally:
            self._answering = False

    def _begin(self, call: int, name: str, receiver: int | None, args: list[Any], site: str) -> None:
        if self._run.parting and not self._callback:
            return  # the run ends: only handlers still get answers
        self._start(call, name, partial(self._answer, name, receiver, args, site), site, self._context())

    def _answer_later(self, call: int, name: str, value: Later, site: str) -> None:
        context = copy_context()
        context.run(_asked.set, (*_asked.get(), self))
        self._start(call, name, lambda: value.work, site, context)

    def _start(self, call: int, name: str, begin: Callable[[], Any], site: str, context: Context) -> None:
        limit = self._run.settings.limits.in_flight
        if len(self._calls) >= limit:
            message = f"{limit} calls are under way at once, the limit"
            raise LimitError(message, limit="in_flight", source=site, hint="wait for some of them first")
        self._calls[call] = self._run.spawn(self._call(call, name, begin, site), context)

    async def _call(self, call: int, name: str, begin: Callable[[], Any], site: str) -> None:
        try:
            with self._run.at(site):
                value = begin()
                if isinstance(value, Later):
                    value = value.work
                value = self._crossing.outward(await value if _is_work(value) else value)
        except asyncio.CancelledError:
            self._reply_error(call, ScriptError("cancelled", type="cancelled"), site)
            raise
        except LlmspellError as error:
            self._reply_error(call, error, site)
        except Exception as error:
            self._reply_error(call, self._fault(error, name), site)
        else:
            self._reply(call, value, site)
        finally:
            self._calls.pop(call, None)

    def _answer(self, name: str, receiver: int | None, args: list[Any], site: str) -> Any:
        if name == _MODULE:
            match args:
                case [str(module), str(origin)]:
                    return self.modules.load(module, origin)
                case _:
                    raise ArgumentError("a module is loaded by its name and the file that wants it")
        target = None if receiver is None else self._crossing.object(receiver)
        return self._dispatch.call(name, target, [self._crossing.inward(value, site) for value in args])

    async def _end(self, call: int, value: Any) -> None:
        try:
            after = await self._farewell(self._crossing.inward(value, ""))
            value = self._crossing.outward(after)
        except LlmspellError as error:
            self._reply_error(call, error, "")
        except Exception as error:
            self._reply_error(call, self._fault(error, _END), "")
        else:
            self._reply(call, value, "")

    def _told(self, name: str, args: list[Any], site: str) -> None:
        if name != "print" or len(args) != 2:
            self._run.warn(f"{name}: {args!r}")
            return
        stream, text = str(args[0]), str(args[1])
        self._printed += len(text)
        if self._printed > self._output_limit:
            limit = self._run.settings.limits.output_mb
            message, hint = f"the spell printed more than {limit:g} MB", "print less, or raise [limits] output_mb"
            raise LimitError(message, limit="output", source=site, hint=hint)
        with self._run.at(site):
            self._run.emit("output", stream, {"stream": stream, "text": text})
        self._say(stream, text)

    @property
    def _waits(self) -> bool:
        """Whether the worker waits in an ask for what the running code gives."""
        return self._answering or self in _asked.get()

    # -- to the worker -------------------------------------------------------------------------------------------

    def _reply(self, call: int, value: Any, site: str) -> None:
        try:
            self._send(["ret", call, True, value])
        except LlmspellError as error:
            self._reply_error(call, error, site)

    def _reply_error(self, call: int, error: LlmspellError, site: str) -> None:
        if not error.source:
            error.source = site
        if isinstance(error, LimitError):  # no script can catch it
            self._run.fail(error)
            return
        self._send(["ret", call, False, self._crossing.outward(error.to_value())])

    def _send(self, frame: Frame) -> int:
        """How many bytes it was. Raises ArgumentError for a value that cannot be packed, LimitError for one that is too
        large."""
        if self._run.ended.done() or self._closed or self._transport is None:
            return 0
        if released := self._crossing.released():
            self._transport.send(protocol.encode(["release", [list(pair) for pair in released]]))
        try:
            data = protocol.encode(frame)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise ArgumentError(f"a value cannot cross to the script: {error}") from None
        if len(data) > protocol.FRAME_LIMIT:
            size, most = len(data) / 1048576, protocol.FRAME_LIMIT // 1048576
            raise LimitError(
                f"a value of {size:.1f} MB is on its way to the script, more than the limit of {most} MB for one value",
                limit="frame",
                hint="pass large data in parts, or by a file's path",
            )
        if self._transport.buffered > _MOST_UNREAD:  # which depends on the time: a replay is told of it
            message = f"{_MOST_UNREAD // 1048576} MB wait for the spell to take them, the limit"
            hint = "listen to fewer events, or pass large data by a file's path"
            self._run.interrupt(LimitError(message, limit="in_flight", source=self._run.site, hint=hint))
        self._transport.send(data)
        return len(data)

    def _fault(self, error: Exception, where: str) -> LlmspellError:
        """A fault of ours on its way to the script; should it come back uncaught, its cause is still known."""
        found = fault(error, where)
        self._faults[found.message] = error
        return found

    # -- functions of the script (`functions.Caller`) ----------------------------------------------------------

    async def invoke(self, function: int, args: tuple[Any, ...]) -> Any:
        return await self._invoke(function, [self._crossing.outward(value) for value in args], echo=False)

    async def changed(self, function: int, context: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        shown = present(context, schema, self._speaker.language)
        after = await self._invoke(function, [self._crossing.table(shown)], echo=True)
        return {**context, **form(after, schema)} if isinstance(after, dict) else context

    def post(
        self, function: int, args: tuple[Any, ...], schema: dict[str, Any] | None, done: Callable[[], None] | None
    ) -> None:
        if self._run.ended.done():
            return
        *first, last = args
        shown = last if schema is None else present(last, schema, self._speaker.language)
        if len(self._posted) >= _MOST_POSTED or self._posted_bytes > _MOST_UNREAD:
            size = self._posted_bytes // 1048576
            message = f"{len(self._posted)} events ({size} MB) wait for the spell's listeners, more than the limit"
            hint = "listen to fewer events, or with fewer listeners; pass large data by a file's path"
            self._run.stop(LimitError(message, limit="in_flight", source=self._run.site, hint=hint))
        callback = next(self._numbers)
        size = self._send(
            [
                *("callback", callback, function),
                *([self._crossing.outward(value) for value in (*first, shown)], False, not self._waits),
            ]
        )
        self._posted[callback] = size, done
        self._posted_bytes += size
        self.contexts[callback] = context = unawaited_context(debugged=self._run.debugged)
        context.run(_asked.set, ())

    async def _invoke(self, function: int, args: list[Any], *, echo: bool) -> Any:
        if self._closed or (self._run.worker_ended and self._speaker.guest is None):
            raise Gone()
        callback = next(self._numbers)
        self._send(["callback", callback, function, args, echo, not self._waits])
        self._waiting[callback] = future = asyncio.get_running_loop().create_future()
        self.contexts[callback] = context_for(self._speaker.guest)
        try:
            return await future
        except asyncio.CancelledError:
            self._send(["cancel", callback])
            raise
        finally:
            self._waiting.pop(callback, None)
            self.contexts.pop(callback, None)

    def _result(self, callback: int, ok: bool, value: Any) -> None:
        """The outcome of a callback; that of a cancelled one, already on its way then, is wanted by nobody."""
        if callback in self._posted:
            size, done = self._posted.pop(callback)
            self._posted_bytes -= size
            self.contexts.pop(callback, None)
            if not ok:
                raise self._thrown(value)
            if done is not None:
                done()
        future = self._waiting.get(callback)
        if future is not None and not future.done():
            if ok:
                future.set_result(self._crossing.inward(value, ""))
            elif isinstance(error := self._thrown(value), LimitError) and self._speaker.guest is not None:
                self._speaker.fail(error)  # an engine without memory serves no more; the spell goes on
            else:
                future.set_exception(error)

    def _thrown(self, fields: dict[str, Any]) -> LlmspellError:
        """What a script threw, as the host's own error: a library error stays what it was."""
        error = revived(fields)
        if isinstance(error, FINAL) and getattr(error, "limit", "") not in _THE_ENGINES_LIMITS:
            # Whoever raises one of these ends the run itself; a script that throws one only says so.
            told = {"source": error.source, "stack": error.stack, "hint": error.hint}
            return ScriptError(error.message, type=error.type, name=type(error).__name__, **told)
        if error.message in self._faults and error.__cause__ is None:
            error.__cause__ = self._faults[error.message]
        return error


def _is_work(value: Any) -> bool:
    """Whether it is an asynchronous member's work, and not a promise of the script's that a member gives."""
    return inspect.isawaitable(value) and not isinstance(value, Callback)
