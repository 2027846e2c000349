"""A spell with a cursor in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.workspace.snapshot import Snapshot

Language = Literal["lua", "javascript"]
Place = tuple[Snapshot, int, int]


def place(text: str, language: Language) -> Place:
    """The snapshot of a text without its `▮`, and where that stood."""
    before, mark, after = text.partition("▮")
    assert mark, f"no mark in {text!r}"
    suffix = "lua" if language == "lua" else "js"
    document = Document(f"file:///nowhere/spell.{suffix}", language, 1, before + after)
    line = before.count("\n")
    return Snapshot(document), line, len(before) - (before.rfind("\n") + 1)


@pytest.fixture
def at() -> Callable[[str, Language], Place]:
    return place
