"""What can be reached from a value, and which names are global: the registry's, the language's own and the spell's.

One place to ask for all three. A member that is not found is None; whether that is a mistake, `Vocabulary.is_closed`
says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from llmspell_lsp.analysis.natives import Entry, natives
from llmspell_lsp.analysis.remarks import type_of
from llmspell_lsp.analysis.types import (
    NIL,
    UNKNOWN,
    Choice,
    Constant,
    Library,
    Native,
    Promise,
    Record,
    Script,
    Sequence,
    Type,
    Value,
    choice,
)
from llmspell_lsp.analysis.vocabulary import Found, Language, Vocabulary, vocabulary

#: The library whose entries are methods of a value, by language and JSON Schema type.
_METHODS: Final[Mapping[tuple[Language, str], str]] = {
    ("lua", "string"): "string",
    ("javascript", "string"): "String#",
    ("javascript", "number"): "Number#",
    ("javascript", "integer"): "Number#",
    ("javascript", "array"): "Array#",
}


@cache
def global_names(language: Language) -> Mapping[str, Found]:
    """Every global name of a spell, the language's own first; the registry's win where both have one."""
    words = vocabulary(language)
    native = natives(language)
    found: dict[str, Found] = {}
    for name in sorted(native.globals):
        entry = native.entries.get(name)
        if name in native.libraries or entry is None:
            doc = entry.doc if entry is not None else ""
            found[name] = Found(name, "namespace", Library(name), doc)
        else:
            found[name] = _native(entry, UNKNOWN, words)
    return {**found, **words.globals}


def members(type_: Type, words: Vocabulary) -> Iterator[Found]:
    """Everything that can be reached, each name once."""
    if isinstance(type_, Choice):
        seen: set[str] = set()
        for option in type_.of:
            for found in members(option, words):
                if found.name not in seen:
                    seen.add(found.name)
                    yield found
        return
    yield from words.members(type_)
    for library in _libraries(type_, words.language):
        for entry in natives(words.language).libraries.get(library, {}).values():
            yield _native(entry, type_, words)


def member(type_: Type, name: str, words: Vocabulary) -> Found | None:
    """The member of a name; compare `Found.name` with it: a registry name is found in either language's spelling."""
    if isinstance(type_, Choice):
        each = (member(option, name, words) for option in type_.of if option != NIL)
        return next((found for found in each if found is not None), None)
    found = words.member(type_, name)
    if found is not None:
        return found
    for library in _libraries(type_, words.language):
        entry = natives(words.language).libraries.get(library, {}).get(name)
        if entry is not None:
            return _native(entry, type_, words)
    return None


def _libraries(type_: Type, language: Language) -> Iterator[str]:
    """The libraries that a value's members are in."""
    match type_:
        case Library(name=name):
            yield name
            if name.endswith("#"):
                yield "Object#"
        case Constant(value=str()):
            yield _METHODS[language, "string"]
        case Constant(value=bool() | None):
            pass
        case Constant():
            yield from _method_library(language, "number")
        case Value(schema={"x-error": True}) if language == "javascript":
            yield "Error#"
        case Value(schema={"type": str(kind)}):
            yield from _method_library(language, kind)
        case Sequence(streamed=False) | Record(is_list=True):
            yield from _method_library(language, "array")
        case Promise() if language == "javascript":
            yield "Promise#"
        case Script() | Native() if language == "javascript":
            yield "Function#"
        case _:
            pass


def _method_library(language: Language, kind: str) -> Iterator[str]:
    library = _METHODS.get((language, kind))
    if library is not None:
        yield library


def _native(entry: Entry, receiver: Type, words: Vocabulary) -> Found:
    result = result_of(entry, receiver, words)
    if entry.params is None:
        type_ = Native(entry.full_name, _made(entry, words), receiver, entry.signature, entry.doc)
        return Found(entry.name, "native", type_ if entry.result == "function" else result, entry.doc)
    type_ = Native(entry.full_name, result, receiver, entry.signature, entry.doc)
    return Found(entry.name, "native", type_, entry.doc)


def _made(entry: Entry, words: Vocabulary) -> Type:
    """What calling a class of the language gives (`new Map()`): a value with its methods."""
    library = f"{entry.full_name}#"
    return Library(library) if library in natives(words.language).libraries else UNKNOWN


def result_of(entry: Entry, receiver: Type, words: Vocabulary) -> Type:
    """The type of a value, or of what a call gives, with `T` and `this` put in."""
    return native_type(entry.result, receiver, words) if entry.result else NIL


def native_type(text: str, receiver: Type, words: Vocabulary) -> Type:
    """A type as natives write it."""
    text = text.strip()
    if text == "this":
        return receiver
    if text == "any":
        return UNKNOWN
    if promised := re.fullmatch(r"Promise<(.*)>", text):
        return Promise(native_type(promised[1], receiver, words))
    if text in {"T", "T?", "T[]"}:
        item = item_of(receiver)
        if item == UNKNOWN:
            return UNKNOWN
        return {"T": item, "T?": choice([item, NIL]), "T[]": Sequence(item)}[text]
    if text in natives(words.language).libraries and f"{text}#" in natives(words.language).libraries:
        return Library(f"{text}#")
    return type_of(text, words)


def item_of(type_: Type) -> Type:
    """What a list or stream holds; UNKNOWN for anything else."""
    match type_:
        case Sequence(item=item):
            return item
        case Record(items=items) if items:
            return choice(list(items))
        case Value(schema={"type": "array"}):
            return UNKNOWN
        case Promise(value=value):
            return value
        case Choice(of=options):
            return choice([item_of(option) for option in options if option != NIL])
        case _:
            return UNKNOWN
