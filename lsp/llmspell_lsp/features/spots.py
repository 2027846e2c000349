"""Where a document writes a name as a member, a key or a pattern's key. Gathered once a chunk, found by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmspell_lsp.syntax.lookup import walk
from llmspell_lsp.syntax.nodes import ClassMember, Entry, Member, Target

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Chunk, Placed

Spot = Member | Entry | ClassMember | Target


def spots(infer: Inference, *names: str) -> Iterator[tuple[Placed, Spot]]:
    """Each place of one of the names, in the order of the file for each."""
    for place in infer.analysis.placed:
        known = _of(place.chunk)
        for name in dict.fromkeys(names):
            for node in known.get(name, ()):
                yield place, node


def _of(chunk: Chunk) -> dict[str, list[Spot]]:
    known = chunk.facts.get(_Spots)
    if not isinstance(known, _Spots):
        known = chunk.facts[_Spots] = _Spots(chunk)
    return known.by_name


class _Spots:
    def __init__(self, chunk: Chunk) -> None:
        self.by_name: dict[str, list[Spot]] = {}
        for node in walk(chunk.tree.block):
            match node:
                case Member(name=name) | ClassMember(name=name):
                    self.by_name.setdefault(name, []).append(node)
                case Entry(key=str(name), key_span=span) if span is not None:
                    self.by_name.setdefault(name, []).append(node)
                case Target(path=(*_, str(name))):
                    self.by_name.setdefault(name, []).append(node)
                case _:
                    pass
