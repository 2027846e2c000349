"""One made-up run that has something for every screen, and a second one of the same spell after its prompt changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from textual.worker import WorkerCancelled

from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.reader import RunFile
from llmspell.traces.store import RunStore, Writer
from llmspell_tui.app.window import Window
from llmspell_tui.feed.payload import Payloads
from llmspell_tui.feed.runs import StoredRun
from llmspell_tui.feed.source import page_of
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.updates import Batch, Complete
from llmspell_tui.theme import Mode
from llmspell_tui.widgets.desk import Desk

#: 2026-01-02 03:04:05 UTC, in ms.
BEGAN = 1_767_323_045_000.0
#: Where the spell is said to lie: nowhere.
SPELL = "/spells/weather.lua"

SOURCE = """\
-- What is the weather like? Two agents look, and a third one writes.
local units = require("units")
local observer = Agent.new({
  name = "observer",
  system_prompt = "You read instruments.",
  tools = { Csv.new(), "station" },
})
local writer = Agent.new({ name = "writer", system_prompt = "You write one sentence." })

Hooks.register("before_llm_call", function(context)
  context.prompt = context.prompt .. "\\nAnswer in " .. units.celsius() .. "."
end)
Hooks.register("before_tool_call", function(context)
  if context.tool == "station" then error(SecurityError.new("the station is closed")) end
end)

Workflow.new({ name = "forecast", steps = { observer, writer } }):run("Kiel")
State.set("forecast/last", "fair")
print("fair, 17 degrees")
"""
UNITS = """\
local units = {}
function units.celsius() return "degrees Celsius" end
return units
"""

PROMPTS = {
    1: "How is the weather in Kiel?\nTell the temperature.",
    2: "How is the weather in Kiel?\nTell the wind.\nBe short.",
}


class Teller:
    """Events 7 ms apart, with what a run's spans lie in."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._open: list[tuple[str, int, int, str, str]] = []

    def start(self, kind: str, name: str, line: str, **data: Any) -> None:
        number = self._log.new_span() if self._open else 1
        parent = self._open[-1][1] if self._open else 0
        site = f"weather.lua:{line}" if line else ""
        self._open.append((kind, number, parent, name, site))
        ending = "called" if kind in ("tool", "hook") else "started"
        self._log.emit(f"{kind}_{ending}", phase="start", span=number, parent=parent, name=name, site=site, data=data)

    def end(self, **data: Any) -> None:
        kind, number, parent, name, site = self._open.pop()
        data = {"status": "ok", **data}
        self._log.emit(f"{kind}_completed", phase="end", span=number, parent=parent, name=name, site=site, data=data)

    def point(self, kind: str, name: str = "", **data: Any) -> None:
        _, number, parent, _, site = self._open[-1]
        self._log.emit(kind, span=number, parent=parent, name=name, site=site, data=data)


def tell(told: Teller, version: int) -> None:
    prompt = PROMPTS[version]
    told.start("spell", "weather.lua", "", spell="weather.lua", language="lua", params={"town": "Kiel"})
    told.point("agent_created", "observer", agent_name="observer")
    told.point("output", text="looking at Kiel\n", stream="stdout")
    told.start("workflow", "forecast", "17", input="Kiel")
    told.start("workflow_step", "observe", "17", step_index=1)
    told.start("execution", "observer", "3", agent_name="observer", input={"message": prompt})
    ask(told, "openai/gpt-4o-mini", prompt, version)
    told.start("tool", "csv", "6", tool_name="csv", params={"path": "kiel.csv", "column": "celsius"})
    hook(told, "before_tool_call", "13")
    told.end(params={"path": "kiel.csv", "column": "celsius"}, result={"mean": 17.25, "rows": [17.0, 17.5]})
    told.start("tool", "station", "6", tool_name="station", params={"town": "Kiel"})
    error = {
        "type": "security",
        "name": "SecurityError",
        "message": "the station is closed",
        "source": "weather.lua:14",
    }
    hook(told, "before_tool_call", "13", status="veto", error=error)
    told.point("error", "tool_call", unit="tool_call", error=error)
    told.end(status="error", error=error)
    change(told, "agent", "observer_1", "notes", None, ["17 degrees"])
    told.point("log", "weather", level="warn", message="the station is closed", fields={"town": "Kiel"})
    told.end(output="17 degrees, and the wind is weak")
    told.end()
    told.start("workflow_step", "write", "17", step_index=2)
    told.start("execution", "writer", "8", agent_name="writer", input={"message": "Write it."})
    ask(told, "openai/gpt-4o", "Write it.", version)
    hook(told, "after_llm_call", "10", changes={"retry": True}, before={"retry": False})
    told.point("retry", "llm_call", attempt=2, error={"message": "too long"})
    if version == 2:
        ask(told, "openai/gpt-4o", "Write it shorter.", version)
    told.end(output="Fair, 17 degrees.")
    told.end()
    told.end()
    change(told, "global", "", "forecast/count", None, 1)
    change(told, "global", "", "forecast/towns", None, {"Kiel": 17, "Rome": 24})
    change(told, "global", "", "forecast/count", 1, 2)
    change(told, "global", "", "forecast/last", "rain\nwith wind", "fair\nwith wind")
    told.point("custom", "looked", town="Kiel")
    told.point("output", text="fair, 17 degrees\n", stream="stdout")
    told.end()


def change(told: Teller, scope: str, owner: str, key: str, old: Any, new: Any) -> None:
    told.point("state_changed", key, scope=scope, owner=owner, path=key, at=[key], old=old, value=new, by="spell")


def ask(told: Teller, model: str, prompt: str, version: int) -> None:
    asked = {"model": model, "system": "You read instruments.", "messages": [{"role": "user", "content": prompt}]}
    told.start("llm_call", model, "3", model=model, request=asked)
    hook(
        told,
        "before_llm_call",
        "10",
        changes={"prompt": f"{prompt}\nAnswer in degrees Celsius."},
        before={"prompt": prompt},
    )
    usage = {"input_tokens": 120 * version, "output_tokens": 30, "cost": 0.0012 * version}
    told.end(response=f"17 degrees ({version})", finish_reason="stop", usage=usage)


def hook(told: Teller, point: str, line: str, **end: Any) -> None:
    told.start("hook", point, line, point=point, handler=f"weather.lua:{line}")
    told.end(point=point, handler=f"weather.lua:{line}", **{"changes": {}, **end})


def make(folder: Path, version: int, spell: str = SPELL) -> Path:
    """The file of a run."""

    async def write() -> Path:
        writer = Writer()
        times = iter(range(1_000_000))
        began = BEGAN + 60_000 * version
        log = EventLog(lambda: began + 7.0 * next(times) * version)
        meta = RunMeta(
            f"1m7weather{version}000", spell, "weather.lua", "lua", source=SOURCE, started=began, pid=1, host="a-host"
        )
        store = RunStore(writer, folder, meta)
        log.attach(store.append)
        tell(Teller(log), version)
        await store.finish("ok", 0, ended=log.last_time, modules={"units.lua": UNITS})
        writer.close()
        return store.path

    return asyncio.run(write())


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Both runs' files, by version."""
    folder = tmp_path_factory.mktemp("weather")
    return {version: make(folder, version) for version in PROMPTS}


def model_of(path: Path, upto: int | None = None) -> RunModel:
    """upto: the run as it was after so many events, still going on."""
    with RunFile(path) as file:
        meta, events = file.meta(), list(file.events())
    model = RunModel()
    ended = upto is None
    page = page_of(meta, len(events) if ended else 0)
    if not ended:
        page = page_of(RunMeta(meta.id, meta.spell, meta.label, "lua", started=meta.started, host="a-host"))
    model.take(page)
    model.take(Batch(events[:upto]))
    if ended:
        model.take(page)
        model.take(Complete())
    return model


def listed(path: Path) -> StoredRun:
    with RunFile(path) as file:
        return StoredRun(path, file.meta())


@pytest.fixture
def weather(runs: dict[int, Path], standing_clock: Callable[[], float]) -> Iterator[Callable[..., Window]]:
    """`weather()`: a window with the second run on its desk; `upto` leaves it under way."""
    opened: list[Payloads] = []

    def made(version: int = 2, *, upto: int | None = None, mode: Mode = "dark", path: Path | None = None) -> Window:
        chosen = path or runs[version]
        desk = Desk(clock=lambda: standing_clock() + 60 * version)
        desk.model, desk.payloads = model_of(chosen, upto), Payloads(chosen)
        desk.runs = [listed(runs[each]) for each in sorted(runs, reverse=True)]
        opened.append(desk.payloads)
        return Window(desk, mode=mode)

    yield made
    for payloads in opened:
        payloads.close()


@pytest.fixture
def quiet() -> Callable[..., Awaitable[None]]:
    """`await quiet(pilot)`: every worker is done, with those that they began, and what they told has been taken."""

    async def wait(pilot: Any) -> None:
        await pilot.pause()
        while pending := [worker for worker in pilot.app.workers if not worker.is_finished]:
            for worker in pending:
                with suppress(WorkerCancelled):
                    await worker.wait()
            await pilot.pause()

    return wait


@pytest.fixture
def events(runs: dict[int, Path]) -> Callable[[Window, int, int], Awaitable[None]]:
    """`await events(app, 20, 30)`: the events 21 to 30 of the second run come."""
    with RunFile(runs[2]) as file:
        found = list(file.events())

    async def come(app: Window, first: int, last: int) -> None:
        assert app.desk.model is not None
        app.desk.model.take(Batch(found[first:last]))
        assert app.view is not None
        app.view.advance()

    return come


@pytest.fixture
def here(tmp_path: Path) -> tuple[Path, Path]:
    """A spell that is there, with what it loaded, and the file of its run."""
    spell = tmp_path / "weather.lua"
    spell.write_text(SOURCE, encoding="utf-8")
    spell.with_name("units.lua").write_text(UNITS, encoding="utf-8")
    return spell, make(tmp_path / "data", 2, str(spell))
