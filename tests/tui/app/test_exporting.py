"""A run is written as the file's name says, and nothing that is there is overwritten."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from llmspell_tui.app.exporting import ENDINGS, FORMS, write, wrong
from llmspell_tui.app.window import Window
from llmspell_tui.widgets.choosing import ChoiceList, ChoiceSheet


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
    async with app.run_test(size=(120, 36)):
        await settle(app, "read")
        for ending in (".jsonl", ".svg", ".screen.svg"):
            await app.answered("export", f"out{ending}")
            await settle(app, "export")
        assert app.desk.notice == f"wrote {str(tmp_path / 'out.screen.svg')!r}"
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == len(run.events)
    for name in ("out.svg", "out.screen.svg"):
        assert ElementTree.parse(tmp_path / name).getroot().tag.endswith("svg")


async def test_the_keys_choose_the_form_and_the_file(
    settle, stored, standing_clock, tmp_path: Path, monkeypatch
) -> None:
    """Each form in turn; the screen as it was before anything was asked; a click takes a row too."""
    monkeypatch.chdir(tmp_path)
    run = stored("hooks")
    app = Window()
    app.desk.clock, app.first, app.data_dirs = standing_clock, run.path, [run.data_dir]
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, "read")
        await pilot.pause()
        for row, ending in enumerate(FORMS):
            await pilot.press("ctrl+e")
            assert isinstance(app.sheet, ChoiceSheet) and str(tmp_path)[:20] in app.sheet.head.title[0]
            if row % 2:
                await pilot.click(ChoiceList, offset=(5, row))
            else:
                await pilot.press(*["down"] * row, "enter")
            await settle(app, "ask")
            await pilot.pause()
            assert getattr(app.focused, "value", "") == f"{run.path.stem}{ending}"
            await pilot.press("enter")
            await pilot.pause()
            await settle(app, "export")
            assert app.desk.notice == f"wrote {str(tmp_path / f'{run.path.stem}{ending}')!r}"
        await pilot.press("ctrl+e", "escape")
        await pilot.pause()
        assert app.sheet is None and app.focused is not None and app.focused.id == "tree"
    assert "JSON&#160;lines" not in (tmp_path / f"{run.path.stem}.screen.svg").read_text()
    for ending in (".svg", ".screen.svg"):
        assert loads((tmp_path / f"{run.path.stem}{ending}").read_text()) == []


def loads(svg: str) -> list[str]:
    """What a picture would have fetched, or taken from the reader's own files: fonts, styles, pictures, links."""
    ElementTree.fromstring(svg)  # it is well-formed
    without = re.sub(r"<!--.*?-->|xmlns(:\w+)?=\"[^\"]*\"", "", svg, flags=re.DOTALL)
    return re.findall(r"url\((?!#)[^)]*\)|@import[^;]*|@font-face|\bhref=\"[^#][^\"]*|\w+://[^\s\"<)]+", without)


def test_what_a_picture_loads_is_found() -> None:
    svg = """<svg xmlns="http://www.w3.org/2000/svg"><style>@font-face { src: url("f.woff2"); }</style>
        <image href="https://b.example/p.png"/><g clip-path="url(#own)"/></svg>"""
    assert len(loads(svg)) == 3


async def test_what_cannot_be_written_is_told_and_leaves_nothing(
    settle, stored, standing_clock, tmp_path: Path, monkeypatch
) -> None:
    """A full disk, a file that has come meanwhile, a folder that is read-only."""
    run = stored("hooks")
    app = Window()
    app.desk.clock, app.first, app.data_dirs = standing_clock, run.path, [run.data_dir]
    async with app.run_test(size=(120, 36)):
        await settle(app, "read")
        (tmp_path / "there.jsonl").write_text("mine")
        await app.answered("export", str(tmp_path / "there.jsonl"))
        await settle(app, "export")
        assert app.desk.notice.endswith("there.jsonl' was not written: file exists")
        assert (tmp_path / "there.jsonl").read_text() == "mine"
        with monkeypatch.context() as small:
            small.setattr(Path, "open", lambda path, *args, **kwargs: Half(path))
            await app.answered("export", str(tmp_path / "big.svg"))
            await settle(app, "export")
        assert app.desk.notice.endswith("big.svg' was not written: no space left on device")
        assert not (tmp_path / "big.svg").exists()


class Half:
    """A new file on a disk that is full."""

    def __init__(self, path: Path) -> None:
        path.touch()

    def __enter__(self) -> Half:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def write(self, text: str) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        try:
            os.write(full, text.encode())
        finally:
            os.close(full)


def test_a_folder_that_may_not_be_written_to_is_told_before(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # who runs as root may write everywhere
    assert wrong(str(tmp_path / "a.svg")) == f"nothing can be written to {str(tmp_path)!r}"
