"""Where doc comments name a function's parameters: `---@param topic string`, `@param {string} topic`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmspell_lsp.syntax.nodes import Function, Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.scope import Binding


def said_of(binding: Binding) -> list[Span]:
    """The places where the comment above a function names one of its parameters."""
    function, place = binding.declaration, binding.placed
    if not isinstance(function, Function) or binding.parameter is None or not function.doc:
        return []
    named = re.compile(rf"@param\s+(?:\{{[^}}]*\}}\s*)?\[?({re.escape(binding.name)})(?![\w$])")
    found: list[Span] = []
    for row in range(function.span.line - 1, -1, -1):
        line = place.chunk.lines[row]
        if not line.strip().startswith(("--", "/*", "*", "//")):
            break
        match = named.search(line)
        if match is not None:
            found.append(Span(place.start + row, match.start(1), place.start + row, match.end(1)))
    return found
