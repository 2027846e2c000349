"""`llmspell run --replay-prefix` and `--fork` as a person gives them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SPELL = {
    "lua": 'local a = Agent.new{ name = "a" } print(a:execute("one").content) print(a:execute("two").content)',
    "js": 'const a = new Agent({ name: "a" }); for (const q of ["one", "two"]) console.log((await a.execute(q)).content);',
}


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "llmspell.toml").touch()

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llmspell", *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LLMSPELL_DEFAULT_MODEL": "offline"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize("language", SPELL)
def test_a_prefix_and_a_fork(project: Project, language: str) -> None:
    file = project.folder / f"a.{language}"
    file.write_text(SPELL[language])
    first = project.call("run", file.name)
    assert first.returncode == 0, first.stderr
    file.write_text("\n" + SPELL[language].replace("two", "zwei"))
    again = project.call("run", file.name, "--replay-prefix", "last", "--trace")
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith("You said: zwei\n")
    assert again.stderr.count("recorded") == 1
    file.write_text(SPELL[language])
    runs = [line.split()[0] for line in project.call("trace", "list").stdout.splitlines()[1:]]
    fork = project.call("run", "--fork", f"{runs[0]}@3", "--edit", '{"answer": "mine"}', "--state", "reset")
    assert fork.returncode == 0, fork.stderr
    assert fork.stdout.startswith("mine\n")
    listed = project.call("trace", "list").stdout
    assert f"begins as {runs[0]}" in listed and f"forks {runs[0]}@" in listed


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--fork", "last@1", "--replay", "last"), "--replay and --fork do not go together"),
        (("--edit", "{}"), "--edit needs --fork"),
        (("--fork", "last@1", "--model", "x"), "--model means nothing to --fork"),
        (("--replay", "last", "--state", "fork"), "--state means nothing to --replay"),
        (("--fork", "last"), "names no event"),
        (("--fork", "last@1", "--edit", "nothing.json"), "is neither JSON nor a file"),
    ],
)
def test_flags_that_mean_nothing(project: Project, flags: tuple[str, ...], message: str) -> None:
    (project.folder / "a.lua").write_text("return 1")
    assert project.call("run", "a.lua").returncode == 0
    done = project.call("run", "a.lua", *flags)
    assert done.returncode == 2
    assert message in done.stderr
