"""QuickJS-ng as the engine uses it: its context, its report of promises that nobody handles, its stack.

All that knows the C library is here. Knows nothing of spells.
"""

from __future__ import annotations

import ctypes
import importlib
import resource
import sys
from collections.abc import Callable
from typing import Any, Final, Protocol


class Function(Protocol):
    """A JavaScript function or object, as the binding hands it out."""

    def __call__(self, *args: object) -> Any: ...


class Context(Protocol):
    """One JavaScript world. Made and used in one thread."""

    def eval(self, code: str) -> Any: ...
    def get(self, name: str) -> Any: ...
    def add_callable(self, name: str, function: Callable[..., object]) -> None: ...
    def execute_pending_job(self) -> bool: ...
    def set_memory_limit(self, limit: int) -> None: ...
    def set_max_stack_size(self, limit: int) -> None: ...
    def memory(self) -> dict[str, int]: ...


# The package's own module (`import quickjs`) starts a thread when it is imported, and a process with threads cannot be
# forked safely; the C module below it does not.
_quickjs: Final[Any] = importlib.import_module("_quickjs")
ScriptException: Final[type[Exception]] = _quickjs.JSException

#: Where the fields of the binding's objects begin. `Context` is (JSRuntime *, JSContext *, …), `Object` is
#: (Context *, JSValue).
_HEAD: Final = object.__basicsize__
_WORD: Final = ctypes.sizeof(ctypes.c_void_p)


def new_context() -> Context:
    context: Context = _quickjs.Context()
    return context


class _Value(ctypes.Structure):
    """JSValue of a 64-bit build."""

    _fields_ = (("payload", ctypes.c_uint64), ("tag", ctypes.c_int64))


_TAG_BOOL: Final = 1
_TAG_UNDEFINED: Final = 3

_Tracker = ctypes.CFUNCTYPE(None, ctypes.c_void_p, _Value, _Value, ctypes.c_bool, ctypes.c_void_p)

_library: Final = ctypes.CDLL(_quickjs.__file__)
_library.JS_GetRuntime.argtypes = [ctypes.c_void_p]
_library.JS_GetRuntime.restype = ctypes.c_void_p
_library.JS_SetHostPromiseRejectionTracker.argtypes = [ctypes.c_void_p, _Tracker, ctypes.c_void_p]
_library.JS_SetHostPromiseRejectionTracker.restype = None
_library.JS_Call.argtypes = [ctypes.c_void_p, _Value, _Value, ctypes.c_int, ctypes.POINTER(_Value)]
_library.JS_Call.restype = _Value
_library.JS_SetInterruptHandler.restype = None
_library.JS_ToCStringLen2.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t), _Value, ctypes.c_bool]
_library.JS_ToCStringLen2.restype = ctypes.c_void_p

_library.JS_SetUncatchableError.argtypes = [ctypes.c_void_p, _Value]
_library.JS_SetUncatchableError.restype = None
_library.JS_RunGC.argtypes = [ctypes.c_void_p]
_library.JS_RunGC.restype = None

_Poll = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_library.JS_SetInterruptHandler.argtypes = [ctypes.c_void_p, _Poll, ctypes.c_void_p]


class _Library:
    """The two structures that the binding's `Context` holds, for the library's own functions."""

    def __init__(self, context: Context) -> None:
        self.runtime = ctypes.c_void_p.from_address(id(context) + _HEAD).value or 0
        self.context = ctypes.c_void_p.from_address(id(context) + _HEAD + _WORD).value or 0
        if _library.JS_GetRuntime(self.context) != self.runtime:
            raise RuntimeError("this build of quickjs-ng lays out its Context in another way")

    def call(self, function: Function, *arguments: _Value) -> _Value:
        """Calls a JavaScript function from inside of the engine, where the binding's own way would lose its lock."""
        value = _Value.from_address(id(function) + _HEAD + _WORD)
        undefined = _Value(0, _TAG_UNDEFINED)
        array = (_Value * max(1, len(arguments)))(*arguments)
        return _library.JS_Call(self.context, value, undefined, len(arguments), array)

    def text(self, value: _Value) -> str:
        """What a value reads as; "" where it cannot be read. Both stay with the engine."""
        size = ctypes.c_size_t()
        address = _library.JS_ToCStringLen2(self.context, size, value, False)
        return ctypes.string_at(address, size.value).decode("utf-8", "replace") if address else ""


class RejectionTracker:
    """Tells a JavaScript function (promise, reason, handled) of each promise rejected without a handler, and again
    when it gets one after all. The binding does not offer this; the library below it does.

    pending: set whenever there was something to tell.
    """

    def __init__(self, context: Context, listener: Function) -> None:
        self.pending = False
        library = _Library(context)

        def note(_context: int, promise: _Value, reason: _Value, handled: bool, _opaque: int) -> None:
            self.pending = True
            library.call(listener, promise, reason, _Value(int(handled), _TAG_BOOL))

        # Kept as long as the context may call it.
        self._keep = (_Tracker(note), listener)
        _library.JS_SetHostPromiseRejectionTracker(library.runtime, self._keep[0], None)


#: Where the engine counts the bytes of its heap, and next to it their limit: words of JSRuntime.
_HEAP: Final = 6
_HEAP_LIMIT: Final = 7


class Trap:
    """Catches the engine in its own loop, which looks every 10,000 jumps and calls (and now and then in a regular
    expression) whether the trap is set: less than 1 % of the fastest loop. Then each look throws what no script
    catches, so that all that runs is left.

    reached: called before each such throw, whose stack tells where the script was.
    place: gives as text where the script is, "" where none of it is on the stack.
    full: called by a look that finds the heap over `heap_limit`.
    watch: where a run is debugged, asked by each look that finds nothing else; true throws.
    spares: where a run is debugged, asked by a look that finds the heap over its limit; true throws, and is all.
    """

    watch: Callable[[], bool] | None = None
    spares: Callable[[], bool] | None = None

    def __init__(
        self, context: Context, reached: Function, place: Function, full: Callable[[], object], heap_limit: int = 0
    ) -> None:
        self.heap_limit = heap_limit
        """Bytes; 0: none. Unlike the engine's own, which may leave no room to say so, it is passed before it is met."""
        self._library = _Library(context)
        self._place = place
        self._full = full
        self._set = self._found = False
        self._words = (ctypes.c_size_t * (_HEAP_LIMIT + 1)).from_address(self._library.runtime)
        context.set_memory_limit(sys.maxsize)
        if self._words[_HEAP_LIMIT] != sys.maxsize:
            raise RuntimeError("this build of quickjs-ng lays out its JSRuntime in another way")

        def look(_runtime: int, _opaque: int) -> int:
            if not self._set:
                if not self.finds_full():
                    return int(self.watch is not None and self.watch())
                if self.spares is not None and self.spares():
                    return 1
                self._full()
            # Looks come at regular steps, and so might never find a script that is waiting most of the time, but for
            # the call before each.
            self._library.call(reached)
            self._found = self._found or self.place() != ""
            return int(self._found)

        self._keep = (_Poll(look), reached)
        _library.JS_SetInterruptHandler(self._library.runtime, self._keep[0], None)

    def finds_full(self) -> bool:
        """Whether the heap is over its limit when what waits for the next collection, which the engine puts off for
        long in a large heap, is thrown away."""
        if not self.heap_limit or self._words[_HEAP] <= self.heap_limit:
            return False
        _library.JS_RunGC(self._library.runtime)
        return self._words[_HEAP] > self.heap_limit

    def set(self) -> None:
        self._set = True

    def place(self) -> str:
        return self._library.text(self._library.call(self._place))

    def call(self, function: Function) -> None:
        """Calls one from inside of a look. It may call nothing of Python's."""
        self._library.call(function)

    def make_uncatchable(self, error: object) -> None:
        """An error on its way through the script; None: there is none."""
        if error is None:
            return
        _library.JS_SetUncatchableError(self._library.context, _Value.from_address(id(error) + _HEAD + _WORD))


class _LoadedObject(ctypes.Structure):
    _fields_ = (("address", ctypes.c_void_p), ("name", ctypes.c_char_p))


_OnObject = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_LoadedObject), ctypes.c_size_t, ctypes.c_void_p)
_found: Final[list[int]] = [0]


def _note_address(info: Any, _size: int, _data: int | None) -> int:
    _found[0] = ctypes.addressof(info.contents)
    return 1  # no further object is wanted


_on_object: Final = _OnObject(_note_address)
_libc: Final = ctypes.CDLL(None)


def stack_pointer() -> int:
    """Roughly where the C stack of this thread is now, in bytes; 4 µs.

    dl_iterate_phdr shows its caller a structure that lives in its own frame, in glibc and in musl alike: the one
    address on the stack that Python can be told without a compiler.
    """
    _libc.dl_iterate_phdr(_on_object, None)
    return _found[0]


def stack_size() -> int:
    """Bytes of C stack that a thread of this process gets; glibc gives 2 MB where there is no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return 2 * 1024 * 1024 if soft == resource.RLIM_INFINITY else min(soft, 8 * 1024 * 1024)


def peak_memory() -> int:
    """The most this process has held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
