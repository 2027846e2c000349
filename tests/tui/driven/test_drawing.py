"""The picture of a terminal: every sign in its place, in its colour, and nothing fetched."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.tui.driven.drawing import HIGH, WIDE, svg

SVG = "{http://www.w3.org/2000/svg}"


def drawn(captured: str) -> tuple[list[dict[str, str]], list[tuple[str, dict[str, str]]]]:
    """The rectangles and the letters of the pane."""
    (pane,) = ElementTree.fromstring(svg(captured, (12, 3), "a <title>")).iter(f"{SVG}g")
    return [each.attrib for each in pane.iter(f"{SVG}rect")], [
        (each.text or "", each.attrib) for each in pane.iter(f"{SVG}text")
    ]


def test_letters_stand_in_their_columns_and_keep_their_look_over_lines() -> None:
    _, letters = drawn("\x1b[38;2;1;2;3m\x1b[1mtwo words  ✓\n\x1b[0m   <&>")
    cells = [(text, round(float(at["x"]) / WIDE, 3), round(float(at["textLength"]) / WIDE, 3)) for text, at in letters]
    assert cells == [("two words", 0, 9), ("✓", 11, 1), ("<&>", 3, 3)]
    assert [at["fill"] for _, at in letters] == ["#010203", "#010203", "#e8eaed"]
    assert [at.get("font-weight") for _, at in letters] == ["bold", "bold", None]
    (_, look), *_ = drawn("\x1b[38;2;1;2;3ma\nb")[1][1:]
    assert look["fill"] == "#010203" and float(look["y"]) > HIGH


def test_bars_are_shapes_that_touch_and_grounds_fill_their_cells() -> None:
    shapes, letters = drawn("\x1b[38;2;1;2;3m\x1b[48;2;9;9;9m██▌ \n\x1b[7m █")
    assert not letters
    assert [(shape["fill"], float(shape["x"]), float(shape["width"])) for shape in shapes] == [
        ("#090909", 0, 4 * WIDE),
        ("#010203", 0, 2 * WIDE),  # reversed, on the next line
        ("#010203", 0, WIDE),
        ("#010203", WIDE, WIDE),
        ("#010203", 2 * WIDE, WIDE / 2),
        ("#090909", WIDE, WIDE),
    ]
