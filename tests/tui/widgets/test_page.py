"""A page folds by entry, keeps folds by path, and says what it leaves out."""

from __future__ import annotations

from llmspell_tui.widgets.page import Page


def shown(page: Page, folded: dict[str, bool] | None = None, width: int = 60) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for _, line in page.layout(width, folded or {})]


def test_a_json_value_is_a_tree_whose_deep_parts_are_folded() -> None:
    page = Page().heading("Answer").value("reply", {"a": 1, "b": {"c": {"d": [1, 2]}}})
    assert shown(page) == [
        "▾ Answer",
        "  ▾ reply  {a, b}",
        "      a  1",
        "    ▾ b  {c}",
        "      ▸ c  {d}",
    ]


def test_folds_made_by_hand_win_and_hold_for_a_page_of_the_same_shape() -> None:
    by_hand = {"reply": True, "Answer": False}
    for value in ({"a": 1}, {"a": 2}):
        assert shown(Page().heading("Answer").value("reply", value), by_hand) == ["▾ Answer", "  ▸ reply  {a}"]


def test_long_texts_wrap_below_their_name() -> None:
    page = Page().value("text", "one two three four five six seven eight nine ten eleven twelve thirteen")
    lines = shown(page, width=30)
    assert lines[0] == "  ▾ text"
    assert all(len(line) <= 30 for line in lines) and len(lines) > 3


def test_a_text_of_more_than_a_screen_is_folded_to_its_beginning() -> None:
    page = Page().value("short", "word " * 30).value("long", "word " * 300).value("lines", "a\n" * 30)
    lines = shown(page, width=40)
    assert lines[0] == "  ▾ short" and lines[-1] == "  ▸ lines  60 characters  a↵a↵a↵a↵a↵a↵…"
    assert lines[-2] == "  ▸ long  1,500 characters  word word…"
    assert len(shown(page, {"long": False}, width=40)) > 40


def test_what_was_said_in_json_is_what_it_holds() -> None:
    said = Page().said('{"rows": [1], "town": "Kiel"}').said("[not json").said("[7]", path="3")
    assert shown(said) == ["  ▾ rows  [1]", "      0  1", "  town  Kiel", "  [not json", "  0  7"]
    assert said.entries[-1].path == "3.0"


def test_what_is_copied_is_the_entry_with_all_that_lies_in_it() -> None:
    page = Page().heading("User").text("What is rain?").heading("Next")
    assert page.plain(0) == "User  \n  What is rain?"


def test_a_huge_value_says_how_much_of_it_is_not_shown() -> None:
    page = Page().value("rows", list(range(30_000)))
    assert "more, not shown" in "".join(text for text, _ in page.entries[-1].pieces)
    assert len(page.entries) <= 20_001


def test_the_entry_around_another_is_found() -> None:
    page = Page().heading("A").value("x", {"y": 1})
    assert [page.around(number) for number in range(3)] == [0, 0, 1]
