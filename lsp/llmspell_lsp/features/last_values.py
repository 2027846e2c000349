"""What lines and steps gave when the spell was last run, to be shown at their ends. Knows no protocol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.live import figures

if TYPE_CHECKING:
    from llmspell_lsp.analysis.steps import Flow, Step
    from llmspell_lsp.live.run import Gave, StepRun
    from llmspell_lsp.syntax.nodes import Span
    from llmspell_lsp.workspace.snapshot import Snapshot

LONGEST: Final = 48
"""Characters of a value at the end of a line; the rest is in the tooltip."""


@dataclass(slots=True, frozen=True)
class ValueHint:
    """At the end of a line. tooltip: Markdown."""

    line: int
    column: int
    text: str
    tooltip: str


def last_values(snapshot: Snapshot, first: int, last: int) -> list[ValueHint]:
    """For the lines first..last, in order."""
    seen = snapshot.last_run
    if seen is None:
        return []
    at: dict[int, list[Gave]] = {}
    for line, gave in seen.values().items():
        if first <= line <= last:
            at.setdefault(line, []).append(gave)
    for span, step in steps(snapshot):
        if first <= span.line <= last:
            at.setdefault(span.line, []).append(step.gave)
    lines = snapshot.document.lines
    return [
        ValueHint(line, len(lines[line]), text, "\n\n".join(map(told, found)))
        for line, found in sorted(at.items())
        if (text := figures.short(" · ".join(filter(None, map(_text, found))), LONGEST * 2))
    ]


def steps(snapshot: Snapshot) -> Iterator[tuple[Span, StepRun]]:
    """The steps that were carried out, and where in the document they are written."""
    seen = snapshot.last_run
    made = seen.steps() if seen is not None else {}
    if not made:
        return
    infer = snapshot.types
    for flow in infer.flows:
        call = absolute(flow.call.placed.start, flow.call.node.span)
        # A call over several lines is told of by its first, or by the line of its name.
        run = made.get(call.line) or next(
            (found for line, found in made.items() if call.line < line <= call.end_line), ()
        )
        if run:
            yield from _matched(flow, run, infer.analysis.uri)


def _matched(flow: Flow, run: tuple[StepRun, ...], uri: str) -> Iterator[tuple[Span, StepRun]]:
    by_path = {each.path: each for each in run}
    written = list(flow.steps())
    for step in written:
        found = next((by_path[path] for path in _paths(step) if path in by_path), None)
        if found is None and step.name:
            named = [each for each in run if each.gave.name == step.name]
            found = named[0] if len(named) == 1 and sum(one.name == step.name for one in written) == 1 else None
        above = step.parent
        if above is not None and above.parent is not None and above.site.span.line == step.site.span.line:
            continue  # a body that begins on its step's line: that has been said
        if found is not None and found.gave.name in ("", step.name or found.gave.name) and step.site.uri == uri:
            yield step.site.span, found


def _paths(step: Step) -> list[str]:
    """What the runtime may call a step: a branch's only step is called by the branch."""
    if step.parent is None:
        return [""]
    ends = [f"{step.key}[{step.number}]", step.key]
    return [f"{above}.{end}" if above else end for above in _paths(step.parent) for end in ends]


def _text(gave: Gave) -> str:
    if gave.status != "ok":
        return f"{gave.status}: {figures.short(gave.value, LONGEST)}" if gave.value else gave.status
    if not gave.value:
        return ""
    times = f" ×{gave.times}" if gave.times > 1 else ""
    return f"= {figures.short(gave.value, LONGEST)}{times}"


def told(gave: Gave) -> str:
    """All that is known of what was done at a place, as Markdown."""
    parts = [f"**{gave.name or gave.kind}**", figures.duration(gave.duration)]
    if gave.tokens:
        parts.append(figures.tokens(gave.tokens))
    if gave.cost:
        parts.append(figures.cost(gave.cost))
    if gave.times > 1:
        parts.append(f"{gave.times} times")
    fence = "`" * max(3, _longest_ticks(gave.value) + 1)
    value = f"\n\n{fence}\n{gave.value}\n{fence}" if gave.value else ""
    return f"Last run: {' · '.join(parts)}{value}"


def _longest_ticks(text: str) -> int:
    longest = here = 0
    for letter in text:
        here = here + 1 if letter == "`" else 0
        longest = max(longest, here)
    return longest
