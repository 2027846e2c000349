"""What stands above lines: run and debug, what the last run took, each step's part of it. Knows no protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from llmspell_lsp.features.last_values import steps
from llmspell_lsp.live import figures

if TYPE_CHECKING:
    from llmspell_lsp.live.run import LastRun
    from llmspell_lsp.workspace.snapshot import Snapshot

Act = Literal["", "run", "debug", "trace"]

_ENDS: Final = {
    "error": "failed after",
    "limit": "was stopped after",
    "cancelled": "cancelled after",
    "lost": "was lost after",
}


@dataclass(slots=True, frozen=True)
class Lens:
    """act: what a click does, "" for nothing; subject: the file that is done with: a spell, or a stored run."""

    line: int
    text: str
    act: Act = ""
    subject: str = ""


def lenses(snapshot: Snapshot) -> list[Lens]:
    """Of a script."""
    found: list[Lens] = []
    if snapshot.path is not None and not _is_module(snapshot):
        found += [Lens(0, "▶ Run", "run", snapshot.path), Lens(0, "Debug", "debug", snapshot.path)]
    seen = snapshot.last_run
    if seen is None:
        return found
    if seen.is_own:
        found.append(Lens(0, _last_run(seen.run), "trace", seen.run.file))
    for span, step in steps(snapshot):
        parts = [figures.share(step.share), figures.duration(step.gave.duration)]
        if step.gave.tokens:
            parts.append(figures.tokens(step.gave.tokens))
        if step.gave.cost:
            parts.append(figures.cost(step.gave.cost))
        if step.gave.times > 1:
            parts.append(f"{step.gave.times} times")
        if step.gave.status != "ok":
            parts.append(step.gave.status)
        found.append(Lens(span.line, " · ".join(parts), "trace", seen.run.file))
    return found


def _is_module(snapshot: Snapshot) -> bool:
    """Whether a file only gives things to others."""
    return snapshot.document.language == "javascript" and bool(snapshot.analysis.exports())


def _last_run(run: LastRun) -> str:
    parts = [f"last run {_ENDS.get(run.status, '')} {figures.duration(run.duration)}".replace("  ", " ")]
    if run.tokens:
        parts.append(figures.tokens(run.tokens))
    if run.cost is not None and run.calls:
        parts.append(figures.cost(run.cost))
    if run.calls > 1:
        parts.append(f"{run.calls} model calls")
    return " · ".join(parts)
