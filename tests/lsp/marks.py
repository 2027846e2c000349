"""Marks in the texts of tests: ▮ is the cursor, or stands on both sides of a place."""

from __future__ import annotations

MARK = "▮"


def cursor(marked: str) -> tuple[str, int, int]:
    """The text without its mark, and where that was; at the beginning where there is none."""
    before, mark, after = marked.partition(MARK)
    if not mark:
        return marked, 0, 0
    return before + after, before.count("\n"), len(before) - before.rfind("\n") - 1


def between(marked: str) -> tuple[str, tuple[int, int, int, int]]:
    """The text without its two marks, and the place between them."""
    before, inner, after = marked.split(MARK)
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    last = len(inner) - inner.rfind("\n") - 1 if "\n" in inner else column + len(inner)
    return before + inner + after, (line, column, line + inner.count("\n"), last)
