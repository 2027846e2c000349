"""Two runs side by side: where they first differ, and what each took. Times and numbers of events do not count."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

from llmspell.events.event import Event
from llmspell.frozen import frozen

_FIELDS = ("kind", "phase", "span", "parent", "name", "site", "data")
#: What an event's data says about time, which is another one in each run.
_TIMES = frozenset({"data.duration", "data.timestamp"})


@frozen
class Divergence:
    """The first pair of events that differ; one is None where its run had ended. changes: path -> (one, other)."""

    one: Event | None
    other: Event | None
    changes: dict[str, tuple[Any, Any]]


def first_divergence(one: Iterable[Event], other: Iterable[Event]) -> Divergence | None:
    """None for runs in which the same happened in the same order."""
    for first, second in zip_longest(one, other):
        if first is None or second is None:
            return Divergence(first, second, {})
        changes: dict[str, tuple[Any, Any]] = {}
        for name in _FIELDS:
            _compare(name, getattr(first, name), getattr(second, name), changes)
        if changes:
            return Divergence(first, second, changes)
    return None


def _compare(path: str, one: Any, other: Any, changes: dict[str, tuple[Any, Any]]) -> None:
    """Note every leaf at which two values differ."""
    if path in _TIMES or (one == other and type(one) is type(other)):
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            _compare(f"{path}.{key}", one.get(key), other.get(key), changes)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (left, right) in enumerate(zip(one, other)):
            _compare(f"{path}[{place}]", left, right, changes)
    else:
        changes[path] = (one, other)
