"""What inference keeps of a chunk from version to version. Knows not how it is worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmspell_lsp.analysis.bindings import Local
    from llmspell_lsp.analysis.steps import Flow
    from llmspell_lsp.analysis.types import Type
    from llmspell_lsp.syntax.nodes import Expression


class Known:
    """Good while what the chunk depends on has this number (`reach`), and no chunk has moved (`Chunks.layout`): types
    hold places."""

    __slots__ = ("bindings", "flows", "number", "types")

    def __init__(self, number: int) -> None:
        self.number = number
        self.types: dict[Expression, Type] = {}
        self.bindings: dict[Local, Type] = {}
        self.flows: list[Flow] | None = None
        """The workflows that it makes."""
