"""Two runs side by side: where they first differ, and what each took.

Not what chance or the clock has made so: times, numbers of events, the ids that a provider gives its tool calls. Nor
whether a call was paid for or answered from a recording, nor from which folder the spell was started.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.frozen import frozen

_FIELDS: Final = ("kind", "phase", "span", "parent", "name", "site")
#: What an event's data says about time, which is another one in each run.
_TIMES: Final = frozenset({"data.duration", "data.timestamp"})
_CHANCE: Final = re.compile(r"\.tool_calls\[\d+\]\.id$|\.tool_call_id$")


@frozen
class Divergence:
    """The first pair of events that differ; one is None where its run had ended. changes: path -> (one, other)."""

    one: Event | None
    other: Event | None
    changes: dict[str, tuple[Any, Any]]


def first_divergence(one: Iterable[Event], other: Iterable[Event]) -> Divergence | None:
    """None for runs in which the same happened in the same order."""
    sides = _Side(), _Side()
    for first, second in zip_longest(one, other):
        if first is None or second is None:
            return Divergence(first, second, {})
        found: dict[str, tuple[Any, Any]] = {}
        for name in _FIELDS:
            _compare(name, getattr(first, name), getattr(second, name), found)
        _compare("data", sides[0].data(first), sides[1].data(second), found)
        changes = {path: (a, b) for path, (a, b) in found.items() if sides[0].here(a) != sides[1].here(b)}
        if changes:
            return Divergence(first, second, changes)
    return None


class _Side:
    """A run whose events are compared in their order."""

    def __init__(self) -> None:
        self._asked: dict[int, Any] = {}  # requests of the model calls under way
        self._folder = ""  # of the spell, as its name had it

    def data(self, event: Event) -> dict[str, Any]:
        """With the request as it was sent, which a call's end tells only where hooks or a person had changed it; what
        was answered from a recording as what was recorded. Figures last."""
        data = event.data
        if event.kind == "spell_started":
            self._folder = "".join(event.name.rpartition("/")[:2])
        if event.kind == "llm_call_started":
            self._asked[event.span] = data.get("request")
        elif event.kind == "llm_call_completed":
            data = {"request": self._asked.pop(event.span, None)} | data
        usage = data.get("usage")
        if data.get("from_recording") is True:
            usage = data.get("recorded_usage")
            data = {key: value for key, value in data.items() if key not in ("from_recording", "recorded_usage")}
        return data if usage is None else {key: data[key] for key in data if key != "usage"} | {"usage": usage}

    def here(self, value: Any) -> Any:
        """As it would stand had the spell been started in its own folder: files in it have their names alone."""
        return value.replace(self._folder, "") if self._folder and isinstance(value, str) else value


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
    elif not _CHANCE.search(path):
        changes[path] = (one, other)
