"""`run --trace` on a terminal: the spell's own text stands once, on lines of its own between those of the tree."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path


def _own_terminal() -> None:
    """Makes the terminal the process's own, so that Ctrl-C reaches it."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def on_a_terminal(*arguments: str, cwd: Path, typed: bytes = b"", when: bytes = b"", code: int = 0) -> str:
    """What a person sees, without colours. Stdout and stderr are the same terminal. typed: what the person types, once
    `when` is seen."""
    host, program = pty.openpty()
    environ = {"PATH": os.environ["PATH"], "HOME": str(cwd), "COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"}
    command = [sys.executable, "-X", "utf8", "-m", "llmspell", *arguments]
    with subprocess.Popen(
        command, cwd=cwd, env=environ, stdin=program, stdout=program, stderr=program, preexec_fn=_own_terminal
    ) as running:
        os.close(program)
        seen = b""
        try:
            while piece := os.read(host, 65536):
                seen += piece
                if typed and when in seen:
                    os.write(host, typed)
                    typed = b""
        except OSError:
            pass  # how Linux tells that the other end is closed
        finally:
            os.close(host)
        assert running.wait(60) == code
    return re.sub(r"\x1b\[[\d;]*m", "", seen.decode()).replace("\r\n", "\n")


def test_text_is_shown_once_and_the_tree_begins_on_a_new_line(tmp_path: Path) -> None:
    (tmp_path / "spell.lua").write_text(
        'io.write("half a line")\nCalculator.new():execute { expression = "1 + 1" }\nprint(" and the rest")\n'
    )
    seen = on_a_terminal("run", "--trace", "spell.lua", cwd=tmp_path).splitlines()
    assert [line for line in seen if "half a line" in line or "the rest" in line] == ["half a line", " and the rest"]
    assert seen.index("half a line") < next(i for i, line in enumerate(seen) if "tool calculator" in line)
    assert "›" not in "".join(seen)
    assert seen[-1].startswith("✓ spell spell.lua")


def test_a_person_is_asked_at_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "spell.js").write_text(
        'const city = await Human.ask({ question: "Which?", choices: ["Rome", "Oslo"] });\n'
        'console.log(city, await Human.approve("Go on?"));\n'
    )
    seen = on_a_terminal("run", "spell.js", cwd=tmp_path, typed=b"o\ny\n", when=b"Which? ")
    assert "1. Rome\n  2. Oslo\nWhich? " in seen
    assert "Go on? (yes/no) " in seen
    assert "Oslo true" in seen


def test_who_interrupts_a_question_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "spell.lua").write_text('Human.ask("Well?")')
    assert "interrupted" in on_a_terminal("run", "spell.lua", cwd=tmp_path, typed=b"\x03", code=130, when=b"Well? ")
