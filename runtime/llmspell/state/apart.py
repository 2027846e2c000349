"""A store of one run's own, in memory: empty, or a copy of the project's, which it leaves alone.

Where the run's beginning is answered from a recording, that includes its writes: they are made here too, before the
first thing that is asked of the store live. What a forked run had changed only later is undone in the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from llmspell.events.event import Event
from llmspell.settings.values import Settings
from llmspell.state.opening import opened
from llmspell.state.sqlite import SqliteBackend
from llmspell.state.store import GONE, StateStore, Write

#: What `run`'s state is: the project's, empty, or a copy of the project's.
Kept = Literal["keep", "reset", "fork"]

#: The project's state without a scope, as events call it.
_GLOBAL = "global"
_AT_ONCE = 500


class Apart:
    """Opened at the first use, gone with its run."""

    def __init__(
        self,
        settings: Settings,
        *,
        copy: bool,
        made: Callable[[], Iterable[Event]],
        undone: Sequence[Event] = (),
        hidden: str,
    ) -> None:
        """made: the changes of state that the run has made so far. undone: those to be undone in the copy, newest
        first. hidden: what stands in a value for a secret: such a value is nobody's and is left out."""
        self._settings = settings
        self._copy = copy
        self._made = made
        self._undone = undone
        self._hidden = hidden

    async def opened(self) -> StateStore:
        state = self._settings.state
        store = StateStore(SqliteBackend(Path(":memory:"), max_mb=state.max_mb), "the run's own state")
        if self._copy:
            lease = await opened(self._settings)
            try:
                entries = await lease.store.entries()
            finally:
                await lease.close()
            for first in range(0, len(entries), _AT_ONCE):
                await store.commit([Write(each.key, each.value) for each in entries[first : first + _AT_ONCE]])
        changes = [(event, event.data.get("old")) for event in self._undone] if self._copy else []
        changes += [(event, event.data.get("value")) for event in self._made()]
        for event, value in changes:
            if (key := self._key(event.data)) is not None and self._hidden not in str(value):
                await store.commit([Write(key, GONE if value is None else value)], by=str(event.data.get("by", "")))
        return store

    def _key(self, data: dict[str, Any]) -> str | None:
        """The store's key of a change; None where it was of an agent's or a workflow's own state."""
        match data:
            case {"owner": "", "scope": str(scope), "at": [str(key)]}:
                return f"{'' if scope == _GLOBAL else scope}\0{key}"
            case _:
                return None
