"""What the sheets look like over a run: 80x24, dark and light. `--snapshot-update` draws them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llmspell_tui.app.window import Window
from llmspell_tui.model.control import Control
from llmspell_tui.widgets.breaks import BreakSheet
from llmspell_tui.widgets.chatting import ChatSheet

Made = Callable[..., Window]

PARAMS = {
    "to": "ada@example.org",
    "subject": "Your flowers",
    "text": "Dear Ada,\nyour tulips are on their way.",
    "copies": ["shop@example.org", "grace@example.org"],
}
CALL = {"number": 1, "kind": "approval", "tool_name": "email_sender", "agent_name": "florist", "params": PARAMS}
QUESTION = {
    "number": 2,
    "kind": "question",
    "question": "Who signs the letter?",
    "choices": ["Ada", "Grace", "nobody"],
    "default": "Grace",
}
OPEN = {"number": 3, "kind": "question", "question": "Which city is it about?", "default": "Kiel"}
STOP = {
    "reason": "breakpoint tool:csv",
    "stop": "tool csv",
    "site": "weather.lua:6",
    "about": {"tool_name": "csv", "params": {"path": "kiel.csv", "column": "celsius"}},
}
BREAKS = ["tool:shell_*", "model", "hook:before_llm_call", "cost:0.05", "approve:email_*"]


async def keys(app: Window, pilot: Any, *pressed: str) -> None:
    await pilot.press(*pressed)


async def attended(app: Window, pilot: Any, control: Control) -> None:
    app.desk.control = control
    app.renew()
    await app.action_approve()


async def breaks(app: Window, pilot: Any) -> None:
    app.desk.control, app.wire = Control(breakpoints=tuple(BREAKS[:4]), approve=("email_*",)), None
    sheet = BreakSheet(app.desk)
    await app.open_sheet(sheet)
    sheet.show(BREAKS, "")


async def chat(app: Window, pilot: Any) -> None:
    sheet = ChatSheet(app.desk, ("observer", "writer"), "observer", lambda agent, text: None)
    await app.open_sheet(sheet)
    await pilot.press(*"Why?", "enter")
    sheet.answer("observer", "Because the wind came from the sea all day, and it was cold.")
    await pilot.press(*"And now")


async def spells(app: Window, pilot: Any) -> None:
    runs = {"one/spell.lua": "1m7weather2000", "two/spell.lua": "1m7weather1000", "letter.js": ""}
    app.sessions = [SimpleNamespace(file=f"/x/{file}", run=run, path="") for file, run in runs.items()]
    app.session = app.sessions[1]
    app.statuses = {"1m7weather1000": "error"}
    text = "letter.js:3: unexpected end of text; it has not run yet"
    app.told_trouble(text, "/x/letter.js", "   3  const letter = {")
    app.desk.several = "2/3"
    await app.action_spells()


async def edited(app: Window, pilot: Any) -> None:
    await pilot.press(*["down"] * 4, "R")


SHEETS: dict[str, Callable[..., Any]] = {
    "palette": lambda app, pilot: keys(app, pilot, "ctrl+p"),
    "export": lambda app, pilot: keys(app, pilot, "ctrl+e"),
    "edit": edited,
    "approve": lambda app, pilot: attended(app, pilot, Control(waiting=[CALL, OPEN])),
    "ask": lambda app, pilot: attended(app, pilot, Control(waiting=[QUESTION])),
    "ask-open": lambda app, pilot: attended(app, pilot, Control(waiting=[OPEN])),
    "stop": lambda app, pilot: attended(app, pilot, Control(pause=STOP)),
    "breakpoints": breaks,
    "chat": chat,
    "spells": spells,
}


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("mode", ["dark", "light"])
def test_the_sheet_looks_as_it_did(
    snap_compare, weather: Made, runs: dict[int, Path], quiet, monkeypatch, mode, sheet
) -> None:
    monkeypatch.chdir("/")  # an export names the folder
    going = sheet in ("approve", "ask", "ask-open", "stop", "breakpoints", "chat")
    app = weather(mode=mode, upto=30 if going else None)
    app.path_shown = runs[2]

    async def drive(pilot: Any) -> None:
        await SHEETS[sheet](app, pilot)
        await quiet(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=drive)
