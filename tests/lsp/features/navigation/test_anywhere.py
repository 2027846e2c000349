"""At any place of any text, whole or half typed: an answer or none, never a failure; and answers agree with each other."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.features.definition import definition, type_definition
from llmspell_lsp.features.hierarchy import incoming, outgoing, prepare
from llmspell_lsp.features.hover import hover
from llmspell_lsp.features.links import links
from llmspell_lsp.features.references_to import highlights, linked, references_to
from llmspell_lsp.features.renaming import CannotRename, rename, renameable
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.workspace.snapshot import Snapshot

EXAMPLES = sorted(Path(__file__).parents[4].glob("examples/*/spell.*"))
SCRIPTS = [path for path in EXAMPLES if path.suffix in {".lua", ".js"}]


def ask_everything(snapshot: Snapshot, line: int, column: int) -> None:
    shown = hover(snapshot, line, column)
    assert shown is None or shown.span.holds(line, column)
    for found in (definition(snapshot, line, column), type_definition(snapshot, line, column)):
        for place in found.places if found is not None else ():
            # The protocol asks that what is shown of a target holds its name.
            assert place.whole[:2] <= place.span[:2] <= place.span[2:] <= place.whole[2:]
    references_to(snapshot, line, column)
    linked(snapshot, line, column)
    if prepare(snapshot, line, column) is not None:
        incoming(snapshot, line, column)
        outgoing(snapshot, line, column)
    try:
        renameable(snapshot, line, column)
        rename(snapshot, line, column, "brand_new")
    except CannotRename as reason:
        assert str(reason)


def opened(path: Path, text: str) -> Snapshot:
    language: Any = "lua" if path.suffix == ".lua" else "javascript"
    return Snapshot(Document("file:///spell", language, 1, text))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}{path.suffix}")
def test_anywhere_in_a_whole_or_half_typed_spell(path: Path) -> None:
    chance = random.Random(path.name + path.parent.name)
    text = path.read_text(encoding="utf-8")
    for end in [len(text), *(chance.randrange(len(text)) for _ in range(3))]:
        snapshot = opened(path, text[:end])
        lines = snapshot.document.lines
        links(snapshot)
        for line in chance.sample(range(len(lines)), min(6, len(lines))):
            ask_everything(snapshot, line, chance.randint(0, len(lines[line])))
        ask_everything(snapshot, len(lines) - 1, len(lines[-1]))


def edited(path: Path, snapshot: Snapshot, changes: list[tuple[Span, str]]) -> Snapshot:
    copy = Document("file:///spell", snapshot.document.language, 1, snapshot.document.text)
    for span, text in changes:
        copy.edit(*span, text)
    return opened(path, copy.text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}{path.suffix}")
def test_a_rename_back_gives_the_text_there_was(path: Path) -> None:
    chance = random.Random(path.name)
    snapshot = opened(path, path.read_text(encoding="utf-8"))
    renamed = 0
    for _ in range(60):
        line = chance.randrange(len(snapshot.document.lines))
        column = chance.randint(0, len(snapshot.document.lines[line]))
        try:
            at = renameable(snapshot, line, column)
        except CannotRename:
            continue
        if at is None or not at.name.isidentifier():  # a key in brackets may be no name
            continue
        changed = rename(snapshot, line, column, "brand_new")
        assert changed is not None
        (one,) = changed
        if any(text != "brand_new" for _, text in one.edits):  # `{ a }` becomes `{ a: brand_new }`
            continue
        before = [span for span, _ in one.edits if span.line == line and span.end_column <= at.span.column]
        column = at.span.column + sum(len("brand_new") - (span.end_column - span.column) for span in before)
        after = edited(path, snapshot, one.edits)
        assert after.document.text != snapshot.document.text
        back = rename(after, line, column, at.name)
        assert back is not None
        assert edited(path, after, back[0].edits).document.text == snapshot.document.text
        renamed += 1
    assert renamed > 0


@pytest.mark.parametrize("path", SCRIPTS[::3], ids=lambda path: f"{path.parent.name}{path.suffix}")
def test_every_highlight_has_the_same_highlights(path: Path) -> None:
    chance = random.Random(path.parent.name)
    snapshot = opened(path, path.read_text(encoding="utf-8"))
    asked = 0
    for _ in range(40):
        line = chance.randrange(len(snapshot.document.lines))
        found = highlights(snapshot, line, chance.randint(0, len(snapshot.document.lines[line])))
        if found is None or len(found) < 2:
            continue
        asked += 1
        other = chance.choice(found).span
        assert highlights(snapshot, other.line, other.column) == found
    assert asked > 0
