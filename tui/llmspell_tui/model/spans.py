"""The spans of a run as rows of a tree, under the present folds, filter and moment.

Spans are named by their index, 0 to n - 1 in the order in which they began. `height`, `row` and `place` speak of the
rows that are left; all else of spans by index. Status and figures are those at the moment shown; `known_…` and the
columns are of all there is.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import Final

from llmspell.events.event import Event
from llmspell.traces.spans import Span, ended_span
from llmspell_tui.model import matching, paths
from llmspell_tui.model.columns import LARGEST, SpanColumns
from llmspell_tui.model.figures import Figures
from llmspell_tui.model.past import Past
from llmspell_tui.model.paths import Folds, Path, Waiting
from llmspell_tui.model.query import Query
from llmspell_tui.model.updates import SpanRows

__all__ = ["LARGEST", "SpanTable"]

#: Spans that come or go with another moment from which all rows are counted anew: one by one is 0.6 µs each.
_FAR: Final = 20_000


class SpanTable(SpanColumns):
    def __init__(self) -> None:
        super().__init__()
        self.unended = "running"  # the status of spans without an end; another one once the run is over
        self._past: Past | None = None  # the figures at the moment shown
        self._moment: int | None = None
        self._limit = 0  # spans that had begun at the moment shown
        self._query: Query | None = None
        self._hits: matching.Hits = {}
        self._found = bytearray()  # with a filter: 1 for each span that it finds
        self._inside = array("I")  # with a filter: how many of these each node has within, itself included
        self._changed: set[int] = set()
        self._depth: int | None = None  # spans this deep come folded
        self._waiting = Waiting(Folds())

    # What a span is at the moment shown

    def last(self, i: int) -> int:
        """The number of its end event, 0 while it runs."""
        return self.lasts[i] if self._is_over(i) else 0

    def ended(self, i: int) -> float | None:
        return self.ends[i] if self._is_over(i) else None

    def status(self, i: int) -> str:
        return self.known_status(i) if self._is_over(i) else self.unended if self._moment is None else "running"

    def error(self, i: int) -> str:
        """One line, "" for none."""
        return self.known_error(i) if self._is_over(i) else ""

    def site(self, i: int) -> str:
        """The script's `file:line`, or "". A spell has one where it failed, once it has: of its error."""
        return super().site(i) if self._is_over(i) or self.kind(i) != "spell" else ""

    def own_tokens(self, i: int) -> int:
        return int(self.paid(i)[0]) if self._is_over(i) else 0

    def own_cost(self, i: int) -> float | None:
        return _known(self.paid(i)[1]) if self._is_over(i) else None

    def tokens(self, i: int) -> int:
        """With everything inside."""
        return int(self._shown.tokens[i + 1])

    def cost(self, i: int) -> float | None:
        """In dollars, with everything inside; None where no price is known."""
        return _known(self._shown.cost[i + 1])

    @property
    def total_tokens(self) -> int:
        """Of the run."""
        return int(self._shown.tokens[0])

    @property
    def total_cost(self) -> float | None:
        return _known(self._shown.cost[0])

    @property
    def _shown(self) -> Figures:
        return self.figures if self._past is None else self._past.figures

    @property
    def begun(self) -> int:
        """How many spans had begun at the moment shown."""
        return self._limit

    def _is_over(self, i: int) -> bool:
        last = self.lasts[i]
        return last > 0 and (self._moment is None or last <= self._moment)

    # How spans come and end

    def start(self, event: Event) -> int:
        """The index of the span that a start event begins. A number that is there already begins nothing."""
        known = self.index(event.span)
        if known is not None:
            return known
        parent = self.index(event.parent)
        i = self.append(event)
        if self._past is not None:
            self._past.append()
        self._place(i, 0 if parent is None else parent + 1)
        return i

    def end(self, event: Event) -> int | None:
        """The index of the span that an end event ends; None where it has not begun or has ended before."""
        i = self.index(event.span)
        if i is None or self.lasts[i]:
            return None
        kind, name, site = f"{self.kind(i)}_started", self.name(i), self.site(i)
        start = Event(self.firsts[i], self.starts[i], kind, "start", event.span, event.parent, name, site, {})
        self._finish(i, ended_span(start, event))
        return i

    def extend(self, rows: SpanRows) -> int:
        """Stored spans in the order of their numbers, after those that are here; how many events they stand for."""
        if not len(rows):
            return 0
        begin = len(self)
        parents = self.append_rows(rows)
        if self._moment is None and self._query is None and not self._waiting:
            self.outline.extend(parents, self._depth)
            self._limit = len(self)
        else:
            for i, parent in enumerate(parents, begin):
                self._place(i, parent)
        self.pay_rows(rows)
        if self._past is not None and self._moment is not None:
            if rows.first[0] > self._moment:
                self._past.extend(len(rows))
            else:  # the moment was ahead of what had been read
                self._past = None
                self._travel()
        return 2 * len(rows) - rows.last.count(0)

    def _finish(self, i: int, span: Span) -> None:
        paid = self.finish(i, span)
        if self._moment is not None and self.lasts[i] <= self._moment:
            self._travel()  # the moment was ahead of what had been read
        if self._query is None:
            return
        self._changed.add(i)
        node = i + 1
        while paid and (node := self.outline.parent[node]):
            self._changed.add(node - 1)

    def _place(self, i: int, parent: int) -> None:
        folded = self._depth is not None and self.outline.depth[parent] + 1 >= self._depth
        if self._waiting and self._waiting.wants(i + 1, parent, self.word(i)):
            folded = not folded
        hidden = self._moment is not None or self._query is not None
        self.outline.append(parent, present=not hidden, folded=folded)
        if self._query is not None:
            self._found.append(0)
            self._inside.append(0)
            self._changed.add(i)
        if not hidden:
            self._limit = i + 1
        elif self._moment is None or self.firsts[i] <= self._moment:
            self._enter(i)

    def settle(self) -> None:
        """Judge anew by the filter what has changed; once after each batch of events."""
        if self._query is None or not self._changed:
            return
        changed, self._changed = self._changed, set()
        for i in changed:
            found = matching.matches(self, self._query, i, self._hits)
            if found != self._found[i]:
                self._found[i] = found
                if i < self._limit:
                    self._count(i, 1 if found else -1)

    # Rows

    @property
    def height(self) -> int:
        """Rows with the present folds, filter and moment."""
        return self.outline.height

    def row(self, y: int) -> int:
        """The span on a row, counted from 0. Raises IndexError."""
        return self.outline.row(y) - 1

    def rows(self, y: int, count: int) -> list[int]:
        """The spans on `count` rows from y on."""
        return [node - 1 for node in self.outline.rows(y, count)]

    def place(self, i: int) -> int | None:
        """The row of a span; None while it is folded away, filtered out or not yet begun."""
        return self.outline.place(i + 1)

    def has_children(self, i: int) -> bool:
        """Whether there is anything inside to unfold."""
        return self.outline.below[i + 1] > 0

    def folded(self, i: int) -> bool:
        return bool(self.outline.folded[i + 1])

    def fold(self, i: int) -> None:
        self.outline.fold(i + 1)

    def unfold(self, i: int) -> None:
        self.outline.fold(i + 1, False)

    def toggle(self, i: int) -> None:
        self.outline.fold(i + 1, not self.folded(i))

    def reveal(self, i: int) -> None:
        """Unfold whatever it is folded into."""
        self.outline.reveal(i + 1)

    def fold_all(self, depth: int | None = None) -> None:
        """Fold every span at this depth and deeper, those to come too; 0 is the run's. None unfolds all."""
        self._depth = depth
        self._waiting = Waiting(Folds())
        folded = bytearray(len(self) + 1) if depth is None else bytearray(map(depth.__le__, self.outline.depth))
        folded[0] = 0
        self.outline.folded = folded
        self.outline.rebuild()

    def path(self, i: int) -> Path:
        """Where it stands in the run's structure: holds in the next run too."""
        return paths.path_of(self, i)

    def find(self, path: Path) -> int | None:
        return paths.find(self, path)

    def folds(self) -> Folds:
        """The folds by path, for `restore` in another run."""
        usual = self._depth
        depths, folded = self.outline.depth, self.outline.folded
        others = (
            node - 1
            for node in range(1, len(folded))
            if folded[node] != (usual is not None and depths[node] >= usual) and self.outline.below[node]
        )
        known = {self.path(i) for i in others}
        return Folds(usual, frozenset(known | self._waiting.unmet()))

    def restore(self, folds: Folds) -> None:
        """The folds of another run; for spans that come later too."""
        self.fold_all(folds.depth)
        self._waiting = Waiting(folds)
        for node in range(1, len(self) + 1):
            if self._waiting.wants(node, self.outline.parent[node], self.word(node - 1)):
                self.outline.fold(node, not self.outline.folded[node])

    # The moment

    @property
    def moment(self) -> int | None:
        """The number of the event up to which the run is shown; None: all of it."""
        return self._moment

    @moment.setter
    def moment(self, seq: int | None) -> None:
        limit = len(self) if seq is None else bisect_right(self.firsts, seq)
        self._moment = seq
        if abs(limit - self._limit) > _FAR:
            self._limit = limit
            self._show()
        while self._limit < limit:
            self._enter(self._limit)
        while self._limit > limit:
            self._leave(self._limit - 1)
        self._travel()

    def _enter(self, i: int) -> None:
        self._limit = i + 1
        if self._query is None:
            self.outline.show(i + 1)
        elif self._found[i]:
            self._count(i, 1)

    def _leave(self, i: int) -> None:
        self._limit = i
        if self._query is None:
            self.outline.hide(i + 1)
        elif self._found[i]:
            self._count(i, -1)

    def _travel(self) -> None:
        """Figures as of the moment."""
        if self._moment is None:
            self._past = None
            return
        if self._past is None:
            self._past = Past(self)
        self._past.go(self.ended_by(self._moment))

    # Filter and search

    @property
    def query(self) -> Query | None:
        """The filter."""
        return self._query

    def filter(self, query: Query | None, hits: matching.Hits | None = None) -> None:
        """Show only what the query finds, inside what it lies in. hits: see `matching.Hits`."""
        self._query = query
        self._hits = hits or {}
        self._changed.clear()
        self._found = bytearray() if query is None else matching.mask(self, query, self._hits)
        self._show()

    def _show(self) -> None:
        """Count anew what has begun and is found: 0.1 µs a span."""
        count, limit = len(self) + 1, self._limit
        if self._query is None:
            self._inside = array("I")
            self.outline.rebuild(bytearray(b"\1") * (limit + 1) + bytearray(count - limit - 1))
            return
        inside = self._inside = array("I", [0])
        inside.extend(self._found[:limit])
        inside.extend(bytes(count - limit - 1))
        parent = self.outline.parent
        for node in range(limit, 0, -1):
            if inside[node]:
                inside[parent[node]] += inside[node]
        self.outline.rebuild(bytearray(map(bool, inside)))

    def heed(self, hits: matching.Hits) -> None:
        """In these spans' payloads, too, texts of the filter stand."""
        if not any(hits.values()):
            return
        self._hits = {text: {*self._hits.get(text, ()), *hits.get(text, ())} for text in {*self._hits, *hits}}
        if sum(map(len, hits.values())) > _FAR:
            self.filter(self._query, self._hits)
            return
        self._changed.update(i for numbers in hits.values() for n in numbers if (i := self.index(n)) is not None)
        self.settle()

    def found(self, i: int) -> bool:
        """Whether the filter finds it itself, or only something inside it."""
        return self._query is None or bool(self._found[i])

    def search(
        self, query: Query, start: int = -1, *, backwards: bool = False, hits: matching.Hits | None = None
    ) -> int | None:
        """The next span after `start` in the order of rows that the query finds, going on from the other end; also
        where it is folded away. None if there is none."""
        found = matching.mask(self, query, hits or {})
        first = before = last = None
        passed = start < 0
        node = 0
        while node := self.outline.after(node, folds=False):
            i = node - 1
            if i == start:
                passed = True
            elif found[i]:
                if passed and not backwards:
                    return i
                first = i if first is None else first
                before = before if passed else i
                last = i
        if backwards:
            return last if before is None else before
        return start if first is None and start >= 0 and found[start] else first

    def _count(self, i: int, change: int) -> None:
        """A span is found, or no longer, by the filter."""
        node, inside, outline = i + 1, self._inside, self.outline
        while node:
            inside[node] += change
            if change > 0 and inside[node] == 1:
                outline.show(node)
            elif not inside[node]:
                outline.hide(node)
            node = outline.parent[node]


def _known(cost: float) -> float | None:
    return cost if cost == cost else None
