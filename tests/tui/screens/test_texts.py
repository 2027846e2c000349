"""`text:` finds what spans were given and gave, in a run's file, also while the run goes on."""

from __future__ import annotations

from pathlib import Path

from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.store import RunStore, Writer
from llmspell_tui.app.window import Window
from llmspell_tui.feed.payload import Payloads
from llmspell_tui.feed.source import page_of
from llmspell_tui.feed.texts import Texts
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.updates import Batch
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.tree import SpanTree

SIZE = (120, 36)


class Going:
    """A run under way: its events come to the window, and to its file."""

    def __init__(self, folder: Path) -> None:
        self.writer = Writer()
        self.log = EventLog()
        meta = RunMeta("1m7texts00000", "/spells/a.lua", "a.lua", "lua", started=1.0, pid=1, host="a-host")
        self.store = RunStore(self.writer, folder, meta)
        self.model = RunModel()
        self.model.take(page_of(meta, 0))
        self.log.attach(self.store.append)
        self.log.attach(lambda event: self.model.take(Batch([event])))
        self.log.emit("spell_started", phase="start", span=1, name="a.lua")

    async def call(self, tool: str, town: str) -> None:
        span = self.log.new_span()
        self.log.emit("tool_called", phase="start", span=span, parent=1, name=tool, data={"params": {"town": town}})
        self.log.emit("tool_completed", phase="end", span=span, parent=1, name=tool, data={"status": "ok"})
        await self.store.flush()


def shown(app: Window) -> list[str]:
    model = app.desk.model
    assert model is not None
    found = [model.spans.row(y) for y in range(app.query_one(SpanTree).count())]
    return [model.spans.name(i) for i in found if model.spans.found(i)]


async def test_a_filter_goes_on_finding_as_the_run_goes_on(tmp_path: Path, quiet) -> None:
    run = Going(tmp_path)
    await run.call("one", "Kiel")
    await run.call("two", "Rome")
    app = Window(Desk(model=run.model, payloads=Payloads(run.store.path)))
    async with app.run_test(size=SIZE) as pilot:
        app.set_filter("text:KIEL")
        await searched(app, pilot, quiet)
        assert shown(app) == ["one"]
        await run.call("three", "Kiel again")
        await run.call("four", "Rome again")
        app.touch()
        await searched(app, pilot, quiet)
        assert shown(app) == ["one", "three"]
        app.set_filter("")
        assert len(shown(app)) == 5
        await search(app, pilot, quiet, "text:again")
        assert run.model.spans.name(app.desk.chosen) == "three"
        await search(app, pilot, quiet, "text:again")
        assert run.model.spans.name(app.desk.chosen) == "four"
        await search(app, pilot, quiet, "text:nowhere")
        assert app.desk.notice == "no match for 'text:nowhere'"
    run.writer.close()


async def search(app: Window, pilot, quiet, text: str) -> None:
    app.desk.needle = text
    app.seek()
    await quiet(pilot)


async def searched(app: Window, pilot, quiet) -> None:
    """Until all that is stored has been looked through."""
    view = app.views["trace"]
    assert app.desk.model is not None
    while view._texts is None or view._texts.upto < app.desk.model.seq:
        await quiet(pilot)
        await pilot.pause(0.01)
    await quiet(pilot)


async def test_each_event_is_looked_through_once(tmp_path: Path) -> None:
    run = Going(tmp_path)
    await run.call("one", "Kiel")
    payloads = Payloads(run.store.path)
    texts = Texts(payloads, ["kiel", "rome"])
    assert (texts.more(), texts.upto) == ({"kiel": {2}, "rome": set()}, 3)
    await run.call("two", "Rome")
    assert texts.more(lambda done, total: False) == {"kiel": set(), "rome": {3}}
    assert texts.upto == 3  # it was stopped: the same is looked through again
    assert (texts.more(), texts.upto) == ({"kiel": set(), "rome": {3}}, 5)
    assert (texts.more(), texts.upto) == ({"kiel": set(), "rome": set()}, 5)
    payloads.close()
    run.writer.close()
