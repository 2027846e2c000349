"""An agent's or a workflow's state with the methods of a scope: keys are paths such as `plan.steps.0`.

In memory and of this run: nothing of it is an effect, and nothing has a time to live.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llmspell.agents.live_state import LiveState
from llmspell.errors import ArgumentError
from llmspell.library.global_state import Fn
from llmspell.run import Run
from llmspell.state.access import Access, Kind
from llmspell.state.plain import plain, same


class LiveScope:
    def __init__(self, run: Run, state: LiveState) -> None:
        self._run = run
        self._state = state
        self.name = state.name

    async def get(self, key: str) -> Any:
        return plain(self._state.read(_path(key)), key)

    async def entry(self, key: str) -> dict[str, Any] | None:
        value = await self.get(key)
        return None if value is None else {"key": key, "value": value, "version": 0, "expires_at": None}

    async def list(self, prefix: str) -> list[str]:
        return sorted(key for key in self._state.read([]) if key.startswith(prefix))

    async def snapshot(self, prefix: str) -> dict[str, Any]:
        return {key: value for key, value in self._state.snapshot().items() if key.startswith(prefix)}

    async def set(self, key: str, value: Any, ttl: float | None) -> bool:
        if ttl is not None:
            raise ArgumentError(f"the state of {self.name} ends with its run: it has no ttl", hint="use State.set")
        had = self._state.read(_path(key)) is not None
        await self._state.change(_path(key), value)
        return had

    async def compare_and_set(self, key: str, expected: Any, value: Any, ttl: float | None) -> bool:
        if not same(self._state.read(_path(key)), plain(expected, key)):
            return False
        await self.set(key, value, ttl)
        return True

    async def update(self, key: str, fn: Fn, ttl: float | None) -> Any:
        while True:
            old = await self.get(key)
            value = await fn(old)
            if same(self._state.read(_path(key)), old):
                await self.set(key, value, ttl)
                return await self.get(key)

    async def restore(self, values: dict[str, Any]) -> None:
        await self._state.change([], values)

    async def claim(self, kind: Kind, owner: str) -> None:
        self._state.access.check_claim(self._run.actor, self.name)
        self._state.access = Access(kind, owner or self.name)

    async def watch(self, prefix: str, tell: Callable[[dict[str, Any]], object]) -> Callable[[], None]:
        def heard(change: dict[str, Any]) -> None:
            shown = {"value": change["value"], "deleted": change["value"] is None, "version": 0, "by": change["by"]}
            tell({"scope": self.name, "key": change["key"], **shown})

        return self._state.listen(prefix, heard)


def _path(key: str) -> list[Any]:
    """`plan.steps.0`: places in a list count from 0, as events show them."""
    return [int(part) if part.isascii() and part.isdigit() else part for part in key.split(".")] if key else []
