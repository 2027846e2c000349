"""Completion, hover and outline of the files beside spells. Knows no protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmspell_lsp.features import paths
from llmspell_lsp.features.candidates import WANTED, Candidate, CandidateKind, Completion
from llmspell_lsp.features.hover import Hover
from llmspell_lsp.formats.of import format_of

if TYPE_CHECKING:
    from llmspell_lsp.formats.values import Part
    from llmspell_lsp.workspace.snapshot import Snapshot

_KINDS: Final[dict[str, CandidateKind]] = {"section": "namespace", "key": "property", "value": "value"}


def complete(snapshot: Snapshot, line: int, column: int) -> Completion | None:
    if snapshot.document.language == "toml":
        from llmspell_lsp.formats.settings_help import path_before

        typed = path_before(snapshot.document.lines, line, column)
        if typed is not None:
            return paths.complete(snapshot, typed, line, column)
    known = format_of(snapshot.document)
    found = known.complete(snapshot.document.lines, line, column) if known is not None else None
    if found is None:
        return None
    return Completion(
        found.span,
        [
            Candidate(
                each.label,
                _KINDS[each.kind],
                each.detail,
                f"text {each.doc}" if each.doc else "",
                each.insert,
                WANTED,
                rank=rank,
                plain=each.insert.replace("$0", ""),
            )
            for rank, each in enumerate(found.offers)
        ],
    )


def hover(snapshot: Snapshot, line: int, column: int) -> Hover | None:
    known = format_of(snapshot.document)
    found = known.hover(snapshot.document.lines, line, column) if known is not None else None
    return None if found is None else Hover(found.span, found.markdown)


def outline(snapshot: Snapshot) -> tuple[Part, ...]:
    known = format_of(snapshot.document)
    return known.outline(snapshot.document.lines) if known is not None else ()
