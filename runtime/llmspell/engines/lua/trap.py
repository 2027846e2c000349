"""Catches Lua code wherever it is, whatever it catches itself: the C library under lupa, through its own functions.

`lua_sethook` is Lua's one function that may be called at any time. A count hook of 1 makes the next instruction call
it; there the stack can be read, and the coroutine made to yield, which no pcall stops. It is set on every running
coroutine, because each has its own. Knows nothing of spells but that the source of their chunks begins with "@".
"""

from __future__ import annotations

import ctypes
from _thread import get_ident
from collections.abc import Callable
from typing import Final

from lupa import lua54

_MASK_COUNT: Final = 8
#: Lines of a stack, as in errors.lua.
_LINES: Final = 30
_LEVELS: Final = 2000


class _Debug(ctypes.Structure):
    """lua_Debug of Lua 5.4. What follows `i_ci` is room, should a build have more."""

    _fields_ = (
        ("event", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("namewhat", ctypes.c_char_p),
        ("what", ctypes.c_char_p),
        ("source", ctypes.c_char_p),
        ("srclen", ctypes.c_size_t),
        ("currentline", ctypes.c_int),
        ("linedefined", ctypes.c_int),
        ("lastlinedefined", ctypes.c_int),
        ("nups", ctypes.c_ubyte),
        ("nparams", ctypes.c_ubyte),
        ("isvararg", ctypes.c_char),
        ("istailcall", ctypes.c_char),
        ("ftransfer", ctypes.c_ushort),
        ("ntransfer", ctypes.c_ushort),
        ("short_src", ctypes.c_char * 60),
        ("i_ci", ctypes.c_void_p),
        ("room", ctypes.c_byte * 64),
    )


_State = ctypes.c_void_p
_Record = ctypes.POINTER(_Debug)
_Hook = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)

_library: Final = ctypes.CDLL(lua54.__file__)
_library.lua_sethook.argtypes = [_State, ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
_library.lua_sethook.restype = None
_library.lua_getstack.argtypes = [_State, ctypes.c_int, _Record]
_library.lua_getinfo.argtypes = [_State, ctypes.c_char_p, _Record]
_library.lua_getlocal.argtypes = [_State, _Record, ctypes.c_int]
_library.lua_getlocal.restype = ctypes.c_char_p
_library.lua_tothread.argtypes = [_State, ctypes.c_int]
_library.lua_tothread.restype = _State
_library.lua_settop.argtypes = [_State, ctypes.c_int]
_library.lua_settop.restype = None
_library.lua_isyieldable.argtypes = [_State]
_library.lua_yieldk.argtypes = [_State, ctypes.c_int, ctypes.c_ssize_t, ctypes.c_void_p]

# As a hook it gets the state and a lua_Debug, whose first field, the event 3, reads as the text "\x03": it throws. A
# hook in Python could not, because Lua's jump would pass over the interpreter's frames.
_throw: Final = ctypes.cast(_library.luaL_error, ctypes.c_void_p)


class Trap:
    """main: the address of the main lua_State, which the thread that makes the trap runs.

    caught: called once with the stack that was found, its lines innermost first: in the thread that runs Lua and
    between two of its instructions, or, when Lua is inside a C function that does not end, where `set` was called.
    """

    def __init__(self, main: int, caught: Callable[[list[str]], None]) -> None:
        self._main = main
        self._caught = caught
        self._thread = get_ident()
        self._armed: list[int] = []
        self._forced = 0  # coroutines armed when it was last forced
        self._sprung = False
        self._hook = _Hook(self._reached)
        self._address = ctypes.cast(self._hook, ctypes.c_void_p)

    def set(self, *, forced: bool) -> None:
        """May be called at any time: in the thread that runs Lua, which stands still meanwhile, or in another one. Call
        it again every few milliseconds until it has caught something. forced: by a signal handler; twice so without a
        hook called in between means that Lua is in a C function.

        Another thread may look into a coroutine only when that stands still as well: when the trap set there before
        was not reached, because it waits for a coroutine inside it or for a C function. So there each call goes one
        deeper.
        """
        if self._sprung:
            return
        armed = len(self._armed)
        if not armed:
            self._arm(self._main)
        if armed or self._stands_still():
            while (inner := _resumed_by(self._armed[-1])) is not None:
                self._arm(inner)
                if not self._stands_still():
                    break
        if len(self._armed) == armed and (not self._stands_still() or (forced and self._forced == armed)):
            self._spring()
        if forced:
            self._forced = len(self._armed)

    def _stands_still(self) -> bool:
        return get_ident() == self._thread

    def _arm(self, state: int) -> None:
        self._armed.append(state)
        _library.lua_sethook(state, self._address, _MASK_COUNT, 1)

    def _spring(self) -> None:
        """Not where no script is to be found: the scheduler runs, and will soon run one."""
        if stack := _stack(self._armed):
            self._sprung = True
            self._caught(stack)

    def _reached(self, state: int, _record: int) -> None:
        if not self._sprung:
            if state in self._armed:
                del self._armed[self._armed.index(state) + 1 :]
            else:  # begun since, by the innermost: a coroutine has the hook of the one that made it
                self._armed.append(state)
            self._spring()
        if not self._sprung:
            return
        if _library.lua_isyieldable(state):
            _library.lua_yieldk(state, 0, 0, None)
        else:
            _library.lua_sethook(state, _throw, _MASK_COUNT, 1)


def _resumed_by(state: int) -> int | None:
    """The coroutine that this one is running: the first argument of `coroutine.resume`, where that is innermost."""
    record = _Debug()
    if not _library.lua_getstack(state, 0, record):
        return None
    _library.lua_getinfo(state, b"S", record)
    if record.what != b"C" or not _library.lua_getlocal(state, record, 1):
        return None
    inner: int | None = _library.lua_tothread(state, -1)
    _library.lua_settop(state, -2)
    return inner


def _stack(states: list[int]) -> list[str]:
    """Lines as errors.lua writes them, of coroutines given outermost first."""
    lines: list[str] = []
    for state in reversed(states):
        lines += _lines(state, _LINES - len(lines))
    return lines


def _lines(state: int, most: int) -> list[str]:
    lines: list[str] = []
    waiting: tuple[str, str, str] | None = None  # a script's frame whose caller is not yet known
    record = _Debug()
    for level in range(_LEVELS):
        known = bool(_library.lua_getstack(state, level, record))
        source = b""
        if known:
            _library.lua_getinfo(state, b"nSl", record)
            source = record.source or b""
        is_script = source[:1] == b"@"
        if waiting is not None:
            where, name, otherwise = waiting
            lines.append(f"{where}: in function '{name}'" if name and is_script else f"{where}: in {otherwise}")
            waiting = None
        if not known or len(lines) >= most:
            break
        if is_script:
            label = source[1:].decode("utf-8", "replace")
            begun = "main chunk" if record.what == b"main" else f"function <{label}:{record.linedefined}>"
            name = (record.name or b"").decode("utf-8", "replace")
            waiting = (f"{label}:{record.currentline}", name, begun)
    return lines
