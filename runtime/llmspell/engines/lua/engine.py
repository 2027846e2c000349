"""The Lua engine's Python side: makes the runtime, runs the prelude, and carries bytes between it and the host.

Only numbers and byte strings cross the border of the Lua state, never a table or a Python object: values go as msgpack
(`values`, wire.lua). What the prelude calls (`_border`) never raises, because a Python exception inside Lua could be
caught by a spell. What must not be lost (the channel is gone) is kept and raised once Lua has returned.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NoReturn, TypeVar

from lupa import lua54

from llmspell.engines import values
from llmspell.engines.binding import Binding
from llmspell.engines.engine import Host, HostError
from llmspell.engines.lua.plan import lay_out
from llmspell.engines.lua.trap import Trap
from llmspell.engines.nearest import Names
from llmspell.engines.protocol import Start

#: The prelude's files in the order they run; each needs those before it.
PRELUDE: Final = (
    "natives", "sandbox", "tables", "wire", "strings", "errors", "coroutines", "scheduler", "calls", "json", "live",
    "async", "methods", "objects", "classes", "emitter", "clock", "modules",
)  # fmt: skip

_FOLDER: Final = os.path.dirname(__file__)  # noqa: PTH120  pathlib costs a zygote 3 ms

_MEGABYTE: Final = 1024 * 1024
#: Pushing a string into a full Lua state aborts the process, so this much (and the string) must be free first.
_HEADROOM: Final = 256 * 1024
#: Granted once memory has run out, to say where.
_EPILOGUE: Final = 32 * _MEGABYTE
#: Questions inside callbacks inside questions; Lua's own C stack ends at about 40 of them, the host's rule is 16.
_DEPTH: Final = 24
#: What an answer is to Lua when there will be none.
_OVER: Final = False

_TOO_DEEP: Final[dict[str, Any]] = {
    "type": "limit",
    "name": "LimitError",
    "message": f"callbacks call back into the host more than {_DEPTH} levels deep",
    "hint": "a callback that starts what it is called by never ends",
    "data": {"limit": "depth"},
}

#: What Lua says of a name that is not there.
_MISSING: Final = re.compile(r"attempt to (?:call|index) a nil value \((method|field|global) '(\w+)'\)$")

_T = TypeVar("_T")


def _deny(*_: Any) -> NoReturn:
    raise AttributeError("not available to scripts")


def warm(binding: Binding) -> LuaEngine:
    """An engine with its prelude run and its classes bound; it waits for `attach`."""
    return LuaEngine(binding)


class LuaEngine:
    """One Lua state. Made and bound in the zygote (`LuaEngine(binding)`), given its host after the fork (`attach`)."""

    prelude = PRELUDE

    def __init__(self, binding: Binding) -> None:
        self._host: Host | None = None
        self._over = False
        self._escape: BaseException | None = None
        self._limit = 0
        self._depth = 0
        make: Any = lua54.LuaRuntime  # its type stubs are of an older version
        self._runtime: Any = make(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            attribute_handlers=(_deny, _deny),
            max_memory=0,
        )
        address = self._runtime.eval('string.format("%p", (coroutine.running()))')
        self._trap = Trap(int(address, 16), self._trapped)
        shared = self._runtime.table()
        border = self._runtime.table_from({name.encode(): function for name, function in self._border().items()})
        for name in self.prelude:
            with open(f"{_FOLDER}/{name}.lua", "rb") as file:  # noqa: PTH123
                source = file.read()
            self._runtime.execute(source, shared, border, name=b"=[llmspell/%s]" % name.encode(), mode=b"t")
        self._names = Names(binding, lambda name: name)
        shared[b"bind"](values.pack(lay_out(binding)))
        self._names.add_globals(dict(map(_global, shared[b"env"].items())))
        self._api = api = shared[b"api"]
        self._start, self._settle, self._invoke = api[b"start"], api[b"settle"], api[b"invoke"]
        self._cancel, self._release, self._run = api[b"cancel"], api[b"release"], api[b"run"]
        self._position = api[b"position"]
        self._runtime.gccollect()

    def attach(self, host: Host) -> LuaEngine:
        """Gives the warmed engine the worker it lives in."""
        self._host = host
        return self

    # -- what the worker calls -----------------------------------------------------------------------------------

    def start(self, start: Start) -> None:
        if start["memory_mb"]:
            self._limit = start["memory_mb"] * _MEGABYTE
            self._runtime.set_max_memory(self._limit)
        keys = ("label", "source", "params", "config", "globals", "env")
        self._enter(self._start, values.pack({key: start[key] for key in keys}))

    def settle(self, call: int, ok: bool, value: Any) -> None:
        if ok:
            self._enter(self._settle, call, True, None if value is None else values.pack(value))
        elif value.get("type") in ("limit", "cancelled"):
            self._end(value)
        else:
            self._enter(self._settle, call, False, values.pack(value))

    def invoke(self, callback: int, function: int, args: list[Any], echo: bool) -> None:
        self._enter(self._invoke, callback, function, values.pack(args), echo)

    def cancel(self, callback: int) -> None:
        self._enter(self._cancel, callback)

    def release(self, functions: list[tuple[int, int]]) -> None:
        for number, count in functions:
            self._enter(self._release, number, count)

    def pump(self) -> None:
        self._enter(self._run)

    def interrupt(self, *, forced: bool) -> None:
        if self._host is not None and not self._over:
            self._trap.set(forced=forced)

    def _trapped(self, stack: list[str]) -> None:
        self._over = True
        source = stack[0].partition(": in ")[0] if stack else ""
        if self._host is not None:
            with suppress(OSError):  # the host has closed the channel: it knows enough
                self._host.at(source, stack)

    # -- into Lua ------------------------------------------------------------------------------------------------

    def _enter(self, function: Callable[..., Any], *args: Any) -> None:
        if self._over:
            return
        if not self._has_room(sum(len(item) for item in args if isinstance(item, bytes))):
            self._out_of_memory(b"")
            return
        try:
            function(*args)
        except (lua54.LuaError, MemoryError) as error:
            self._broken(error)
        if self._escape is not None:
            self._over = True
            raise self._escape

    def _has_room(self, size: int) -> bool:
        if not self._limit or self._runtime.get_memory_used() + size + _HEADROOM < self._limit:
            return True
        self._runtime.gccollect()
        return self._runtime.get_memory_used() + size + _HEADROOM < self._limit

    def _broken(self, error: BaseException) -> None:
        """Lua failed outside of any task: memory has run out while the prelude worked, or the prelude is wrong."""
        if isinstance(error, (lua54.LuaMemoryError, MemoryError)) or "not enough memory" in str(error):
            self._out_of_memory(b"")
        else:
            self._end({"type": "error", "name": "Error", "message": f"the Lua engine failed: {error}"})

    def _end(self, fields: dict[str, Any]) -> None:
        if self._over or self._host is None:
            return
        self._over = True
        empty = {
            "hint": "",
            "source": "",
            "stack": [],
            "retry_after": None,
            "retryable": False,
            "cause": None,
            "data": {},
        }
        self._host.fail({**empty, **fields})

    # -- what Lua calls ------------------------------------------------------------------------------------------

    def _border(self) -> dict[str, Callable[..., Any]]:
        return {
            "call": self._lua_call,
            "ask": self._lua_ask,
            "tell": self._lua_tell,
            "within": self._lua_within,
            "cancel": self._lua_cancel,
            "result": self._lua_result,
            "done": self._lua_done,
            "fail": self._lua_fail,
            "out_of_memory": self._out_of_memory,
            "clock": lambda: self._read(lambda host: host.clock(), 0.0),
            "cpu_clock": lambda: self._read(lambda host: host.cpu_clock(), 0.0),
            "random": lambda: self._read(lambda host: host.random(), 0.0),
            "random_bytes": self._random_bytes,
        }

    def _lua_call(self, name: bytes, receiver: int | None, args: bytes, site: bytes) -> int | None:
        host = self._host
        if host is None or self._over:
            return None
        try:
            return host.call(name.decode(), receiver, values.unpack(args), site.decode("utf-8", "replace"))
        except BaseException as error:
            self._keep(error)
            return None

    def _lua_ask(self, name: bytes, receiver: int | None, args: bytes, site: bytes) -> bytes | bool | None:
        host = self._host
        if host is None or self._over:
            return _OVER
        if self._depth >= _DEPTH:
            self._end(_TOO_DEEP | {"source": site.decode("utf-8", "replace")})
            return _OVER
        self._depth += 1
        try:
            value = host.ask(name.decode(), receiver, values.unpack(args), site.decode("utf-8", "replace"))
        except HostError as error:
            if error.fields.get("type") in ("limit", "cancelled"):
                self._end(error.fields)
                return _OVER
            return self._answer([False, error.fields], site)
        except BaseException as error:
            self._keep(error)
            return _OVER
        finally:
            self._depth -= 1
        if self._over:
            return _OVER
        return None if value is None else self._answer([True, value], site)

    def _answer(self, reply: list[Any], site: bytes) -> bytes | bool:
        data = values.pack(reply)
        if self._has_room(len(data)):
            return data
        self._out_of_memory(site)
        return _OVER

    def _lua_tell(self, name: bytes, args: bytes, site: bytes) -> bool:
        return self._send(lambda host: host.tell(name.decode(), values.unpack(args), site.decode("utf-8", "replace")))

    def _lua_within(self, callback: int) -> Any:
        return self._send(lambda host: host.within(callback))

    def _lua_cancel(self, calls: bytes) -> bool:
        return self._send(lambda host: host.cancel(values.unpack(calls)))

    def _lua_result(self, callback: int, ok: bool, value: bytes) -> bool:
        return self._send(lambda host: host.result(callback, ok, values.unpack(value) if ok else self._told(value)))

    def _lua_done(self, value: bytes) -> bool:
        sent = self._send(lambda host: host.done(values.unpack(value)))
        self._over = True
        return sent

    def _lua_fail(self, fields: bytes) -> bool:
        if not self._over:
            self._send(lambda host: self._end(self._told(fields)))
        return False

    def _told(self, data: bytes) -> dict[str, Any]:
        """An error of the spell's; what may have been meant by a name that is not there is its hint."""
        fields: dict[str, Any] = values.unpack(data)
        message = fields.get("message")
        if fields.get("hint") or not isinstance(message, str) or (found := _MISSING.search(message)) is None:
            return fields
        kind, name = found.groups()
        near = self._names.near_global(name) if kind == "global" else self._names.near_any_member(name)
        return {**fields, "hint": f"did you mean {near}?"} if near else fields

    def _out_of_memory(self, site: bytes) -> None:
        """Ends the spell; never raises. `site` is b"" where the prelude does not know the line."""
        if self._over:
            return
        limit = self._limit // _MEGABYTE
        if self._limit:
            self._runtime.set_max_memory(self._limit + _EPILOGUE)
        source = site.decode("utf-8", "replace") or self._find_position()
        fields = {
            "type": "limit",
            "name": "LimitError",
            "message": f"the spell needs more than its {limit} MB of memory",
            "hint": "keep less in tables and strings, or raise the memory limit",
            "source": source,
            "data": {"limit": "memory"},
        }
        self._send(lambda host: self._end(fields))

    def _find_position(self) -> str:
        try:
            found = self._position()
        except (lua54.LuaError, MemoryError):
            return ""
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else ""

    def _send(self, send: Callable[[Host], None]) -> bool:
        if self._host is None or self._over:
            return False
        try:
            send(self._host)
        except BaseException as error:
            self._keep(error)
            return False
        return True

    def _read(self, read: Callable[[Host], _T], otherwise: _T) -> _T:
        if self._host is None or self._over:
            return otherwise
        try:
            return read(self._host)
        except BaseException as error:
            self._keep(error)
            return otherwise

    def _random_bytes(self, count: int) -> bytes:
        return self._read(lambda host: host.random_bytes(count), bytes(count))

    def _keep(self, error: BaseException) -> None:
        """Keeps what must not pass through Lua; nothing more runs, and `_enter` raises it."""
        if self._escape is None:
            self._escape = error


def _global(item: tuple[Any, Any]) -> tuple[str, list[str]]:
    """A global's name and the members of one that is a table."""
    name, value = item
    return name.decode(), [key.decode() for key in value if isinstance(key, bytes)] if hasattr(value, "keys") else []
