"""Spans by their place in the structure of a run: what lets folds and cursors outlive a reload.

A step of a path is `kind name` and which sibling of that kind and name it is, so that a new run of a changed spell
finds most of the old one's spans again whatever their numbers.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from llmspell.frozen import frozen

if TYPE_CHECKING:
    from llmspell_tui.model.columns import SpanColumns

Path = tuple[str, ...]


@frozen
class Folds:
    """depth: spans this deep and deeper come folded; None: none do. others: those of which the opposite is true."""

    depth: int | None = None
    others: frozenset[Path] = frozenset()


class Waiting:
    """Paths that spans still to come may have."""

    def __init__(self, folds: Folds) -> None:
        self._tree: _Step = _Step()
        self._unmet = {*folds.others}
        for path in folds.others:
            step = self._tree
            for name in path:
                step = step.inner.setdefault(name, _Step())
            step.wanted = path
        self._at: dict[int, tuple[_Step, Counter[str]]] = {0: (self._tree, Counter())} if self._tree.inner else {}

    def __bool__(self) -> bool:
        return bool(self._at)

    def wants(self, node: int, parent: int, word: str) -> bool:
        """Whether this new span is at one of the paths. word: `kind name`. Called for each span, in order."""
        found = self._at.get(parent)
        if found is None:
            return False
        step, counts = found
        counts[word] += 1
        inner = step.inner.get(f"{word} {counts[word]}")
        if inner is None:
            return False
        if inner.inner:
            self._at[node] = inner, Counter()
        self._unmet.discard(inner.wanted)
        return bool(inner.wanted)

    def unmet(self) -> set[Path]:
        """Paths that no span has had."""
        return self._unmet


class _Step:
    __slots__ = ("inner", "wanted")

    def __init__(self) -> None:
        self.inner: dict[str, _Step] = {}
        self.wanted: Path = ()


def path_of(spans: SpanColumns, i: int) -> Path:
    """From the run's outermost span inwards."""
    steps: list[str] = []
    node = i + 1
    while node:
        above = spans.outline.parent[node]
        word = spans.word(node - 1)
        count = 0
        for sibling in spans.outline.children(above):
            count += spans.word(sibling - 1) == word
            if sibling == node:
                break
        steps.append(f"{word} {count}")
        node = above
    return tuple(reversed(steps))


def find(spans: SpanColumns, path: Path) -> int | None:
    """The span at a path, or None."""
    node = 0
    for step in path:
        word, _, nth = step.rpartition(" ")
        count = int(nth) if nth.isdecimal() else 0
        for child in spans.outline.children(node):
            count -= spans.word(child - 1) == word
            if not count:
                node = child
                break
        else:
            return None
    return node - 1 if node else None
