"""Saves in four editors' ways while the interface shows the spell: each is run, none is lost."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from tests.tui.saves import STYLES

if TYPE_CHECKING:
    from conftest import Bench


#: It prints its number, which is not to be read in the text itself.
PRINTS = {"lua": 'print("nonce-" .. {0} .. ".")', "js": 'console.log("nonce-" + {0} + ".");'}
WAITS = {"lua": " Async.sleep(600000)", "js": " await new Promise((done) => setTimeout(done, 600000));"}


@pytest.mark.parametrize(
    ("language", "count"), [("lua", 12), *(pytest.param(each, 200, marks=pytest.mark.soak) for each in PRINTS)]
)
def test_each_save_is_on_the_screen(
    bench: Bench, language: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of three find the run before still under way. The time is from the save to the nonce on the terminal."""
    file = bench.write(f"spell.{language}", PRINTS[language].format(0))
    terminal = bench.on_terminal("dev", file.name)
    terminal.until("nonce-0.")
    took: list[float] = []
    for number in range(1, count + 1):
        text = PRINTS[language].format(number) + (WAITS[language] if number % 3 else "")
        begin = time.perf_counter()
        STYLES[number % 4](file, text)
        terminal.until(f"nonce-{number}.")
        took.append((time.perf_counter() - begin) * 1000)
    assert len(bench.runs()) >= count + 1
    took.sort()
    with capsys.disabled():
        print(f" save to screen: p50 {took[count // 2]:.0f}, p95 {took[int(count * 0.95)]:.0f}, max {took[-1]:.0f} ms")
    terminal.press("q")
    assert terminal.ended() == 0
    bench.left_alone()


def test_saves_one_upon_the_other_end_with_the_last(bench: Bench) -> None:
    file = bench.write("spell.lua", 'print("nonce-0.")')
    terminal = bench.on_terminal("dev", "spell.lua")
    terminal.until("nonce-0.")
    for number in range(1, 41):
        STYLES[number % 4](file, f'print("nonce-" .. {number} .. ".")')
    terminal.until(lambda seen: "nonce-40." in seen and "✓ ok" in seen)
    terminal.press("q")
    assert terminal.ended() == 0
    bench.left_alone()


def test_breakpoints_and_approvals_hold_from_the_first_moment(bench: Bench) -> None:
    bench.write("spell.lua", 'print("before") Calculator.new():execute { expression = "1 + 1" } print("after")')
    terminal = bench.on_terminal("dev", "--plain", "--break", "start", "--approve", "calc*", "spell.lua")
    terminal.says(re.compile(r"paused: .*Type: step, or resume"))
    terminal.press("resume\n")
    terminal.says("printed: before")
    assert "calculator" in terminal.says(re.compile(r"approval \d+ wanted: .*Type: approve"))
    terminal.press("approve\n")
    terminal.says("printed: after")
    bench.write("spell.lua", 'print("once more")')
    terminal.says("paused: ")  # and of the run of the next save
    terminal.press("resume\n")
    terminal.says("printed: once more")
    terminal.press("quit\n")
    assert terminal.ended() == 0
    bench.left_alone()


def test_wrong_breakpoints_are_one_clear_error(bench: Bench) -> None:
    bench.write("spell.lua", "print(1)")
    said = bench.llmspell("dev", "--break", "nonsense", "spell.lua", code=2)
    assert "nonsense" in said and "Traceback" not in said
