"""What of a stored run another process goes on from: how far its recording is whole, and where its end is cut away.

A run whose host died is gone on from where its file ends; one that was cancelled or stopped by a limit from where that
came; one that failed from just before the last thing it asked for that failed. Knows no run under way.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from llmspell.errors import ReplayError
from llmspell.frozen import frozen
from llmspell.traces.meta import LOST, RUNNING, RunMeta
from llmspell.traces.reader import Marks, RunFile
from llmspell.traces.recording import Recording, Row, Unpack

#: The kind of record that holds some pieces of an answer under way; its name is the answer's key.
_PART: Final = "part"


@frozen
class _Cut:
    """Inputs, answers and events that are kept: as many from the beginning."""

    inputs: int
    answers: int
    events: int


def resumable(path: Path, unpack: Unpack | None = None) -> Recording:
    """The recording of a run, as far as it is gone on from.

    Raises ReplayError for a run that cannot be: it has ended well, is under way, or failed by itself; StoreError for a
    damaged file.
    """
    whole = Recording.load(path, unpack)
    meta = whole.meta
    match meta.current_status:
        case "ok":
            raise ReplayError(
                f"run {meta.id} has ended well: there is nothing to resume", hint=f"to see it again: --replay {meta.id}"
            )
        case status if status == RUNNING:
            raise ReplayError(f"run {meta.id} is under way", hint=f"llmspell trace follow {meta.id}")
        case _:
            pass
    if meta.resumed and not any(row.kind == "opened" for row in whole.rows):
        # It ended before it held all that the run did which it goes on from.
        return resumable(path.with_name(f"{meta.parent}.db"), unpack)
    with RunFile(path) as file:
        marks = file.marks()
    if len(marks.seqs) != len(whole.admissions) or len(marks.answers) != len(whole.rows):
        raise ReplayError(f"run {meta.id} is damaged: its inputs and their places do not match")
    return _kept(whole, marks, _known(whole, marks, _cut(whole, marks)))


def cut_before(whole: Recording, marks: Marks, seq: int) -> Recording:
    """What there was when event `seq` came: inputs let in before it, with all that they set going."""
    everything = _Cut(len(whole.admissions), len(whole.rows), len(whole.times))
    place = next((place for place, at in enumerate(marks.seqs) if at >= seq), everything.inputs)
    return _kept(whole, marks, _known(whole, marks, _before(place, everything, marks)))


def changed_text(recording: Recording, spell: Path, mask: Callable[[str], str]) -> str:
    """The first file that the run loaded and whose text is another one now, as it was called then; "" for none."""
    meta = recording.meta
    relative = str(spell).removesuffix(meta.label) if str(spell).endswith(meta.label) else ""
    for row in recording.rows:
        if row.kind not in ("module", "hook_files") or not row.ok:
            continue
        _, output, *_ = recording.unpacked(row)
        for file in output["files"] if row.kind == "hook_files" else [output]:
            path = Path(relative, file.get("path") or file.get("label", ""))
            if "source" in file and not _is_still(path, file["source"], mask):
                return file["label"]
    return ""


def _is_still(path: Path, source: str, mask: Callable[[str], str]) -> bool:
    try:
        data = path.read_bytes()
    except OSError:
        return False
    texts = (data.decode(encoding, "replace") for encoding in ("utf-8", "utf-8-sig"))
    return any(source in (text, mask(text)) for text in texts)


# -- where it is cut -----------------------------------------------------------------------------------------------


def _cut(whole: Recording, marks: Marks) -> _Cut:
    rows, order = whole.rows, whole.admissions
    everything = _Cut(len(order), len(rows), len(whole.times))
    if whole.meta.current_status == LOST:
        return everything
    if "x" in order:
        return _before(order.index("x"), everything, marks)
    over = next((place for place, row in enumerate(rows) if row.kind == "over"), None)
    if whole.meta.status != "error":
        return everything if over is None else _Cut(marks.answers[over][1], over, rows[over].seq)
    failed = last_failed(whole)
    if failed is None:
        raise ReplayError(
            f"run {whole.meta.id} failed in the spell itself: it would fail again",
            hint="mend the spell and run it; `llmspell trace show` shows where it failed",
        )
    number, admitted = marks.answers[failed]
    if (key := f"e{number}") in order:
        return _before(order.index(key), everything, marks)
    return _Cut(admitted, failed, rows[failed].seq)  # it was not waited for: nothing had to be let in


def _before(place: int, everything: _Cut, marks: Marks) -> _Cut:
    """What there was before an input was let in."""
    if place >= everything.inputs:
        return everything
    answers = sum(1 for _, admitted in marks.answers if admitted <= place)
    return _Cut(place, min(answers, everything.answers), min(marks.seqs[place], everything.events))


def last_failed(whole: Recording) -> int | None:
    """The place among the answers of the failure that ended the run; None where a step was completed since."""
    for place in range(len(whole.rows) - 1, -1, -1):
        row = whole.rows[place]
        if row.kind == "checkpoint" and row.ok:
            return None
        if row.kind == "timer" and row.name == "deadline":
            return place
        if not row.ok and _status(whole, row) == "error":
            return place
    return None


def _status(whole: Recording, row: Row) -> str:
    try:
        return whole.unpacked(row)[0]
    except (ValueError, TypeError, IndexError):
        return ""


def _known(whole: Recording, marks: Marks, cut: _Cut) -> _Cut:
    """Up to the first input whose answer is not recorded: it was let in, and then the host died."""
    ended, pieces = _ended(whole, marks, cut), _pieces(whole, marks)
    come: Counter[int] = Counter()
    for place, key in enumerate(whole.admissions[: cut.inputs]):
        if not key.startswith("e") or not key[1:].isdigit():
            continue
        number = int(key[1:])
        come[number] += 1
        if number not in ended and come[number] > len(pieces.get(number, ())):
            return _before(place, cut, marks)
    return cut


def _ended(whole: Recording, marks: Marks, cut: _Cut) -> set[int]:
    """The numbers of the requests whose answers are kept."""
    return {number for (number, _), row in zip(marks.answers[: cut.answers], whole.rows) if row.kind != _PART}


def _pieces(whole: Recording, marks: Marks) -> dict[int, list[Any]]:
    """What has come of answers in pieces, by the number of their request."""
    found: dict[int, list[Any]] = {}
    for (number, _), row in zip(marks.answers, whole.rows):
        if row.kind == _PART:
            found.setdefault(number, []).extend(whole.unpacked(row)[1])
    return found


def _kept(whole: Recording, marks: Marks, cut: _Cut) -> Recording:
    order = whole.admissions[: cut.inputs]
    ended, come = _ended(whole, marks, cut), Counter(order)
    pieces = {f"e{number}": found for number, found in _pieces(whole, marks).items() if number not in ended}
    begun = {key: found[: come[key]] for key, found in pieces.items() if come[key]}
    for (number, _), row in zip(marks.answers, whole.rows):
        if row.kind == _PART and f"e{number}" in begun and len(whole.unpacked(row)) > 2:
            what = "was being answered with a secret, which its recording does not hold: it cannot be resumed"
            raise ReplayError(f"run {whole.meta.id} {what}", hint="run the spell from its beginning")
    rows = [row for row in whole.rows[: cut.answers] if row.kind not in (_PART, "end", "over", "opened")]
    clock = sum(size for admitted, size in marks.clock if admitted <= cut.inputs)
    meta: RunMeta = dataclasses.replace(whole.meta, status=LOST)
    return Recording(
        meta,
        rows,
        times=whole.times[: cut.events],
        admissions=order,
        clock=whole.clock[:clock],
        unpack=whole.unpack,
        begun=begun,
        free=whole.free,
    )
