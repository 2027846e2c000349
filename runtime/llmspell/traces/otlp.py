"""A run as OTLP JSON: what any OpenTelemetry collector takes at `/v1/traces`. Needs no OpenTelemetry library.

Ids are hashes of the run's id and the span's number, so that exporting twice gives the same trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.traces.genai import attributes, span_name
from llmspell.traces.meta import RunMeta
from llmspell.traces.spans import Span, ended_span, running_span

# opentelemetry/proto/trace/v1/trace.proto: SpanKind and StatusCode.
_INTERNAL, _CLIENT = 1, 3
_OK, _ERROR = 1, 2
#: A streamed answer's pieces and what spans themselves say.
_LEFT_OUT: Final = frozenset({"llm_chunk"})


def otlp(meta: RunMeta, events: Iterable[Event]) -> dict[str, Any]:
    """An `ExportTraceServiceRequest` in the JSON mapping of OTLP."""
    starts: dict[int, Event] = {}
    ends: dict[int, Event] = {}
    points: dict[int, list[Event]] = {}
    for event in events:
        match event.phase:
            case "start":
                starts[event.span] = event
            case "end":
                ends[event.span] = event
            case _ if event.kind not in _LEFT_OUT:
                points.setdefault(event.span, []).append(event)
            case _:
                pass
    spans = [_span(meta, start, ends.get(number), points.get(number, [])) for number, start in starts.items()]
    scope = {"name": "llmspell", "version": meta.version}
    resource = {
        "service.name": "llmspell",
        "service.version": meta.version,
        "host.name": meta.host,
        "process.pid": meta.pid,
        "llmspell.run.id": meta.id,
        "llmspell.spell": meta.label,
    }
    return {
        "resourceSpans": [
            {"resource": {"attributes": _attributes(resource)}, "scopeSpans": [{"scope": scope, "spans": spans}]}
        ]
    }


def _span(meta: RunMeta, start: Event, end: Event | None, points: list[Event]) -> dict[str, Any]:
    span = running_span(start) if end is None else ended_span(start, end)
    found = attributes(span, start.data, end.data if end else {})
    value: dict[str, Any] = {
        "traceId": hashlib.sha256(meta.id.encode()).hexdigest()[:32],
        "spanId": _span_id(meta.id, span.number),
        "name": span_name(span),
        "kind": _CLIENT if span.kind == "llm_call" else _INTERNAL,
        "startTimeUnixNano": _nanoseconds(span.started),
        "endTimeUnixNano": _nanoseconds(span.ended if span.ended is not None else meta.ended or span.started),
        "attributes": _attributes(found),
        "events": [
            {
                "timeUnixNano": _nanoseconds(event.time),
                "name": event.kind,
                "attributes": _attributes({"name": event.name, **event.data} if event.name else event.data),
            }
            for event in points
        ],
        "status": _status(span),
    }
    if span.parent:
        value["parentSpanId"] = _span_id(meta.id, span.parent)
    return value


def _status(span: Span) -> dict[str, Any]:
    match span.status:
        case "ok":
            return {"code": _OK}
        case "error":
            return {"code": _ERROR, "message": span.error}
        case _:
            return {}


def _span_id(run: str, number: int) -> str:
    return hashlib.sha256(f"{run}:{number}".encode()).hexdigest()[:16]


def _nanoseconds(milliseconds: float) -> str:
    """64-bit integers are strings in the JSON mapping. The fraction is kept to the microsecond, as times have it."""
    return str(round(milliseconds * 1000) * 1000)


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items() if value is not None]


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int() if -(2**63) <= value < 2**63:
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_value(item) for item in value if item is not None]}}
        case dict():
            return {"kvlistValue": {"values": _attributes(value)}}
        case _:
            return {"stringValue": str(value)}
