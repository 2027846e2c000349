"""The projects around the open documents: their modules, the names their files share, their settings.

Everything but `module` and what it needs is read while nobody types. Knows no protocol, starts no thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmspell_lsp.documents.uris import normal, path_of, uri_of
from llmspell_lsp.workspace.files import Files, language_of
from llmspell_lsp.workspace.names import Mention, Names
from llmspell_lsp.workspace.roots import Roots

if TYPE_CHECKING:
    from llmspell.settings.values import Settings
    from llmspell_lsp.analysis.named import NameKind
    from llmspell_lsp.analysis.types import Module
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.workspace.modules import Loaded


class Project:
    """All projects of a session. `Modules` of `analysis.infer`. One thread's."""

    def __init__(
        self,
        documents: Mapping[str, Document],
        folders: Callable[[], Sequence[str]],
        changed: Callable[[], None] = lambda: None,
        environ: dict[str, str] | None = None,
    ) -> None:
        """documents: the open ones, by normal URI. changed: is called when names of files have come or gone."""
        self._documents = documents
        self._folders = folders
        self._files = Files()
        self.roots = Roots(folders, dict(os.environ) if environ is None else environ)
        self._names = Names(documents, self, changed)
        self._loaded: Loaded | None = None
        self._nearest: dict[str, tuple[int, list[str]]] = {}

    # What has happened

    def opened(self, document: Document) -> None:
        path = path_of(document.uri)
        self._moved()
        if path is None or document.language not in ("lua", "javascript"):
            return
        folder = str(Path(path).parent)
        around = self.roots.of(path)
        closed = self.roots.file(path) is None and str(around) == folder and folder not in self._folders()
        # Nobody has opened the folder, nothing says that it is a project: its own files and no more.
        self._names.watch(str(around), deep=not closed)
        self._names.touched(path)

    def edited(self, document: Document) -> None:
        path = path_of(document.uri)
        if path is not None:
            self._names.touched(path)

    def closed(self, document: Document) -> None:
        self._moved()
        self.edited(document)

    def files_changed(self, paths: Sequence[str]) -> None:
        """On the disk."""
        self._moved()
        for path in paths:
            self._files.changed(path)
            self._names.touched(path)
            if path.endswith(".toml"):
                self.roots.changed()

    def folders_changed(self) -> None:
        self._moved()
        self.roots.changed()
        self._names.forget()
        for document in list(self._documents.values()):
            self.opened(document)

    def look_again(self) -> None:
        """For clients that do not tell of files."""
        self._names.again()

    def _moved(self) -> None:
        self._nearest.clear()
        if self._loaded is not None:
            self._loaded.files_changed()

    # Modules

    @property
    def loaded(self) -> Loaded:
        if self._loaded is None:
            from llmspell_lsp.workspace.modules import Loaded

            self._loaded = Loaded(self._documents, self._files, self.roots)
        return self._loaded

    def module(self, uri: str, name: str) -> Module | None:
        """What a file gives that the document `uri` requires or imports by a name."""
        return self.loaded.module(uri, name, self)

    def is_fresh(self, uri: str) -> bool:
        """Whether what was said of modules to a document still holds."""
        return self._loaded is None or self._loaded.is_fresh(uri)

    def state(self, uri: str) -> object:
        """Equal as long as the modules that a document was told of are as they were."""
        return () if self._loaded is None else self._loaded.state(uri)

    def path(self, uri: str, name: str) -> str | None:
        """The file that the document `uri` requires or imports by a name."""
        return self.loaded.path(uri, name)

    def document(self, uri: str) -> Document | None:
        """A script, open or not: what stands in it now."""
        opened = self._documents.get(normal(uri))
        path = path_of(uri)
        return opened if opened is not None else None if path is None else self.loaded.document(path)

    # Names

    def mentions(self, uri: str, kind: NameKind | None = None, name: str | None = None) -> list[Mention]:
        """What the other files of a document's project name, those that lie nearest first."""
        path = path_of(uri)
        if path is None:
            return []
        return [
            each
            for other in self._near(path)
            for each in self._names.of(other, kind)
            if name is None or each.name == name
        ]

    def _near(self, path: str) -> list[str]:
        """The other files of a file's project that name anything, those that lie nearest first."""
        known = self._nearest.get(path)
        if known is None or known[0] != self._names.files_version:
            root = self.roots.of(path)
            by_folder: dict[str, list[str]] = {}
            for other in self._names.files():
                by_folder.setdefault(other.rpartition("/")[0], []).append(other)
            same = [folder for folder in by_folder if self.roots.of(f"{folder}/x") == root]
            same.sort(key=lambda folder: (_distance(path, f"{folder}/x"), folder))
            found = [other for folder in same for other in sorted(by_folder[folder]) if other != path]
            known = self._nearest[path] = (self._names.files_version, found)
        return known[1]

    def given(self, uri: str, kind: NameKind) -> dict[str, Mention]:
        """The names of a kind that the other files of a document's project give, the nearest file's first."""
        found: dict[str, Mention] = {}
        for each in self.mentions(uri, kind):
            if each.gives:
                found.setdefault(each.name, each)
        return found

    def scripts(self, uri: str) -> list[str]:
        """The URIs of all scripts of a document's project, as far as they have been found."""
        path = path_of(uri)
        if path is None:
            return []
        root = self.roots.of(path)
        return [uri_of(each) for each in self._names.paths() if self.roots.of(each) == root]

    def paths(self) -> list[str]:
        """Every script of the open folders, and of those that open documents lie in; as far as they have been read."""
        return self._names.paths()

    # Settings

    def settings(self, uri: str) -> Settings | None:
        """What a spell would run with; None where its settings cannot be read."""
        path = path_of(uri)
        return None if path is None else self.roots.settings(path)

    # Work for when nobody types

    @property
    def has_work(self) -> bool:
        return self._names.has_work

    def work(self) -> Iterator[None]:
        """What is due, in pieces of a few milliseconds at most."""
        return self._names.work()

    def finish(self) -> None:
        """Does all of it now: a rename must know every file."""
        for _ in self.work():
            pass

    # Names of modules, to be written

    def module_names(self, uri: str, typed: str) -> list[tuple[str, bool]]:
        """What can follow in a module's name up to its last separator, and whether it is a folder."""
        path = path_of(uri)
        document = self._documents.get(normal(uri))
        language = document.language if document is not None else language_of(path or "")
        if path is None or language not in ("lua", "javascript"):
            return []
        lua = language == "lua"
        if not lua and not typed.startswith(("./", "../", "/")):
            return [("./", True), ("../", True)]
        before = typed.rpartition("." if lua else "/")[0]
        root = self.roots.of(path)
        found: dict[str, bool] = {}
        for base in self.loaded.around(uri) if lua else [Path(path).parent]:
            folder = Path(os.path.normpath(base / (before.replace(".", "/") if lua else before or "/")))
            if folder.is_relative_to(root):
                for name, inside in (*_entries(folder, lua=lua), *self._unsaved(folder, lua=lua)):
                    if uri_of(str(folder / name)) != normal(uri):
                        found.setdefault(name.removesuffix(".lua") if lua else name, inside)
        return sorted(found.items())

    def _unsaved(self, folder: Path, *, lua: bool) -> Iterator[tuple[str, bool]]:
        """Documents that are open and not yet on the disk."""
        for document in self._documents.values():
            path = path_of(document.uri)
            same = document.language == ("lua" if lua else "javascript")
            if path is not None and same and Path(path).parent == folder:
                yield Path(path).name, False


def _entries(folder: Path, *, lua: bool) -> Iterator[tuple[str, bool]]:
    """What a name can go on with in a folder; whether it is a folder."""
    suffixes = (".lua",) if lua else (".js", ".mjs", ".json")
    try:
        with os.scandir(folder) as listed:
            for count, entry in enumerate(listed):
                name = entry.name
                if count >= 2000:
                    return
                if name.startswith(".") or (lua and "." in name.removesuffix(".lua")):
                    continue
                if entry.is_dir():
                    if name != "node_modules":
                        yield name, True
                elif name.endswith(suffixes):
                    yield name, False
    except OSError:
        return


def _distance(path: str, other: str) -> int:
    """Folders between two files."""
    here, there = path.split("/")[:-1], other.split("/")[:-1]
    same = 0
    while same < min(len(here), len(there)) and here[same] == there[same]:
        same += 1
    return len(here) + len(there) - 2 * same
