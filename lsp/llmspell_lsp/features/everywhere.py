"""Symbols of all scripts of the open folders by a part of their name.

Outlines of open documents are those they have; of other files they are read when somebody first asks, as many as the
time for an answer allows, and the rest while nobody types. Kept until a file changes. Knows no protocol.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from llmspell_lsp.documents.uris import path_of, uri_of
from llmspell_lsp.features.symbols import Symbol, SymbolKind, symbols
from llmspell_lsp.workspace.files import look, read
from llmspell_lsp.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.syntax.nodes import Span
    from llmspell_lsp.workspace.project import Project

MOST: Final = 256
"""Symbols of an answer: a list that nobody reads to its end."""

BUDGET: Final = 0.15
"""Seconds of CPU that an answer may take for files that have not been read, so that a busy machine hides none."""


class Entry(NamedTuple):
    """A symbol of a file. span: of its name; columns in the client's units."""

    uri: str
    name: str
    kind: SymbolKind
    span: Span
    container: str
    deprecated: bool


class Everywhere:
    """The outlines of a session's files. `Source` of work for idle times."""

    def __init__(self, project: Project, documents: Mapping[str, Document], units: Callable[[str, int], int]) -> None:
        """documents: the open ones, by normal URI. units: a line's column in the client's."""
        self._project = project
        self._documents = documents
        self._units = units
        self._files: dict[str, tuple[object, tuple[Entry, ...]]] = {}
        self._due: dict[str, None] = {}

    def find(self, query: str) -> list[Entry]:
        """The best matches for what has been typed of a name, best first."""
        end = time.thread_time() + BUDGET
        _spend(end, self._project.work())  # which files there are
        self._look()
        _spend(end, self.work())
        found: list[tuple[int, str, Entry]] = []
        for entry in self._all():
            rank = rank_of(query, entry.name)
            if rank is not None:
                found.append((rank, entry.name.lower(), entry))
        found.sort(key=lambda each: (each[0], len(each[1]), each[1], each[2].uri, each[2].span))
        return [entry for _, _, entry in found[:MOST]]

    @property
    def has_work(self) -> bool:
        return bool(self._due)

    def work(self) -> Iterator[None]:
        """Reads the files that are due, one by one."""
        while self._due:
            path = next(iter(self._due))
            del self._due[path]
            stamp = look(path)
            document = read(path) if stamp is not None and uri_of(path) not in self._documents else None
            if document is None:
                self._files.pop(path, None)
            else:
                self._files[path] = (stamp, tuple(self._entries(document)))
            yield

    def _look(self) -> None:
        """Notes the files that have come, changed or gone."""
        paths = self._project.paths()
        for path in self._files.keys() - set(paths):
            del self._files[path]
        for path in paths:
            known = self._files.get(path)
            if uri_of(path) not in self._documents and (known is None or known[0] != look(path)):
                self._due[path] = None

    def _all(self) -> Iterator[Entry]:
        for path, (_, entries) in self._files.items():
            if uri_of(path) not in self._documents:
                yield from entries
        for document in self._documents.values():
            yield from self._entries(document)

    def _entries(self, document: Document) -> Iterator[Entry]:
        if document.language not in ("lua", "javascript"):
            return
        snapshot = Snapshot(document, path_of(document.uri), project=self._project)
        for placed, outermost in symbols(snapshot):
            rest = [(symbol, "") for symbol in outermost]
            while rest:
                symbol, container = rest.pop()
                yield self._entry(document, placed.start, symbol, container)
                rest += [(child, symbol.name) for child in symbol.children]

    def _entry(self, document: Document, start: int, symbol: Symbol, container: str) -> Entry:
        line, column, end_line, end_column = symbol.selection
        lines = document.lines
        span = symbol.selection._replace(
            line=line + start,
            column=self._units(lines[line + start], column),
            end_line=end_line + start,
            end_column=self._units(lines[end_line + start], end_column),
        )
        return Entry(document.uri, symbol.name, symbol.kind, span, container, symbol.deprecated)


def _spend(end: float, work: Iterator[None]) -> None:
    for _ in work:
        if time.thread_time() > end:
            return


def rank_of(query: str, name: str) -> int | None:
    """How well what was typed fits a name, 0 best; None where it does not: its letters must all be there, in order."""
    wanted, have = query.lower(), name.lower()
    if have == wanted:
        return 0
    if have.startswith(wanted):
        return 1
    at = have.find(wanted)
    if at >= 0:
        return 2 if _begins_word(name, at) else 3
    position = 0
    for letter in wanted:
        position = have.find(letter, position) + 1
        if not position:
            return None
    return 4


def _begins_word(name: str, at: int) -> bool:
    return not name[at - 1].isalnum() or (name[at].isupper() and name[at - 1].islower())
