"""Declarations of a document that nothing reads. What a chunk reads of its own is kept with it."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, cast

from llmspell_lsp.analysis.bindings import Kind, Local, bindings
from llmspell_lsp.analysis.scope import Analysis, Binding

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunk

_QUIET: Final = frozenset[Kind](["parameter", "self", "catch", "loop", "global"])


def unread(analysis: Analysis) -> list[Binding]:
    """In the order of the file, of chunks that could be read whole; parameters and names with "_" apart."""
    exported = _exported(analysis)
    found: list[Binding] = []
    for index, place in enumerate(analysis.placed):
        for local in _within(place.chunk):
            if local.scope.parent is None and (local.name in exported or _is_read(analysis, index, local)):
                continue
            found.append(Binding(local, place))
    return found


def _within(chunk: Chunk) -> list[Local]:
    """Declarations of a chunk that nothing in it reads."""
    known = chunk.facts.get(_within)
    if known is None:
        known = chunk.facts[_within] = [
            local
            for local in bindings(chunk).locals
            if local.kind not in _QUIET
            and not local.name.startswith("_")
            and local.node is not None
            and all(use.write for use in local.uses)
            and not chunk.broken
        ]
    return cast("list[Local]", known)


def _is_read(analysis: Analysis, index: int, local: Local) -> bool:
    """Whether another chunk reads an outermost declaration."""
    users = analysis.outer.used.get(local.name, ())
    # In Lua those below it, as far as the next declaration of the name; in JavaScript all or none.
    for other in users[bisect_right(users, index) if analysis.language == "lua" else 0 :]:
        if analysis.outermost(local.name, other) != (index, local):
            return False
        uses = bindings(analysis.placed[other].chunk).free[local.name]
        if any(not use.write for use in uses):
            return True
    return False


def _exported(analysis: Analysis) -> set[str]:
    found: set[str] = set()
    for place in analysis.apart():
        for export in bindings(place.chunk).exports:
            if export.declaration is not None:
                found |= {target.name for target in export.declaration.targets}
            found |= {name.text for name, _ in export.names}
    return found
