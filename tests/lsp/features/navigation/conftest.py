"""Spells with marks: `▮` is the cursor, `«name»` a place that is expected to be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.documents.uris import normal, uri_of
from llmspell_lsp.workspace.project import Project
from llmspell_lsp.workspace.snapshot import Snapshot

Language = Literal["lua", "javascript"]
SUFFIXES = {"lua": ".lua", "javascript": ".js"}


@dataclass
class Marked:
    """A spell, its cursor, and the marked places of every file by its name, each (line, column, end line, end column)."""

    snapshot: Snapshot
    line: int
    column: int
    marks: dict[str, list[tuple[int, int, int, int]]]
    folder: Path

    @property
    def at(self) -> tuple[Snapshot, int, int]:
        return self.snapshot, self.line, self.column

    def name(self, uri: str) -> str:
        return uri.rpartition("/")[2]


def read(text: str) -> tuple[str, tuple[int, int] | None, list[tuple[int, int, int, int]]]:
    """The text without its marks, the cursor, the marked places."""
    kept: list[str] = []
    cursor: tuple[int, int] | None = None
    opened: list[tuple[int, int]] = []
    marks: list[tuple[int, int, int, int]] = []
    line = column = 0
    for letter in text:
        if letter == "▮":
            cursor = (line, column)
        elif letter == "«":
            opened.append((line, column))
        elif letter == "»":
            marks.append((*opened.pop(), line, column))
        else:
            kept.append(letter)
            line, column = (line + 1, 0) if letter == "\n" else (line, column + 1)
    return "".join(kept), cursor, marks


@pytest.fixture
def spell(tmp_path: Path) -> Callable[..., Marked]:
    """The spell of a language with more files beside it, their marks read as well; the project has looked at all."""

    def make(language: Language, text: str, **files: str) -> Marked:
        clean, cursor, marks = read(text)
        assert cursor is not None or not marks
        name = f"spell{SUFFIXES[language]}"
        found = {name: marks}
        (tmp_path / "llmspell.toml").write_text("")
        for other, content in files.items():
            path = tmp_path / f"{other.replace('__', '/')}{SUFFIXES[language]}"
            path.parent.mkdir(exist_ok=True)
            written, _, found[path.name] = read(content)
            path.write_text(written, encoding="utf-8")
        (tmp_path / name).write_text(clean, encoding="utf-8")
        document = Document(uri_of(str(tmp_path / name)), language, 1, clean)
        documents = {normal(document.uri): document}
        project = Project(documents, lambda: [str(tmp_path)], environ={})
        project.opened(document)
        for _ in project.work():
            pass
        snapshot = Snapshot(document, str(tmp_path / name), [str(tmp_path)], project)
        line, column = cursor or (0, 0)
        return Marked(snapshot, line, column, found, tmp_path)

    return make
