"""Two stored runs, read to be compared. Blocking: called in a thread. Raises StoreError."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.reader import RunFile
from llmspell_tui.feed.payload import Payloads, SpanPayload
from llmspell_tui.feed.source import page_of
from llmspell_tui.model.diff import Diff, diff, diverge
from llmspell_tui.model.run import RunModel

#: Events folded between two reports.
_STRETCH: Final = 2_000

Report = Callable[[int, int], bool]
"""Called with how many events of how many have been read; False stops."""


class Stopped(Exception):
    """Nobody wants the comparison any more."""


@frozen
class Compared:
    """left, right: the runs as they were when they were read."""

    left: RunModel
    right: RunModel
    result: Diff


class Comparison:
    """Two runs by their files: what differs, and what a pair of spans was given and gave."""

    def __init__(self, left: Path, right: Path) -> None:
        self.paths = (left, right)
        self._payloads = (Payloads(left), Payloads(right))

    def close(self) -> None:
        for payloads in self._payloads:
            payloads.close()

    def read(self, report: Report) -> Compared:
        """Raises Stopped."""
        with RunFile(self.paths[0]) as one, RunFile(self.paths[1]) as other:
            total = one.last_seq() + other.last_seq()
            left = _folded(one, 0, total, report)
            right = _folded(other, left.events, total, report)
            divergence = diverge(one.events(), other.events())
        return Compared(left, right, diff(left, right, divergence))

    def span(self, side: int, model: RunModel, i: int) -> SpanPayload:
        """side: 0 for the left run, 1 for the right one. i: the span by index."""
        return self._payloads[side].span(model.spans.number(i), model.spans.first(i), model.spans.last(i))


def _folded(file: RunFile, before: int, total: int, report: Report) -> RunModel:
    meta = file.meta()
    model = RunModel(meta.id, meta.label)
    for stretch in _stretches(file):
        model.add(stretch)
        if not report(before + model.events, total):
            raise Stopped
    model.take(page_of(meta, model.seq))
    return model


def _stretches(file: RunFile) -> Iterator[list[Event]]:
    first = 1
    while events := file.some_events(first, None, _STRETCH):
        yield events
        first = events[-1].seq + 1
