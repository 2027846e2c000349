"""What is printed piece by piece is one line: in the log strip as of each moment, and in plain mode once it is whole."""

from __future__ import annotations

from collections.abc import Callable

from llmspell.events.event import Event
from llmspell.traces.log import EventLog
from llmspell_tui.app.spoken import Told
from llmspell_tui.app.window import Window
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.updates import Batch
from llmspell_tui.widgets.log import LogStrip

PIECES = ("It ", "rains", " in Kiel", "\n", "  indented\n", "red \x1b[31mhot\x1b[0m\n", "no end")


def run() -> list[Event]:
    log, events = EventLog(lambda: 0.0), list[Event]()
    log.attach(events.append)
    log.emit("spell_started", phase="start", span=1, name="a.lua")
    for text in PIECES:
        log.emit("llm_chunk", span=1, data={"text": text})
        log.emit("output", span=1, site="a.lua:1", data={"text": text, "stream": "out"})
    log.emit("output", span=1, site="a.lua:2", data={"text": "wrong\n", "stream": "err"})
    log.emit("log", span=1, data={"message": "logged", "level": "info"})
    log.emit("spell_completed", phase="end", span=1, name="a.lua", data={"status": "ok"})
    return events


async def test_a_line_of_the_log_grows_until_it_is_ended(window: Callable[..., Window]) -> None:
    events = run()
    app = window()
    app.desk.model = model = RunModel()
    async with app.run_test(size=(120, 36)):
        log = app.query_one(LogStrip)

        def lines() -> list[str]:
            log.sync()
            return [log._text(row) or "" for row in range(log.count())]

        model.take(Batch(events[:5]))
        assert lines() == ["It rains"]
        model.take(Batch(events[5:]))
        assert lines() == ["It rains in Kiel", "  indented", "red hot", "no end", "wrong", "logged"]
        assert model.points.seq(log.point(0)) == 9  # its last piece: a moment of this row has all of it
        model.moment = 5
        assert lines() == ["It rains"]
        log.go(0)
        assert log.copied() == "It rains"


async def test_a_line_without_an_end_is_gone_on_with_in_another_one(window: Callable[..., Window]) -> None:
    app = window()
    app.desk.model = model = RunModel()
    async with app.run_test(size=(120, 36)):
        log = app.query_one(LogStrip)
        words = [Event(seq, 0.0, "output", "point", 1, 0, "", "", {"text": "word "}) for seq in range(1, 101)]
        model.take(Batch(words))
        log.sync()
        assert log.count() == 9 and "".join(log._text(row) or "" for row in range(9)) == "word " * 100


def test_plain_mode_tells_a_line_once_it_is_whole() -> None:
    told = Told()
    assert [line for event in run() for line in told.lines(event)] == [
        "1 began: spell a.lua",
        "printed: It rains in Kiel, at a.lua:1",
        "printed: indented, at a.lua:1",
        "printed: red hot, at a.lua:1",
        "printed: no end, at a.lua:1",
        "printed: wrong, at a.lua:2",
        "log: logged",
        "1 ok: spell a.lua, 0.0 ms",
    ]
