"""Runs one command under a supervisor process and ends all of it: its descendants, its output, its time.

The supervisor (`supervisor.py`) adopts whatever the command leaves behind and kills it; it does so too when this
process dies, since the pipe between them closes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from llmspell import errors
from llmspell.errors import PermissionDenied, ToolError
from llmspell.frozen import frozen
from llmspell.security import files, touched
from llmspell.security.permissions import Permissions
from llmspell.tools.base import ToolContext

_SUPERVISOR: Final = str(Path(__file__).with_name("supervisor.py"))
#: A command that prints more than this many times what is kept is ended.
_FLOOD: Final = 16
_CHUNK: Final = 1 << 16
_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
#: Never given to a command, whoever allows it: they would run other code in it.
_LOADERS: Final = frozenset(
    {"PATH", "BASH_ENV", "ENV", "NODE_OPTIONS", "PERL5OPT", "PERL5LIB", "RUBYOPT", "GCONV_PATH", "GIT_SSH_COMMAND"}
)
_LOADER_FAMILIES: Final = ("LD_", "DYLD_", "PYTHON", "GIT_CONFIG", "BASH_FUNC_")


#: The supervisors of the commands that run now, by the temporary folder of the run that each belongs to.
_UNDER_WAY: Final[dict[Path, set[int]]] = {}


@frozen
class Command:
    """owner: the temporary folder of the run whose command it is."""

    owner: Path
    words: Sequence[str]
    folder: str
    env: dict[str, str]
    stdin: str | None
    milliseconds: float
    keep: int


@frozen
class Ended:
    stdout: str
    stderr: str
    exit_code: int
    truncated: bool
    duration: float


def environment(context: ToolContext, given: dict[str, str] | None) -> dict[str, str]:
    """What a command sees: a plain PATH, a home of its own, the language, what the run may read and what was given."""
    host = context.environ
    env = {
        "PATH": host.get("PATH", _PATH),
        "HOME": str(context.scratch),
        "TMPDIR": str(context.scratch),
        "LANG": host.get("LANG", "C.UTF-8"),
    }
    env |= {name: host[name] for name in ("LC_ALL", "TZ", "TERM") if name in host}
    env |= {name: value for name, value in host.items() if context.permissions.allows_env(name) and not _loads(name)}
    for name, value in (given or {}).items():
        if "=" in name or "\0" in name + value or not name or _loads(name):
            raise ToolError(f"the variable {name!r} cannot be given to a command", hint="leave it out")
        env[name] = value
    return env


def _loads(name: str) -> bool:
    return name in _LOADERS or name.startswith(_LOADER_FAMILIES)


async def run(command: Command, permissions: Permissions) -> Ended:
    """Runs it to its end. Raises PermissionDenied, ToolError, and TimeoutError; cancelled, it ends the command."""
    with touched.command():
        return await _run(command, permissions)


async def _run(command: Command, permissions: Permissions) -> Ended:
    started = time.monotonic()
    stdin = None if command.stdin is None else command.stdin.encode()
    program = await asyncio.to_thread(_program, command)
    folder = await asyncio.to_thread(_open_folder, command, permissions)
    watch, held = os.pipe2(os.O_CLOEXEC)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            _SUPERVISOR,
            str(watch),
            str(folder),
            program,
            *command.words,
            env=command.env,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(watch, folder),
            start_new_session=True,
        )
    except OSError as error:
        os.close(held)
        raise ToolError(f"{command.words[0]!r} cannot be started: {error.strerror}") from None
    except BaseException:
        os.close(held)
        raise
    finally:
        os.close(watch)
        os.close(folder)
    gathered = _Gathered(command.keep)
    _UNDER_WAY.setdefault(command.owner, set()).add(process.pid)
    try:
        async with asyncio.timeout(command.milliseconds / 1000):
            await _converse(process, stdin, gathered)
            code = await process.wait()
    except TimeoutError:
        raise errors.TimeoutError(
            f"{_shown(command)!r} took longer than {command.milliseconds:g} ms and was ended",
            hint="raise `timeout`, or let it do less",
            data={"stdout": gathered.text(0)[-2000:], "stderr": gathered.text(1)[-2000:]},
        ) from None
    finally:
        os.close(held)  # the supervisor now ends everything
        try:
            await asyncio.shield(_ended(process))
        finally:
            _forget(command.owner, process.pid)
    if code == _CANNOT_START:
        raise ToolError(
            f"{command.words[0]!r} cannot be started: {gathered.text(1).strip()[-200:]}", hint="is it installed?"
        )
    exit_code = code if code >= 0 else 128 - code
    return Ended(
        gathered.text(0), gathered.text(1), exit_code, gathered.truncated, round(time.monotonic() - started, 6)
    )


def supervisors(owner: Path) -> frozenset[int]:
    """The processes around the commands of a run that are under way; what lies below them, the run has started."""
    return frozenset(_UNDER_WAY.get(owner, ()))


def _forget(owner: Path, pid: int) -> None:
    numbers = _UNDER_WAY[owner]
    numbers.discard(pid)
    if not numbers:
        del _UNDER_WAY[owner]


#: The supervisor's own failure; outside what a program's exit code can be.
_CANNOT_START: Final = -int(signal.SIGUSR1)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Waits until the supervisor is gone. What is still in the pipes is read: asyncio waits for their end too."""

    async def discard(reader: asyncio.StreamReader | None) -> None:
        while reader is not None and await reader.read(_CHUNK):
            pass

    try:
        async with asyncio.timeout(5):
            await asyncio.gather(process.wait(), discard(process.stdout), discard(process.stderr))
    except TimeoutError:
        process.kill()
        await process.wait()


class _Gathered:
    """What was printed: the first `keep` bytes of each stream. Raises ToolError at a flood."""

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.kept = (bytearray(), bytearray())
        self.seen = 0
        self.truncated = False

    def add(self, stream: int, data: bytes) -> None:
        self.seen += len(data)
        room = self.keep - len(self.kept[stream])
        self.kept[stream].extend(data[:room])
        self.truncated = self.truncated or len(data) > room
        if self.seen > self.keep * _FLOOD + _CHUNK:
            raise ToolError(
                f"the command printed more than {self.keep * _FLOOD} bytes and was ended",
                hint="let it print less, or raise max_output_size",
                data={"stdout": self.text(0)[:2000]},
            )

    def text(self, stream: int) -> str:
        return self.kept[stream].decode("utf-8", "replace")


async def _converse(process: asyncio.subprocess.Process, stdin: bytes | None, gathered: _Gathered) -> None:
    async def drain(stream: int, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_CHUNK):
            gathered.add(stream, data)

    async def feed(writer: asyncio.StreamWriter, data: bytes) -> None:
        try:
            writer.write(data)
            await writer.drain()
            writer.close()
        except (BrokenPipeError, ConnectionResetError):
            pass  # a command need not read what it is given

    assert process.stdout is not None and process.stderr is not None
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(drain(0, process.stdout))
            tasks.create_task(drain(1, process.stderr))
            if stdin is not None and process.stdin is not None:
                tasks.create_task(feed(process.stdin, stdin))
    except* ToolError as group:
        raise group.exceptions[0] from None


def _program(command: Command) -> str:
    """The file that the first word names: as it stands with a slash, else from the command's PATH."""
    word = command.words[0]
    if "/" in word:
        return word
    found = shutil.which(word, path=command.env["PATH"])
    if found is None:
        raise ToolError(f"there is no program {word!r}", hint="is it installed, and in PATH?")
    return str(Path(found).absolute())


def _open_folder(command: Command, permissions: Permissions) -> int:
    """The working folder, open; arguments that name closed files are refused on the way."""
    with files.place(command.folder, permissions, "read") as found:
        _check_arguments(command, found.path, permissions)
        return files.open_folder(found)


def _check_arguments(command: Command, folder: PurePosixPath, permissions: Permissions) -> None:
    """A command runs with the person's own rights, so this is a guard rail and no wall: `cat .env` is refused."""
    for word in command.words[1:]:
        for part in (word, word.partition("=")[2], word.lstrip("-")[1:] if word.startswith("-") else ""):
            if part and permissions.is_closed(PurePosixPath(os.path.normpath(folder / part))):
                raise PermissionDenied(
                    f"{_shown(command)!r} names a file that is closed to spells, whatever is allowed",
                    hint=".llmspell/, .git/, .env*, llmspell.toml, /proc and /sys cannot be opened by any setting",
                )


def _shown(command: Command) -> str:
    return " ".join(command.words)[:200]
