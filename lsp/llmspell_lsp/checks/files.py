"""What is wrong in `llmspell.toml` and `replies.json`, in the words in which a run would refuse them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmspell_lsp.checks.codes import found, instead
from llmspell_lsp.formats.of import format_of

if TYPE_CHECKING:
    from llmspell_lsp.checks.finding import Finding
    from llmspell_lsp.workspace.snapshot import Snapshot

_CODES = {"toml": "settings", "json": "replies"}


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Of a document that is one of them."""
    known = format_of(snapshot.document)
    if known is None:
        return
    code = _CODES[snapshot.document.language]
    for each in known.problems(snapshot.document.lines):
        fixes = [instead(each.span, each.instead)] if each.instead else []
        yield found(code, each.span, each.message, *fixes)
