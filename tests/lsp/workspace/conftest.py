"""A project on the disk, some of its files open in an editor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.documents.uris import normal, path_of, uri_of
from llmspell_lsp.workspace.files import language_of
from llmspell_lsp.workspace.project import Project
from llmspell_lsp.workspace.snapshot import Snapshot


class Desk:
    """The editor's side: `write` puts files on the disk, `open` opens one with a text that may be another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents: dict[str, Document] = {}
        self.folders = [str(folder)]
        self.changes = 0
        self.project = Project(self.documents, lambda: self.folders, self._changed, {"HOME": str(folder)})

    def _changed(self) -> None:
        self.changes += 1

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.project.files_changed([str(path)])
        return path

    def uri(self, name: str) -> str:
        return uri_of(str(self.folder / name))

    def open(self, name: str, text: str) -> Snapshot:
        uri = self.uri(name)
        language = language_of(name)
        assert language is not None
        document = self.documents[normal(uri)] = Document(uri, language, 1, text)
        self.project.opened(document)
        return self.snapshot(name)

    def type(self, name: str, text: str) -> None:
        document = self.documents[normal(self.uri(name))]
        document.replace(text)
        self.project.edited(document)

    def close(self, name: str) -> None:
        self.project.closed(self.documents.pop(normal(self.uri(name))))

    def snapshot(self, name: str) -> Snapshot:
        document = self.documents[normal(self.uri(name))]
        return Snapshot(document, path_of(document.uri), self.folders, self.project)

    def rest(self) -> int:
        """Lets the idle work be done; how many pieces it was."""
        return sum(1 for _ in self.project.work())


@pytest.fixture
def desk(tmp_path: Path) -> Callable[[], Desk]:
    return lambda: Desk(tmp_path)
