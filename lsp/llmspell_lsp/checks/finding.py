"""One diagnostic as a plain value, with what would mend it. Knows no protocol: severities are words, places are spans
in code points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from llmspell.settings.lint import Severity
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.syntax.nodes import Span


@dataclass(slots=True, frozen=True)
class Related:
    """Another place that explains a finding. uri: "" for the same document."""

    span: Span
    message: str
    uri: str = ""


@dataclass(slots=True, frozen=True)
class Edit:
    """A text in the place of another, in the finding's document."""

    span: Span
    text: str


@dataclass(slots=True, frozen=True)
class Fix:
    """What mends a finding, as a menu names it. preferred: it is what nearly everybody wants."""

    title: str
    edits: tuple[Edit, ...]
    preferred: bool = True


@dataclass(slots=True, frozen=True)
class Finding:
    """span: lines of the document, not of a chunk. data: plain JSON that the client hands back with a question."""

    span: Span
    code: str
    message: str
    severity: Severity = "error"
    tags: tuple[Literal["unnecessary", "deprecated"], ...] = ()
    related: tuple[Related, ...] = ()
    data: Any = field(default=None, compare=False)
    fixes: tuple[Fix, ...] = field(default=(), compare=False)

    def spans(self) -> Iterator[Span]:
        """Every place of the document that it speaks of."""
        yield self.span
        yield from (related.span for related in self.related if not related.uri)
        yield from (edit.span for fix in self.fixes for edit in fix.edits)


def moved(finding: Finding, lines: int) -> Finding:
    """The same some lines further down."""
    if not lines:
        return finding
    return replace(
        finding,
        span=absolute(lines, finding.span),
        related=tuple(each if each.uri else replace(each, span=absolute(lines, each.span)) for each in finding.related),
        fixes=tuple(
            replace(fix, edits=tuple(Edit(absolute(lines, edit.span), edit.text) for edit in fix.edits))
            for fix in finding.fixes
        ),
    )
