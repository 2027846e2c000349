"""Typing at random into the language server: no handler fails, and what it says never depends on how a text came to be.

`make soak` takes 100,000 steps or more: every prefix of every example (and of the scripts of the document that SEED
names), then random edits; `make test` takes a sample. Latencies of each method are printed, and memory.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from llmspell_lsp.documents.document import Document

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "seed"))
from keystrokes import Editor, Hands, examples, table

ROOT = Path(__file__).parents[2]

SAMPLE, ALL = 1_500, 100_000
#: Keys between two comparisons with a fresh session, which cost as much as fifty keys.
BETWEEN = 60
#: Edits of one text before the next is opened: by then little of it is left.
EDITS = 120
EDITED = 0.36
"""Of the steps, those that are random edits at the least; the others type examples from their first key."""


def texts() -> list[tuple[str, str]]:
    found = list(examples(ROOT / "examples"))
    document = os.environ.get("SEED")
    if document:
        scripts = import_module("extract").scripts
        for script in scripts(Path(document).read_text(encoding="utf-8")).values():
            found.append(("lua" if script.language == "lua" else "javascript", "\n".join(script.lines)))
    return found


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Sessions set the thresholds of the whole process."""
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.mark.parametrize("steps", [SAMPLE, pytest.param(ALL, marks=pytest.mark.soak)])
def test_whatever_is_typed_is_answered_as_if_it_had_always_stood_there(steps: int) -> None:
    dice = random.Random(5)
    times: dict[str, list[float]] = {}
    before = documents()
    editor = Editor(times)
    every = texts()
    dice.shuffle(every)
    total = sum(len(text) for _, text in every)
    typed = 0
    typing = total if steps == ALL else int(steps * (1 - EDITED))
    for number, (language, text) in enumerate(every):
        if typed >= typing:
            break
        uri = f"file:///typed{number}.{'lua' if language == 'lua' else 'js'}"
        # A sample begins somewhere in a text, so that it reaches what stands late in it.
        begin = 0 if typing == total else max(dice.randrange(len(text)) - 20, 0)
        hands = Hands(editor, uri, language, text[:begin], dice)
        lines = editor.lines(uri)
        place = (len(lines) - 1, len(lines[-1]))
        for key in text[begin:] if typing == total else text[begin : begin + 120]:
            place = hands.insert(place, key)
            hands.look(place)
            typed += 1
            if typed % BETWEEN == 0:
                hands.compare()
        hands.compare()
        editor.close(uri)
    assert typed >= typing
    edited = 0
    edits = max(steps - typed, int(steps * EDITED))
    while edited < edits:
        language, text = dice.choice(every)
        uri = f"file:///edited{edited}.{'lua' if language == 'lua' else 'js'}"
        hands = Hands(editor, uri, language, text, dice)
        for _ in range(min(EDITS, edits - edited)):
            hands.look(hands.random_edit())
            edited += 1
            if edited % BETWEEN == 0:
                hands.compare()
            if len(hands.text) > 40_000:
                break
        hands.compare()
        editor.close(uri)
    editor.rest()
    editor.leave()
    held = documents() - before
    memory = megabytes()
    print(f"\n{typed:,} keys of {len(every)} scripts, {edited:,} random edits, {memory} MB\n{table(times)}")
    assert typed + edited >= steps
    # The compiler's thread may be about to end, with the last that it was asked about.
    assert held <= 1, f"{held} documents are held after all have been closed"


def documents() -> int:
    """How many of them anything in the process holds."""
    gc.unfreeze()
    gc.collect()
    return sum(isinstance(each, Document) for each in gc.get_objects())


def megabytes() -> int:
    """What the process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20
