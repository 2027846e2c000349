"""The program beside the dashboard's spell follows it over the event stream."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Story

#: As long as nobody watches there is nothing to see.
_UNTIL_WATCHED = "\nAsync.sleep(1500)\n"


@pytest.mark.mission(89)
def test_the_program_shows_every_event_and_the_dashboard(story: Callable[[str], Story]) -> None:
    copied = story("dashboard")
    with (copied.folder / "spell.lua").open("a", encoding="utf-8") as spell:
        spell.write(_UNTIL_WATCHED)
    command = [sys.executable, "-m", "llmspell", "run", "spell.lua", "--events", "ws://127.0.0.1:0"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(copied.home)}
    with subprocess.Popen(
        command, cwd=copied.folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        url, token = running.stderr.readline().removeprefix("llmspell: events at ").strip().split(", token ")
        watched = copied.start(str(copied.folder / "watch.py"), url, token)
        out, _ = running.communicate(timeout=60)
    assert (running.returncode, out) == (0, copied.prints)
    lines = watched.stdout.splitlines()
    assert watched.returncode == 0, watched.stderr
    assert lines[0].split() == ["1", "spell_started", "spell.lua"] and lines[-1].strip() == "the run has ended"
    assert "      forecaster idle, poet idle; model calls: 3" in lines
    numbers = [int(line.split()[0]) for line in lines if line.split()[0].isdecimal()]
    assert numbers == list(range(1, len(numbers) + 1))
