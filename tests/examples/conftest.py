"""The examples as a newcomer meets them: a copy of their folder, an empty home, the program started from elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

_PRINTS = re.compile(r"## What it prints\n\n```text\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Story:
    """One example's folder, copied: what it writes stays out of the repository."""

    folder: Path
    home: Path

    @property
    def prints(self) -> str:
        """What its README says that it prints."""
        found = _PRINTS.search((self.folder / "README.md").read_text(encoding="utf-8"))
        assert found is not None
        return found[1]

    def start(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Python with these arguments, in a folder that is not the story's."""
        elsewhere = self.home / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=elsewhere,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def run(self, spell: str, *more: str, **environ: str) -> subprocess.CompletedProcess[str]:
        answers = self.folder / "answers.json"
        prepared = ["--answers", str(answers)] if answers.exists() else []
        return self.start("-m", "llmspell", "run", str(self.folder / spell), *prepared, *more, **environ)

    def said(self, spell: str, *more: str, **environ: str) -> str:
        """What the spell prints; it must end well."""
        done = self.run(spell, *more, **environ)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout


@pytest.fixture
def story(tmp_path: Path) -> Callable[[str], Story]:
    def copied(name: str) -> Story:
        folder = tmp_path / "examples" / name
        shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("output", "__pycache__", ".llmspell"))
        return Story(folder, tmp_path)

    return copied
