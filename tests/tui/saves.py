"""The four ways in which editors save a file: in place, by a rename over it, as Vim does, and atomically with fsync."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def in_place(file: Path, text: str) -> None:
    file.write_text(text)


def rename_over(file: Path, text: str) -> None:
    beside = file.with_name(f".{file.name}.swp")
    beside.write_text(text)
    beside.rename(file)


def as_vim(file: Path, text: str) -> None:
    """The old file is moved away, the new one written in its place, the backup removed."""
    backup = file.with_name(f"{file.name}~")
    file.rename(backup)
    file.write_text(text)
    backup.unlink()


def atomic(file: Path, text: str) -> None:
    beside = file.with_name(f"{file.name}.tmp")
    with beside.open("w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    beside.replace(file)


STYLES: tuple[Callable[[Path, str], None], ...] = (in_place, rename_over, as_vim, atomic)
