"""An open text: edits cost their lines, and the text is exact whatever it holds."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell_lsp.documents.document import KEPT_SPLICES, Document, split

PIECES = st.text(st.sampled_from("ab\r\n\0\ufeff\u2028\ud800😀é"), max_size=12)


def document(text: str) -> Document:
    return Document("file:///x.lua", "lua", 1, text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a", ""]),
        ("a\r\nb\rc\nd", ["a", "b", "c", "d"]),
        ("a\u2028b\vc\fd\x85e", ["a\u2028b\vc\fd\x85e"]),
        ("\ufeffa", ["\ufeffa"]),
        ("\r\n\r", ["", "", ""]),
    ],
)
def test_only_the_protocols_three_line_ends_part_lines(text: str, lines: list[str]) -> None:
    assert document(text).lines == lines
    assert document(text).text == text


@given(PIECES, st.lists(st.tuples(*[st.integers(-1, 8)] * 4, PIECES), max_size=6))
def test_edits_leave_what_python_slices_would(text: str, edits: list[tuple[int, int, int, int, str]]) -> None:
    edited = document(text)
    for first, column, last, end, new in edits:
        start, stop = sorted((edited.clip(first, column), edited.clip(last, end)))
        before, after = edited.between(0, 0, *start), edited.between(*stop, 99, 0)
        lines = list(edited.lines)
        splice = edited.edit(first, column, last, end, new)
        assert edited.text == before + new + after
        assert edited.lines == split(before + new + after)[0]
        kept = lines[: splice.first], lines[splice.first + splice.removed :]
        assert kept == (edited.lines[: splice.first], edited.lines[splice.first + splice.added :])


@given(PIECES, PIECES)
def test_a_new_text_counts_only_the_lines_that_differ(old: str, new: str) -> None:
    edited = document(old)
    lines, held = list(edited.lines), edited.lines
    first, removed, added = edited.replace(new)
    assert edited.text == new
    assert held is edited.lines
    assert [*lines[:first], *held[first : first + added], *lines[first + removed :]] == held


def test_readers_that_lag_too_far_behind_are_told_to_start_anew() -> None:
    edited = document("a")
    for _ in range(KEPT_SPLICES):
        edited.edit(0, 0, 0, 0, "x")
    assert edited.since(0) is not None
    assert edited.since(edited.revision) == []
    assert len(edited.since(edited.revision - 3) or []) == 3
    edited.edit(0, 0, 0, 0, "x")
    assert edited.since(0) is None
    assert edited.since(edited.revision + 1) is None


def test_a_key_costs_its_line_and_not_the_file() -> None:
    large = document("local x = 1\n" * 400_000 + "y" * 1_000_000)
    small = document("local x = 1\n" * 10)

    def keys(edited: Document) -> float:
        best = 1.0
        for _ in range(5):
            start = time.process_time()
            for column in range(200):
                edited.edit(5, column, 5, column, "k")
            best = min(best, time.process_time() - start)
        return best

    assert keys(large) < 20 * keys(small) + 0.005
    assert len(large.text) == 400_000 * 12 + 1_000_000 + 1000
