"""State in a PostgreSQL database (extra `postgres`): any number of processes on any number of machines.

A commit is one call of a function in the database, so one round trip; it holds a lock on the store's one row of
`llmspell_store`, which puts all changes in one order. Watchers are woken by NOTIFY. Tables lie in the schema that the
address or the user's search path names; projects with one address share one state. Times are the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

from llmspell.errors import SettingsError, StoreError
from llmspell.settings.values import without_passwords
from llmspell.state.backend import LOG_LENGTH, LOGGED_VALUE, SCHEMA, Done, Logged, Row, Write
from llmspell.state.sqlite import newer

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

_NOW: Final = "extract(epoch FROM clock_timestamp()) * 1000"

#: What each version of the tables adds to the one before.
STEPS: Final = (
    """
    CREATE TABLE llmspell_state (
      key bytea PRIMARY KEY, value bytea NOT NULL, version bigint NOT NULL, until float8);
    CREATE INDEX llmspell_state_until ON llmspell_state (until) WHERE until IS NOT NULL;
    """,
    f"""
    CREATE TABLE llmspell_changes (
      version bigint PRIMARY KEY, key bytea NOT NULL, value bytea, gone boolean NOT NULL, by text NOT NULL);
    CREATE FUNCTION llmspell_commit(keys bytea[], given bytea[], ttls float8[], wanted bigint[], author text)
    RETURNS TABLE (done bigint, was bytea) LANGUAGE plpgsql AS $$
    DECLARE
      newest bigint; first bigint; moment float8; present bigint;
    BEGIN
      SELECT store.version INTO newest FROM llmspell_store store FOR UPDATE;
      first := newest;
      moment := {_NOW};
      DELETE FROM llmspell_state WHERE until <= moment;
      FOR i IN 1 .. cardinality(keys) LOOP
        SELECT state.version INTO present FROM llmspell_state state WHERE state.key = keys[i];
        IF wanted[i] IS NOT NULL AND wanted[i] <> coalesce(present, 0) THEN
          RETURN;
        END IF;
      END LOOP;
      FOR i IN 1 .. cardinality(keys) LOOP
        SELECT state.value INTO was FROM llmspell_state state WHERE state.key = keys[i];
        IF given[i] IS NULL AND NOT FOUND THEN
          done := 0;
          RETURN NEXT;
          CONTINUE;
        END IF;
        newest := newest + 1;
        IF given[i] IS NULL THEN
          DELETE FROM llmspell_state state WHERE state.key = keys[i];
        ELSE
          INSERT INTO llmspell_state VALUES (keys[i], given[i], newest, moment + ttls[i])
            ON CONFLICT (key) DO UPDATE
            SET value = excluded.value, version = excluded.version, until = excluded.until;
        END IF;
        INSERT INTO llmspell_changes VALUES (newest, keys[i],
          CASE WHEN octet_length(given[i]) <= {LOGGED_VALUE} THEN given[i] END, given[i] IS NULL, author);
        done := newest;
        RETURN NEXT;
      END LOOP;
      IF newest <> first THEN
        UPDATE llmspell_store SET version = newest;
        PERFORM pg_notify('llmspell_state', '');
      END IF;
      IF newest / 256 <> first / 256 THEN
        DELETE FROM llmspell_changes WHERE version <= newest - {LOG_LENGTH};
      END IF;
    END $$;
    """,
)

#: Seconds until a server that does not answer is given up, and between two tries of a watcher to reach it again.
_CONNECT: Final = 10
_AGAIN: Final = 1.0

_COLUMNS: Final = "SELECT key, value, version, until FROM llmspell_state"
_ALIVE: Final = f"(until IS NULL OR until > {_NOW})"


class PostgresBackend:
    """`backend.Backend` over a server. Belongs to one event loop; connects at the first use."""

    def __init__(self, url: str, *, fsync: bool = False) -> None:
        """Raises SettingsError for what is no address of a PostgreSQL server."""
        if not re.match(r"postgres(?:ql)?://", url):
            raise SettingsError(
                "[state] url is no address of a PostgreSQL server",
                hint="write postgresql://user@host/database; a password belongs into LLMSPELL_STATE_URL or ~/.pgpass",
            )
        self._url = url
        self._fsync = fsync
        self._name = f"the PostgreSQL state {without_passwords(url)}"
        self._turn = asyncio.Lock()
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._listeners: dict[object, Callable[[], None]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._works: set[asyncio.Task[Any]] = set()

    async def read(self, key: bytes) -> Row | None:
        rows = await self._asked(f"{_COLUMNS} WHERE key = %s AND {_ALIVE}", key)
        return Row(*rows[0]) if rows else None

    async def find(self, low: bytes, high: bytes | None) -> list[Row]:
        return [Row(*row) for row in await self._range(_COLUMNS, low, high)]

    async def keys(self, low: bytes, high: bytes | None) -> list[bytes]:
        return [key for (key,) in await self._range("SELECT key FROM llmspell_state", low, high)]

    async def commit(self, writes: Sequence[Write], by: str) -> list[Done] | None:
        if not writes:
            return []
        columns = [list(column) for column in zip(*((w.key, w.value, w.ttl, w.expected) for w in writes), strict=True)]
        call = "SELECT done, was FROM llmspell_commit(%s::bytea[], %s::bytea[], %s::float8[], %s::bigint[], %s)"
        rows = await self._asked(call, *columns, by.replace("\0", ""))
        return [Done(version, was) for version, was in rows] or None

    async def version(self) -> int:
        return (await self._asked("SELECT version FROM llmspell_store"))[0][0]

    async def log(self, after: int, limit: int) -> list[Logged] | None:
        query = (
            "SELECT version, key, value, gone, by FROM llmspell_changes WHERE version > %s ORDER BY version LIMIT %s"
        )
        rows = await self._asked(query, after, limit)
        if rows[0][0] > after + 1 if rows else await self.version() > after:
            return None
        return [Logged(*row) for row in rows]

    async def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        key = object()
        self._listeners[key] = wake
        if self._listening is None:
            connection = await self._connect()
            await connection.execute("LISTEN llmspell_state")
            self._listening = asyncio.create_task(self._listen(connection))
        return lambda: self._listeners.pop(key, None) and None

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._works:
            await asyncio.wait(self._works)
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    # -- inside --------------------------------------------------------------------------------------------------

    async def _range(self, columns: str, low: bytes, high: bytes | None) -> list[Any]:
        if high is None:
            return await self._asked(f"{columns} WHERE key >= %s AND {_ALIVE} ORDER BY key", low)
        return await self._asked(f"{columns} WHERE key >= %s AND key < %s AND {_ALIVE} ORDER BY key", low, high)

    async def _asked(self, query: str, *values: Any) -> list[Any]:
        """The rows of a query. A caller that is cancelled goes on at once, the query is finished all the same: half
        of one would spoil the connection for those who come after."""

        async def ask() -> list[Any]:
            async with self._turn:
                connection = await self._connected()
                cursor = connection.cursor(binary=True)
                await cursor.execute(query.encode(), values)
                return await cursor.fetchall()

        return await self._shielded(ask)

    async def _shielded(self, work: Callable[[], Awaitable[T]]) -> T:
        task = asyncio.create_task(self._told(work))
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return await asyncio.shield(task)

    async def _told(self, work: Callable[[], Awaitable[T]]) -> T:
        psycopg = await _driver()
        try:
            return await work()
        except (psycopg.Error, OSError) as error:
            raise self._unusable(error) from None

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
            await self._migrate(self._connection)
        return self._connection

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        psycopg = await _driver()
        try:
            made = await psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=_CONNECT)
            if self._fsync:
                await made.execute("SET synchronous_commit = on")
            return made
        except (psycopg.Error, OSError) as error:
            raise self._unusable(error) from None

    async def _migrate(self, connection: psycopg.AsyncConnection[Any]) -> None:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('llmspell state'))")
            there = await (await connection.execute("SELECT to_regclass('llmspell_store') IS NOT NULL")).fetchone()
            if not (there and there[0]):
                await connection.execute("CREATE TABLE llmspell_store (schema int NOT NULL, version bigint NOT NULL)")
                await connection.execute("INSERT INTO llmspell_store VALUES (0, 0)")
            row = await (await connection.execute("SELECT schema FROM llmspell_store")).fetchone()
            found = row[0] if row else 0
            if found > SCHEMA:
                raise newer(self._name, found)
            for step in STEPS[found:]:
                await connection.execute(step.encode())
            if found != SCHEMA:
                await connection.execute("UPDATE llmspell_store SET schema = %s", (SCHEMA,))

    async def _listen(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Wakes at each notification; where the connection breaks, makes another and wakes, since news may have been
        missed."""
        psycopg = await _driver()
        while True:
            try:
                async with connection:
                    async for _ in connection.notifies():
                        self._wake()
            except (psycopg.Error, OSError):
                pass
            while True:
                await asyncio.sleep(_AGAIN)
                self._wake()  # who looks while the server is away is told so
                with contextlib.suppress(StoreError, psycopg.Error, OSError):
                    connection = await self._connect()
                    await connection.execute("LISTEN llmspell_state")
                    self._wake()
                    break

    def _wake(self) -> None:
        for wake in list(self._listeners.values()):
            wake()

    def _unusable(self, error: Exception) -> StoreError:
        text = " ".join(str(error).split()) or type(error).__name__
        return StoreError(
            f"{self._name} cannot be used: {without_passwords(text)}",
            hint="see that the server runs and that [state] url is right; a change under way may have been made or not",
        )


async def _driver() -> Any:
    """psycopg, imported beside the event loop: it takes 200 ms. Raises StoreError where it is not installed."""
    found = sys.modules.get("psycopg")
    if found is not None:
        return found
    try:
        return await asyncio.to_thread(import_module, "psycopg")
    except ImportError:
        raise StoreError(
            "[state] backend = 'postgres' needs a package that is not installed",
            hint="pip install 'llmspell[postgres]'",
        ) from None
