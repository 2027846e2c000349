"""Which built-in tool a call is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_lsp.analysis import tools
from llmspell_lsp.syntax.nodes import Call

if TYPE_CHECKING:
    from llmspell_lsp.checks.chunked import View


def executed(view: View, call: Call) -> str | None:
    """The class of built-in tool whose work a call does."""
    method = tools.execution(view.infer, view.placed, call)
    return tools.tool_of(view.infer.words, method.receiver) if method is not None else None
