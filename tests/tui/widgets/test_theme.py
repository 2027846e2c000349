"""Every colour is legible wherever it may stand, and a sign stands beside each."""

from __future__ import annotations

import pytest

from llmspell_tui.theme import CONTRAST, KINDS, LETTERS, MARKS, STATUS_ROLES, contrast, palette, roles


@pytest.mark.parametrize("mode", ["dark", "light"])
@pytest.mark.parametrize("ground", ["plain", "bar", "cursor", "faded"])
@pytest.mark.parametrize("role", roles())
def test_text_is_legible_on_every_ground(mode, ground, role) -> None:
    style = palette(mode).style(role, ground)
    assert style.color is not None and style.bgcolor is not None
    assert contrast(style.color.name, style.bgcolor.name) >= CONTRAST


@pytest.mark.parametrize("role", roles())
def test_without_colours_no_style_names_one(role) -> None:
    for ground in ("plain", "bar", "cursor", "faded"):
        style = palette("plain").style(role, ground)
        assert style.color is None and style.bgcolor is None


def test_the_cursor_is_seen_without_colours() -> None:
    plain, cursor, faded = (palette("plain").style("text", ground) for ground in ("plain", "cursor", "faded"))
    assert cursor.reverse and not plain.reverse and faded != plain


def test_each_colour_of_a_kind_has_a_letter_of_its_own_and_each_status_a_mark() -> None:
    assert KINDS.keys() == LETTERS.keys()
    assert len({*LETTERS.values()}) == len(LETTERS)
    assert STATUS_ROLES.keys() <= MARKS.keys()


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
