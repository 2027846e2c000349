"""Help while writing fails at no place of any half-typed text: prefixes of the examples, and edits of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from llmspell_lsp.features.completion import complete
from llmspell_lsp.features.inlays import Shown, inlays
from llmspell_lsp.features.signatures import signatures
from llmspell_lsp.workspace.snapshot import Snapshot

Language = Literal["lua", "javascript"]
At = Callable[[str, Language], tuple[Snapshot, int, int]]

EXAMPLES = Path(__file__).parents[4] / "examples"
SCRIPTS = sorted([*EXAMPLES.rglob("*.lua"), *EXAMPLES.rglob("*.js")])
TYPED = ("", ".", ":", "{", "(", '"', "`", "{{", "function ", "new ", "\0", "😀", "--", "/*", "}")
STEPS = 25


def test_there_are_examples() -> None:
    assert len(SCRIPTS) > 20


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_no_place_fails(path: Path, at: At) -> None:
    text = path.read_text(encoding="utf-8")
    language: Language = "lua" if path.suffix == ".lua" else "javascript"
    chance = random.Random(path.name)
    answered = 0
    for step in range(STEPS):
        place = chance.randrange(len(text) + 1)
        rest = "" if step % 2 else text[place + chance.randrange(20) :]
        snapshot, line, column = at(f"{text[:place]}{chance.choice(TYPED)}▮{rest}", language)
        found = complete(snapshot, line, column)
        signatures(snapshot, line, column)
        inlays(snapshot, max(0, line - 30), line + 30, Shown(types=True))
        if found is not None:
            labels = [(each.label, each.note, each.insert) for each in found.all()]
            assert len(labels) == len(set(labels))
            assert found.span.line == line
            assert found.span.column <= column
            answered += 1
    assert answered
