"""What may go wrong around a session: it is said, counted, and gone on with."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench

WAITS = 'print("here I am") Async.sleep(600000)'
ROOT = Path(__file__).parents[3]


def shown(seen: str) -> int:
    """How many events the status line says."""
    found = re.search(r"([\d,]+) events?\b(?! could)", seen)
    return int(found[1].replace(",", "")) if found else -1


def large(bench: Bench, spans: int) -> Path:
    path = bench.folder / ".llmspell" / "runs" / "1m7large000000.db"
    path.parent.mkdir(parents=True)
    code = "import sys; from pathlib import Path; import stored; stored.write(Path(sys.argv[1]), int(sys.argv[2]))"
    environ = {**bench.environ, "PYTHONPATH": str(ROOT / "tests/benchmarks/tui")}
    subprocess.run([sys.executable, "-c", code, str(path), str(spans)], env=environ, check=True, timeout=300)
    return path


@pytest.mark.parametrize("spans", [30_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_a_large_run_is_shown_whole(bench: Bench, spans: int) -> None:
    path = large(bench, spans)
    terminal = bench.on_terminal("tui", str(path))
    terminal.until(f"{2 * spans:,} events")
    terminal.press("\x1b[F")  # to its end and back
    terminal.press("\x1b[H")
    assert "not shown" not in terminal.until("spell.lua")
    rss = int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{terminal.process.pid}/status").read_text())[0]) / 1024
    assert rss <= 200
    terminal.press("q")
    assert terminal.ended() == 0


FLOODS = {
    "lua": 'for i = 1, {0} do print("line " .. i) end print("the end")',
    "js": 'for (let i = 1; i <= {0}; i++) console.log("line " + i); console.log("the end");',
}


@pytest.mark.parametrize(
    ("language", "count"), [("lua", 20_000), *(pytest.param(each, 400_000, marks=pytest.mark.soak) for each in FLOODS)]
)
def test_a_spell_that_floods_loses_nothing(bench: Bench, language: str, count: int) -> None:
    bench.write(f"spell.{language}", FLOODS[language].format(count))
    terminal = bench.on_terminal("dev", f"spell.{language}")
    terminal.until(lambda seen: 1 < shown(seen) < count)  # it is shown while it floods
    terminal.press("jjkk")
    seen = terminal.until(lambda seen: "✓ ok" in seen and "the end" in seen and shown(seen) > count)
    stored = len(bench.llmspell("trace", "export", bench.runs()[-1].stem).splitlines())
    assert shown(terminal.until(f"{stored:,} events")) == stored > count
    assert "not shown" not in seen


def test_a_spell_that_sets_state_as_fast_as_it_can_is_shown_and_can_be_left(bench: Bench) -> None:
    bench.write("spell.lua", 'local i = 0 while true do i = i + 1 State.set("k" .. i % 7, i) end')
    terminal = bench.on_terminal("dev", "spell.lua")
    seen = terminal.until(lambda seen: shown(seen) > 100)
    terminal.press("4")  # the screen that adds the changes up
    state = terminal.until(lambda now: "[State]" in now and "k6" in now and shown(now) > shown(seen))
    terminal.press("1")
    terminal.until(lambda now: "[Trace]" in now and shown(now) > shown(state))
    terminal.press("q")
    assert terminal.ended() == 0
    bench.left_alone()


def test_a_locked_store_is_waited_for(bench: Bench) -> None:
    bench.write("spell.lua", 'print("here I am")')
    bench.llmspell("run", "spell.lua")
    (path,) = bench.runs()
    holder = sqlite3.connect(path)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        terminal = bench.on_terminal("tui", str(path), size=(180, 36))
        assert "another process holds the file" in terminal.until("locked")
    finally:
        holder.rollback()
        holder.close()
    seen = terminal.until(lambda seen: "✓ ok" in seen and "here I am" in seen)
    assert "locked" not in seen
    terminal.press("q")
    assert terminal.ended() == 0


@pytest.mark.parametrize("where", [0.1, 0.6], ids=["spans", "events"])
def test_a_damaged_store_is_said_and_counted(bench: Bench, where: float) -> None:
    path = large(bench, 12_000)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(int(size * where) // 4096 * 4096)
        file.write(os.urandom(size // 10))
    terminal = bench.on_terminal("tui", str(path), size=(160, 36))
    terminal.until("cannot be read: database disk image is malformed")
    if where < 0.5:  # the spans stand for their events
        terminal.until(re.compile(r"! [\d.,]+k? not shown").search)
    for key in "23456789":
        terminal.press(key)
    terminal.press("1")
    terminal.until("[Trace]")
    terminal.press("q")
    assert terminal.ended() == 0


def test_a_damaged_file_among_the_runs_spoils_no_list(bench: Bench) -> None:
    bench.write("spell.lua", 'print("here I am")')
    bench.llmspell("run", "spell.lua")
    (bench.folder / ".llmspell" / "runs" / "1m7damaged0000.db").write_bytes(b"no database" * 1000)
    terminal = bench.on_terminal("tui")
    terminal.until(lambda seen: "spell.lua" in seen and "damaged" in seen)
    terminal.press("q")
    assert terminal.ended() == 0


def test_a_run_that_is_deleted_while_it_is_shown(bench: Bench) -> None:
    bench.write("spell.lua", 'State.set("a", 1) print("here I am") pcall(error, "x")')
    bench.llmspell("run", "spell.lua")
    terminal = bench.on_terminal("tui", "last")
    terminal.until(lambda seen: "here I am" in seen and "✓ ok" in seen)
    for path in bench.runs()[0].parent.iterdir():
        path.unlink()
    for key in "jk>>>>23456789":
        terminal.press(key)
    terminal.press("1")
    terminal.until("[Trace]")
    terminal.press("2")
    terminal.until(lambda seen: "[Runs]" in seen and "✓" not in "".join(seen.splitlines()[2:-1]))
    terminal.press("q")
    assert terminal.ended() == 0


def test_a_full_disk_is_said_and_the_spell_goes_on(bench: Bench) -> None:
    """No file may grow beyond 400 KB, which fails a write as a full disk does."""
    bench.write(
        "spell.lua", 'for i = 1, 2000 do print(i .. ("x"):rep(1000)) end print("the first end") Async.sleep(600000)'
    )
    limited = ["-c", 'ulimit -f 400; exec "$@"', "sh", sys.executable, "-m", "llmspell"]
    terminal = bench.on_terminal("dev", "spell.lua", program=["sh", *limited], size=(160, 36))
    terminal.until(lambda seen: "the first end" in seen and shown(seen) >= 2001)  # live, nothing is missing
    bench.write("spell.lua", 'print("the second end")')
    terminal.until(lambda seen: "the second end" in seen and "✓ ok" in seen)
    bench.write(
        "spell.lua",
        'for i = 1, 2000 do print(i .. ("x"):rep(1000)) end print("the third end") local fs = FileSystem.new() '
        'while not fs:execute({ operation = "exists", path = "go" }).exists do Async.sleep(20) end',
    )
    terminal.until(lambda seen: "the third end" in seen)
    bench.write("go", "")
    seen = terminal.until(lambda seen: "events could not be stored" in seen)
    assert "✓ ok" in seen and shown(seen) >= 2003 and "free some space" in seen
    terminal.press("q")
    assert terminal.ended() == 0
    bench.left_alone()


def test_any_size_and_wild_changes_of_it(bench: Bench) -> None:
    bench.write("spell.lua", 'for i = 1, 50 do print("line " .. i) end print("here I am") Async.sleep(600000)')
    terminal = bench.on_terminal("dev", "spell.lua", size=(20, 5))
    terminal.until("running")
    for key in "123456789":
        terminal.press(key)
        for columns, rows in ((1, 1), (200, 3), (5, 60), (20, 5), (300, 100), (2, 2)):
            terminal.resize(columns, rows)
    terminal.resize(20, 5)
    terminal.press("1")
    terminal.until("running")
    terminal.resize(120, 36)
    terminal.until(lambda seen: "here I am" in seen and "[Trace]" in seen)
    terminal.press("q")
    assert terminal.ended() == 0
    bench.left_alone()


def test_the_host_killed_is_started_again(bench: Bench) -> None:
    bench.write("spell.lua", WAITS)
    terminal = bench.on_terminal("dev", "spell.lua")
    terminal.until(lambda seen: "here I am" in seen and "running" in seen)
    (host,) = bench.processes("llmspell host")
    os.kill(host, signal.SIGKILL)
    seen = terminal.until(lambda seen: "the host died" in seen and "lost" in seen.splitlines()[0])
    assert "r runs the spell again" in seen
    assert "lost" in bench.llmspell("trace", "list")
    terminal.press("r")
    terminal.until(lambda seen: "running" in seen.splitlines()[0] and "here I am" in seen and "died" not in seen)
    assert bench.processes("llmspell host") != [host]
    bench.write("spell.lua", 'print("saved meanwhile")')
    terminal.until(lambda seen: "✓ ok" in seen and "saved meanwhile" in seen)
    terminal.press("q")
    assert terminal.ended() == 0
    bench.left_alone()


def test_the_spell_s_own_process_killed_is_an_error_of_the_run(bench: Bench) -> None:
    bench.write("spell.lua", WAITS)
    terminal = bench.on_terminal("dev", "spell.lua")
    terminal.until(lambda seen: "here I am" in seen and "running" in seen)
    (host,) = bench.processes("llmspell host")
    for pid in bench.processes():
        if pid not in (host, terminal.process.pid):
            os.kill(pid, signal.SIGKILL)
    terminal.until(lambda seen: "✗ error" in seen.splitlines()[0])
    bench.write("spell.lua", 'print("alive again")')
    terminal.until(lambda seen: "✓ ok" in seen and "alive again" in seen)
    terminal.press("q")
    assert terminal.ended() == 0


def test_a_mistake_keeps_the_old_run_and_shows_its_line(bench: Bench) -> None:
    bench.write("spell.lua", WAITS)
    terminal = bench.on_terminal("dev", "spell.lua")
    terminal.until(lambda seen: "here I am" in seen and "running" in seen)
    bench.write("spell.lua", "print('one')\nprint('two'\n")
    seen = terminal.until("spell.lua:3")
    assert "running" in seen.splitlines()[0] and len(bench.runs()) == 1
    bench.write("spell.lua", "print('three')")
    seen = terminal.until(lambda seen: "✓ ok" in seen and "three" in seen)
    assert "spell.lua:3" not in seen
