"""The mission's table is whole, and `make mission` reads the markers that tests carry."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_the_table_holds_163_rows_in_order_each_with_a_title_of_its_own() -> None:
    import tomllib

    sections = tomllib.loads((HERE / "rows.toml").read_text(encoding="utf-8"))
    numbers = [int(key) for section in sections.values() for key in section if key != "title"]
    titles = [title for section in sections.values() for key, title in section.items() if key != "title"]
    assert list(sections) == [chr(ord("A") + index) for index in range(23)]
    assert numbers == list(range(1, 164))
    assert len(set(titles)) == 163
    assert all(len(title.split()) >= 2 and not title.endswith(".") for title in titles)


def test_a_marker_with_a_row_that_does_not_exist_stops_the_collection(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((HERE.parent / "conftest.py").read_text(encoding="utf-8"))
    folder = pytester.mkdir("mission")
    (folder / "rows.toml").write_text((HERE / "rows.toml").read_text(encoding="utf-8"), encoding="utf-8")
    pytester.makepyfile("import pytest\n\n@pytest.mark.mission(1, 164)\ndef test_it(): pass\n")
    result = pytester.runpytest_subprocess("--collect-only")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "there is no row 164" in str(result.stderr)


def test_the_report_names_the_tests_of_a_row() -> None:
    where = HERE.parent / "runtime" / "cli"
    done = subprocess.run(
        [sys.executable, str(HERE / "report.py"), "154", str(where)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "154 Commands to run, test, begin, validate and configure" in done.stdout
    assert "test_init_makes_a_project" in done.stdout
    beyond = subprocess.run(
        [sys.executable, str(HERE / "report.py"), "164"], capture_output=True, text=True, timeout=120, check=False
    )
    assert beyond.returncode == 1
    assert "there is no row '164'" in beyond.stderr
