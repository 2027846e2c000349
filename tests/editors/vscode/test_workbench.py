"""The packaged extension in the genuine workbench: its tests inside the extension host, and a person's way through it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
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


def drive(script: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
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


def test_the_extension_does_its_work_in_the_extension_host(vsix: Path, tmp_path: Path) -> None:
    folder = project(tmp_path / "project", OURS)
    done = drive("host.mjs", install.EXTENSION, install.bundle_suite(), folder)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    assert " passing" in done.stdout


def test_a_person_finds_everything_and_an_untrusted_folder_starts_nothing(vsix: Path, tmp_path: Path) -> None:
    trusted = project(tmp_path / "project", OURS)
    shutil.rmtree(trusted / "wrong")
    untrusted = project(tmp_path / "untrusted", f"touch {shlex.quote(str(tmp_path / 'untrusted' / 'started'))}\n{OURS}")
    photographs = cache() / "photographs"
    shutil.rmtree(photographs, ignore_errors=True)
    done = drive("drive.mjs", vsix, trusted, untrusted, photographs)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
