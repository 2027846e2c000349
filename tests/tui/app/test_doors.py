"""`run_tui` and `run_dev`: settings of one's own, plain lines for screen readers, a spell that runs at every save."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from llmspell.errors import SettingsError
from llmspell.settings.load import load
from llmspell_tui.app.plain import spoken, tell_run
from llmspell_tui.app.window import Window
from llmspell_tui.host.wishes import Wishes
from llmspell_tui.main import keys_of, mode

SPELL = 'print("first")\n'


def settings_with(folder: Path, text: str):
    (folder / "llmspell.toml").write_text(text)
    return load(folder, {"HOME": str(folder)})


def test_keys_of_one_s_own_come_from_the_settings(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, '[tui]\nkeys = ["follow=F", "follow = ctrl+l"]\n')
    assert keys_of(settings) == {"follow": ("F", "ctrl+l")}


@pytest.mark.parametrize(
    ("entry", "said"), [("fly=f", "is not action=key"), ("follow", "is not"), ("search=f", "both")]
)
def test_keys_that_cannot_be_name_the_file_and_the_line(tmp_path: Path, entry: str, said: str) -> None:
    settings = settings_with(tmp_path, f'[tui]\nkeys = ["{entry}"]\n')
    with pytest.raises(SettingsError, match=said) as caught:
        keys_of(settings)
    assert caught.value.source.endswith("llmspell.toml:2")


def test_the_terminal_s_own_ground_chooses_the_theme(monkeypatch: pytest.MonkeyPatch) -> None:
    for ground, chosen in (("0;15", "light"), ("15;0", "dark"), ("", "dark")):
        monkeypatch.setenv("COLORFGBG", ground)
        assert mode() == chosen


async def test_plain_lines_tell_all_spans_without_drawing(stored) -> None:
    run = stored("hooks")
    lines: list[str] = []
    await tell_run(run.path, lines.append)
    assert all(re.fullmatch(r"\d+: \S[^│├▸\x1b]*\n", line) for line in lines)
    ends = sum(event.phase == "end" for event in run.events)
    assert len(lines) >= ends
    assert lines[-1].startswith("1: ok spell")


def test_a_level_is_read_as_a_number() -> None:
    assert spoken("|  |  ok tool csv    12 ms\n") == "3: ok tool csv, 12 ms\n"


def test_nothing_of_textual_is_imported_for_plain_lines(stored) -> None:
    code = (
        "import sys; from llmspell_tui.host.wishes import Wishes; from llmspell_tui.main import run_tui;"
        f"code = run_tui(Wishes(run={str(stored('hooks').path)!r}, plain=True));"
        "assert not any(name.partition('.')[0] == 'textual' for name in sys.modules); sys.exit(code)"
    )
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "ok spell" in done.stdout


async def test_a_save_shows_the_new_run_and_a_mistake_keeps_the_old_one(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LLMSPELL_DATA_DIR", str(tmp_path / "data"))
    project = tmp_path / "project"
    project.mkdir()
    spell = project / "spell.lua"
    spell.write_text(SPELL)
    app = Window()
    app.wishes = Wishes(files=(str(spell),))
    async with app.run_test(size=(120, 36)) as pilot:

        async def until(text: str) -> None:
            for _ in range(600):
                model = app.desk.model
                if (
                    model is not None
                    and model.complete
                    and any(text in (model.points.text(i) or "") for i in range(len(model.points)))
                ):
                    return
                if text in app.desk.trouble:
                    return
                await pilot.pause(0.05)
            raise AssertionError(f"{text!r} never came: {app.desk.trouble!r}")

        await until("first")
        one = app.desk.model
        spell.write_text('print("second"\n')
        await until("spell.lua:2: ")
        assert app.desk.model is one
        spell.write_text('print("third")\n')
        await until("third")
        assert app.desk.trouble == "" and app.desk.model is not one
        await pilot.press("P", "S")
        assert app.session is not None
        assert (app.session.wishes.replay_prefix, app.session.wishes.state) == (True, "reset")
    assert app._client is not None and app._client.pid is None
