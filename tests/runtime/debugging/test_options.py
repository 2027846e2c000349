"""A launch request may hold options of `llmspell run`: editors keep one list of them for running and debugging."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmspell.cli.main import main
from llmspell.errors import UsageError
from llmspell.serve.dap.launching import Launch


def launch(*options: str, **more: Any) -> Launch:
    return Launch.of({"program": "a.lua", "options": list(options), **more})


def test_options_are_the_fields_that_they_mean(tmp_path: Path) -> None:
    made = launch(
        *("--param", "name=Ada", "--param=count=3", "--max-cost", "0.5", "--allow-read=a,b", "--allow-read", "c"),
        *("--model=openai/x", "--trace", "--record", "out.rec", "--state=reset", "--log-level", "debug"),
        cwd=str(tmp_path),
    )
    assert made.params == {"name": "Ada", "count": 3}
    assert made.flags == {
        "limits.max_cost": 0.5,
        "permissions.read": ["a", "b", "c"],
        "defaults.model": "openai/x",
        "log.level": "debug",
    }
    assert made.record == tmp_path / "out.rec"
    assert made.state == "reset"
    assert launch("--input", '{"n": 1}').params == {"n": 1}


def test_a_field_of_the_request_wins() -> None:
    made = launch(
        "--model=a/b", "--max-cost=1", "--param=n=1", model="c/d", args=["n=2"], settings={"limits.max_cost": 2}
    )
    assert made.flags == {"defaults.model": "c/d", "limits.max_cost": 2}
    assert made.params == {"n": 2}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--watch"], "'--watch'"),
        (["--replay", "last"], "knows no option '--replay'"),
        (["name=Ada"], "'name=Ada' is no option"),
        (["--param"], "--param has no value"),
        (["--input", "{"], "is not JSON"),
    ],
)
def test_what_means_nothing_to_the_debugger_is_said(options: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        launch(*options)


def test_every_setting_that_run_has_a_flag_for_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    """By its help: what stands under "settings of this run" there."""
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    told = capsys.readouterr().out.split("settings of this run", 1)[1]
    flags = [line.split()[0] for line in told.splitlines() if line.startswith("  --")]
    assert len(flags) >= 12
    for flag in flags:
        assert len(launch(flag, "1").flags) == 1
