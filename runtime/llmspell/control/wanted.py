"""How a run is to be controlled from its first moment. A plain value; starts nothing."""

from __future__ import annotations

from typing import Any

from llmspell.control.breakpoints import Breakpoint, tool_patterns
from llmspell.frozen import frozen


@frozen
class Controls:
    """breakpoints: as `breakpoints.Breakpoint` writes them (`start` begins paused). approve: patterns of tools whose
    calls wait for approval. attended: whether somebody will connect to the run's socket: what the spell asks a person
    then waits for them, though nobody is there yet."""

    breakpoints: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    attended: bool = False

    def record(self) -> dict[str, Any]:
        """What a recording keeps. Raises ArgumentError for what means nothing."""
        points = [str(Breakpoint.parse(text)) for text in self.breakpoints]
        return {"do": "begin", "set": points, "tools": list(tool_patterns(list(self.approve)))}
