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

from llmspell.version import VERSION

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


def newcomer(place: Path) -> Path:
    """A machine without llmspell: a `python3` that makes no environment, a good one beside it, an index that is empty,
    and what could be in it. The llmspell that is installed from there is that of these tests."""
    for name in ("project", "bin", "index", "wheels"):
        (place / name).mkdir(parents=True)
    (place / "project" / "app.js").write_text('console.log("I am no spell");\n', encoding="utf-8")
    base = getattr(sys, "_base_executable", sys.executable)
    for name, line in (("python3", "echo No module named venv >&2; exit 1"), ("python3.good", f'exec {base} "$@"')):
        program = place / "bin" / name
        program.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        program.chmod(0o755)
    information = f"llmspell-{VERSION}.dist-info"
    start = f"import os, sys\n\n\ndef main():\n    os.execv({PROGRAM!r}, [{PROGRAM!r}, *sys.argv[1:]])\n"
    files = {
        "llmspell_elsewhere.py": start,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: llmspell\nVersion: {VERSION}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/entry_points.txt": "[console_scripts]\nllmspell = llmspell_elsewhere:main\n",
    }
    files[f"{information}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{information}/RECORD"])
    with zipfile.ZipFile(place / "wheels" / f"llmspell-{VERSION}-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return place


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
PROGRAM = str(Path(sys.executable).parent / "llmspell")
OURS = f'exec {shlex.quote(PROGRAM)} "$@"'


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


def test_the_package_is_small_the_same_wherever_it_is_made_and_has_its_licences(vsix: Path) -> None:
    assert vsix.stat().st_size < 250_000
    with zipfile.ZipFile(vsix) as package:
        names = set(package.namelist())
        assert {each.date_time for each in package.infolist()} == {(2026, 1, 1, 0, 0, 0)}
        assert package.getinfo("extension/dist/extension.js").external_attr >> 16 & 0o777 == 0o644
        assert {f"extension/{name}" for name in ("readme.md", "changelog.md", "media/icon.png")} <= names
        assert package.read("extension/LICENSE.txt") == (install.ROOT / "LICENSE").read_bytes()
        assert b"vscode-languageclient" in package.read("extension/dist/LICENSES.txt")
    assert not [name for name in names if re.search(r"/src/|\.ts$|\.py$|\.map$", name)]
    packages = {name.split("/")[2] for name in names if name.startswith("extension/node_modules/")}
    assert packages == {"llmspell-typescript"}


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


#: They take minutes with a browser, and leave photographs for somebody to look at.
@pytest.mark.skipif(not os.environ.get("LLMSPELL_TEST_EDITORS"), reason="`make test-editors` goes these ways")
@pytest.mark.parametrize("way", ["language runs debugger beginning", "arriving", "below", "trust"])
def test_a_person_finds_everything_and_an_untrusted_folder_starts_nothing(vsix: Path, tmp_path: Path, way: str) -> None:
    trusted = project(tmp_path / "project", OURS)
    untrusted = project(tmp_path / "untrusted", f"touch {shlex.quote(str(tmp_path / 'untrusted' / 'started'))}\n{OURS}")
    for folder in (trusted, untrusted):
        shutil.rmtree(folder / "wrong")
    shutil.copytree(trusted / ".venv", trusted / "inner" / ".venv")
    machine = newcomer(tmp_path / "newcomer")
    done = drive("drive.mjs", vsix, trusted, machine, untrusted, cache() / "photographs", *way.split())
    print(done.stdout)
    assert done.returncode == 0, done.stdout
