"""The bracket that a JavaScript text leaves open, or closes without having opened it.

For what QuickJS cannot say, whose own bracket around the text takes the blame. Reads tokens, not the tree.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from llmspell_lsp.syntax.chunks import Chunks
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.syntax.tokens import tokens

_OPENS: Final = {")": "(", "]": "[", "}": "{"}


class Unmatched(NamedTuple):
    span: Span
    bracket: str

    @property
    def closes(self) -> bool:
        return self.bracket in _OPENS

    @property
    def words(self) -> str:
        return f"{self.bracket!r} closes nothing" if self.closes else f"{self.bracket!r} is never closed"


def unmatched(chunks: Chunks) -> Unmatched | None:
    """The first bracket that closes nothing, else the last of those that are never closed."""
    waiting: list[Unmatched] = []
    for line, skeleton in enumerate(chunks.skeletons):
        if not skeleton.brackets:  # those that it has close each other
            continue
        for token in tokens(chunks.lines[line], skeleton.enter, chunks.language):
            if token.kind != "mark" or token.text not in "()[]{}":
                continue
            here = Unmatched(Span(line, token.column, line, token.end), token.text)
            if token.text not in _OPENS:
                waiting.append(here)
            elif waiting and waiting[-1].bracket == _OPENS[token.text]:
                waiting.pop()
            else:
                return here
    return waiting[-1] if waiting else None
