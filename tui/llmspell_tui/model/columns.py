"""The spans of a run in columns by index, 0 to n - 1 in the order in which they began. Knows no row and no moment.

90 bytes a span: numbers and times in arrays, texts by number. Figures of a span are its own and, kept up to date as
spans end, those with everything inside it.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from llmspell.events.event import Event
from llmspell.traces.spans import Span, span_kind
from llmspell_tui.model.figures import Figures, packed
from llmspell_tui.model.names import Names
from llmspell_tui.model.outline import Outline
from llmspell_tui.model.updates import SpanRows

#: The largest number of an event or span that the columns hold; a run's file is full long before.
LARGEST: Final = 2**31 - 2
_RUNNING: Final = 0


class SpanColumns:
    def __init__(self) -> None:
        self.outline = Outline()
        self.figures = Figures(self.outline.parent)
        self.texts = Names("")
        self.kind_names = Names("", most=256)
        self.status_names = Names("running", "ok", "error", "cancelled", most=256)
        self.numbers = array("I")
        self.kinds = array("B")
        self.statuses = array("B")
        self.names = array("i")
        self.sites = array("i")
        self.starts = array("d")  # ms since 1970
        self.ends = array("d")  # NaN while it runs
        self.firsts = array("I")
        self.lasts = array("I")  # 0 while it runs
        self.paying = bytearray()  # 1 for those with figures of their own, 3 if they have a price too
        self.error_texts: dict[int, str] = {}
        self.errors = 0
        self._failures = array("I")
        self._unsorted = False
        self.running = 0
        self.newest = 0.0
        self._strays: dict[int, int] = {}  # number -> index, of those whose index is not their number less one
        self._ended = array("I")  # spans in the order of their ends; may lack what came as rows
        self._over = 0  # how many are over

    def __len__(self) -> int:
        return len(self.numbers)

    def index(self, number: int) -> int | None:
        """The index of the span with this number in the run."""
        if 0 < number <= len(self.numbers) and self.numbers[number - 1] == number:
            return number - 1
        return self._strays.get(number)

    def number(self, i: int) -> int:
        return self.numbers[i]

    def parent(self, i: int) -> int | None:
        return self.outline.parent[i + 1] - 1 if self.outline.parent[i + 1] else None

    def parents(self) -> array[int]:
        """Each span's parent, counted from 1; 0 for none."""
        return self.outline.parent[1:]

    def children(self, i: int) -> Iterator[int]:
        """Inner spans in order, those that are not shown too."""
        return (node - 1 for node in self.outline.children(i + 1))

    def depth(self, i: int) -> int:
        return self.outline.depth[i + 1]

    def depths(self) -> array[int]:
        return self.outline.depth[1:]

    def kind(self, i: int) -> str:
        return self.kind_names.texts[self.kinds[i]]

    def name(self, i: int) -> str:
        return self.texts.texts[self.names[i]]

    def word(self, i: int) -> str:
        """Kind and name."""
        return f"{self.kind(i)} {self.name(i)}"

    def site(self, i: int) -> str:
        """The script's `file:line`, or ""."""
        return self.texts.texts[self.sites[i]]

    def agent(self, i: int) -> str:
        """The name of the agent that it belongs to, or ""."""
        node = i + 1
        while node:
            if self.kind(node - 1) == "execution":
                return self.name(node - 1)
            node = self.outline.parent[node]
        return ""

    def first(self, i: int) -> int:
        """The number of its start event."""
        return self.firsts[i]

    def started(self, i: int) -> float:
        """Milliseconds since 1970."""
        return self.starts[i]

    def known_status(self, i: int) -> str:
        return self.status_names.texts[self.statuses[i]]

    def known_error(self, i: int) -> str:
        return self.error_texts.get(i, "")

    @property
    def all_tokens(self) -> array[float]:
        return self.figures.tokens[1:]

    @property
    def all_cost(self) -> array[float]:
        return self.figures.cost[1:]

    @property
    def end_order(self) -> array[int]:
        """Spans that are over, in the order of their ends."""
        if len(self._ended) != self._over:
            over = [i for i, last in enumerate(self.lasts) if last]
            over.sort(key=self.lasts.__getitem__)
            self._ended = array("I", over)
        return self._ended

    def ended_by(self, seq: int) -> int:
        """How many of `end_order` were over by event number `seq`."""
        return bisect_right(self.end_order, seq, key=self.lasts.__getitem__)

    def time_of(self, seq: int) -> float:
        """When the last start or end up to event number `seq` happened; 0.0 before the first."""
        began, over = bisect_right(self.firsts, seq), self.ended_by(seq)
        return max(
            self.starts[began - 1] if began else 0.0,
            self.ends[self.end_order[over - 1]] if over else 0.0,
        )

    @property
    def failures(self) -> Sequence[int]:
        """The numbers of the events with which spans failed, in order."""
        if self._unsorted:
            self._unsorted = False
            self._failures = array("I", sorted(self._failures))
        return self._failures

    def append(self, event: Event) -> int:
        """The index of the span that a start event begins; its place in the tree is the caller's to make."""
        i = len(self.numbers)
        if event.span != i + 1:
            self._strays[event.span] = i
        self.numbers.append(event.span)
        self.kinds.append(self.kind_names.number(span_kind(event.kind)))
        self.statuses.append(_RUNNING)
        self.names.append(self.texts.number(event.name))
        self.sites.append(self.texts.number(event.site))
        self.starts.append(event.time)
        self.ends.append(math.nan)
        self.firsts.append(event.seq)
        self.lasts.append(0)
        self.paying.append(0)
        self.figures.append()
        self.running += 1
        self.newest = max(self.newest, event.time)
        return i

    def finish(self, i: int, span: Span) -> bool:
        """A span is over; whether it had figures of its own."""
        ended = span.started if span.ended is None else span.ended
        if len(self._ended) == self._over:
            self._ended.append(i)
        self._over += 1
        self.lasts[i] = span.last
        self.ends[i] = ended
        self.newest = max(self.newest, ended)
        self.statuses[i] = self.status_names.number(span.status)
        if span.name and not self.names[i]:
            self.names[i] = self.texts.number(span.name)
        if span.site and not self.sites[i]:
            self.sites[i] = self.texts.number(span.site)
        self.running -= 1
        if span.status == "error":
            self.errors += 1
            self._failures.append(span.last)
        if span.error:
            self.error_texts[i] = span.error
        tokens = float(span.input_tokens + span.output_tokens)
        if not tokens and span.cost is None:
            return False
        self.paying[i] = 1 if span.cost is None else 3
        self.figures.pay(i + 1, tokens, math.nan if span.cost is None else span.cost)
        return True

    def append_rows(self, rows: SpanRows) -> list[int]:
        """Stored spans with numbers larger than all that are here: each one's parent, counted from 1, 0 for none.

        The figures need the tree: the caller adds them to it and then calls `pay_rows`.
        """
        begin = len(self.numbers)
        count = len(rows)
        self.numbers.extend(rows.number)
        if rows.number[0] != begin + 1 or rows.number[-1] != begin + count or self._strays:
            self._strays.update((number, i) for i, number in enumerate(rows.number, begin) if number != i + 1)
            places = map(self.index, rows.parent)
            parents = [0 if at is None or at >= i else at + 1 for i, at in enumerate(places, begin)]
        else:
            parents = [parent if 0 < parent < number else 0 for parent, number in zip(rows.parent, rows.number)]
        for column, values in (
            (self.kinds, self.kind_names.numbers(rows.kind)),
            (self.statuses, self.status_names.numbers(rows.status)),
            (self.names, self.texts.numbers(rows.name)),
            (self.sites, self.texts.numbers(rows.site)),
            (self.starts, rows.started),
            (self.ends, _numbers(rows.ended)),
            (self.firsts, rows.first),
            (self.lasts, rows.last),
        ):
            column.frombytes(packed(column.typecode, values))
        self.paying.extend([3 if cost is not None else tokens > 0 for tokens, cost in zip(rows.tokens, rows.cost)])
        if any(rows.error):
            self.error_texts.update((i, error) for i, error in enumerate(rows.error, begin) if error)
        running = rows.last.count(0)
        self.running += running
        self._over += count - running
        if errors := rows.status.count("error"):
            self.errors += errors
            self._unsorted = True
            self._failures.extend(last for last, status in zip(rows.last, rows.status) if last and status == "error")
        self.newest = max(self.newest, max(rows.started), max(filter(None, rows.ended), default=0.0))
        return parents

    def pay_rows(self, rows: SpanRows) -> None:
        """Count the figures of the last spans, which are these rows, in those around them."""
        self.figures.pay_piece(len(self.numbers) - len(rows) + 1, rows.tokens, _numbers(rows.cost))

    def paid(self, i: int) -> tuple[float, float]:
        """A span's own tokens and cost, NaN where nobody knows it: what is left of its figures without those inside."""
        if not self.paying[i]:
            return 0.0, math.nan
        tokens, cost = self.figures.tokens[i + 1], self.figures.cost[i + 1]
        for child in self.outline.children(i + 1):
            tokens -= self.figures.tokens[child]
            inside = self.figures.cost[child]
            if inside == inside:
                cost -= inside
        return tokens, cost if self.paying[i] == 3 else math.nan


def _numbers(values: Sequence[float | None]) -> Sequence[float]:
    """With NaN for None."""
    return [math.nan if value is None else value for value in values]
