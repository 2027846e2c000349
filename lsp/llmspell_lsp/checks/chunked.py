"""Checks that look at one chunk at a time, and are asked again only where something that the chunk sees has changed.

A check of a chunk may follow names into other chunks, so what it found is good as long as the chunk, and all chunks
that its names lead to, are the same objects. Chunks that the grammar could not read whole are left alone: their trees
are guesses. Knows no code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from llmspell_lsp.analysis.bindings import bindings
from llmspell_lsp.checks.finding import Finding, moved
from llmspell_lsp.syntax.lookup import walk
from llmspell_lsp.syntax.nodes import Node

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.scope import Analysis
    from llmspell_lsp.checks.values import Place
    from llmspell_lsp.syntax.chunks import Chunk, Placed
    from llmspell_lsp.workspace.snapshot import Snapshot

Kind = TypeVar("Kind", bound=Node)
Family = Callable[["Snapshot"], Iterable[Finding]]


class View:
    """A chunk with the types of its document. Good for one version."""

    def __init__(self, snapshot: Snapshot, placed: Placed) -> None:
        self.snapshot = snapshot
        self.infer: Inference = snapshot.types
        self.placed = placed

    @property
    def lua(self) -> bool:
        return self.infer.language == "lua"

    def nodes(self, kind: type[Kind]) -> list[Kind]:
        """The chunk's nodes of a kind, in the order of the file."""
        by_kind = self.placed.chunk.facts.get("nodes")
        if not isinstance(by_kind, dict):
            by_kind = {}
            for node in walk(self.placed.chunk.tree.block):
                by_kind.setdefault(type(node), []).append(node)
            self.placed.chunk.facts["nodes"] = by_kind
        return by_kind.get(kind, [])

    @cached_property
    def places(self) -> list[Place]:
        """Every value that stands where the registry says what is wanted."""
        from llmspell_lsp.checks.values import places  # which reads views

        return list(places(self))


def views(snapshot: Snapshot) -> list[View]:
    """Each chunk that could be read."""
    kept = snapshot.document.facts.get(View)
    revision = snapshot.document.revision
    if isinstance(kept, tuple) and kept[0] == revision:
        return kept[1]
    made = [View(snapshot, placed) for placed in snapshot.chunks.placed if not placed.chunk.broken]
    snapshot.document.facts[View] = (revision, made)
    return made


def by_chunk(check: Callable[[View], Iterable[Finding]]) -> Family:
    """A family out of a check of one chunk."""

    def family(snapshot: Snapshot) -> Iterator[Finding]:
        if not snapshot.is_script:
            return
        reach = _reach(snapshot)
        for view in views(snapshot):
            start, chunk = view.placed.start, view.placed.chunk
            sees = reach[start]
            kept = chunk.facts.get(check)
            if isinstance(kept, tuple) and kept[0] == sees:
                for each in kept[1]:
                    yield moved(each, start)
                continue
            found = list(check(view))
            yield from found
            if all(start <= span.line < view.placed.end for each in found for span in each.spans()):
                chunk.facts[check] = (sees, [moved(each, -start) for each in found])

    family.__module__ = check.__module__
    return family


def _reach(snapshot: Snapshot) -> dict[int, tuple[object, ...]]:
    """For each chunk by its first line: what its findings depend on."""
    kept = snapshot.document.facts.get("reach")
    revision = snapshot.document.revision
    if isinstance(kept, tuple) and kept[0] == revision:
        return kept[1]
    made = _Reach(snapshot.analysis, snapshot.document.revision if snapshot.modules else 0).all()
    snapshot.document.facts["reach"] = (revision, made)
    return made


class _Reach:
    """Which chunks each chunk's names lead to, directly or through others."""

    def __init__(self, analysis: Analysis, world: object) -> None:
        self._placed = analysis.placed
        self._world = world
        top: dict[str, list[int]] = {}
        for index, place in enumerate(analysis.placed):
            here = bindings(place.chunk)
            names = {local.name for local in here.top.locals} | here.assigned.keys()
            names |= {growth.use.name.text for growth in here.grown if growth.use.local is None}
            for name in names:
                top.setdefault(name, []).append(index)
        self._next = [
            sorted({other for name in bindings(place.chunk).free for other in top.get(name, ())})
            for place in analysis.placed
        ]

    def all(self) -> dict[int, tuple[object, ...]]:
        return {place.start: self._from(index) for index, place in enumerate(self._placed)}

    def _from(self, index: int) -> tuple[object, ...]:
        seen = {index}
        rest = [index]
        while rest:
            for other in self._next[rest.pop()]:
                if other not in seen:
                    seen.add(other)
                    rest.append(other)
        chunks: list[Chunk] = [self._placed[each].chunk for each in sorted(seen)]
        return (self._world, *chunks)  # compared by identity

