"""Tokens and cost of spans with everything inside them. Knows the tree's parents and nothing else of spans."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable


class Figures:
    """By node of an outline; node 0 is the whole run. A cost that nobody knows is NaN. 16 bytes a node."""

    def __init__(self, parent: array[int], count: int = 0) -> None:
        self._parent = parent
        self.tokens = array("d", bytes(8 * (count + 1)))
        self.cost = array("d", [math.nan]) * (count + 1)

    def append(self) -> None:
        self.tokens.append(0.0)
        self.cost.append(math.nan)

    def pay(self, node: int, tokens: float, cost: float) -> None:
        """Count a span's own figures for itself and all around it."""
        parent, all_tokens, all_cost = self._parent, self.tokens, self.cost
        priced = cost == cost
        while True:
            all_tokens[node] += tokens
            if priced:
                known = all_cost[node]
                all_cost[node] = known + cost if known == known else cost
            if not node:
                return
            node = parent[node]

    def pay_piece(self, first: int, tokens: Iterable[float], cost: Iterable[float]) -> None:
        """The own figures of all nodes from `first` on, which have none yet."""
        parent, all_tokens, all_cost = self._parent, self.tokens, self.cost
        all_tokens.extend(tokens)
        all_cost.extend(cost)
        above: dict[int, tuple[float, float]] = {}
        for node in range(len(all_tokens) - 1, first - 1, -1):
            paid, price = all_tokens[node], all_cost[node]
            if not paid and price != price:
                continue
            outer = parent[node]
            if outer >= first:
                all_tokens[outer] += paid
                if price == price:
                    known = all_cost[outer]
                    all_cost[outer] = known + price if known == known else price
            else:
                before = above.get(outer, (0.0, math.nan))
                above[outer] = before[0] + paid, _sum(before[1], price)
        for node, (paid, price) in above.items():
            self.pay(node, paid, price)


def _sum(one: float, other: float) -> float:
    return other if one != one else one if other != other else one + other
