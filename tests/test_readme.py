"""The README is true: its spells, commands, settings and Python run as they stand there, its trace is what one sees."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "examples").rglob("README.md"))]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_ENDINGS = {"lua": ".lua", "javascript": ".js", "python": ".py"}
#: A time, which differs from run to run, and tokens, which count the tools' descriptions.
_FIGURES = re.compile(r" +\d[\d.]* m?s\b( +[\d,]+(?= +\$))?")


def blocks(*languages: str) -> list[str]:
    return [text for language, text in _BLOCK.findall(README) if language in languages]


def named(text: str) -> str:
    """The file name in a block's first line, a comment; else a name of its own."""
    found = re.match(r"(?:--|//) (\S+\.(?:lua|js))\n", text)
    return found[1] if found else ""


def called(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the README's named spells in it."""
    for text in blocks("lua", "javascript"):
        if name := named(text):
            (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("language", "text"), [found for found in _BLOCK.findall(README) if found[0] in _ENDINGS and found[0] != "python"]
)
def test_every_spell_runs(project: Path, language: str, text: str) -> None:
    spell = project / f"snippet{_ENDINGS[language]}"
    spell.write_text(text, encoding="utf-8")
    done = called("-m", "llmspell", "run", spell.name, cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
    assert "Traceback" not in done.stderr


def test_the_first_spell_prints_the_same_in_both_languages(project: Path) -> None:
    said = [called("-m", "llmspell", "run", name, cwd=project).stdout for name in ("hello.lua", "hello.js")]
    assert said[0] == said[1]
    assert said[0].startswith("calling calculator\n")


def test_every_command_that_needs_no_key_runs(project: Path) -> None:
    lines = [line.partition("#")[0].strip() for text in blocks("sh") for line in text.splitlines()]
    ran = 0
    for line in filter(None, lines):
        if "…" in line:
            continue
        program, *arguments = shlex.split(line)
        if program == "make":
            target = subprocess.run(["make", "-n", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
            assert target.returncode == 0, target.stderr
            continue
        assert program == "llmspell", line
        done = called("-m", "llmspell", *arguments, cwd=project)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        ran += 1
    assert ran >= 6


def test_the_trace_is_what_one_sees(project: Path) -> None:
    (shown,) = blocks("trace")
    done = called("-m", "llmspell", "run", "--trace", "hello.js", cwd=project, COLUMNS="80", PYTHONIOENCODING="utf-8")
    note, *seen = done.stderr.splitlines()
    assert note.startswith("llmspell: no model is configured")

    def lines(text: list[str]) -> list[str]:
        """Without figures; and in any order, for what is printed and what happens meanwhile may change places."""
        return sorted(_FIGURES.sub(" T", line) for line in text if "┄" not in line)

    assert lines(seen) == lines(shown.splitlines())


def test_the_settings_are_settings(project: Path) -> None:
    (project / "llmspell.toml").write_text("\n".join(blocks("toml")), encoding="utf-8")
    done = called("-m", "llmspell", "config", "check", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_python_program_runs(project: Path) -> None:
    (text,) = blocks("python")
    (project / "program.py").write_text(text, encoding="utf-8")
    done = called("program.py", cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("ok 2 model calls\n")


def test_every_flag_and_command_that_is_named_exists() -> None:
    from llmspell.cli.commands import COMMANDS

    commands = {
        "--language": "init",
        "--stubs": "init",
        "--format": "validate",
        "--tcp": "lsp",
        "--plain": "dev",
    }  # of all others the flags are `run`'s
    usage = {name: called("-m", "llmspell", name, "--help", cwd=ROOT).stdout for name in {"run", *commands.values()}}
    flags = set(re.findall(r"`(--[a-z-]+)", README))
    assert {flag for flag in flags if flag not in usage[commands.get(flag, "run")]} == set()
    assert set(re.findall(r"`llmspell ([a-z]+)", README)) <= set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_lists_its_targets() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    named_targets = set(re.findall(r"`make ([a-z]+)`", README))
    assert named_targets <= set(re.findall(r"^make ([a-z]+)", done.stdout, re.MULTILINE))
