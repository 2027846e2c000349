"""The hooks that fired in a run: which handler, where, what each changed, and how long it took. Folded from events.

60 bytes a call; beside that what it changed, long values as one line: the whole of them is in the store.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast, overload

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.spans import error_text
from llmspell.traces.summary import brief
from llmspell_tui.model.names import Names

#: Characters of a text, and entries of a table with all inside, that are kept whole.
_LONGEST: Final = 4_000
_LARGEST: Final = 100


@frozen
class FieldChange:
    """One field that a handler changed; None where there was or is nothing. whole: False if the store has more."""

    name: str
    before: Any
    after: Any
    whole: bool = True


@frozen
class HookCall:
    """span, parent: the numbers of its span and of what it looks at; seq, last: of its events, last 0 while it runs.

    status: `running`, `ok`, `veto`, `error`, or `ignored` for a failure that was passed over. vetoed: it stopped what
    it looks at; retried: it asked for another try. Times in ms since 1970.
    """

    seq: int
    last: int
    span: int
    parent: int
    point: str
    handler: str
    site: str
    started: float
    ended: float | None
    status: str
    error: str
    changes: tuple[FieldChange, ...]

    @property
    def duration(self) -> float | None:
        """Milliseconds."""
        return None if self.ended is None else self.ended - self.started

    def at(self, moment: int | None) -> HookCall:
        """As it was after event number `moment`: what was not over by then had done nothing yet."""
        if moment is None or 0 < self.last <= moment:
            return self
        begun = (self.seq, 0, self.span, self.parent, self.point, self.handler, self.site, self.started)
        return HookCall(*begun, ended=None, status="running", error="", changes=())

    @property
    def vetoed(self) -> bool:
        return self.status in ("veto", "error")

    @property
    def retried(self) -> bool:
        return any(change.name == "retry" and change.after for change in self.changes)


class HookHistory(Sequence[HookCall]):
    """Every call in the order in which they began."""

    def __init__(self) -> None:
        self.seqs = array("I")  # of the start events
        self._lasts = array("I")
        self._spans = array("I")
        self._parents = array("I")
        self._started = array("d")
        self._ended = array("d")
        self._points = array("i")
        self._handlers = array("i")
        self._sites = array("i")
        self._statuses = array("B")
        self._texts = Names("")
        self._status_names = Names("running", "ok", most=256)
        self._errors: dict[int, str] = {}
        self._changes: dict[int, tuple[FieldChange, ...]] = {}
        self._open: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.seqs)

    @overload
    def __getitem__(self, i: int) -> HookCall: ...
    @overload
    def __getitem__(self, i: slice) -> list[HookCall]: ...
    def __getitem__(self, i: int | slice) -> HookCall | list[HookCall]:
        if isinstance(i, slice):
            return [self[at] for at in range(*i.indices(len(self)))]
        texts, ended = self._texts.texts, self._ended[i]
        return HookCall(
            seq=self.seqs[i],
            last=self._lasts[i],
            span=self._spans[i],
            parent=self._parents[i],
            point=texts[self._points[i]],
            handler=texts[self._handlers[i]],
            site=texts[self._sites[i]],
            started=self._started[i],
            ended=None if math.isnan(ended) else ended,
            status=self._status_names.texts[self._statuses[i]],
            error=self._errors.get(i, ""),
            changes=self._changes.get(i, ()),
        )

    @property
    def rows(self) -> Sequence[HookCall]:
        return self

    def add(self, event: Event) -> None:
        """A `hook_called` or `hook_completed` event."""
        if event.phase == "start":
            self._open[event.span] = len(self)
            self.seqs.append(event.seq)
            self._lasts.append(0)
            self._spans.append(event.span)
            self._parents.append(min(max(0, event.parent), 2**32 - 1))
            self._started.append(event.time)
            self._ended.append(math.nan)
            self._points.append(self._texts.number(str(event.data.get("point") or event.name)))
            self._handlers.append(self._texts.number(str(event.data.get("handler") or "")))
            self._sites.append(self._texts.number(event.site))
            self._statuses.append(0)
        elif event.phase == "end" and (i := self._open.pop(event.span, None)) is not None:
            self._end(i, event)

    def _end(self, i: int, event: Event) -> None:
        data = event.data
        self._ended[i], self._lasts[i] = event.time, event.seq
        error = error_text(data.get("error"))
        if error:
            self._errors[i] = error
        self._statuses[i] = self._status_names.number(str(data.get("status") or ("error" if error else "ok")))
        changes = data.get("changes")
        if isinstance(changes, Mapping) and changes:
            before = data.get("before")
            known = cast("Mapping[str, Any]", before) if isinstance(before, Mapping) else {}
            self._changes[i] = tuple(
                _change(str(name), known.get(name), after) for name, after in cast("Mapping[str, Any]", changes).items()
            )

    def begun(self, seq: int | None) -> int:
        """How many had begun by event number `seq`."""
        return len(self) if seq is None else bisect_right(self.seqs, seq)

    def of(self, number: int) -> list[HookCall]:
        """Those that looked at the span with this number, or that are it."""
        pairs: Iterator[tuple[int, int]] = zip(self._spans, self._parents)
        return [self[i] for i, pair in enumerate(pairs) if number in pair]


def _change(name: str, before: Any, after: Any) -> FieldChange:
    if _small(before) and _small(after):
        return FieldChange(name, before, after)
    return FieldChange(name, brief(before, quoted=False), brief(after, quoted=False), whole=False)


def _small(value: Any) -> bool:
    waiting, entries = [value], 0
    while waiting:
        item = waiting.pop()
        entries += 1
        if entries > _LARGEST or (isinstance(item, str) and len(item) > _LONGEST):
            return False
        if isinstance(item, Mapping):
            waiting.extend(cast("Mapping[Any, Any]", item).values())
        elif isinstance(item, list):
            waiting.extend(cast("list[Any]", item))
    return True
