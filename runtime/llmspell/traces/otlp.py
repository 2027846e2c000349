"""A run as OTLP JSON: what any OpenTelemetry collector takes at `/v1/traces`. Needs no OpenTelemetry library."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmspell.events.event import Event
from llmspell.traces.exported import LEFT_OUT, ExportedSpan, exported, resource
from llmspell.traces.meta import RunMeta

# opentelemetry/proto/trace/v1/trace.proto: SpanKind and StatusCode.
_INTERNAL, _CLIENT = 1, 3
_OK, _ERROR = 1, 2


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
            case _ if event.kind not in LEFT_OUT:
                points.setdefault(event.span, []).append(event)
            case _:
                pass
    spans = [
        _span(exported(meta.id, start, ends.get(number), points.get(number, []), meta.ended))
        for number, start in starts.items()
    ]
    scope = {"name": "llmspell", "version": meta.version}
    return {
        "resourceSpans": [
            {"resource": {"attributes": _attributes(resource(meta))}, "scopeSpans": [{"scope": scope, "spans": spans}]}
        ]
    }


def _span(span: ExportedSpan) -> dict[str, Any]:
    value: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": _CLIENT if span.client else _INTERNAL,
        "startTimeUnixNano": str(span.started),  # 64-bit integers are strings in the JSON mapping
        "endTimeUnixNano": str(span.ended),
        "attributes": _attributes(span.attributes),
        "events": [
            {"timeUnixNano": str(event.time), "name": event.name, "attributes": _attributes(event.attributes)}
            for event in span.events
        ],
        "status": _status(span),
    }
    if span.parent_id:
        value["parentSpanId"] = span.parent_id
    return value


def _status(span: ExportedSpan) -> dict[str, Any]:
    match span.status:
        case "ok":
            return {"code": _OK}
        case "error":
            return {"code": _ERROR, "message": span.message}
        case _:
            return {}


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
