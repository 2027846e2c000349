"""What a doc comment says about types: LuaCATS (`---@param agent Agent`) and JSDoc (`@param {Agent} agent`).

Only what a spell's author is likely to write is read: names of classes, the languages' own types, lists, unions,
optional marks. A type that is not understood is UNKNOWN, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from llmspell_lsp.analysis.types import (
    BOOLEAN,
    NIL,
    NUMBER,
    TEXT,
    UNKNOWN,
    ClassObject,
    Constant,
    Instance,
    Promise,
    Sequence,
    Type,
    Value,
    choice,
)
from llmspell_lsp.analysis.vocabulary import Vocabulary, vocabulary

_WORDS: Final[Mapping[str, Type]] = {
    "string": TEXT,
    "number": NUMBER,
    "integer": NUMBER,
    "boolean": BOOLEAN,
    "bool": BOOLEAN,
    "nil": NIL,
    "null": NIL,
    "undefined": NIL,
    "void": NIL,
}

_LUA: Final = re.compile(r"^@(param|return|type|field|class)\b[ \t]*(.*)$", re.MULTILINE)
_JSDOC: Final = re.compile(
    r"^@(param|returns?|type|property|prop)\b[ \t]*\{((?:[^{}]|\{[^{}]*\})*)\}[ \t]*(.*)$", re.MULTILINE
)
_NAME: Final = re.compile(r"\[?([\w$.]+)(\?)?")
_TAG: Final = re.compile(r"^@\w+.*$", re.MULTILINE)


@dataclass(slots=True, frozen=True, eq=False)
class Remarks:
    """A doc comment, read. text: what is left for people. Types are UNKNOWN where nothing is said."""

    text: str
    params: Mapping[str, Type] = field(default_factory=dict[str, Type])
    param_docs: Mapping[str, str] = field(default_factory=dict[str, str])
    returns: Type = UNKNOWN
    type: Type = UNKNOWN


NOTHING: Final = Remarks("")


def remarks(doc: str, language: str) -> Remarks:
    """The comment without its marks (`---`, ` * `), read. The same text gives the same Remarks."""
    return _read(doc, language) if doc else NOTHING


@lru_cache(maxsize=2048)
def _read(doc: str, language: str) -> Remarks:
    if "@" not in doc:
        return Remarks(doc.strip())
    words = vocabulary("javascript" if language == "javascript" else "lua")
    params: dict[str, Type] = {}
    docs: dict[str, str] = {}
    returns = told = UNKNOWN
    for tag, type_, name, text in _jsdoc(doc) if language == "javascript" else _luacats(doc):
        if tag == "param" and name:
            params[name], docs[name] = type_of(type_, words), text
        elif tag in {"return", "returns"}:
            returns = type_of(type_, words)
        elif tag == "type":
            told = type_of(type_, words)
    return Remarks(_TAG.sub("", doc).strip(), params, docs, returns, told)


def _jsdoc(doc: str) -> list[tuple[str, str, str, str]]:
    """Each tag as (tag, type, name, text)."""
    found: list[tuple[str, str, str, str]] = []
    for tag, type_, rest in _JSDOC.findall(doc):
        name = _NAME.match(rest) if tag in {"param", "property", "prop"} else None
        found.append((tag, type_, name[1] if name else "", rest[name.end() :].strip(" ]-") if name else rest))
    return found


def _luacats(doc: str) -> list[tuple[str, str, str, str]]:
    found: list[tuple[str, str, str, str]] = []
    for tag, rest in _LUA.findall(doc):
        name = ""
        if tag in {"param", "field"}:
            name, _, rest = rest.partition(" ")
            optional, name = name.endswith("?"), name.rstrip("?")
            rest = f"{rest.lstrip()}"
            type_, text = _first_type(rest)
            found.append((tag, f"{type_}|nil" if optional else type_, name, text))
        else:
            type_, text = _first_type(rest)
            found.append((tag, type_, name, text))
    return found


def _first_type(text: str) -> tuple[str, str]:
    """A type and what follows: it ends at the first space outside brackets that no `|` stands beside."""
    depth = 0
    for index, letter in enumerate(text):
        depth += (letter in "(<{[") - (letter in ")>}]")
        if (
            letter == " "
            and depth <= 0
            and not text[:index].rstrip().endswith(("|", ":"))
            and text[index:].lstrip()[:1] != "|"
        ):
            return text[:index], text[index:].strip(" #-")
    return text, ""


def type_of(text: str, words: Vocabulary) -> Type:
    """The type that a text of LuaCATS or JSDoc names."""
    options = _split(text.strip(), "|")
    if len(options) > 1:
        return choice([type_of(option, words) for option in options])
    text = options[0].strip() if options else ""
    if text.startswith("(") and text.endswith(")"):
        return type_of(text[1:-1], words)
    if text.startswith(("?", "!")):  # Closure's marks, which JSDoc takes over
        return type_of(text[1:], words) if text[0] == "!" else choice([type_of(text[1:], words), NIL])
    if text.endswith("?"):
        return choice([type_of(text[:-1], words), NIL])
    if text.endswith("[]"):
        return Sequence(type_of(text[:-2], words))
    if text[:1] in {"'", '"'} and text[-1:] == text[:1] and len(text) >= 2:
        return Constant(text[1:-1])
    if generic := re.fullmatch(r"(\w+)<(.*)>", text):
        return _generic(generic[1], _split(generic[2], ","), words)
    if text in _WORDS:
        return _WORDS[text]
    if text in {"table", "object", "Object"}:
        return Value({"type": "object", "x-open": True})
    found = words.globals.get(text)
    if found is not None and isinstance(found.type, ClassObject):
        return Instance(found.type)
    return Instance(ClassObject(text)) if text in words.registry.classes else UNKNOWN


def _generic(name: str, arguments: list[str], words: Vocabulary) -> Type:
    match name, arguments:
        case "Array", [item]:
            return Sequence(type_of(item, words))
        case "Promise", [value]:
            return Promise(type_of(value, words))
        case _:
            return UNKNOWN


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that stand outside brackets and quotes."""
    parts, depth, quote, start = list[str](), 0, "", 0
    for index, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "(<{[":
            depth += 1
        elif letter in ")>}]":
            depth -= 1
        elif letter == mark and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]
