"""A stored run as what another run of the same spell, perhaps edited, begins with: its answers by where and what.

Where: the spans around the request, each by its kind, its name (not that of a model) and which of that name it is in
the one around it; so neither lines nor the numbers of spans matter. What: the hash of the canonical input. Of equal
requests in one place, the first is answered as the first was. A call that asks something else than the recorded one in
its place has no answer, but that one's turn (`guide`). Knows no run under way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.describe import masked
from llmspell.traces.guide import Place
from llmspell.traces.keys import key
from llmspell.traces.log import RUN_SPAN
from llmspell.traces.meta import RunMeta
from llmspell.traces.reader import Marks, RunFile
from llmspell.traces.recording import Recording, Row, Unpack
from llmspell.traces.resuming import last_failed
from llmspell.traces.sequencer import FRAMES

#: Kinds that are asked as they are now, for they are the spell, its hooks, its settings, and who attends it.
NOW: Final = frozenset(
    {"module", "prompt", "model", "providers", "hook_files", "hook_file", "hook", "events", "approval"}
)
#: Kinds that are read at once and give something else each time.
DRAWN: Final = frozenset({"random", "clock"})
#: Kinds of calls, which have a span of their own.
CALLS: Final = frozenset({"llm", "tool"})
#: What is recorded of a time limit only when it is reached: those of one place are told apart by their number.
_LIMIT: Final = ("timer", "deadline")
#: Kinds of records that are no answers.
_NONE: Final = frozenset({"part", "end", "over", "opened", "control"})

Start = tuple[int, int, str, str]
"""A span as it began: its number, its parent's, the kind of its first event, its name."""
_Slot = tuple[int, str, str, str]


@frozen
class Found:
    """A recorded answer. error: whether `output` is one. came: whether it had come to its end; of an answer in pieces
    that had not, `output` has those that had come."""

    output: Any
    error: bool
    came: bool


@frozen
class Match:
    """What of the recording a request meets. turn: the key under which it was let in, "" for none; found: its answer,
    None where that is to be asked for."""

    turn: str
    found: Found | None


NOTHING: Final = Match("", None)


class Prefix:
    """The answers of one recording, each given once; and where in the present run its spans are."""

    def __init__(
        self,
        recording: Recording,
        starts: Iterable[Start],
        marks: Marks,
        printed: Iterable[int],
        mask: Callable[[str], str] = lambda text: text,
    ) -> None:
        """starts: the recorded run's spans as they began. marks: where its answers stand among its inputs. printed: the
        numbers of its events of output. mask: hides secrets in a text, as when it was recorded."""
        self.meta: RunMeta = recording.meta
        self.clock = recording.clock
        self.order = _order(recording.admissions, marks, {*printed})
        self._recording = recording
        self._mask = mask
        ids: dict[tuple[int, str, str, int], int] = {}
        self._present, recorded = _Places(ids), _Places(ids)
        self._numbers = [number for number, _ in marks.answers]
        self._rows: dict[_Slot, list[int]] = {}
        self._calls: dict[tuple[int, str], list[int]] = {}
        self._models: dict[tuple[str, str], Any] = {}
        self._used: Counter[_Slot] = Counter()
        self._taken: set[int] = set()
        self._left: Counter[str] = Counter()  # answers of calls that were not given, by strand
        for start in starts:
            recorded.begin(*start)
        self._failed = last_failed(recording) if recording.meta.status == "error" else None
        for place in sorted(range(len(recording.rows)), key=self._numbers.__getitem__):  # as they were asked for
            row = recording.rows[place]
            if row.kind == "model":
                self._models[row.name, row.key] = place
            if row.kind in NOW or row.kind in _NONE:
                continue
            what = f"{row.key} {row.occurrence}" if (row.kind, row.name) == _LIMIT else row.key
            self._rows.setdefault((recorded.of(row.span), row.kind, row.name, what), []).append(place)
            if row.kind in CALLS:
                self._calls.setdefault((recorded.of(row.span), row.kind), []).append(place)
                self._left[recorded.strand(row.span)] += 1

    @staticmethod
    def load(path: Path, unpack: Unpack, mask: Callable[[str], str] = lambda text: text) -> Prefix:
        """Reads a run's file. Raises StoreError for a damaged one, ReplayError for a run that kept no content."""
        recording = Recording.load(path, unpack)
        with RunFile(path) as file:
            printed = [event.seq for event in file.events(kind="output")]
            return Prefix(recording, file.starts(), file.marks(), printed, mask)

    def begin(self, event: Event) -> None:
        """A sink of the present run's events: its spans as they begin."""
        if event.phase == "start":
            self._present.begin(event.span, event.parent, event.kind, event.name)

    # -- what is asked -------------------------------------------------------------------------------------------

    def match(self, span: int, kind: str, name: str, input: Any, occurrence: int) -> Match:
        """What meets a request that the present run makes in a span. occurrence: of a deadline in its span.

        Nothing is found where there was no such request, where its answer held a secret, and of what the recorded run
        failed of.
        """
        slot = self._slot(span, kind, name, input, occurrence)
        place = self._next(slot)
        self._used[slot] += 1
        found = None if place is None else self._found(place)
        if place is None and kind in CALLS:
            others = self._calls.get((self._present.of(span), kind), ())
            place = next((other for other in others if other not in self._taken), None)
        if place is None:
            return NOTHING
        self._taken.add(place)
        return Match(f"e{self._numbers[place]}", found)

    def has(self, span: int, kind: str, name: str, input: Any) -> bool:
        """Whether `match` would now find something."""
        place = self._next(self._slot(span, kind, name, input, 0))
        return place is not None and self._found(place) is not None

    def model(self, name: str, input: Any) -> Any:
        """What the model of this name and input was; None where it was not asked for."""
        place = self._models.get((self._mask(name), key("model", name, masked(input, self._mask))))
        found = None if place is None else self._found(place)
        return None if found is None or found.error else found.output

    # -- where it is asked ---------------------------------------------------------------------------------------

    def strand(self, span: int) -> str:
        """Whose work it is in the present run: the name of the innermost agent around, "" for the spell's own."""
        return self._present.strand(span)

    def gave(self, span: int) -> None:
        """A call in a span was answered from here."""
        self._left[self.strand(span)] -= 1

    def has_left(self, changed: Collection[str]) -> bool:
        """Whether there are answers of calls that were not given, in strands other than these."""
        return any(count > 0 and strand not in changed for strand, count in self._left.items())

    def _slot(self, span: int, kind: str, name: str, input: Any, occurrence: int) -> _Slot:
        what = key(kind, name, masked(input, self._mask))
        if (kind, name) == _LIMIT:
            what = f"{what} {occurrence}"
        return (self._present.of(span), kind, name, what)

    def _next(self, slot: _Slot) -> int | None:
        rows, number = self._rows.get(slot, ()), self._used[slot]
        return rows[number] if number < len(rows) else None

    def _found(self, place: int) -> Found | None:
        if place == self._failed:
            return None  # what ended the run is asked again
        row: Row = self._recording.rows[place]
        try:
            status, output, *hidden = self._recording.unpacked(row)
        except (ValueError, TypeError):
            return None
        return None if hidden else Found(output, status == "error", status in ("ok", "error"))


def _order(admissions: list[str], marks: Marks, printed: set[int]) -> list[Place]:
    """The recorded order, with the sorts of the frames as they can be told from what came of each."""
    tells = {
        place
        for place, (seq, then) in enumerate(zip(marks.seqs, [*marks.seqs[1:], None]))
        if seq + 1 in printed and seq != then
    }
    clocks = {admitted - 1 for admitted, _ in marks.clock}
    return [
        (key, "" if key[:1] not in FRAMES else "tell" if place in tells else "clock" if place in clocks else "")
        for place, key in enumerate(admissions)
    ]


class _Places:
    """Where the spans of one run are, as numbers that both runs share."""

    def __init__(self, ids: dict[tuple[int, str, str, int], int]) -> None:
        self._ids = ids
        self._of: dict[int, int] = {RUN_SPAN: 0}
        self._strands: dict[int, str] = {}
        self._counts: Counter[tuple[int, str, str]] = Counter()

    def begin(self, span: int, parent: int, kind: str, name: str) -> None:
        if span == RUN_SPAN:
            return
        named = "" if kind == "llm_call_started" else name
        above = self._of.get(parent, 0)
        count = self._counts[above, kind, named]
        self._counts[above, kind, named] += 1
        self._of[span] = self._ids.setdefault((above, kind, named, count), len(self._ids) + 1)
        self._strands[span] = name if kind == "execution_started" else self._strands.get(parent, "")

    def of(self, span: int) -> int:
        return self._of.get(span, 0)

    def strand(self, span: int) -> str:
        return self._strands.get(span, "")
