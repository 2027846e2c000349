"""The real program on a terminal of its own, whose screen is read as a person reads it; and what it leaves behind."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

#: Seconds after which what is waited for counts as never coming.
PATIENCE = 60.0
_PARTS = re.compile(
    r"\x1b\[([0-9;?$<>=]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[^\[\]]|([\r\n])|([^\x1b\r\n]+)"
)
_BEGUN = re.compile(r"\x1b(?:\[[0-9;?$<>=]*|\][^\x07\x1b]*)?$")


class Screen:
    """The cells that Textual's output fills: it places the cursor, writes, and erases; nothing scrolls."""

    def __init__(self, columns: int, rows: int) -> None:
        self.frames = 0
        self._held = ""
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        self._columns, self._rows = columns, rows
        self._cells = [[" "] * columns for _ in range(rows)]
        self._x = self._y = 0

    def write(self, text: str) -> None:
        text = self._held + text
        begun = _BEGUN.search(text)
        text, self._held = (text[: begun.start()], text[begun.start() :]) if begun else (text, "")
        for numbers, final, line, plain in _PARTS.findall(text):
            match final:
                case "H":
                    y, _, x = numbers.partition(";")
                    self._y, self._x = int(y or 1) - 1, int(x or 1) - 1
                case "J":
                    self._cells = [[" "] * self._columns for _ in range(self._rows)]
                case "l" if numbers == "?2026":
                    self.frames += 1
                case _:
                    pass
            if line == "\n":
                self._y += 1
            elif line == "\r":
                self._x = 0
            for letter in plain:
                if 0 <= self._y < self._rows and 0 <= self._x < self._columns:
                    self._cells[self._y][self._x] = letter
                self._x += 1

    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._cells]


class Terminal:
    """A program on a terminal. until: waits until what is on the screen is so."""

    def __init__(self, command: Sequence[str], cwd: Path, environ: dict[str, str], size: tuple[int, int]) -> None:
        self._master, slave = pty.openpty()
        self.screen = Screen(*size)
        self._size(*size)

        def own() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command, cwd=cwd, env=environ, stdin=slave, stdout=slave, stderr=slave, preexec_fn=own
        )
        os.close(slave)
        self.raw = b""
        self._heard = 0
        self._news = threading.Condition()
        self._open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        with self._news:
            self.screen.resize(columns, rows)
        self._size(columns, rows)

    def until(self, there: str | Callable[[str], object]) -> str:
        """What is on the screen once it holds this text, or is as this says."""
        wanted = (lambda text: there in text) if isinstance(there, str) else there
        end = time.monotonic() + PATIENCE
        with self._news:
            while not wanted(seen := "\n".join(self.screen.lines())):
                left = end - time.monotonic()
                if left <= 0 or not (self._open or self._reader.is_alive()):
                    raise AssertionError(f"{there!r} never came (exit {self.process.poll()}):\n{seen}\n")
                self._news.wait(min(left, 1.0))
            return seen

    def says(self, there: str | re.Pattern[str]) -> str:
        """All that it has written, once this is in what came after what was waited for last."""
        end = time.monotonic() + PATIENCE
        wanted = re.compile(re.escape(there)) if isinstance(there, str) else there
        with self._news:
            while (found := wanted.search(text := self.raw.decode("utf-8", "replace"), self._heard)) is None:
                left = end - time.monotonic()
                if left <= 0 or not (self._open or self._reader.is_alive()):
                    raise AssertionError(f"{there!r} never came (exit {self.process.poll()}):\n{text}\n")
                self._news.wait(min(left, 1.0))
            self._heard = found.end()
            return text

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(PATIENCE)

    def hang_up(self) -> None:
        """The window of the terminal is closed."""
        if self._master >= 0:
            master, self._master = self._master, -1
            os.close(master)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        self.hang_up()

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        import codecs

        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        master = self._master
        while True:
            try:
                piece = os.read(master, 1 << 16)
            except OSError:
                piece = b""
            with self._news:
                self._open = bool(piece)
                self.raw += piece
                self.screen.write(decode(piece))
                self._news.notify_all()
            if not piece:
                return


class Bench:
    """A project and what is run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"LLMSPELL_TEST_BENCH={folder}"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LLMSPELL_TEST_BENCH": str(folder),
        }
        self._terminals: list[Terminal] = []
        self._known: set[tuple[int, str]] = set()
        (folder / "llmspell.toml").touch()

    def write(self, name: str, text: str) -> Path:
        (self.folder / name).write_text(text)
        return self.folder / name

    def on_terminal(
        self,
        *arguments: str,
        size: tuple[int, int] = (120, 36),
        program: Sequence[str] = (sys.executable, "-m", "llmspell"),
        **environ: str,
    ) -> Terminal:
        self._terminals.append(Terminal([*program, *arguments], self.folder, self.environ | environ, size))
        return self._terminals[-1]

    def llmspell(self, *arguments: str, code: int = 0) -> str:
        """What it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "llmspell", *arguments],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def runs(self) -> list[Path]:
        """The files of the runs, oldest first."""
        return sorted((self.folder / ".llmspell" / "runs").glob("*.db"))

    def processes(self, *words: str) -> list[int]:
        """The processes of this bench that are alive, of those whose command holds all of the words: those with its
        mark in their environment, what they began, and those of them that were there at an earlier look."""
        alive = _alive()
        found = {pid for pid, (began, _) in alive.items() if (pid, began) in self._known or self._marked(pid)}
        while more := {pid for pid, (_, parent) in alive.items() if parent in found} - found:
            found |= more
        self._known |= {(pid, alive[pid][0]) for pid in found}
        return sorted(pid for pid in found if all(word in _command(pid) for word in words))

    def left_alone(self) -> None:
        """Returns once no process is left."""
        end = time.monotonic() + PATIENCE
        while found := self.processes():
            if time.monotonic() > end:
                raise AssertionError(f"left running: {[_command(pid) for pid in found]}")
            for pid in found:
                _gone(pid, end)

    def _marked(self, pid: int) -> bool:
        try:
            return self.mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False

    def close(self) -> None:
        for terminal in self._terminals:
            terminal.close()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


def _alive() -> dict[int, tuple[str, int]]:
    """When each process began, and its parent."""
    found: dict[int, tuple[str, int]] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            try:
                fields = (place / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                found[int(place.name)] = (fields[19], int(fields[1]))
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _gone(pid: int, end: float) -> None:
    """Waits for the end of a process that is nobody's child here."""
    import select

    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        select.select([handle], [], [], max(0.0, end - time.monotonic()))
    finally:
        os.close(handle)


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("b"))
    yield bench
    bench.close()
