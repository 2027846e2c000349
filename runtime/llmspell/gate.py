"""What a run asks before it does something, where somebody controls it from outside: the seam between the places that
do things and `control`, which holds them up.

A run that nobody controls has no gate: each of those places then costs one look at an attribute.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol

Stop = Literal["agent", "model", "tool", "hook", "error", "end"]
"""What is about to happen: an agent works, a model is asked, a tool is called, a hook's handler is asked, a unit has
failed and `on_error` is to be asked, the spell ends."""


class Gate(Protocol):
    def held(self) -> Awaitable[None] | None:
        """What to wait for before anything is asked of the outside, while the run is paused."""
        ...

    async def reached(self, stop: Stop, names: tuple[str, ...], about: dict[str, Any]) -> None:
        """Returns when it may happen. names: what patterns are held against; about: what is about to be asked."""
        ...

    async def tool(
        self, name: str, agent: str, params: dict[str, Any], check: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """The arguments that a tool is to be called with, perhaps edited. check: gives arguments in form, or raises
        SchemaError. Raises ToolError where the call is denied."""
        ...

    def over(self) -> None:
        """The run fails or is cancelled: its last handlers are held up by nothing."""
        ...
