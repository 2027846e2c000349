"""The store that the settings choose, opened at its first use and shared by all runs of the process that name it.

RocksDB lets a process open a folder once, and a connection is better shared than made. The last one to let go of a
store closes it.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llmspell.errors import SettingsError
from llmspell.settings.values import Settings, without_passwords
from llmspell.state.backend import Backend
from llmspell.state.store import StateStore

_Key = tuple[object, ...]


@dataclass(slots=True)
class _Shared:
    store: StateStore
    users: int
    closed: Future[None] | None = None


_shared: dict[_Key, _Shared] = {}
_lock: Final = threading.Lock()


async def opened(settings: Settings) -> Lease:
    """The project's store. Raises SettingsError for settings that do not fit each other."""
    key = _key(settings)
    while True:
        with _lock:
            found = _shared.get(key)
            if found is None:
                found = _shared[key] = _Shared(_made(settings), 0)
            if found.closed is None:
                found.users += 1
                return Lease(key, found.store)
            waiting = found.closed
        await asyncio.wrap_future(waiting)


class Lease:
    """Somebody's use of a shared store."""

    def __init__(self, key: _Key, store: StateStore) -> None:
        self._key = key
        self.store = store

    async def close(self) -> None:
        with _lock:
            found = _shared[self._key]
            found.users -= 1
            if found.users:
                return
            found.closed = Future()
        try:
            await found.store.close()
        finally:
            with _lock:
                del _shared[self._key]
            found.closed.set_result(None)


def _key(settings: Settings) -> _Key:
    state = settings.state
    if state.backend == "postgres":  # its connections belong to an event loop
        return (state.backend, state.url, state.fsync, id(asyncio.get_running_loop()))
    return (state.backend, str(settings.data_dir), state.fsync)


def _made(settings: Settings) -> StateStore:
    state, folder = settings.state, Path(settings.data_dir)
    backend: Backend
    match state.backend:
        case "sqlite":
            from llmspell.state.sqlite import SqliteBackend

            backend, name = SqliteBackend(folder / "state.db", fsync=state.fsync, max_mb=state.max_mb), "state.db"
        case "rocksdb":
            from llmspell.state.rocks import RocksBackend

            backend, name = RocksBackend(folder / "state.rocksdb", fsync=state.fsync), "state.rocksdb"
        case _:
            from llmspell.state.postgres import PostgresBackend

            if not state.url:
                raise SettingsError(
                    "[state] backend = 'postgres' needs the server's address",
                    hint='url = "postgresql://user@host/database" in [state], or LLMSPELL_STATE_URL',
                )
            backend, name = PostgresBackend(state.url, fsync=state.fsync), without_passwords(state.url)
    return StateStore(backend, name)
