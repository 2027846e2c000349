"""A script's function as the host sees it. The bridge makes them; everybody else only calls them."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Callback(Protocol):
    """Awaiting a call gives the function's value; it raises what the function threw (`ScriptError` and its kin)."""

    @property
    def site(self) -> str:
        """Where the script handed it over, `file:line`."""
        ...

    async def __call__(self, *args: Any) -> Any: ...

    def post(self, *args: Any, schema: dict[str, Any] | None = None) -> None:
        """Calls it without waiting. What it throws fails the spell. schema: names the keys of the last argument."""
        ...

    async def changed(self, context: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        """Calls it with a table and gives the table as the function left it. schema: names its keys."""
        ...
