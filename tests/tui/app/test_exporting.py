"""A run is written as the file's name says, and nothing that is there is overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from llmspell_tui.app.exporting import ENDINGS, write, wrong
from llmspell_tui.app.window import Window


def test_json_lines_are_all_of_the_run_s_events(stored, tmp_path: Path) -> None:
    run = stored("hooks")
    write(run.path, tmp_path / "run.jsonl")
    lines = (tmp_path / "run.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [event.seq for event in run.events]


@pytest.mark.parametrize(("name", "field"), [("a.otlp.json", "resourceSpans"), ("a.chrome.json", "traceEvents")])
def test_other_programs_forms_are_those_of_the_command(stored, tmp_path: Path, name: str, field: str) -> None:
    write(stored("hooks").path, tmp_path / name)
    assert json.loads((tmp_path / name).read_text())[field]


def test_a_name_that_cannot_be_is_told_why(tmp_path: Path) -> None:
    (tmp_path / "there.svg").write_text("mine")
    assert wrong(str(tmp_path / "there.svg")) == "it is there already"
    assert wrong("run.txt").startswith("one of .jsonl")
    assert "no folder" in wrong(str(tmp_path / "no" / "run.jsonl"))
    assert all(wrong(str(tmp_path / f"new{ending}")) == "" for ending in ENDINGS)


async def test_the_window_exports_the_run_it_shows(settle, stored, standing_clock, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = stored("hooks")
    app = Window()
    app.desk.clock, app.first, app.data_dirs = standing_clock, run.path, [run.data_dir]
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(app, "read")
        for ending in (".jsonl", ".svg", ".screen.svg"):
            await app.answered("export", f"out{ending}")
            await settle(app, "export")
        await pilot.press("ctrl+e")
        await pilot.pause()
        assert app.focused is not None and getattr(app.focused, "value", "") == f"{run.path.stem}.jsonl"
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == len(run.events)
    for name in ("out.svg", "out.screen.svg"):
        assert ElementTree.parse(tmp_path / name).getroot().tag.endswith("svg")
