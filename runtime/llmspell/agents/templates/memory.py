"""What a ChatAgent shows its model of a long conversation: the newest turns, and perhaps a summary of those before.

The history itself keeps every turn. Knows the rules and the count of tokens; asks no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.providers.base import Message
from llmspell.providers.offline import tokens

Turns = Sequence[tuple[Message, ...]]
MemoryKind = Literal["full", "window", "summary"]


class MemoryOptions(TypedDict, total=False):
    kind: MemoryKind
    """`full`: every turn. `window`: the newest turns alone. `summary`: the newest, and the model's summary of the
    others."""
    turns: Annotated[int, Bounds(ge=1, le=1000)]
    """How many turns may be shown in full; 10 unless given."""
    tokens: Annotated[int, Bounds(ge=1)]
    """How many tokens those turns may be, at four bytes a token; no limit unless given."""


@dataclass(slots=True)
class Memory:
    """Of one conversation. folded: how many of its turns the summary stands for."""

    kind: MemoryKind = "full"
    turns: int = 10
    tokens: int | None = None
    folded: int = 0
    summary: str = ""

    @staticmethod
    def of(given: MemoryKind | MemoryOptions | None) -> Memory:
        if given is None:
            return Memory()
        if isinstance(given, str):
            return Memory(given)
        return Memory(given.get("kind", "window"), given.get("turns", 10), given.get("tokens"))

    def shown(self, past: Turns) -> list[tuple[Message, ...]]:
        """The turns that the model is shown."""
        match self.kind:
            case "full":
                return list(past)
            case "window":
                return list(past[len(past) - self._fitting(past, self.turns) :])
            case "summary":
                return list(past[self.folded :])

    def due(self, past: Turns) -> int:
        """How many turns the summary should stand for; those it does already, unless too much is shown.

        Then half of what fits stays, so that not every turn asks for a new summary.
        """
        fresh = past[self.folded :]
        if self.kind != "summary" or self._fitting(fresh, self.turns) == len(fresh):
            return self.folded
        return len(past) - max(1, self._fitting(fresh, self.turns) // 2)

    def forget(self) -> None:
        self.folded, self.summary = 0, ""

    def _fitting(self, past: Turns, most: int) -> int:
        """How many of the newest turns fit; one always does."""
        room, count = self.tokens, 0
        for turn in reversed(past[-most:]):
            size = sum(tokens(message.content) for message in turn)
            if room is not None and count and size > room:
                break
            room = None if room is None else room - size
            count += 1
        return count


def conversation(turns: Turns) -> str:
    """Turns as a text to sum up."""
    return "\n\n".join(f"{message.role}: {message.content}" for turn in turns for message in turn if message.content)
