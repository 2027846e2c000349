"""A run in words, for who hears it instead of seeing it: what matters comes first, nothing is said by place, sign or
colour, and each span has a number to ask about. Lines are plain text without an end. Reads no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.traces.spans import ended_span, running_span
from llmspell.traces.summary import as_sent, brief, gave, given, plain
from llmspell_tui.model.points import line
from llmspell_tui.model.run import RunModel
from llmspell_tui.widgets.figures import money_text, plural, time_text

_WORDS: Final = {"execution": "agent", "llm_call": "model", "workflow_step": "step"}
#: What is told when it begins: all that happens until it ends happens in it.
_ENCLOSING: Final = frozenset({"spell", "execution", "workflow", "workflow_step", "delegation"})
#: What other lines say.
_SILENT: Final = frozenset({"llm_chunk", "agent_created", "tool_created", "error", "workflow_progress"})
#: Characters of a printed line that are told before it ends: plain text of more is cut.
_LONG: Final = 400
_NAMES: Final = {"log": "log", "state_changed": "state", "context_changed": "context"}
#: What is told though only what matters is wanted.
_MATTERS: Final = frozenset({"output", "log", "warning", "retry", "limit_reached"})


class Told:
    """The lines of a run's events, in order. brief: without what went well inside the run.

    What is printed piece by piece is told when its line ends, or something else is to be told.
    """

    def __init__(self) -> None:
        self.brief = False
        self._open: dict[int, Event] = {}
        self._begun: Event | None = None  # what was printed last, while its line has not ended
        self._printed = ""

    def lines(self, event: Event) -> Iterator[str]:
        if event.kind == "output":
            yield from self._print(event)
            return
        for told in self._lines(event):
            yield from self._flush()
            yield told

    def _print(self, event: Event) -> Iterator[str]:
        text = event.data.get("text")
        if self._begun is not None and self._begun.data.get("stream") != event.data.get("stream"):
            yield from self._flush()
        self._begun, self._printed = event, self._printed + (text if isinstance(text, str) else "")
        if self._printed.endswith("\n") or len(self._printed) >= _LONG:
            yield from self._flush()

    def _flush(self) -> Iterator[str]:
        begun, text, self._begun, self._printed = self._begun, self._printed, None, ""
        if begun is not None:
            yield _joined(f"printed: {_ascii(plain(text))}", at=begun.site)

    def _lines(self, event: Event) -> Iterator[str]:
        if event.phase == "start":
            self._open[event.span] = event
            span = running_span(event)
            if span.kind in _ENCLOSING and (span.number == 1 or not self.brief):
                yield _joined(f"{span.number} began: {_name(event)}", given(span.kind, event.data), _inside(event))
        elif event.phase == "end":
            start = self._open.pop(event.span, None)
            if start is not None and (not self.brief or start.span == 1 or ended_span(start, event).status != "ok"):
                yield _ended(start, event)
        elif event.kind not in _SILENT and (not self.brief or event.kind in _MATTERS):
            name = _NAMES.get(event.kind, event.kind.replace("_", " "))
            if event.kind not in _NAMES and event.name:
                name += f" {plain(event.name)}"
            yield _joined(f"{name}: {_ascii(line(event))}", at=event.site)


def summary(model: RunModel) -> str:
    """How a run is, in one line."""
    elapsed = max(0.0, (model.ended or model.newest) - model.began) if model.began else None
    parts = [
        " ".join(part for part in ("run", model.run_id, model.status) if part),
        time_text(elapsed),
        plural(model.errors, "error"),
        plural(model.calls, "model call"),
        plural(model.tokens, "token"),
        money_text(model.cost) or "$0",
        plural(model.events, "event"),
    ]
    if model.missing and (model.complete or model.trouble is not None):
        parts.append(f"{model.missing:,} not shown")
    return ", ".join(part for part in parts if part)


def states(model: RunModel) -> list[str]:
    found = [
        f"{scope}, {key}: {_ascii(brief(value)) or 'nothing'}"
        for scope, values in model.states.at().items()
        for key, value in values.items()
    ]
    return found or ["no state"]


def errors(model: RunModel) -> list[str]:
    spans = model.spans
    found = [
        f"{spans.number(i)}: {spans.status(i)}, {_span(model, i)}: {plain(spans.error(i))}"
        for i in range(len(spans))
        if spans.status(i) not in ("ok", "running")
    ]
    return found or ["no errors"]


def why(model: RunModel, i: int, start: Event | None, end: Event | None) -> list[str]:
    """What a span was, what it was given and gave, what it was in, and which hooks changed it."""
    spans = model.spans
    lines = [f"{spans.number(i)}: {spans.status(i)}, {_span(model, i)}"]
    if error := spans.error(i):
        lines.append(f"error: {plain(error)}")
    sent = {} if start is None else as_sent(start.data, {} if end is None else end.data)
    if start is not None and (text := given(spans.kind(i), sent)):
        lines.append(f"given: {_ascii(text)}")
    if end is not None and not error and (text := gave(spans.kind(i), end.data)):
        lines.append(f"gave: {_ascii(text)}")
    ended = spans.ended(i)
    figures = [time_text(None if ended is None else ended - spans.started(i))]
    if spans.tokens(i):
        figures += [plural(spans.tokens(i), "token"), money_text(spans.cost(i))]
    lines.append(f"took: {', '.join(each for each in figures if each) or 'nothing yet'}")
    if site := spans.site(i):
        lines.append(f"at: {site}")
    up, inside = spans.parent(i), list[str]()
    while up is not None:
        inside.append(f"{spans.number(up)} {_span(model, up)}")
        up = spans.parent(up)
    if inside:
        lines.append(f"inside: {', inside '.join(inside)}")
    lines += [f"in it: {spans.number(each)} {spans.status(each)} {_span(model, each)}" for each in spans.children(i)]
    return lines


def waits(told: dict[str, Any]) -> str:
    """What waits for the person, with the words that answer it."""
    number = told.get("number")
    if told.get("kind") == "question":
        choices = ", ".join(map(str, told.get("choices") or ()))
        among = f" One of {choices}." if choices else ""
        return f"question {number}: {plain(str(told.get('question')))}{among} Type: answer TEXT"
    about = {key: value for key, value in told.items() if key not in ("notice", "number", "kind")}
    return f"approval {number} wanted: {_ascii(brief(about))}. Type: approve, or deny REASON"


def paused(told: dict[str, Any]) -> str:
    reason = plain(str(told.get("reason", "")))
    return _joined(f"paused: {reason}", at=str(told.get("site") or "")) + ". Type: step, or resume"


def _ended(start: Event, end: Event) -> str:
    span = ended_span(start, end)
    what = plain(span.error) if span.error else gave(span.kind, end.data)
    figures = [time_text(span.duration)]
    if tokens := span.input_tokens + span.output_tokens:
        figures += [plural(tokens, "token"), money_text(span.cost)]
    if end.data.get("from_recording"):
        figures.append("free, from the recording")
    if end.data.get("edited"):
        figures.append("edited")
    told = f"{span.number} {span.status}: {_name(start)}"
    return _joined(told, what, ", ".join(each for each in figures if each), _inside(start), at=span.site)


def _name(start: Event) -> str:
    span = running_span(start)
    action = start.data.get("action") if span.kind == "execution" else None
    return plain(f"{_WORDS.get(span.kind, span.kind)} {span.name}{f'.{action}' if action else ''}")


def _span(model: RunModel, i: int) -> str:
    return plain(f"{_WORDS.get(model.spans.kind(i), model.spans.kind(i))} {model.spans.name(i)}")


def _inside(start: Event) -> str:
    return f"in {start.parent}" if start.parent > 1 else ""


def _joined(*parts: str, at: str = "") -> str:
    return ", ".join([*(_ascii(part) for part in parts if part), *([f"at {at}"] if at else [])])


def _ascii(text: str) -> str:
    """Without the signs that other places draw."""
    return (
        text.replace(": - → ", ": nothing → ").replace("→ -", "→ nothing").replace("→", "becomes").replace("…", "...")
    )
