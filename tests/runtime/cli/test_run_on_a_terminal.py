"""`run --trace` on a terminal: the spell's own text stands once, on lines of its own between those of the tree."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path


def on_a_terminal(*arguments: str, cwd: Path) -> str:
    """What a person sees, without colours. Stdout and stderr are the same terminal."""
    host, program = pty.openpty()
    environ = {"PATH": os.environ["PATH"], "HOME": str(cwd), "COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"}
    command = [sys.executable, "-X", "utf8", "-m", "llmspell", *arguments]
    with subprocess.Popen(command, cwd=cwd, env=environ, stdin=program, stdout=program, stderr=program) as running:
        os.close(program)
        seen = b""
        try:
            while piece := os.read(host, 65536):
                seen += piece
        except OSError:
            pass  # how Linux tells that the other end is closed
        finally:
            os.close(host)
        assert running.wait(60) == 0
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
