"""What `make mission` runs: collects every test without running it and says which rows of the mission have one.

`report.py 24` prints the tests of row 24. A number too small or too large ends with a message. `report.py 24 tests/tui`
looks in that folder alone.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]


class Row(NamedTuple):
    number: int
    section: str
    title: str


def read_rows() -> dict[int, Row]:
    sections = tomllib.loads(Path(__file__).with_name("rows.toml").read_text(encoding="utf-8"))
    rows = (
        Row(int(key), letter, title)
        for letter, section in sections.items()
        for key, title in section.items()
        if key != "title"
    )
    return {row.number: row for row in rows}


class Collector:
    """A pytest plugin that remembers which test names which row."""

    def __init__(self) -> None:
        self.tests: defaultdict[int, list[str]] = defaultdict(list)
        self.broken: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for marker in item.iter_markers("mission"):
                for row in marker.args:
                    self.tests[row].append(item.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken.append(report.nodeid)


def collect(where: list[str]) -> Collector:
    collector = Collector()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = pytest.main(
            [
                "--collect-only",
                "--continue-on-collection-errors",
                "-m",
                "",
                "-p",
                "no:cacheprovider",
                *(where or [str(ROOT / "tests")]),
            ],
            plugins=[collector],
        )
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}:
        sys.exit(said.getvalue())
    return collector


def main(arguments: list[str]) -> int:
    rows = read_rows()
    where = [argument for argument in arguments if Path(argument).exists()]
    asked: list[Row] = []
    for argument in arguments:
        if argument in where:
            continue
        row = rows.get(int(argument) if argument.isdigit() else 0)
        if row is None:
            sys.exit(f"there is no row {argument!r}; they are numbered 1 to {len(rows)}")
        asked.append(row)
    collector = collect(where)
    for row in asked:
        print(f"{row.number} {row.title}")
        print("".join(f"  {test}\n" for test in collector.tests[row.number]) or "  no test yet\n", end="")
    if not asked:
        done = [number for number in rows if collector.tests[number]]
        print(f"done: {' '.join(map(str, done))}  ({len(done)} of {len(rows)})")
        print(f"not done ({len(rows) - len(done)}):")
        for row in rows.values():
            if row.number not in done:
                print(f"  {row.section} {row.number:>3}  {row.title}")
    for broken in collector.broken:
        print(f"cannot be collected: {broken}", file=sys.stderr)
    return 1 if collector.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
