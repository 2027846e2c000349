"""The namespace `Cache`: values kept in the project between runs, with an optional time to live."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, TypedDict

from llmspell.api.describe import exposed, method
from llmspell.run import Run
from llmspell.state.cache_file import CacheFile


class CacheOptions(TypedDict, total=False):
    ttl: float
    """Milliseconds until it is forgotten."""


@exposed(name="Cache", namespace=True)
class Cache:
    """Values that outlast the run, in the project's data folder. Keys are text; values are plain data."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._file = CacheFile(Path(run.settings.data_dir) / "cache.db")

    @method(example='local notes = Cache.get("notes")')
    async def get(self, key: str, default: Any = None) -> Any:
        """The value of a key; `default` where there is none or its time is over."""
        found = await self._do("get", key)
        return default if found is None else found[0]

    @method(params={"options": CacheOptions | None}, example='Cache.set("notes", notes, { ttl = 60000 })')
    async def set(self, key: str, value: Any, options: CacheOptions | None = None) -> None:
        """Keeps a value, in place of the one before."""
        await self._do("set", key, value, (options or {}).get("ttl"))

    @method()
    async def delete(self, key: str) -> bool:
        """Forgets a key; gives whether there was one."""
        return await self._do("delete", key)

    @method(prefix=True, example='local notes = Cache.get_cached_notes("tides")')
    async def get_cached(self, kind: str, key: str) -> Any:
        """What `Cache.get_cached_<kind>(key)` calls: the value of `<kind>:<key>`."""
        return await self.get(f"{kind}:{key}")

    async def _do(self, operation: str, key: str, *more: Any) -> Any:
        async def perform() -> Any:
            return await asyncio.to_thread(getattr(self._file, operation), key, *more)

        return await self._run.effects.once("cache", operation, [key, *more], perform)
