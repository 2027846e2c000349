"""A run as a tree of text: a line a span with how it went, what it took and where in the script it began.

`tree(events)` draws a whole run, `LiveTree` one that is under way. Both need only events and a `Look`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from llmspell.events.event import Event
from llmspell.traces.layout import Cells, Look, cells, row, rule
from llmspell.traces.spans import Span, ended_span, running_span
from llmspell.traces.summary import as_sent, brief, gave, given, plain

#: What the trade calls a span's kind in one short word.
_WORDS = {"execution": "agent", "llm_call": "llm", "workflow_step": "step"}
#: Pieces of what other lines show whole; an error stands on its span's line or on that of the retry after it.
_HIDDEN = frozenset({"llm_chunk", "agent_created", "tool_created", "error", "workflow_progress"})

#: Spans that have ended in which something may still happen.
_REMEMBERED = 64


@dataclass(slots=True)
class _Node:
    start: Event
    end: Event | None = None
    items: list[_Node | Event] = field(default_factory=list["_Node | Event"])

    @property
    def span(self) -> Span:
        return running_span(self.start) if self.end is None else ended_span(self.start, self.end)


def tree(events: Iterable[Event], look: Look) -> Iterator[str]:
    """The lines of a whole run."""
    roots: list[_Node | Event] = []
    nodes: dict[int, _Node] = {}
    for event in events:
        if event.phase == "end" and event.span in nodes:
            nodes[event.span].end = event
        elif event.phase == "start":
            node = nodes[event.span] = _Node(event)
            (nodes[event.parent].items if event.parent in nodes else roots).append(node)
        elif event.kind not in _HIDDEN:
            (nodes[event.span].items if event.span in nodes else roots).append(event)
    for item in roots:
        yield from _lines(item, look, "", "")


def _lines(item: _Node | Event, look: Look, lead: str, below: str) -> Iterator[str]:
    if isinstance(item, Event):
        yield point_line(item, look, lead)
        return
    yield span_line(item.span, item.start, item.end, look, lead, _totals(item))
    for place, inner in enumerate(item.items, 1):
        last = place == len(item.items)
        branch, stem = (look.corner, "   ") if last else (look.branch, look.stem)
        yield from _lines(inner, look, below + branch, below + stem)


def _totals(node: _Node) -> tuple[int, float | None]:
    """Tokens and cost of a span with everything inside it."""
    span = node.span
    tokens, cost = span.input_tokens + span.output_tokens, span.cost
    for item in node.items:
        if isinstance(item, _Node):
            more, price = _totals(item)
            tokens += more
            cost = cost if price is None else (cost or 0.0) + price
    return tokens, cost


def span_line(
    span: Span, start: Event, end: Event | None, look: Look, lead: str, totals: tuple[int, float | None]
) -> str:
    """One span's line. totals: tokens and cost to show."""
    word = plain(_WORDS.get(span.kind, span.kind))
    name = _name(span, start)
    head = Cells().add(lead, "dim").add(look.mark(span.status), _COLOURS.get(span.status, "yellow")).add(" ")
    head.add(word, "dim").add(f" {name}" if name else "", "bold")
    if end is not None and end.data.get("from_recording"):
        head.add(" recorded", "green")  # by another run: it cost nothing
    if end is not None and end.data.get("edited"):
        head.add(" edited", "yellow")
    if span.error:
        head.add(f"  {plain(span.error)}", "red")
    else:
        before = given(span.kind, as_sent(start.data, {} if end is None else end.data))
        after = gave(span.kind, end.data) if end else ""
        arrow = f" {look.arrow} " if after else ""
        room = look.text_width - head.width - len(arrow) - 2
        head.add(f"  {look.shortened(before, max(room - cells(after), room // 2))}" if before else "").add(
            arrow + after
        )
    return row(head, look, duration=span.duration, tokens=totals[0], cost=totals[1], site=plain(span.site))


def _name(span: Span, start: Event) -> str:
    """Its name; of an agent's action `writer.revise`."""
    action = start.data.get("action") if span.kind == "execution" else None
    return plain(f"{span.name}.{action}" if action else span.name)


def point_line(event: Event, look: Look, lead: str) -> str:
    """One line for what happened inside a span: printed text, a warning, a retry, a change."""
    mark, style = _POINTS.get(event.kind, ("·", "dim"))
    head = Cells().add(lead, "dim").add(look.sign(mark) + " ", style)
    match event.kind:
        case "output":
            head.add(plain(str(event.data.get("text", ""))))
        case "warning":
            head.add("warning ", style).add(plain(str(event.data.get("message", ""))))
        case "state_changed":
            head.add("state ", "dim").add(plain(event.name), "bold")
            head.add(f"  {_said(event.data.get('old'))} {look.arrow} {_said(event.data.get('value'))}")
        case "context_changed":
            head.add("context ", "dim").add(plain(event.name), "bold").add(f"  {_said(event.data.get('value'))}")
        case "workflow_branch":
            head.add("branch ", "dim").add(plain(str(event.data.get("branch") or "none")), "bold")
        case "delegation_reviewed":
            head.add("approved" if event.data.get("approved") else "sent back ", "dim")
            head.add("" if event.data.get("approved") else _said(event.data.get("notes")))
        case "stage_completed":
            head.add("stage ", "dim").add(plain(event.name), "bold").add(f"  {_said(event.data.get('output'))}")
        case "workflow_step_skipped":
            head.add("skipped ", "dim").add(plain(event.name), "bold")
        case "error":
            problem = event.data.get("error", event.data)
            head.add("error ", style).add(
                plain(str(problem.get("message", problem))) if isinstance(problem, dict) else ""
            )
        case _:
            name = f" {plain(event.name)}" if event.name else ""
            head.add(plain(event.kind.replace("_", " ")) + name, "dim").add(
                f"  {brief(event.data)}" if event.data else "", "dim"
            )
    return row(head, look, site=plain(event.site))


class LiveTree:
    """Prints a run's tree while it grows. `add` is a sink of the run's EventLog.

    A span that encloses nothing gets one line, at its end. One that encloses others gets a line when the first of them
    is printed, and a closing line with its figures. Where spans of several parents end in turn, the parent is named
    again, so that a line's indentation is always that of the line above it or of its own parent. So it is where
    something happens inside a span that has just ended: a listener prints in its own time.
    """

    def __init__(self, write: Callable[[str], object], look: Look) -> None:
        self._write = write
        self._look = look
        self._open: dict[int, Event] = {}
        self._ended: dict[int, Event] = {}  # the starts of the last that ended
        self._opened: set[int] = set()
        self._totals: dict[int, tuple[int, float | None]] = {}
        self._context: list[int] = []

    def add(self, event: Event) -> None:
        if event.phase == "start":
            self._open[event.span] = event
        elif event.phase == "end":
            start = self._open.pop(event.span, None)
            if start is not None:
                self._end(start, event)
        elif event.kind not in _HIDDEN:
            self._within(event.span)
            self._print(point_line(event, self._look, self._lead(len(self._context))))

    def _end(self, start: Event, end: Event) -> None:
        span = ended_span(start, end)
        own = (span.input_tokens + span.output_tokens, span.cost)
        total = _sum(own, self._totals.pop(span.number, (0, None)))
        self._totals[span.parent] = _sum(total, self._totals.get(span.parent, (0, None)))
        self._within(span.parent)
        self._print(span_line(span, start, end, self._look, self._lead(len(self._context)), total))
        self._ended[span.number] = start
        if len(self._ended) > _REMEMBERED:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            self._opened.discard(oldest)

    def _within(self, number: int) -> None:
        """Make `number` the span that the next line is in: print the heads that lead to it from the last line's."""
        path: list[int] = []
        while (start := self._start(number)) is not None:
            path.append(number)
            number = start.parent
        path.reverse()
        shared = 0
        while shared < min(len(path), len(self._context)) and path[shared] == self._context[shared]:
            shared += 1
        for depth in range(shared, len(path)):
            self._print(self._head(path[depth], depth))
        self._context = path

    def _start(self, number: int) -> Event | None:
        return self._open.get(number) or self._ended.get(number)

    def _head(self, number: int, depth: int) -> str:
        start = self._start(number)
        assert start is not None
        span = running_span(start)
        again = span.number in self._opened
        self._opened.add(span.number)
        head = Cells().add(self._lead(depth), "dim").add(self._look.sign("┄" if again else "▸") + " ", "dim")
        word, name = plain(_WORDS.get(span.kind, span.kind)), _name(span, start)
        head.add(word, "dim").add(f" {name}" if name else "", "bold")
        before = "" if again else given(span.kind, start.data)
        head.add(f"  {before}" if before else "")
        return row(head, self._look, site="" if again else plain(span.site))

    def _lead(self, depth: int) -> str:
        return self._look.stem * depth

    def _print(self, line: str) -> None:
        self._write(line + "\n")


def header(look: Look) -> str:
    """The figures' headings, over the columns that `row` fills."""
    return rule(look)


def _said(value: Any) -> str:
    return brief(value) or "nothing"


def _sum(one: tuple[int, float | None], other: tuple[int, float | None]) -> tuple[int, float | None]:
    cost = other[1] if one[1] is None else one[1] + (other[1] or 0.0)
    return one[0] + other[0], cost


_COLOURS = {"ok": "green", "error": "red", "cancelled": "yellow", "running": "yellow"}
_POINTS = {
    "output": ("›", "dim"),
    "warning": ("!", "yellow"),
    "error": ("✗", "red"),
    "retry": ("↻", "yellow"),
    "limit_reached": ("!", "red"),
    "cancelled": ("■", "yellow"),
}
