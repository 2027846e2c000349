"""The states of a run at any of its events, and who changed what. Knows events only; folds as the store does.

Adding a change costs nothing but its place in a list. States are folded when they are asked for: on from the nearest
moment that was asked for before, or from one of the versions kept on the way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final, cast

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.state_at import States, fold

#: Changes between two kept versions: to fold so many takes 5 ms.
_EVERY: Final = 2_000
#: Versions kept; of more, every second is let go of and the distance doubles.
_KEPT: Final = 64


@frozen
class Change:
    """One value of a state. seq: its event. span: the span it happened in. scope: `agent:ID`, `global`, … path: as it
    is written. by: who did it. old, new: None where there is nothing."""

    seq: int
    time: float
    span: int
    site: str
    scope: str
    path: str
    by: str
    old: Any
    new: Any


class StateHistory:
    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._data: list[dict[str, Any]] = []
        self._seqs: list[int] = []
        self._versions: dict[int, States] = {0: {}}  # the states after so many changes
        self._every = _EVERY
        self._latest: tuple[int, States] = (0, {})

    def __len__(self) -> int:
        return len(self.changes)

    def add(self, event: Event) -> None:
        """A `state_changed` event; they come in order."""
        self._seqs.append(event.seq)
        self._data.append(event.data)
        self.changes.append(_change(event))

    def at(self, seq: int | None = None) -> States:
        """{scope: {key: value}} after event number `seq`; now unless given. The caller's own."""
        count = len(self._seqs) if seq is None else bisect_right(self._seqs, seq)
        begin, states = self._latest
        nearest = max(kept for kept in self._versions if kept <= count)
        if not nearest <= begin <= count:
            begin, states = nearest, copied(self._versions[nearest])
        for at in range(begin, count):
            if at and at % self._every == 0 and at not in self._versions:
                self._keep(at, states)
            fold(states, copied(self._data[at]))
        self._latest = count, states
        return copied(states)

    def _keep(self, count: int, states: States) -> None:
        self._versions[count] = copied(states)
        if len(self._versions) > _KEPT:
            self._every *= 2
            self._versions = {at: kept for at, kept in self._versions.items() if at % self._every == 0}

    def between(self, first: int, last: int | None = None) -> Sequence[Change]:
        """What was changed by the events from number `first` to `last`, both included."""
        begin = bisect_right(self._seqs, first - 1)
        end = len(self._seqs) if last is None else bisect_right(self._seqs, last)
        return self.changes[begin:end]

    def of_span(self, span: int, first: int, last: int | None = None) -> Sequence[Change]:
        """Those of them that happened in this very span."""
        return [change for change in self.between(first, last) if change.span == span]

    def latest(self, scope: str, path: str, seq: int | None = None) -> Change | None:
        """Who changed this value last, as of a moment: itself, something in it, or what it is in."""
        count = len(self._seqs) if seq is None else bisect_right(self._seqs, seq)
        for at in range(count - 1, -1, -1):
            change = self.changes[at]
            if change.scope == scope and _touches(change.path, path):
                return change
        return None

    @property
    def seqs(self) -> Sequence[int]:
        """The numbers of the events that changed a state, in order."""
        return self._seqs


def copied(value: Any) -> Any:
    """Plain values once more: folding changes tables in place."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in cast("dict[str, Any]", value).items()}
    return [copied(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def differences(before: States, after: States) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """Each value that differs, by scope and keys: what it was and what it is, None where there is nothing."""
    found: dict[tuple[str, ...], tuple[Any, Any]] = {}
    _differ((), before, after, found)
    return found


def _differ(path: tuple[str, ...], one: Any, other: Any, found: dict[tuple[str, ...], tuple[Any, Any]]) -> None:
    if one is other or (type(one) is type(other) and one == other):
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            _differ((*path, str(key)), one.get(key), other.get(key), found)
    else:
        found[path] = (one, other)


def _change(event: Event) -> Change:
    data = event.data
    scope, owner = str(data.get("scope", "")), str(data.get("owner") or "")
    by = str(data.get("by") or data.get("agent_name") or event.name or "")
    return Change(
        seq=event.seq,
        time=event.time,
        span=event.span,
        site=event.site,
        scope=f"{scope}:{owner}" if owner else scope,
        path=str(data.get("path") or ""),
        by=by,
        old=data.get("old"),
        new=data.get("value"),
    )


def _touches(one: str, other: str) -> bool:
    return one == other or not one or one.startswith(f"{other}.") or other.startswith(f"{one}.")
