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


def runs(folder: Path) -> list[Path]:
    """Of a project, which keeps its own."""
    return list((folder / ".llmspell" / "runs").glob("*.db"))


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
    assert "Hello, world!" in found["llmspell-run"] and "Comint finished" in found["llmspell-run"]
    assert len(runs(folder)) == 1


def test_what_cannot_be_done_is_told(tmp_path: Path) -> None:
    spell = tmp_path / "spell.js"
    spell.touch()
    (tmp_path / "spell.lua").touch()
    asked = f"""(progn (require 'llmspell)
        (find-file "{tmp_path}/spell.lua")
        (defun told (command) (condition-case problem (funcall command) (user-error (cadr problem))))
        (with-temp-buffer (princ (told #'llmspell-run)))
        (setq llmspell-command '("llmspel"))
        (find-file "{spell}") (run-hooks 'post-command-hook)
        (princ (told #'llmspell-validate)))"""
    done = emacs("--eval", asked, home=tmp_path)
    missing = "llmspel was not found: install llmspell, or set `llmspell-command'"
    assert done.stdout == "Which spell?  Go to the buffer of a Lua or JavaScript file" + missing
    assert missing in done.stderr and "Debugger" not in done.stderr
    assert "No mode for Lua, so no language server: install the package lua-mode" in done.stderr


def test_what_a_spell_asks_is_answered_where_it_runs(tmp_path: Path) -> None:
    spell = tmp_path / "spell.js"
    spell.write_text('console.log(`Hello ${await Human.ask("Who are you?")}!`);\n')
    asked = f"""(batch-answer "{spell}" "Who are you" "Ada")"""
    done = emacs("-l", str(HERE / "batch.el"), "--eval", asked, home=tmp_path)
    assert "Hello Ada!" in done.stdout and "Comint finished" in done.stdout, done.stderr[-2000:]


def test_opening_and_saving_a_spell_runs_nothing(tmp_path: Path) -> None:
    spell = tmp_path / "spell.js"
    spell.write_text('console.log("I ran");\n')
    (tmp_path / "llmspell.toml").touch()
    asked = f"""(progn (require 'llmspell) (load "{HERE / "batch.el"}")
        (find-file "{spell}") (run-hooks 'post-command-hook)
        (batch-until "the server" #'eglot-managed-p)
        (goto-char (point-max)) (insert "// more\n") (save-buffer)
        (jsonrpc-request (eglot-current-server) :textDocument/codeLens
          (list :textDocument (eglot--TextDocumentIdentifier)))
        (find-file "{tmp_path}/replies.json") (run-hooks 'post-command-hook)
        (batch-until "the server of replies" #'eglot-managed-p)
        (princ "opened") (eglot-shutdown (eglot-current-server)))"""
    (tmp_path / "replies.json").write_text('{"replies": []}')
    assert emacs("--eval", asked, home=tmp_path).stdout.endswith("opened")
    assert spell.read_text().endswith("// more\n")
    assert runs(tmp_path) == []


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
