"""Workflows that have themselves as a step, by name, directly or through others of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import found
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.checks.flows import flows
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.workspace.snapshot import Snapshot


class _Asked(NamedTuple):
    name: str
    span: Span


def cycles(snapshot: Snapshot) -> Iterator[Finding | None]:
    inside: dict[str, list[_Asked]] = {}
    for each in _chunks(snapshot):
        if each is None:
            yield None
        else:
            name, step = each.data
            inside.setdefault(name, []).append(_Asked(step, each.span))
    for name, asked in inside.items():
        for each in asked:
            way = _way(inside, each.name, name)
            if way is not None:
                through = f" (through {', '.join(way[:-1])})" if len(way) > 1 else ""
                message = f"the workflow {name!r} would run itself as a step{through}, without an end"
                yield found("step-cycle", each.span, message)


def _asks(view: View) -> Iterator[Finding]:
    """The workflows that a workflow's steps name, each with its own name."""
    for flow in flows(view):
        own = flow.root.text("name")
        if own is None or not own.value:
            continue
        for step in flow.steps():
            for key in ("workflow", "agent"):
                text = step.text(key)
                if text is not None and text.value:
                    span = absolute(step.site.placed.start, text.content)
                    yield found("step-cycle", span, "", data=(own.value, text.value.removeprefix("local://")))


def _way(inside: Mapping[str, Sequence[_Asked]], start: str, end: str) -> list[str] | None:
    """The names from one workflow to another, the last included."""
    rest: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while rest:
        way = rest.pop(0)
        if way[-1] == end:
            return list(way)
        if way[-1] not in seen:
            seen.add(way[-1])
            rest += [(*way, each.name) for each in inside.get(way[-1], ())]
    return None


_chunks = by_chunk(_asks)
FAMILY = cycles
