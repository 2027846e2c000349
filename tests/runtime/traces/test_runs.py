"""The folder of stored runs: listing, finding, removing, keeping only so many."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from llmspell.errors import StoreError
from llmspell.events.event import Event
from llmspell.traces import index
from llmspell.traces.meta import RunMeta
from llmspell.traces.runs import Retention, Runs
from llmspell.traces.store import RunStore, Writer

Keep = Callable[..., Awaitable[Path]]
NewRun = Callable[..., RunMeta]
_DAY = 24 * 3600 * 1000.0
_NOW = 1_760_000_000_000.0


async def test_runs_are_listed_oldest_first(keep: Keep, data: Path, research: list[Event], new_run: NewRun) -> None:
    metas = [new_run(f"{day}.lua", started=_NOW + day * _DAY) for day in (3, 1, 2)]
    for meta in metas:
        await keep(research, meta)
    found = Runs(data).list()
    assert [meta.label for meta in found] == ["1.lua", "2.lua", "3.lua"]
    assert {meta.status for meta in found} == {"ok"}
    assert found[0].input_tokens == 2306
    assert found[0].duration == research[-1].time - research[0].time, "between two events, whatever the clock says"


async def test_the_index_is_rebuilt_from_the_files(
    keep: Keep, data: Path, research: list[Event], new_run: NewRun
) -> None:
    for day in range(3):
        await keep(research, new_run(started=_NOW + day * _DAY))
    runs = Runs(data)
    before = runs.list()
    assert runs.rebuild() == 3
    assert runs.list() == before
    for damage in (b"", b"no database at all, but long enough to be looked at as one" * 20):
        (data / "runs.db").write_bytes(damage)
        assert runs.list() == before
    runs.path(before[0].id).unlink()
    assert runs.list() == before[1:]


async def test_a_run_that_had_ended_before_its_host_was_killed_is_not_lost(
    keep: Keep, data: Path, research: list[Event], new_run: NewRun
) -> None:
    """The host died between the end of the run's file and the end of its line in the index."""
    meta = new_run()
    await keep(research, meta)
    (ended,) = Runs(data).list()
    index.note(data, dataclasses.replace(ended, status="running", pid=2**22, process_start=1))
    assert [found.status for found in Runs(data).list()] == ["ok"]


async def test_a_damaged_run_is_listed_and_can_be_removed(keep: Keep, data: Path, research: list[Event]) -> None:
    path = await keep(research)
    path.write_bytes(b"x" * 5000)
    (data / "runs.db").unlink()
    runs = Runs(data)
    assert [meta.status for meta in runs.list()] == ["damaged"]
    assert runs.remove([path.stem]) == 1
    assert runs.list() == []


async def test_a_run_is_found_by_the_beginning_of_its_id(
    keep: Keep, data: Path, research: list[Event], new_run: NewRun
) -> None:
    paths = [await keep(research, new_run(run=run)) for run in ("1a00000000aaaa", "1a00000001bbbb", "1b00000000cccc")]
    runs = Runs(data)
    assert runs.find("1b") == paths[2]
    assert runs.find("1a00000001") == paths[1]
    assert runs.find("last") == paths[2]
    assert runs.find(str(paths[0])) == paths[0]
    with pytest.raises(StoreError, match="2 runs begin with '1a': 1a00000000aaaa, 1a00000001bbbb"):
        runs.find("1a")
    with pytest.raises(StoreError, match="no run 'zz'"):
        runs.find("zz")
    with pytest.raises(StoreError, match="no run in"):
        Runs(data / "elsewhere").find("last")


async def test_a_run_whose_host_is_gone_is_lost(writer: Writer, data: Path, new_run: NewRun) -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await child.wait()
    meta = dataclasses.replace(new_run(), pid=child.pid, process_start=1)
    store = RunStore(writer, data, meta)
    own = RunStore(writer, data, new_run(started=_NOW + _DAY))
    assert await store.flush()
    assert await own.flush()
    assert [meta.status for meta in Runs(data).list()] == ["lost", "running"]
    reused = dataclasses.replace(meta, pid=os.getpid())
    assert reused.current_status == "lost"


@pytest.mark.parametrize(
    ("retention", "left"),
    [
        (Retention(runs=2, days=1000, megabytes=1000), ["3.lua", "4.lua"]),
        (Retention(runs=100, days=2.5, megabytes=1000), ["2.lua", "3.lua", "4.lua"]),
        (Retention(runs=100, days=1000, megabytes=0.12), ["4.lua"]),
        (Retention(), ["0.lua", "1.lua", "2.lua", "3.lua", "4.lua"]),
    ],
)
async def test_only_so_many_are_kept(
    keep: Keep, data: Path, research: list[Event], new_run: NewRun, retention: Retention, left: list[str]
) -> None:
    big = [dataclasses.replace(event, data={"text": "x" * 3000}) for event in research]
    for day in range(5):
        await keep(big, new_run(f"{day}.lua", started=_NOW + day * _DAY))
    runs = Runs(data)
    removed = runs.keep(retention, now=_NOW + 4 * _DAY)
    assert [meta.label for meta in runs.list()] == left
    assert len(removed) == 5 - len(left)


async def test_a_running_run_is_kept_whatever_its_age(writer: Writer, data: Path, new_run: NewRun) -> None:
    store = RunStore(writer, data, new_run(started=_NOW))
    await store.flush()
    assert Runs(data).keep(Retention(runs=1, days=0, megabytes=0), now=_NOW + 99 * _DAY) == []
    assert store.path.exists()
