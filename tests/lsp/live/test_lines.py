"""Lines of a text that has been edited since it was run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell_lsp.live import lines
from llmspell_lsp.live.lines import Lines


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("abc", "abc", [0, 1, 2]),
        ("abc", "xabc", [1, 2, 3]),
        ("abc", "abxc", [0, 1, 3]),
        ("abc", "ac", [0, None, 1]),
        ("abc", "aBc", [0, None, 2]),
        ("abc", "abcx", [0, 1, 2]),
        ("abc", "", [None, None, None]),
        ("aab", "ab", [0, None, 1]),
        ("", "abc", []),
    ],
)
def test_where_a_line_is_now(old: str, new: str, expected: list[int | None]) -> None:
    found = Lines(list(old), list(new))
    assert [found.now(line) for line in range(len(old))] == expected
    assert found.now(-1) is None and found.now(len(old)) is None


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd")))
def test_a_line_is_shown_only_where_it_stands(old: list[str], new: list[str]) -> None:
    found = Lines(old, new)
    shown = [(line, now) for line in range(len(old)) if (now := found.now(line)) is not None]
    assert all(old[line] == new[now] for line, now in shown)
    assert [now for _, now in shown] == sorted({now for _, now in shown})


def test_a_text_that_is_quite_another_is_not_compared() -> None:
    long = [str(number) for number in range(lines.LONGEST)]
    found = Lines(["a", *long, "b"], ["a", *reversed(long), "b"])
    assert found.now(0) == 0 and found.now(len(long) + 1) == len(long) + 1
    assert found.now(300) is None
