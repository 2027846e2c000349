"""A spell as it is typed, from its first character on: every question has an answer, none an exception."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmspell_lsp.analysis.scope import Analysis
from llmspell_lsp.analysis.unread import unread
from llmspell_lsp.documents.document import Document, Language
from llmspell_lsp.syntax.context import context
from llmspell_lsp.syntax.lookup import path_in

EXAMPLES = [
    path for path in sorted(Path(__file__).parents[3].glob("examples/*/spell.*")) if path.suffix in {".lua", ".js"}
]
SAMPLES = 25


def ask(document: Document) -> None:
    analysis = Analysis.of(document)
    line, column = len(document.lines) - 1, len(document.lines[-1])
    found = context(analysis.chunks, line, column)
    for span in (found.receiver, *(frame.callee for frame in found.frames)):
        if span is not None:
            assert document.between(*span).strip()
            analysis.expression_at(span)
    binding = analysis.binding_at(line, column)
    if binding is not None:
        assert analysis.references(binding)
    analysis.visible(line, column)
    analysis.unresolved()
    unread(analysis)
    analysis.exports()
    assert path_in(analysis.chunks.at(line), line, column)


def typed(path: Path, step: int) -> int:
    """Types a file into one document, asking at every `step`-th character."""
    language: Language = "lua" if path.suffix == ".lua" else "javascript"
    text = path.read_text(encoding="utf-8")
    document = Document(path.as_uri(), language, 1, "")
    asked = 0
    for start in range(0, len(text), step):
        line = len(document.lines) - 1
        document.edit(line, len(document.lines[-1]), line, len(document.lines[-1]), text[start : start + step])
        ask(document)
        asked += 1
    assert document.text == text
    return asked


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}{path.suffix}")
def test_an_example_as_it_is_typed(path: Path) -> None:
    assert typed(path, max(1, path.stat().st_size // SAMPLES)) >= SAMPLES - 1


@pytest.mark.soak
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}{path.suffix}")
def test_every_prefix_of_an_example(path: Path) -> None:
    assert typed(path, 1) == len(path.read_text(encoding="utf-8"))
