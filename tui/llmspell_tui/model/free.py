"""The calls of a run that were answered from another run's recording: which they are, and what they would have cost;
and those that a person had edited."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from llmspell.events.event import Event


class FreeCalls:
    """In the order of their ends. By span number. edited: of calls that were edited, by span number."""

    def __init__(self) -> None:
        self._seqs = array("Q")
        self._models = array("I")  # how many model calls so far
        self._saved = array("d")  # US dollars so far
        self._numbers: set[int] = set()
        self.edited: set[int] = set()

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    def __len__(self) -> int:
        return len(self._seqs)

    def add(self, event: Event) -> None:
        """An end event; of others than free and edited calls nothing is kept."""
        if event.data.get("edited"):
            self.edited.add(event.span)
        if event.data.get("from_recording") is True:
            self.put(event.seq, event.span, event.kind, event.data.get("recorded_usage"))

    def put(self, seq: int, number: int, kind: str, usage: Any) -> None:
        cost = usage.get("cost") if isinstance(usage, Mapping) else None
        models, saved = (self._models[-1], self._saved[-1]) if self._seqs else (0, 0.0)
        self._seqs.append(seq)
        self._models.append(models + (kind == "llm_call_completed"))
        self._saved.append(saved + (cost if isinstance(cost, int | float) else 0.0))
        self._numbers.add(number)

    def calls(self, moment: int | None = None) -> int:
        """Model calls that were free, up to a moment."""
        upto = self._upto(moment)
        return self._models[upto - 1] if upto else 0

    def tools(self, moment: int | None = None) -> int:
        """Tool calls that were not made again, up to a moment."""
        return self._upto(moment) - self.calls(moment)

    def saved(self, moment: int | None = None) -> float:
        """US dollars that were not paid again."""
        upto = self._upto(moment)
        return self._saved[upto - 1] if upto else 0.0

    def _upto(self, moment: int | None) -> int:
        return len(self._seqs) if moment is None else bisect_right(self._seqs, moment)
