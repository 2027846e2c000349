"""A host of a few lines for engine tests: frames over a socketpair to a `Worker` in a thread, answered by the test.

Nothing here is concurrent with the test, so a test decides the order of every frame. `Echo` is a class with a member of
each kind; `EchoHost` answers for it as a real host would.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

from llmspell.engines import languages, protocol
from llmspell.engines.protocol import Frame
from llmspell.engines.values import FunctionRef, ObjectRef, PromiseRef
from llmspell.engines.worker import Worker

#: A callback of a function that no spell has: its refusal says that the worker has done all it was told before.
PING = 0


def method(name: str, kind: str, *, static: bool = False, overridable: bool = False, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "static": static, "overridable": overridable} | more


def prop(name: str, *, writable: bool = False, live: bool = False, static: bool = False) -> dict[str, Any]:
    return {"name": name, "writable": writable, "live": live, "static": static}


def cls(name: str, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": name,
        "extends": None,
        "aliases": [],
        "namespace": False,
        "constructible": False,
        "options": [],
        "positional": [],
        "methods": [],
        "properties": [],
    }
    return plain | more


BINDING: dict[str, Any] = {
    "classes": [
        cls(
            "Base",
            constructible=True,
            options=["label", "tags"],
            methods=[
                method("run", "async", overridable=True),
                method("describe", "sync"),
                method("log_line", "sync"),
            ],
            properties=[prop("id"), prop("label", writable=True), prop("state", live=True)],
        ),
        cls(
            "Echo",
            extends="Base",
            aliases=["Repeater"],
            constructible=True,
            options=["label", "tags", "prompt", "on_done"],
            positional=["prompt", "label"],
            methods=[
                method("say", "async"),
                method("say_later", "async"),
                method("fail_with", "async"),
                method("fail_now", "sync"),
                method("give", "sync"),
                method("call_me", "async"),
                method("call_me_now", "sync"),
                method("stream_words", "stream"),
                method("run", "async", overridable=True),
                method("find", "async", static=True),
                method("run", "async", static=True),
            ],
        ),
        cls(
            "board",
            namespace=True,
            methods=[
                method("count", "sync"),
                method("fetch", "async"),
                method("on", "sync"),
                method("get_cached", "async", prefix=True),
            ],
            properties=[prop("size", static=True)],
        ),
        cls("Text", methods=[method("to_string", "sync")], properties=[prop("content")]),
    ],
    "errors": [
        {"name": "RateLimitError", "type": "rate_limit"},
        {"name": "TimeoutError", "type": "timeout"},
        {"name": "ToolError", "type": "tool"},
        {"name": "CancelledError", "type": "cancelled"},
    ],
}


def error_map(message: str, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "type": "error",
        "name": "Error",
        "message": message,
        "hint": "",
        "source": "",
        "stack": [],
        "retry_after": None,
        "retryable": False,
        "cause": None,
        "data": {},
    }
    return plain | more


class HostFailure(Exception):
    """What a handler raises to answer with an error map."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields["message"])
        self.fields = fields


class Later:
    """A handler's answer that comes after `ms` of the host's own, virtual time; None: never."""

    def __init__(self, ms: float | None, value: Any = None) -> None:
        self.ms = ms
        self.value = value


class Invoke:
    """A handler's answer that is what a script function gives, invoked before the answer."""

    def __init__(self, function: FunctionRef | PromiseRef, *args: Any) -> None:
        self.function = function
        self.args = args


class FrameHost:
    """Runs one spell. `handlers` answer by frame name: a value, or a function of (receiver, args)."""

    warm = staticmethod(languages.warm)

    def __init__(self, language: str, source: str, handlers: dict[str, Any] | None = None, **start: Any) -> None:
        self.handlers = handlers or {}
        self.frames: list[Frame] = []
        self.printed: list[str] = []
        self.errors: list[str] = []
        self.result: Any = None
        self.error: dict[str, Any] | None = None
        self.ended = False
        self.clock = 0.0
        self.cancelled: set[int] = set()
        self.results: dict[int, tuple[bool, Any]] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._callbacks = itertools.count(1)
        self._waiting: dict[int, Callable[[bool, Any], None]] = {}
        self._open: set[int] = set()
        self._pinged = self._quiet = self._idle = False
        self._decoder = protocol.Decoder()
        binding = start.pop("binding", BINDING)
        self._channel, theirs = socket.socketpair()
        self._channel.settimeout(start.pop("patience", 20.0))
        begin: dict[str, Any] = {
            "language": language,
            "label": "spell.js" if language == "javascript" else "spell.lua",
            "source": source,
            "module": False,
            "params": {},
            "config": {},
            "env": {"HOME": "/home/tester"},
            "globals": {},
            "seed": 1,
            "clock": None,
            "memory_mb": 64,
        }
        self._send("run", begin | start)

        def work() -> None:
            with theirs:
                worker = Worker(theirs, lambda host, name: self.warm(name, binding).attach(host), os.getpid())
                worker.run()

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    # -- frames --------------------------------------------------------------------------------------------------

    def _send(self, *frame: Any) -> None:
        self._idle = False
        with contextlib.suppress(BrokenPipeError):  # its last frame is on the way
            self._channel.sendall(protocol.encode(list(frame)))

    def run(self) -> FrameHost:
        """Serves the spell to its end; timers fire only when nothing else is to be done."""
        try:
            while not self.ended:
                self.turn()
        finally:
            self.close()
        return self

    def close(self) -> None:
        self._channel.close()
        self._thread.join(20)
        assert not self._thread.is_alive(), "the worker's thread did not end"

    def turn(self) -> None:
        """Takes the frames that are there; a timer fires once the worker answers a ping with nothing before it."""
        if self._timers and self._idle:
            self._idle = False
            self.clock, _, fire = heapq.heappop(self._timers)
            fire()
            return
        if self._timers and not self._pinged:
            self._pinged = self._quiet = True
            self._send("callback", PING, 0, [], False)
        data = self._channel.recv(1 << 20)
        assert data, "the worker closed its channel without an end"
        for frame in self._decoder.feed(data):
            if frame[:2] == ["result", PING]:
                self._pinged, self._idle = False, self._quiet
            else:
                self._quiet = self._idle = False
                self.frames.append(frame)
                self._take(frame)

    def until(self, condition: Callable[[], Any]) -> None:
        while not condition() and not self.ended:
            self.turn()
        assert condition()

    def _take(self, frame: Frame) -> None:
        match frame:
            case ["ask" | "call", call, name, receiver, args, _]:
                self._open.add(call)
                self._answer(call, name, receiver, args)
            case ["cancel", calls]:
                for call in calls:
                    self.cancelled.add(call)
                    self._ret(call, False, error_map("cancelled", type="cancelled"))
            case ["tell", "print", [stream, text], _]:
                (self.printed if stream == "out" else self.errors).append(text)
            case ["result", callback, ok, value]:
                self.results[callback] = (ok, value)
                if then := self._waiting.pop(callback, None):
                    then(ok, value)
            case ["done", value]:
                self.result, self.ended = value, True
            case ["fail", error]:
                self.error, self.ended = error, True
            case _:
                pass

    def _ret(self, call: int, ok: bool, value: Any) -> None:
        if call in self._open:
            self._open.discard(call)
            self._send("ret", call, ok, value)

    def _answer(self, call: int, name: str, receiver: int | None, args: list[Any]) -> None:
        if name == "Async.sleep":
            value: Any = Later(args[0])
        else:
            handler = self.handlers[name]
            try:
                value = handler(receiver, args) if callable(handler) else handler
            except HostFailure as failure:
                self._ret(call, False, failure.fields)
                return
        self._give(call, value)

    def _give(self, call: int, value: Any) -> None:
        match value:
            case Later(ms=None):
                return
            case Later(ms=ms, value=later):
                heapq.heappush(self._timers, (self.clock + ms, next(self._order), lambda: self._give(call, later)))
            case Invoke(function=function, args=args):
                self.invoke(function.number, *args, then=lambda ok, given: self._ret(call, ok, given))
            case HostFailure(fields=fields):
                self._ret(call, False, fields)
            case _:
                self._ret(call, True, value)

    # -- what a test does ----------------------------------------------------------------------------------------

    def invoke(
        self, function: int, *args: Any, then: Callable[[bool, Any], None] | None = None, echo: bool = False
    ) -> int:
        callback = next(self._callbacks)
        if then is not None:
            self._waiting[callback] = then
        self._send("callback", callback, function, list(args), False)
        return callback

    def cancel(self, callback: int) -> None:
        self._send("cancel", callback)

    def release(self, *functions: tuple[int, int]) -> None:
        self._send("release", [list(item) for item in functions])

    def settle(self, call: int, value: Any) -> None:
        """Answers a call that a handler left open with `Later(None)`."""
        self._give(call, value)

    def calls(self, name: str) -> list[Frame]:
        return [frame for frame in self.frames if frame[0] in ("call", "ask") and frame[2] == name]

    @property
    def text(self) -> str:
        return "".join(self.printed)

    def value(self) -> Any:
        assert self.error is None, self.error
        return self.result


class Echo:
    """Answers for the `BINDING` above: objects with options, state and a stream of words each.

    `handlers`: what each name answers, a value or a function of (receiver, args); Later, Invoke and HostFailure are for
    the host that asks.
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self.objects: dict[int, dict[str, Any]] = {}
        self.listeners: list[FunctionRef] = []
        self.handlers: dict[str, Any] = {
            "Base.new": self._new("Base"),
            "Echo.new": self._new("Echo"),
            "Base.run": self._run,
            "Echo.run": self._run,
            "Base.run:base": lambda receiver, args: ["base", *args],
            "Echo.run:base": lambda receiver, args: ["base", *args],
            "Base.describe": lambda receiver, args: f"object {receiver}",
            "Base.log_line": None,
            "Base.id": lambda receiver, args: f"id-{receiver}",
            "Base.label": lambda receiver, args: self.objects[receiver]["options"].get("label"),
            "Base.label=": lambda receiver, args: self.objects[receiver]["options"].update(label=args[0]),
            "Base.state": self._read_state,
            "Base.state=": self._write_state,
            "Echo.say": lambda receiver, args: args[0] if args else None,
            "Echo.say_later": lambda receiver, args: Later(args[1], args[0]),
            "Echo.fail_with": self._fail,
            "Echo.fail_now": self._fail,
            "Echo.give": lambda receiver, args: args[0] if args else None,
            "Echo.call_me": lambda receiver, args: Invoke(args[0], *args[1:]),
            "Echo.call_me_now": lambda receiver, args: Invoke(args[0], *args[1:]),
            "Echo.stream_words": self._stream,
            "Stream.next": lambda receiver, args: self._next_word(receiver),
            "Stream.close": lambda receiver, args: self.objects[receiver].update(closed=True),
            "Echo.find": lambda receiver, args: ObjectRef(args[0], "Echo", ("polish",)),
            "Echo.polish": lambda receiver, args: ["polished", *args],
            "board.count": lambda receiver, args: len(args),
            "board.fetch": lambda receiver, args: args,
            "board.on": lambda receiver, args: self.listeners.append(args[0]),
            "board.get_cached": lambda receiver, args: args,
            "board.size": 7,
            "Text.to_string": lambda receiver, args: "the text",
            "Text.content": "the text",
        }

    def answer(self, name: str, receiver: int | None, args: list[Any]) -> Any:
        handler = self.handlers[name]
        return handler(receiver, args) if callable(handler) else handler

    def _new(self, class_name: str) -> Callable[[Any, list[Any]], ObjectRef]:
        def new(_: Any, args: list[Any]) -> ObjectRef:
            number = len(self.objects) + 1
            options = args[0] if isinstance(args[0], dict) else {}
            self.objects[number] = {"options": options, "given": args, "state": {}, "subclass": args[1]}
            return ObjectRef(number, class_name)

        return new

    def _run(self, receiver: int | None, args: list[Any]) -> Any:
        if receiver is None:
            return ["static", *args]
        subclass = self.objects[receiver]["subclass"]
        if subclass and "run" in subclass["overrides"]:
            return Invoke(subclass["overrides"]["run"], ObjectRef(receiver, "Echo"), *args)
        return ["plain", *args]

    def _fail(self, _: Any, args: list[Any]) -> Any:
        fields = args[0] if args and isinstance(args[0], dict) else {"message": args[0] if args else "failed"}
        raise HostFailure(error_map(**fields))

    def _stream(self, _: Any, args: list[Any]) -> ObjectRef:
        number = len(self.objects) + 1
        self.objects[number] = {"words": args[0].split(), "closed": False}
        return ObjectRef(number, "Stream")

    def _next_word(self, receiver: int) -> Any:
        words = self.objects[receiver]["words"]
        return [words.pop(0)] if words else None

    def _read_state(self, receiver: int, args: list[Any]) -> Any:
        value = self.objects[receiver]["state"]
        for key in args[0]:
            try:
                value = value[self._place(value, key)]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def _write_state(self, receiver: int, args: list[Any]) -> None:
        path, value = args
        if not path:
            self.objects[receiver]["state"] = value
            return
        holder = self.objects[receiver]["state"]
        for key in path[:-1]:
            holder = holder[self._place(holder, key)]
        last = self._place(holder, path[-1])
        if isinstance(holder, list) and last == len(holder):
            holder.append(value)
        elif isinstance(holder, list) and value is None:
            holder.pop(last)
        else:
            holder[last] = value

    def _place(self, holder: Any, key: Any) -> Any:
        """Lua counts the items of a list from 1."""
        return key - 1 if self._language == "lua" and isinstance(holder, list) and isinstance(key, int) else key


class EchoHost(FrameHost):
    """A host that answers as `Echo` does, unless `handlers` say otherwise."""

    def __init__(self, language: str, source: str, handlers: dict[str, Any] | None = None, **start: Any) -> None:
        self.echo = Echo(language)
        self.objects = self.echo.objects
        self.listeners = self.echo.listeners
        super().__init__(language, source, self.echo.handlers | (handlers or {}), **start)


def run(language: str, source: str, handlers: dict[str, Any] | None = None, **start: Any) -> EchoHost:
    """Runs a spell to its end and gives its host, for what it printed, gave and sent."""
    host = EchoHost(language, source, handlers, **start)
    host.run()
    return host
