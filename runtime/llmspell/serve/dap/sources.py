"""The files of a debugged run: a script's label to a client's path and back, texts, and the lines that have code."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from llmspell.errors import LlmspellError, UsageError
from llmspell.spell import Spell

_LINE: Final = re.compile(r"\r\n|\r|\n")
#: What is written anew in a module.
_LINKS: Final = re.compile(r"\b(?:import|export)\b|\?\.\(")

MeasureLines = Callable[[Spell], Awaitable[list[int]]]


class Sources:
    """cwd: where labels begin. measure: gives the lines of a text that have code; raises LlmspellError."""

    def __init__(self, cwd: Path, measure: MeasureLines) -> None:
        self._cwd = cwd
        self._real = Path(os.path.realpath(cwd))
        self._measure = measure
        self._paths: dict[str, str] = {}  # a label: the path that the client calls it by
        self._lines: dict[str, tuple[int, list[int]]] = {}  # of a path, as it was saved last
        self.loaded: dict[str, str] = {}
        """What the run has loaded, in that order: labels and texts."""

    def label(self, path: str) -> str:
        """As a run calls the file: relative to where it stands, if it is below."""
        given = Path(os.path.normpath(self._cwd / path))
        for base, file in ((self._cwd, given), (self._real, Path(os.path.realpath(given)))):
            if file.is_relative_to(base):
                found = str(file.relative_to(base))
                break
        else:
            found = os.path.realpath(given)
        self._paths[found] = str(given)
        return found

    def path(self, label: str) -> str:
        """As the client knows it."""
        return self._paths.get(label) or str(self._cwd / label)

    def of(self, label: str) -> dict[str, Any]:
        """The `Source` of the protocol."""
        path = self.path(label)
        return {"name": Path(path).name, "path": path}

    def column(self, label: str, line: int, given: int) -> int:
        """Where a line's statement begins, from 1. given: as the engine has it; that is of another text where import
        and export are carried out, which leaves each line only as it is."""
        lines = _LINE.split(self.loaded.get(label, ""))
        if line > len(lines) or (line > 1 and not _LINKS.search(lines[line - 1])):
            return given
        text = lines[line - 1]
        return given if line == 1 and not _LINKS.search("\n".join(lines)) else len(text) - len(text.lstrip()) + 1

    def text(self, path: str) -> str:
        """Raises UsageError."""
        return script(self._cwd / path).source

    async def lines(self, path: str) -> list[int]:
        """The lines at which a script can stop. Raises UsageError for what is no script, does not compile or cannot be
        debugged."""
        file = self._cwd / path
        if not _is_script(file):
            raise UsageError(f"{file.name} is no script that can be debugged")
        spell = Spell.read(file)
        saved = file.stat().st_mtime_ns
        known = self._lines.get(str(file))
        if known is not None and known[0] == saved:
            return known[1]
        try:
            found = await self._measure(spell)
        except UsageError:
            raise
        except LlmspellError as error:
            raise UsageError(f"{file.name} has a mistake: {error.message}") from None
        self._lines[str(file)] = saved, found
        return found


def _is_script(file: Path) -> bool:
    return file.suffix.lower() in (".lua", ".js", ".mjs")


def script(file: Path) -> Spell:
    """Raises UsageError."""
    if not _is_script(file):
        raise UsageError(f"{str(file)!r} is no script", hint="a source is a .lua, .js or .mjs file")
    return Spell.read(file)


def nearest(lines: list[int], wanted: int) -> int | None:
    """The line itself, or the next one that has code."""
    return next((line for line in lines if line >= wanted), None)
