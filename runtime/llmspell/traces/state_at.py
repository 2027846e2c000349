"""The states of a run as they were at any of its events, rebuilt from its `state_changed` events.

So that this is quick for long runs, the writer folds the changes as it stores them and now and then stores the whole
(`Snapshots`); reading then begins at the last snapshot before. Snapshots are derived: where there are none, the events
alone give the same. Where content is kept out of traces, values are only described.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import ArgumentError
from llmspell.state.paths import put_at

if TYPE_CHECKING:
    from llmspell.traces.reader import RunFile

#: Changes between two snapshots, at least: to fold so many takes 4 ms.
EVERY: Final = 500

States = dict[str, dict[str, Any]]
"""By owner: `agent:ID`, `workflow:ID`, `global`, or the name of a scope. The state of an owner is its table; of the
project's state those keys are known that the run has changed."""


def state_at(file: RunFile, seq: int | None = None) -> States:
    """The states after event number `seq`; at the end unless given. Raises StoreError for a damaged file."""
    found = file.state_snapshot(seq)
    done, states = (0, States()) if found is None else found
    for event in file.events(done + 1, seq, kind="state_changed"):
        fold(states, event.data)
    return states


def fold(states: States, change: dict[str, Any]) -> None:
    """Makes one change, whose value becomes part of the states. What is none, in a file that somebody else wrote, is
    left out."""
    match change:
        case {"scope": str(scope), "owner": str(owner), "at": list(path), **rest}:
            name = f"{scope}:{owner}" if owner else scope
            try:
                after = put_at(states.get(name, {}), path, rest.get("value"))
            except ArgumentError:
                return
            states[name] = after if isinstance(after, dict) else {}
        case _:
            return


class Snapshots:
    """Folds what is stored, in the writer's thread; gives a row when it is time for a snapshot. `due` holds them until
    they are stored."""

    def __init__(self) -> None:
        self._states: States = {}
        self._changes = 0
        self._bytes = 0
        self._last = 0
        self.due: list[tuple[int, str]] = []

    def take(self, seq: int, data: str) -> None:
        """data: the change as it is stored: with secrets masked, and a copy that nobody else holds."""
        change: Any = json.loads(data)
        fold(self._states, change)
        self._changes += 1
        self._bytes += len(data)
        if (
            self._changes >= EVERY and self._bytes >= self._last
        ):  # so all of them together are no larger than the events
            text = json.dumps(self._states, separators=(",", ":"))
            self.due.append((seq, text))
            self._changes, self._bytes, self._last = 0, 0, len(text)
