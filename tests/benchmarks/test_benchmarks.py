"""The benchmarks can be run: one of the quick ones, as `make bench` runs it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

_RUN = Path(__file__).parent / "run.py"


def test_a_benchmark_gives_goal_floor_and_measured() -> None:
    command = [sys.executable, str(_RUN), "--only", "help", "--rounds", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    (row,) = found["rows"]
    assert found["failures"] == []
    assert row["name"] == "llmspell --help"
    assert row["floor"].startswith("python -c pass: ")
    assert row["figures"]["help"]["cpu"][0] > 0


def test_the_language_server_is_measured_a_key_at_a_time() -> None:
    command = [
        sys.executable,
        str(_RUN.parent / "lsp/run.py"),
        "--lines",
        "100",
        "--rounds",
        "1",
        "--ours-only",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(done.stdout)
    assert found["failures"] == []
    for figures in found["results"]["100"].values():
        assert min(figures["initialize"] + figures["error shown"] + figures["error gone"]) > 0
        assert figures["first diagnostics"] > figures["initialize"]
        assert 5 < figures["memory"][0] < 200


def test_the_terminal_interface_shows_all_that_is_stored_and_said() -> None:
    command = [sys.executable, str(_RUN.parent / "tui/run.py"), "--spans", "30000", "--json"]
    done = subprocess.run([*command, "--only", "large"], capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(done.stdout)
    assert found["failures"] == []
    rows = {row["name"]: row for row in found["rows"]}
    assert rows["events shown of those stored"]["measured"] == "60,000 of 60,000"
    assert rows["30,000 spans: memory"]["met"]


def test_a_live_run_in_the_terminal_interface_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that talks for a moment, read as all that is measured of live runs."""
    monkeypatch.syspath_prepend(str(_RUN.parent / "tui"))
    spec = importlib.util.spec_from_file_location("bench_tui", _RUN.parent / "tui/run.py")
    assert spec is not None and spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "bench_tui", bench)
    spec.loader.exec_module(bench)
    lab = bench.Lab(tmp_path, 0, seconds=0.3, settle=0.5)
    told = lab.talked(2_000, keys="jk", first=0.6, every=0.02)
    rows = [bench.drawn(told, lab.seconds), *bench.answered(told), bench.calm(told)]
    assert [row.name for row in rows] == [
        "events drawn",
        "event to screen at 10,000 /s",
        "key lag at 10,000 /s",
        "CPU at 1,000 events/s",
    ]
    assert ", 0 dropped, " in rows[0].measured
    assert f"of {told['said'] - 2:,} events" in rows[1].measured
    assert not any("nan" in row.measured for row in rows)
