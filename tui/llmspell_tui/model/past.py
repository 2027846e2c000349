"""The figures of a run as of a moment: walked to from the nearest moment whose figures are known, forward by what ended
since, back by what had not ended then. Knows no row and no event: a moment is how many spans were over.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Final

from llmspell_tui.model.figures import Figures

if TYPE_CHECKING:
    from llmspell_tui.model.columns import SpanColumns

#: `paying` -> whether there is a price.
_PRICED: Final = bytes(way == 3 for way in range(256))
#: Dollars that are nothing: what is left by rounding where costs were added and taken away again.
_NOTHING: Final = 1e-11


class Past:
    """done: how many of the spans' `end_order` are in the figures. 20 bytes a node; a step is 2 µs."""

    def __init__(self, spans: SpanColumns) -> None:
        self._spans = spans
        self._begin()

    def _begin(self) -> None:
        """As it was before anything was over."""
        self.done = 0
        self.figures = Figures(self._spans.outline.parent, len(self._spans))
        self._priced = array("I", bytes(4 * (len(self._spans) + 1)))  # spans with a price within, itself included

    def _end(self) -> None:
        """As it is with all that is over: 0.1 µs a span."""
        spans = self._spans
        self.done = len(spans.end_order)
        self.figures = spans.figures.copied()
        parent, priced = spans.outline.parent, array("I", [0])
        priced.extend(spans.paying.translate(_PRICED))
        for node in range(len(spans), 0, -1):
            if priced[node]:
                priced[parent[node]] += priced[node]
        self._priced = priced

    def append(self) -> None:
        """One more span, which is not over."""
        self.figures.append()
        self._priced.append(0)

    def extend(self, count: int) -> None:
        """So many more, none of which is over at the moment shown."""
        self.figures.extend(count)
        self._priced.extend(array("I", bytes(4 * count)))

    def go(self, done: int) -> None:
        """To the moment at which so many were over."""
        order = self._spans.end_order
        far = abs(done - self.done)
        if len(order) - done + len(self._spans) // 16 < min(far, done):
            self._end()
        elif done < far:
            self._begin()
        paying, paid = self._spans.paying, self._spans.paid
        for i in order[self.done : done]:
            if paying[i]:
                self._pay(i + 1, *paid(i))
        for i in order[done : self.done]:
            if paying[i]:
                self._take(i + 1, *paid(i))
        self.done = done

    def _pay(self, node: int, tokens: float, cost: float) -> None:
        self.figures.pay(node, tokens, cost)
        if cost == cost:
            parent, priced = self.figures.parent, self._priced
            while node:
                priced[node] += 1
                node = parent[node]
            priced[0] += 1

    def _take(self, node: int, tokens: float, cost: float) -> None:
        """What `_pay` did, undone."""
        figures, priced = self.figures, self._priced
        parent, all_tokens, all_cost = figures.parent, figures.tokens, figures.cost
        known = cost == cost
        while True:
            all_tokens[node] -= tokens
            if known:
                priced[node] -= 1
                left = all_cost[node] - cost
                all_cost[node] = (left if left > _NOTHING else 0.0) if priced[node] else math.nan
            if not node:
                return
            node = parent[node]
