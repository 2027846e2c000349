"""What happened inside spans: outputs, logs, warnings, errors, a script's own events. For the screens Logs and Events.

Columns, 40 bytes a point; one line of text is kept for the newest, and of the others the store has it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.traces.summary import brief, harmless, plain
from llmspell_tui.model.names import Names

#: Points whose text is kept: 20 MB of lines of 200 characters.
KEPT: Final = 100_000
#: Characters of a line.
_LONGEST: Final = 500
#: What is no line of a log: the pieces of an answer, and what a screen of its own shows.
LOG_KINDS: Final = frozenset(
    {"output", "log", "warning", "error", "limit_reached", "cancelled", "custom", "retry", "events_dropped"}
)


class PointLog:
    """By index, 0 to n - 1, in order."""

    def __init__(self) -> None:
        self.kind_names = Names("", most=256)
        self.texts = Names("")
        self._seqs = array("I")
        self._times = array("d")
        self._kinds = array("B")
        self._names = array("i")
        self._sites = array("i")
        self._spans = array("I")
        self._levels = array("B")
        self._open = array("B")
        self.opened = 0  # outputs that end within their line
        self._lines: dict[int, str] = {}
        self._level_names = Names("")

    def __len__(self) -> int:
        return len(self._seqs)

    def add(self, event: Event) -> None:
        i = len(self._seqs)
        self._seqs.append(event.seq)
        self._times.append(event.time)
        self._kinds.append(self.kind_names.number(event.kind))
        self._names.append(self.texts.number(event.name))
        self._sites.append(self.texts.number(event.site))
        self._spans.append(event.span)
        self._levels.append(self._level_names.number(_level(event)) & 255)
        unended = event.kind == "output" and not _text(event.data.get("text")).endswith("\n")
        self._open.append(unended)
        self.opened += unended
        self._lines[i] = line(event)
        self._lines.pop(i - KEPT, None)

    def seq(self, i: int) -> int:
        return self._seqs[i]

    def time(self, i: int) -> float:
        """Milliseconds since 1970."""
        return self._times[i]

    def kind(self, i: int) -> str:
        return self.kind_names.texts[self._kinds[i]]

    def name(self, i: int) -> str:
        return self.texts.texts[self._names[i]]

    def site(self, i: int) -> str:
        return self.texts.texts[self._sites[i]]

    def span(self, i: int) -> int:
        """The number of the span it lies in."""
        return self._spans[i]

    def level(self, i: int) -> str:
        """`debug`, `info`, `warning` or `error`; what is printed is `info`, `error` where it is on stderr."""
        return self._level_names.texts[self._levels[i]]

    def goes_on(self, i: int, other: int) -> bool:
        """Whether what was printed at `i` goes on, in its line, with `other`."""
        same = self._kinds[i] == self._kinds[other] and self._levels[i] == self._levels[other]
        return bool(self._open[i]) and same

    def text(self, i: int) -> str | None:
        """One line; None where only the store has it, under `seq(i)`."""
        return self._lines.get(i)

    def upto(self, seq: int | None) -> int:
        """How many there were by event number `seq`."""
        return len(self) if seq is None else bisect_right(self._seqs, seq)

    def at(self, seq: int) -> int:
        """The index of the point with this event number, or of the next one."""
        return bisect_left(self._seqs, seq)

    def of_span(self, number: int, first: int, last: int | None) -> list[int]:
        """Those in this very span, which began with event `first` and ended with `last`."""
        begin, end = bisect_left(self._seqs, first), self.upto(last or None)
        return [i for i in range(begin, end) if self._spans[i] == number]

    def of_kinds(self, kinds: frozenset[str], first: int = 0) -> list[int]:
        """The indices, from `first` on, of points of these kinds."""
        wanted = bytes(text in kinds for text in self.kind_names.texts)
        return [i for i in range(first, len(self)) if wanted[self._kinds[i]]]


def line(event: Event) -> str:
    """What a point says, in one line."""
    data = event.data
    match event.kind:
        case "output" | "llm_chunk":
            return harmless(_text(data.get("text")).removesuffix("\n"))[:_LONGEST]
        case "log" | "warning":
            return f"{plain(_text(data.get('message')))} {brief(data.get('fields'))}".strip()[:_LONGEST]
        case "error" | "retry" | "limit_reached":
            error: Any = data.get("error")
            said = error.get("message") if isinstance(error, dict) else error
            return plain(_text(said if said is not None else data.get("unit")))[:_LONGEST]
        case "state_changed":
            path = data.get("path")
            return f"{plain(_text(path))}: {brief(data.get('old')) or '-'} → {brief(data.get('value')) or '-'}"[
                :_LONGEST
            ]
        case _:
            return brief({name: value for name, value in data.items() if value != event.name})[:_LONGEST]


def _level(event: Event) -> str:
    match event.kind:
        case "log":
            return {"warn": "warning", "trace": "debug"}.get(level := _text(event.data.get("level")), level) or "info"
        case "warning" | "retry" | "events_dropped":
            return "warning"
        case "error" | "limit_reached":
            return "error"
        case "output":
            return "error" if event.data.get("stream") in ("err", "stderr") else "info"
        case _:
            return "info"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else brief(value)
