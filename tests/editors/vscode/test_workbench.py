"""The packaged extension in the genuine workbench: its tests inside the extension host, and a person's way through it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.editors.install import cache
from tests.editors.vscode import install

HERE = Path(__file__).parent
#: Seconds for everything in one browser; a minute on two idle cores.
PATIENCE = 420


@pytest.fixture(scope="module")
def vsix() -> Path:
    """The extension as it is packaged, and a workbench to have it in; skipped where there is none."""
    if not install.is_installed():
        reason = "the workbench is not there: `make test-editors` fetches it"
        if os.environ.get("LLMSPELL_TEST_EDITORS"):
            pytest.fail(reason)
        pytest.skip(reason)
    return install.build()


def project(folder: Path, program: str) -> Path:
    """A copy of the project, with a Python environment that has this llmspell."""
    shutil.copytree(HERE / "project", folder)
    found = folder / ".venv" / "bin" / "llmspell"
    found.parent.mkdir(parents=True)
    found.write_text(f"#!/bin/sh\n{program}\n", encoding="utf-8")
    found.chmod(0o755)
    return folder


def drive(script: str, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(install.node()), str(HERE / script), *map(str, arguments)],
        env=install.environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


#: The llmspell of these tests.
OURS = f'exec {shlex.quote(str(Path(sys.executable).parent / "llmspell"))} "$@"'


def test_the_extension_does_its_work_in_the_extension_host(
    vsix: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path / "project", OURS)
    done = drive("host.mjs", install.EXTENSION, install.bundle_suite(), folder, folder / "mistaken.lua")
    assert done.returncode == 0, done.stdout
    assert " passing" in done.stdout
    figures = re.findall(r"^ *((?:activation|memory)\b.*)", done.stdout, re.MULTILINE)
    assert len(figures) == 2
    with capsys.disabled():
        print(f"\nvscode: {'; '.join(figures)}")


def test_the_package_is_small_and_has_its_licences(vsix: Path) -> None:
    assert vsix.stat().st_size < 250_000
    with zipfile.ZipFile(vsix) as package:
        names = set(package.namelist())
        assert package.read("extension/LICENSE.txt") == (install.ROOT / "LICENSE").read_bytes()
        assert b"vscode-languageclient" in package.read("extension/dist/LICENSES.txt")
    assert not [name for name in names if re.search(r"node_modules|/src/|\.ts$|\.py$|\.map$", name)]


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_references_inside_texts_have_colours_that_need_no_server(vsix: Path, suffix: str) -> None:
    spell = HERE / "project" / f"references.{suffix}"
    done = drive("colours.mjs", install.EXTENSION, spell, "topic", "title", "{{", "outside")
    assert done.returncode == 0, done.stdout
    found = [json.loads(line) for line in done.stdout.splitlines()]

    def scopes(word: str, ending: str) -> int:
        return sum(any(scope.endswith(ending) for scope in given) for text, given in found if text == word)

    assert scopes("{{", "template-expression.begin.llmspell") == spell.read_text(encoding="utf-8").count("{{")
    assert scopes("topic", "variable.other.readwrite.llmspell") == (2 if suffix == "lua" else 1)
    assert scopes("title", "variable.other.property.llmspell") == 1
    assert scopes("outside", ".llmspell") == 0


def test_a_person_finds_everything_and_an_untrusted_folder_starts_nothing(vsix: Path, tmp_path: Path) -> None:
    trusted = project(tmp_path / "project", OURS)
    shutil.rmtree(trusted / "wrong")
    untrusted = project(tmp_path / "untrusted", f"touch {shlex.quote(str(tmp_path / 'untrusted' / 'started'))}\n{OURS}")
    photographs = cache() / "photographs"
    shutil.rmtree(photographs, ignore_errors=True)
    done = drive("drive.mjs", vsix, trusted, untrusted, photographs)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
