"""A bus listener from a script's function: posted, never waited for, its payload named in the script's language.

The same function gives an equal listener, so that `off` finds what `on` added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmspell.api.callback import Callback
from llmspell.api.event_kinds import BY_NAME, PAYLOAD_SCHEMA


@dataclass(frozen=True, slots=True)
class ScriptListener:
    function: Callback

    def __call__(self, *args: Any) -> None:
        payload = args[-1]
        known = isinstance(payload, dict) and payload.get("event") in BY_NAME
        self.function.post(*args, schema=PAYLOAD_SCHEMA if known else None)


def listener_of(function: Any) -> Any:
    """A script's function as a listener; any other callable is one already."""
    return ScriptListener(function) if isinstance(function, Callback) else function
