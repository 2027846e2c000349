"""A script's function as the host sees it. The bridge makes them; everybody else only calls them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from llmspell.errors import ScriptError
from llmspell.frozen import frozen


class Gone(ScriptError):
    """The worker of a function has ended, with everything in it."""

    def __init__(self) -> None:
        super().__init__("the script's worker has ended: nothing of it can be called", type="ended")


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
    def post(self, *args: Any, schema: dict[str, Any] | None = None, done: Callable[[], None] | None = None) -> None:
        """Calls it without waiting. What it throws fails the spell. schema: names the keys of the last argument.
        done: called when it has finished."""
        ...

    @abstractmethod
    async def changed(self, context: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        """Calls it with a table and gives the table as the function left it. schema: names its keys."""
        ...


@frozen
class Later:
    """What a synchronous member gives whose answer takes waiting after all, for a hook that has to be asked. The script
    waits for it as for any answer of such a member; the functions that are asked meanwhile can still be called."""

    work: Coroutine[Any, Any, Any]
