"""What can be written at a place: members, names, keys and values of tables, names in texts, references in `{{ }}`.

Where it is known what the place is there for, that comes first. A candidate carries no documentation: `about` says
where it is found when a person looks at one (`documented`). Knows no protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final

from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.infer import Inference
from llmspell_lsp.analysis.members import global_names
from llmspell_lsp.analysis.types import Promise, Script, ScriptClass, Type, Value, settled
from llmspell_lsp.analysis.vocabulary import Language, vocabulary
from llmspell_lsp.features import awaiting, comments, members, nearest, overriding, places, snippets, tables, texts
from llmspell_lsp.features.candidates import (
    GLOBAL,
    KEYWORD,
    LANGUAGE,
    LEAST,
    LIKELY,
    LOCAL,
    NEEDED,
    WANTED,
    Block,
    Candidate,
    CandidateKind,
    Completion,
    constructed,
    of_found,
    of_variable,
)
from llmspell_lsp.syntax.backwards import Scan
from llmspell_lsp.syntax.context import Context, context
from llmspell_lsp.syntax.nodes import Declare, Function

if TYPE_CHECKING:
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.workspace.snapshot import Snapshot

__all__ = ["LEAST", "LIKELY", "NEEDED", "WANTED", "Candidate", "Completion", "complete"]

#: Words after which a new name is written: nothing is offered.
_NEW_NAMES: Final = frozenset({"local", "function", "const", "let", "var", "class", "for", "::"})
_DECLARES: Final = frozenset({"local", "const", "let", "var", "for"})
_KEYWORDS: Final = {
    "lua": "and break do else elseif end false for function goto if in local nil not or repeat return then true until "
    "while",
    "javascript": "async break case catch class const continue default delete do else export extends false "
    "finally for function if import in instanceof let new null of return static super switch this throw true try "
    "typeof var void while yield",
}
_LABEL: Final = re.compile(r"::[ \t]*([^\W\d]\w*)[ \t]*::")


def complete(snapshot: Snapshot, line: int, column: int) -> Completion | None:
    """What can be written at a place of a script."""
    infer = snapshot.types
    here = context(infer.analysis.chunks, line, column)
    match here.kind:
        case "comment":
            found = comments.candidates(infer, line, column)
            return None if found is None else Completion(*found)
        case "number":
            return None
        case "text":
            return texts.complete(snapshot, here, line, column)
        case "member":
            return members.complete(infer, here, column)
        case "code":
            return None if _is_new_name(infer, here) else _code(snapshot, here, line, column)


def _is_new_name(infer: Inference, here: Context) -> bool:
    """Whether a name is being declared: of a variable, a function, a parameter."""
    if here.after in _NEW_NAMES and not (here.after == "for" and here.frames):
        return True
    frame = here.frames[0] if here.frames else None
    chunks = infer.analysis.chunks
    if here.after == "," and (frame is None or frame.kind == "names"):
        scan = Scan(chunks, here.word.line, here.word.column)
        index = 0
        while scan.after(index) == "," and scan.after(index + 1) == "name":
            index += 2
        return scan.after(index) in _DECLARES
    if frame is not None and frame.kind == "group" and here.after in {"(", ","}:
        return _is_parameters(Scan(chunks, frame.line, frame.column))
    return False


def _is_parameters(scan: Scan) -> bool:
    """Whether the bracket before which a scan stands opens a function's parameters."""
    index = 0
    while scan.after(index) in {"name", ".", ":", "*"}:
        index += 1
    return scan.after(index) in {"function", "catch"}


def _code(snapshot: Snapshot, here: Context, line: int, column: int) -> Completion:
    span, infer = here.word, snapshot.types
    if here.after == "goto":
        return Completion(span, list(_labels(infer)))
    frame = here.frames[0] if here.frames else None
    if frame is not None and frame.kind in ("pattern", "names") and here.after in {"{", ","}:
        return Completion(span, list(members.taken_apart(infer, here)))
    overridden = overriding.candidates(infer, here)
    if overridden is not None:
        return Completion(span, overridden)
    wanted = places.wanted(infer, here) or places.compared(infer, here)
    if here.at_key and wanted is not None:
        found, blocks = tables.keys(infer, wanted, here)
        item = expect.items(wanted)
        if infer.language == "javascript":
            names = _locals(infer, here, line, column, group=LEAST)
            return Completion(span, [*found, *names.candidates], blocks, complete=names.complete)
        if item is None and (found or blocks):
            return Completion(span, found, blocks)
        names = _everything(snapshot, here, line, column, item)
        return replace(names, candidates=[*found, *names.candidates], blocks=(*blocks, *names.blocks))
    if here.at_key and infer.language == "javascript":
        return _locals(infer, here, line, column)
    return _everything(snapshot, here, line, column, wanted)


def _labels(infer: Inference) -> Iterator[Candidate]:
    lines = infer.analysis.chunks.lines
    names = dict.fromkeys(name for text in lines if "::" in text for name in _LABEL.findall(text))
    return (Candidate(name, "constant", "label", group=WANTED) for name in names)


def _everything(snapshot: Snapshot, here: Context, line: int, column: int, wanted: Wanted | None) -> Completion:
    """Every name that means something at a place; what is wanted first."""
    infer = snapshot.types
    only = _CLASSES_AFTER.get(here.after) if infer.language == "javascript" else None
    names = _locals(infer, here, line, column, wanted=wanted)
    if names.complete:
        without = frozenset([*(each.label for each in names.candidates), *(name for name, _ in names.far)])
    else:
        without = frozenset(nearest.shadowed(infer.analysis, _own_names(infer.language), line, column))
    if only is not None:
        classes = [each for each in names.candidates if each.kind in ("class", "variable")]
        return replace(names, candidates=classes, blocks=(_classes(infer.language, only),), without=without)
    found: list[Candidate] = []
    blocks: tuple[Block, ...] = (_globals(infer.language), _keywords(infer.language))
    if wanted is not None:
        found, more = tables.values(snapshot, wanted)
        blocks = (*more, *blocks)
        without |= {each.label for each in found if each.kind == "keyword"}
    if here.line_start and not any(frame.kind != "insert" for frame in here.frames):
        blocks = (*blocks, snippets.block(infer.language))
    if infer.language == "javascript":
        found += awaiting.keyword(here)
    return replace(names, candidates=[*found, *names.candidates], blocks=blocks, without=without)


# Names

_CLASSES_AFTER: Final = {"new": "new", "extends": "extends", "instanceof": "instanceof"}


@cache
def _globals(language: Language) -> Block:
    words = vocabulary(language)
    return Block(
        language,
        tuple(
            of_found(found, words, group=LANGUAGE if found.described is None else GLOBAL)
            for found in global_names(language).values()
        ),
    )


@cache
def _keywords(language: Language) -> Block:
    return Block(language, tuple(Candidate(word, "keyword", group=KEYWORD) for word in _KEYWORDS[language].split()))


@cache
def _classes(language: Language, after: str) -> Block:
    """What may stand behind `new`, `extends` or `instanceof`."""
    words = vocabulary(language)
    found: list[Candidate] = []
    for name, each in global_names(language).items():
        known = each.described is not None
        if each.kind == "error":
            fits = True
        elif each.kind == "class":
            fits = after == "instanceof" or words.described(each.type.name)["constructible"]  # type: ignore[union-attr]
        else:
            fits = not known and name[:1].isupper() and each.kind != "global"
        if fits:
            insert = constructed(name, each.type, words) if after == "new" else ""
            candidate = of_found(each, words, group=GLOBAL if known else LANGUAGE, called=False)
            found.append(replace(candidate, kind="class", insert=insert, goes_on="call" if insert else ""))
    return Block(language, tuple(found))


@cache
def _own_names(language: Language) -> frozenset[str]:
    """All that blocks offer where any name may stand."""
    return frozenset([*global_names(language), *_KEYWORDS[language].split()])


def _locals(
    infer: Inference, here: Context, line: int, column: int, *, group: int = LOCAL, wanted: Wanted | None = None
) -> Completion:
    """The names that the spell declares, the nearest first, those that hold what is wanted before all; and the far."""
    word = here.word
    typed = infer.analysis.chunks.lines[word.line][word.column : column] if word.line == line else ""
    found = nearest.nearest(infer.analysis, line, column, typed)
    return Completion(
        word,
        [
            _local(infer, name, binding, rank, group, wanted, here.after)
            for rank, (name, binding) in enumerate(found.near)
        ],
        far=[(name, _plain_kind(binding)) for name, binding in found.far],
        complete=found.complete,
    )


def _local(
    infer: Inference, name: str, binding: Binding, rank: int, group: int, wanted: Wanted | None, after: str
) -> Candidate:
    type_ = infer.of_binding(binding)
    fits = wanted is not None and tables.fits(type_, wanted)
    declaration = binding.declaration
    doc = declaration.doc if isinstance(declaration, Declare) else ""
    if not doc and isinstance(type_, Script) and isinstance(type_.site.node, Function):
        doc = type_.site.node.doc
    candidate = of_variable(
        name, _kind(binding, type_), type_, infer.words, group=WANTED if fits else group, rank=rank, doc=doc
    )
    if after == "new":
        return replace(candidate, insert=constructed(name, type_, infer.words), goes_on="call")
    if candidate.insert and wanted is not None and _is_function(wanted):
        return replace(candidate, insert="", goes_on="")
    return candidate


def _is_function(wanted: Wanted) -> bool:
    return wanted.native.startswith(("(", "function")) or any(
        "x-function" in each for each in expect.alternatives(wanted.schema)
    )


def _plain_kind(binding: Binding) -> CandidateKind:
    return "function" if binding.kind == "function" else "class" if binding.kind == "class" else "variable"


def _kind(binding: Binding, type_: Type) -> CandidateKind:
    match binding.kind:
        case "function":
            return "function"
        case "class":
            return "class"
        case "const" if isinstance(settled(type_) if isinstance(type_, Promise) else type_, Value):
            return "constant"
        case _ if isinstance(type_, Script):
            return "function"
        case _:
            return "class" if isinstance(type_, ScriptClass) else "variable"
