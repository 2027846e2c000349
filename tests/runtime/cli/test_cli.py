"""The command line as a person meets it: the real program, started as a process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from llmspell.cli.commands import COMMANDS


def llmspell(*arguments: str, cwd: Path, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llmspell", *arguments],
        cwd=cwd,
        env={"HOME": str(cwd), "PATH": os.environ["PATH"], **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command(tmp_path: Path) -> None:
    done = llmspell("--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for name, command in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert command.summary in done.stdout


def test_without_a_command_the_overview_goes_to_stderr_and_the_exit_code_is_2(tmp_path: Path) -> None:
    done = llmspell(cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: llmspell COMMAND" in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_help(name: str, tmp_path: Path) -> None:
    done = llmspell(name, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: llmspell {name}")


def test_version(tmp_path: Path) -> None:
    assert llmspell("--version", cwd=tmp_path).stdout.startswith("llmspell 0.")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("confg",), "llmspell: unknown command 'confg'", "did you mean `llmspell config`?"),
        (("zebra",), "llmspell: unknown command 'zebra'", "see `llmspell --help`"),
        (("--nonsense",), "llmspell: unknown option '--nonsense'", "see `llmspell --help`"),
        (("tools",), "llmspell: tools: say which: list, show, call", "see `llmspell tools --help`"),
        (("trace", "audit"), "llmspell: trace audit: say which: show, verify", "see `llmspell trace audit --help`"),
        (("trace", "diff"), "llmspell: trace diff: RUN is missing", "see `llmspell trace diff --help`"),
        (("config", "show", "--jsom"), "llmspell: config: unknown option '--jsom'", "did you mean --json?"),
        (("trace", "export", "--formt"), "llmspell: trace: unknown option '--formt'", "did you mean --format?"),
        (("config", "show", "a", "b"), "llmspell: config: unknown argument 'b'", "see `llmspell config --help`"),
        (
            ("config", "zebra"),
            "llmspell: config: argument what: invalid choice: 'zebra'",
            "see `llmspell config --help`",
        ),
    ],
)
def test_wrong_use_is_two_lines_and_exit_code_2(
    arguments: tuple[str, ...], message: str, hint: str, tmp_path: Path
) -> None:
    done = llmspell(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    first, second = done.stderr.splitlines()
    assert first.startswith(message)
    assert second.strip() == f"hint: {hint}"


def test_wrong_settings_name_file_and_line_and_debug_adds_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").write_text("[limits]\ncpu_second = 1\n")
    done = llmspell("config", "check", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{tmp_path}/llmspell.toml:2: unknown setting limits.cpu_second = 1\n")
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    for arguments in (("--debug", "config", "check"), ("config", "check", "--debug")):
        assert "Traceback" in llmspell(*arguments, cwd=tmp_path).stderr


@pytest.mark.mission(154)
def test_config_show_says_where_each_value_came_from(tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").write_text('[limits]\nmemory_mb = 64\n[config]\nword = "hé"\n')
    environ = {"LLMSPELL_LIMIT_MAX_CALLS": "7"}
    shown = json.loads(llmspell("config", "show", "--json", cwd=tmp_path, environ=environ).stdout)
    assert shown["limits.memory_mb"] == {"value": 64, "from": f"{tmp_path}/llmspell.toml:2"}
    assert shown["limits.max_calls"] == {"value": 7, "from": "LLMSPELL_LIMIT_MAX_CALLS"}
    assert shown["limits.cpu_seconds"] == {"value": 60.0, "from": "default"}
    assert shown["config.word"]["value"] == "hé"
    text = llmspell("config", "show", cwd=tmp_path, environ=environ).stdout
    assert f"{'memory_mb = 64':<40} # {tmp_path}/llmspell.toml:2\n" in text


def test_config_path_names_the_files_even_before_they_exist(tmp_path: Path) -> None:
    paths = json.loads(llmspell("config", "path", "--json", cwd=tmp_path).stdout)
    assert paths["project"] == {"path": f"{tmp_path}/llmspell.toml", "exists": False}
    assert paths["user"]["path"] == f"{tmp_path}/.config/llmspell/config.toml"
    assert paths["data"]["path"] == f"{tmp_path}/.local/state/llmspell"


@pytest.mark.mission(154)
@pytest.mark.parametrize("language", ["lua", "js"])
def test_init_makes_a_project_with_right_settings_and_stubs(language: str, tmp_path: Path) -> None:
    done = llmspell("init", "my-project", "--language", language, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    project = tmp_path / "my-project"
    assert f"llmspell run my-project/spell.{language}" in done.stdout
    assert (project / f"spell.{language}").is_file()
    for name in ("replies.json", ".luarc.json", "jsconfig.json"):
        json.loads((project / name).read_text())
    assert (project / ".llmspell/.gitignore").read_text() == "*\n"
    assert llmspell("config", "check", cwd=project).returncode == 0
    stubs = {path.name for path in (project / ".llmspell/stubs").iterdir()}
    assert any(name.endswith(".lua") for name in stubs)
    assert any(name.endswith(".d.ts") for name in stubs)


@pytest.mark.parametrize(("flag", "kind"), [("--max-cost", "number"), ("--max-calls", "whole number")])
def test_a_flag_says_what_its_value_is_not(flag: str, kind: str, tmp_path: Path) -> None:
    done = llmspell("run", "x.lua", flag, "much", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and f"argument {flag}: 'much' is not a {kind}" in done.stderr


def test_init_never_writes_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "replies.json").write_text("mine")
    done = llmspell("init", cwd=tmp_path)
    assert done.returncode == 2
    assert "already holds replies.json; nothing was written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["replies.json"]
    assert (tmp_path / "replies.json").read_text() == "mine"
    (tmp_path / "file").write_text("")
    assert "is a file" in llmspell("init", "file", cwd=tmp_path).stderr


def test_init_gives_a_project_that_stands_what_editors_read_and_changes_none_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "spell.lua").write_text("mine")
    (tmp_path / "jsconfig.json").write_text("{}")
    done = llmspell("init", "--stubs", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    stubs = tmp_path / ".llmspell/stubs"
    assert {path.suffix for path in stubs.iterdir()} == {".lua", ".ts"}
    assert json.loads((tmp_path / ".luarc.json").read_text())["workspace.library"] == [".llmspell/stubs"]
    assert {path.name for path in tmp_path.iterdir()} == {".llmspell", ".luarc.json", "jsconfig.json", "spell.lua"}
    assert [(tmp_path / name).read_text() for name in ("spell.lua", "jsconfig.json")] == ["mine", "{}"]
    assert "jsconfig.json was there and is as it was" in done.stdout and ".luarc.json was there" not in done.stdout
    # Again, of a newer llmspell: its own files are made anew.
    old = next(stubs.glob("*.lua"))
    old.write_text("old")
    again = llmspell("init", "--stubs", cwd=tmp_path)
    assert old.read_text() != "old" and ".luarc.json" not in again.stdout
    assert "there is no folder 'nowhere'" in llmspell("init", "nowhere", "--stubs", cwd=tmp_path).stderr


def test_doctor_finds_engines_and_keys_and_never_prints_a_key(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-do-not-print-me"}
    done = llmspell("doctor", "--json", cwd=tmp_path, environ=environ)
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert found["lua"]["detail"].startswith("Lua 5.4")
    assert found["javascript"]["status"] == "ok"
    assert "OPENAI_API_KEY" in found["providers"]["detail"]
    assert "do-not-print" not in done.stdout + llmspell("doctor", cwd=tmp_path, environ=environ).stdout
    (tmp_path / "llmspell.toml").write_text('[providers.mine]\napi_key_env = "MINE"\n')
    assert "MINE, which is not set" in llmspell("doctor", cwd=tmp_path).stdout
    (tmp_path / "llmspell.toml").write_text("[limit]\n")
    wrong = llmspell("doctor", cwd=tmp_path)
    assert wrong.returncode == 1
    assert "did you mean 'limits'?" in wrong.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_its_shell_reads(shell: str, tmp_path: Path) -> None:
    done = llmspell("completion", shell, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for name in COMMANDS:
        assert name in done.stdout
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed: its own reading of the script is not tried")
    script = tmp_path / "completion"
    script.write_text(done.stdout)
    subprocess.run([shell, "-n", str(script)], check=True, timeout=30)


def test_bash_completes_a_command(tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(llmspell("completion", "bash", cwd=tmp_path).stdout)
    asked = (
        f'. {script}; COMP_WORDS=(llmspell con); COMP_CWORD=1; _shtab_llmspell llmspell con; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == ["config"]


def test_a_reader_that_has_left_is_no_error(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "llmspell", "config", "show"],
            cwd=tmp_path,
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def error_on_a_terminal(cwd: Path, environ: dict[str, str]) -> str:
    """What `llmspell nonsense` writes when stderr is a terminal."""
    ours, theirs = os.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "llmspell", "nonsense"],
            cwd=cwd,
            env={"PATH": os.environ["PATH"], "HOME": str(cwd), "TERM": "xterm", **environ},
            stdin=subprocess.DEVNULL,
            stderr=theirs,
            timeout=60,
            check=False,
        )
        return os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_colour_only_where_it_is_wanted(tmp_path: Path) -> None:
    assert "\x1b[31munknown command" in error_on_a_terminal(tmp_path, {})
    assert "\x1b" not in error_on_a_terminal(tmp_path, {"NO_COLOR": "1"})
    assert "\x1b" not in error_on_a_terminal(tmp_path, {"TERM": "dumb"})
