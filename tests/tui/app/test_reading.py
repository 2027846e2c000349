"""A run that is read while it goes on: what is shown in the end is what is stored, and what is not is counted."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from llmspell.events.event import Event
from llmspell.traces.live import LiveServer
from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta, process_start
from llmspell.traces.store import RunStore, Writer
from llmspell_tui.app.window import Window


async def test_events_that_a_killed_runtime_told_and_never_stored_are_counted_and_not_shown(
    tmp_path: Path, settle
) -> None:
    with subprocess.Popen(["sleep", "600"]) as runtime:
        writer, log = Writer(), EventLog()
        whose = {"pid": runtime.pid, "process_start": process_start(runtime.pid)}
        meta = RunMeta("1m7zzzzzzzzzz3", "/x.lua", "x.lua", "lua", socket=str(tmp_path / "s"), **whose)
        store = RunStore(writer, tmp_path, meta)
        stores = True

        def stored(event: Event) -> None:
            if stores:
                store.append(event)

        log.attach(stored)
        server = LiveServer(meta.socket, log, store)
        assert await server.start()
        log.emit("spell_started", phase="start", name="x.lua")
        log.emit("output", data={"text": "stored"})
        await store.flush()
        stores = False
        for number in range(3):
            log.emit("output", data={"text": f"told, and then it died: {number}"})
        app = Window()
        app.first = store.path
        try:
            async with app.run_test() as pilot:
                async with asyncio.timeout(60):
                    while app.desk.model is None or app.desk.model.events < 5:
                        await pilot.pause()
                before = app.desk.model
                runtime.kill()
                runtime.wait()
                await server.close()
                async with asyncio.timeout(60):
                    while app.desk.model is before or not (app.desk.model and app.desk.model.complete):
                        await pilot.pause()
                model = app.desk.model
                assert (model.status, model.events, len(model.points)) == ("lost", 2, 1)
                assert model.trouble is not None and "its last 3 events with it" in model.trouble.text
        finally:
            await store.finish("ok", 0)
            writer.close()
