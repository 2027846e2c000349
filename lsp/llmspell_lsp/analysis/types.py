"""What an expression may hold, as far as it can be told: the registry's classes and schemas, and what a spell makes
itself. `UNKNOWN` is the answer to everything else, and nothing is ever said about it.

Types are values without behaviour; `members` knows what can be reached from one, `infer` which one an expression has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from llmspell_lsp.analysis.sites import Site

Schema = Mapping[str, Any]


@dataclass(slots=True, frozen=True)
class Unknown:
    """Nothing is known; nothing is said."""


UNKNOWN: Final = Unknown()


@dataclass(slots=True, frozen=True)
class Constant:
    """A text, number, boolean or nil that stands in the source."""

    value: str | int | float | bool | None


@dataclass(slots=True, frozen=True, eq=False)
class Value:
    """A value that fits one of the registry's schemas."""

    schema: Schema


@dataclass(slots=True, frozen=True)
class ClassObject:
    """A class or namespace of the registry, itself: `Agent`, `Hooks`."""

    name: str


@dataclass(slots=True, frozen=True, eq=False)
class ScriptClass:
    """A class that a spell makes from another, by `extend` or `extends`.

    base: a ClassObject, another ScriptClass, or UNKNOWN where it could not be told. members: what it adds, by name.
    """

    name: str
    base: Type
    members: Mapping[str, Field]
    site: Site


@dataclass(slots=True, frozen=True)
class Instance:
    """An object of a class. options: the table it was made with, where it stands in the source."""

    of: ClassObject | ScriptClass
    options: Record | None = None


@dataclass(slots=True, frozen=True, eq=False)
class Method:
    """A method of the registry, found on a receiver. described: as the registry has it."""

    owner: str
    described: Schema
    receiver: Type


@dataclass(slots=True, frozen=True)
class Maker:
    """What makes an object (`Agent.new`) or a class (`BaseAgent:extend`)."""

    of: ClassObject | ScriptClass
    extends: bool = False


@dataclass(slots=True, frozen=True, eq=False)
class Field:
    """One field of a table or class that stands in the source. site: of its key."""

    name: str
    type: Type
    site: Site | None = None
    doc: str = ""


@dataclass(slots=True, frozen=True, eq=False)
class Record:
    """A table, object or array literal and what is later assigned into it. site: of the literal."""

    fields: Mapping[str, Field]
    items: tuple[Type, ...] = ()
    is_list: bool = False
    site: Site | None = None
    complete: bool = True
    """False where something was spread into it, or a key was computed."""


@dataclass(slots=True, frozen=True)
class Sequence:
    """A list of any length. streamed: its items come one after the other (`for await`, Lua's generic `for`)."""

    item: Type
    streamed: bool = False


@dataclass(slots=True, frozen=True, eq=False)
class Script:
    """A function of the spell. given: the types its parameters are called with, where that is known from outside."""

    site: Site
    given: tuple[Type, ...] = ()


@dataclass(slots=True, frozen=True, eq=False)
class Native:
    """A function of the language itself (`table.concat`, `JSON.parse`), by its full name. receiver: of a method."""

    name: str
    result: Type = UNKNOWN
    receiver: Type = UNKNOWN
    signature: str = ""
    doc: str = ""


@dataclass(slots=True, frozen=True)
class Library:
    """A table of the language itself: `string`, `Math`; or the methods of a text or list (`prefix` of their names)."""

    name: str


@dataclass(slots=True, frozen=True)
class Promise:
    """JavaScript's promise of a value."""

    value: Type


@dataclass(slots=True, frozen=True, eq=False)
class Module:
    """What another file of the project gives, by exported name; Lua's is under ""."""

    uri: str
    exports: Mapping[str, Field] = field(default_factory=dict[str, Field])


@dataclass(slots=True, frozen=True)
class Choice:
    """One of several. Never nested, never with UNKNOWN inside: one unknown makes the whole unknown."""

    of: tuple[Type, ...]


Type = (
    Unknown | Constant | Value | ClassObject | ScriptClass | Instance | Method | Maker | Record | Sequence
    | Script | Native | Library | Promise | Module | Choice
)  # fmt: skip

NIL: Final = Constant(None)
TEXT: Final = Value({"type": "string"})
NUMBER: Final = Value({"type": "number"})
BOOLEAN: Final = Value({"type": "boolean"})


def choice(types: list[Type]) -> Type:
    """The types as one: duplicates and nesting gone; UNKNOWN where one of them is."""
    flat: dict[Type, None] = {}
    for each in types:
        if isinstance(each, Unknown):
            return UNKNOWN
        flat.update(dict.fromkeys(each.of if isinstance(each, Choice) else (each,)))
    if not flat:
        return UNKNOWN
    return next(iter(flat)) if len(flat) == 1 else Choice(tuple(flat))


def parts(type_: Type) -> tuple[Type, ...]:
    """What it may be, one by one; nil left out where there is more."""
    if not isinstance(type_, Choice):
        return (type_,)
    return tuple(each for each in type_.of if each != NIL) or type_.of


def settled(type_: Type) -> Type:
    """What a promise gives; anything else is itself."""
    while isinstance(type_, Promise):
        type_ = type_.value
    if isinstance(type_, Choice):
        return choice([settled(each) for each in type_.of])
    return type_


def literal(type_: Type, *, whole: bool = False) -> Any:
    """The value that a literal writes, as plain data; what is not constant is None. whole: all of it is, where a part
    is not constant or not told."""
    match type_:
        case Constant(value=value):
            return value
        case Record(is_list=True, items=items, complete=complete):
            found = [literal(item, whole=whole) for item in items]
            return None if whole and (not complete or None in found) else found
        case Record(fields=fields, items=items, complete=complete):
            table = {name: literal(each.type, whole=whole) for name, each in fields.items()}
            return None if whole and (not complete or items or None in table.values()) else table
        case _:
            return None
