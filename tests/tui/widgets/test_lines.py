"""A line is exactly as wide as its widget, whatever stands in it; what runs print cannot draw on the screen."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from llmspell_tui.theme import palette
from llmspell_tui.widgets.figures import COUNT, MONEY, TIME, count_text, money_text, time_text
from llmspell_tui.widgets.lines import clean, fitted, shortened, spread, strip_of, tail, width_of, wrapped
from llmspell_tui.widgets.tree import columns

texts = st.text(max_size=60)
pieces = st.lists(st.tuples(texts.map(clean), st.sampled_from(["text", "dim", "error"])), max_size=6)


@given(pieces, st.integers(1, 120))
def test_pieces_fill_their_width_exactly(line, width) -> None:
    assert width_of(fitted(line, width)) == width


@given(pieces, pieces, st.integers(1, 120))
@example([], [("00", "text"), ("000000000  ᄀ", "text"), ("0", "text")], 14)
def test_two_sides_fill_their_width_exactly(left, right, width) -> None:
    assert width_of(spread(left, right, width)) == width


@given(pieces, st.integers(1, 120), texts)
def test_marking_a_search_changes_no_text(line, width, needle) -> None:
    colours = palette("dark")
    plain = strip_of(line, width, colours)
    marked = strip_of(line, width, colours, needle=needle.lower())
    assert marked.text == plain.text
    assert marked.cell_length == width


def test_a_search_is_marked_where_it_stands() -> None:
    colours = palette("dark")
    strip = strip_of([("the Rain in Spain", "text")], 20, colours, needle="ain")
    marked = [segment.text for segment in strip if segment.style == colours.style("match")]
    assert marked == ["ain", "ain"]


@given(texts)
def test_clean_text_has_nothing_that_controls_a_terminal(text) -> None:
    cleaned = clean(text)
    assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for sign in cleaned)
    assert not {*cleaned} & {*"\u202e\u2066\u200b"}


def test_a_line_end_and_an_escape_are_shown_as_signs() -> None:
    assert clean("a\nb\x1b[31mc\td") == "a↵b␛[31mc  d"


@given(texts, st.integers(0, 40))
def test_what_is_cut_fits(text, width) -> None:
    text = clean(text)
    assert cell_len(shortened(text, width)) <= width
    assert cell_len(tail(text, width)) <= width


@given(st.text(max_size=300), st.integers(4, 60))
def test_wrapped_lines_fit_and_lose_no_word(text, width) -> None:
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(clean(text.replace("\n", " ")).split())


@given(st.floats(0, 1e12))
def test_a_time_fits_its_column(milliseconds) -> None:
    assert len(time_text(min(milliseconds, 3.5e9))) <= TIME


@given(st.integers(0, 10**15))
def test_a_count_fits_its_column(number) -> None:
    assert len(count_text(number)) <= COUNT


@given(st.floats(0, 1e6))
def test_money_fits_its_column(dollars) -> None:
    assert len(money_text(dollars)) <= MONEY


@given(st.integers(1, 300), st.booleans())
def test_the_tree_s_columns_add_up_to_its_width(width, cost) -> None:
    at = columns(width, cost=cost)
    assert at.text + at.bars + at.time + at.tokens + at.cost == width
    assert at.text >= min(width, 26)


def test_figures_are_read_at_a_glance() -> None:
    assert [time_text(ms) for ms in (0.42, 12.3, 3200, 125_000, 3_720_000)] == [
        "0.4 ms",
        "12 ms",
        "3.20 s",
        "2m 05s",
        "1h 02m",
    ]
    assert [count_text(n) for n in (0, 12, 9404, 123_456, 1_234_567)] == ["", "12", "9,404", "123k", "1.2M"]
    assert [money_text(d) for d in (None, 0, 0.00001, 0.0123, 12.345)] == ["", "", "<$.0001", "$0.0123", "$12.35"]
