"""Tokens and cost of spans with everything inside them. Knows the tree's parents and nothing else of spans."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence


class Figures:
    """By node of an outline; node 0 is the whole run. parent: the outline's. A cost that nobody knows is NaN. 16 bytes
    a node."""

    def __init__(self, parent: array[int], count: int = 0) -> None:
        self.parent = parent
        self.tokens = array("d", bytes(8 * (count + 1)))
        self.cost = array("d", [math.nan]) * (count + 1)

    def append(self) -> None:
        self.tokens.append(0.0)
        self.cost.append(math.nan)

    def extend(self, count: int) -> None:
        self.tokens.extend(array("d", bytes(8 * count)))
        self.cost.extend(array("d", [math.nan]) * count)

    def copied(self) -> Figures:
        found = Figures(self.parent)
        found.tokens, found.cost = self.tokens[:], self.cost[:]
        return found

    def pay(self, node: int, tokens: float, cost: float) -> None:
        """Count a span's own figures for itself and all around it."""
        parent, all_tokens, all_cost = self.parent, self.tokens, self.cost
        priced = cost == cost
        while True:
            all_tokens[node] += tokens
            if priced:
                known = all_cost[node]
                all_cost[node] = known + cost if known == known else cost
            if not node:
                return
            node = parent[node]

    def pay_piece(self, first: int, tokens: Sequence[float], cost: Sequence[float]) -> None:
        """The own figures of all nodes from `first` on, which have none yet."""
        parent, all_tokens, all_cost = self.parent, self.tokens, self.cost
        all_tokens.frombytes(packed("d", tokens))
        all_cost.frombytes(packed("d", cost))
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


def packed(kind: str, values: Sequence[float]) -> bytes:
    """As a column of this kind of array has them: 6 ns a value, where `array.extend` takes 10 to 23."""
    return struct.pack(f"{len(values)}{kind}", *values)
