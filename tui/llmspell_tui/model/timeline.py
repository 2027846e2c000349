"""The moments of a run to scrub by: each event, each span's begin and end, each change of a state, each hook."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Literal

from llmspell_tui.model.run import RunModel

By = Literal["event", "span", "state", "hook"]


class Timeline:
    """Moments are numbers of events, 1 to `last`; None is the end of a run that may go on."""

    def __init__(self, model: RunModel) -> None:
        self._model = model

    @property
    def last(self) -> int:
        return max(self._model.seq, self._model.known)

    def later(self, moment: int | None, by: By = "event") -> int | None:
        """The next moment; None once the end is reached."""
        if moment is None or moment >= self.last:
            return None
        match by:
            case "event":
                found = moment + 1
            case "span":
                found = self._edge_after(moment)
            case _:
                seqs = self._seqs(by)
                at = bisect_right(seqs, moment)
                found = seqs[at] if at < len(seqs) else self.last
        return None if found >= self.last else found

    def earlier(self, moment: int | None, by: By = "event") -> int:
        """The moment before; the first one at the beginning."""
        now = self.last if moment is None else moment
        match by:
            case "event":
                return max(1, now - 1)
            case "span":
                return self._edge_before(now)
            case _:
                seqs = self._seqs(by)
                at = bisect_left(seqs, now)
                return seqs[at - 1] if at else 1

    def share(self, moment: int | None) -> float:
        """How far through the run, 0 to 1, counted in events."""
        return 1.0 if moment is None or self.last <= 1 else min(1.0, max(0.0, (moment - 1) / (self.last - 1)))

    def at_share(self, share: float) -> int | None:
        """The moment at a place of a slider; None at its end."""
        return None if share >= 1.0 else max(1, min(self.last, 1 + round((self.last - 1) * share)))

    def time(self, moment: int | None) -> float:
        """In ms since 1970."""
        return self._model.newest if moment is None else self._model.time_of(moment)

    def what(self, moment: int) -> str:
        """What the event is: `▸ tool csv_reader` for a begin, `◂` for an end, the kind and name of what is between."""
        spans, points = self._model.spans, self._model.points
        began = bisect_right(spans.firsts, moment)
        if began and spans.firsts[began - 1] == moment:
            return f"▸ {_word(spans.kind(began - 1))} {spans.name(began - 1)}"
        over = spans.ended_by(moment)
        if over and spans.lasts[i := spans.end_order[over - 1]] == moment:
            return f"◂ {_word(spans.kind(i))} {spans.name(i)}"
        at = points.at(moment)
        if at < len(points) and points.seq(at) == moment:
            return f"· {_word(points.kind(at))} {points.name(at)}".rstrip()
        return ""

    def at_time(self, time: float) -> int | None:
        """The last start or end of a span not after a time; None at the end."""
        if time >= self._model.newest:
            return None
        spans = self._model.spans
        began = bisect_right(spans.starts, time)
        over = bisect_right(spans.end_order, time, key=spans.ends.__getitem__)
        return self._latest_edge(began, over)

    def _edge_after(self, moment: int) -> int:
        spans = self._model.spans
        began, over = bisect_right(spans.firsts, moment), spans.ended_by(moment)
        found = [spans.firsts[began]] if began < len(spans) else []
        found += [spans.lasts[spans.end_order[over]]] if over < len(spans.end_order) else []
        return min(found, default=self.last)

    def _edge_before(self, moment: int) -> int:
        spans = self._model.spans
        return self._latest_edge(bisect_left(spans.firsts, moment), spans.ended_by(moment - 1))

    def _latest_edge(self, began: int, over: int) -> int:
        """Of the first so many spans that began and that ended."""
        spans = self._model.spans
        return max(1, spans.firsts[began - 1] if began else 1, spans.lasts[spans.end_order[over - 1]] if over else 1)

    def _seqs(self, by: By) -> Sequence[int]:
        return self._model.states.seqs if by == "state" else self._model.hooks.seqs


def _word(kind: str) -> str:
    return kind.replace("_", " ")
