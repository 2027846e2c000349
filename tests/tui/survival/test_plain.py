"""`--plain` on a terminal and through pipes: lines alone, words typed in, and the same end as any other session."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Bench

ASKS = """
State.set("city", "Rome")
local where = Human.ask("Which city?")
print("going to " .. where)
local ok, problem = pcall(function() Calculator.new():execute { expression = "1 +" } end)
print(ok)
"""


def test_a_session_by_words(bench: Bench) -> None:
    bench.write("spell.lua", ASKS)
    terminal = bench.on_terminal("dev", "--plain", "spell.lua")
    # The question and the events come by different ways.
    question, change = r"question 1: Which city\? Type: answer TEXT", 'state: city: nothing becomes "Rome"'
    said = terminal.says(re.compile(f"{question}.*{change}|{change}.*{question}", re.DOTALL))
    assert "spell.lua runs, run " in said
    terminal.press("state\n")
    terminal.says('city: "Rome"')
    terminal.press("answer Oslo\n")
    terminal.says("printed: going to Oslo")
    terminal.says("printed: false")
    terminal.says(re.compile(r"run \S+ ok, .*1 error"))
    terminal.press("errors\n")
    number = re.search(r"(\d+): error, tool calculator: ", terminal.says("error, tool calculator: "))
    assert number is not None
    terminal.press(f"why {number[1]}\n")
    terminal.says("given: ")
    terminal.says("inside: 1 spell spell.lua")
    bench.write("spell.lua", "print(")
    terminal.says("spell.lua line 1: ")
    bench.write("spell.lua", "print('again there')")
    terminal.says(re.compile(r"saved spell\.lua: spell\.lua runs, run \S+, instead of \S+"))
    terminal.says("printed: again there")
    terminal.press("nonsense\n")
    terminal.says("there is no word 'nonsense'; type help")
    terminal.press("quit\n")
    assert terminal.ended() == 0
    assert b"\x1b" not in terminal.raw  # nothing but text
    bench.left_alone()


def test_the_end_of_what_is_typed_is_the_end(bench: Bench) -> None:
    bench.write("spell.lua", "print('here I am') Async.sleep(600000)")
    for command in (("dev", "--plain", "spell.lua"), ("tui", "--plain", "last")):
        terminal = bench.on_terminal(*command)
        terminal.says("printed: here I am")
        terminal.press("\x04")
        assert terminal.ended() == 0
    bench.left_alone()


def test_a_control_c_is_too(bench: Bench) -> None:
    bench.write("spell.lua", "print('here I am') Async.sleep(600000)")
    terminal = bench.on_terminal("dev", "--plain", "spell.lua")
    terminal.says("printed: here I am")
    terminal.press("\x03")
    assert terminal.ended() == 0
    bench.left_alone()


def test_one_of_several_spells_is_told_of(bench: Bench) -> None:
    for name in ("first", "second"):
        bench.write(f"{name}.lua", f"print('{name} is here') Async.sleep(600000)")
    terminal = bench.on_terminal("dev", "--plain", "first.lua", "second.lua")
    begun = re.compile(r"lua runs.*lua runs.*printed: (\w+) is here", re.DOTALL)
    shown = begun.findall(terminal.says(begun))[-1]  # the one that began last
    for name in ({"first", "second"} - {shown}).pop(), shown:
        terminal.press(f"spells {name}\n")
        terminal.says(f"printed: {name} is here")
    terminal.press("spells\n")
    terminal.says(f"{shown}.lua, told of")
    terminal.press("spells third\n")
    terminal.says("0 spells are named 'third'; one of first.lua, second.lua")
    terminal.press("quit\n")
    assert terminal.ended() == 0
    bench.left_alone()


def test_an_ended_run_through_a_pipe_and_words_by_it(bench: Bench) -> None:
    bench.write("spell.lua", "State.set('a', 1) print('here I am') error('and broke')")
    bench.llmspell("run", "spell.lua", code=1)
    said = piped(bench, "status\nwhy\nstate\n", "tui", "last", "--plain").splitlines()
    assert "printed: here I am, at spell.lua:1" in said
    told = [line for line in said if line.startswith("run ")]
    stored = len(bench.llmspell("trace", "export", "last").splitlines())
    assert len(told) == 2 and told[0] == told[1] and told[0].endswith(f"{stored} events")
    assert any(line.startswith("1: error, spell spell.lua") for line in said)
    assert said[-1].endswith("a: 1")
    assert re.fullmatch(r"\S{14}, error, spell\.lua\n", piped(bench, "", "tui", "--plain"))


def test_a_spell_that_runs_on_save_goes_on_without_anybody_who_types(bench: Bench) -> None:
    bench.write("spell.lua", "print('one')")
    command = [sys.executable, "-m", "llmspell", "dev", "--plain", "spell.lua"]
    with subprocess.Popen(
        command, cwd=bench.folder, env=bench.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for word in ("one", "two"):
            bench.write("spell.lua", f"print('{word}')")
            assert any(f"printed: {word}" in line for line in process.stdout)
        process.stdout.close()  # as `head` does
        bench.write("spell.lua", "print('three')")
        assert process.wait(60) == 141
    bench.left_alone()


def piped(bench: Bench, typed: str, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "llmspell", *command],
        cwd=bench.folder,
        env=bench.environ,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == "" and "\x1b" not in done.stdout
    return done.stdout
