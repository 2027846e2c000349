"""An event: one thing that happened in a run. Everything else (spans, metrics, costs, pictures) is read from events.

Canonical kinds are the registry's (`execution_started`, `llm_call_completed`, `tool_called`, `output`, …); a script's
own events have kind `custom` and their name in `name`.
"""

from __future__ import annotations

from typing import Any, Literal

from llmspell.frozen import frozen

Phase = Literal["start", "end", "point"]


@frozen
class Event:
    """seq: its number in the run, from 1, without gaps. time: milliseconds since 1970.

    span: the number of the span it belongs to (the run itself is span 1); a `start` event opens it, an `end` event
    closes it, a `point` lies inside. parent: the span around that one, 0 for the run. name: what it is about (an
    agent's, a tool's, a model's name). site: the script's own `file:line`, "" where there is none. data: plain
    JSON-like values with snake_case keys; bytes and references to functions and objects are already described.
    """

    seq: int
    time: float
    kind: str
    phase: Phase
    span: int
    parent: int
    name: str
    site: str
    data: dict[str, Any]
