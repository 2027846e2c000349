"""Who goes on with a stored run: one process at a time. Knows of the run its id, and of who goes on what is to be told.

A lock on a file beside the run's, which the system lets go of when its process ends, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from llmspell.errors import ReplayError, UsageError

#: Bytes of a lease that are read: who holds it.
_TOLD = 200


class Lease:
    """Held until `release`, or until the process ends."""

    __slots__ = ("_file", "_path")

    def __init__(self, path: Path, file: int) -> None:
        self._path = path
        self._file = file

    @staticmethod
    def take(folder: Path, run: str, by: str) -> Lease:
        """Takes the run named `run`, of the folder its file is in, for the run `by` that goes on with it.

        Raises ReplayError where another holds it.
        """
        path = folder / f"{run}.db-lease"
        while True:
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as problem:
                raise UsageError(f"run {run} cannot be gone on with: {problem}") from None
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held = os.pread(file, _TOLD, 0).decode("utf-8", "replace").split()
                os.close(file)
                raise _held(run, held) from None
            if _is_there(path, file):
                break
            os.close(file)  # it was released, and the file removed, between the two
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()} {by}".encode(), 0)
        return Lease(path, file)

    def release(self) -> None:
        """Another may go on with the run."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)


def _is_there(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _held(run: str, held: list[str]) -> ReplayError:
    if len(held) != 2:  # it has been taken this very moment
        return ReplayError(f"run {run} is being resumed by another process", hint="wait until that has ended")
    process, by = held
    return ReplayError(
        f"run {run} is being resumed already: process {process} goes on with it as run {by}",
        hint=f"llmspell trace follow {by}",
    )
