"""`llmspell validate` compiles spells and runs nothing of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmspell.cli.main import main

BROKEN = {"spell.lua": "local x = 1\nlocal y = = 2\n", "spell.js": "const x = 1;\nconst y = = 2;\n"}
RIGHT = {
    "spell.lua": 'local made = io.open\nprint("never printed")\nreturn Agent.new("x")\n',
    "spell.js": 'import { a } from "./other.js";\nconsole.log("never printed");\nexport const b = await a();\n',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_compile_error_is_named_by_file_and_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(BROKEN[name])
    assert main(["validate", name]) == 1
    assert capsys.readouterr().out.startswith(f"{name}:2: ")


@pytest.mark.parametrize("name", RIGHT)
def test_a_spell_that_compiles_is_not_run(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_text(RIGHT[name])
    assert main(["validate", str(tmp_path / name)]) == 0
    assert capsys.readouterr().out == ""


def test_a_folder_means_every_spell_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "spell.js").write_text(BROKEN["spell.js"])
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "spell.lua").write_text(BROKEN["spell.lua"])
    (tmp_path / "good.js").write_text("return 1")
    assert main(["validate", "--format", "json", str(tmp_path)]) == 1
    problems = json.loads(capsys.readouterr().out)
    assert [(problem["file"], problem["line"], problem["code"]) for problem in problems] == [
        (str(tmp_path / "below" / "spell.lua"), 2, "syntax")
    ]


def test_a_path_that_is_no_spell_is_a_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(tmp_path / "missing.lua")]) == 2
    assert "missing.lua" in capsys.readouterr().err


def test_a_file_of_a_folder_that_is_no_text_is_a_finding_and_the_others_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bytes.lua").write_bytes(b"\xff\xfe")
    (tmp_path / "replies.json").write_bytes(b"\xff\xfe")
    (tmp_path / "wrong.lua").write_text("return {")
    assert main(["validate", str(tmp_path)]) == 1
    told = [line for line in capsys.readouterr().out.splitlines() if line.endswith("[syntax]")]
    assert [line.removeprefix(str(tmp_path)).split(":")[0] for line in told] == [
        "/bytes.lua",
        "/replies.json",
        "/wrong.lua",
    ]
    assert main(["validate", str(tmp_path / "bytes.lua")]) == 2
    assert "not UTF-8" in capsys.readouterr().err
