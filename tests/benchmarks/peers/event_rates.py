"""Events a second: a bare call of a listener, the bus, an event made, logged and heard, the store, and bare sqlite3."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmspell.events.bus import Bus
from llmspell.traces.ids import run_id
from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.store import RunStore, Writer

COUNT = 200_000
STORED = 60_000


def rate(count: int, work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


class Heard:
    count = 0

    def __call__(self, payload: Any) -> None:
        self.count += 1


def payload_of(number: int) -> dict[str, Any]:
    return {"agent_name": "researcher", "tool_name": "calculator", "params": {"expression": f"{number} * 3"}}


def call(listener: Heard) -> None:
    payload = payload_of(1)
    for _ in range(COUNT):
        listener(payload)


def bus(listener: Heard) -> None:
    found = Bus()
    found.on("tool_called", listener)
    payload = payload_of(1)
    for _ in range(COUNT):
        found.publish("tool_called", payload)


def emit(listener: Heard) -> None:
    """As a run does it: an event is made, numbered, timed and handed to a sink; the bus gets its payload."""
    found, log = Bus(), EventLog()
    found.on("tool_called", listener)
    log.attach(lambda event: None)
    data = payload_of(1)
    for _ in range(COUNT):
        event = log.emit("tool_called", name="calculator", site="spell.lua:3", data=data)
        if found.listens(event.kind):
            found.publish(
                event.kind, {**event.data, "event": event.kind, "timestamp": event.time, "source": event.site}
            )


async def store(folder: Path) -> float:
    writer, log = Writer(), EventLog()
    meta = RunMeta(id=run_id(), spell="/spell.lua", label="spell.lua", language="lua", started=time.time() * 1000)
    kept = RunStore(writer, folder, meta)
    log.attach(kept.append)
    await kept.flush()
    start = time.perf_counter()
    for number in range(STORED):
        log.emit("tool_called", span=2, parent=1, name="calculator", site="spell.lua:3", data=payload_of(number))
    assert await kept.flush()
    found = STORED / (time.perf_counter() - start)
    assert kept.lost == 0
    await kept.finish("ok", 0)
    await asyncio.to_thread(writer.close)
    return found


def sqlite(folder: Path) -> None:
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, time, kind, phase, span, parent, name, site, data)"
    )
    text = json.dumps(payload_of(1))
    for start in range(0, STORED, 10_000):
        rows = [
            (n, 1.0, "tool_called", "point", 2, 1, "calculator", "spell.lua:3", text)
            for n in range(start, start + 10_000)
        ]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
    connection.close()


with tempfile.TemporaryDirectory() as folder:
    heard = Heard()
    print(
        json.dumps(
            {
                "call": rate(COUNT, lambda: call(heard)),
                "bus": rate(COUNT, lambda: bus(heard)),
                "emit": rate(COUNT, lambda: emit(heard)),
                "store": asyncio.run(store(Path(folder))),
                "sqlite": rate(STORED, lambda: sqlite(Path(folder))),
            }
        )
    )
    assert heard.count == 3 * COUNT
