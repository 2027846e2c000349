"""Two runs side by side: where they first differ, their spans in rows beside each other, prompts line by line, totals.

Times and numbers of events are not what makes runs differ, nor what was answered from a recording at no cost; spans are
paired by their place in the structure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Final, Literal

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.compare import Divergence, first_divergence
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.spans import SpanTable

#: Siblings up to which the best pairing is sought; the search is quadratic.
_MATCHED: Final = 400
#: Lines of a prompt, likewise.
_LINES: Final = 4000

Sign = Literal["same", "changed", "left", "right"]


@frozen
class Totals:
    """duration: ms, None while it runs."""

    status: str
    events: int
    spans: int
    calls: int
    errors: int
    tokens: int
    cost: float | None
    duration: float | None


@frozen
class DiffRow:
    """A span of each run by index, None where it has no counterpart. sign: `changed` where its status, error or figures
    differ; differs_within: something inside it does."""

    depth: int
    left: int | None
    right: int | None
    sign: Sign
    differs_within: bool


@frozen
class DiffLine:
    """A line of a text beside its counterpart; None where there is none."""

    left: str | None
    right: str | None
    sign: Sign


@frozen
class Diff:
    """divergence: the first pair of events that differ; None where there is none or it was not looked for."""

    left: Totals
    right: Totals
    rows: tuple[DiffRow, ...]
    divergence: Divergence | None

    @property
    def first_row(self) -> int | None:
        """The row of the divergence: where to look first."""
        return next((y for y, row in enumerate(self.rows) if row.sign != "same"), None)


def diff(left: RunModel, right: RunModel, divergence: Divergence | None = None) -> Diff:
    """divergence: as `diverge` found it in the runs' events."""
    rows: list[DiffRow] = []
    _pair(left, right, rows)
    return Diff(totals(left), totals(right), tuple(rows), divergence)


def diverge(left: Iterable[Event], right: Iterable[Event]) -> Divergence | None:
    """The first difference of two runs' events; None for runs in which the same happened in the same order."""
    return first_divergence(left, right)


def totals(model: RunModel) -> Totals:
    spans = model.spans
    duration = None if model.ended is None else model.ended - model.began
    return Totals(model.status, model.events, len(spans), model.calls, model.errors, model.tokens, model.cost, duration)


def side_by_side(left: str, right: str) -> list[DiffLine]:
    """Two prompts, line by line."""
    one, other = left.split("\n"), right.split("\n")
    found: list[DiffLine] = []
    for tag, first, last, begin, end in _blocks(one, other, _LINES):
        if tag == "equal":
            found += [DiffLine(line, line, "same") for line in one[first:last]]
            continue
        for at in range(max(last - first, end - begin)):
            old = one[first + at] if first + at < last else None
            new = other[begin + at] if begin + at < end else None
            sign: Sign = "right" if old is None else "left" if new is None else "changed"
            found.append(DiffLine(old, new, sign))
    return found


def _pair(left_run: RunModel, right_run: RunModel, rows: list[DiffRow]) -> None:
    """Rows in the order of the left run, with what only the right one has where it would stand. Without recursion."""
    one, other = left_run.spans, right_run.spans
    waiting: list[tuple[int, int, int] | None] = []
    waiting.extend(reversed(_paired(one, other, 0, 0, 0)))
    open_rows: list[int] = []
    while waiting:
        item = waiting.pop()
        if item is None:
            _close(rows, open_rows)
            continue
        left, right, depth = item
        sign = _sign(left_run, right_run, left - 1, right - 1)
        rows.append(DiffRow(depth, left - 1 if left else None, right - 1 if right else None, sign, False))
        open_rows.append(len(rows) - 1)
        waiting.append(None)
        waiting.extend(reversed(_paired(one, other, left, right, depth + 1)))


def _close(rows: list[DiffRow], open_rows: list[int]) -> None:
    """A row's inner ones are complete: the row around it learns whether they differ."""
    row = rows[open_rows.pop()]
    if open_rows and (row.sign != "same" or row.differs_within):
        outer = rows[open_rows[-1]]
        rows[open_rows[-1]] = DiffRow(outer.depth, outer.left, outer.right, outer.sign, True)


def _paired(one: SpanTable, other: SpanTable, left: int, right: int, depth: int) -> list[tuple[int, int, int]]:
    """The children of two nodes, in pairs; 0 for none. A node 0 at depth above 0 has no children."""
    lefts = [*one.outline.children(left)] if left or not depth else []
    rights = [*other.outline.children(right)] if right or not depth else []
    words = [_word(one, node - 1) for node in lefts], [_word(other, node - 1) for node in rights]
    found: list[tuple[int, int, int]] = []
    for tag, first, last, begin, end in _blocks(*words, _MATCHED):
        if tag == "equal":
            found += [(a, b, depth) for a, b in zip(lefts[first:last], rights[begin:end])]
        else:
            found += [(a, 0, depth) for a in lefts[first:last]]
            found += [(0, b, depth) for b in rights[begin:end]]
    return found


def _word(spans: SpanTable, i: int) -> str:
    """A spell is the same one by whatever path it was started."""
    return "spell" if spans.parent(i) is None and spans.kind(i) == "spell" else spans.word(i)


def _blocks(one: Sequence[str], other: Sequence[str], most: int) -> list[tuple[str, int, int, int, int]]:
    """Equal and differing stretches; of long ones only what begins and ends them alike is looked for."""
    begin = 0
    while begin < min(len(one), len(other)) and one[begin] == other[begin]:
        begin += 1
    tail = 0
    while tail < min(len(one), len(other)) - begin and one[-1 - tail] == other[-1 - tail]:
        tail += 1
    first, second = one[begin : len(one) - tail], other[begin : len(other) - tail]
    found: list[tuple[str, int, int, int, int]] = [("equal", 0, begin, 0, begin)]
    if max(len(first), len(second)) <= most:
        codes = SequenceMatcher(None, first, second, autojunk=False).get_opcodes()
        found += [(tag, begin + a, begin + b, begin + c, begin + d) for tag, a, b, c, d in codes]
    else:
        found.append(("replace", begin, begin + len(first), begin, begin + len(second)))
    found.append(("equal", len(one) - tail, len(one), len(other) - tail, len(other)))
    return [block for block in found if block[1] < block[2] or block[3] < block[4]]


def _sign(left_run: RunModel, right_run: RunModel, left: int, right: int) -> Sign:
    if left < 0:
        return "right"
    if right < 0:
        return "left"
    one, other = left_run.spans, right_run.spans
    same = one.status(left) == other.status(right) and one.error(left) == other.error(right)
    if same and one.number(left) not in left_run.free and other.number(right) not in right_run.free:
        same = one.own_tokens(left) == other.own_tokens(right) and one.own_cost(left) == other.own_cost(right)
    return "same" if same else "changed"
