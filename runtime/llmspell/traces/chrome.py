"""A run as Chrome trace events, for chrome://tracing, Perfetto and speedscope.

Those viewers nest spans of one thread by their times, so spans that overlap without enclosing each other get threads
("lanes") of their own: a span stays in its parent's lane while that lane is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from llmspell.events.event import Event
from llmspell.traces.meta import RunMeta
from llmspell.traces.spans import Span, fold


def chrome(meta: RunMeta, events: Iterable[Event]) -> dict[str, Any]:
    """The object form of the format: `traceEvents`, times in microseconds."""
    kept = [*events]
    spans = fold(kept)
    begin = spans[0].started if spans else meta.started
    end = max((event.time for event in kept), default=begin)
    data = {event.seq: event.data for event in kept}
    lanes = _lanes(spans, end)
    entries: list[dict[str, Any]] = [_named("process_name", 0, f"{meta.label} {meta.id}")]
    entries += [_named("thread_name", lane, f"lane {lane}") for lane in sorted({*lanes.values(), 1})]
    entries += [_complete(span, begin, end, lanes[span.number], data) for span in spans]
    entries += _instants(kept, begin, lanes)
    return {"traceEvents": entries, "displayTimeUnit": "ms", "otherData": {"run": meta.id, "version": meta.version}}


def _complete(span: Span, begin: float, end: float, lane: int, data: dict[int, dict[str, Any]]) -> dict[str, Any]:
    args = {"status": span.status, "site": span.site, **data.get(span.first, {}), **data.get(span.last, {})}
    finish = end if span.ended is None else span.ended
    return {
        "name": f"{span.kind} {span.name}".strip(),
        "cat": span.kind,
        "ph": "X",
        "ts": _micro(span.started - begin),
        "dur": _micro(finish - span.started),
        "pid": 1,
        "tid": lane,
        "args": args,
    }


def _instants(events: list[Event], begin: float, lanes: dict[int, int]) -> Iterator[dict[str, Any]]:
    for event in events:
        if event.phase == "point" and event.kind != "llm_chunk":
            name = f"{event.kind} {event.name}".strip()
            place = {"pid": 1, "tid": lanes.get(event.span, 1), "ts": _micro(event.time - begin)}
            yield {"name": name, "cat": event.kind, "ph": "i", "s": "t", **place, "args": event.data}


def _lanes(spans: list[Span], end: float) -> dict[int, int]:
    """A lane for each span, such that the spans of a lane are apart or one inside the other."""
    stacks: list[list[float]] = []  # for each lane, the ends of the spans that are open in it, outermost first
    lanes: dict[int, int] = {}
    for span in sorted(spans, key=lambda span: (span.started, span.number)):
        finish = end if span.ended is None else span.ended
        wanted = lanes.get(span.parent, 1)
        for lane in [wanted, *range(1, len(stacks) + 2)]:
            if lane > len(stacks):
                stacks.append([])
            stack = stacks[lane - 1]
            while stack and stack[-1] <= span.started:
                stack.pop()
            if not stack or finish <= stack[-1]:
                stack.append(finish)
                lanes[span.number] = lane
                break
    return lanes


def _named(kind: str, lane: int, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": 1, "tid": lane, "args": {"name": name}}


def _micro(milliseconds: float) -> float:
    return round(milliseconds * 1000, 3)
