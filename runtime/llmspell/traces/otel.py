"""Spans to an OpenTelemetry collector while a run goes, over OTLP/HTTP. Needs the extra `otel`; nothing is sent unless
a place is named.

Everything is done in a thread of its own: a slow or absent collector never slows the run. Spans that cannot wait any
longer are counted and told at the end. Content is left out and secrets are masked as they are in the stored run.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import SettingsError
from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.describe import describe, masked, without_content
from llmspell.traces.exported import LEFT_OUT, ExportedSpan, exported, resource
from llmspell.traces.meta import RunMeta

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

Mask = Callable[[str], str]

_PATH: Final = "/v1/traces"
#: Events that may wait for the thread: 10 s at 2,000 a second.
_WAITING: Final = 20_000
#: Spans in one request, and seconds until those there are are sent.
_BATCH: Final = 512
_PAUSE: Final = 1.0
#: Points of one open span that are kept.
_POINTS: Final = 1_000
#: Seconds that the end of a run waits for what has not been sent.
_PATIENCE: Final = 5.0
_LOGGER: Final = "opentelemetry.exporter.otlp"


@frozen
class Target:
    """url: where spans go. origin: who said so, a setting or a variable."""

    url: str
    service: str
    origin: str
    is_setting: bool = False


def target_of(endpoint: str | None, service: str, environ: Mapping[str, str]) -> Target | None:
    """Where spans are to go, None for nowhere: `[otel] endpoint`, else OpenTelemetry's own variables.

    An endpoint is a collector's address, to which the path for traces is added, unless it has one.
    """
    if endpoint:
        return Target(_with_path(endpoint), service, "[otel] endpoint", is_setting=True)
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    if exact := environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        return Target(exact, service, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if base := environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return Target(_with_path(base), service, "OTEL_EXPORTER_OTLP_ENDPOINT")
    return None


def _is_installed() -> bool:
    """Looks without importing."""
    try:
        names = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter")
        return all(find_spec(name) is not None for name in names)
    except ModuleNotFoundError:
        return False


def export_to(
    target: Target | None, meta: RunMeta, *, content: bool, mask: Mask, say: Callable[[str], object]
) -> Export | None:
    """The export of a run, None where none is wanted. Raises SettingsError for a setting that cannot be followed; a
    variable is often meant for other programs, so that `say` is told and the run goes on without."""
    if target is None:
        return None
    try:
        return Export(target, meta, content=content, mask=mask)
    except SettingsError as error:
        if target.is_setting:
            raise
        say(f"{error.message}; nothing is sent ({error.hint})")
        return None


def _with_path(endpoint: str) -> str:
    return endpoint if endpoint.rstrip("/").endswith(_PATH) else endpoint.rstrip("/") + _PATH


class Export:
    """A sink of events; `close` sends the rest and says what could not be sent."""

    def __init__(self, target: Target, meta: RunMeta, *, content: bool, mask: Mask) -> None:
        """Raises SettingsError where the extra is missing or the address is none."""
        if not target.url.startswith(("http://", "https://")):
            raise SettingsError(
                f"{target.origin}: {target.url!r} is no address of a collector", hint="write http://localhost:4318"
            )
        if not _is_installed():
            raise SettingsError(
                f"{target.origin} names a collector, and what sends spans to one is not installed",
                hint="pip install 'llmspell[otel]'",
            )
        self._target, self._meta = target, meta
        self._content, self._mask = content, mask
        self._events: queue.Queue[Event | None] = queue.Queue(_WAITING)
        self._missed = 0
        self._failed = 0
        self._reason = ""
        self._open: dict[int, tuple[Event, list[Event]]] = {}
        self._begun = threading.Event()  # or failed to
        self._thread = threading.Thread(target=self._work, name="llmspell-otel", daemon=True)
        self._thread.start()

    def add(self, event: Event) -> None:
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self._missed += 1

    def close(self) -> str:
        """Sends what there is, for some seconds. What could not be sent, in words, "" for nothing. Blocks."""
        self._begun.wait()  # what is imported on a busy machine is not the collector's slowness
        try:
            self._events.put(None, timeout=_PATIENCE)
        except queue.Full:
            self._missed += 1
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            return f"spans were not taken by {self._target.url} in {_PATIENCE:g} seconds and are not all there"
        lost = [f"{self._failed} spans"] if self._failed else []
        lost += [f"{self._missed} events"] if self._missed else []
        if not lost:
            return ""
        why = f": {self._reason}" if self._reason else ""
        return f"{' and '.join(lost)} could not be sent to {self._target.url}{why}"

    # -- in the thread -------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._send_all()
        except Exception as error:  # a fault of the exporter's must not end as a traceback of a thread
            self._reason = f"{type(error).__name__}: {error}"
            self._failed += len(self._open) or 1
        finally:
            self._begun.set()

    def _send_all(self) -> None:
        # 300 ms: OpenTelemetry, protobuf and requests.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource

        with _heard.here() as last:
            exporter = OTLPSpanExporter(endpoint=self._target.url)
            self._begun.set()
            where = Resource.create(resource(self._meta, self._target.service))
            ready: list[ReadableSpan] = []
            due = time.monotonic() + _PAUSE
            over = False
            while not over:
                try:
                    event = self._events.get(timeout=max(0.0, due - time.monotonic()))
                except queue.Empty:
                    event = _NOTHING
                over = event is None
                if event is not None and event is not _NOTHING and (span := self._fold(event)) is not None:
                    ready.append(_readable(span, where, self._meta.version))
                if over:
                    ready += [_readable(span, where, self._meta.version) for span in self._unfinished()]
                if ready and (over or len(ready) >= _BATCH or time.monotonic() >= due):
                    self._send(exporter, ready, last)
                    ready = []
                if time.monotonic() >= due:
                    due = time.monotonic() + _PAUSE
            exporter.shutdown()

    def _send(self, exporter: OTLPSpanExporter, spans: list[ReadableSpan], last: Callable[[], str]) -> None:
        from opentelemetry.sdk.trace.export import SpanExportResult

        for first in range(0, len(spans), _BATCH):
            batch = spans[first : first + _BATCH]
            if exporter.export(batch) is not SpanExportResult.SUCCESS:
                self._failed += len(batch)
                self._reason = last()

    def _fold(self, event: Event) -> ExportedSpan | None:
        match event.phase:
            case "start":
                self._open[event.span] = (event, [])
            case "point":
                if (found := self._open.get(event.span)) and event.kind not in LEFT_OUT and len(found[1]) < _POINTS:
                    found[1].append(self._shown(event))
            case "end":
                if found := self._open.pop(event.span, None):
                    return exported(self._meta.id, self._shown(found[0]), self._shown(event), found[1])
        return None

    def _unfinished(self) -> list[ExportedSpan]:
        return [exported(self._meta.id, self._shown(start), None, points) for start, points in self._open.values()]

    def _shown(self, event: Event) -> Event:
        """The event as it may be shown: content only where it is kept, secrets never."""
        data = describe(event.data, mask=self._mask)
        shown = masked(data if self._content else without_content(data), self._mask)
        return replace(event, name=self._mask(event.name), site=self._mask(event.site), data=shown)


_NOTHING: Final = Event(0, 0.0, "", "point", 0, 0, "", "", {})


class _Heard(logging.Handler):
    """What the exporter logs in each thread of an export: the reason of a failure, which must not appear between the
    spell's own lines. What it logs in any other thread goes where it went."""

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[int, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread in self.last:
            self.last[record.thread] = record.getMessage().splitlines()[0][:200]
        elif above := logging.getLogger(_LOGGER).parent:
            above.callHandlers(record)

    @contextmanager
    def here(self) -> Generator[Callable[[], str]]:
        """Hears this thread. Gives what was logged last."""
        logger = logging.getLogger(_LOGGER)
        logger.addHandler(self)  # once, for good: exports of other runs may be under way
        logger.propagate = False
        thread = threading.get_ident()
        self.last[thread] = ""
        try:
            yield lambda: self.last[thread]
        finally:
            del self.last[thread]


_heard: Final = _Heard()


def _readable(span: ExportedSpan, where: Resource, version: str) -> ReadableSpan:
    """The span as OpenTelemetry's exporter takes it."""
    from opentelemetry.sdk.trace import Event as SpanEvent
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
    from opentelemetry.trace.status import Status, StatusCode

    trace = int(span.trace_id, 16)

    def context(span_id: str) -> SpanContext:
        return SpanContext(trace, int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    codes = {"ok": StatusCode.OK, "error": StatusCode.ERROR, "unset": StatusCode.UNSET}
    return ReadableSpan(
        name=span.name,
        context=context(span.span_id),
        parent=context(span.parent_id) if span.parent_id else None,
        resource=where,
        attributes=_fitting(span.attributes),
        events=[SpanEvent(each.name, _fitting(each.attributes), each.time) for each in span.events],
        kind=SpanKind.CLIENT if span.client else SpanKind.INTERNAL,
        status=Status(codes[span.status], span.message or None if span.status == "error" else None),
        start_time=span.started,
        end_time=span.ended,
        instrumentation_scope=InstrumentationScope("llmspell", version),
    )


def _fitting(value: Any) -> Any:
    """Without what the format has no place for: empty values, and integers of more than 64 bits, which become text."""
    match value:
        case dict():
            return {str(key): _fitting(item) for key, item in value.items() if item is not None}
        case list():
            return [_fitting(item) for item in value if item is not None]
        case bool() | float() | str():
            return value
        case int():
            return value if -(2**63) <= value < 2**63 else str(value)
        case _:
            return str(value)
