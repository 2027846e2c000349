"""A script's function as the host sees it. The bridge makes them; everybody else only calls them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Callback(ABC):
    """Awaiting a call gives the function's value; it raises what the function threw (`ScriptError` and its kin).

    A class to inherit from and no Protocol: whether a value is one is asked twice a call, and to ask that of a Protocol
    takes 25 µs.
    """

    __slots__ = ()

    #: Where the script handed it over, `file:line`.
    site: str

    @abstractmethod
    async def __call__(self, *args: Any) -> Any: ...

    @abstractmethod
    def post(self, *args: Any, schema: dict[str, Any] | None = None) -> None:
        """Calls it without waiting. What it throws fails the spell. schema: names the keys of the last argument."""
        ...

    @abstractmethod
    async def changed(self, context: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        """Calls it with a table and gives the table as the function left it. schema: names its keys."""
        ...
