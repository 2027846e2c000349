"""What the files of the projects name for each other: agents, tools, workflows, state keys, events.

Read in pieces while nobody types (`work`), a file at a time and a chunk at a time: open documents as they are typed,
the others from the disk, of which only the names are kept. Folders that hold other people's code are left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.workspace.files import language_of, look, read

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Modules
    from llmspell_lsp.analysis.named import NameKind
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.syntax.nodes import Span

MOST_FILES: Final = 2000
"""Scripts of a folder that are read; who opens the root of a disk is served for the first of them."""

MOST_ENTRIES: Final = 50_000
"""Files and folders that are looked at for scripts."""

MOST_NAMES: Final = 2000
"""Names of one file that are kept."""

_FOREIGN: Final = frozenset({"node_modules", "bower_components", "vendor", "venv", "__pycache__", "target"})

_OF_THE_WEB: Final = frozenset({"JSON", "URL", "URLSearchParams", "console", "process", "config", "params", "Cache"})


class Mention(NamedTuple):
    """A name in a text of a file. span: between the quotes. gives: it is named here, not asked for."""

    uri: str
    kind: NameKind
    name: str
    span: Span
    gives: bool


class Names:
    """The names of all files below the folders it is told of. One thread's."""

    def __init__(self, documents: Mapping[str, Document], modules: Modules, changed: Callable[[], None]) -> None:
        """documents: those that are open, by normal URI. changed: is called when names have come or gone."""
        self._documents = documents
        self._modules = modules
        self._changed = changed
        self._files: dict[str, tuple[object, tuple[Mention, ...]]] = {}
        """By path: the state in which it was read, and what it names."""
        self._kinds: dict[str, tuple[tuple[Mention, ...], Mapping[NameKind, tuple[Mention, ...]]]] = {}
        self.files_version = 0
        """Another one: other files name something."""
        self._due: dict[str, None] = {}
        self._scans: dict[tuple[str, bool], None] = {}
        self._scanned: set[tuple[str, bool]] = set()
        self._under_way: Iterator[None] | None = None

    # What has happened

    def watch(self, folder: str, *, deep: bool) -> None:
        """Takes in the scripts of a folder, if that has not been done. deep: and of those below it."""
        if (folder, deep) not in self._scanned:
            self._scanned.add((folder, deep))
            self._scans[folder, deep] = None

    def again(self) -> None:
        """Looks into all folders again."""
        self._scans.update(dict.fromkeys(self._scanned))

    def forget(self) -> None:
        """The folders are others now."""
        self._scanned.clear()
        self._scans.clear()
        self._files.clear()
        self._kinds.clear()
        self._due.clear()
        self.files_version += 1

    def touched(self, path: str) -> None:
        """A file has changed, in the editor or on the disk."""
        if language_of(path) is not None and (uri_of(path) in self._documents or self._is_watched(path)):
            self._due[path] = None

    def _is_watched(self, path: str) -> bool:
        for folder, deep in self._scanned:
            if path.startswith(os.path.join(folder, "")):  # noqa: PTH118
                *inner, name = path[len(folder) :].lstrip("/").split("/")
                if not name.startswith(".") and not any(map(_is_foreign, inner)) and (deep or not inner):
                    return True
        return path in self._files

    # What is known

    def of(self, path: str, kind: NameKind | None = None) -> tuple[Mention, ...]:
        """What a file names, in its order."""
        known = self._files.get(path)
        if known is None:
            return ()
        return known[1] if kind is None else self._by_kind(path, known[1]).get(kind, ())

    def paths(self) -> list[str]:
        """Every file that has been read."""
        return list(self._files)

    def files(self) -> list[str]:
        """Those that name anything."""
        return [path for path, (_, mentions) in self._files.items() if mentions]

    def _by_kind(self, path: str, mentions: tuple[Mention, ...]) -> Mapping[NameKind, tuple[Mention, ...]]:
        known = self._kinds.get(path)
        if known is None or known[0] is not mentions:
            parted: dict[NameKind, list[Mention]] = {}
            for each in mentions:
                parted.setdefault(each.kind, []).append(each)
            known = self._kinds[path] = (mentions, {kind: tuple(found) for kind, found in parted.items()})
        return known[1]

    def _keep(self, path: str, state: object, mentions: tuple[Mention, ...]) -> None:
        if bool(mentions) != bool(self.of(path)):
            self.files_version += 1
        self._files[path] = (state, mentions)

    def _drop(self, path: str) -> None:
        if self._files.pop(path, None) is not None:
            self.files_version += 1
            self._kinds.pop(path, None)

    # The work

    @property
    def has_work(self) -> bool:
        return self._under_way is not None or bool(self._scans or self._due)

    def work(self) -> Iterator[None]:
        """All that is due, in small pieces. What has been begun, whoever asks next goes on with."""
        while self.has_work:
            pieces = self._under_way = self._under_way or self._pieces()
            over = True
            try:
                over = next(pieces, self) is self
            finally:
                if over and self._under_way is pieces:
                    self._under_way = None
            if not over:
                yield

    def _pieces(self) -> Iterator[None]:
        different = False
        while self._scans or self._due:
            if self._scans:
                folder, deep = next(iter(self._scans))
                del self._scans[folder, deep]
                yield from self._scan(folder, deep=deep)
            elif self._due:
                path = next(iter(self._due))
                del self._due[path]
                before = [each[1:3] for each in self.of(path) if each.gives]
                yield from self._read(path)
                different = different or before != [each[1:3] for each in self.of(path) if each.gives]
        if different:
            self._changed()

    def _scan(self, folder: str, *, deep: bool) -> Iterator[None]:
        waiting, entries = [folder], 0
        found: set[str] = set()
        while waiting and entries < MOST_ENTRIES and len(found) < MOST_FILES:
            here = waiting.pop()
            try:
                with os.scandir(here) as listed:
                    for entry in listed:
                        entries += 1
                        if entry.name.startswith("."):
                            continue
                        # A link to a folder is not followed: it may lead to where it lies.
                        if entry.is_dir(follow_symlinks=False):
                            if deep and not _is_foreign(entry.name):
                                waiting.append(entry.path)
                        elif language_of(entry.name) is not None:
                            found.add(entry.path)
                            self._expect(entry.path)
                        if entries >= MOST_ENTRIES or len(found) >= MOST_FILES:
                            break
                        if entries % 256 == 0:
                            yield
            except (OSError, ValueError):  # gone, closed, or too many links
                pass
            yield
        below = os.path.join(folder, "")  # noqa: PTH118
        for path in [path for path in self._files if path.startswith(below) and path not in found]:
            if deep or os.path.dirname(path) == folder:  # noqa: PTH120
                self._due[path] = None

    def _expect(self, path: str) -> None:
        known = self._files.get(path)
        opened = self._documents.get(uri_of(path))
        if known is None or known[0] != (_state(opened) if opened is not None else look(path)):
            self._due[path] = None

    def _read(self, path: str) -> Iterator[None]:
        opened = self._documents.get(uri_of(path))
        state = _state(opened) if opened is not None else look(path)
        known = self._files.get(path)
        if known is not None and known[0] == state:
            return
        document = opened if opened is not None else read(path) if state is not None else None
        if document is None or document.language not in ("lua", "javascript"):
            self._drop(path)
            return
        yield
        if opened is None and not _speaks(document):
            self._keep(path, state, ())
            return
        found: list[Mention] = []
        revision = document.revision
        for each in _mentions(document, self._modules):
            if document.revision != revision:
                self._due[path] = None
                return
            found += each
            if len(found) > MOST_NAMES:
                break
            yield
        self._keep(path, state, tuple(found))


def _is_foreign(folder: str) -> bool:
    return folder.startswith(".") or folder in _FOREIGN


def _state(document: Document) -> object:
    return (id(document), document.revision)


def _mentions(document: Document, modules: Modules) -> Iterator[list[Mention]]:
    """What a script names, chunk by chunk, all of them read before what they mean is asked."""
    from llmspell_lsp.analysis.bindings import bindings
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.named import of_chunk
    from llmspell_lsp.syntax.chunks import Chunks

    for placed in Chunks.of(document).placed:
        bindings(placed.chunk)
        yield []
    infer = Inference.of(document, modules)
    for placed in infer.analysis.placed:
        yield [Mention(document.uri, one.kind, one.name, one.span, one.gives) for one in of_chunk(infer, placed)]


def _speaks(document: Document) -> bool:
    """Whether a script uses anything of the registry: most of a web project's do not, and cost no more than this."""
    return any(map(_words().search, document.lines))


@cache
def _words() -> re.Pattern[str]:
    from llmspell.api.registry import registry
    from llmspell_lsp.analysis.natives import natives

    # `console` and `URL` are the registry's in JavaScript, and in every script of the web.
    own = registry().classes.keys() - natives("javascript").entries.keys() - _OF_THE_WEB
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(own)))}|eventBus)\b")
