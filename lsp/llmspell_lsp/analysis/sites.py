"""Where in a project's sources something stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmspell_lsp.syntax.nodes import Node, Span

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Placed


class Site(NamedTuple):
    """A node of a file, in a chunk that is placed at a line of it."""

    uri: str
    placed: Placed
    node: Node

    @property
    def span(self) -> Span:
        """In lines of the file."""
        return absolute(self.placed.start, self.node.span)


def absolute(start: int, span: Span) -> Span:
    """A chunk's own span in lines of the file, for a chunk that begins at a line."""
    return Span(span.line + start, span.column, span.end_line + start, span.end_column)
