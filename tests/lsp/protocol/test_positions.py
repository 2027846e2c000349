"""Columns at the border, against plain re-encoding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell_lsp.protocol.positions import Encoding, column_of, length, negotiate, place, range_of, units_of

LINES = st.text(alphabet=st.sampled_from("aZ _\té߿ࠀ￿𐀀🎉\u0301\ud800"), max_size=30) | st.text(max_size=30)
ENCODINGS = st.sampled_from(["utf-8", "utf-16", "utf-32"])


def plain_length(text: str, encoding: Encoding) -> int:
    codec, width = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding]
    return len(text.encode(codec, "surrogatepass")) // width


@given(LINES, ENCODINGS)
def test_every_column_goes_out_as_the_length_of_what_is_before_it_and_comes_back(line: str, encoding: Encoding) -> None:
    for column in range(len(line) + 1):
        units = units_of(line, column, encoding)
        assert units == plain_length(line[:column], encoding)
        assert column_of(line, units, encoding) == column
    assert length(line, encoding) == plain_length(line, encoding)


@given(LINES, st.integers(-5, 140), ENCODINGS)
def test_any_number_of_units_is_a_column_that_exists_at_or_before_it(line: str, units: int, encoding: Encoding) -> None:
    column = column_of(line, units, encoding)
    assert 0 <= column <= len(line)
    if 0 <= units <= plain_length(line, encoding):
        assert plain_length(line[:column], encoding) <= units
        assert column == len(line) or plain_length(line[: column + 1], encoding) > units


@given(st.lists(LINES, min_size=1, max_size=4), st.integers(-3, 8), st.integers(-3, 40), ENCODINGS)
def test_any_position_is_clamped_into_the_text(lines: list[str], line: int, units: int, encoding: Encoding) -> None:
    at_line, column = place(lines, line, units, encoding)
    assert 0 <= at_line < len(lines)
    assert 0 <= column <= len(lines[at_line])


def test_a_range_has_the_units_of_its_own_lines() -> None:
    lines = ["🎉 = 1", "é"]
    assert range_of(lines, (0, 1, 1, 1), "utf-16") == {
        "start": {"line": 0, "character": 2},
        "end": {"line": 1, "character": 1},
    }
    assert range_of(lines, (0, 1, 1, 1), "utf-8") == {
        "start": {"line": 0, "character": 4},
        "end": {"line": 1, "character": 2},
    }


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["utf-16", "utf-8"], "utf-8"),
        (["utf-32", "utf-16"], "utf-16"),
        (["utf-32"], "utf-32"),
        (["utf-7"], "utf-16"),
        ([], "utf-16"),
        (None, "utf-16"),
        ("utf-8", "utf-16"),
    ],
)
def test_the_best_encoding_that_the_client_offers_is_chosen(offered: object, chosen: str) -> None:
    assert negotiate(offered) == chosen
