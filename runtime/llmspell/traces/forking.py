"""What of a stored run another one repeats before it goes its own way from one of its events on.

Knows recordings; whether the spell is still the same, and what becomes of an edit, is others' business.
"""

from __future__ import annotations

from array import array
from pathlib import Path

from llmspell.errors import ReplayError, UsageError
from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.meta import RUNNING
from llmspell.traces.reader import RunFile
from llmspell.traces.recording import Recording, Unpack
from llmspell.traces.resuming import cut_before
from llmspell.traces.spans import Span

_CALLS = {"llm_call": "llm", "tool": "tool"}


@frozen
class Forked:
    """recording: up to event `seq`. call: the span of the call whose start that event is; None where it is none.
    undone: changes of the state that the recorded run made after it, newest first."""

    recording: Recording
    seq: int
    call: Span | None
    undone: tuple[Event, ...]


def parted(name: str) -> tuple[str, int]:
    """The run and the event of `RUN@SEQ`. Raises UsageError."""
    run, at, seq = name.rpartition("@")
    if not at or not run or not seq.isdecimal() or int(seq) < 1:
        raise UsageError(
            f"--fork {name!r} names no event", hint="RUN@SEQ, such as last@12: `llmspell trace export RUN`"
        )
    return run, int(seq)


def forked(path: Path, seq: int, unpack: Unpack | None = None, *, edits: bool = False) -> Forked:
    """The recording of a run as it was at an event; what was answered after that is asked anew.

    edits: a call is edited there: that of the event, or the first one inside the event's span from there on; the
    recording then ends where it began.
    Raises ReplayError for an event that there is not, for a run under way and one that kept no content, UsageError
    where there is no call to edit; StoreError for a damaged file.
    """
    whole = Recording.load(path, unpack)
    meta = whole.meta
    with RunFile(path) as file:
        last = file.last_seq()
        if not 1 <= seq <= last:
            raise ReplayError(
                f"run {meta.id} has no event {seq}",
                hint=f"its events are 1 to {last}: `llmspell trace export {meta.id}`",
            )
        if meta.current_status == RUNNING:
            raise ReplayError(f"run {meta.id} is under way", hint="fork it when it has ended, or cancel it first")
        call = _call(file, seq, inside=edits)
        if edits:
            if call is None:
                raise UsageError(
                    f"event {seq} of run {meta.id} is in no model or tool call, and none comes after it there",
                    hint="name an event of the call that is to be edited",
                )
            seq = call.first
        marks = file.marks()
        undone = tuple(file.events(seq + 1, kind="state_changed"))[::-1]
    if len(marks.seqs) != len(whole.admissions) or len(marks.answers) != len(whole.rows):
        raise ReplayError(f"run {meta.id} is damaged: its inputs and their places do not match")
    kept = cut_before(whole, marks, seq)
    kept.free = {row.span for row in kept.rows if row.kind in _CALLS.values() and row.ok}
    return Forked(kept, seq, call, undone)


def up_to_now(times: array[float], now: float) -> array[float]:
    """Recorded times moved so that the last one is now: what follows live stands right behind them."""
    if not times:
        return times
    later = now - times[-1]
    return array("d", [time + later for time in times])


def _call(file: RunFile, seq: int, *, inside: bool) -> Span | None:
    """The call that an event is of; inside: else the first one that begins there or later within its span."""
    event = next(file.events(seq, seq))
    spans = {span.number: span for span in file.spans()}
    around = spans.get(event.span)
    while around is not None:
        if around.kind in _CALLS:
            return around if inside or around.first == seq else None
        if not inside:
            return None
        around = spans.get(around.parent) if around.kind == "hook" else None
    for span in sorted(spans.values(), key=lambda each: each.first):
        if span.first >= seq and span.kind in _CALLS and _is_within(span, event.span, spans):
            return span
    return None


def _is_within(span: Span, outer: int, spans: dict[int, Span]) -> bool:
    above: Span | None = span
    while above is not None:
        if above.number == outer:
            return True
        above = spans.get(above.parent)
    return False
