"""A state machine as data: from each status, by event, the next status. Knows no agent and no workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from llmspell.api.names import near
from llmspell.errors import ArgumentError

Transitions = Mapping[str, Mapping[str, str]]

#: The status of whoever has none yet.
FIRST: Final = "idle"


def following(transitions: Transitions, status: str, event: str, whose: str) -> str:
    """The status that an event leads to. whose: a name for messages. Raises ArgumentError, listing what is allowed."""
    if not transitions:
        raise ArgumentError(
            f"{whose} has no state machine to follow {event!r}",
            hint="give it one: `transitions` has the next status, by status and event",
        )
    allowed = transitions.get(status)
    if allowed is None:
        known = ", ".join(transitions)
        raise ArgumentError(
            f"{whose} cannot {event!r} while it is {status!r}: its machine says nothing of that status",
            hint=f"`transitions` has {known}",
        )
    if event not in allowed:
        close = near(event, allowed)
        listed = ", ".join(allowed) or "none: it ends there"
        raise ArgumentError(
            f"{whose} cannot {event!r} while it is {status!r}; allowed events: {listed}",
            hint=f"did you mean {close[0]!r}?" if close else f"events allowed from {status!r}: {listed}",
            data={"status": status, "event": event, "allowed": list(allowed)},
        )
    return allowed[event]
