"""Which program formats a file: stylua for Lua, prettier for JavaScript, from the project's `node_modules` or PATH.

Asked while the client waits for its first answer: imports nothing. Runs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from llmspell_lsp.documents.document import Language

PROGRAMS: Final[dict[Language, str]] = {"lua": "stylua", "javascript": "prettier"}


class Formatter(NamedTuple):
    """A program that was found, as it is called for a file."""

    program: str
    path: str


def formatter(language: Language, folders: Iterable[str]) -> Formatter | None:
    """The program for a language, from the nearest of the folders, or PATH."""
    program = PROGRAMS.get(language)
    if program is None:
        return None
    installed = [os.path.join(folder, "node_modules", ".bin") for folder in folders]  # noqa: PTH118
    for folder in (*installed, *os.get_exec_path()):
        path = os.path.join(folder, program)  # noqa: PTH118  pathlib and shutil take 10 ms to import
        if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
            return Formatter(program, path)
    return None


def above(path: str) -> list[str]:
    """The folders that a file is in, nearest first."""
    found: list[str] = []
    while (folder := os.path.dirname(path)) != path:  # noqa: PTH120
        found.append(folder)
        path = folder
    return found
