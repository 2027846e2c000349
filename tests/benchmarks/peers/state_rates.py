"""Operations of a state store a second, and of its bare library on the same machine: `state_rates.py BACKEND`.

set, get: one after the other; crowd: sets by 200 at once; update: reads and sets that nobody may disturb.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from llmspell.settings.values import Settings, State
from llmspell.state.opening import opened

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime" / "state"))

from postgres_server import Server, binaries

COUNT = 2000
CROWD = 200
VALUE = {"title": "The tides of the North Sea", "pages": [1, 2, 3], "done": False}
PACKED = json.dumps(VALUE).encode()


async def rate(count: int, work: Callable[[], Awaitable[Any]]) -> float:
    start = time.perf_counter()
    await work()
    return count / (time.perf_counter() - start)


async def ours(backend: Any, folder: Path, url: str) -> dict[str, float]:
    lease = await opened(Settings(folder, folder / "data", state=State(backend=backend, url=url or None)))
    store = lease.store

    async def more(value: Any) -> Any:
        return VALUE

    async def sets() -> None:
        for number in range(COUNT):
            await store.set(f"key{number % 500}", VALUE)

    async def gets() -> None:
        for number in range(COUNT):
            await store.get(f"key{number % 500}")

    async def crowd() -> None:
        async def one(first: int) -> None:
            for number in range(COUNT // CROWD):
                await store.set(f"key{first}/{number}", VALUE)

        await asyncio.gather(*(one(first) for first in range(CROWD)))

    async def updates() -> None:
        for number in range(COUNT):
            await store.update(f"key{number % 500}", more)

    await store.set("first", VALUE)
    works = {"set": sets, "get": gets, "crowd": crowd, "update": updates}
    found = {name: await rate(COUNT, work) for name, work in works.items()}
    await lease.close()
    return found


async def bare(backend: str, folder: Path, url: str) -> dict[str, float]:
    put, get = await {"sqlite": bare_sqlite, "rocksdb": bare_rocksdb, "postgres": bare_postgres}[backend](folder, url)

    async def puts() -> None:
        for number in range(COUNT):
            await put(b"key%d" % (number % 500))

    async def gets() -> None:
        for number in range(COUNT):
            await get(b"key%d" % (number % 500))

    await put(b"first")
    return {"bare_set": await rate(COUNT, puts), "bare_get": await rate(COUNT, gets)}


async def bare_sqlite(folder: Path, url: str) -> Any:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL)")

    async def put(key: bytes) -> None:
        connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, PACKED))

    async def get(key: bytes) -> None:
        connection.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()

    return put, get


async def bare_rocksdb(folder: Path, url: str) -> Any:
    from rocksdict import Options, Rdict

    kept = Rdict(str(folder / "bare"), Options(raw_mode=True))

    async def put(key: bytes) -> None:
        kept.put(key, PACKED)

    async def get(key: bytes) -> None:
        kept.get(key)

    return put, get


async def bare_postgres(folder: Path, url: str) -> Any:
    import psycopg

    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    await connection.execute("CREATE TABLE bare (key bytea PRIMARY KEY, value bytea NOT NULL)")
    upsert = "INSERT INTO bare VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"

    async def put(key: bytes) -> None:
        await connection.execute(upsert, (key, PACKED))

    async def get(key: bytes) -> None:
        await (await connection.execute("SELECT value FROM bare WHERE key = %s", (key,))).fetchone()

    return put, get


async def rates(backend: str, url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps({**await ours(backend, Path(folder), url), **await bare(backend, Path(folder), url)}))


def main(backend: str) -> None:
    programs = binaries()
    if backend != "postgres":
        asyncio.run(rates(backend, ""))
    elif programs is None:
        sys.exit("no PostgreSQL server here: Debian's package postgresql has one")
    else:
        server = Server(programs)
        try:
            asyncio.run(rates(backend, server.new_url()))
        finally:
            server.close()


main(*sys.argv[1:])
