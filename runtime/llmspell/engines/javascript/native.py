"""QuickJS-ng as the engine uses it: its context, its report of promises that nobody handles, its stack.

All that knows the C library is here. Knows nothing of spells.
"""

from __future__ import annotations

import ctypes
import importlib
import resource
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


class RejectionTracker:
    """Tells a JavaScript function (promise, reason, handled) of each promise rejected without a handler, and again
    when it gets one after all. The binding does not offer this; the library below it does.

    pending: set whenever there was something to tell.
    """

    def __init__(self, context: Context, listener: Function) -> None:
        self.pending = False
        runtime = ctypes.c_void_p.from_address(id(context) + _HEAD).value
        inner = ctypes.c_void_p.from_address(id(context) + _HEAD + _WORD).value
        if _library.JS_GetRuntime(inner) != runtime:
            raise RuntimeError("this build of quickjs-ng lays out its Context in another way")
        function = _Value.from_address(id(listener) + _HEAD + _WORD)
        undefined = _Value(0, _TAG_UNDEFINED)

        def note(_context: int, promise: _Value, reason: _Value, handled: bool, _opaque: int) -> None:
            self.pending = True
            arguments = (_Value * 3)(promise, reason, _Value(int(handled), _TAG_BOOL))
            _library.JS_Call(inner, function, undefined, 3, arguments)

        # Kept as long as the context may call it.
        self._keep = (_Tracker(note), listener)
        _library.JS_SetHostPromiseRejectionTracker(runtime, self._keep[0], None)


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
