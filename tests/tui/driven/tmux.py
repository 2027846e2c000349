"""A real tmux with one pane, driven over its control mode: keys go in, and what the pane then shows is waited for.

tmux tells of each output of the pane, so nothing is asked for in vain and nothing sleeps. Knows no llmspell.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shlex import join, quote
from typing import Final

#: Seconds after which what is waited for counts as never coming.
PATIENCE: Final = 30.0
#: A pane that was not written to for so long, in seconds, stands still.
_STILL: Final = 0.2


def missing() -> str:
    """Why there is none; "" where there is."""
    return "" if shutil.which("tmux") else "tmux is not installed (Debian: apt-get install tmux)"


class Tmux:
    """A server of its own, with the command in its only pane. size: columns and rows."""

    def __init__(
        self, folder: Path, command: Sequence[str], environ: Mapping[str, str], size: tuple[int, int] = (140, 40)
    ) -> None:
        self._socket = folder / "tmux"
        self.size = size
        columns, rows = size
        server = ["tmux", "-S", str(self._socket), "-f", "/dev/null"]
        window = ["-x", str(columns), "-y", str(rows), "-c", str(folder), f"exec {join(command)}"]
        self._client = subprocess.Popen(
            [*server, "-C", "new-session", *window],
            env={**environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._client.stdin is not None and self._client.stdout is not None
        self._write = self._client.stdin.write
        self._out = self._client.stdout.fileno()
        self._read = b""
        self._answer()  # of new-session
        self._ask(f"refresh-client -C {columns},{rows}")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: `R`, `Enter`, `C-s`."""
        self._ask(f"send-keys -- {' '.join(map(quote, keys))}")

    def type(self, text: str) -> None:
        self._ask(f"send-keys -l -- {quote(text)}")

    def pane(self, *, colours: bool = False) -> str:
        """What it shows, with the escape sequences of its colours if so wished."""
        return self._ask(f"capture-pane -p{'eN' if colours else ''}")

    def until(self, *there: str | Callable[[str], object]) -> str:
        """What the pane shows once it holds these texts, or is as these say. A frame may be half drawn before that."""
        end = time.monotonic() + PATIENCE
        while True:
            seen = self.pane()
            lacks = [each for each in there if not (each in seen if isinstance(each, str) else each(seen))]
            if not lacks:
                return seen
            if not self._news(end):
                raise AssertionError(f"{lacks!r} never came:\n{seen}")

    def still(self) -> str:
        """What it shows, with colours, once nothing more is written."""
        end = time.monotonic() + PATIENCE
        while self._news(min(end, time.monotonic() + _STILL)):
            continue
        return self.pane(colours=True)

    def ended(self) -> None:
        """Returns once the program has ended, and the server with it."""
        while self._line(time.monotonic() + PATIENCE):
            continue
        self._client.wait(PATIENCE)

    def close(self) -> None:
        """Ends whatever is left of it."""
        tmux = ["tmux", "-S", str(self._socket), "kill-server"]
        subprocess.run(tmux, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
        assert self._client.stdin is not None and self._client.stdout is not None
        self._client.kill()  # it may have more to say than a pipe holds
        self._client.wait(PATIENCE)
        self._client.stdin.close()
        self._client.stdout.close()

    def _ask(self, command: str) -> str:
        self._write(f"{command}\n".encode())
        assert self._client.stdin is not None
        self._client.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        """The lines between `%begin` and `%end`. Raises AssertionError of what tmux refused."""
        end = time.monotonic() + PATIENCE
        lines: list[str] | None = None
        while (line := self._line(end)) is not None:
            if line.startswith("%begin ") and lines is None:
                lines = []
            elif line.startswith("%error ") and lines is not None:
                raise AssertionError(f"tmux: {' '.join(lines)}")
            elif line.startswith("%end ") and lines is not None:
                return "\n".join(lines)
            elif lines is not None:
                lines.append(line)
        raise AssertionError("tmux answers no more")

    def _news(self, end: float) -> bool:
        """Whether the pane was written to before that moment."""
        while (line := self._line(end)) is not None:
            if line.startswith("%output "):
                return True
        return False

    def _line(self, end: float) -> str | None:
        """What tmux says next; None where it says nothing until then, or never again."""
        while b"\n" not in self._read:
            if not select.select([self._out], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            if not (piece := os.read(self._out, 1 << 16)):
                return None
            self._read += piece
        line, _, self._read = self._read.partition(b"\n")
        return line.decode("utf-8", "replace")
