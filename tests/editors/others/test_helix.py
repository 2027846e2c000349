"""Helix with the `languages.toml` that is here, on a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.editors.found import EDITORS, ROOT, editor

_ESCAPES = re.compile(r"\x1b(\[[0-9;:?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|.)")


class Terminal:
    def __init__(self, master: int) -> None:
        self._master = master
        self.written = ""

    def type(self, keys: str) -> None:
        self.written = ""
        os.write(self._master, keys.encode())

    def until(self, text: str) -> None:
        """Until it has been written since the last key; where a cell did not change it is not written again."""
        deadline = time.monotonic() + 20
        raw = b""
        while text not in self.written:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._master], [], [], max(left, 0))
            assert ready, f"never shown: {text!r}\n{self.written[-3000:]}"
            raw += os.read(self._master, 1 << 16)
            self.written = " ".join(_ESCAPES.sub(" ", raw.decode(errors="replace")).split())


@contextmanager
def helix(project: Path, home: Path, *words: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    environ = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "XDG_STATE_HOME": str(home / "state"),
    }
    process = subprocess.Popen(
        [str(editor("helix")), *words],
        cwd=project,
        env=environ,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(master)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(master)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "hello"
    shutil.copytree(ROOT / "examples" / "hello", folder)
    (folder / ".helix").mkdir()
    shutil.copy(EDITORS / "helix" / "languages.toml", folder / ".helix")
    (folder / ".git").mkdir()
    return folder


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_a_mistake_is_shown(project: Path, suffix: str, tmp_path: Path) -> None:
    spell = project / f"spell.{suffix}"
    spell.write_text(spell.read_text() + "Agent.neww()\n")
    with helix(project, tmp_path, spell.name) as terminal:
        # The status line counts what was found; `]d` goes to it, where it is told.
        terminal.until("● 1")
        terminal.type("]d")
        terminal.until("Agent has no method 'neww'")
        terminal.type(":q!\r")


@pytest.mark.parametrize(("suffix", "mark"), [("lua", ":"), ("js", ".")])
def test_it_completes_and_runs_nothing_until_it_is_told(project: Path, tmp_path: Path, suffix: str, mark: str) -> None:
    (project / "llmspell.toml").touch()
    runs = project / ".llmspell" / "runs"
    spell = project / f"spell.{suffix}"
    shutil.copy(spell, project / f"other.{suffix}")
    spell.write_text(spell.read_text() + "Agent.neww()\nagent\n")
    with helix(project, tmp_path, spell.name) as terminal:
        terminal.until("●")
        # One change alone: what is typed faster than it is sent, this Helix sends in any order.
        terminal.type(f"geA{mark}")
        terminal.until("method")
        terminal.type("\x1b\x1b:w\r")
        terminal.until("written")
        assert spell.read_text().endswith(f"agent{mark}\n")
        assert not runs.exists()
        terminal.type(f":sh llmspell run other.{suffix} 2>&1\r")
        terminal.until("Hello, world!")
        assert len(list(runs.glob("*.db"))) == 1
        terminal.type("\x1b:q!\r")


@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_the_server_is_configured(project: Path, language: str, tmp_path: Path) -> None:
    environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    command = [str(editor("helix")), "--health", language]
    done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, timeout=60, check=True)
    told = _ESCAPES.sub("", done.stdout)
    assert re.search(r"✓ llmspell: .*llmspell", told), told
