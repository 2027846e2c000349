"""However a session ends, everything of it ends: by its key, with its terminal, by a signal, with its input."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench

WAITS = 'print("here I am") Async.sleep(600000)'


def test_its_key_ends_it(bench: Bench) -> None:
    bench.write("spell.lua", WAITS)
    terminal = bench.on_terminal("dev", "spell.lua")
    terminal.until("here I am")
    assert len(bench.processes()) >= 3  # itself, its host, the spell's own
    terminal.press("q")
    assert terminal.ended() == 0
    bench.left_alone()
    assert b"\x1b[?1049l" in terminal.raw  # the screen that was there before is there again


@pytest.mark.parametrize("how", ["hang up", "terminate", "kill"])
def test_the_end_of_its_terminal_is_its_end(bench: Bench, how: str) -> None:
    bench.write("spell.lua", WAITS)
    terminal = bench.on_terminal("dev", "spell.lua")
    terminal.until("here I am")
    assert len(bench.processes()) >= 3
    if how == "hang up":
        terminal.hang_up()
    else:
        os.kill(terminal.process.pid, signal.SIGTERM if how == "terminate" else signal.SIGKILL)
    terminal.ended()
    bench.left_alone()


@pytest.mark.parametrize("command", [("dev", "spell.lua"), ("tui",)])
def test_what_is_no_terminal_is_told_of_plain_lines(bench: Bench, command: tuple[str, ...]) -> None:
    bench.write("spell.lua", WAITS)
    said = bench.llmspell(*command, code=2)
    assert "stdin is no terminal" in said and "--plain" in said and "Traceback" not in said


def test_so_is_a_dumb_one(bench: Bench) -> None:
    terminal = bench.on_terminal("tui", TERM="dumb")
    assert "cannot be drawn on" in terminal.until("--plain")
    assert terminal.ended() == 2


def test_a_missing_file_is_one_clear_error(bench: Bench) -> None:
    for more in ((), ("--plain",), ("--web",)):
        assert "there is no file 'nothing.lua'" in bench.llmspell("dev", "nothing.lua", *more, code=2)
