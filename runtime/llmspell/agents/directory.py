"""The agents of a run by name and id. Names live as long as the run; the newest agent of a name wins."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from llmspell.api.names import near
from llmspell.errors import ArgumentError
from llmspell.run import Run

if TYPE_CHECKING:
    from llmspell.agents.base import BaseAgent


#: Names that a hint goes through.
_LISTED: Final = 50


class Directory:
    """One a run (`run.service(Directory)`)."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._by_name: dict[str, BaseAgent] = {}
        self._count = 0

    @staticmethod
    def of(run: Run) -> Directory:
        return Directory(run)

    def new_id(self, name: str) -> str:
        """`researcher_1`: readable, unique in the run, the same in a replay."""
        self._count += 1
        return f"{_plain_name(name)}_{self._count}"

    def register(self, agent: BaseAgent) -> BaseAgent | None:
        """Gives whom the name meant before."""
        other = self._by_name.get(agent.name)
        if other is not None and other is not agent:
            self._run.warn(f"a second agent is named {agent.name!r}: the name now means the newer one", once=agent.name)
        self._by_name[agent.name] = agent
        return other

    def forget(self, agent: BaseAgent, older: BaseAgent | None) -> None:
        """The agent is not to be: its name means again whom it meant before."""
        if self._by_name.get(agent.name) is agent:
            del self._by_name[agent.name]
            if older is not None:
                self._by_name.setdefault(older.name, older)

    def rename(self, agent: BaseAgent, before: str) -> None:
        """The agent has another name now; the one before means it no longer."""
        if self._by_name.get(before) is agent:
            del self._by_name[before]
        self.register(agent)

    def get(self, name: str) -> BaseAgent:
        """The agent of a name or id. Raises ArgumentError with a suggestion."""
        found = self._by_name.get(name.removeprefix("local://"))
        if found is None:
            found = next((agent for agent in self._by_name.values() if agent.id == name), None)
        if found is None:
            close = near(name, list(self._by_name)[-_LISTED:])
            known = ", ".join(sorted(self._by_name)[:_LISTED]) or "none yet"
            more = ", …" if len(self._by_name) > _LISTED else ""
            hint = f"did you mean {close[0]!r}?" if close else f"agents of this spell: {known}{more}"
            raise ArgumentError(f"there is no agent named {name!r}", hint=hint)
        return found

    def names(self) -> list[str]:
        return list(self._by_name)


@lru_cache
def _plain_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "agent"
