"""What a selection grows to, step by step: the word, the text or name, the argument, the call, the statement, the
block, the function, the file. Knows shapes, not meanings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from llmspell.api.references import braces
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.syntax import nodes as n
from llmspell_lsp.syntax.lookup import path
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.syntax.texts import place

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Placed
    from llmspell_lsp.workspace.snapshot import Snapshot

_WORD: Final = re.compile(r"[\w$]+")
#: Characters of a text that is looked through for references.
_LONGEST_TEXT: Final = 50_000


def selection(snapshot: Snapshot, line: int, column: int) -> list[Span]:
    """The spans around a place, innermost first, each within the next; the last is the whole document."""
    lines = snapshot.document.lines
    placed = snapshot.chunks.at(line)
    here = (line, column)
    found = {span for span in _spans(placed, line - placed.start, column) if span[:2] <= here <= span[2:]}
    kept: list[Span] = [Span(0, 0, len(lines) - 1, len(lines[-1]))]
    for span in sorted(found, key=lambda each: (each[:2], [-each[2], -each[3]])):
        outer = kept[-1]
        if span != outer and outer[:2] <= span[:2] and span[2:] <= outer[2:]:
            kept.append(span)
    word = _word(lines[line], line, column) or Span(line, column, line, column)
    if word != kept[-1] and kept[-1][:2] <= word[:2] and word[2:] <= kept[-1][2:]:
        kept.append(word)
    kept.reverse()
    return kept


def _word(text: str, line: int, column: int) -> Span | None:
    start = max(column - 200, 0)
    for found in _WORD.finditer(text, start, column + 200):
        if found.start() <= column <= found.end():
            return Span(line, found.start(), line, found.end())
    return None


def _spans(placed: Placed, line: int, column: int) -> Iterator[Span]:
    chunk = placed.chunk
    text = chunk.lines
    if text:
        yield absolute(placed.start, Span(0, 0, len(text) - 1, len(text[-1])))
    for comment in chunk.tree.comments:
        if comment.span.holds(line, column):
            yield absolute(placed.start, comment.span)
    for node in path(chunk.tree.block, line, column):
        yield absolute(placed.start, node.span)
        for span in _within(node):
            yield absolute(placed.start, span)


def _within(node: n.Node) -> Iterator[Span]:
    """Parts of a node that are no nodes."""
    match node:
        case n.Call():
            yield from _bracketed(node.arguments_span)
            if node.arguments:
                yield _from_to(node.arguments[0].span, node.arguments[-1].span)
        case n.Table():
            yield from _bracketed(node.span)
            if node.entries:
                yield _from_to(node.entries[0].span, node.entries[-1].span)
        case n.Text():
            yield node.content
            if "{{" in node.raw and len(node.raw) <= _LONGEST_TEXT:
                for start, end in braces(node.raw):
                    yield Span(*place(node, start), *place(node, end))
        case n.Member():
            yield node.name_span
        case n.Entry() if node.key_span is not None:
            yield node.key_span
        case n.Block() if node.statements:
            yield _from_to(node.statements[0].span, node.statements[-1].span)
        case _:
            return


def _bracketed(span: Span) -> Iterator[Span]:
    """A pair of brackets, and what is between them."""
    yield span
    if span[:2] < (span.end_line, span.end_column - 1):
        yield Span(span.line, span.column + 1, span.end_line, span.end_column - 1)


def _from_to(first: Span, last: Span) -> Span:
    return Span(*first[:2], *last[2:])
