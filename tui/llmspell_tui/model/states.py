"""The states of a run at any of its events, and who changed what. Knows events only; folds as the store does.

Adding a change costs its place in some columns: 150 bytes where its values are short. They are kept as bytes, for a
spell that sets state as fast as it can makes a million of them, and Python's collector would look at all that is in
them again and again. States are folded when they are asked for: on from the nearest moment that was asked for before,
or from one of the versions kept on the way.
"""

from __future__ import annotations

import marshal
import math
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Final, cast, overload

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.state_at import States, fold
from llmspell_tui.model.names import Names

#: Changes between two kept versions: to fold so many takes 5 ms.
_EVERY: Final = 2_000
#: Versions kept; of more, every second is let go of and the distance doubles.
_KEPT: Final = 64
_NONE: Final = array("I")
#: What is kept of a change as bytes.
_FIELDS: Final = ("scope", "owner", "at", "value", "old", "path", "by")


@frozen
class Change:
    """One value of a state. seq: its event. span: the span it happened in. scope: `agent:ID`, `global`, … key: the
    outermost one of the scope that it changes, "" for the scope as a whole. path: as it is written. by: who did it.
    old, new: None where there is nothing."""

    seq: int
    time: float
    span: int
    site: str
    scope: str
    key: str
    path: str
    by: str
    old: Any
    new: Any


class StateHistory:
    def __init__(self) -> None:
        self._seqs = array("I")
        self._times = array("d")
        self._spans = array("I")
        self._sites = array("i")
        self._texts = Names("")
        self._kept: list[bytes] = []  # its `_FIELDS` by `marshal`: 0.6 µs and a sixth of the memory
        self._versions: dict[int, States] = {0: {}}  # the states after so many changes
        self._every = _EVERY
        self._latest: tuple[int, States] = (0, {})
        self._of_keys: dict[tuple[str, str], array[int]] = {}  # places among the changes

    def __len__(self) -> int:
        return len(self._seqs)

    def add(self, event: Event) -> None:
        """A `state_changed` event; they come in order."""
        data = event.data
        scope, owner, at, *_, path, by = fields = [data.get(name) for name in _FIELDS]
        fields[-1] = str(by or data.get("agent_name") or event.name or "")
        self._of_keys.setdefault((_scope(scope, owner), _key(at, path)), array("I")).append(len(self._seqs))
        self._seqs.append(event.seq)
        self._times.append(event.time)
        self._spans.append(event.span)
        self._sites.append(self._texts.number(event.site))
        self._kept.append(marshal.dumps(fields))

    def change(self, i: int) -> Change:
        """By index, 0 to n - 1, in order."""
        scope, owner, at, value, old, path, by = marshal.loads(self._kept[i])
        return Change(
            seq=self._seqs[i],
            time=self._times[i],
            span=self._spans[i],
            site=self._texts.texts[self._sites[i]],
            scope=_scope(scope, owner),
            key=_key(at, path),
            path=str(path or ""),
            by=by,
            old=old,
            new=value,
        )

    def at(self, seq: int | None = None) -> States:
        """{scope: {key: value}} after event number `seq`; now unless given. The caller's own."""
        self.come_to(seq)
        return copied(self._latest[1])

    def come_to(self, seq: int | None, seconds: float = math.inf) -> float:
        """Fold on towards a moment, for so long. The share of the changes that is folded: at 1.0 `at` is quick."""
        count, until = self.count(seq), time.monotonic() + seconds
        begin, states = self._latest
        nearest = max(kept for kept in self._versions if kept <= count)
        if not nearest <= begin <= count:
            begin, states = nearest, copied(self._versions[nearest])
        at = begin
        while at < count:
            if at and at % self._every == 0 and at not in self._versions:
                self._keep(at, states)
            fold(states, dict(zip(_FIELDS, marshal.loads(self._kept[at]))))
            at += 1
            if at % 64 == 0 and time.monotonic() > until:
                break
        self._latest = at, states
        return at / count if count else 1.0

    def _keep(self, count: int, states: States) -> None:
        self._versions[count] = copied(states)
        if len(self._versions) > _KEPT:
            self._every *= 2
            self._versions = {at: kept for at, kept in self._versions.items() if at % self._every == 0}

    def between(self, first: int, last: int | None = None) -> Sequence[Change]:
        """What was changed by the events from number `first` to `last`, both included."""
        begin = bisect_right(self._seqs, first - 1)
        return _Changes(self, range(begin, max(begin, self.count(last))))

    def latest(self, scope: str, path: str, seq: int | None = None) -> Change | None:
        """Who changed this value last, as of a moment: itself, something in it, or what it is in."""
        count = self.count(seq)
        for at in range(count - 1, -1, -1):
            change = self.change(at)
            if change.scope == scope and _touches(change.path, path):
                return change
        return None

    def count(self, seq: int | None = None) -> int:
        """How many changes there were by event number `seq`; by now unless given."""
        return len(self._seqs) if seq is None else bisect_right(self._seqs, seq)

    def newest(self, scope: str, key: str, seq: int | None = None) -> Change | None:
        """The last change of an outermost value, or of something in it, as of a moment."""
        count = self.count(seq)
        last = -1
        for each in ("", key):
            places, upto = self._places(scope, each, count)
            last = max(last, places[upto - 1] if upto else -1)
        return self.change(last) if last >= 0 else None

    def history(self, scope: str, key: str, seq: int | None, most: int) -> tuple[list[Change], int]:
        """The last `most` changes of an outermost value and of what is in it, in order, and how many there are."""
        count = self.count(seq)
        found: list[int] = []
        total = 0
        for each in {"", key}:
            places, upto = self._places(scope, each, count)
            found += places[max(upto - most, 0) : upto]
            total += upto
        return [self.change(at) for at in sorted(found)[-most:]], total

    def _places(self, scope: str, key: str, count: int) -> tuple[array[int], int]:
        """The places among the changes of a value's own changes, and how many of them are among the first `count`."""
        places = self._of_keys.get((scope, key), _NONE)
        return places, len(places) if not places or places[-1] < count else bisect_left(places, count)

    @property
    def seqs(self) -> Sequence[int]:
        """The numbers of the events that changed a state, in order."""
        return self._seqs


class _Changes(Sequence[Change]):
    """Some of the changes, each read when it is looked at."""

    def __init__(self, history: StateHistory, places: range) -> None:
        self._history = history
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, i: int) -> Change: ...
    @overload
    def __getitem__(self, i: slice) -> Sequence[Change]: ...
    def __getitem__(self, i: int | slice) -> Change | Sequence[Change]:
        if isinstance(i, slice):
            return _Changes(self._history, self._places[i])
        return self._history.change(self._places[i])


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


def _scope(scope: Any, owner: Any) -> str:
    return f"{scope}:{owner}" if owner else str(scope or "")


def _key(at: Any, path: Any) -> str:
    keys = cast("list[Any]", at) if isinstance(at, list) else [str(path or "").partition(".")[0]]
    return str(keys[0]) if keys else ""


def _touches(one: str, other: str) -> bool:
    return one == other or not one or one.startswith(f"{other}.") or other.startswith(f"{one}.")
