"""A run's spans as OpenTelemetry knows them: ids, times, attributes, events, status. Plain values, in no wire format.

`otlp` writes them as JSON, `otel` hands them to OpenTelemetry's own exporter; both therefore tell the same. Ids are
hashes of the run's id and the span's number, so that exporting twice gives the same trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.genai import attributes, span_name
from llmspell.traces.meta import RunMeta
from llmspell.traces.spans import Span, ended_span, running_span

#: A streamed answer's pieces: the span's end says them as a whole.
LEFT_OUT: Final = frozenset({"llm_chunk"})


@frozen
class ExportedEvent:
    """time: nanoseconds since 1970."""

    name: str
    time: int
    attributes: dict[str, Any]


@frozen
class ExportedSpan:
    """Ids are hexadecimal, parent "" for the run itself. client: whether it is a request to another service.

    started, ended: nanoseconds since 1970.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    client: bool
    started: int
    ended: int
    attributes: dict[str, Any]
    events: list[ExportedEvent]
    status: Literal["ok", "error", "unset"]
    message: str


def exported(
    run: str, start: Event, end: Event | None, points: Iterable[Event], ended: float | None = None
) -> ExportedSpan:
    """The span of a start event. end: None while it runs, or where its run was lost; it is then taken to end when it
    began, or at `ended`. points: the events inside."""
    span = running_span(start) if end is None else ended_span(start, end)
    last = span.ended if span.ended is not None else (ended or span.started)
    return ExportedSpan(
        trace_id=hashlib.sha256(run.encode()).hexdigest()[:32],
        span_id=_span_id(run, span.number),
        parent_id=_span_id(run, span.parent) if span.parent else "",
        name=span_name(span),
        client=span.kind == "llm_call",
        started=nanoseconds(span.started),
        ended=nanoseconds(last),
        attributes=attributes(span, start.data, end.data if end else {}),
        events=[
            ExportedEvent(
                event.kind, nanoseconds(event.time), {"name": event.name, **event.data} if event.name else event.data
            )
            for event in points
        ],
        status=_status(span),
        message=span.error,
    )


def resource(meta: RunMeta, service: str = "llmspell") -> dict[str, Any]:
    """What is known of the process and the run."""
    found: Mapping[str, Any] = {
        "service.name": service,
        "service.version": meta.version,
        "host.name": meta.host,
        "process.pid": meta.pid,
        "llmspell.run.id": meta.id,
        "llmspell.spell": meta.label,
    }
    return dict(found)


def nanoseconds(milliseconds: float) -> int:
    """The fraction is kept to the microsecond, as times have it."""
    return round(milliseconds * 1000) * 1000


def _status(span: Span) -> Literal["ok", "error", "unset"]:
    match span.status:
        case "ok" | "error":
            return span.status
        case _:
            return "unset"


def _span_id(run: str, number: int) -> str:
    return hashlib.sha256(f"{run}:{number}".encode()).hexdigest()[:16]
