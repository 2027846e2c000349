"""A script's function as the host sees it (`api.callback.Callback`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from llmspell.api.callback import Callback


class Caller(Protocol):
    """What a function needs of the bridge it came through."""

    async def invoke(self, function: int, args: tuple[Any, ...]) -> Any: ...

    def post(
        self, function: int, args: tuple[Any, ...], schema: dict[str, Any] | None, done: Callable[[], None] | None
    ) -> None: ...

    async def changed(self, function: int, context: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]: ...


class ScriptFunction(Callback):
    """Equal and hashed by its number, so that the same function of the script is one listener. gone: told the number
    when nobody holds it any more, in whatever thread that is noticed."""

    __slots__ = ("__weakref__", "_caller", "_gone", "number", "site")

    def __init__(self, caller: Caller, number: int, site: str, gone: Callable[[int], None]) -> None:
        self._caller = caller
        self._gone = gone
        self.number = number
        self.site = site

    def is_of(self, caller: Caller) -> bool:
        """Whether it came through this bridge."""
        return self._caller is caller

    def __del__(self) -> None:
        self._gone(self.number)

    async def __call__(self, *args: Any) -> Any:
        return await self._caller.invoke(self.number, args)

    def post(self, *args: Any, schema: dict[str, Any] | None = None, done: Callable[[], None] | None = None) -> None:
        self._caller.post(self.number, args, schema, done)

    async def changed(self, context: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        return await self._caller.changed(self.number, context, schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScriptFunction) and (other.number, other._caller) == (self.number, self._caller)

    def __hash__(self) -> int:
        return hash(self.number)

    def __repr__(self) -> str:
        return f"<function handed over at {self.site or '?'}>"


class ScriptPromise(ScriptFunction):
    """A script's promise: awaiting it gives what it settles to."""

    __slots__ = ()

    def __await__(self) -> Any:
        return self._caller.invoke(self.number, ()).__await__()
