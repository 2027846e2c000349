"""`run --watch`: saving a file runs the spell again, what the spell writes does not, Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`llmspell run --watch spell.lua` under way, its two streams joined."""
    (tmp_path / "spell.lua").write_text('print("first")')
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "llmspell", "run", "--watch", "spell.lua"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        yield running
        running.kill()


def until(stream: IO[str] | None, wanted: str) -> list[str]:
    """The lines up to one that holds the text."""
    assert stream is not None
    lines: list[str] = []
    for line in stream:
        lines.append(line)
        if wanted in line:
            return lines
    raise AssertionError(f"no {wanted!r} in {lines}")


def test_a_save_runs_the_spell_again(watching: subprocess.Popen[str], tmp_path: Path) -> None:
    spell = tmp_path / "spell.lua"
    until(watching.stdout, "first")
    spell.write_text('print("second"')
    until(watching.stdout, "spell.lua:1:")
    write = 'FileSystem.new():execute { operation = "write", path = "output/x.txt", content = "x" }'
    spell.write_text(f'{write} print("third")')
    until(watching.stdout, "third")
    spell.write_text('print("for a minute") Async.sleep(60000)')
    since = until(watching.stdout, "for a minute")
    assert not any("output" in line for line in since)
    spell.write_text('print("fourth")')
    until(watching.stdout, "fourth")
    watching.send_signal(signal.SIGINT)
    assert watching.wait(30) == 130
    assert watching.stdout is not None and "Traceback" not in watching.stdout.read()
