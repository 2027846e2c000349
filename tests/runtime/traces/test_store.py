"""The store: what is queued is on disk, whole and in order, whatever happens to the host or the disk."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell.errors import StoreError
from llmspell.events.event import Event
from llmspell.traces.encode import Encoder, decode_line
from llmspell.traces.jobs import Answer
from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.reader import RunFile
from llmspell.traces.runs import Runs
from llmspell.traces.spans import fold
from llmspell.traces.store import RunStore, Writer

Keep = Callable[..., Awaitable[Path]]
NewRun = Callable[..., RunMeta]

_TEXT = st.text(st.characters(codec="utf-8"))  # lone surrogates are a case of their own
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def _events(draw: st.DrawFn) -> list[Event]:
    """A log as a run could write it: spans open, nest, end or stay open; points lie between."""
    moments = iter(range(10_000))
    log, events = EventLog(lambda: float(next(moments))), list[Event]()
    log.attach(events.append)
    open_spans = [1]
    log.emit("spell_started", phase="start", name=draw(_TEXT))
    for _ in range(draw(st.integers(0, 25))):
        data = draw(st.dictionaries(_TEXT, _JSON, max_size=3))
        match draw(st.sampled_from(["start", "end", "point"])):
            case "start":
                span = log.new_span()
                kind = draw(st.sampled_from(["llm_call_started", "tool_called", "execution_started"]))
                log.emit(kind, phase="start", span=span, parent=draw(st.sampled_from(open_spans)), data=data)
                open_spans.append(span)
            case "end" if len(open_spans) > 1:
                span = open_spans.pop(draw(st.integers(1, len(open_spans) - 1)))
                usage = {"input_tokens": draw(st.integers(0, 99)), "output_tokens": 1, "cost": 0.5}
                log.emit("llm_call_completed", phase="end", span=span, data={**data, "usage": usage})
            case _:
                log.emit("custom", span=draw(st.sampled_from(open_spans)), name=draw(_TEXT), data=data)
    return events


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=_events())
def test_what_is_stored_is_read_back_and_its_spans_are_those_of_the_events(
    events: list[Event], tmp_path: Path, new_run: NewRun
) -> None:
    async def store() -> Path:
        writer = Writer()
        run = RunStore(writer, tmp_path, new_run())
        for event in events:
            run.append(event)
        assert await run.finish("ok", 0)
        writer.close()
        return run.path

    with RunFile(asyncio.run(store())) as file:
        assert [*file.events()] == events
        assert file.spans() == file.rebuilt_spans() == fold(events)
        assert file.last_seq() == file.meta().events == len(events)
        assert [*file.events(2, 3)] == events[1:3]
        assert file.meta().input_tokens == sum(span.input_tokens for span in file.spans())


@settings(max_examples=60, deadline=None)
@given(events=_events())
def test_a_line_is_decoded_to_the_event_it_was(events: list[Event]) -> None:
    encoder = Encoder()
    for event in events:
        line = encoder.line(event)
        assert line.count("\n") == 1
        assert decode_line(line) == event


async def test_odd_values_are_stored_as_what_they_were(keep: Keep, writer: Writer, data: Path) -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    odd: dict[Any, Any] = {"nan": float("nan"), "raw": b"\xff\x00", "lone": "\ud800", 3: "three", "self": cyclic}
    events = [
        Event(1, 1.0, "custom", "point", 1, 0, "na\udfffme", "", odd),
        Event(2, 2.0, "custom", "point", 1, 0, "", "", {}),
    ]
    with RunFile(await keep(events)) as file:
        first, second = file.events()
    assert second == events[1]
    assert first.name == "na?me"
    assert first.data["nan"] == {"number": "nan"}
    assert first.data["raw"] == {"bytes": 2, "base64": "/wA="}
    assert (first.data["lone"], first.data["3"]) == ("\ud800", "three")


async def test_it_may_be_closed_while_a_thread_reads(keep: Keep, research: list[Event]) -> None:
    """As it is where the task that waits for the thread is cancelled: else SQLite's library takes the process with it."""
    path = await keep(research)

    def read(file: RunFile) -> None:
        assert [*file.events()] and file.spans()

    with ThreadPoolExecutor(1) as threads:
        for number in range(300):
            file = RunFile(path)
            reading = threads.submit(read, file)
            time.sleep(number * 1e-6)  # noqa: ASYNC251 at one place of the reading after the other
            file.close()
            if (error := reading.exception()) is not None:
                assert isinstance(error, StoreError)


async def test_the_file_is_whole_and_alone_after_the_end(keep: Keep, research: list[Event], data: Path) -> None:
    path = await keep(research)
    took = research[-1].time - research[0].time
    assert [name.name for name in path.parent.iterdir()] == [path.name]
    assert (data / ".gitignore").read_text() == "*\n"
    with RunFile(path) as file:
        meta = file.meta()
    assert (meta.status, meta.exit, meta.duration, meta.events) == ("ok", 0, took, len(research))
    assert (meta.input_tokens, meta.output_tokens) == (2306, 249)
    assert meta.cost == pytest.approx(0.01271)
    assert len(meta.sha256) == 64


async def test_answers_admissions_and_clock_come_back(writer: Writer, data: Path, new_run: NewRun) -> None:
    store = RunStore(writer, data, new_run())
    answers = [
        Answer(n, "tool", "t", f"key{n}", 4, n, {"n": n}, {"raw": b"\x00\xff", "n": n}, n != 2) for n in range(5)
    ]
    for place, answer in enumerate(answers):
        store.answer(answer)
        store.admit(f"call:{place}")
        store.clock(struct.pack("<d", place / 4))
        if place == 2:
            assert await store.flush()
    await store.finish("ok", 0)
    import msgpack

    with RunFile(store.path) as file:
        assert [*file.answers(msgpack.unpackb)] == answers
        assert file.admissions() == [f"call:{place}" for place in range(5)]
        assert struct.unpack("<5d", file.clock()) == (0.0, 0.25, 0.5, 0.75, 1.0)


async def test_many_runs_share_one_thread(writer: Writer, data: Path, new_run: NewRun, research: list[Event]) -> None:
    stores = [RunStore(writer, data, new_run(f"{number}.lua")) for number in range(20)]
    for event in research:
        for store in stores:
            store.append(event)
    assert all(await asyncio.gather(*(store.finish("ok", 0) for store in stores)))
    for store in stores:
        with RunFile(store.path) as file:
            assert [*file.events()] == research


async def test_a_running_run_is_readable_up_to_the_last_commit(
    writer: Writer, data: Path, new_run: NewRun, research: list[Event]
) -> None:
    store = RunStore(writer, data, new_run())
    for event in research[:5]:
        store.append(event)
    assert await store.flush()
    with RunFile(store.path) as file:
        assert [*file.events()] == research[:5]
        assert file.meta().current_status == "running"
        assert [span.status for span in file.spans()] == ["running"] * 3
        for event in research[5:]:
            store.append(event)
        await store.finish("ok", 0)
        assert [*file.events()] == research


async def test_nothing_hangs_after_the_end(writer: Writer, data: Path, new_run: NewRun, research: list[Event]) -> None:
    store = RunStore(writer, data, new_run())
    assert await store.finish("ok", 0)
    store.append(research[0])
    assert not await store.flush()
    assert not await store.finish("ok", 0)


async def test_content_can_be_kept_out(writer: Writer, data: Path, new_run: NewRun, research: list[Event]) -> None:
    store = RunStore(writer, data, new_run(), content=False)
    for event in research:
        store.append(event)
    store.answer(Answer(1, "tool", "t", "key", 1, 0, {"q": "blue whale"}, "a whale", True))
    assert await store.finish("ok", 0)
    raw = store.path.read_bytes()
    assert b"whale" not in raw
    with RunFile(store.path) as file:
        assert file.meta().input_tokens == 2306
        assert [event.kind for event in file.events()] == [event.kind for event in research]


async def test_secrets_are_masked_wherever_they_may_lie(writer: Writer, data: Path, new_run: NewRun) -> None:
    def mask(text: str) -> str:
        return text.replace("sk-12345", "***")

    meta = dataclasses.replace(new_run(), params={"key": "sk-12345"}, env={"KEY": "sk-12345"})
    store = RunStore(writer, data, meta, mask=mask)
    store.append(Event(1, 1.0, "custom", "point", 1, 0, "", "", {"header": ["Bearer sk-12345"]}))
    store.answer(Answer(1, "tool", "t", "k", 1, 0, {"key": "sk-12345"}, {"echo": "sk-12345"}, True))
    assert await store.finish("ok", 0)
    assert b"sk-12345" not in store.path.read_bytes()


async def test_a_folder_that_cannot_be_written_costs_one_warning_and_no_run(
    writer: Writer, tmp_path: Path, new_run: NewRun, research: list[Event]
) -> None:
    (tmp_path / "file").write_text("in the way")
    told: list[str] = []
    store = RunStore(writer, tmp_path / "file", new_run(), on_trouble=told.append)
    for event in research:
        store.append(event)
    assert not await store.flush()
    assert not await store.finish("ok", 0)
    await asyncio.sleep(0)
    assert store.lost == len(research)
    assert len(told) == 1
    assert "not being recorded" in told[0]


async def test_a_locked_file_is_tried_again(writer: Writer, data: Path, new_run: NewRun, research: list[Event]) -> None:
    store = RunStore(writer, data, new_run())
    assert await store.flush()
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for event in research:
        store.append(event)
    assert not await store.flush()
    other.execute("ROLLBACK")
    other.close()
    assert await store.finish("ok", 0)
    assert store.lost == 0
    with RunFile(store.path) as file:
        assert [*file.events()] == research


async def test_a_full_disk_loses_events_and_says_how_many(
    writer: Writer, data: Path, new_run: NewRun, research: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    store = RunStore(writer, data, new_run(), on_trouble=told.append)
    assert await store.flush()
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
        big = {"text": "x" * 100_000}
        for event in research:
            store.append(dataclasses.replace(event, data=big))
        assert not await store.flush()
        assert not await asyncio.wait_for(store.finish("ok", 0), 8)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    await asyncio.sleep(0)
    assert store.lost == len(research)
    assert len(told) == 1
    with RunFile(store.path) as file:
        assert file.last_seq() == 0


_KILLED = """
import asyncio, sys
from pathlib import Path
from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.store import RunStore, Writer

async def main():
    log = EventLog()
    store = RunStore(Writer(), Path(sys.argv[1]), RunMeta(sys.argv[2], "/x.lua", "x.lua", "lua"))
    log.attach(store.append)
    log.emit("spell_started", phase="start", name="x")
    while True:
        for _ in range(50):
            span = log.new_span()
            log.emit("tool_called", phase="start", span=span, parent=1, name="t", data={"n": span})
            log.emit("tool_completed", phase="end", span=span, parent=1, name="t", data={"n": span})
        assert await store.flush()
        print(log.seq, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 7, 40])
def test_kill_9_leaves_everything_up_to_the_last_commit(tmp_path: Path, new_run: NewRun, after: int) -> None:
    run = new_run().id
    child = subprocess.Popen([sys.executable, "-c", _KILLED, str(tmp_path), run], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    promised = 0
    for _ in range(after):
        promised = int(child.stdout.readline())
    child.kill()
    child.wait()
    child.stdout.close()
    runs = Runs(tmp_path)
    with RunFile(runs.path(run)) as file:
        events = [*file.events()]
        assert len(events) >= promised
        assert [event.seq for event in events] == [*range(1, len(events) + 1)]
        assert file.spans() == file.rebuilt_spans()
        assert file.meta().current_status == "lost"
        assert sqlite3.connect(runs.path(run)).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert [(meta.id, meta.status) for meta in runs.list()] == [(run, "lost")]


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "page", "strange"])
async def test_a_damaged_file_is_a_clear_error(keep: Keep, research: list[Event], damage: str) -> None:
    many = [dataclasses.replace(research[1], seq=seq, span=1) for seq in range(1, 3000)]
    path = await keep(many)
    whole = path.read_bytes()
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("this is no database, only some text that is long enough to look like one" * 10)
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "page":
            path.write_bytes(whole[:8192] + b"\xa5" * (len(whole) - 8192))
        case _:
            path.unlink()
            sqlite3.connect(path).execute("CREATE TABLE t (a)")
    with pytest.raises(StoreError) as caught, RunFile(path) as file:
        file.meta()
        [*file.events()]
        file.spans()
    assert str(path) in str(caught.value)


async def test_a_file_of_a_later_llmspell_is_refused(keep: Keep, research: list[Event]) -> None:
    path = await keep(research)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer llmspell"):
        RunFile(path)


async def test_a_run_in_a_folder_that_cannot_be_written_is_readable(keep: Keep, research: list[Event]) -> None:
    path = await keep(research)
    path.parent.chmod(0o500)
    try:
        with RunFile(path) as file:
            assert [*file.events()] == research
    finally:
        path.parent.chmod(0o700)


def test_the_way_to_a_first_line_imports_neither_sqlite_nor_json() -> None:
    code = (
        "import sys, llmspell.traces.log, llmspell.traces.store, llmspell.traces.live, llmspell.traces.ids\n"
        "import llmspell.traces.jobs, llmspell.traces.meta, llmspell.traces.describe\n"
        "print(*sorted({'sqlite3', 'json', 'msgspec', 'pydantic', 'hashlib', 'tempfile'} & sys.modules.keys()))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert said.stdout.split() == []
