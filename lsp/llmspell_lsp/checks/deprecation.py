"""Names that the registry calls deprecated. What is deprecated says so, and what to use, where it is described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from llmspell.api.names import snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import found
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.syntax.nodes import Member, Name, Span, Table

if TYPE_CHECKING:
    from llmspell_lsp.analysis.vocabulary import Vocabulary


def deprecated(view: View) -> Iterator[Finding]:
    if not _there(view.infer.words):
        return
    for node in view.nodes(Member):
        there = view.infer.member(view.infer.type_of(view.placed, node.object), node.name)
        if there is not None:
            yield from _told(node.name, there.described, absolute(view.placed.start, node.name_span))
    for node in view.nodes(Name):
        there = view.infer.global_name(node.text)
        if there is not None and view.infer.analysis.resolve(view.placed, node) is None:
            yield from _told(node.text, there.described, absolute(view.placed.start, node.span))
    for place in view.places:
        if isinstance(place.node, Table):
            known = expect.keys(place.wanted, place.node)
            for entry in place.node.entries:
                if entry.key is not None and entry.key_span is not None and snake(entry.key) in known:
                    yield from _told(entry.key, known[snake(entry.key)], absolute(view.placed.start, entry.key_span))


@cache
def _there(words: Vocabulary) -> bool:
    """Whether the registry has anything deprecated."""
    rest: list[Any] = [words.registry.described, *words.registry.classes.values()]
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            if part.get("deprecated"):
                return True
            rest += part.values()
        elif isinstance(part, list):
            rest += part
    return False


def _told(name: str, described: Mapping[str, Any] | None, span: Span) -> Iterator[Finding]:
    said = described.get("deprecated") if described is not None else None
    if said:
        instead = f": {said}" if isinstance(said, str) else ""
        yield found("deprecated", span, f"{name!r} is deprecated{instead}", tags=("deprecated",))


FAMILY = by_chunk(deprecated)
