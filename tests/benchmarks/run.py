"""`make bench`: measures the table of goals and prints each beside its floor, both of this very run.

    python tests/benchmarks/run.py [--only NAME]... [--rounds N] [--json]

Ends with 1 when a benchmark could not be measured; a missed goal is a finding, not a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
import time

from benchmark import Row, laboratory
from cases import BENCHMARKS
from measuring import become_subreaper, machine_busy

_WIDTHS = {"name": 40, "goal": 28, "floor": 36, "measured": 38}


def main() -> int:
    options = _options()
    chosen = {name: run for name, run in BENCHMARKS.items() if not options.only or name in options.only}
    become_subreaper()
    lab, folder = laboratory(options.rounds)
    rows: list[Row] = []
    failures: list[str] = []
    if not options.json:
        print(_line({key: key for key in _WIDTHS}, "ratio", ""))
    start, (busy, had) = time.perf_counter(), machine_busy()
    with folder:
        for name, run in chosen.items():
            try:
                found = run(lab)
            except (RuntimeError, OSError, LookupError, StopIteration) as error:
                failures.append(f"{name}: {type(error).__name__}: {error}")
                continue
            rows += found
            for row in found if not options.json else ():
                print(_shown(row), flush=True)
    took, (busy_after, had_after) = time.perf_counter() - start, machine_busy()
    machine = {
        "cores": os.cpu_count(),
        "seconds": round(took, 1),
        "busy": round((busy_after - busy) / (had_after - had), 3),
        "load": os.getloadavg(),
    }
    if options.json:
        print(
            json.dumps({"rows": [row.to_value() for row in rows], "failures": failures, "machine": machine}, indent=2)
        )
    else:
        _sum_up(rows, machine)
    for failure in failures:
        print(f"not measured: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures the table of goals, each beside its floor.")
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=0, help="rounds of each contender; 0: as each benchmark has it")
    parser.add_argument("--json", action="store_true", help="everything measured, as JSON")
    return parser.parse_args()


def _shown(row: Row) -> str:
    cells = {"name": row.name, "goal": row.goal, "floor": row.floor, "measured": row.measured}
    if row.note:
        cells["measured"] += f" ({row.note})"
    return _line(cells, "" if row.ratio is None else f"{row.ratio:.2f}", "met" if row.met else "NOT MET")


def _line(cells: dict[str, str], ratio: str, verdict: str) -> str:
    """One row, its cells wrapped."""
    columns = [textwrap.wrap(cells[key], width) or [""] for key, width in _WIDTHS.items()]
    columns += [[ratio], [verdict]]
    widths = [*_WIDTHS.values(), 6, 8]
    height = max(map(len, columns))
    lines = ([column[at] if at < len(column) else "" for column in columns] for at in range(height))
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths)).rstrip() for line in lines)


def _sum_up(rows: list[Row], machine: dict[str, object]) -> None:
    missed = [row.name for row in rows if not row.met]
    print(f"\n{len(rows) - len(missed)} of {len(rows)} goals met, {machine['seconds']} s on {machine['cores']} cores")
    print(f"the machine was {float(str(machine['busy'])):.0%} busy with this and everything else")


if __name__ == "__main__":
    sys.exit(main())
