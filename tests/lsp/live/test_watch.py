"""The thread that looks for new runs, over stores that real runs have written."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest


def test_runs_are_told_as_they_end(bench: Any) -> None:
    path = bench.write("spell.lua", "error('boom')\n")
    bench.watch.follow(path)
    bench.run("spell.lua")
    told, run = bench.until(1)
    assert told == path and run is not None and run.status == "error"
    bench.run("spell.lua", "return 1\n")
    _, second = bench.until(2)
    assert second is not None and second.status == "ok" and second.id != run.id
    assert not bench.complaints


def test_a_run_of_before_is_told_at_once_and_others_are_not(bench: Any) -> None:
    bench.run("other.lua", "return 1\n")
    bench.run("spell.lua", "return 1\n")
    bench.run("other.lua")
    bench.watch.follow(bench.path("spell.lua"))
    told, run = bench.until(1)
    assert told == run.spell == bench.path("spell.lua")
    bench.run("other.lua")
    bench.watch.look()
    bench.run("spell.lua")
    bench.until(2)
    assert [path for path, _ in bench.told] == [told, told]


def test_the_store_of_a_project(bench: Any) -> None:
    bench.write("p/llmspell.toml", "")
    path = bench.write("p/spell.lua", "return 1\n")
    bench.watch.follow(path)
    bench.run("p/spell.lua")
    assert (bench.folder / "p/.llmspell/runs.db").exists()
    assert bench.until(1)[1].status == "ok"


def test_a_spell_behind_a_link(bench: Any) -> None:
    bench.write("real.lua", "return 1\n")
    (bench.folder / "link.lua").symlink_to(bench.folder / "real.lua")
    bench.run("real.lua")
    bench.watch.follow(bench.path("link.lua"))
    assert bench.until(1)[1].status == "ok"


def test_runs_that_are_removed_are_forgotten(bench: Any) -> None:
    bench.run("spell.lua", "return 1\n")
    path = bench.path("spell.lua")
    bench.watch.follow(path)
    assert bench.until(1)[1] is not None
    command = [sys.executable, "-m", "llmspell", "trace", "rm", bench.last().id]
    done = subprocess.run(command, cwd=bench.folder, env=bench.environ, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert bench.until(2) == (path, None)


def test_what_is_left_is_told_no_more(bench: Any) -> None:
    bench.watch.follow(bench.write("a.lua", "return 1\n"))
    bench.watch.follow(bench.write("b.lua", "return 1\n"))
    bench.watch.leave(bench.path("a.lua"))
    bench.run("a.lua")
    bench.run("b.lua")
    assert bench.until(1)[0] == bench.path("b.lua")


@pytest.mark.parametrize("index", [b"", b"no database at all, but long enough to be read as one" * 40, None])
def test_an_index_that_is_none_is_left_alone(bench: Any, index: bytes | None) -> None:
    bench.write("bad/llmspell.toml", "")
    store = bench.folder / "bad/.llmspell"
    (store / "runs").mkdir(parents=True)
    if index is None:
        (store / "runs.db").symlink_to(store / "runs.db")
    else:
        (store / "runs.db").write_bytes(index)
    bench.watch.follow(bench.write("bad/spell.lua", "return 1\n"))
    bench.watch.follow(bench.write("spell.lua", "return 1\n"))
    bench.run("spell.lua")
    assert bench.until(1)[0] == bench.path("spell.lua"), "others are still watched"
    if index is not None:
        assert (store / "runs.db").read_bytes() == index


def test_a_store_that_cannot_be_written(bench: Any) -> None:
    bench.run("spell.lua", "return 1\n")
    for path in (bench.store, bench.store / "runs"):
        path.chmod(0o500)
    try:
        bench.watch.follow(bench.path("spell.lua"))
        assert bench.until(1)[1].status == "ok"
        assert {path.name for path in bench.store.iterdir()} >= {"runs.db"}
    finally:
        for path in (bench.store, bench.store / "runs"):
            path.chmod(0o700)


def test_a_run_whose_host_was_killed(bench: Any) -> None:
    # A tool's record is committed before the spell gets its result: from then on there is a file.
    bench.write("spell.lua", "CalculatorTool.new():execute{ expression = '1+1' }\nprint('here')\nAsync.sleep(60000)\n")
    command = [sys.executable, "-u", "-m", "llmspell", "run", "spell.lua"]
    bench.watch.follow(bench.path("spell.lua"))
    with subprocess.Popen(command, cwd=bench.folder, env=bench.environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        os.kill(process.pid, 9)
        process.wait(30)
    assert bench.until(1)[1].status == "lost"
