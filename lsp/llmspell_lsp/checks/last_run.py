"""The error that ended the last run, at its line. It is gone when the line is another or a newer run succeeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmspell_lsp.checks.codes import found
from llmspell_lsp.checks.finding import Related
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.checks.finding import Finding
    from llmspell_lsp.workspace.snapshot import Snapshot


def check(snapshot: Snapshot) -> Iterator[Finding]:
    seen = snapshot.last_run
    failure = seen.run.failure if seen is not None else None
    if seen is None or failure is None:
        return
    place, inner = failure.place, True
    if failure.refused and place is not None and place.path == snapshot.path:
        return  # what the compiler says of the text as it is now, it says itself
    line = seen.line(place) if place is not None else None
    if line is None and place is not None and place.path != snapshot.path:
        # It failed in another file: here is the line that led there.
        inner = False
        line = next((here for each, _ in failure.stack if (here := seen.line(each)) is not None), None)
    if line is None:
        return
    message = f"last run: {failure.message}" + (f" ({failure.hint})" if failure.hint else "")
    related = [
        Related(_span(snapshot, here), what)
        for each, what in failure.stack[1 if inner else 0 :]
        if (here := seen.line(each)) is not None and here != line
    ]
    yield found("last-run-error", _span(snapshot, line), message, related=tuple(related))


def _span(snapshot: Snapshot, line: int) -> Span:
    """A line without the blanks before it."""
    text = snapshot.document.lines[line]
    return Span(line, len(text) - len(text.lstrip()), line, len(text.rstrip()) or len(text))
