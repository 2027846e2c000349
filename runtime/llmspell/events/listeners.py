"""A bus listener from a script's function: posted, never waited for, its payload named in the script's language.

The same function gives an equal listener, so that `off` finds what `on` added.
"""

from __future__ import annotations

from typing import Any, Final

from llmspell.api.callback import Callback
from llmspell.api.event_kinds import BY_NAME, PAYLOAD_SCHEMA
from llmspell.frozen import frozen

#: What the runtime adds to a script's own event; its other keys are the emitter's.
_CUSTOM_SCHEMA: Final[dict[str, Any]] = {"type": "object", "properties": {"agent_id": {}, "agent_name": {}}}


@frozen
class ScriptListener:
    function: Callback

    def __call__(self, *args: Any) -> None:
        payload = args[-1]
        known = isinstance(payload, dict) and payload.get("event") in BY_NAME
        self.function.post(*args, schema=PAYLOAD_SCHEMA if known else _CUSTOM_SCHEMA)


def listener_of(function: Any) -> Any:
    """A script's function as a listener; any other callable is one already."""
    return ScriptListener(function) if isinstance(function, Callback) else function
