"""What is promised across processes: nothing acknowledged is lost to kill -9, no half change is seen, no update lost."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import StoreError
from llmspell.settings.values import Settings
from llmspell.state import postgres as postgres_module
from llmspell.state import sqlite
from llmspell.state.backend import SCHEMA
from llmspell.state.opening import opened
from llmspell.state.store import StateStore

_WRITER = Path(__file__).parent / "writer.py"

backends = pytest.mark.parametrize("backend", ["sqlite", "rocksdb", "postgres"])
shared = pytest.mark.parametrize("backend", ["sqlite", "postgres"])
Make = Callable[..., Settings]


async def start(mode: str, settings: Settings) -> Process:
    state = settings.state
    arguments = (mode, state.backend, str(settings.data_dir), state.url or "")
    return await asyncio.create_subprocess_exec(sys.executable, str(_WRITER), *arguments, stdout=PIPE, stderr=DEVNULL)


async def said(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode().strip()


async def said_until_killed(process: Process, lines: int) -> list[int]:
    """Everything it had said, also what was on its way when it was killed."""
    found = [int(await said(process)) for _ in range(lines)]
    process.kill()
    assert process.stdout is not None
    rest = (await process.stdout.read()).decode()
    await process.wait()
    return found + [int(line) for line in rest.splitlines() if rest.endswith("\n") or line != rest.splitlines()[-1]]


async def check(settings: Settings, look: Callable[[StateStore], Any]) -> Any:
    lease = await opened(settings)
    try:
        return await look(lease.store)
    finally:
        await lease.close()


@backends
@pytest.mark.mission(92, 93)
async def test_what_was_acknowledged_survives_a_killed_writer(backend: str, settings_of: Make) -> None:
    settings = settings_of(backend)
    for lines in (1, 40, 150):
        last = (await said_until_killed(await start("numbers", settings), lines))[-1]
        found = await check(settings, lambda store: store.entries("n/"))
        kept = {entry.key: entry.value for entry in found}
        assert all(kept.get(f"n/{number}") == number for number in range(last + 1))
    assert await check(settings, lambda store: store.version()) >= 190


@backends
@pytest.mark.mission(92, 93)
async def test_no_reader_sees_half_a_change(backend: str, settings_of: Make) -> None:
    """With RocksDB nobody else reads meanwhile; after a kill the folder is whole."""
    settings = settings_of(backend)

    async def look(store: StateStore) -> int:
        found = {entry.key: entry.value for entry in await store.entries("p/")}
        assert found["p/a"] == found["p/c"] == int(found["p/b"][5000:])
        return found["p/a"]

    async def look_on(store: StateStore) -> None:
        seen: set[int] = set()
        async with asyncio.timeout(60):
            while len(seen) < 10:
                seen.add(await look(store))

    for _ in range(2):
        writer = await start("pairs", settings)
        for _ in range(5):
            await said(writer)
        if backend != "rocksdb":
            await check(settings, look_on)
        await said_until_killed(writer, 5)
        await check(settings, look)


@shared
@pytest.mark.mission(92, 94)
async def test_updates_by_four_processes_lose_nothing(backend: str, settings_of: Make) -> None:
    settings = settings_of(backend)
    writers = [await start("count", settings) for _ in range(4)]
    async with asyncio.timeout(120):
        assert [await writer.wait() for writer in writers] == [0] * 4
    found = await check(settings, lambda store: store.get("count"))
    assert (found.value, found.version) == (200, 200)


@shared
@pytest.mark.mission(92, 94)
async def test_a_watcher_hears_of_another_process(backend: str, settings_of: Make) -> None:
    settings = settings_of(backend)
    lease = await opened(settings)
    async with aclosing(lease.store.watch("w/")) as changes, asyncio.timeout(60):
        assert await anext(changes) is None
        writer = await start("set", settings)
        change = await anext(changes)
        assert change is not None
        assert (change.key, change.value, change.by) == ("w/there", "from another process", "somebody else")
        assert await writer.wait() == 0
    await lease.close()


async def test_rocksdb_tells_a_second_process_that_it_serves_one(settings_of: Make) -> None:
    settings = settings_of("rocksdb")
    lease = await opened(settings)
    again = await opened(settings)
    assert again.store is lease.store, "runs of one process share it"
    await lease.store.set("a", 1)
    await again.close()
    second = await start("set", settings)
    told = await said(second)
    assert "is in use by another process; RocksDB serves one process at a time" in told
    await second.wait()
    await lease.close()
    assert await check(settings, lambda store: store.list()) == ["a"]


@pytest.mark.mission(93)
async def test_an_older_file_is_migrated_and_a_newer_one_refused(settings_of: Make) -> None:
    settings = settings_of("sqlite")
    path = settings.data_dir / "state.db"
    settings.data_dir.mkdir()
    _old_file(path)
    await check(settings, _holds_the_old_value)
    with closing(sqlite3.connect(path)) as file:
        file.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(StoreError, match=rf"newer llmspell \(schema {SCHEMA + 1}, known {SCHEMA}\)"):
        await check(settings, lambda store: store.list())


def _old_file(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.executescript(sqlite.STEPS[0])
        file.execute("INSERT INTO state VALUES (?, ?, 1, NULL)", (b"old", b"\x07"))
        file.execute("UPDATE counter SET version = 1")
        file.execute("PRAGMA user_version = 1")


async def _holds_the_old_value(store: StateStore) -> None:
    found = await store.get("old")
    assert found is not None and (found.value, found.version) == (7, 1)
    async with aclosing(store.watch()) as changes:
        assert await anext(changes) is None
        assert (await store.set("old", 8)).version == 2
        change = await anext(changes)
        assert change is not None and (change.key, change.value) == ("old", 8)


async def test_the_same_holds_for_postgres(postgres: Any, settings_of: Make) -> None:
    import psycopg

    settings = settings_of("postgres")
    url = settings.state.url or ""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("CREATE TABLE llmspell_store (schema int NOT NULL, version bigint NOT NULL)")
        await connection.execute(postgres_module.STEPS[0].encode())
        await connection.execute("INSERT INTO llmspell_store VALUES (1, 1)")
        await connection.execute("INSERT INTO llmspell_state VALUES ('old', '\\x07', 1, NULL)")
        await check(settings, _holds_the_old_value)
        await connection.execute("UPDATE llmspell_store SET schema = 99")
        with pytest.raises(StoreError, match=r"newer llmspell \(schema 99"):
            await check(settings, lambda store: store.list())


async def test_rocksdb_refuses_a_newer_folder(settings_of: Make) -> None:
    from rocksdict import Options, Rdict

    settings = settings_of("rocksdb")
    await check(settings, lambda store: store.set("a", 1))
    folder = Rdict(str(settings.data_dir / "state.rocksdb"), Options(raw_mode=True))
    folder.put(b"mschema", (99).to_bytes(8, "big"))
    folder.close()
    with pytest.raises(StoreError, match=r"newer llmspell \(schema 99"):
        await check(settings, lambda store: store.list())


async def test_a_broken_connection_is_told_and_made_again(postgres: Any, settings_of: Make) -> None:
    import psycopg

    lease = await opened(settings_of("postgres"))
    store = lease.store
    await store.set("w/a", 1)
    async with aclosing(store.watch("w/")) as changes, asyncio.timeout(60):
        assert await anext(changes) is None
        async with await psycopg.AsyncConnection.connect(postgres.url(), autocommit=True) as connection:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            await connection.execute(query)
        with pytest.raises(StoreError, match="cannot be used"):
            await store.set("w/b", 2)
        await store.set("w/c", 3)
        change = await anext(changes)
        assert change is not None and change.key == "w/c", "what came while nobody listened is told afterwards"
    await lease.close()


async def test_a_full_or_damaged_file_is_one_clear_error(settings_of: Make) -> None:
    settings = settings_of("sqlite", max_mb=1.0)

    async def fill(store: StateStore) -> None:
        for number in range(100):
            await store.set(f"k{number}", b"x" * 100_000)

    with pytest.raises(StoreError, match="is full") as caught:
        await check(settings, fill)
    assert "max_mb" in caught.value.hint
    assert len(await check(settings, lambda store: store.list())) >= 5
    for path in settings.data_dir.iterdir():
        path.unlink()
    (settings.data_dir / "state.db").write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match="cannot be used") as caught:
        await check(settings, lambda store: store.list())
    assert "move it away" in caught.value.hint
    elsewhere = replace(settings, data_dir=settings.data_dir / "state.db" / "below")
    with pytest.raises(StoreError, match="cannot be used"):
        await check(elsewhere, lambda store: store.list())


@pytest.mark.parametrize("backend", ["sqlite", "rocksdb"])
async def test_with_fsync_it_works_as_well(backend: str, settings_of: Make) -> None:
    settings = settings_of(backend, fsync=True)
    await check(settings, lambda store: asyncio.gather(*(store.set(f"k{number}", number) for number in range(20))))
    assert len(await check(settings, lambda store: store.list())) == 20
