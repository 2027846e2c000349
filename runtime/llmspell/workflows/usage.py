"""Tokens and dollars that a stretch of a run takes, counted from its events: every model call inside a span.

Knows no agent: an `llm_call_completed` event says what it used.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llmspell.events.event import Event
from llmspell.run import Run
from llmspell.traces.spans import usage_of


@dataclass(slots=True)
class Usage:
    """What has been used so far. calls: answers of models."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    calls: int = 0

    def to_value(self) -> dict[str, Any]:
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total": self.input_tokens + self.output_tokens,
            "cost": self.cost,
            "calls": self.calls,
        }


class Meter:
    """One a run (`run.service(Meter, Meter)`). Follows spans only while somebody counts."""

    def __init__(self, run: Run) -> None:
        self._counted: dict[int, Usage] = {}
        self._parents: dict[int, int] = {}
        run.log.attach(self._heard)

    @contextmanager
    def counting(self, span: int) -> Generator[Usage]:
        """What is used inside the span from here on."""
        found = self._counted[span] = Usage()
        try:
            yield found
        finally:
            del self._counted[span]
            if not self._counted:
                self._parents.clear()

    def _heard(self, event: Event) -> None:
        if not self._counted:
            return
        if event.phase == "start":
            self._parents[event.span] = event.parent
        elif event.phase == "end":
            if event.kind == "llm_call_completed":
                self._add(event)
            self._parents.pop(event.span, None)

    def _add(self, event: Event) -> None:
        inputs, outputs, cost = usage_of(event.data)
        span: int | None = event.span
        while span is not None:
            if (found := self._counted.get(span)) is not None:
                found.input_tokens += inputs
                found.output_tokens += outputs
                found.cost += cost or 0.0
                found.calls += 1
            span = self._parents.get(span)
