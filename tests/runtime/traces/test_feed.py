"""Live readers: every event once, in order, without gaps, and the run never waits for one of them."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from llmspell.events.event import Event
from llmspell.traces import live
from llmspell.traces.feed import Feed, SocketFeed, StoreFeed, feed_of
from llmspell.traces.live import LiveServer, socket_path
from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.store import RunStore, Writer

NewRun = Callable[..., RunMeta]


@dataclass
class Host:
    """One run under way with its store and its socket."""

    log: EventLog
    store: RunStore
    server: LiveServer
    path: str

    def say(self, count: int, size: int = 10) -> None:
        for _ in range(count):
            self.log.emit("custom", name="n", data={"text": "x" * size})

    async def end(self) -> None:
        await asyncio.gather(self.store.finish("ok", 0), self.server.close())


@pytest.fixture
async def host(
    writer: Writer, data: Path, new_run: NewRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Host]:
    monkeypatch.setattr(live, "HELD", 300)
    path = str(tmp_path / "s")
    log = EventLog()
    store = RunStore(writer, data, RunMeta(new_run().id, "/x.lua", "x.lua", "lua", socket=path))
    log.attach(store.append)
    server = LiveServer(path, log, store)
    assert await server.start()
    one = Host(log, store, server, path)
    yield one
    await one.end()


async def _all(feed: Feed, first: int = 1) -> list[int]:
    return [event.seq async for batch in feed.batches(first) for event in batch]


async def test_a_reader_gets_history_and_then_what_happens(host: Host) -> None:
    host.say(1000)  # more than the server holds: the rest comes from the file
    seen: list[Event] = []
    halfway = asyncio.Event()

    async def read() -> None:
        async for batch in SocketFeed(host.path, host.store.path).batches():
            seen.extend(batch)
            if len(seen) >= 1000:
                halfway.set()

    task = asyncio.create_task(read())
    await halfway.wait()
    for _ in range(100):
        host.say(3)
        await asyncio.sleep(0)
    await host.end()
    await task
    assert [event.seq for event in seen] == [*range(1, 1301)]
    assert seen[7].data == {"text": "x" * 10}


async def test_a_reader_may_begin_in_the_middle(host: Host) -> None:
    host.say(500)
    tasks = [asyncio.create_task(_all(SocketFeed(host.path, host.store.path), first)) for first in (1, 499, 501, 600)]
    await asyncio.sleep(0)
    host.say(1)
    await host.store.flush()
    await host.end()
    assert [await task for task in tasks] == [[*range(1, 502)], [499, 500, 501], [501], []]


async def test_a_slow_reader_is_let_go_and_still_misses_nothing(host: Host) -> None:
    feed = SocketFeed(host.path, host.store.path).batches()
    host.say(10)
    await host.store.flush()
    seen = [event.seq for event in await anext(feed)]
    for _ in range(40):  # 40 MB that nobody takes: more than any buffer between the two
        host.say(100, size=10_000)
        await asyncio.sleep(0)
    await host.store.flush()
    ending = asyncio.create_task(host.end())
    async for batch in feed:
        seen.extend(event.seq for event in batch)
    await ending
    assert seen == [*range(1, 4011)]


async def test_the_protocol_is_lines_that_any_program_can_read(host: Host) -> None:
    host.say(2)
    await host.store.flush()
    reader, writer = await asyncio.open_unix_connection(host.path)
    writer.write(b'{"from_seq": 2}\n')
    line = json.loads(await reader.readline())
    assert line == {**line, "seq": 2, "kind": "custom", "name": "n", "phase": "point", "data": {"text": "x" * 10}}
    host.say(1)
    assert json.loads(await reader.readline())["seq"] == 3
    await host.end()
    assert json.loads(await reader.readline()) == {"ended": True}
    assert await reader.read() == b""
    writer.close()


async def test_nonsense_from_a_reader_harms_nobody(host: Host) -> None:
    for nonsense in (b"hello\n", b"[1]\n", b'{"from_seq": "a"}\n', b"\xff\xfe\n", b""):
        _, writer = await asyncio.open_unix_connection(host.path)
        writer.write(nonsense)
        writer.close()
    host.say(3)
    task = asyncio.create_task(_all(SocketFeed(host.path, host.store.path)))
    await asyncio.sleep(0)
    await host.store.flush()
    await host.end()
    assert await task == [1, 2, 3]


async def test_the_store_alone_gives_the_same(host: Host) -> None:
    host.say(5)
    await host.store.flush()
    task = asyncio.create_task(_all(StoreFeed(host.store.path)))
    host.say(2500)
    await host.end()
    assert await task == [*range(1, 2506)]


async def test_the_best_feed_is_chosen_and_a_dead_socket_is_survived(host: Host) -> None:
    host.say(5)
    await host.store.flush()
    assert isinstance(feed_of(host.store.path), SocketFeed)
    gone = asyncio.create_task(_all(SocketFeed(host.path + "x", host.store.path)))
    await host.end()
    assert await gone == [1, 2, 3, 4, 5]
    assert isinstance(feed_of(host.store.path), StoreFeed)
    assert await _all(feed_of(host.store.path), 4) == [4, 5]
    assert Path(host.path) not in Path(host.path).parent.iterdir()


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: a socket's path has 107 bytes at most."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_sockets_lie_where_nobody_else_comes(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    path = Path(socket_path("1m817deymajcsv"))
    assert path == short / "llmspell" / "1m817deymajcsv.sock"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.parent.chmod(0o755)  # a folder that others can enter is not used
    monkeypatch.setenv("TMPDIR", str(short))
    assert Path(socket_path("1m817deymajcsv")).parent == short / f"llmspell-{os.getuid()}"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short / ("long" * 30)))
    monkeypatch.setenv("TMPDIR", str(short / ("long" * 30)))
    assert socket_path("1m817deymajcsv") == ""
