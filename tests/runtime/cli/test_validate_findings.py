"""`llmspell validate` says what an editor would underline: to people, to programs, to GitHub and as SARIF."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmspell.cli.main import main
from llmspell.settings.lint import SEVERITIES

WRONG = {
    "spell.lua": 'local agent = Agent.new{ sistem_prompt = "ä" }\nreturn agent:chat("x")\n',
    "spell.js": 'const agent = new Agent({ sistemPrompt: "ä" });\nreturn agent.chat("x");\n',
}
COLUMN = {"spell.lua": (26, 39), "spell.js": (27, 39)}
NAMES = list(WRONG)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def out(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    assert main(["validate", *arguments]) == code
    return capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_people_are_shown_the_line_and_the_place_in_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_text(WRONG[name])
    first, line, mark = out(capsys, name).splitlines()
    assert first.startswith(f"{name}:1: error: unknown option 'sistem")
    assert first.endswith("[unknown-option]")
    assert line == f"    {WRONG[name].splitlines()[0]}"
    begin, end = COLUMN[name]
    assert mark == " " * (begin + 3) + "^" * (end - begin)


@pytest.mark.parametrize("name", NAMES)
def test_programs_are_given_places_that_count_from_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_text(WRONG[name])
    (problem,) = json.loads(out(capsys, name, "--format", "json"))
    assert (problem["column"], problem["end_column"]) == COLUMN[name]
    assert (problem["line"], problem["end_line"], problem["severity"]) == (1, 1, "error")


@pytest.mark.parametrize("name", NAMES)
def test_github_is_given_commands(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_text(WRONG[name])
    begin, end = COLUMN[name]
    place = f"file={name},line=1,endLine=1,col={begin},endColumn={end},title=unknown-option"
    assert out(capsys, name, "--format", "github").startswith(f"::error {place}::unknown option")


def test_sarif_names_rules_results_and_places(capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in WRONG.items():
        Path(name).write_text(text)
    log: dict[str, Any] = json.loads(out(capsys, ".", "--format", "sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["unknown-option"]
    places = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]}
    assert places == set(NAMES)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == "error" and result["message"]["text"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1


def test_sarif_of_a_clean_spell_is_a_whole_log(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.lua").write_text("return 1\n")
    log = json.loads(out(capsys, "a.lua", "--format", "sarif", code=0))
    assert log["runs"][0]["results"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        ([], 0, 0),
        (["--level", "hint"], 0, 1),
        (["--level", "error"], 0, 0),
        (["--strict"], 0, 0),
    ],
)
def test_hints_are_shown_when_they_are_asked_for(
    arguments: list[str], code: int, shown: int, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.lua").write_text("local topic = 1\n")
    assert len(json.loads(out(capsys, "a.lua", "--format", "json", *arguments, code=code))) == shown


def test_warnings_fail_where_that_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.lua").write_text("-- llmspell: ignore nothing-there\nreturn 1\n")
    assert "[unknown-code]" in out(capsys, "a.lua", code=0)
    assert "[unknown-code]" in out(capsys, "a.lua", "--strict", code=1)


def test_the_project_says_what_matters(capsys: pytest.CaptureFixture[str]) -> None:
    Path("llmspell.toml").write_text('[lint]\nunknown-option = "off"\n')
    Path("spell.lua").write_text(WRONG["spell.lua"])
    assert out(capsys, "spell.lua", code=0) == ""


def test_a_module_of_the_project_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tools.lua").write_text("return { agent = Agent.new{ model = 'offline' } }\n")
    Path("spell.lua").write_text('local tools = require("tools")\nreturn tools.agent:chatt("x")\n')
    assert "spell.lua:2: error: an Agent has no method 'chatt'; did you mean 'chat'?" in out(capsys, "spell.lua")


def test_without_a_path_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate"]) == 2
    assert "which spells?" in capsys.readouterr().err


def test_the_codes_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    listed = out(capsys, "--codes", code=0)
    for code, severity in SEVERITIES.items():
        assert any(line.split()[:2] == [code, severity] for line in listed.splitlines()), code
    assert main(["help", "parallel-reads-sibling"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("parallel-reads-sibling\n")
    assert "^^^^^" in page and "To silence it" in page
    assert main(["help", "unknown-optoin"]) == 2
    assert "unknown-option" in capsys.readouterr().err


PROGRAM = """
import sys
from llmspell.cli.main import main
code = main(["validate", *sys.argv[2:]])
print(*[name for name in sys.argv[1].split(",") if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""


def test_nothing_heavy_is_imported() -> None:
    Path("spell.lua").write_text(WRONG["spell.lua"])
    heavy = "litellm,pygls,lsprotocol,attrs,cattrs,pydantic,aiohttp,asyncio,textual,lupa,_quickjs"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, heavy, "spell.lua"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.strip() == ""


def test_a_reader_that_leaves_is_no_failure() -> None:
    for number in range(30):
        Path(f"spell{number}.lua").write_text(WRONG["spell.lua"] * 20)
    command = [sys.executable, "-m", "llmspell", "validate", "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith("spell")
        process.stdout.close()
        assert process.stderr.read() == ""
        process.wait(timeout=60)


def test_the_files_beside_spells_are_checked_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("llmspell.toml").write_text("[limits]\nmax_cals = 3\n")
    Path("spell.lua").write_text("return 1\n")
    (problem,) = json.loads(out(capsys, ".", "--format", "json"))
    assert (problem["file"], problem["line"], problem["code"]) == ("llmspell.toml", 2, "settings")
