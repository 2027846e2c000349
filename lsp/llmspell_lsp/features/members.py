"""What can be written behind a dot or colon, and in a pattern that takes a value apart. Knows no protocol.

Members of what the registry and the language have are made into candidates once; those of the spell each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from llmspell.api.names import snake
from llmspell_lsp.analysis.members import members
from llmspell_lsp.analysis.types import (
    Choice,
    ClassObject,
    Constant,
    Instance,
    Library,
    Method,
    Module,
    Native,
    Record,
    Script,
    ScriptClass,
    Type,
    Value,
)
from llmspell_lsp.analysis.types import Sequence as List
from llmspell_lsp.analysis.vocabulary import Found, Language, Vocabulary, vocabulary
from llmspell_lsp.features import awaiting, overriding, places
from llmspell_lsp.features.candidates import LANGUAGE, LIKELY, Block, Candidate, Completion, of_found
from llmspell_lsp.features.nearest import FEW, MOST, likely
from llmspell_lsp.syntax.backwards import Scan
from llmspell_lsp.syntax.nodes import Function, Member, Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.context import Context

_FROM: Final = re.compile(r"[^}]*\}\s*from\s*([\"'])([^\"']*)\1")
_VALUE: Final = re.compile(r"[^{}]*\}\s*=\s*(.*?);?\s*$")

#: What may follow a name, so that no brackets are put there a second time.
_CALLED: Final = re.compile(r"[ \t]*[({\"'`\[]")


def complete(infer: Inference, here: Context, column: int) -> Completion:
    """The members of what stands before the mark. column: up to where the member's name has been typed."""
    if here.receiver is None:
        return Completion(here.word)
    type_ = places.type_at(infer, here.receiver)
    if infer.language == "lua" and _declares(infer, here.receiver):
        return Completion(here.word, list(overriding.after_function(infer, type_, here.mark)))
    candidates: list[Candidate] = []
    blocks: tuple[Block, ...] = ()
    complete = True
    if awaiting.is_promise(type_):
        candidates += awaiting.of_promise(infer, here.receiver, type_)
    of = _class_of(type_)
    if of is not None:
        candidates += [
            of_member(each, infer.words, type_, here.mark)
            for each in _own(type_, infer.words)
            if _fits(each, infer.language, here.mark, type_)
        ]
        blocks = (_block(infer.language, of, isinstance(type_, Instance), here.mark),)
        candidates += _given(infer, here.receiver)
    elif isinstance(type_, Library):
        blocks = (_library(infer.language, type_.name, here.mark),)
    else:
        there = [each for each in members(type_, infer.words) if _fits(each, infer.language, here.mark, type_)]
        if len(there) > MOST:
            there, complete = _meant(there, infer.analysis.chunks.lines, here.word, column), False
        candidates += [
            replace(of_member(each, infer.words, type_, here.mark), rank=min(rank, 900))
            for rank, each in enumerate(there)
        ]
        candidates += _given(infer, here.receiver)
    if infer.language == "javascript":
        candidates += awaiting.awaited(infer, here, here.receiver, type_)
    own = frozenset(each.label for each in candidates)
    found = Completion(here.word, candidates, blocks, own, complete=complete)
    rest = infer.analysis.chunks.lines[here.word.line][here.word.end_column :]
    return _uncalled(found) if _CALLED.match(rest) else found


def _uncalled(found: Completion) -> Completion:
    """Names without brackets, which stand there already."""
    plain = [replace(each, insert="", goes_on="") if each.insert else each for each in found.all()]
    return Completion(found.span, plain, complete=found.complete)


def _meant(there: list[Found], lines: list[str], word: Span, column: int) -> list[Found]:
    """Of thousands of members a few: those that what is typed may mean."""
    typed = lines[word.line][word.column : column]
    return likely(there, typed, attrgetter("name")) if typed else there[:FEW]


def _declares(infer: Inference, receiver: Span) -> bool:
    """`function Writer:▮`: a method is being declared."""
    return Scan(infer.analysis.chunks, receiver.line, receiver.column).after(0) == "function"


# Of classes, kept


def _class_of(type_: Type) -> str | None:
    """The registry's class that a value is, or is an object of, perhaps by way of the spell's own classes."""
    of = type_.of if isinstance(type_, Instance) else type_
    while isinstance(of, ScriptClass):
        of = of.base
    return of.name if isinstance(of, ClassObject) else None


def _own(type_: Type, words: Vocabulary) -> Iterator[Found]:
    """What the spell's own classes add."""
    of = type_.of if isinstance(type_, Instance) else type_
    if isinstance(of, ScriptClass):
        yield from (each for each in members(type_, words) if each.field is not None)


@cache
def _block(language: Language, name: str, instance: bool, mark: str) -> Block:
    words = vocabulary(language)
    type_: Type = Instance(ClassObject(name)) if instance else ClassObject(name)
    found = [each for each in members(type_, words) if _fits(each, language, mark, type_)]
    return Block(
        language,
        tuple(
            replace(of_member(each, words, type_, mark), rank=50 if each.name.endswith("_async") else 10)
            for each in found
        ),
    )


@cache
def _library(language: Language, name: str, mark: str) -> Block:
    words, type_ = vocabulary(language), Library(name)
    found = [each for each in members(type_, words) if _fits(each, language, mark, type_)]
    return Block(language, tuple(of_member(each, words, type_, mark) for each in found))


def _fits(found: Found, language: Language, mark: str, type_: Type) -> bool:
    """Whether it can stand behind the mark: behind Lua's colon only what is called with its object."""
    if language != "lua" or mark != ":":
        return True
    return is_method(found, type_) or found.name == "extend" or (found.kind == "field" and _is_callable(found.type))


def _is_callable(type_: Type) -> bool:
    return not isinstance(type_, Constant | Record | Value | Instance | ClassObject | List)


def is_method(found: Found, type_: Type) -> bool:
    """Whether Lua calls it with a colon."""
    match found.type:
        case Method(receiver=receiver):
            return isinstance(receiver, Instance)
        case Native():
            return not isinstance(type_, Library | ClassObject | Instance)
        case Script(site=site) if found.field is not None and isinstance(site.node, Function):
            names = [each.name for each in site.node.parameters[:1]]
            return names == ["self"] or site.node.receiver
        case _:
            return found.name == "extend"


def of_member(found: Found, words: Vocabulary, type_: Type, mark: str) -> Candidate:
    """A member as a candidate; in Lua the dot before what is called with its object becomes a colon."""
    candidate = of_found(found, words, group=LANGUAGE if found.kind == "native" and _has_more(type_) else LIKELY)
    if words.language == "lua" and mark == "." and is_method(found, type_):
        return replace(candidate, colon=True, rank=20)
    return candidate


def _has_more(type_: Type) -> bool:
    """Whether it has members of its own beside those that the language gives to every value like it."""
    if isinstance(type_, Value):
        return bool(type_.schema.get("properties"))
    return isinstance(type_, Record | Choice)


# Of tables and what they were made with


def _given(infer: Inference, receiver: Span) -> Iterator[Candidate]:
    """Fields of `agent.state` that the agent was made with: what stands in its option table under that name."""
    at = infer.analysis.expression_at(receiver)
    if at is None or not isinstance(at[1], Member):
        return
    holder = infer.type_of(at[0], at[1].object)
    if not isinstance(holder, Instance) or holder.options is None:
        return
    given = holder.options.fields.get(at[1].name) or holder.options.fields.get(snake(at[1].name))
    if given is not None and isinstance(given.type, Record) and not given.type.is_list:
        for each in infer.words.members(given.type):
            yield replace(of_found(each, infer.words), rank=0)


# Patterns


def taken_apart(infer: Inference, here: Context) -> Iterator[Candidate]:
    """The names in the braces of `const { … } = value` and `import { … } from "./module.js"`."""
    lines = infer.analysis.chunks.lines
    line, column = here.word.line, here.word.end_column
    rest = "\n".join([lines[line][column:], *lines[line + 1 : line + 30]])
    module = _FROM.match(rest)
    if here.frames[0].kind == "names":
        found = infer.modules.module(infer.analysis.uri, module[2]) if module is not None and infer.modules else None
        yield from _exported(found, infer.words)
        return
    value = _VALUE.match(lines[line][column:])
    if value is None:
        return
    start = column + value.start(1)
    at = infer.analysis.expression_at(Span(line, start, line, start + len(value[1])))
    if at is None:
        return
    for each in members(infer.type_of(*at), infer.words):
        if each.kind != "native":
            yield replace(of_found(each, infer.words, called=False), group=LIKELY)


def _exported(module: Module | None, words: Vocabulary) -> Iterator[Candidate]:
    if module is not None:
        for name, field in module.exports.items():
            if name and name != "default":
                yield of_found(Found(name, "field", field.type, field.doc, field=field), words, called=False)
