"""Emacs with `llmspell.el` and its own Eglot, in batch mode."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.editors.found import EDITORS, ROOT, editor

HERE = Path(__file__).parent


def emacs(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "XDG_STATE_HOME": str(home / "state"),
    }
    command = [str(editor("emacs")), "--batch", "--quick", "-L", str(EDITORS / "emacs"), *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(("suffix", "member"), [("lua", "agent:"), ("js", "agent.")])
def test_eglot_serves_spells(suffix: str, member: str, tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    shutil.copytree(ROOT / "examples" / "hello", folder)
    (folder / "llmspell.toml").touch()
    spell = folder / f"spell.{suffix}"
    call = " ".join(json.dumps(each) for each in (str(spell), "Agent.neww()", member))
    done = emacs("-l", str(HERE / "batch.el"), "--eval", f"(batch-drive {call})", home=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert os.path.samefile(found["root"], folder)  # noqa: PTH121
    assert "Agent has no method 'neww'" in found["mistakes"][0]
    assert {"chat", "execute"} <= {name.split("(")[0] for name in found["members"]}
    assert found["text"].count("greeter") == 2
    assert "Compilation finished" in found["llmspell-validate"]
    assert "Hello, world!" in found["llmspell-run"] and "Compilation finished" in found["llmspell-run"]


def test_the_file_compiles_without_a_warning_and_leaves_others_alone(tmp_path: Path) -> None:
    copy = tmp_path / "llmspell.el"
    shutil.copy(EDITORS / "emacs" / "llmspell.el", copy)
    strict = "(setq byte-compile-error-on-warn t)"
    done = emacs("--eval", strict, "-f", "batch-byte-compile", str(copy), home=tmp_path)
    assert done.returncode == 0, done.stderr
    other = tmp_path / "other.js"
    other.touch()
    asked = (
        f'(progn (require (quote llmspell)) (find-file "{other}") (run-hooks (quote post-command-hook))'
        " (princ (list (llmspell-file-p buffer-file-name) (eglot-current-server))))"
    )
    assert emacs("--eval", asked, home=tmp_path).stdout == "(nil nil)"
