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

from dataclasses import dataclass
from typing import Any, Final

import msgpack

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


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """A script function by its number in its worker."""

    number: int


@dataclass(frozen=True, slots=True)
class PromiseRef:
    """A script promise: calling function `number` without arguments gives what it settles to."""

    number: int


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object of the host by its number in the run, and the registry's name of its class.

    methods: asynchronous methods that this object has beside those of its class (an agent's actions), snake_case.
    """

    number: int
    class_name: str
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapped:
    """A JavaScript Map: pairs in order, keys of any kind."""

    pairs: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A JavaScript Set: values in order."""

    items: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A JavaScript Date: milliseconds since 1970, UTC."""

    milliseconds: float


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """An error as a value: the map of `LlmspellError.to_value()`."""

    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """A table that reads as the text of its field `content` wherever a string is wanted: an agent's output."""

    class_name: str
    fields: dict[str, Any]


def pack(value: Any) -> bytes:
    """msgpack bytes of a neutral value.

    Raises ValueError for a value nested deeper than msgpack takes, TypeError for one that is not neutral.
    """
    return msgpack.packb(value, default=_to_ext, unicode_errors="surrogatepass")


def unpack(data: bytes) -> Any:
    """The neutral value of msgpack bytes. Raises ValueError for anything malformed or too deep."""
    return msgpack.unpackb(data, ext_hook=_from_ext, strict_map_key=False, unicode_errors="surrogatepass")


def _to_ext(value: Any) -> Any:
    match value:
        case FunctionRef(number):
            return msgpack.ExtType(_FUNCTION, pack(number))
        case PromiseRef(number):
            return msgpack.ExtType(_PROMISE, pack(number))
        case ObjectRef(number, class_name, methods):
            return msgpack.ExtType(_OBJECT, pack([number, class_name, list(methods)]))
        case int():
            return msgpack.ExtType(_BIG_INTEGER, b"%d" % value)
        case Mapped(pairs):
            return msgpack.ExtType(_MAP, pack([list(pair) for pair in pairs]))
        case Listed(items):
            return msgpack.ExtType(_SET, pack(list(items)))
        case Moment(milliseconds):
            return msgpack.ExtType(_DATE, pack(milliseconds))
        case ErrorValue(fields):
            return msgpack.ExtType(_ERROR, pack(fields))
        case Record(class_name, fields):
            return msgpack.ExtType(_RECORD, pack([class_name, fields]))
        case _:
            raise TypeError(f"{type(value).__name__} cannot cross to a script")


def _from_ext(code: int, data: bytes) -> Any:
    match code:
        case 1:
            return FunctionRef(unpack(data))
        case 2:
            number, class_name, methods = unpack(data)
            return ObjectRef(number, class_name, tuple(methods))
        case 3:
            return _big_integer(data)
        case 4:
            return Mapped(tuple((pair[0], pair[1]) for pair in unpack(data)))
        case 5:
            return Moment(float(unpack(data)))
        case 6:
            return Listed(tuple(unpack(data)))
        case 7:
            return ErrorValue(unpack(data))
        case 8:
            return PromiseRef(unpack(data))
        case 9:
            return Record(*unpack(data))
        case _:
            raise ValueError(f"unknown value code {code}")


def _big_integer(data: bytes) -> int:
    if len(data) > 4300:  # CPython refuses longer decimal texts itself; quadratic time beyond
        raise ValueError("an integer of more than 4300 digits")
    return int(data)
