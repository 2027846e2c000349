"""Texts of a spell that are addresses: modules, files that options name, URLs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmspell_lsp.analysis.named import calls
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.types import Native
from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.syntax.lookup import walk
from llmspell_lsp.syntax.nodes import Call, Export, Import, Name, Span, Text

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Chunk, Placed
    from llmspell_lsp.workspace.snapshot import Snapshot

_URL: Final = re.compile(r"https?://[^\s\"'`<>|\\^{}\[\]]*[^\s\"'`<>|\\^{}\[\].,;:!?)]")
#: A text that looks like a file's name: only those are looked for on the disk.
_FILE: Final = re.compile(r"(?!https?:)[\w@.~/ -]+\.[A-Za-z0-9]{1,8}")
#: Files that are looked for in one request; each costs 10 us.
_MOST: Final = 200


@dataclass(slots=True, frozen=True)
class DocumentLink:
    span: Span
    target: str
    tooltip: str = ""


def links(snapshot: Snapshot) -> list[DocumentLink]:
    """In the order of the file."""
    infer = snapshot.types
    found: dict[Span, DocumentLink] = {}
    for each in (*_modules(snapshot, infer), *_in_texts(snapshot, infer)):
        found.setdefault(each.span, each)
    return sorted(found.values(), key=lambda each: each.span)


def _modules(snapshot: Snapshot, infer: Inference) -> Iterator[DocumentLink]:
    if snapshot.project is None:
        return
    for place, text in modules(infer):
        path = snapshot.project.path(snapshot.document.uri, text.value or "")
        if path is not None:
            yield DocumentLink(absolute(place.start, text.content), uri_of(path), "the module")


def modules(infer: Inference) -> Iterator[tuple[Placed, Text]]:
    """Every text that names a module."""
    for place in infer.analysis.placed:
        for statement in place.chunk.tree.block.statements:
            match statement:
                case Import(module=Text() as text) | Export(module=Text() as text):
                    yield place, text
                case _:
                    pass
        for call in calls(place.chunk):
            if _requires(infer, place, call):
                first = call.arguments[0]
                if isinstance(first, Text) and first.value:
                    yield place, first


def _requires(infer: Inference, place: Placed, call: Call) -> bool:
    if not isinstance(call.callee, Name) or call.callee.text != "require" or not call.arguments:
        return False
    native = infer.type_of(place, call.callee)
    return isinstance(native, Native) and native.name == "require"


def _in_texts(snapshot: Snapshot, infer: Inference) -> Iterator[DocumentLink]:
    """URLs, and names of files that there are: beside the spell, or in its project."""
    looked = 0
    named = {absolute(place.start, text.content) for place, text in modules(infer)}
    for place in infer.analysis.placed:
        for text in _texts(place.chunk):
            span = absolute(place.start, text.content)
            for url in _URL.finditer(text.raw) if "://" in text.raw and "\n" not in text.raw else ():
                start = span.column + url.start()
                yield DocumentLink(Span(span.line, start, span.line, start + len(url[0])), url[0])
            value = text.value or ""
            if span not in named and looked < _MOST and _FILE.fullmatch(value):
                looked += 1
                path = _file(snapshot, value)
                if path is not None:
                    yield DocumentLink(span, uri_of(path))


def _texts(chunk: Chunk) -> list[Text]:
    known = chunk.facts.get(_texts)
    if known is None:
        known = chunk.facts[_texts] = [
            node
            for node in walk(chunk.tree.block)
            if isinstance(node, Text) and ("://" in node.raw or ("." in node.raw and _FILE.fullmatch(node.raw)))
        ]
    assert isinstance(known, list)
    return known


def _file(snapshot: Snapshot, name: str) -> str | None:
    if snapshot.path is None:
        return None
    here = Path(snapshot.path).parent
    bases = [here]
    if snapshot.project is not None:
        bases.append(snapshot.project.roots.of(snapshot.path))
    for base in bases:
        path = os.path.normpath(base / Path(name).expanduser() if name.startswith("~") else base / name)
        if os.path.isfile(path):  # noqa: PTH113  a hundred of them are looked for in a row
            return path
    return None
