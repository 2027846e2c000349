"""A run's feed: what a model has in the end is what is stored, however it was read and whatever went wrong."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import StoreError
from llmspell.traces import live
from llmspell.traces.live import LiveServer
from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.reader import RunFile
from llmspell.traces.state_at import state_at
from llmspell.traces.store import RunStore, Writer
from llmspell_tui.feed.rows import StoredRun
from llmspell_tui.feed.source import RunSource
from llmspell_tui.feed.trouble import trouble_of
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.updates import Complete, Page, SpanRows, Trouble, Update


async def _read(source: RunSource) -> tuple[RunModel, list[Update]]:
    model, updates = RunModel(), []
    async for update in source.updates():
        model.take(update)
        updates.append(update)
    return model, updates


def _exported(path: Path) -> int:
    command = [sys.executable, "-m", "llmspell", "trace", "export", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.count("\n")


@pytest.mark.parametrize("example", ["research", "hooks", "state", "chat", "error_handling"])
@pytest.mark.parametrize("short", [0, 10**9], ids=["rows", "events"])
async def test_every_stored_event_is_counted(stored: Callable[[str], Any], example: str, short: int) -> None:
    path = stored(example).path
    model, updates = await _read(RunSource(path, short=short))
    assert any(isinstance(update, SpanRows) for update in updates) == (short == 0)
    assert isinstance(updates[-1], Complete)
    assert model.events == _exported(path) > 10
    assert model.missing == 0
    assert sum(model.counts.values()) == model.events
    assert (model.status, model.trouble, model.progress, model.complete) == ("ok", None, None, True)


@pytest.mark.parametrize("example", ["research", "hooks", "state", "error_handling"])
async def test_rows_and_events_tell_the_same(stored: Callable[[str], Any], example: str) -> None:
    path = stored(example).path
    by_rows, _ = await _read(RunSource(path, short=0))
    by_events, _ = await _read(RunSource(path))
    assert _told(by_rows) == _told(by_events)
    with RunFile(path) as file:
        last = file.last_seq()
        for seq in range(0, last + 1, 3):
            assert by_rows.states.at(seq) == by_events.states.at(seq) == state_at(file, seq)
        for i, span in enumerate(file.spans()):
            assert (by_rows.spans.number(i), by_rows.spans.own_tokens(i)) == (
                span.number,
                span.input_tokens + span.output_tokens,
            )
    for seq in (last // 3, last // 2):
        by_rows.moment = by_events.moment = seq
        assert _told(by_rows) == _told(by_events)


def _told(model: RunModel) -> list[Any]:
    spans = model.spans
    figures = [(spans.tokens(i), spans.cost(i), spans.status(i), spans.path(i)) for i in spans.rows(0, 10_000)]
    points = [(model.points.seq(i), model.points.text(i)) for i in range(len(model.points))]
    return [figures, points, [*model.hooks], model.counts, model.errors, model.calls, model.began, model.ended]


async def test_a_hook_tells_what_a_value_was_before(stored: Callable[[str], Any]) -> None:
    model, _ = await _read(RunSource(stored("hooks").path))
    changed = [change for call in model.hooks for change in call.changes]
    assert changed
    assert all(change.before != change.after for change in changed)
    assert any(change.before is not None for change in changed)


# A run that is still going on


class Host:
    """One run under way, with its store and its socket."""

    def __init__(self, writer: Writer, folder: Path, socket: str) -> None:
        self.log = EventLog()
        meta = RunMeta("1m7zzzzzzzzzz1", "/x.lua", "x.lua", "lua", socket=socket)
        self.store = RunStore(writer, folder, meta)
        self.log.attach(self.store.append)
        self.server = LiveServer(socket, self.log, self.store)
        self.log.emit("spell_started", phase="start", name="x.lua")

    def work(self, count: int) -> None:
        for _ in range(count):
            number = self.log.new_span()
            place = {"span": number, "parent": 1, "name": "csv", "site": "x.lua:3"}
            self.log.emit("tool_called", phase="start", **place)
            self.log.emit("output", span=number, parent=1, data={"text": "a line"})
            self.log.emit("tool_completed", phase="end", **place, data={"status": "ok"})

    async def end(self) -> None:
        self.log.emit("spell_completed", phase="end", name="x.lua", data={"status": "ok"})
        await asyncio.gather(self.store.finish("ok", 0), self.server.close())


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    monkeypatch.setattr(live, "HELD", 300)
    writer = Writer()
    one = Host(writer, tmp_path / "data", str(tmp_path / "s"))
    assert await one.server.start()
    yield one
    await asyncio.gather(one.store.finish("ok", 0), one.server.close())
    writer.close()


@pytest.mark.parametrize("short", [0, 10**9], ids=["rows", "events"])
async def test_a_live_run_is_followed_to_its_end(host: Host, short: int) -> None:
    host.work(500)
    await host.store.flush()
    model = RunModel()
    caught_up = asyncio.Event()

    async def read() -> None:
        async for update in RunSource(host.store.path, short=short).updates():
            model.take(update)
            if model.events >= 1501:
                caught_up.set()

    task = asyncio.create_task(read())
    await caught_up.wait()
    assert model.status == "running"
    assert model.spans.running == 1
    host.work(200)
    await host.end()
    await task
    assert (model.status, model.events, model.missing, len(model.spans)) == ("ok", 2102, 0, 701)
    assert len(model.points) == 700
    assert model.spans.running == 0
    assert model.counts["tool_called"] == 700


async def test_a_killed_runtime_is_told(tmp_path: Path) -> None:
    writer = Writer()
    meta = RunMeta("1m7zzzzzzzzzz2", "/x.lua", "x.lua", "lua", pid=2**22 + 1, process_start=1)
    store = RunStore(writer, tmp_path, meta)
    log = EventLog()
    log.attach(store.append)
    log.emit("spell_started", phase="start", name="x.lua")
    log.emit("output", data={"text": "so far"})
    await store.flush()
    try:
        model, _ = await _read(RunSource(store.path))
    finally:
        await store.finish("ok", 0)
        writer.close()
    assert model.status == "lost"
    assert model.trouble is not None
    assert "killed" in model.trouble.text
    assert "resume" in model.trouble.remedy
    assert model.events == 2


def test_it_may_be_closed_while_a_thread_reads(stored: Callable[[str], Any]) -> None:
    """Else SQLite's library takes the process with it, in one of a hundred times or so."""
    path = stored("research").path
    with ThreadPoolExecutor(1) as threads:
        for number in range(300):
            run = StoredRun(path)
            reading = threads.submit(lambda run=run: [*run.detail_pieces(), *run.span_pieces(), run.counts()])
            time.sleep(number * 1e-6)  # at one place of the reading after the other
            run.close()
            if (error := reading.exception()) is not None:
                assert isinstance(error, StoreError)


# What cannot be read


async def test_a_missing_file_is_a_trouble_with_a_remedy(tmp_path: Path) -> None:
    model, updates = await _read(RunSource(tmp_path / "none.db"))
    assert [type(update) for update in updates] == [Trouble]
    assert model.trouble is not None
    assert "there is no run file" in model.trouble.text
    assert "trace list" in model.trouble.remedy


@pytest.mark.parametrize("short", [0, 10**9], ids=["rows", "events"])
async def test_of_a_damaged_file_what_is_missing_is_counted(
    stored: Callable[[str], Any], tmp_path: Path, short: int
) -> None:
    data = bytearray(stored("research").path.read_bytes())
    path = tmp_path / "1m7zzzzzzzzzz3.db"
    path.write_bytes(data)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE events SET data = '{\"broken' WHERE seq = 40")
        connection.execute("UPDATE events SET phase = 'point' WHERE seq = 40")
    connection.close()
    model, updates = await _read(RunSource(path, short=short))
    assert model.trouble is not None
    assert not model.trouble.passing
    assert not any(isinstance(update, Complete) for update in updates)
    assert model.missing > 0
    assert model.events + model.missing == _meta_events(path)


async def test_no_run_of_llmspell_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(os.urandom(4096))
    model, _ = await _read(RunSource(path))
    assert model.trouble is not None
    assert "cannot be read" in model.trouble.text
    assert model.events == 0


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (StoreError("the run file 'x' cannot be read: database is locked", hint="it is damaged"), True),
        (sqlite3.OperationalError("database or disk is full"), True),
        (OSError(24, "Too many open files"), True),
        (StoreError("the run file 'x' cannot be read: malformed", hint="it is damaged"), False),
    ],
)
def test_a_trouble_says_whether_it_passes(error: Exception, passing: bool) -> None:
    trouble = trouble_of(error)  # pyright: ignore
    assert trouble.passing is passing
    assert trouble.remedy
    assert passing == ("damaged" not in trouble.remedy)


async def test_events_that_could_not_be_stored_are_missing(stored: Callable[[str], Any], tmp_path: Path) -> None:
    path = tmp_path / "1m7zzzzzzzzzz4.db"
    path.write_bytes(stored("hooks").path.read_bytes())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '7' WHERE key = 'lost'")
    connection.close()
    model, updates = await _read(RunSource(path))
    assert model.missing == 7
    assert model.trouble is not None
    assert "7 events could not be stored" in model.trouble.text
    assert [update.lost for update in updates if isinstance(update, Page)] == [7, 7]


def _meta_events(path: Path) -> int:
    with RunFile(path) as file:
        return file.meta().events
