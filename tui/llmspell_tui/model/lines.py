"""What each line of the spell cost: tokens, money, time and calls of what began there. For the screen Source."""

from __future__ import annotations

from dataclasses import dataclass

from llmspell_tui.model.run import RunModel


@dataclass(slots=True)
class LineFigures:
    """spans: how many began at the line; calls: the model calls and tools among them. tokens and cost are of the line's
    own calls; time is in ms, of its outermost spans, without those inside other spans of the same line. running: spans
    that are not over."""

    site: str
    spans: int = 0
    calls: int = 0
    errors: int = 0
    running: int = 0
    tokens: int = 0
    cost: float | None = None
    time: float = 0.0


def line_figures(model: RunModel) -> dict[str, LineFigures]:
    """By `file:line`, at the moment shown."""
    spans = model.spans
    parent, sites = spans.outline.parent, spans.sites
    now = model.time_of(model.moment) if model.moment is not None else model.newest
    found: dict[str, LineFigures] = {}
    for i in range(spans.begun):
        site = spans.site(i)
        if not site:
            continue
        line = found.get(site)
        if line is None:
            line = found[site] = LineFigures(site)
        kind = spans.kind(i)
        if kind == "spell":  # its place is that of its error: what it took is not that line's
            line.errors += 1
            continue
        line.spans += 1
        line.calls += kind in ("llm_call", "tool")
        status = spans.status(i)
        line.errors += status == "error"
        line.running += status == "running"
        line.tokens += spans.own_tokens(i)
        cost = spans.own_cost(i)
        if cost is not None:
            line.cost = (line.cost or 0.0) + cost
        above = parent[i + 1]
        if not above or sites[above - 1] != sites[i]:
            ended = spans.ended(i)
            line.time += max(0.0, (now if ended is None else ended) - spans.started(i))
    return found


def running_sites(model: RunModel) -> list[str]:
    """The `file:line` under execution at the moment shown, innermost first: where the spell asks and waits, else the
    site of the newest running span; and those around it."""
    spans = model.spans
    if asks := _waits(model):
        return [asks]
    for i in range(spans.begun - 1, -1, -1):
        if spans.status(i) == "running" and spans.site(i):
            break
    else:
        return []
    found: list[str] = []
    at: int | None = i
    while at is not None:
        site = spans.site(at)
        if site and site not in found:
            found.append(site)
        at = spans.parent(at)
    return found


def _waits(model: RunModel) -> str:
    """Where the spell has asked a person who has not answered yet, "" if it has not."""
    points, kinds = model.points, ("input_requested", "input_given")
    open_at: list[str] = []
    for i in points.of_kinds(frozenset(kinds)):
        if i >= points.upto(model.moment):
            break
        if points.kind(i) == kinds[0]:
            open_at.append(points.site(i))
        elif open_at:
            open_at.pop()
    return open_at[-1] if open_at and model.spans.begun and model.spans.status(0) == "running" else ""
