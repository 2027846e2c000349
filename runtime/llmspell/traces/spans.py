"""Spans, folded from events: what began, when it ended, how, and what it cost. Never stored by anyone but derived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.frozen import frozen

_STARTS: Final = ("_started", "_called")
#: Only the figures of a model call, and of a tool that asks a model, count: what agents and workflows report is the
#: same tokens again.
_COUNTED: Final = ("llm_call", "tool")


@frozen
class Span:
    """One stretch of a run. `number` 1 is the run itself; `parent` 0 is nothing.

    kind: what began (`spell`, `execution`, `llm_call`, `tool`, `hook`). status: `ok`, `error`, `cancelled`, or
    `running` while it has no end. first, last: the numbers of its start and end events; `last` 0 while it runs.
    Tokens and cost are its own, without those of spans inside.
    """

    number: int
    parent: int
    kind: str
    name: str
    site: str
    status: str
    started: float
    ended: float | None
    first: int
    last: int
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    error: str = ""

    @property
    def duration(self) -> float | None:
        """Milliseconds, None while it runs."""
        return None if self.ended is None else self.ended - self.started


def span_kind(kind: str) -> str:
    """What a start event's kind begins: `llm_call_started` an `llm_call`, `tool_called` a `tool`."""
    for ending in _STARTS:
        if kind.endswith(ending):
            return kind[: -len(ending)]
    return kind


class SpanFold:
    """Takes events in order and gives each span as it ends."""

    def __init__(self) -> None:
        self._open: dict[int, Event] = {}

    def add(self, event: Event) -> Span | None:
        """The span that this event ended, if it ended one."""
        if event.phase == "start":
            self._open[event.span] = event
            return None
        if event.phase == "end" and (start := self._open.pop(event.span, None)) is not None:
            return ended_span(start, event)
        return None

    def unfinished(self) -> Iterator[Span]:
        """The spans that are still open, as `running`."""
        return (running_span(start) for start in self._open.values())


def fold(events: Iterable[Event]) -> list[Span]:
    """Every span of these events, in the order of their numbers."""
    state = SpanFold()
    spans = [span for event in events if (span := state.add(event)) is not None]
    return sorted([*spans, *state.unfinished()], key=lambda span: span.number)


def running_span(start: Event) -> Span:
    kind = span_kind(start.kind)
    return Span(start.span, start.parent, kind, start.name, start.site, "running", start.time, None, start.seq, 0)


def ended_span(start: Event, end: Event) -> Span:
    kind = span_kind(start.kind)
    inputs, outputs, cost = usage_of(end.data) if kind in _COUNTED else (0, 0, None)
    error = end.data.get("error")
    return Span(
        number=start.span,
        parent=start.parent,
        kind=kind,
        name=start.name or end.name,
        site=start.site or error_site(error),
        status=str(end.data.get("status") or ("error" if error else "ok")),
        started=start.time,
        ended=end.time,
        first=start.seq,
        last=end.seq,
        input_tokens=inputs,
        output_tokens=outputs,
        cost=cost,
        error=error_text(error),
    )


def usage_of(data: dict[str, Any]) -> tuple[int, int, float | None]:
    """Input tokens, output tokens and cost of an end event's `usage`; zeros and None where it says nothing."""
    usage = data.get("usage")
    if not isinstance(usage, dict):
        return 0, 0, None
    return _whole(usage.get("input_tokens")), _whole(usage.get("output_tokens")), _number(usage.get("cost"))


def error_text(error: Any) -> str:
    """One line for an error map, "" for none."""
    match error:
        case None | "":
            return ""
        case {"message": str(message), "type": str(kind)} if kind not in ("", "error"):
            return f"{kind}: {message}"
        case {"message": str(message)}:
            return message
        case _:
            return str(error)


def error_site(error: Any) -> str:
    """Where an error happened in the script, "" where nobody knows: the place of a spell that failed."""
    match error:
        case {"source": str(source)}:
            return source
        case _:
            return ""


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and 0 <= value < 2**53 else 0


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e15 else None
