"""`run_tui` and `run_dev`: settings of one's own, plain lines for screen readers, a spell that runs at every save."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from llmspell.errors import SettingsError, UsageError
from llmspell.settings.load import load
from llmspell_tui.app import words
from llmspell_tui.app.spoken import Told
from llmspell_tui.app.window import Window
from llmspell_tui.host.wishes import Wishes
from llmspell_tui.main import keys_of, mode

SPELL = 'print("first")\n'


def settings_with(folder: Path, text: str):
    (folder / "llmspell.toml").write_text(text)
    return load(folder, {"HOME": str(folder)})


@pytest.mark.parametrize(
    "text",
    [
        '[tui.keys]\nfollow = ["F", "ctrl+l"]\nsearch = "?"\nhelp = "f1"\n',
        '[tui]\nkeys = {follow = ["F", "ctrl+l"], search = "?", help = "f1"}\n',
        '[tui]\nkeys = ["follow=F", "follow = ctrl+l", "search=?", "help=f1"]\n',
    ],
)
def test_keys_of_one_s_own_come_from_the_settings(tmp_path: Path, text: str) -> None:
    settings = settings_with(tmp_path, text)
    assert keys_of(settings) == {"follow": ("F", "ctrl+l"), "search": ("question_mark",), "help": ("f1",)}


@pytest.mark.parametrize(
    ("entry", "said", "hint"),
    [
        ('flow = "f"', "there is no action 'flow'", "did you mean 'follow'?"),
        ('zzz = "f"', "there is no action 'zzz'", "names the actions"),
        ('search = "fly"', "'fly' for 'search' is not a key", "ctrl+l"),
        ('search = "f"', "'f' would be both 'search' and 'filter' in the panel 'app'", "another key"),
        ("search = 3", "tui.keys.search must be a key", "ctrl+l"),
        ("search = []", "tui.keys.search must be a key", "ctrl+l"),
    ],
)
def test_keys_that_cannot_be_name_the_file_and_the_line(tmp_path: Path, entry: str, said: str, hint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        keys_of(settings_with(tmp_path, f"[tui.keys]\n{entry}\n"))
    assert said in caught.value.message and hint in caught.value.hint
    assert caught.value.source.endswith("llmspell.toml:2")


def test_the_terminal_s_own_ground_chooses_the_theme(monkeypatch: pytest.MonkeyPatch) -> None:
    for ground, chosen in (("0;15", "light"), ("15;0", "dark"), ("", "dark")):
        monkeypatch.setenv("COLORFGBG", ground)
        assert mode() == chosen


async def test_plain_lines_tell_all_spans_in_words(stored) -> None:
    run = stored("hooks")
    told = Told()
    lines = [line for event in run.events for line in told.lines(event)]
    assert all(re.fullmatch(r"[^\n\x00-\x1f│├▸✓✗→…]+", line) for line in lines)
    ends = {event.span for event in run.events if event.phase == "end"}
    assert {int(line.split()[0]) for line in lines if re.match(r"\d+ (?!began)", line)} == ends
    assert lines[0].startswith("1 began: spell ") and lines[-1].startswith("1 ok: spell ")
    assert any(re.match(r"11 error: tool cancel_order, .*, in 7, at .*:43$", line) for line in lines)
    told = Told()
    told.brief = True
    few = [line for event in run.events for line in told.lines(event)]
    assert not any(re.match(r"\d+ ok: hook", line) for line in few) and any(" error: tool" in line for line in few)


def test_words_are_known_by_their_beginning() -> None:
    assert words.read(" WHY 12 ", dev=False) == ("why", "12")
    assert words.read("again", dev=True) == ("again", "")
    assert words.read("statu", dev=False) == ("status", "")
    with pytest.raises(UsageError, match="may be"):
        words.read("a", dev=True)
    with pytest.raises(UsageError, match="no word"):
        words.read("again", dev=False)


def test_nothing_of_textual_is_imported_for_plain_lines(stored) -> None:
    code = (
        "import sys; from llmspell_tui.host.wishes import Wishes; from llmspell_tui.main import run_tui;"
        f"code = run_tui(Wishes(run={str(stored('hooks').path)!r}, plain=True));"
        "assert not any(name.partition('.')[0] == 'textual' for name in sys.modules); sys.exit(code)"
    )
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "\n1 ok: spell " in done.stdout


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
