"""What Python code that is not llmspell's own (a hook file's) does to files, as the interpreter's audit events tell it.

Such code opens files as it likes, and nobody is told when it closes them: the system is asked which are open. Knows no
hook, and nobody who watches.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, Protocol


class Heard(Protocol):
    """Told before it happens, in whatever thread it does."""

    def changes(self, path: str) -> object:
        """A file, by its real path, is opened to write, or comes, moves or goes."""
        ...

    def commands(self) -> object:
        """A command is begun."""
        ...


_heard: ContextVar[Heard | None] = ContextVar("opened", default=None)
_WRITES: Final = os.O_WRONLY | os.O_RDWR
#: Events that change paths: where in their arguments each path stands, and the folder it starts from, -1 for none.
_PATHS: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
}
_COMMANDS: Final = frozenset({"subprocess.Popen", "os.system", "os.posix_spawn", "os.spawn"})
_TOLD: Final = frozenset({"open", "os.truncate", *_PATHS, *_COMMANDS})
_hooked: list[bool] = []


@contextmanager
def told(heard: Heard) -> Generator[None]:
    """`heard` is told of what the code inside does, in this thread and in tasks that it starts."""
    if not _hooked:  # it cannot be taken away again: 0.1 µs an event, of processes that watch and run such code
        _hooked.append(True)
        sys.addaudithook(_audit)
    token = _heard.set(heard)
    try:
        yield
    finally:
        _heard.reset(token)


def written_now() -> frozenset[str]:
    """The files that this process has open to write, by their real paths."""
    found: set[str] = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError, ValueError):
            about = Path("/proc/self/fdinfo", descriptor.name).read_text("ascii").split()
            if int(about[about.index("flags:") + 1], 8) & _WRITES:
                found.add(str(descriptor.readlink()))
    return frozenset(found)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _TOLD or (heard := _heard.get()) is None:
        return
    token = _heard.set(None)  # what is done here is not told
    try:
        if event in _COMMANDS:
            heard.commands()
        elif event == "os.truncate":
            _tell(heard, arguments[0])
        elif event != "open":
            for place, folder in _PATHS[event]:
                _tell(heard, arguments[place], arguments[folder] if folder >= 0 else -1, follow=False)
        elif isinstance(arguments[2], int) and arguments[2] & _WRITES:
            _tell(heard, arguments[0])
    finally:
        _heard.reset(token)


def _tell(heard: Heard, path: Any, folder: int = -1, *, follow: bool = True) -> None:
    """follow: whether it is the file that a link leads to."""
    if not isinstance(path, str | bytes | os.PathLike):
        return  # a descriptor: its opening was told
    with suppress(OSError, ValueError, RuntimeError):
        name = Path(f"/proc/self/fd/{folder}" if folder >= 0 else "", os.fsdecode(path))
        heard.changes(str(name.resolve() if follow else name.parent.resolve() / name.name))
