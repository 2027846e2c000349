"""The documentation of a candidate, when a person looks at it. Knows no protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_lsp.features.candidates import BLOCKS
from llmspell_lsp.features.hover import described

if TYPE_CHECKING:
    from llmspell_lsp.analysis.vocabulary import Language


def documented(language: Language, about: str) -> str:
    """The Markdown of what `Candidate.about` says; "" for nothing."""
    kind, _, rest = about.partition(" ")
    return rest if kind == "text" else described(language, about) if about else ""


def of_block(number: int, index: int) -> str:
    """The Markdown of a candidate of a block; "" for nothing, and for a block that there is not."""
    if not (0 <= number < len(BLOCKS) and 0 <= index < len(BLOCKS[number].candidates)):
        return ""
    block = BLOCKS[number]
    return documented(block.language, block.candidates[index].about)
