"""Renames: whether the thing at a place can be called otherwise, and every edit that makes it so.

A new name is refused, with the reason, where it would be none, where it is taken, and where any use of it or of the old
name would come to mean something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmspell.api.references import RESERVED, STEP
from llmspell_lsp.analysis.named import Named, mentioning
from llmspell_lsp.features import fields, variables
from llmspell_lsp.features.capture import captured
from llmspell_lsp.features.elsewhere import everywhere
from llmspell_lsp.features.labels import label, names
from llmspell_lsp.features.meaning import Meaning, ModuleName, Reference, This, meaning
from llmspell_lsp.features.occurrences import Occurrence
from llmspell_lsp.features.parameter_docs import said_of
from llmspell_lsp.features.subjects import Api, Called, Key, Local, Numbered, Own, Subject, Var, called, subject

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.syntax.nodes import Span
    from llmspell_lsp.workspace.snapshot import Snapshot

_KEYWORDS: Final = {
    "lua": frozenset(
        "and break do else elseif end false for function goto if in local nil not or repeat return then true until "
        "while".split()
    ),
    "javascript": frozenset(
        "arguments async await break case catch class const continue debugger default delete do else enum eval export "
        "extends false finally for function if implements import in instanceof interface let new null of package "
        "private protected public return static super switch this throw true try typeof undefined var void while with "
        "yield".split()
    ),
}
_LUA_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE: Final = re.compile(r"[A-Za-z_][\w-]*")
_KINDS: Final = {"agent": "an agent", "tool": "a tool", "workflow": "a workflow", "state_key": "a state key"}


class CannotRename(Exception):
    """Its text is the reason, for the person who asked."""


@dataclass(slots=True, frozen=True)
class Renameable:
    """span: of the present name. name: as an editor offers it to be changed."""

    span: Span
    name: str


@dataclass(slots=True, frozen=True)
class FileEdits:
    """The edits of one file, from its end to its beginning, none touching another."""

    document: Document
    edits: list[tuple[Span, str]]


def renameable(snapshot: Snapshot, line: int, column: int) -> Renameable | None:
    """What can be renamed at a place; None where there is no name. Raises CannotRename."""
    found = meaning(snapshot, line, column)
    if found is None:
        of_label = label(snapshot, line, column)
        return None if of_label is None else Renameable(of_label.here, of_label.name)
    about = _renamed(snapshot.types, found)
    return Renameable(found.span, _name(about))


def rename(snapshot: Snapshot, line: int, column: int, new: str) -> list[FileEdits] | None:
    """The edits that give the thing at a place a new name, the snapshot's own file first. Raises CannotRename."""
    found = meaning(snapshot, line, column)
    if found is None:
        return _label_renamed(snapshot, line, column, new)
    about = _renamed(snapshot.types, found)
    old = _name(about)
    if new == old:
        return []
    _check(snapshot.types, about, new)
    changed: list[FileEdits] = []
    for document, places in everywhere(snapshot, about):
        edits = [(each.span, _text(document, each, new)) for each in places]
        if isinstance(about, Local) and document is snapshot.document:
            edits += [(span, new) for span in said_of(about.binding)]
        if isinstance(about, Called):
            edits = [(span, text) for span, text in edits if document.between(*span)]
        if edits:
            changed.append(FileEdits(document, sorted(dict(edits).items(), reverse=True)))
    return changed


def _label_renamed(snapshot: Snapshot, line: int, column: int, new: str) -> list[FileEdits] | None:
    found = label(snapshot, line, column)
    if found is None or new == found.name:
        return None if found is None else []
    _check_identifier(snapshot.types, new)
    if new in names(snapshot, line, column):
        raise CannotRename(f"there is a label {new!r} already")
    return [FileEdits(snapshot.document, [(span, new) for span in reversed(found.places)])]


def _renamed(infer: Inference, found: Meaning) -> Subject:
    """The subject of a meaning that may be renamed."""
    about = subject(infer, found)
    if isinstance(found, Reference) and found.span != found.use.name_span and isinstance(about, Var):
        raise CannotRename(f"of this reference only {about.name!r} is a name")
    match about:
        case Local(binding=binding):
            if binding.former:
                raise CannotRename("this line cannot be read yet: finish it, then rename")
            if binding.kind == "self" or binding.name == "...":
                raise CannotRename(f"{binding.name!r} is a name of the language")
        case Api() | Key():
            name = about.name.rpartition(".")[2].rpartition("#")[2]
            raise CannotRename(f"{name!r} is a name of llmspell or of the language; a spell cannot rename it")
        case Numbered():
            raise CannotRename("step_N counts the steps; give the step an `output` and refer to that")
        case Var(name=name, steps=steps):
            if name in RESERVED or name == "confidence_score":
                raise CannotRename(f"{{{{{name}}}}} is there in every workflow; it cannot be renamed")
            if not steps and not any(each[1] == "write" for each in variables.places(infer, about)):
                raise CannotRename(f"{{{{{name}}}}} comes from the run's input, which this file does not give")
        case Called(kind="path"):
            raise CannotRename("this is a file's name: rename the file")
        case Called(kind=kind, name=name):
            if kind not in _KINDS and kind != "event":
                raise CannotRename(f"{name!r} is a name of llmspell; a spell cannot rename it")
            if kind == "event" and infer.words.event(name) is not None:
                raise CannotRename(f"{name!r} is an event of llmspell's own; a spell cannot rename it")
            if kind == "tool" and name in infer.words.registry.tools:
                raise CannotRename(f"{name!r} is a tool of llmspell's own; a spell cannot rename it")
        case Own(name=name):
            taker = fields.given_to(infer, about)
            if taker:
                raise CannotRename(f"{taker} reads {name!r} from this table; it cannot be told by which names")
        case None:
            what = "a file's name: rename the file" if isinstance(found, ModuleName) else "no name of the spell's own"
            raise CannotRename(
                f"{found.word!r} is a word of the language" if isinstance(found, This) else f"this is {what}"
            )
    return about


def _name(about: Subject) -> str:
    return (
        about.binding.name
        if isinstance(about, Local)
        else about.step.title
        if isinstance(about, Numbered)
        else about.name
    )


# The new name


def _check(infer: Inference, about: Subject, new: str) -> None:
    match about:
        case Local(binding=binding):
            _check_identifier(infer, new)
            reason = captured(infer, binding, new)
            if reason:
                raise CannotRename(reason)
        case Own(name=name):
            private = name.startswith("#")
            if private != new.startswith("#"):
                reason = "begins with #, as does its new one" if private else "cannot begin with #"
                raise CannotRename(f"the name of {'a private' if private else 'this'} field {reason}")
            _check_identifier(infer, new.removeprefix("#"))
            if _is_there(infer, about, new):
                raise CannotRename(f"{new!r} is there already, beside {name!r}")
        case Var(flow=flow, steps=steps):
            if not _REFERENCE.fullmatch(new):
                raise CannotRename(
                    f"{new!r} cannot stand in {{{{ }}}}: begin with a letter, go on with letters, digits, _ or -"
                )
            if new in RESERVED or STEP.fullmatch(new):
                raise CannotRename(f"{new!r} means something of its own in workflows")
            others = [step for step in flow.steps() if new in step.gives and step not in steps]
            if others or any(use.reference is not None and use.reference.name == new for use in flow.uses):
                raise CannotRename(f"{new!r} is taken in this workflow")
            if any(new in step.gives for step in steps):
                raise CannotRename(f"{new!r} is the same step's other name")
            if not new.isidentifier() and any(True for _ in variables.reads(infer, about)):
                raise CannotRename(f"a function reads it as a field, which cannot be called {new!r}")
        case Called(kind=kind, scope=scope):
            if not new.strip() or "\n" in new or "\r" in new:
                raise CannotRename("a name needs at least one character, on one line")
            if kind == "tool" and not re.fullmatch(r"[\w-]+", new):
                raise CannotRename(f"{new!r} is no tool's name: letters, digits, _ and - only")
            wanted = Called(kind, new, scope)
            others = mentioning(infer, new)
            if any(each.kind == kind and each.name == new and _same_state(infer, each, wanted) for each in others):
                raise CannotRename(f"there is {_KINDS.get(kind, 'an event')} {new!r} already")
        case _:
            return


def _same_state(infer: Inference, named: Named, wanted: Called) -> bool:
    return wanted.kind != "state_key" or called(infer, named) == wanted


def _check_identifier(infer: Inference, new: str) -> None:
    lua = infer.language == "lua"
    good = _LUA_NAME.fullmatch(new) if lua else new.replace("$", "_").isidentifier()
    if not good:
        raise CannotRename(f"{new!r} is no name: begin with a letter or _, go on with letters, digits or _")
    if new in _KEYWORDS[infer.language]:
        raise CannotRename(f"{new!r} is a word of the language")


def _is_there(infer: Inference, about: Own, new: str) -> bool:
    other = Own(about.uri, about.at, new, about.static)
    return any(True for _ in fields.places(infer, other)) or fields.inherits(infer, about, new)


# The text of an edit


def _text(document: Document, each: Occurrence, new: str) -> str:
    if not each.quoted:
        return f"{each.before}{new}{each.after}"
    line = document.lines[each.span.line]
    quote = line[each.span.column - 1 : each.span.column]
    if quote == "/":  # behind `local://`
        start = line.rfind("local://", 0, each.span.column)
        quote = line[start - 1 : start]
    if quote == "[" or not quote or quote == "=":
        if "]" in new:
            raise CannotRename(f"{new!r} cannot stand in the long text in line {each.span.line + 1}")
        return new
    escaped = new.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return escaped.replace("${", "\\${") if quote == "`" else escaped
