"""Completion of a path inside a text: files and folders of the project. Knows no protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llmspell_lsp.analysis import expect
from llmspell_lsp.features.candidates import WANTED, Candidate, Completion
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.workspace.paths import listed

if TYPE_CHECKING:
    from llmspell_lsp.analysis.types import Schema
    from llmspell_lsp.workspace.snapshot import Snapshot


def is_path(schema: Schema) -> bool:
    """Whether a text is the name of a file or folder."""
    return any(each.get("x-kind") == "path" for each in expect.alternatives(schema))


def complete(snapshot: Snapshot, typed: str, line: int, column: int) -> Completion | None:
    """What goes on a path: its last part is what a name takes the place of. None for a document without a place."""
    if snapshot.path is None:
        return None
    # Where relative paths of a run start: the project's folder.
    base = snapshot.project.roots.of(snapshot.path) if snapshot.project is not None else Path(snapshot.path).parent
    last = typed.rpartition("/")[2]
    found = [
        Candidate(name, "folder" if folder else "file", group=WANTED, rank=rank)
        for rank, (name, folder) in enumerate(listed(str(base), typed))
    ]
    return Completion(Span(line, column - len(last), line, column), found)
