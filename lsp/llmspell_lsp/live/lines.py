"""Which line of a text is which line of an older one. A line that has changed is none of the old ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LONGEST: Final = 600
"""Changed lines, of both texts, up to which those in between are matched; beyond it that would take more than 50 ms."""


class Lines:
    """From the lines of an older text to those of a newer one."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        shorter = min(len(old), len(new))
        head = 0
        while head < shorter and old[head] == new[head]:
            head += 1
        tail = 0
        while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
            tail += 1
        self._head = head
        self._tail = len(old) - tail
        self._total = len(old)
        self._shift = len(new) - len(old)
        self._between: dict[int, int] = {}
        before, after = old[head : self._tail], new[head : len(new) - tail]
        if before and after and len(before) + len(after) <= LONGEST:
            from difflib import SequenceMatcher  # 4 ms, once a text differs from the one that was run

            for a, b, size in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
                self._between.update((head + a + step, head + b + step) for step in range(size))

    def now(self, line: int) -> int | None:
        """Where a line of the older text is; None: it is gone, or another now."""
        if not 0 <= line < self._total:
            return None
        if line < self._head:
            return line
        return line + self._shift if line >= self._tail else self._between.get(line)
