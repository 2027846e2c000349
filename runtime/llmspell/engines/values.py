"""Values between host and script: one neutral form, and its msgpack encoding.

| script                              | neutral (Python)                       |
|-------------------------------------|----------------------------------------|
| nil, null, undefined                | None                                   |
| boolean, number                     | bool, int, float                       |
| integer of any size, BigInt         | int                                    |
| string                              | str (lone surrogates kept)             |
| Lua string that is not UTF-8, Uint8Array, ArrayBuffer | bytes                |
| array                               | list                                   |
| table, object                       | dict (string keys; integer keys stay)  |
| JS Map, Set, Date                   | Mapped, Listed, Moment                 |
| function                            | FunctionRef                            |
| promise                             | PromiseRef                             |
| object of a registered class        | ObjectRef                              |
| error                               | ErrorValue                             |
| a host's table that reads as its text | Record                               |

A cyclic value, a symbol or a thread has no neutral form: the engine refuses it with an error that names the place.
Knows no engine and no host.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import msgpack

from llmspell.frozen import frozen

_FUNCTION: Final = 1
_OBJECT: Final = 2
_BIG_INTEGER: Final = 3
_MAP: Final = 4
_DATE: Final = 5
_SET: Final = 6
_ERROR: Final = 7
_PROMISE: Final = 8
_RECORD: Final = 9

#: How deep a value may nest. msgpack itself stops at 511 levels.
DEPTH_LIMIT: Final = 200
#: How deep a Map, Set, error or record may nest in others. Each level is a call of msgpack within msgpack and takes
#: 45 KB of C stack, of which there are 8 MB: without a limit a spell could crash its host.
EXTENSION_DEPTH: Final = 50


@frozen
class FunctionRef:
    """A script function by its number in its worker."""

    number: int


@frozen
class PromiseRef:
    """A script promise: calling function `number` without arguments gives what it settles to."""

    number: int


@frozen
class ObjectRef:
    """An object of the host by its number in the run, and the registry's name of its class.

    methods: asynchronous methods that this object has beside those of its class (an agent's actions), snake_case.
    """

    number: int
    class_name: str
    methods: tuple[str, ...] = ()


@frozen
class Mapped:
    """A JavaScript Map: pairs in order, keys of any kind."""

    pairs: tuple[tuple[Any, Any], ...]


@frozen
class Listed:
    """A JavaScript Set: values in order."""

    items: tuple[Any, ...]


@frozen
class Moment:
    """A JavaScript Date: milliseconds since 1970, UTC."""

    milliseconds: float


@frozen
class ErrorValue:
    """An error as a value: the map of `LlmspellError.to_value()`."""

    fields: dict[str, Any]


@frozen
class Record:
    """A table that reads as the text of its field `content` wherever a string is wanted: an agent's output."""

    class_name: str
    fields: dict[str, Any]


# Bytes a packer begins with. Its own 256 KB make the heap grow and shrink with every value: 10 us instead of 1.
_BUFFER: Final = 1024


def pack(value: Any) -> bytes:
    """msgpack bytes of a neutral value.

    Raises ValueError for a value nested deeper than msgpack or `EXTENSION_DEPTH` takes, TypeError for one that is not
    neutral.
    """
    return _pack(value, 0)


def unpack(data: bytes) -> Any:
    """The neutral value of msgpack bytes. Raises ValueError for anything malformed or too deep."""
    return _unpack(data, 0)


def _pack(value: Any, level: int) -> bytes:
    packer = msgpack.Packer(default=_TO_EXT[level], unicode_errors="surrogatepass", buf_size=_BUFFER)
    packed = packer.pack(value)
    assert packed is not None  # the stub's None is a Packer's that does not reset itself
    return packed


def _unpack(data: bytes, level: int) -> Any:
    return msgpack.unpackb(data, ext_hook=_FROM_EXT[level], strict_map_key=False, unicode_errors="surrogatepass")


def _to_ext(level: int, value: Any) -> Any:
    level = _deeper(level)
    match value:
        case FunctionRef(number):
            return msgpack.ExtType(_FUNCTION, _pack(number, level))
        case PromiseRef(number):
            return msgpack.ExtType(_PROMISE, _pack(number, level))
        case ObjectRef(number, class_name, methods):
            return msgpack.ExtType(_OBJECT, _pack([number, class_name, list(methods)], level))
        case int():
            return msgpack.ExtType(_BIG_INTEGER, b"%d" % value)
        case Mapped(pairs):
            return msgpack.ExtType(_MAP, _pack([list(pair) for pair in pairs], level))
        case Listed(items):
            return msgpack.ExtType(_SET, _pack(list(items), level))
        case Moment(milliseconds):
            return msgpack.ExtType(_DATE, _pack(milliseconds, level))
        case ErrorValue(fields):
            return msgpack.ExtType(_ERROR, _pack(fields, level))
        case Record(class_name, fields):
            return msgpack.ExtType(_RECORD, _pack([class_name, fields], level))
        case _:
            raise TypeError(f"{type(value).__name__} cannot cross to a script")


def _from_ext(level: int, code: int, data: bytes) -> Any:
    if code == _BIG_INTEGER:
        return _big_integer(data)
    level = _deeper(level)
    match code, _unpack(data, level):
        case (1, int(number)):
            return FunctionRef(number)
        case (2, [int(number), str(class_name), list(methods)]):
            return ObjectRef(number, class_name, tuple(map(str, methods)))
        case (4, list(pairs)):
            return Mapped(tuple((key, value) for key, value in pairs))
        case (5, int() | float() as milliseconds):
            return Moment(float(milliseconds))
        case (6, list(items)):
            return Listed(tuple(items))
        case (7, dict(fields)):
            return ErrorValue(fields)
        case (8, int(number)):
            return PromiseRef(number)
        case (9, [str(class_name), dict(fields)]):
            return Record(class_name, fields)
        case _:
            raise ValueError(f"what is no value of code {code}")


def _deeper(level: int) -> int:
    if level >= EXTENSION_DEPTH:
        raise ValueError(f"Maps, Sets, errors and records nest deeper than {EXTENSION_DEPTH}")
    return level + 1


# One for each level: msgpack calls them with the value alone.
_TO_EXT: Final = tuple(partial(_to_ext, level) for level in range(EXTENSION_DEPTH + 1))
_FROM_EXT: Final = tuple(partial(_from_ext, level) for level in range(EXTENSION_DEPTH + 1))


def _big_integer(data: bytes) -> int:
    if len(data) > 4300:  # CPython refuses longer decimal texts itself; quadratic time beyond
        raise ValueError("an integer of more than 4300 digits")
    return int(data)
