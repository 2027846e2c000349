"""A run that goes on: so many events a second for so long, into its file and its socket, as a runtime does.

    python talker.py FOLDER RATE SECONDS

Prints the run's file, waits for a line, then talks. No spell is run: the interface is what is measured.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from llmspell.traces.live import LiveServer
from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.store import RunStore, Writer

_TICK = 0.005
_AGENT = 50


def talk(log: EventLog, place: list[int]) -> int:
    """One tool call within an agent's span, three events; place: the agent's span and how many calls it has had."""
    events = 3
    if place[1] % _AGENT == 0:
        events += 1 + (place[1] > 0)
        if place[1]:
            log.emit("execution_completed", phase="end", span=place[0], parent=1, name="writer", data={"status": "ok"})
        place[0] = log.new_span()
        log.emit("execution_started", phase="start", span=place[0], parent=1, name="writer", site="x.lua:4")
    place[1] += 1
    number = log.new_span()
    where = {"span": number, "parent": place[0], "name": "openai/gpt-4o-mini", "site": "x.lua:4"}
    log.emit("llm_call_started", phase="start", **where, data={"request": {"messages": [{"content": "say more"}]}})
    log.emit("output", span=number, parent=place[0], data={"stream": "out", "text": f"line {number}\n"})
    usage = {"input_tokens": 120, "output_tokens": 30, "cost": 0.0004}
    log.emit("llm_call_completed", phase="end", **where, data={"status": "ok", "response": "more", "usage": usage})
    return events


async def main() -> None:
    folder, rate, seconds = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    writer = Writer()
    socket = str(folder / "live.sock")
    log = EventLog()
    store = RunStore(writer, folder, RunMeta("1m7zzzzzzzzzzz", "/x.lua", "x.lua", "lua", socket=socket))
    log.attach(store.append)
    server = LiveServer(socket, log, store)
    await server.start()
    log.emit("spell_started", phase="start", name="x.lua")
    await store.flush()
    print(store.path, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    begin, sent, place = time.perf_counter(), 0, [0, 0]
    while (passed := time.perf_counter() - begin) < seconds:
        while sent < rate * passed:
            sent += talk(log, place)
        await asyncio.sleep(_TICK)
    log.emit("spell_completed", phase="end", name="x.lua", data={"status": "ok"})
    await asyncio.gather(store.finish("ok", 0), server.close(patience=20))
    writer.close()
    print(log.seq, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
