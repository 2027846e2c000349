"""Typing at random into the language server: no handler fails, and what it says never depends on how a text came to be.

`make soak` takes 100,000 steps: every prefix of every example (and of the scripts of the document that SEED names),
then random edits; `make test` takes a sample. Latencies of each method are printed.
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

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "seed"))
from keystrokes import Editor, Hands, examples, table

ROOT = Path(__file__).parents[2]

SAMPLE, ALL = 1_500, 100_000
#: Keys between two comparisons with a fresh session, which cost as much as fifty keys.
BETWEEN = 60
#: Edits of one text before the next is opened: by then little of it is left.
EDITS = 120
FRESH_SHARE = 0.36
"""Of the steps, those that are random edits; the others type examples from their first key."""


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
    editor = Editor(times)
    every = texts()
    dice.shuffle(every)
    total = sum(len(text) for _, text in every)
    typed = 0
    typing = total if steps >= total else int(steps * (1 - FRESH_SHARE))
    for number, (language, text) in enumerate(every):
        if typed >= typing:
            break
        uri = f"file:///typed{number}.{'lua' if language == 'lua' else 'js'}"
        # A sample begins somewhere in a text, so that it reaches what stands late in it.
        begin = 0 if typing == total else max(dice.randrange(len(text)) - 20, 0)
        hands = Hands(editor, uri, language, text[:begin], dice)
        lines = editor.lines(uri)
        place = (len(lines) - 1, len(lines[-1]))
        for key in text[begin : begin + (len(text) if typing == total else 120)]:
            place = hands.insert(place, key)
            hands.look(place)
            typed += 1
            if typed % BETWEEN == 0:
                hands.compare()
        hands.compare()
        editor.close(uri)
    edited = 0
    while typed + edited < steps:
        language, text = dice.choice(every)
        uri = f"file:///edited{edited}.{'lua' if language == 'lua' else 'js'}"
        hands = Hands(editor, uri, language, text, dice)
        for _ in range(min(EDITS, steps - typed - edited)):
            hands.look(hands.random_edit())
            edited += 1
            if edited % BETWEEN == 0:
                hands.compare()
            if len(hands.text) > 40_000:
                break
        hands.compare()
        editor.close(uri)
    editor.leave()
    assert typed + edited >= steps
    print(f"\n{typed:,} keys of {len(every)} scripts, {edited:,} random edits\n{table(times)}")
