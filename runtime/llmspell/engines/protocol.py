"""What a host and a worker say to each other: msgpack arrays over a stream socket, one language for every transport.

Each frame is a 4-byte little-endian length and a msgpack array `[op, ...]`. The host refuses a longer frame than
its limit before it reads it. `site` is the script's own position as `file:line`, "" where there is none.

Host to worker
    run      [start]                      begin a spell; `start` is a map, see `Start`
    check    [start]                      compile a spell and run nothing of it; answered by `done` or `fail`; in a
                                          worker that is debugged, by `done` with the lines that have code
    ret      [call, ok, value]            the answer to a `call` or `ask`; with ok False the value is an error map
    callback [callback, function, args, echo, later]   run a script function; the worker answers with `result`: what it
                                          gave, or with `echo` the fields of its first argument, a table, that it
                                          changed or added (tables among them in any case). later: not while an ask
                                          waits, whose answer has nothing to do with it; false if left out
    cancel   [callback]                   stop a callback's task: its result is no longer wanted
    release  [[function, count], ...]     the host has forgotten functions it had received `count` times
    live     []                           recorded clock readings are over: the clock is read from here on
    debug    [number, command, arguments] to a worker that is debugged (`debugging.debugger`); answered by `debugged`

Worker to host
    call     [call, name, receiver, args, site]   an asynchronous call; the worker goes on
    ask      [call, name, receiver, args, site]   a synchronous call: the worker reads frames until its `ret`;
                                                  callbacks may enter meanwhile
    within   [callback]                           the calls and asks from here on are made by this callback; 0: by none
    tell     [name, args, site]                   no answer is wanted: `print`, `warning`
    cancel   [[call, ...]]                        answers no longer wanted: the host cancels what computes them
    result   [callback, ok, value]                what a callback gave; with ok False the value is an error map
    at       [site, stack]                where the script is: a worker over its limit was asked (`interrupt`) and stops
    clock    [readings]                           clock readings since the last frame, packed little-endian doubles
    done     [value]                              the spell has ended: main chunk returned, nothing pending
    fail     [error]                              the spell has ended with an error map
    ready    [pid]                                first frame of a worker
    debugged [number, ok, value]                  the answer to a `debug`; with ok False the value is a sentence
    stopped  [report]                             the script stands: `reason`, `label`, `line`, `text`, `ids` of
                                                  breakpoints, `thrown` of an error; until a `debug` `go`
    logged   [text, site]                         what a breakpoint's log message gave
    unseen   [label, why]                         a file that runs without the debugger's tests
    aside    [frame]                              an `ask` of what is evaluated for a person: no input of the run

`name` is a name of the registry, `Agent.chat`; `receiver` is an object's number or None for a static member.
An error map is `LlmspellError.to_value()`, plus `value` where a script threw something that is not an error.
Each `call` and `ask` gets exactly one `ret`, a cancelled one too. The worker is single-threaded and takes frames in
order, so what a spell does is a function of the frames it was sent: that is what replay rests on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final, NotRequired, TypedDict

from llmspell.engines import values

LENGTH: Final = struct.Struct("<I")
#: Largest frame, in bytes, unless the settings say otherwise.
FRAME_LIMIT: Final = 16 * 1024 * 1024

Frame = list[Any]


class FrameTooLong(Exception):
    """The other side announced a frame over the limit. `size` is in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a frame of {size} bytes")
        self.size = size


class Start(TypedDict):
    """What a worker needs to run a spell; everything else it asks for."""

    language: str
    """`lua` or `javascript`."""
    label: str
    """The spell's path as the person knows it: the `file` of each site."""
    source: str
    """The text as it runs (imports already rewritten in JavaScript)."""
    module: bool
    """JavaScript only: whether the text is a module (it has import or export)."""
    params: Any
    config: Any
    env: dict[str, str]
    """The allow-listed environment."""
    globals: dict[str, Any]
    """More names to bind, each to a value."""
    seed: int
    """128 bits: the one source of randomness, of uuids too."""
    clock: bytes | None
    """Recorded clock readings (packed doubles) to answer from, in a replay."""
    memory_mb: int
    """Limit of the engine's own heap."""
    farewell: NotRequired[bool]
    """Whether the worker asks `spell.end` with the result before `done`, and ends with the answer: while it waits, the
    spell can still be called back."""
    debug: NotRequired[dict[str, Any]]
    """For a worker that is debugged: its first breakpoints, `{breakpoints: {label: points}, errors, entry}`."""


def start_of(
    language: str,
    label: str,
    source: str,
    *,
    module: bool,
    params: Any = None,
    config: Any = None,
    env: dict[str, str] | None = None,
    seed: int = 0,
    clock: bytes | None = None,
    memory_mb: int = 256,
    farewell: bool = False,
    debug: dict[str, Any] | None = None,
) -> Start:
    """What a worker is told to begin with. Nothing is given unless it is named."""
    start: Start = {
        "language": language,
        "label": label,
        "source": source,
        "module": module,
        "params": {} if params is None else params,
        "config": {} if config is None else config,
        "env": env or {},
        "globals": {},
        "seed": seed,
        "clock": clock,
        "memory_mb": memory_mb,
        "farewell": farewell,
    }
    if debug is not None:
        start["debug"] = debug
    return start


def encode(frame: Frame) -> bytes:
    """A frame as it goes on the wire, length first."""
    body = values.pack(frame)
    return LENGTH.pack(len(body)) + body


class Decoder:
    """Cuts a byte stream into frames. `limit` is in bytes; a longer frame raises `FrameTooLong`."""

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._start = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames completed by these bytes."""
        self._buffer += data
        while (frame := self._next()) is not None:
            yield frame
        if self._start:
            del self._buffer[: self._start]
            self._start = 0

    def _next(self) -> Frame | None:
        begin = self._start + LENGTH.size
        if len(self._buffer) < begin:
            return None
        (size,) = LENGTH.unpack_from(self._buffer, self._start)
        if size > self._limit:
            raise FrameTooLong(size)
        if len(self._buffer) < begin + size:
            return None
        self._start = begin + size
        frame = values.unpack(memoryview(self._buffer)[begin : begin + size].tobytes())
        if not isinstance(frame, list) or not frame:
            raise ValueError("a frame is a list of an operation and more")
        return frame
