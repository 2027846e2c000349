"""The span table once more, as plainly as can be: everything is counted anew for each question."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from llmspell.events.event import Event
from llmspell.traces.spans import span_kind, usage_of


@dataclass
class Node:
    number: int
    parent: Node | None
    kind: str
    name: str
    first: int
    started: float
    last: int = 0
    ended: float | None = None
    status: str = "running"
    error: str = ""
    tokens: int = 0
    cost: float | None = None
    folded: bool = False
    children: list[Node] = field(default_factory=list)

    @property
    def depth(self) -> int:
        return 0 if self.parent is None else self.parent.depth + 1


class Naive:
    """Spans in the order in which they began; `show` says which of them a filter finds."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.roots: list[Node] = []
        self.seq = 0
        self.moment: int | None = None
        self.fold_depth: int | None = None
        self.show = None

    def by_number(self, number: int) -> Node | None:
        return next((node for node in self.nodes if node.number == number), None)

    def add(self, event: Event) -> None:
        if (
            event.seq <= self.seq
            or abs(event.time) == float("inf")
            or event.time != event.time
            or event.seq > 2**31 - 2
        ):
            return
        if not 0 < event.span <= 2**31 - 2:
            return
        self.seq = event.seq
        node = self.by_number(event.span)
        if event.phase == "start" and node is None:
            parent = self.by_number(event.parent)
            node = Node(event.span, parent, span_kind(event.kind), event.name, event.seq, event.time)
            node.folded = self.fold_depth is not None and node.depth >= self.fold_depth
            (self.roots if parent is None else parent.children).append(node)
            self.nodes.append(node)
        elif event.phase == "end" and node is not None and not node.last:
            node.last, node.ended = event.seq, event.time
            error = event.data.get("error")
            node.error = error or ""
            node.status = event.data.get("status") or ("error" if error else "ok")
            node.name = node.name or event.name
            if node.kind in ("llm_call", "tool"):
                inputs, outputs, node.cost = usage_of(event.data)
                node.tokens = inputs + outputs

    def over(self, node: Node) -> bool:
        return bool(node.last) and (self.moment is None or node.last <= self.moment)

    def present(self, node: Node) -> bool:
        if self.moment is not None and node.first > self.moment:
            return False
        return self.show is None or self.show(node) or any(map(self.present, node.children))

    def rows(self) -> list[Node]:
        return [row for root in self.roots for row in self._rows(root)]

    def _rows(self, node: Node) -> list[Node]:
        if not self.present(node):
            return []
        return [node, *([] if node.folded else [row for child in node.children for row in self._rows(child)])]

    def within(self, node: Node) -> list[Node]:
        return [node, *(inner for child in node.children for inner in self.within(child))]

    def tokens(self, node: Node) -> int:
        return sum(each.tokens for each in self.within(node) if self.over(each))

    def cost(self, node: Node, *, always: bool = False) -> float | None:
        known = [each.cost for each in self.within(node) if each.cost is not None and (always or self.over(each))]
        return sum(known) if known else None

    def path(self, node: Node) -> tuple[str, ...]:
        around = self.roots if node.parent is None else node.parent.children
        before = around[: around.index(node) + 1]
        alike = [each for each in before if (each.kind, each.name) == (node.kind, node.name)]
        step = f"{node.kind} {node.name} {len(alike)}"
        return (*(() if node.parent is None else self.path(node.parent)), step)


@pytest.fixture(scope="session")
def naive() -> type[Naive]:
    return Naive
