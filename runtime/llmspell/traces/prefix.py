"""A stored run as what another run of the same spell, perhaps edited, begins with: its answers by where and what.

Where: the spans around the request, each by its kind, its name and which of that name it is in the one around it; so
neither lines nor the numbers of spans matter. What: the hash of the canonical input. Of equal requests in one place,
the first is answered as the first was. Knows no run under way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.describe import masked
from llmspell.traces.keys import key
from llmspell.traces.log import RUN_SPAN
from llmspell.traces.meta import RunMeta
from llmspell.traces.reader import Marks, RunFile
from llmspell.traces.recording import Recording, Row, Unpack
from llmspell.traces.resuming import last_failed

#: Kinds that are read as they are now, for they are the spell, its hooks and its settings.
NOW: Final = frozenset({"module", "prompt", "model", "providers", "hook_files", "hook_file", "hook", "events"})
#: Kinds that are read at once and give something else each time.
DRAWN: Final = frozenset({"random", "clock"})
#: Kinds of records that are no answers.
_NONE: Final = frozenset({"part", "end", "over", "opened"})

#: First letters of the keys of what workers send.
_FRAMES: Final = ("w", "h")

Start = tuple[int, int, str, str]
"""A span as it began: its number, its parent's, the kind of its first event, its name."""


@frozen
class Found:
    """A recorded answer. steps: where it came among the inputs; an answer in pieces has one for each piece and one for
    its end; none: it never came. error: whether `output` is one."""

    steps: tuple[int, ...]
    output: Any
    error: bool


class Prefix:
    """The answers of one recording, each given once; and where in the present run its spans are."""

    def __init__(
        self,
        recording: Recording,
        starts: Iterable[Start],
        marks: Marks,
        mask: Callable[[str], str] = lambda text: text,
    ) -> None:
        """starts: the recorded run's spans as they began. marks: where its answers stand among its inputs. mask: hides
        secrets in a text, as when it was recorded."""
        self.meta: RunMeta = recording.meta
        self.clock = recording.clock
        self._recording = recording
        self._mask = mask
        self._ids: dict[tuple[int, str, str, int], int] = {}
        self._rows: dict[tuple[int, str, str, str | int], list[int]] = {}
        self._used: Counter[tuple[int, str, str, str | int]] = Counter()
        recorded = _Places(self._ids)
        for start in starts:
            recorded.begin(*start)
        failed = last_failed(recording) if recording.meta.status == "error" else None
        places: dict[str, int] = {}
        for place, (row, (number, _)) in enumerate(zip(recording.rows, marks.answers, strict=True)):
            if row.kind in NOW or row.kind in _NONE:
                continue
            what = row.occurrence if row.kind == "timer" and row.name == "deadline" else row.key
            found = self._rows.setdefault((recorded.of(row.span), row.kind, row.name, what), [])
            found.append(-1 if place == failed else place)  # what ended the run is asked again
            if place != failed and row.kind not in DRAWN and (row.ok or self._status(row) == "error"):
                places[f"e{number}"] = place
        self._steps: dict[int, list[int]] = {}
        self._order: list[int] = []
        self._frames = [0]
        for step, admitted in enumerate(recording.admissions):
            self._frames.append(self._frames[-1] + (admitted[:1] in _FRAMES))
            if (place := places.get(admitted)) is not None:
                self._steps.setdefault(place, []).append(step)
                self._order.append(step)
        self._next = 0
        self._present = _Places(self._ids)

    @staticmethod
    def load(path: Path, unpack: Unpack, mask: Callable[[str], str] = lambda text: text) -> Prefix:
        """Reads a run's file. Raises StoreError for a damaged one, ReplayError for a run that kept no content."""
        recording = Recording.load(path, unpack)
        with RunFile(path) as file:
            return Prefix(recording, file.starts(), file.marks(), mask)

    def begin(self, event: Event) -> None:
        """A sink of the present run's events: its spans as they begin."""
        if event.phase == "start":
            self._present.begin(event.span, event.parent, event.kind, event.name)

    def take(self, span: int, kind: str, name: str, input: Any, occurrence: int = 0) -> Found | None:
        """The answer to a request that the present run makes in a span. occurrence: of a deadline in its span.

        None: there was no such request, or its answer held a secret, or it is what the recorded run failed of.
        """
        slot = self._slot(span, kind, name, input, occurrence)
        number = self._used[slot]
        self._used[slot] += 1
        return self._found(slot, number)

    def has(self, span: int, kind: str, name: str, input: Any) -> bool:
        """Whether `take` would now give an answer that came."""
        slot = self._slot(span, kind, name, input, 0)
        found = self._found(slot, self._used[slot])
        return found is not None and bool(found.steps)

    @property
    def next(self) -> int | None:
        """The first step that has not been passed; None behind the last one."""
        return self._order[self._next] if self._next < len(self._order) else None

    def frames(self, step: int) -> int:
        """How many frames of workers the recorded run had let in before it."""
        return self._frames[step]

    def passed(self, step: int) -> None:
        """It was taken; those before it that nobody asked for will not be waited for."""
        while self._next < len(self._order) and self._order[self._next] <= step:
            self._next += 1

    def _slot(self, span: int, kind: str, name: str, input: Any, occurrence: int) -> tuple[int, str, str, str | int]:
        what: str | int = occurrence or key(kind, name, masked(input, self._mask))
        return (self._present.of(span), kind, name, what)

    def _found(self, slot: tuple[int, str, str, str | int], number: int) -> Found | None:
        rows = self._rows.get(slot, ())
        if number >= len(rows) or (place := rows[number]) < 0:
            return None
        row = self._recording.rows[place]
        try:
            status, output, *hidden = self._recording.unpacked(row)
        except (ValueError, TypeError):
            return None
        if hidden:
            return None
        return Found(tuple(self._steps.get(place, ())), output, status == "error")

    def _status(self, row: Row) -> str:
        try:
            return str(self._recording.unpacked(row)[0])
        except (ValueError, TypeError, IndexError):
            return "pending"


class _Places:
    """Where the spans of one run are, as numbers that both runs share."""

    def __init__(self, ids: dict[tuple[int, str, str, int], int]) -> None:
        self._ids = ids
        self._of: dict[int, int] = {RUN_SPAN: 0}
        self._counts: Counter[tuple[int, str, str]] = Counter()

    def begin(self, span: int, parent: int, kind: str, name: str) -> None:
        if span == RUN_SPAN:
            return
        above = self._of.get(parent, 0)
        count = self._counts[above, kind, name]
        self._counts[above, kind, name] += 1
        self._of[span] = self._ids.setdefault((above, kind, name, count), len(self._ids) + 1)

    def of(self, span: int) -> int:
        return self._of.get(span, 0)
