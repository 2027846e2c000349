"""The benchmarks can be run: one of the quick ones, as `make bench` runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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
